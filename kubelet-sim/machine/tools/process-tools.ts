// sleep, env, printenv, kill, timeout, nohup, xargs' kin that start or end others, and what tells of processes.

import type { Child, Process, Signal } from '../process.ts'
import { signalNumbers } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step, Wait } from '../wait.ts'
import { optionsOf } from './options.ts'
import { nameOf, ToolError, tool, UsageError } from './tool.ts'

const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }

/** `1.5`, `2m`, `inf`: milliseconds. */
export function durationOf(text: string): number {
  if (/^inf(inity)?$/.test(text)) return Number.POSITIVE_INFINITY
  const match = /^(\d+\.?\d*|\.\d+)([smhd]?)$/.exec(text)
  if (match === null) throw new ToolError(`invalid number '${text}'`)
  return Number(match[1]) * units[match[2]!]! * 1000
}

export const sleep = tool('[N]...', function* (process) {
  const words = process.argv.slice(1)
  if (words.length === 0) throw new UsageError('')
  const millis = words.reduce((sum, word) => sum + durationOf(word), 0)
  if (Number.isFinite(millis)) yield* process.sleep(millis)
  else while (true) yield never
  return 0
})

const never: Wait = { isOver: () => false, park: () => () => {} }

export const usleep = tool('N', function* (process) {
  const [word] = process.argv.slice(1)
  if (word === undefined || !/^\d+$/.test(word)) throw new UsageError('')
  yield* process.sleep(Number(word) / 1000)
  return 0
})

export const env = tool('[-i0] [-u NAME]... [-] [NAME=VALUE]... [PROG ARGS]', function* (process) {
  const argv = process.argv.map((word, index) => (index > 0 && word === '-' ? '-i' : word))
  const options = optionsOf({ argv }, '+i0u:', { 'ignore-environment': 'i', unset: 'u', null: '0' })
  const { env: inherited } = process
  const variables = new Map(options.has('i') ? [] : inherited)
  for (const name of options.values('u')) variables.delete(name)
  const words = [...options.words]
  while (words[0]?.includes('=')) {
    const word = words.shift()!
    const equals = word.indexOf('=')
    variables.set(word.slice(0, equals), word.slice(equals + 1))
  }
  if (words.length > 0) return yield* became(process, words, variables)
  const end = options.has('0') ? '\0' : '\n'
  yield* process.print([...variables].map(([name, value]) => `${name}=${value}${end}`).join(''))
  return 0
})

export const printenv = tool('[VARIABLE]...', function* (process) {
  const { argv, env: variables } = process
  const words = argv.slice(1)
  if (words.length === 0) {
    yield* process.print([...variables].map(([name, value]) => `${name}=${value}\n`).join(''))
    return 0
  }
  let code = 0
  for (const word of words) {
    const value = variables.get(word)
    if (value === undefined) code = 1
    else yield* process.print(`${value}\n`)
  }
  return code
})

/** Becomes another program; 127 and 126 as execvp's failures are told. */
export function* became(
  process: Process,
  argv: readonly string[],
  variables?: ReadonlyMap<string, string>,
): Step<number> {
  let running: Step<number>
  try {
    running = process.exec({ argv, env: variables })
    return yield* running
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* process.complain(`${nameOf(process)}: can't execute '${argv[0]}': ${error.message}\n`)
    return error.errno === 'ENOENT' ? 127 : 126
  }
}

/** Starts a child, or says why not. */
export function* started(process: Process, argv: readonly string[]): Step<Child | number> {
  try {
    return process.spawn({ argv })
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    yield* process.complain(`${nameOf(process)}: ${argv[0]}: ${error.message}\n`)
    return error.errno === 'ENOENT' ? 127 : 126
  }
}

export function signalOf(text: string): Signal | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (Object.hasOwn(signalNumbers, name)) return name as Signal
  return (Object.keys(signalNumbers) as Signal[]).find(each => signalNumbers[each] === Number(text) && text !== '')
}

export const kill = tool('[-l] [-SIG] PID...', function* (process) {
  let words = process.argv.slice(1)
  if (words[0] === '-l' || words[0] === '-L') {
    const names = (Object.entries(signalNumbers) as [Signal, number][]).sort((a, b) => a[1] - b[1])
    const asked = words[1]
    if (asked !== undefined) {
      const signal = signalOf(asked)
      if (signal === undefined) throw new ToolError(`unknown signal '${asked}'`)
      yield* process.print(`${/^\d+$/.test(asked) ? signal : signalNumbers[signal]}\n`)
    } else yield* process.print(names.map(([name, number]) => `${String(number).padStart(2)}) ${name}\n`).join(''))
    return 0
  }
  let wanted = 'TERM'
  if (words[0] === '-s') [wanted, words] = [words[1] ?? '', words.slice(2)]
  else if (/^-./.test(words[0] ?? '') && words[0] !== '--' && words.length > 1) {
    ;[wanted, words] = [words[0]!.slice(1), words.slice(1)]
  }
  if (words[0] === '--') words = words.slice(1)
  if (words.length === 0) throw new ToolError('you need to specify whom to kill')
  const asks = wanted === '0'
  const signal = asks ? undefined : signalOf(wanted)
  if (signal === undefined && !asks) throw new ToolError(`bad signal name '${wanted}'`)
  let code = 0
  for (const word of words) {
    if (!/^-?\d+$/.test(word)) {
      yield* process.complain(`kill: invalid number '${word}'\n`)
      code = 1
      continue
    }
    const pid = Number(word)
    const isThere =
      signal === undefined ? process.machine.processes().some(each => each.pid === pid) : process.kill(pid, signal)
    if (isThere) continue
    yield* process.complain(`kill: can't kill pid ${pid}: No such process\n`)
    code = 1
  }
  return code
})

/** Its exit code; undefined: it has not ended within that time. */
export function* exitedWithin(process: Process, child: Child, millis: number): Step<number | undefined> {
  const due = process.clock.now() + millis
  const waiting = child.exited()
  for (let step = waiting.next(); ; step = waiting.next()) {
    if (step.done) return step.value
    const either = orAt(process, step.value, due)
    while (!either.isOver()) yield either
    if (!step.value.isOver()) return undefined
  }
}

/** Over with another, or at that moment. */
function orAt({ clock }: Process, inner: Wait, due: number): Wait {
  return {
    isOver: () => inner.isOver() || clock.now() >= due,
    park(wake) {
      let isAwake = false
      const cancel = () => {
        isAwake = true
        timer?.()
        waiting()
      }
      const once = () => {
        if (isAwake) return
        cancel()
        wake()
      }
      const timer = Number.isFinite(due) ? clock.after(due - clock.now(), once) : undefined
      const waiting = inner.park(once)
      return cancel
    },
  }
}

export const timeout = tool('[-s SIG] [-k KILL_SECS] SECS PROG ARGS', function* (process) {
  const options = optionsOf(process, '+s:k:fvp', {
    signal: 's',
    'kill-after': 'k',
    foreground: 'f',
    'preserve-status': 'p',
  })
  const [limit, ...argv] = options.words
  if (limit === undefined || argv.length === 0) throw new UsageError('')
  const signal = signalOf(options.value('s') ?? 'TERM')
  if (signal === undefined) throw new ToolError(`unknown signal '${options.value('s')}'`)
  const millis = durationOf(limit)
  const child = yield* started(process, argv)
  if (typeof child === 'number') return child
  for (const each of ['TERM', 'INT', 'HUP'] as const) process.onSignal(each, () => process.kill(child.pid, each))
  const code = yield* exitedWithin(process, child, millis === 0 ? Number.POSITIVE_INFINITY : millis)
  if (code !== undefined) return code
  process.kill(child.pid, signal)
  const grace = options.value('k')
  if (grace !== undefined && (yield* exitedWithin(process, child, durationOf(grace))) === undefined) {
    process.kill(child.pid, 'KILL')
    yield* child.exited()
    return 137
  }
  const ended = yield* child.exited()
  // busybox's timeout becomes the program, and a watcher kills it: its code is the signal's.
  return options.has('p') ? ended : signal === 'TERM' ? 143 : ended
})

export const nohup = tool(
  'PROG ARGS',
  function* (process) {
    const argv = process.argv.slice(1)
    if (argv.length === 0) throw new UsageError('')
    process.onSignal('HUP', 'ignore')
    return yield* became(process, argv)
  },
  127,
)

export const time = tool('[-vpa] [-o FILE] PROG ARGS', function* (process) {
  const { words } = optionsOf(process, '+vpa')
  if (words.length === 0) throw new UsageError('')
  const from = process.clock.now()
  const child = yield* started(process, words)
  if (typeof child === 'number') return child
  const code = yield* child.exited()
  const seconds = (process.clock.now() - from) / 1000
  const text = `${Math.floor(seconds / 60)}m ${(seconds % 60).toFixed(2)}s`
  yield* process.complain(`real\t${text}\nuser\t0m 0.00s\nsys\t0m 0.00s\n`)
  return code
})
