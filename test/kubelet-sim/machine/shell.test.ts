import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { evaluate } from '../../../kubelet-sim/machine/shell/arithmetic.ts'
import { parseAll } from '../../../kubelet-sim/machine/shell/parser.ts'
import { compilePattern, matches } from '../../../kubelet-sim/machine/shell/patterns.ts'
import { SyntaxFault } from '../../../kubelet-sim/machine/shell/syntax.ts'
import answers from './shell-answers.json' with { type: 'json' }
import { commandOf, shellMachine } from './shells.ts'

interface Answer {
  readonly shell: string
  readonly script: string
  readonly stdout: string
  readonly stderr?: string
  readonly code?: number
}

describe('a script prints what busybox’ ash (1.35) and bash (5.2) print', () => {
  test.each(answers as Answer[])('$shell: $script', async ({ shell, script, stdout, stderr = '', code = 0 }) => {
    const kind = shell as 'ash' | 'bash'
    const { run } = shellMachine(kind)
    // With a name of its own ash tells the lines of its errors.
    const name = kind === 'ash' ? ['sh'] : []
    expect(await run([commandOf(kind), '-c', script, ...name], { cwd: '/work' })).toEqual({ code, stdout, stderr })
  })
})

test('ash without a name of its own tells no line, but of a builtin', async () => {
  const said = async (script: string) => (await shellMachine('ash').run(['sh', '-c', script])).stderr
  expect(await said('nosuch; (nosuch2); f() { nosuch3; }; f')).toBe(
    'sh: nosuch: not found\nsh: nosuch2: not found\nsh: nosuch3: not found\n',
  )
  expect(await said('cd /nope')).toBe("sh: cd: line 0: can't cd to /nope: No such file or directory\n")
  expect(await said('if')).toBe('sh: syntax error: unexpected end of file (expecting "then")\n')
})

describe('by the cluster’s clock', () => {
  test('what it prints comes line by line, as time passes', async () => {
    const { env, start } = shellMachine('ash')
    const { running, text } = start(['sh', '-c', 'echo a; sleep 5; echo b; sleep 5; exit 4'])
    await env.activity.idle()
    expect(text()).toBe('a\n')
    await env.clock.advance(5000)
    expect(text()).toBe('a\nb\n')
    await env.clock.advance(5000)
    expect(running.exitCode).toBe(4)
  })

  test('its last command takes its place, as it does for real', async () => {
    const { env, machine, start } = shellMachine('ash')
    start(['sh', '-c', 'echo a; sleep 3600'])
    await env.activity.idle()
    expect(machine.processes().map(({ pid, argv }) => [pid, ...argv])).toEqual([[1, 'sleep', '3600']])
  })

  test.each([
    ['a bare shell as process 1 ignores TERM', 'sleep 100; echo never', undefined, ''],
    ['a trap is run when what is in front has ended', 'trap "echo term; exit 3" TERM; sleep 10; echo no', 3, 'term\n'],
    ['a trap interrupts wait', 'trap "echo term; exit 5" TERM; sleep 1000 & wait; echo no', 5, 'term\n'],
    ['exec hands over', 'trap "echo never" TERM; exec sleep 12', 0, ''],
  ])('TERM: %s', async (_, script, code, text) => {
    const { env, start } = shellMachine('ash')
    const started = start(['sh', '-c', script])
    await env.clock.advance(2000)
    started.running.kill('TERM')
    await env.clock.advance(20_000)
    expect([started.running.exitCode, started.text()]).toEqual([code, text])
  })

  test('a loop without end and a neighbour that goes on', async () => {
    const { env, start } = shellMachine('ash')
    const spinning = start(['sh', '-c', 'while :; do :; done'])
    const other = start(['sh', '-c', 'for i in 1 2 3; do sleep 1; echo $i; done'])
    await env.clock.advance(60_000)
    expect(other.text()).toBe('1\n2\n3\n')
    expect(spinning.running.exitCode).toBeUndefined()
  })

  test.each([
    'yes',
    'yes > /dev/null',
    'cat /dev/zero > /dev/null',
    'yes | cat > /dev/null',
    'seq 1 999999999 | tail -n 1',
  ])(
    '%s hangs nobody',
    async script => {
      const { env, start } = shellMachine('ash')
      const started = start(['sh', '-c', script])
      const other = start(['sh', '-c', 'sleep 3; echo there'])
      await env.clock.advance(5_000)
      expect(started.running.exitCode).toBeUndefined()
      expect(other.text()).toBe('there\n')
    },
    30_000,
  )

  test('who eats memory is killed', async () => {
    const { machine, run } = shellMachine('ash')
    expect((await run(['sh', '-c', 'x=aaaaaaaaaa; while :; do x=$x$x; done'])).code).toBe(137)
    expect(machine.isOutOfMemory).toBe(true)
  })

  test('a fork bomb meets the most processes a container may have', async () => {
    const { run } = shellMachine('ash')
    const { code, stderr } = await run(['sh', '-c', 'b() { b | b & }; b; sleep 5; exit 3'])
    expect(stderr).toContain("can't fork: Resource temporarily unavailable")
    expect([2, 3]).toContain(code)
  }, 30_000)
})

describe('at a terminal', () => {
  const terminal = { columns: 80, rows: 24 }
  async function session(shell: 'ash' | 'bash', ...typed: string[]) {
    const { env, start } = shellMachine(shell)
    const { running, text } = start([commandOf(shell)], { terminal, stdin: true })
    await env.activity.idle()
    for (const each of typed) {
      running.input(Buffer.from(each))
      await env.clock.advance(100)
    }
    return { env, running, text }
  }

  test('ash prompts, echoes and ends with exit', async () => {
    const { running, text } = await session('ash', 'echo hi\r', 'cd /tmp\r', 'exit 3\r')
    expect(text()).toBe('/ # echo hi\r\nhi\r\n/ # cd /tmp\r\n/tmp # exit 3\r\n')
    expect(running.exitCode).toBe(3)
  })

  test('bash has its own prompt, and Ctrl-D ends it', async () => {
    const { running, text } = await session('bash', 'nosuch\r', '\x04')
    expect(text()).toBe('root@web:/# nosuch\r\nbash: nosuch: command not found\r\nroot@web:/# exit\r\n')
    expect(running.exitCode).toBe(127)
  })

  test('Ctrl-C ends what is in front, or the line that is typed, and not the shell', async () => {
    const { running, text } = await session('ash', 'sleep 100\r', '\x03', 'echo $?\r', 'half', '\x03', 'echo x\r')
    expect(text()).toBe('/ # sleep 100\r\n^C\r\n/ # echo $?\r\n130\r\n/ # half^C\r\n/ # echo x\r\nx\r\n/ # ')
    expect(running.exitCode).toBeUndefined()
  })

  test('the arrows go through what was typed, Tab completes', async () => {
    const { text } = await session('ash', 'echo one\r', '\x1b[A', '\r', 'ls /etc/host\t')
    expect(text()).toContain('/ # echo one\x1b[K\r\none\r\n')
    expect(text().endsWith('ls /etc/hostname')).toBe(false)
    expect(text().endsWith('ls /etc/host')).toBe(true)
  })

  test('a command may take several lines', async () => {
    const { text } = await session('ash', 'for i in 1 2\r', 'do echo $i\r', 'done\r')
    expect(text()).toBe('/ # for i in 1 2\r\n> do echo $i\r\n> done\r\n1\r\n2\r\n/ # ')
  })
})

test('commands from its input: what a command reads is not read as commands', async () => {
  const { env, start } = shellMachine('ash')
  const { running, text } = start(['sh'], { stdin: true })
  running.input(Buffer.from('read x\nvalue\necho "<$x>"\nif true\nthen echo yes; fi\nexit 7\necho never\n'))
  await env.activity.idle()
  expect(text()).toBe('<value>\nyes\n')
  expect(running.exitCode).toBe(7)
})

describe('the parser', () => {
  const pieces = [
    ...[
      'if',
      'then',
      'else',
      'elif',
      'fi',
      'for',
      'in',
      'while',
      'until',
      'do',
      'done',
      'case',
      'esac',
      '{',
      '}',
      '[[',
      ']]',
      '!',
      'time',
    ],
    ...[
      '(',
      ')',
      '((',
      '))',
      ';',
      ';;',
      '&',
      '&&',
      '||',
      '|',
      '<',
      '>',
      '<<',
      '<<-',
      '<<<',
      '>&',
      '2>',
      '\n',
      ' ',
      '\t',
      '\\',
      '\\\n',
    ],
    ...[
      '"',
      "'",
      '`',
      '$',
      '$(',
      '${',
      '$((',
      '${x',
      ':-',
      '##',
      '%',
      '//',
      '}',
      '~',
      '*',
      '?',
      '[',
      ']',
      '#',
      '=',
      'x=',
      'a',
      'EOF',
      '1',
      '@',
      "$'",
    ],
  ]
  const script = fc
    .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 40 })
    .map(parts => parts.join(''))
  test.each(['ash', 'dash', 'bash'] as const)(
    '%s: reads any text to its end, or says what is wrong with it',
    dialect => {
      fc.assert(
        fc.property(script, text => {
          try {
            parseAll(text, dialect)
          } catch (error) {
            if (!(error instanceof SyntaxFault)) throw error
          }
        }),
        { numRuns: 3000 },
      )
    },
  )
  // As busybox 1.35 says it: a list that is empty expects nothing, one that is missing its end does.
  test.each([
    ['if then', 'unexpected "then"'],
    ['while do', 'unexpected "do"'],
    ['if true; then fi', 'unexpected "fi"'],
    ['{ }', 'unexpected "}"'],
    ['if', 'unexpected end of file (expecting "then")'],
    ['if true then', 'unexpected end of file (expecting "then")'],
    ['while true; done', 'unexpected "done" (expecting "do")'],
  ])('%s: %s', (text, fault) => {
    expect(() => parseAll(text, 'ash')).toThrow(new RegExp(`^${fault.replace(/[()}]/g, '\\$&')}$`))
  })
  test('what nests without end is a syntax error', () => {
    for (const text of [
      '('.repeat(100_000),
      '$('.repeat(50_000),
      '${x:-'.repeat(50_000),
      '{ '.repeat(50_000),
      '! '.repeat(50_000),
    ]) {
      expect(() => parseAll(text, 'bash')).toThrow(SyntaxFault)
    }
  })
})

test('a pattern matches as its regular expression does', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '[ab]', '[!a]'), maxLength: 8 })
  fc.assert(
    fc.property(pattern, text, (wanted, given) => {
      const expression = wanted.replaceAll('*', '.*').replaceAll('?', '.').replaceAll('[!', '[^')
      expect(matches(compilePattern(wanted), given)).toBe(new RegExp(`^${expression}$`).test(given))
    }),
  )
})

test('arithmetic is C’s, in 64 bits', () => {
  const none = { get: () => undefined, set: () => {} }
  const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  fc.assert(
    fc.property(number, number, (a, b) => {
      expect(evaluate(`(${a}) * (${b}) + (${a})`, none)).toBe(BigInt.asIntN(64, a * b + a))
      expect(evaluate(`(${a}) < (${b}) ? 1 : 2`, none)).toBe(a < b ? 1n : 2n)
    }),
  )
})
