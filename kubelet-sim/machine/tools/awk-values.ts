// What awk's expressions come to: numbers, texts, and texts of the input that count as numbers where they look like some. Called by
// awk.ts and the files beside it.

import { numberText } from './printf-text.ts'
import { ToolError } from './tool.ts'

/** A text of the input: a number where it looks like one. */
export class Given {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get isNumber(): boolean {
    return /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(this.text)
  }
}

export type Value = number | string | Given | undefined
export type Cells = Map<string, Value>

export function numberOf(value: Value): number {
  if (typeof value === 'number') return value
  if (value === undefined) return 0
  const text = value instanceof Given ? value.text : value
  return Number(/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?/.exec(text)?.[0] ?? 0)
}

export function truth(value: Value): boolean {
  if (value instanceof Given) return value.isNumber ? Number(value.text) !== 0 : value.text !== ''
  return value !== undefined && value !== 0 && value !== ''
}

/** `text`: how a number is written. */
export function compare(operator: string, one: Value, other: Value, text: (value: Value) => string): boolean {
  const isNumeric = (value: Value) =>
    value === undefined || typeof value === 'number' || (value instanceof Given && value.isNumber)
  let order: number
  if (isNumeric(one) && isNumeric(other)) order = numberOf(one) - numberOf(other)
  else {
    const [a, b] = [text(one), text(other)]
    order = a < b ? -1 : a > b ? 1 : 0
  }
  switch (operator) {
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '>=':
      return order >= 0
    default:
      return order > 0
  }
}

export function arithmetic(operator: string, one: number, other: number): number {
  if ((operator === '/' || operator === '%') && other === 0) throw new ToolError('cmd. line:1: Division by zero')
  switch (operator) {
    case '+':
      return one + other
    case '-':
      return one - other
    case '*':
      return one * other
    case '/':
      return one / other
    case '%':
      return one % other
    default:
      return one ** other
  }
}

/** printf's; `text`: how a value is written as one. */
export function formattedText([format, ...values]: readonly Value[], textOf: (value: Value) => string): string {
  let at = 0
  return textOf(format).replace(
    /%(%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]*([diouxXeEfFgGcs]))/g,
    (whole, one: string, flags = '', width?: string, precision?: string, kind = '') => {
      if (one === '%') return '%'
      const star = (text: string | undefined) => (text === '*' ? numberOf(values[at++]) : Number(text ?? 0))
      const wide = width === undefined ? undefined : star(width)
      const places = /\./.test(whole) ? star(precision) : undefined
      const value = values[at++]
      if (kind !== 's' && kind !== 'c') return numberText(kind, flags, wide, places, numberOf(value))
      const isCode = kind === 'c' && (typeof value === 'number' || (value instanceof Given && value.isNumber))
      let text = isCode ? String.fromCharCode(numberOf(value) & 255) : textOf(value)
      if (kind === 'c') text = text.slice(0, 1)
      if (places !== undefined) text = text.slice(0, places)
      return flags.includes('-') ? text.padEnd(wide ?? 0) : text.padStart(wide ?? 0)
    },
  )
}

/** What `sub` puts in the place of what it found; undefined: that itself. */
export function replacementOf(text: string): readonly (string | undefined)[] {
  const parts: (string | undefined)[] = []
  for (const [part] of text.matchAll(/\\\\&|\\&|&|[^\\&]+|\\/g)) {
    if (part === '&') parts.push(undefined)
    else if (part === '\\\\&') parts.push('\\', undefined)
    else parts.push(part === '\\&' ? '&' : part)
  }
  return parts
}

export function splitBy(text: string, pattern: RegExp): readonly string[] {
  const parts: string[] = []
  const used = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
  let at = 0
  for (let match = used.exec(text); match !== null; match = used.exec(text)) {
    if (match[0] === '') {
      used.lastIndex++
      continue
    }
    parts.push(text.slice(at, match.index))
    at = match.index + match[0].length
  }
  return [...parts, text.slice(at)]
}
