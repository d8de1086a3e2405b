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
  /** Once it has been looked at. */
  readonly checkedType?: { readonly name: string }
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
export function placeOf({ range, node }: LibraryFault, source: string): number {
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
  const sign = op === '?:' ? '?' : op === '[]' ? '[' : op
  const found = end === undefined ? -1 : source.indexOf(sign, end)
  return found < 0 || found > (range?.end ?? source.length) ? start : found
}

function compileSentence(fault: LibraryFault): string {
  const summary = plain(fault)
  const unknown = /^Unknown variable: (.+)$/.exec(summary)
  if (unknown) return `undeclared reference to '${unknown[1]}' (in container '')`
  const key = /^No such key: (.+)$/.exec(summary)
  if (key) return `undefined field '${key[1]}'`
  const typed = typeSentence(fault)
  if (typed !== undefined) return typed
  const operator = /^no such overload: (.+) (\S+) (.+)$/.exec(summary)
  if (operator) {
    const name = operator[2] === 'in' ? '@in' : `_${operator[2]}_`
    return noOverload(name, `(${typeWords(operator[1]!)}, ${typeWords(operator[3]!)})`)
  }
  const unary = /^no such overload: ([!-])(.+)$/.exec(summary)
  if (unary) return noOverload(`${unary[1]}_`, `(${typeWords(unary[2]!)})`)
  const method = /^found no matching overload for '(.+?)\.([A-Za-z_0-9]+)\((.*)\)'$/.exec(summary)
  if (method) {
    return noOverload(method[2]!, `${typeWords(method[1]!)}.(${typeWords(method[3]!)})`)
  }
  const call = /^found no matching overload for '([A-Za-z_0-9]+)\((.*)\)'$/.exec(summary)
  if (call) return noOverload(call[1]!, `(${typeWords(call[2]!)})`)
  const range = /^Expression of type '(.+)' cannot be range of a comprehension/.exec(summary)
  if (range) {
    return `expression of type '${typeWords(range[1]!)}' cannot be range of a comprehension (must be list, map, or dynamic)`
  }
  if (/^Unexpected|^Expected|^Unterminated|^Invalid (?:character|escape)/.test(summary))
    return `Syntax error: ${lower(summary)}`
  return summary
}

const noOverload = (name: string, types: string): string =>
  `found no matching overload for '${name}' applied to '${types}'`

/** What the library says without the types, or of one of them: cel-go tells of the operator and of all. */
function typeSentence({ code = '', node }: LibraryFault): string | undefined {
  const { op = '', args } = node ?? {}
  if (!Array.isArray(args) || !operatorFaults.has(code)) return undefined
  const types = (args as readonly (SyntaxNode | undefined)[]).map(each => typeWords(each?.checkedType?.name ?? 'dyn'))
  switch (op) {
    case '&&':
    case '||':
      return noOverload(`_${op}_`, `(${types.join(', ')})`)
    case '?:':
      return noOverload('_?_:_', `(${types.join(', ')})`)
    case '[]':
      return noOverload('_[_]', `(${types.join(', ')})`)
    case '.':
      return `type '${types[0]}' does not support field selection`
    default:
      return undefined
  }
}

const operatorFaults: ReadonlySet<string> = new Set([
  'invalid_logical_operand',
  'incompatible_ternary_branches',
  'invalid_condition_type',
  'invalid_index_type',
  'cannot_index_type',
])

/** cel-go common/types/format.go (FormatCELType). */
export const typeWords = (text: string): string =>
  text
    .replaceAll('google.protobuf.Timestamp', 'timestamp')
    .replaceAll('google.protobuf.Duration', 'duration')
    .replaceAll('optional<', 'optional_type(')
    .replaceAll('<', '(')
    .replaceAll('>', ')')

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
