// Builtins that say what is run next: `:`, true, false, exit, return, break, continue, eval, exec, source, time.

import { SystemError } from '../../system-error.ts'
import { Exit, LoopJump, Return, ShellFault } from '../faults.ts'
import { notStarted } from '../programs.ts'
import type { Shell } from '../shell.ts'
import { type Builtin, builtins } from './index.ts'

// biome-ignore lint/correctness/useYield: a step like all others
const nothing: Builtin = function* () {
  return 0
}

// biome-ignore lint/correctness/useYield: a step like all others
const falsely: Builtin = function* () {
  return 1
}

const jump = (kind: 'break' | 'continue'): Builtin =>
  function* (shell, args) {
    const count = args[1] === undefined ? 1 : Number(args[1])
    if (!Number.isInteger(count) || count < 1) {
      yield* shell.complain(
        shell.dialect === 'bash' ? `${args[1]}: loop count out of range` : `Illegal number: ${args[1]}`,
        kind,
      )
      if (shell.dialect === 'bash') return 1
      throw new Exit(2)
    }
    if (shell.loops === 0) return 0
    throw new LoopJump(kind, count)
  }

const source: Builtin = function* (shell, args) {
  const name = args[1]
  if (name === undefined) {
    yield* shell.complain(shell.dialect === 'bash' ? 'filename argument required' : 'arg count', args[0])
    return 2
  }
  const path = found(shell, name)
  if (path === undefined) {
    if (shell.dialect === 'bash') {
      yield* shell.complain(`${name}: No such file or directory`)
      return 1
    }
    throw new ShellFault(
      shell.dialect === 'dash'
        ? `.: cannot open ${name}: No such file`
        : `.: can't open '${name}': No such file or directory`,
      2,
    )
  }
  const text = shell.process.files.readText(path)
  const before = shell.positional
  if (args.length > 2) shell.positional = args.slice(2)
  shell.callers++
  try {
    return yield* shell.evaluate(text, 'source')
  } catch (error) {
    if (!(error instanceof Return)) throw error
    return error.code
  } finally {
    shell.callers--
    if (args.length > 2) shell.positional = before
  }
}

function found(shell: Shell, name: string): string | undefined {
  const { files } = shell.process
  const own = shell.absolute(name)
  if (name.includes('/')) return files.exists(own) ? own : undefined
  for (const folder of (shell.variables.get('PATH') ?? '').split(':')) {
    const path = `${folder}/${name}`
    if (files.exists(path) && files.stat(path).kind === 'file') return path
  }
  return files.exists(own) && shell.dialect !== 'dash' ? own : undefined
}

export const control: Readonly<Record<string, Builtin>> = {
  ':': nothing,
  true: nothing,
  false: falsely,
  break: jump('break'),
  continue: jump('continue'),
  '.': source,
  source,

  *exit(shell, args) {
    const code = yield* codeOf(shell, args)
    throw new Exit(code)
  },

  *return(shell, args) {
    const code = yield* codeOf(shell, args)
    if (shell.callers === 0 && shell.dialect === 'bash') {
      yield* shell.complain("can only `return' from a function or sourced script", 'return')
      return 2
    }
    throw new Return(code)
  },

  *eval(shell, args) {
    const text = args.slice(1).join(' ')
    return yield* shell.evaluate(text, 'eval')
  },

  *exec(shell, args) {
    const words = args[1] === '--' ? args.slice(2) : args.slice(1)
    if (words.length === 0) return 0
    let running: ReturnType<typeof shell.process.exec>
    try {
      running = shell.process.exec({ argv: words, env: shell.variables.exported })
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      if (shell.dialect === 'bash') {
        yield* shell.complain(
          error.errno === 'ENOENT' && !words[0]!.includes('/')
            ? `exec: ${words[0]}: not found`
            : `${words[0]}: ${error.message}`,
        )
        throw new Exit(error.errno === 'ENOENT' ? 127 : 126)
      }
      throw new Exit(yield* notStarted(shell, words, error))
    }
    shell.traps.delete('EXIT')
    throw new Exit(yield* running)
  },

  *builtin(shell, args) {
    const own = builtins.get(args[1] ?? '')
    if (own !== undefined) return yield* own(shell, args.slice(1), undefined)
    if (args[1] === undefined) return 0
    yield* shell.complain(`${args[1]}: not a shell builtin`, 'builtin')
    return 1
  },

  *times(shell) {
    yield* shell.process.print('0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n')
    return 0
  },
}

function* codeOf(shell: Shell, args: readonly string[]) {
  const text = args[1]
  if (text === undefined) return shell.status
  if (/^[-+]?\d+$/.test(text)) return Number(text) & 255
  if (shell.dialect === 'bash') yield* shell.complain(`${text}: numeric argument required`, args[0])
  else yield* shell.complain(`Illegal number: ${text}`, args[0])
  return 2
}
