// Builtins upon variables: export, readonly, local, declare, unset, let.

import type { Step } from '../../wait.ts'
import { assignWord, setElement } from '../assignments.ts'
import { expandText } from '../expansion.ts'
import { quoteForReuse } from '../parameters.ts'
import type { Shell } from '../shell.ts'
import { type Assignment, isVariableName } from '../syntax.ts'
import type { Variable } from '../variables.ts'
import type { Builtin } from './index.ts'

const assignment = /^([A-Za-z_][A-Za-z0-9_]*)(?:(\+?)=([\s\S]*))?$/

/** Each argument, `name` or `name=value`: first what it declares, then what it is set to. */
function* each(
  shell: Shell,
  args: readonly string[],
  from: number,
  declared: ReadonlyMap<number, Assignment> | undefined,
  prepare: (name: string, hasValue: boolean) => void,
  finish: (name: string) => void,
): Step<number> {
  let status = 0
  for (let at = from; at < args.length; at++) {
    const own = declared?.get(at)
    const match = own === undefined ? assignment.exec(args[at]!) : null
    const name = own?.name ?? match?.[1]
    if (name === undefined) {
      const word = args[at]!.split('=')[0]
      yield* shell.complain(
        shell.dialect === 'bash' ? `\`${args[at]}': not a valid identifier` : `${word}: bad variable name`,
        args[0],
      )
      status = shell.dialect === 'bash' ? 1 : 2
      continue
    }
    prepare(name, own !== undefined || match?.[3] !== undefined)
    if (own !== undefined && !('parts' in own.value)) yield* assignWord(shell, own)
    else if (own !== undefined) {
      // Its value was expanded with the other words.
      const text = args[at]!.slice(name.length + 1)
      if (own.subscript) setElement(shell, name, yield* expandText(shell, own.subscript), text, own.append)
      else shell.assign(name, own.append ? (shell.variables.get(name) ?? '') + text : text)
    } else if (match?.[3] !== undefined) {
      shell.assign(name, match[2] === '+' ? (shell.variables.get(name) ?? '') + match[3] : match[3])
    }
    finish(name)
  }
  return status
}

function change(shell: Shell, name: string, more: Partial<Variable>): void {
  shell.variables.put(name, { ...(shell.variables.find(name) ?? { value: undefined }), ...more })
}

function* list(shell: Shell, word: string, isListed: (variable: Variable) => boolean): Step<number> {
  let text = ''
  for (const name of shell.variables.names()) {
    const variable = shell.variables.find(name)!
    // What could not be said in a script is handed on, not listed.
    if (!isListed(variable) || !isVariableName(name)) continue
    const value = shell.variables.get(name)
    const shown =
      value === undefined
        ? ''
        : shell.dialect === 'bash'
          ? `="${value.replace(/["\\$`]/g, '\\$&')}"`
          : `=${quoteForReuse(value)}`
    text += `${word} ${name}${shown}\n`
  }
  yield* shell.process.print(text)
  return 0
}

const exporting: Builtin = function* (shell, args, declared) {
  const from = args[1] === '--' ? 2 : 1
  if (args.length === from || args[1] === '-p') {
    return yield* list(
      shell,
      shell.dialect === 'bash' ? 'declare -x' : 'export',
      variable => variable.isExported === true,
    )
  }
  if (args[1] === '-n')
    return yield* each(shell, args, 2, declared, nothing, name => change(shell, name, { isExported: false }))
  if (args[1] === '-f') return 0
  return yield* each(shell, args, from, declared, nothing, name => change(shell, name, { isExported: true }))
}

const nothing = () => {}

const declare: Builtin = function* (shell, args, declared) {
  let at = 1
  const flags = new Set<string>()
  const off = new Set<string>()
  for (; at < args.length && /^[-+][A-Za-z]+$/.test(args[at]!); at++) {
    for (const letter of args[at]!.slice(1)) (args[at]!.startsWith('-') ? flags : off).add(letter)
  }
  if (args[at] === '--') at++
  if (flags.has('f') || flags.has('F')) {
    for (const name of args.slice(at)) if (!shell.functions.has(name)) return 1
    return 0
  }
  if (flags.has('p') || at === args.length) {
    const names = args.slice(at)
    for (const name of names.length > 0 ? names : shell.variables.names()) {
      const variable = shell.variables.find(name)
      if (variable === undefined) {
        yield* shell.complain(`${name}: not found`, args[0])
        return 1
      }
      yield* shell.process.print(`${declaration(name, variable)}\n`)
    }
    return 0
  }
  const isLocal = shell.callers > 0 && !flags.has('g')
  return yield* each(
    shell,
    args,
    at,
    declared,
    name => {
      if (isLocal) hide(shell, name)
      const before = shell.variables.find(name)
      change(shell, name, {
        ...(flags.has('i') ? { isInteger: true } : {}),
        ...(flags.has('A')
          ? { isAssociative: true, value: before?.isAssociative ? before.value : new Map<string, string>() }
          : {}),
        ...(flags.has('a') && typeof before?.value !== 'object' ? { value: new Map<number, string>() } : {}),
        ...(flags.has('u') ? { case: 'upper' } : flags.has('l') ? { case: 'lower' } : {}),
        ...(flags.has('x') ? { isExported: true } : off.has('x') ? { isExported: false } : {}),
      })
    },
    name => {
      if (flags.has('r')) change(shell, name, { isReadonly: true })
    },
  )
}

function declaration(name: string, variable: Variable): string {
  const { value } = variable
  const flags = [
    typeof value === 'object' ? (variable.isAssociative ? 'A' : 'a') : '',
    variable.isInteger ? 'i' : '',
    variable.isReadonly ? 'r' : '',
    variable.isExported ? 'x' : '',
  ].join('')
  const quoted = (text: string) => `"${text.replace(/["\\$`]/g, '\\$&')}"`
  const shown =
    value === undefined
      ? ''
      : typeof value === 'string'
        ? `=${quoted(value)}`
        : `=(${[...value].map(([key, text]) => `[${key}]=${quoted(text)}`).join(' ')}${variable.isAssociative && value.size > 0 ? ' ' : ''})`
  return `declare -${flags || '-'} ${name}${shown}`
}

/** A local variable begins unset, but for bash it keeps being exported. */
function hide(shell: Shell, name: string): void {
  shell.variables.makeLocal(name)
  const before = shell.variables.find(name)
  if (before !== undefined && shell.dialect === 'bash')
    shell.variables.put(name, { value: undefined, ...(before.isExported ? { isExported: true } : {}) })
}

export const environment: Readonly<Record<string, Builtin>> = {
  export: exporting,
  declare,
  typeset: declare,

  *readonly(shell, args, declared) {
    if (args.length === 1 || args[1] === '-p') {
      return yield* list(
        shell,
        shell.dialect === 'bash' ? 'declare -r' : 'readonly',
        variable => variable.isReadonly === true,
      )
    }
    return yield* each(shell, args, 1, declared, nothing, name => change(shell, name, { isReadonly: true }))
  },

  *local(shell, args, declared) {
    if (shell.callers === 0) {
      yield* shell.complain(shell.dialect === 'bash' ? 'can only be used in a function' : 'not in a function', 'local')
      return shell.dialect === 'bash' ? 1 : 2
    }
    if (args[1]?.startsWith('-') && args[1] !== '-') return yield* declare(shell, args, declared)
    return yield* each(shell, args, 1, declared, name => hide(shell, name), nothing)
  },

  *unset(shell, args) {
    let kind = ''
    for (const arg of args.slice(1)) {
      if (/^-[vfn]$/.test(arg)) {
        kind = arg
        continue
      }
      const element = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(arg)
      if (element) {
        removeElement(shell, element[1]!, element[2]!)
        continue
      }
      if (kind === '-f' || (kind === '' && shell.variables.find(arg) === undefined)) shell.functions.delete(arg)
      else shell.variables.unset(arg)
    }
    yield* []
    return 0
  },

  *let(shell, args) {
    let value = 0n
    for (const arg of args.slice(1)) value = shell.number(arg)
    yield* []
    return value === 0n ? 1 : 0
  },
}

function removeElement(shell: Shell, name: string, index: string): void {
  const variable = shell.variables.find(name)
  if (variable === undefined || typeof variable.value !== 'object') return
  const elements = new Map<string | number, string>(variable.value as ReadonlyMap<string | number, string>)
  elements.delete(variable.isAssociative ? index : Number(shell.number(index)))
  shell.variables.set(name, elements as ReadonlyMap<number, string>)
}
