import { describe, expect, test } from 'vitest'
import { Kernel } from '../../../kubelet-sim/machine/kernel.ts'
import { NotStarted } from '../../../kubelet-sim/machine/not-started.ts'
import { Pipe } from '../../../kubelet-sim/machine/pipe.ts'
import type { Process, Program } from '../../../kubelet-sim/machine/process.ts'
import { virtualEnv } from '../../../src/env/virtual-env.ts'
import { testMachine } from './machine.ts'

const sleeper: Program = function* (process) {
  yield* process.sleep(Number(process.argv[1]) * 1000)
  yield* process.print(`slept ${process.argv[1]}\n`)
  return 0
}

const spinner: Program = function* (process) {
  for (;;) yield* process.pause()
}

const init = (program: Program) => ({ programs: { sleep: sleeper, yes: spinner, sh: program } })

describe('the kernel', () => {
  test('a program sleeps by the cluster’s clock, and virtual time stands while it has something to do', async () => {
    const { env, start } = testMachine(init(sleeper))
    const { running, text } = start(['sh', '5'])
    await env.clock.advance(4999)
    expect(text()).toBe('')
    await env.clock.advance(1)
    expect(text()).toBe('slept 5\n')
    expect(await running.exited).toBe(0)
    expect(env.clock.waiting).toBe(0)
  })

  test('a thousand sleepers are one timer', async () => {
    const env = virtualEnv({ seed: 1 })
    const kernel = new Kernel(env)
    for (let count = 0; count < 1000; count++) testMachine({ env, kernel, ...init(sleeper) }).start(['sh', '60'])
    await env.activity.idle()
    expect(env.clock.waiting).toBe(1)
  })

  test('a loop without end hangs neither time nor its neighbours', async () => {
    const env = virtualEnv({ seed: 1 })
    const kernel = new Kernel(env)
    const bad = testMachine({ env, kernel, ...init(spinner) }).start(['sh'])
    const good = testMachine({ env, kernel, ...init(sleeper) }).start(['sh', '1'])
    await env.clock.advance(60_000)
    expect(good.text()).toBe('slept 1\n')
    expect(bad.running.exitCode).toBeUndefined()
    bad.running.kill('KILL')
    expect(bad.running.exitCode).toBe(137)
  })

  test('what it may take is counted in steps: the same run is the same', async () => {
    const runs = []
    for (let run = 0; run < 2; run++) {
      const { env, start } = testMachine(
        init(function* (process) {
          for (let left = 1_000_000; left > 0; left--) yield* process.pause()
          return 0
        }),
      )
      const { running } = start(['sh'])
      await env.clock.advanceUntil(() => running.exitCode !== undefined, 3_600_000)
      runs.push(env.clock.now())
    }
    expect(runs[0]).toBe(runs[1])
    expect(runs[0]! - virtualEnv().clock.now()).toBeGreaterThan(60_000)
  })

  test('pipes: a writer waits for a slow reader, and dies when there is none', async () => {
    const seen: number[] = []
    const { run } = testMachine(
      init(function* (process) {
        const pipe = new Pipe()
        const writer = process.spawn({
          argv: ['writer'],
          descriptors: new Map([[1, pipe.writeEnd]]),
          program: function* (own) {
            for (;;) {
              yield* own.print('x'.repeat(10_000))
              seen.push(own.clock.now())
            }
          },
        })
        yield* process.sleep(1000)
        expect(seen.length).toBe(6)
        yield* pipe.readEnd.read(65536)
        pipe.readEnd.close()
        return yield* writer.exited()
      }),
    )
    expect((await run(['sh'])).code).toBe(141)
  })

  test('memory: who takes more than the container may have is killed, and the container with it', async () => {
    const { machine, run } = testMachine({
      ...init(function* (process) {
        for (;;) {
          process.allocate(1024 * 1024)
          yield* process.pause()
        }
      }),
      facts: { limits: { memory: 10 * 1024 * 1024, cpu: undefined, cpuShares: 2 } },
    })
    expect((await run(['sh'])).code).toBe(137)
    expect(machine.isOutOfMemory).toBe(true)
  })
})

describe('signals', () => {
  const nothing: Program = function* (process) {
    yield* process.sleep(Number.POSITIVE_INFINITY)
    return 0
  }
  const handling: Program = function* (process) {
    process.onSignal('TERM', () => [...process.descriptors.get(1)!.write(Buffer.from('told\n'))])
    yield* process.sleep(10_000)
    return 7
  }

  test('process 1 withstands what it has no handler for, and KILL from inside; others do not', async () => {
    const { env, machine, start } = testMachine(init(nothing))
    const first = start(['sh'])
    const second = start(['sh'])
    const third = start(['sleep', '5'])
    await env.activity.idle()
    first.running.kill('TERM')
    machine.kill(2, 'TERM')
    expect([first.running.exitCode, second.running.exitCode]).toEqual([undefined, 143])
    first.running.kill('KILL')
    expect([first.running.exitCode, third.running.exitCode]).toEqual([137, 137])
    expect(machine.processes()).toEqual([])
  })

  test('a handler runs between two steps, and the program goes on', async () => {
    const { env, start } = testMachine(init(handling))
    const { running, text } = start(['sh'])
    await env.clock.advance(1000)
    running.kill('TERM')
    await env.clock.advance(9000)
    expect(text()).toBe('told\n')
    expect(running.exitCode).toBe(7)
  })

  test('orphans are process 1’s', async () => {
    let orphan: Process | undefined
    const { env, machine, start } = testMachine(
      init(function* (process) {
        const child = process.spawn({
          argv: ['child'],
          program: function* (own) {
            own.spawn({
              argv: ['orphan'],
              program: function* (last) {
                orphan = last
                yield* last.sleep(5000)
                return 0
              },
            })
            yield* own.pause()
            return 3
          },
        })
        expect(yield* child.exited()).toBe(3)
        yield* process.sleep(60_000)
        return 0
      }),
    )
    start(['sh'])
    await env.clock.advance(1000)
    expect(machine.processes().map(({ pid, parent, argv }) => [pid, parent, argv[0]])).toEqual([
      [1, 0, 'sh'],
      [3, 1, 'orphan'],
    ])
    expect(orphan?.parent).toBe(1)
  })
})

describe('starting', () => {
  test.each([
    [['nope'], 'exec: "nope": executable file not found in $PATH', 127],
    [['/nope'], 'exec: "/nope": stat /nope: no such file or directory', 127],
    [['/etc/passwd'], 'exec: "/etc/passwd": permission denied', 126],
  ])('%j is refused in the runtime’s words', (argv, message, exitCode) => {
    const { start } = testMachine(init(sleeper))
    expect(() => start(argv)).toThrow(new NotStarted(message, exitCode))
  })

  test('a script is run by its interpreter', async () => {
    const { run, machine } = testMachine(
      init(function* (process) {
        yield* process.print(`${process.argv.join(' ')}\n`)
        return 0
      }),
    )
    machine.files.write('/run.sh', '#!/bin/sh -eu\necho hi\n')
    machine.files.chmod('/run.sh', 0o755)
    expect((await run(['/run.sh', 'one'])).stdout).toBe('/bin/sh -eu /run.sh one\n')
  })
})

describe('a terminal', () => {
  const cat: Program = function* (process) {
    for (let line = yield* process.readLine(); line !== undefined; line = yield* process.readLine()) {
      yield* process.print(`<${line}>\n`)
    }
    return 0
  }
  test('echoes, edits the line, ends at Ctrl-D', async () => {
    const { env, start } = testMachine(init(cat))
    const { running, text } = start(['sh'], { terminal: { columns: 80, rows: 24 } })
    for (const typed of ['hello\r', 'abc\x7f\x7fd\r', 'one two\x17', 'x\r', '\x04']) {
      running.input(Buffer.from(typed))
      await env.activity.idle()
    }
    expect(text()).toBe('hello\r\n<hello>\r\nabc\b \b\b \bd\r\n<ad>\r\none two\b \b\b \b\b \bx\r\n<one x>\r\n')
    expect(running.exitCode).toBe(0)
  })
  test('Ctrl-C ends what is in front', async () => {
    const { env, start } = testMachine(init(sleeper))
    start(['sh', '600'])
    const { running, text } = start(['sh', '60'], { terminal: { columns: 80, rows: 24 } })
    await env.clock.advance(1000)
    running.input(Buffer.from('\x03'))
    expect(running.exitCode).toBe(130)
    expect(text()).toBe('^C')
  })
})
