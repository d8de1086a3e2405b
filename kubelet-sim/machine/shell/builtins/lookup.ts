// What a name means: type, command, hash, alias, help.

import { SystemError } from '../../system-error.ts'
import { quoteForReuse } from '../parameters.ts'
import { external } from '../programs.ts'
import type { Shell } from '../shell.ts'
import { type Builtin, builtins, isSpecial } from './index.ts'

const keywords = new Set([
  'if',
  'then',
  'else',
  'elif',
  'fi',
  'case',
  'esac',
  'for',
  'while',
  'until',
  'do',
  'done',
  '{',
  '}',
  '!',
  'in',
  '[[',
  ']]',
  'function',
  'time',
  'select',
])

export function pathOf(shell: Shell, name: string): string | undefined {
  const { files } = shell.process
  const isProgram = (path: string) => {
    try {
      return files.stat(path).kind === 'file' && files.access(path, 'execute')
    } catch (error) {
      if (error instanceof SystemError) return false
      throw error
    }
  }
  if (name.includes('/')) return isProgram(shell.absolute(name)) ? name : undefined
  for (const folder of (shell.variables.get('PATH') ?? '').split(':')) {
    const path = `${folder || '.'}/${name}`
    if (isProgram(shell.absolute(path))) return path
  }
  return undefined
}

function describe(shell: Shell, name: string): string | undefined {
  const alias = shell.aliases.get(name)
  if (alias !== undefined)
    return shell.dialect === 'bash' ? `${name} is aliased to \`${alias}'` : `${name} is an alias for ${alias}`
  if (keywords.has(name)) return `${name} is a shell keyword`
  if (shell.functions.has(name)) return shell.dialect === 'bash' ? `${name} is a function` : `${name} is a function`
  if (builtins.has(name))
    return `${name} is a ${isSpecial(name) && shell.dialect !== 'bash' ? 'special ' : ''}shell builtin`
  const path = pathOf(shell, name)
  return path === undefined ? undefined : `${name} is ${path}`
}

const type: Builtin = function* (shell, args) {
  let status = 0
  let mode = ''
  for (const name of args.slice(1)) {
    if (/^-[tpPaf]+$/.test(name) && shell.dialect === 'bash') {
      mode = name
      continue
    }
    const words = describe(shell, name)
    if (words === undefined) {
      status = shell.dialect === 'bash' ? 1 : 127
      if (mode === '') {
        if (shell.dialect === 'bash') yield* shell.complain(`${name}: not found`, 'type')
        else yield* shell.process.print(`${name}: not found\n`)
      }
      continue
    }
    if (mode === '-t') yield* shell.process.print(`${kindOf(shell, name)}\n`)
    else if (/^-[pP]/.test(mode)) yield* shell.process.print(`${pathOf(shell, name) ?? ''}\n`)
    else yield* shell.process.print(`${words}\n`)
  }
  return status
}

function kindOf(shell: Shell, name: string): string {
  if (shell.aliases.has(name)) return 'alias'
  if (keywords.has(name)) return 'keyword'
  if (shell.functions.has(name)) return 'function'
  return builtins.has(name) ? 'builtin' : 'file'
}

const command: Builtin = function* (shell, args) {
  let at = 1
  let mode = ''
  for (; /^-[vVp]+$/.test(args[at] ?? ''); at++) if (/[vV]/.test(args[at]!)) mode = args[at]!.replace('p', '')
  if (args[at] === '--') at++
  const words = args.slice(at)
  if (words.length === 0) return 0
  if (mode === '') {
    const own = builtins.get(words[0]!)
    if (own !== undefined) return yield* own(shell, words, undefined)
    return yield* external(shell, [], words, undefined, false)
  }
  let status = 0
  for (const name of words) {
    if (mode === '-V') {
      const said = describe(shell, name)
      if (said === undefined) yield* shell.complain(`${name}: not found`, 'command')
      else yield* shell.process.print(`${said}\n`)
      if (said === undefined) status = shell.dialect === 'bash' ? 1 : 127
      continue
    }
    const alias = shell.aliases.get(name)
    const found =
      alias !== undefined
        ? `alias ${name}=${quoteForReuse(alias)}`
        : keywords.has(name) || shell.functions.has(name) || builtins.has(name)
          ? name
          : pathOf(shell, name)
    if (found === undefined) status = shell.dialect === 'bash' ? 1 : 127
    else yield* shell.process.print(`${found}\n`)
  }
  return status
}

export const lookup: Readonly<Record<string, Builtin>> = {
  type,
  command,

  *hash(shell, args) {
    for (const name of args.slice(1)) {
      if (name.startsWith('-') || pathOf(shell, name) !== undefined || builtins.has(name)) continue
      yield* shell.complain(`${name}: not found`, 'hash')
      return 1
    }
    return 0
  },

  *alias(shell, args) {
    let status = 0
    const show = (name: string, text: string) =>
      `${shell.dialect === 'bash' ? 'alias ' : ''}${name}=${quoteForReuse(text)}\n`
    if (args.length === 1) for (const [name, text] of shell.aliases) yield* shell.process.print(show(name, text))
    for (const arg of args.slice(1)) {
      const at = arg.indexOf('=')
      if (at > 0) shell.aliases.set(arg.slice(0, at), arg.slice(at + 1))
      else if (shell.aliases.has(arg)) yield* shell.process.print(show(arg, shell.aliases.get(arg)!))
      else {
        if (shell.dialect === 'bash') yield* shell.complain(`${arg}: not found`, 'alias')
        else yield* shell.process.complain(`alias: ${arg} not found\n`)
        status = 1
      }
    }
    return status
  },

  *unalias(shell, args) {
    yield* []
    for (const arg of args.slice(1)) {
      if (arg === '-a') shell.aliases.clear()
      else if (!shell.aliases.delete(arg)) return 1
    }
    return 0
  },

  *help(shell) {
    const names = [...builtins.keys()].sort()
    yield* shell.process.print(`Built-in commands:\n------------------\n\t${names.join(' ')}\n`)
    return 0
  },
}
