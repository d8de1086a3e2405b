// set, shift, getopts, shopt.

import { Exit } from '../faults.ts'
import { quoteForReuse } from '../parameters.ts'
import type { Options, Shell } from '../shell.ts'
import type { Builtin } from './index.ts'

const letters: Readonly<Record<string, keyof Options>> = {
  a: 'allexport',
  C: 'noclobber',
  e: 'errexit',
  f: 'noglob',
  m: 'monitor',
  n: 'noexec',
  u: 'nounset',
  v: 'verbose',
  x: 'xtrace',
}

/** Those that are known and change nothing here. */
const harmless: ReadonlySet<string> = new Set([
  ...['b', 'h', 'B', 'E', 'T', 'H', 'i', 'l', 's', 'p', 'k', 't', 'P'],
  ...[
    'errtrace',
    'functrace',
    'posix',
    'ignoreeof',
    'emacs',
    'vi',
    'notify',
    'nolog',
    'hashall',
    'braceexpand',
    'histexpand',
    'history',
    'interactive',
    'stdin',
    'privileged',
    'physical',
  ],
])

/** `-e`, `+x`, `-o pipefail`; how many arguments it took, or a fault. */
export function setOption(shell: Shell, args: readonly string[], at: number): number | string {
  const arg = args[at]!
  const isOn = arg.startsWith('-')
  let taken = 1
  for (const letter of arg.slice(1)) {
    if (letter === 'o') {
      const name = args[at + taken]
      if (name === undefined) return taken
      taken++
      if (name in shell.options) shell.options[name as keyof Options] = isOn
      else if (!harmless.has(name))
        return shell.dialect === 'bash' ? `${name}: invalid option name` : `illegal option ${arg[0]}o ${name}`
      continue
    }
    const option = letters[letter]
    if (option !== undefined) shell.options[option] = isOn
    else if (!harmless.has(letter))
      return shell.dialect === 'bash' ? `${arg[0]}${letter}: invalid option` : `illegal option ${arg[0]}${letter}`
  }
  return taken
}

export const options: Readonly<Record<string, Builtin>> = {
  *set(shell, args) {
    if (args.length === 1) {
      let text = ''
      for (const name of shell.variables.names()) {
        const value = shell.variables.get(name)
        if (value === undefined) continue
        text += `${name}=${shell.dialect === 'bash' && /^[A-Za-z0-9_@%+:,./-]*$/.test(value) ? value : quoteForReuse(value)}\n`
      }
      yield* shell.process.print(text)
      return 0
    }
    let at = 1
    while (at < args.length) {
      const arg = args[at]!
      if (arg === '--') {
        shell.positional = args.slice(at + 1)
        return 0
      }
      if (arg === '-' || arg === '+') {
        if (arg === '-') shell.options.xtrace = false
        at++
        break
      }
      if (!/^[-+]/.test(arg)) break
      if (/^[-+]o$/.test(arg) && at === args.length - 1) {
        for (const [name, isOn] of Object.entries(shell.options)) {
          yield* shell.process.print(
            arg === '+o' ? `set ${isOn ? '-' : '+'}o ${name}\n` : `${name.padEnd(15)}\t${isOn ? 'on' : 'off'}\n`,
          )
        }
        return 0
      }
      const taken = setOption(shell, args, at)
      if (typeof taken === 'string') {
        yield* shell.complain(taken, 'set')
        if (shell.dialect === 'bash') return 2
        throw new Exit(2)
      }
      at += taken
    }
    if (at < args.length) shell.positional = args.slice(at)
    return 0
  },

  *shift(shell, args) {
    const count = args[1] === undefined ? 1 : Number(args[1])
    if (!Number.isInteger(count) || count < 0) {
      yield* shell.complain(
        shell.dialect === 'bash' ? `${args[1]}: numeric argument required` : `Illegal number: ${args[1]}`,
        'shift',
      )
      if (shell.dialect === 'bash') return 1
      throw new Exit(2)
    }
    if (count > shell.positional.length) {
      if (shell.dialect === 'dash') {
        yield* shell.complain("can't shift that many", 'shift')
        throw new Exit(2)
      }
      return 1
    }
    shell.positional = shell.positional.slice(count)
    return 0
  },

  *getopts(shell, args) {
    const [, spec = '', name = ''] = args
    const words = args.length > 3 ? args.slice(3) : shell.positional
    const isSilent = spec.startsWith(':')
    const index = Number(shell.variables.get('OPTIND') ?? 1)
    // Where in a bundle (-abc) the next one is; forgotten when OPTIND was set anew.
    const [forIndex, place = 1] = (shell.variables.get('_OPTPLACE') ?? '').split(':').map(Number)
    let at = forIndex === index ? place : 1
    const word = words[index - 1]
    const finish = (next: number, letter: string, argument: string | undefined) => {
      shell.assign('OPTIND', String(next))
      shell.assign(name, letter)
      if (argument === undefined) shell.variables.unset('OPTARG')
      else shell.assign('OPTARG', argument)
    }
    if (word === undefined || !word.startsWith('-') || word === '-') {
      finish(index, '?', undefined)
      return 1
    }
    if (word === '--') {
      finish(index + 1, '?', undefined)
      return 1
    }
    const letter = word[at++]!
    const isLast = at >= word.length
    shell.variables.put('_OPTPLACE', { value: isLast ? '' : `${index}:${at}` })
    const known = letter === ':' ? -1 : spec.indexOf(letter, isSilent ? 1 : 0)
    if (known < 0) {
      finish(isLast ? index + 1 : index, '?', isSilent ? letter : undefined)
      if (!isSilent)
        yield* shell.process.complain(
          shell.dialect === 'bash' ? `${shell.name}: illegal option -- ${letter}\n` : `Illegal option -${letter}\n`,
        )
      return 0
    }
    if (spec[known + 1] !== ':') {
      finish(isLast ? index + 1 : index, letter, undefined)
      return 0
    }
    shell.variables.put('_OPTPLACE', { value: '' })
    if (!isLast) finish(index + 1, letter, word.slice(at))
    else if (words[index] !== undefined) finish(index + 2, letter, words[index])
    else {
      finish(index + 1, isSilent ? ':' : '?', isSilent ? letter : undefined)
      if (!isSilent) {
        yield* shell.process.complain(
          shell.dialect === 'bash'
            ? `${shell.name}: option requires an argument -- ${letter}\n`
            : `No arg for -${letter} option\n`,
        )
      }
    }
    return 0
  },

  *shopt(shell, args) {
    yield* []
    const [, flag, ...names] = args
    if (flag === '-s') for (const name of names) shell.shopts.add(name)
    else if (flag === '-u') for (const name of names) shell.shopts.delete(name)
    else if (flag === '-q') return names.every(name => shell.shopts.has(name)) ? 0 : 1
    return 0
  },
}
