// Assignments as they are written, `name=…`, `name+=…`, `name[i]=…`, `name=(…)`, and the elements of arrays. Called by
// simple-commands.ts, by expansions and by builtins.

import type { Step } from '../wait.ts'
import { expandText, expandWords } from './expansion.ts'
import { ShellFault } from './faults.ts'
import type { Shell } from './shell.ts'
import { type Assignment, isWord } from './syntax.ts'
import { isIndexed } from './variables.ts'

/** `exports`: it is meant for one command alone. */
export function* assignWord(shell: Shell, assignment: Assignment, exports = false): Step<void> {
  const { name, append, value, subscript } = assignment
  if (!isWord(value)) {
    yield* assignArray(shell, assignment)
    return
  }
  const text = yield* expandText(shell, value, 'assignment')
  if (subscript !== undefined) setElement(shell, name, yield* expandText(shell, subscript), text, append)
  else if (append && typeof shell.variables.find(name)?.value === 'object') setElement(shell, name, '0', text, true)
  else if (append && shell.variables.find(name)?.isInteger)
    shell.assign(name, `${shell.variables.get(name) || 0} + ${text}`)
  else shell.assign(name, append ? (shell.variables.get(name) ?? '') + text : text)
  if (exports) shell.variables.put(name, { ...shell.variables.find(name)!, isExported: true })
}

function* assignArray(shell: Shell, { name, append, value }: Assignment): Step<void> {
  if (isWord(value)) return
  const variable = shell.variables.find(name)
  const before = append ? variable?.value : undefined
  if (variable?.isAssociative) {
    const elements = new Map(before as ReadonlyMap<string, string> | undefined)
    for (const element of value) {
      if (element.subscript)
        elements.set(yield* expandText(shell, element.subscript), yield* expandText(shell, element.value))
    }
    shell.variables.set(name, elements)
    return
  }
  const elements = new Map<number, string>(
    typeof before === 'string' ? [[0, before]] : (before as ReadonlyMap<number, string> | undefined),
  )
  let next = Math.max(-1, ...elements.keys()) + 1
  for (const element of value) {
    if (element.subscript) {
      next = Number(yield* shell.calculate(element.subscript))
      elements.set(next++, yield* expandText(shell, element.value))
    } else for (const text of yield* expandWords(shell, [element.value])) elements.set(next++, text)
  }
  shell.variables.put(name, { ...variable, value: elements })
}

export function element(shell: Shell, name: string, index: string): string | undefined {
  if (name === 'PIPESTATUS') return shell.pipeStatus[Number(index)]?.toString()
  if (name === 'FUNCNAME') return shell.functionNames[Number(index)]
  const variable = shell.variables.find(name)
  const value = variable?.value
  if (value === undefined) return undefined
  if (variable?.isAssociative && typeof value !== 'string') return (value as ReadonlyMap<string, string>).get(index)
  const number = Number(shell.number(index))
  if (typeof value === 'string') return number === 0 ? value : undefined
  if (!isIndexed(value)) return undefined
  if (number >= 0) return value.get(number)
  return value.get(Math.max(-1, ...value.keys()) + 1 + number)
}

export function setElement(shell: Shell, name: string, index: string, text: string, append: boolean): void {
  const variable = shell.variables.find(name)
  if (variable?.isAssociative) {
    const elements = new Map(variable.value as ReadonlyMap<string, string> | undefined)
    elements.set(index, append ? (elements.get(index) ?? '') + text : text)
    shell.variables.set(name, elements)
    return
  }
  const before = variable?.value
  const elements = new Map<number, string>(
    typeof before === 'string' ? [[0, before]] : (before as ReadonlyMap<number, string> | undefined),
  )
  const number = Number(shell.number(index))
  const at = number < 0 ? Math.max(-1, ...elements.keys()) + 1 + number : number
  if (at < 0) throw new ShellFault(`${name}[${index}]: bad array subscript`, 1)
  elements.set(at, append ? (elements.get(at) ?? '') + text : text)
  shell.variables.set(name, elements)
}
