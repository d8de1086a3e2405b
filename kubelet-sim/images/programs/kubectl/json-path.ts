// kubectl's JSONPath templates: text, fields, indices, slices, wildcards, `..`, filters, unions, `range`. Upstream:
// k8s.io/client-go/util/jsonpath.

import { Failure } from './failure.ts'

/** What the template prints of a value. A field that is not there prints nothing. */
export function jsonPathText(template: string, value: unknown): string {
  const parts = partsOf(template)
  let at = 0
  const run = (current: unknown, until: boolean): string => {
    let text = ''
    while (at < parts.length) {
      const part = parts[at++]!
      if (part.text !== undefined) text += part.text
      else if (part.path === 'end') {
        if (until) return text
        throw fault(template, 'not in range, nothing to end')
      } else if (part.path!.startsWith('range')) {
        const begin = at
        let end = begin
        const each = found(part.path!.slice(5).trim(), current, value)
        for (const one of each) {
          at = begin
          text += run(one, true)
          end = at
        }
        at = each.length > 0 ? end : afterEnd(parts, begin)
      } else {
        const quoted = /^(["'])(.*)\1$/s.exec(part.path!)
        text += quoted ? unescaped(quoted[2]!) : found(part.path!, current, value).map(shown).join(' ')
      }
    }
    return text
  }
  return run(value, false)
}

/** The values a path leads to, for `wait` and `--sort-by`. */
export function valuesAt(path: string, value: unknown): readonly unknown[] {
  return found(path.trim().replace(/^\{|\}$/g, ''), value, value)
}

interface Part {
  readonly text?: string
  readonly path?: string
}

function partsOf(template: string): readonly Part[] {
  const parts: Part[] = []
  for (const [, text, path] of template.matchAll(/([^{]+)|\{((?:[^{}"']|"(?:\\.|[^"])*"|'(?:\\.|[^'])*')*)\}/gs)) {
    parts.push(text === undefined ? { path: path!.trim() } : { text: unescaped(text) })
  }
  return parts
}

function afterEnd(parts: readonly Part[], from: number): number {
  let depth = 0
  for (let at = from; at < parts.length; at++) {
    const { path } = parts[at]!
    if (path?.startsWith('range')) depth++
    else if (path === 'end' && depth-- === 0) return at + 1
  }
  return parts.length
}

function found(path: string, current: unknown, root: unknown): readonly unknown[] {
  let values: unknown[] = [path.startsWith('$') ? root : current]
  let rest = path.replace(/^[$@]/, '')
  if (rest !== '' && !/^[.[]/.test(rest)) rest = `.${rest}`
  while (rest !== '') {
    const match =
      /^\.\.(\*|[\w-]+)/.exec(rest) ??
      /^\.?\[\?\(((?:[^)"']|"[^"]*"|'[^']*')*)\)\]/.exec(rest) ??
      /^\.?\[((?:[^\]"']|"[^"]*"|'[^']*')*)\]/.exec(rest) ??
      /^\.(\*)/.exec(rest) ??
      /^\.((?:\\.|[^.[\s])+)/.exec(rest) ??
      /^\.$/.exec(rest)
    if (!match) throw fault(path, `unrecognized character in action: ${JSON.stringify(rest[0])}`)
    const [whole, inner = ''] = match
    if (whole.startsWith('..')) values = values.flatMap(value => deep(value, inner))
    else if (whole.includes('[?('))
      values = values.flatMap(value => listOf(value).filter(one => isTrue(inner, one, root)))
    else if (whole.includes('[')) values = values.flatMap(value => indexed(value, inner))
    else if (inner === '*') values = values.flatMap(listOf)
    else if (inner !== '') values = values.flatMap(value => fieldOf(value, inner.replace(/\\(.)/g, '$1')))
    rest = rest.slice(whole.length)
  }
  return values
}

function indexed(value: unknown, inner: string): readonly unknown[] {
  if (inner === '*') return listOf(value)
  const names = [...inner.matchAll(/(["'])(.*?)\1/g)].map(([, , name]) => name!)
  if (names.length > 0) return names.flatMap(name => fieldOf(value, name))
  const list = Array.isArray(value) ? value : []
  const slice = /^(-?\d*):(-?\d*)(?::(\d+))?$/.exec(inner)
  if (slice) {
    const [, from, to, step = '1'] = slice
    const all = list.slice(Number(from || 0), to === '' ? undefined : Number(to))
    return all.filter((_, at) => at % Number(step) === 0)
  }
  return inner.split(',').flatMap(text => {
    const at = Number(text)
    if (!Number.isInteger(at)) throw fault(inner, `invalid array index ${text}`)
    const index = at < 0 ? list.length + at : at
    if (index < 0 || index >= list.length) {
      throw fault(inner, `array index out of bounds: index ${at}, length ${list.length}`)
    }
    return [list[index]]
  })
}

function isTrue(filter: string, one: unknown, root: unknown): boolean {
  const [, left = '', operator, right = ''] = /^(.*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.*))?$/s.exec(filter.trim()) ?? []
  if (operator === undefined) return found(left, one, root).length > 0
  const values = (text: string): unknown => {
    const quoted = /^(["'])(.*)\1$/.exec(text)
    if (quoted) return quoted[2]
    if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
    return text === 'true' || text === 'false' ? text === 'true' : found(text, one, root)[0]
  }
  const [a, b] = [values(left), values(right)] as [any, any]
  switch (operator) {
    case '==':
      return a === b
    case '!=':
      return a !== b
    case '<':
      return a < b
    case '>':
      return a > b
    case '<=':
      return a <= b
    default:
      return a >= b
  }
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : typeof value === 'object' && value !== null ? Object.values(value) : []

function fieldOf(value: unknown, name: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return []
  return [(value as Record<string, unknown>)[name]]
}

function deep(value: unknown, name: string): readonly unknown[] {
  const own = name === '*' ? listOf(value) : fieldOf(value, name)
  return [...own, ...listOf(value).flatMap(each => deep(each, name))]
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, letter: string) => ({ n: '\n', t: '\t', r: '\r' })[letter] ?? letter)

const fault = (template: string, why: string): Failure =>
  new Failure(`error: error parsing jsonpath ${template}, ${why}`)
