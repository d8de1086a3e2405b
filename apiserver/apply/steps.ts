// One step of a path in FieldsV1: a field, an item of a list by its keys or by its value, or an index. How steps are made,
// read, put in order and shown in messages (structured-merge-diff fieldpath/element.go and serialize-pe.go). Pure.

import type { SchemaNode } from '../../src/kinds/schemas.ts'

export const fieldStep = (name: string): string => `f:${name}`

/** Of an item in a list that is a set or a map; a text beginning with `!` says why there can be none. */
export function itemStep(list: SchemaNode, item: unknown): string {
  return list.listType === 'map' ? keyedStep(list, item) : valueStep(item)
}

export const isFault = (step: string): boolean => step.startsWith('!')

function keyedStep(list: SchemaNode, item: unknown): string {
  if (item === null) return '!associative list with keys may not have a null element'
  if (typeof item !== 'object' || Array.isArray(item)) {
    return '!associative list with keys may not have non-map elements'
  }
  const keys = list.listMapKeys ?? []
  if (keys.length === 1) {
    const value = keyOf(list, item as Members, keys[0]!)
    if (value !== undefined) return `k:{${JSON.stringify(keys[0])}:${jsonText(value)}}`
  } else {
    let text = ''
    for (const key of [...keys].sort()) {
      const value = keyOf(list, item as Members, key)
      if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${jsonText(value)}`
    }
    if (text !== '') return `k:{${text}}`
  }
  const named = keys.map(key => JSON.stringify(key)).join(' ')
  return `!associative list with keys has an element that omits all key fields [${named}] (and doesn't have default values for any key fields)`
}

type Members = Readonly<Record<string, unknown>>

function keyOf(list: SchemaNode, item: Members, key: string): unknown {
  const value = Object.hasOwn(item, key) ? item[key] : undefined
  return value === undefined ? list.items()?.field(key)?.default : value
}

function valueStep(item: unknown): string {
  if (item === null) return "!associative list without keys has an element that's an explicit null"
  if (Array.isArray(item)) return '!not supported: associative list with lists as elements'
  if (typeof item === 'object') return "!associative list without keys has an element that's a map type"
  return `v:${jsonText(item)}`
}

/** As Go's encoder writes it, which thinks of HTML. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  if (typeof value !== 'string' || !/[<>&\u2028\u2029]/.test(text)) return text
  return text.replace(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A step that somebody else wrote, in the one way to write it; undefined when there is no such step, 'unknown' when it may be of a later kind. */
export function readStep(text: string): string | undefined {
  if (text.length < 2 || text[1] !== ':') return undefined
  switch (text[0]) {
    case 'f':
      return text
    case 'i':
      return /^i:[+-]?\d+$/.test(text) ? `i:${Number(text.slice(2))}` : undefined
    case 'v':
    case 'k': {
      let value: unknown
      try {
        value = JSON.parse(text.slice(2))
      } catch {
        return undefined
      }
      if (text[0] === 'v') return `v:${jsonText(value)}`
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
      const fields = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
      return `k:{${fields.map(([name, each]) => `${JSON.stringify(name)}:${jsonText(each)}`).join(',')}}`
    }
    default:
      return 'unknown'
  }
}

const order = 'fkvi'

export function compareSteps(one: string, other: string): number {
  if (one === other) return 0
  const by = one[0]!
  if (by !== other[0]) return order.indexOf(by) - order.indexOf(other[0]!)
  if (by === 'f') return one < other ? -1 : 1
  if (by === 'i') return Number(one.slice(2)) - Number(other.slice(2))
  if (isByText(one, other)) return one < other ? -1 : 1
  const [left, right] = [JSON.parse(one.slice(2)), JSON.parse(other.slice(2))]
  return by === 'v' ? compareValues(left, right) : compareKeys(Object.entries(left), Object.entries(right))
}

/** Whether two steps that differ do so within a text, at characters that are in order as they are written. */
function isByText(one: string, other: string): boolean {
  let at = 2
  while (one.charCodeAt(at) === other.charCodeAt(at)) at++
  const [left, right] = [one.charCodeAt(at), other.charCodeAt(at)]
  if (!(left > space && right > space) || left === backslash || right === backslash) return false
  // A number may be longer than another that is greater; a text ends before it goes on.
  let before = at
  while (isOfNumber(one.charCodeAt(before - 1))) before--
  const isNumber = one.charCodeAt(before - 1) === colon && (isOfNumber(left) || isOfNumber(right))
  return !isNumber && (left === quote || isWord(left)) && (right === quote || isWord(right))
}

const space = 0x21
const quote = 0x22
const colon = 0x3a
const backslash = 0x5c
const isOfNumber = (char: number): boolean => (char >= 0x30 && char <= 0x39) || char === 0x2d || char === 0x2e
/** Not what stands between texts. */
const isWord = (char: number): boolean => char !== 0x2c && char !== 0x7d && char !== 0x7b && char !== colon

type Fields = readonly (readonly [string, unknown])[]

function compareKeys(one: Fields, other: Fields): number {
  for (let index = 0; index < one.length && index < other.length; index++) {
    const [[name, value], [otherName, otherValue]] = [one[index]!, other[index]!]
    if (name !== otherName) return name < otherName ? -1 : 1
    const by = compareValues(value, otherValue)
    if (by !== 0) return by
  }
  return one.length - other.length
}

const kinds = ['number', 'string', 'boolean', 'object']

/** Numbers, then texts, then flags (value.Compare). */
function compareValues(one: unknown, other: unknown): number {
  if (typeof one !== typeof other) return kinds.indexOf(typeof one) - kinds.indexOf(typeof other)
  if (one === other) return 0
  return (one as string) < (other as string) ? -1 : 1
}

/** `.spec.containers[name="web"].image`, as conflicts name a field. */
export function shownPath(path: readonly string[]): string {
  return path.map(shownStep).join('')
}

export function shownStep(step: string): string {
  const rest = step.slice(2)
  switch (step[0]) {
    case 'f':
      return `.${rest}`
    case 'v':
      return `[=${shownValue(JSON.parse(rest))}]`
    case 'k': {
      const fields = Object.entries(JSON.parse(rest) as Members)
      return `[${fields.map(([name, value]) => `${name}=${shownValue(value)}`).join(',')}]`
    }
    default:
      return `[${rest}]`
  }
}

const shownValue = (value: unknown): string => JSON.stringify(value)
