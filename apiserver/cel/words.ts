// The library's faults in the words of cel-go, which is what people search the web for. Called by compiler.ts.

import { matchesName } from './source.ts'

interface LibraryFault {
  readonly code?: string
  readonly summary?: string
  readonly message: string
  readonly range?: { readonly start: number; readonly end: number } | undefined
  readonly node?: SyntaxNode | undefined
}

interface SyntaxNode {
  readonly op?: string
  readonly args?: unknown
}

/** `ERROR: <input>:1:5: undeclared reference to 'x' (in container '')`, with the line and a mark under it. */
export function compileWords(fault: LibraryFault, source: string): string {
  const start = Math.min(placeOf(fault, source), source.length)
  const before = source.slice(0, start).split('\n')
  const line = before.length
  const column = before.at(-1)!.length + 1
  const text = source.split('\n')[line - 1] ?? ''
  const mark = `${'.'.repeat(column - 1)}^`
  return `ERROR: <input>:${line}:${column}: ${compileSentence(fault)}\n | ${text}\n | ${mark}`
}

/** cel-go marks an operator, the dot before a field, and the bracket of a call. */
function placeOf({ range, node }: LibraryFault, source: string): number {
  const start = range?.start ?? 0
  const { op = '', args } = node ?? {}
  if (!Array.isArray(args)) return start
  const parts: readonly unknown[] = args
  if (op === 'call' || op === 'rcall') {
    const receiver = (parts[1] as { end?: number } | undefined)?.end ?? start
    const open = source.indexOf('(', op === 'rcall' ? receiver : start)
    return open < 0 ? start : open
  }
  const end = (parts[0] as { end?: number } | undefined)?.end
  const found = end === undefined ? -1 : source.indexOf(op, end)
  return found < 0 || found > (range?.end ?? source.length) ? start : found
}

function compileSentence(fault: LibraryFault): string {
  const summary = plain(fault)
  const unknown = /^Unknown variable: (.+)$/.exec(summary)
  if (unknown) return `undeclared reference to '${unknown[1]}' (in container '')`
  const key = /^No such key: (.+)$/.exec(summary)
  if (key) return `undefined field '${key[1]}'`
  const operator = /^no such overload: (.+) (\S+) (.+)$/.exec(summary)
  if (operator) {
    return `found no matching overload for '_${operator[2]}_' applied to '(${operator[1]}, ${operator[3]})'`
  }
  const method = /^found no matching overload for '(.+?)\.([A-Za-z_0-9]+)\((.*)\)'$/.exec(summary)
  if (method) {
    const args = method[3] === '' ? '' : `${method[3]}`
    return `found no matching overload for '${method[2]}' applied to '${method[1]}.(${args})'`
  }
  const call = /^found no matching overload for '([A-Za-z_0-9]+)\((.*)\)'$/.exec(summary)
  if (call) return `found no matching overload for '${call[1]}' applied to '(${call[2]})'`
  if (/^Unexpected|^Expected|^Unterminated|^Invalid (?:character|escape)/.test(summary))
    return `Syntax error: ${lower(summary)}`
  return summary
}

/** What went wrong while evaluating. */
export function evaluationWords(fault: LibraryFault): string {
  const summary = plain(fault)
  const key = /^No such key: (?!index out of bounds)(.+)$/.exec(summary)
  if (key) return `no such key: ${key[1]}`
  const index = /index out of bounds, index (-?\d+)/.exec(summary)
  if (index) return `index out of bounds: ${index[1]}`
  if (fault.code === 'division_by_zero') return 'division by zero'
  if (fault.code === 'modulo_by_zero') return 'modulus by zero'
  if (fault.code === 'no_such_overload' || fault.code === 'no_matching_overload') return 'no such overload'
  if (/overflow/.test(summary)) return 'integer overflow'
  return lower(summary)
}

const plain = ({ summary, message }: LibraryFault): string =>
  (summary ?? message.split('\n')[0]!).replaceAll(matchesName, 'matches')

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
