// wait, jobs, fg, bg, kill, disown.

import type { Child } from '../../process.ts'
import { type Signal, signalNumbers } from '../../process.ts'
import type { Step, Wait } from '../../wait.ts'
import { either, Waiters } from '../../waiters.ts'
import { hasEnded, type Job } from '../jobs.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './index.ts'

export const signalNames: readonly (readonly [number, string])[] = [
  ...[
    'HUP',
    'INT',
    'QUIT',
    'ILL',
    'TRAP',
    'ABRT',
    'BUS',
    'FPE',
    'KILL',
    'USR1',
    'SEGV',
    'USR2',
    'PIPE',
    'ALRM',
    'TERM',
  ],
  ...[
    'STKFLT',
    'CHLD',
    'CONT',
    'STOP',
    'TSTP',
    'TTIN',
    'TTOU',
    'URG',
    'XCPU',
    'XFSZ',
    'VTALRM',
    'PROF',
    'WINCH',
    'POLL',
  ],
  ...['PWR', 'SYS'],
].map((name, index) => [index + 1, name])

/** `TERM`, `SIGTERM`, `15`; undefined: there is none. */
export function signalNamed(text: string): Signal | undefined {
  const name = /^\d+$/.test(text)
    ? signalNames.find(([number]) => number === Number(text))?.[1]
    : text.toUpperCase().replace(/^SIG/, '')
  return name !== undefined && name in signalNumbers ? (name as Signal) : undefined
}

/** Waits for them, or for a signal that has a trap: then its number and 128. */
function* waitFor(shell: Shell, children: readonly Child[], any = false): Step<number> {
  const isOver = () =>
    any ? children.some(child => child.exitCode !== undefined) : children.every(child => child.exitCode !== undefined)
  const trapped = shell.trapped.until(() => shell.hasPending)
  while (!isOver()) {
    if (shell.hasPending) return 128 + signalNumbers[shell.firstPending!]
    yield either(endOf(children), trapped)
  }
  if (any) return children.find(child => child.exitCode !== undefined)?.exitCode ?? 127
  let code = 0
  for (const child of children) code = yield* child.exited()
  return code
}

/** The end of one of them that still runs. */
function endOf(children: readonly Child[]): Wait {
  const running = children.filter(child => child.exitCode === undefined)
  return {
    isOver: () => running.some(child => child.exitCode !== undefined),
    park(wake) {
      const woken = new Waiters()
      const cancelOwn = woken.park(wake)
      const cancels = running.map(child => child.ended.park(() => woken.tell()))
      return () => {
        cancelOwn()
        for (const cancel of cancels) cancel()
      }
    },
  }
}

const line = (job: Job, current: Job | undefined, showsPid: boolean): string => {
  const last = job.children.at(-1)!
  const code = last.exitCode
  const state = code === undefined ? 'Running' : code === 0 ? 'Done' : code > 128 ? 'Terminated' : `Done(${code})`
  const pid = showsPid ? `${last.pid} ` : ''
  return `[${job.id}]${job === current ? '+' : '-'}  ${pid}${state.padEnd(24)}${job.text}${code === undefined ? ' &' : ''}\n`
}

/** What an interactive shell says before its prompt. */
export function* tellEnded(shell: Shell): Step<void> {
  for (const job of [...shell.jobs.all()]) {
    if (!hasEnded(job)) continue
    yield* shell.process.complain(line(job, shell.jobs.current, false))
    shell.jobs.forget(job)
  }
}

/** kill is a tool that is built in, and words its errors so. */
function* told(shell: Shell, bash: string, ash: string): Step<void> {
  yield* shell.process.complain(`${shell.applet}${shell.dialect === 'bash' ? `kill: ${bash}` : ash}\n`)
}

export const jobControl: Readonly<Record<string, Builtin>> = {
  *wait(shell, args) {
    const words = args.slice(1)
    const any = words[0] === '-n'
    if (any) words.shift()
    if (words.length === 0) {
      const all = shell.jobs.all().flatMap(job => job.children)
      if (any && all.length === 0) return 127
      const code = yield* waitFor(shell, all, any)
      if (shell.hasPending) return code
      for (const job of [...shell.jobs.all()]) if (hasEnded(job)) shell.jobs.forget(job)
      return any ? code : 0
    }
    let code = 0
    for (const word of words) {
      const job = shell.jobs.find(word)
      if (job === undefined) {
        const known = shell.jobs.codeOf(Number(word))
        if (known === undefined && shell.dialect === 'bash' && /^\d+$/.test(word)) {
          yield* shell.complain(`pid ${word} is not a child of this shell`, 'wait')
        }
        code = known ?? 127
        continue
      }
      code = yield* waitFor(shell, job.children)
      if (shell.hasPending) return code
      if (hasEnded(job)) shell.jobs.forget(job)
    }
    return code
  },

  *jobs(shell, args) {
    for (const job of [...shell.jobs.all()]) {
      if (args[1] === '-p') yield* shell.process.print(`${job.children[0]!.pid}\n`)
      else yield* shell.process.print(line(job, shell.jobs.current, args[1] === '-l'))
      if (hasEnded(job)) shell.jobs.forget(job)
    }
    return 0
  },

  *fg(shell, args) {
    const job = shell.jobs.find(args[1] ?? '%%')
    if (job === undefined) {
      yield* shell.complain(shell.dialect === 'bash' ? 'no current jobs' : 'No current job', 'fg')
      return 1
    }
    yield* shell.process.print(`${job.text}\n`)
    for (const child of job.children) shell.process.kill(child.pid, 'CONT')
    const code = yield* shell.foreground(job.children, job.children[0]!.pid)
    shell.jobs.forget(job)
    return code
  },

  *bg(shell, args) {
    const job = shell.jobs.find(args[1] ?? '%%')
    if (job === undefined) {
      yield* shell.complain('no current job', 'bg')
      return 1
    }
    for (const child of job.children) shell.process.kill(child.pid, 'CONT')
    return 0
  },

  *disown(shell) {
    yield* []
    shell.jobs.clear()
    return 0
  },

  *kill(shell, args) {
    let at = 1
    let signal: Signal | undefined = 'TERM'
    const first = args[1]
    if (first === '-l' || first === '-L') {
      const number = Number(args[2])
      if (args[2] !== undefined) {
        const name = signalNames.find(([own]) => own === (number > 128 ? number - 128 : number))
        yield* shell.process.print(
          `${Number.isNaN(number) ? (signalNames.find(([, own]) => own === args[2])?.[0] ?? '') : (name?.[1] ?? '')}\n`,
        )
        return 0
      }
      yield* shell.process.print(
        `${signalNames.map(([own, name]) => `${String(own).padStart(2)}) ${shell.dialect === 'bash' ? 'SIG' : ''}${name}`).join('\n')}\n`,
      )
      return 0
    }
    let isProbe = false
    if (first === '-s' || first === '-n') {
      signal = signalNamed(args[2] ?? '')
      isProbe = args[2] === '0'
      at = 3
    } else if (first !== undefined && /^-[A-Za-z0-9]+$/.test(first)) {
      signal = signalNamed(first.slice(1))
      isProbe = first === '-0'
      at = 2
    }
    if (args[at] === '--') at++
    if (signal === undefined && !isProbe) {
      yield* told(
        shell,
        `${args[at - 1]!.replace(/^-/, '')}: invalid signal specification`,
        `bad signal name '${args[at - 1]!.replace(/^-/, '')}'`,
      )
      return 1
    }
    if (at >= args.length) {
      yield* shell.complain(
        shell.dialect === 'bash'
          ? 'usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]'
          : 'you need to specify whom to kill',
        'kill',
      )
      return shell.dialect === 'bash' ? 2 : 1
    }
    let status = 0
    for (const word of args.slice(at)) {
      const job = word.startsWith('%') ? shell.jobs.find(word) : undefined
      if (!job && !/^-?\d+$/.test(word)) {
        yield* told(shell, `${word}: arguments must be process or job IDs`, `invalid number '${word}'`)
        status = 1
        continue
      }
      const pids = job ? job.children.map(child => child.pid) : [Number(word)]
      for (const pid of pids) {
        const isThere = isProbe
          ? shell.process.machine.processes().some(process => process.pid === pid)
          : shell.process.kill(pid, signal!)
        if (isThere) continue
        yield* told(shell, `(${word}) - No such process`, `can't kill pid ${word}: No such process`)
        status = 1
      }
    }
    // What it sent itself comes before the next command.
    yield* shell.process.pause()
    return status
  },
}
