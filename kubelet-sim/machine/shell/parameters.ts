// Parameters: `$x`, `$1`, `$@`, `${x:-word}`, `${x##*/}`, `${x//a/b}`, `${#x}`, `${a[1]}` … Called by expansion.ts.

import type { Step } from '../wait.ts'
import { element, setElement } from './assignments.ts'
import { expandParts, expandPattern, expandText, joinedPieces, type Manner, type Piece } from './expansion.ts'
import { ShellFault } from './faults.ts'
import { compilePattern, matchAt, type Pattern, prefixLength, suffixStart } from './patterns.ts'
import type { Shell } from './shell.ts'
import { arrayOf } from './special-parameters.ts'
import type { ParameterPart } from './syntax.ts'
import type { Value } from './variables.ts'
import { textWord } from './word-reader.ts'

/** `list`: several fields (`$@`); `joined`: they become one when quoted (`$*`). */
interface Found {
  readonly values: readonly string[]
  readonly isSet: boolean
  readonly list: '@' | '*' | undefined
}

export function* parameter(shell: Shell, part: ParameterPart, pieces: Piece[], manner: Manner): Step<void> {
  if (part.isPrefix) {
    const names = shell.variables.names().filter(name => name.startsWith(part.name))
    put(shell, { values: names, isSet: true, list: '@' }, part, pieces, manner)
    return
  }
  let found = yield* find(shell, part)
  if (part.isLength) {
    const text = String(found.list ? found.values.length : [...(found.values[0] ?? '')].length)
    if (!found.isSet && found.list === undefined) unset(shell, part)
    pieces.push({ text, quoted: part.quoted, splits: manner.splits && !part.quoted })
    return
  }
  const { operator } = part
  if (operator === undefined) {
    if (!found.isSet && found.list === undefined) unset(shell, part)
    put(shell, found, part, pieces, manner)
    return
  }
  const conditional = /^(:?)([-=?+])$/.exec(operator)
  if (conditional) {
    const isNull = found.values.length === 0 || (found.values.length === 1 && found.values[0] === '')
    const isThere = conditional[1] === ':' ? found.isSet && !isNull : found.isSet
    if (isThere === (conditional[2] === '+')) {
      if (conditional[2] === '=') found = yield* assignDefault(shell, part)
      else if (conditional[2] === '?') yield* complain(shell, part)
      else {
        // The word in the parameter's place, with the quotes that are in it.
        const own = manner.splits && !part.quoted
        yield* expandParts(shell, part.word!.parts, pieces, {
          splits: own,
          splitsText: own,
          tilde: part.quoted ? undefined : 'word',
        })
        return
      }
    } else if (conditional[2] === '+') return
    put(shell, found, part, pieces, manner)
    return
  }
  if (!found.isSet && found.list === undefined) unset(shell, part)
  put(shell, yield* transformed(shell, part, found), part, pieces, manner)
}

function put(shell: Shell, found: Found, { quoted }: ParameterPart, pieces: Piece[], { splits }: Manner): void {
  if (found.list === undefined) {
    pieces.push({ text: found.values[0] ?? '', quoted, splits: splits && !quoted })
    return
  }
  if (!splits || (quoted && found.list === '*')) {
    const ifs = shell.variables.get('IFS')
    const text = found.values.join(found.list === '*' ? (ifs === undefined ? ' ' : (ifs[0] ?? '')) : ' ')
    pieces.push({ text, quoted, splits: false })
    return
  }
  for (const [index, text] of found.values.entries()) {
    if (index > 0) pieces.push('break')
    pieces.push({ text, quoted, splits: !quoted })
  }
}

function* find(shell: Shell, part: ParameterPart): Step<Found> {
  const { name } = part
  if (name === '@' || name === '*') return { values: shell.positional, isSet: shell.positional.length > 0, list: name }
  if (part.subscript !== undefined) {
    const index = part.subscript.literal ?? (yield* expandText(shell, part.subscript))
    const value = shell.variables.find(name)?.value
    if (index === '@' || index === '*') {
      const values = arrayOf(shell, name) ?? (part.isIndirect ? keysOf(value) : valuesOf(value))
      return { values, isSet: values.length > 0, list: index }
    }
    const text = element(shell, name, index)
    return { values: text === undefined ? [] : [text], isSet: text !== undefined, list: undefined }
  }
  const text = shell.parameter(name)
  if (part.isIndirect) {
    const target = /^([A-Za-z_]\w*)\[(.*)\]$/.exec(text ?? '')
    if (target)
      return yield* find(shell, { ...part, name: target[1]!, subscript: textWord(target[2]!), isIndirect: false })
    if (text === '@' || text === '*')
      return { values: shell.positional, isSet: shell.positional.length > 0, list: text }
    const value = text === undefined ? undefined : shell.parameter(text)
    return { values: value === undefined ? [] : [value], isSet: value !== undefined, list: undefined }
  }
  return { values: text === undefined ? [] : [text], isSet: text !== undefined, list: undefined }
}

function valuesOf(value: Value | undefined): string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return [value]
  const entries = [...(value as ReadonlyMap<unknown, string>)]
  if (typeof entries[0]?.[0] === 'number') entries.sort((a, b) => (a[0] as number) - (b[0] as number))
  return entries.map(([, text]) => text)
}

function keysOf(value: Value | undefined): string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return ['0']
  const keys = [...(value as ReadonlyMap<unknown, string>).keys()]
  if (typeof keys[0] === 'number') keys.sort((a, b) => (a as number) - (b as number))
  return keys.map(String)
}

function unset(shell: Shell, { name, subscript }: ParameterPart): void {
  if (!shell.options.nounset || /^[@*#?$!-]$/.test(name)) return
  const whole = subscript?.literal === undefined ? name : `${name}[${subscript.literal}]`
  throw new ShellFault(
    `${whole}: ${shell.dialect === 'bash' ? 'unbound variable' : 'parameter not set'}`,
    shell.dialect === 'bash' ? 127 : 2,
  )
}

function* assignDefault(shell: Shell, part: ParameterPart): Step<Found> {
  const text = yield* expandText(shell, part.word!)
  if (!/^[A-Za-z_]/.test(part.name)) throw new ShellFault(`${part.name}: bad variable name`, 2)
  if (part.subscript === undefined) shell.assign(part.name, text)
  else setElement(shell, part.name, yield* expandText(shell, part.subscript), text, false)
  return { values: [text], isSet: true, list: undefined }
}

function* complain(shell: Shell, { name, word, operator }: ParameterPart): Step<never> {
  const isBash = shell.dialect === 'bash'
  const said = yield* expandText(shell, word!)
  const standard = isBash
    ? 'parameter null or not set'
    : operator === ':?'
      ? 'parameter not set or null'
      : 'parameter not set'
  throw new ShellFault(
    `${name}: ${said === '' ? (isBash && operator === '?' ? 'parameter not set' : standard) : said}`,
    isBash ? 127 : 2,
  )
}

function* transformed(shell: Shell, part: ParameterPart, found: Found): Step<Found> {
  const operator = part.operator!
  const each = (change: (text: string) => string): Found => ({ ...found, values: found.values.map(change) })
  switch (operator) {
    case '#':
    case '##':
    case '%':
    case '%%': {
      const pattern = compilePattern(yield* expandPattern(shell, part.word!))
      return each(text => trimmed(text, pattern, operator))
    }
    case ':': {
      const offset = Number(yield* shell.calculate(part.word!))
      const length = part.second === undefined ? undefined : Number(yield* shell.calculate(part.second))
      return found.list === undefined
        ? each(text => substring(shell, text, offset, length))
        : slice(shell, part, found, offset, length)
    }
    case '^':
    case '^^':
    case ',':
    case ',,':
      return each(text => recased(text, operator))
    case '@': {
      const how = yield* expandText(shell, part.word!)
      if (how === 'Q') return each(quoteForReuse)
      if (how === 'U') return each(text => text.toUpperCase())
      if (how === 'L') return each(text => text.toLowerCase())
      if (how === 'u') return each(text => recased(text, '^'))
      return found
    }
    default: {
      const pattern = compilePattern(yield* expandPattern(shell, part.word!))
      const pieces: Piece[] = []
      if (part.second) yield* expandParts(shell, part.second.parts, pieces, { splits: false })
      return each(text => replaced(text, pattern, joinedPieces(pieces), operator))
    }
  }
}

function trimmed(text: string, pattern: Pattern, operator: string): string {
  if (operator.startsWith('#')) {
    const length = prefixLength(pattern, text, operator === '##')
    return length < 0 ? text : text.slice(length)
  }
  const start = suffixStart(pattern, text, operator === '%%')
  return start < 0 ? text : text.slice(0, start)
}

function substring(shell: Shell, text: string, offset: number, length: number | undefined): string {
  const from = offset < 0 ? text.length + offset : offset
  if (from < 0 || from > text.length) return ''
  if (length === undefined) return text.slice(from)
  const to = length < 0 ? text.length + length : from + length
  if (length < 0 && to < from)
    throw new ShellFault(`${length}: substring expression < 0`, shell.dialect === 'bash' ? 1 : 2)
  return text.slice(from, Math.max(from, to))
}

function slice(shell: Shell, part: ParameterPart, found: Found, offset: number, length: number | undefined): Found {
  // Of `$@`, 0 is the shell's own name.
  const values = part.subscript === undefined ? [shell.name, ...found.values] : found.values
  const from = offset < 0 ? values.length + offset : offset
  if (from < 0) return { ...found, values: [] }
  const start = part.subscript === undefined && offset === 0 && length === undefined ? 1 : from
  return { ...found, values: values.slice(start, length === undefined ? undefined : from + length) }
}

function recased(text: string, operator: string): string {
  const change = (part: string) => (operator.startsWith('^') ? part.toUpperCase() : part.toLowerCase())
  return operator.length === 2 ? change(text) : change(text.slice(0, 1)) + text.slice(1)
}

function replaced(text: string, pattern: Pattern, by: string, operator: string): string {
  if (pattern.elements.length === 0) return operator === '/#' ? by + text : operator === '/%' ? text + by : text
  if (operator === '/%') {
    const start = suffixStart(pattern, text, true)
    return start < 0 ? text : text.slice(0, start) + by
  }
  if (operator === '/#') {
    const end = matchAt(pattern, text, 0)
    return end < 0 ? text : by + text.slice(end)
  }
  if (pattern.literal !== undefined) {
    return operator === '//' ? text.split(pattern.literal).join(by) : text.replace(pattern.literal, () => by)
  }
  let result = ''
  let at = 0
  while (at < text.length) {
    const end = matchAt(pattern, text, at)
    if (end <= at) {
      result += text[at++]
      continue
    }
    result += by
    at = end
    if (operator === '/') break
  }
  return result + text.slice(at)
}

/** So that the shell would read it as the same word. */
export function quoteForReuse(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
