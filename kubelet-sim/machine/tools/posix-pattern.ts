// POSIX patterns, basic and extended with GNU's additions, as regular expressions of JavaScript. For grep, sed, awk, expr.
// They are matched against bytes (text-streams.ts).

import { ToolError } from './tool.ts'

const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '!-\\/:-@\\[-`{-~',
  space: ' \\t\\n\\r\\f\\v',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
}

export interface PatternOptions {
  readonly extended: boolean
  readonly ignoreCase?: boolean
  /** Further flags of a RegExp. */
  readonly flags?: string
}

export function compiled(pattern: string, { extended, ignoreCase = false, flags = '' }: PatternOptions): RegExp {
  const source = extended ? translated(pattern, true) : translated(pattern, false)
  try {
    return new RegExp(source, `${flags}${ignoreCase ? 'i' : ''}`)
  } catch {
    throw new ToolError(`bad regex '${pattern}': Invalid regular expression`)
  }
}

export function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function translated(pattern: string, extended: boolean): string {
  let out = ''
  /** Whether a `*` here stands for itself, and `^` is an anchor. */
  let isStart = true
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at]!
    const wasStart = isStart
    isStart = false
    if (char === '\\') {
      const next = pattern[++at]
      if (next === undefined) throw new ToolError(`bad regex '${pattern}': Trailing backslash`)
      if ('(){}|+?'.includes(next)) {
        if (extended) out += `\\${next}`
        else if (next === '{') {
          const end = pattern.indexOf('\\}', at)
          if (end < 0) throw new ToolError(`bad regex '${pattern}': Unmatched \\{`)
          out += bound(pattern.slice(at + 1, end))
          at = end + 1
        } else {
          out += next
          isStart = next === '(' || next === '|'
        }
      } else out += escaped(next)
    } else if (char === '[') {
      const [set, end] = bracket(pattern, at)
      out += set
      at = end
    } else if (char === '*') out += wasStart && !extended ? '\\*' : '*'
    else if (char === '^') {
      out += extended || wasStart ? '^' : '\\^'
      isStart = true
    } else if (char === '$') {
      const rest = pattern.slice(at + 1)
      out += extended || rest === '' || rest.startsWith('\\)') || rest.startsWith('\\|') ? '$' : '\\$'
    } else if ('(){}|+?'.includes(char)) {
      if (!extended) out += `\\${char}`
      else if (char === '{') {
        const interval = /^\{(\d*,?\d*)\}/.exec(pattern.slice(at))
        if (interval === null || interval[1] === '' || interval[1] === ',') out += '\\{'
        else {
          out += bound(interval[1]!)
          at += interval[0].length - 1
        }
      } else if (char === '}') out += '\\}'
      else {
        out += char
        isStart = char === '(' || char === '|'
      }
    } else out += char === '/' ? '\\/' : char
  }
  return out
}

function bound(text: string): string {
  return text.startsWith(',') ? `{0${text}}` : `{${text}}`
}

function escaped(char: string): string {
  if (char === '<') return '\\b(?=\\w)'
  if (char === '>') return '\\b(?<=\\w)'
  if (char === '`') return '^'
  if (char === "'") return '$'
  if (/[wWsSbBntrfv1-9]/.test(char)) return `\\${char}`
  return /[A-Za-z0-9_]/.test(char) ? char : `\\${char}`
}

/** From `[` on: the set, and where its `]` is. */
function bracket(pattern: string, start: number): readonly [string, number] {
  let at = start + 1
  let out = '['
  if (pattern[at] === '^') {
    out += '^'
    at++
  }
  for (let first = true; ; first = false) {
    const char = pattern[at]
    if (char === undefined) throw new ToolError(`bad regex '${pattern}': Unmatched [, [^, [:, [., or [=`)
    if (char === ']' && !first) return [`${out}]`, at]
    const named = char === '[' ? /^\[([:.=])(.+?)\1\]/.exec(pattern.slice(at)) : null
    if (named !== null) {
      const [whole, kind, name] = named
      if (kind === ':') {
        const known = classes[name!]
        if (known === undefined) throw new ToolError(`bad regex '${pattern}': Invalid character class name`)
        out += known
      } else out += literal(name!)
      at += whole.length
      continue
    }
    out += '\\]['.includes(char) ? `\\${char}` : char === '^' ? '\\^' : char
    at++
  }
}
