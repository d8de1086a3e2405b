// Decodes a wire object as the API server's JSON decoder does (sigs.k8s.io/json): what is null or unknown is left out,
// quantities, times and bytes are brought into the form they are written in, and what is wrong is said in Go's words.
// The slow, exact way: validate.ts calls it only for what the compiled validator does not let through. The input stays as it is.

import { setMember } from '../../src/api/freeze.ts'
import { canonicalQuantity, QuantityError } from '../../src/api/quantity.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { isZero, zeroFieldsOf } from '../../src/kinds/zero-fields.ts'
import { readGoTime } from './go-time.ts'
import { goType, structName } from './go-types.ts'

export interface Decoded {
  readonly object: Record<string, unknown>
  /** Paths of fields that the schema does not have, in the order met: `spec.containers[0].foo`. */
  readonly unknown: readonly string[]
  /** The first thing that could not be decoded. */
  readonly fault?: string
}

export function goDecode(body: Readonly<Record<string, unknown>>, schema: SchemaNode): Decoded {
  const state: State = { unknown: [], fault: undefined }
  try {
    const object = struct(body, schema, [], '', state)
    return { object, unknown: state.unknown, ...(state.fault === undefined ? {} : { fault: state.fault }) }
  } catch (error) {
    if (!(error instanceof Fatal)) throw error
    return { object: {}, unknown: state.unknown, fault: error.message }
  }
}

interface State {
  readonly unknown: string[]
  fault: string | undefined
}

/** Where a value stands: its innermost struct and field, how deep in lists and maps of that field, and the way from the root. */
interface Place {
  readonly definition: string
  readonly field: string
  readonly fields: readonly string[]
  readonly depth: number
  readonly path: string
}

/** A type's own UnmarshalJSON said no, which ends decoding at once and hides what was noted before. */
class Fatal extends Error {}

/** Beyond that many upstream stops counting, too. */
const mostUnknown = 100

function struct(
  value: Readonly<Record<string, unknown>>,
  schema: SchemaNode,
  fields: readonly string[],
  path: string,
  state: State,
): Record<string, unknown> {
  const next: Record<string, unknown> = {}
  const zeros = zeroFieldsOf(schema.definition!)
  for (const name of Object.keys(value)) {
    const node = schema.field(name)
    const at = path === '' ? name : `${path}.${name}`
    if (node === undefined) {
      if (state.unknown.length < mostUnknown) state.unknown.push(at)
      continue
    }
    const place = { definition: schema.definition!, field: name, fields: [...fields, name], depth: 0, path: at }
    const member = decoded(value[name], node, place, state)
    // A zero that Go does not write is as good as not sent.
    if (member !== undefined && !(zeros?.has(name) && node.kind !== 'struct' && isZero(member))) next[name] = member
  }
  return next
}

/** Undefined for what leaves the field unset: null, or a fault that is noted. */
function decoded(value: unknown, node: SchemaNode, place: Place, state: State): unknown {
  if (value === null || value === undefined) return undefined
  switch (node.kind) {
    case 'any':
      return value
    case 'struct':
      if (!isMembers(value)) return mistyped(value, node, place, state)
      return struct(value, node, place.fields, place.path, state)
    case 'map':
      return isMembers(value) ? map(value, node, place, state) : mistyped(value, node, place, state)
    case 'list':
      return Array.isArray(value) ? list(value, node, place, state) : mistyped(value, node, place, state)
    default:
      return scalar(value, node, place, state)
  }
}

function map(value: Readonly<Record<string, unknown>>, node: SchemaNode, place: Place, state: State): unknown {
  const values = node.values()!
  const next: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const inner = { ...place, depth: place.depth + 1, path: `${place.path}.${key}` }
    setMember(next, key, decoded(value[key], values, inner, state) ?? zeroOf(values))
  }
  return next
}

function list(value: readonly unknown[], node: SchemaNode, place: Place, state: State): unknown {
  const items = node.items()!
  return value.map((item, index) => {
    const inner = { ...place, depth: place.depth + 1, path: `${place.path}[${index}]` }
    return decoded(item, items, inner, state) ?? zeroOf(items)
  })
}

/** What Go's null item of a list or value of a map is. */
function zeroOf(node: SchemaNode): unknown {
  if (node.kind === 'struct' || node.kind === 'map') return {}
  if (node.kind === 'list') return []
  if (node.kind === 'any') return null
  if (node.scalar === 'boolean') return false
  if (node.scalar === 'quantity') return '0'
  return node.scalar === 'string' || node.scalar === 'bytes' ? '' : 0
}

function scalar(value: unknown, node: SchemaNode, place: Place, state: State): unknown {
  switch (node.scalar!) {
    case 'string':
      return typeof value === 'string' ? value : mistyped(value, node, place, state)
    case 'boolean':
      return typeof value === 'boolean' ? value : mistyped(value, node, place, state)
    case 'int32':
    case 'int64':
      if (typeof value !== 'number') return mistyped(value, node, place, state)
      if (!fits(value, node.scalar === 'int32' ? 31 : 63)) return mistyped(value, node, place, state, `number ${value}`)
      return value
    case 'double':
      return typeof value === 'number' ? value : mistyped(value, node, place, state)
    case 'quantity':
      return quantity(value)
    case 'time':
    case 'microTime':
      if (typeof value !== 'string') throw new Fatal(unmarshal(jsonWord(value), 'string', place))
      return time(value, node.scalar === 'microTime')
    case 'intOrString':
      if (typeof value === 'string') return value
      if (typeof value !== 'number') throw new Fatal(unmarshal(jsonWord(value), 'int32', place))
      if (!fits(value, 31)) throw new Fatal(unmarshal(`number ${value}`, 'int32', place))
      return value
    case 'bytes':
      return typeof value === 'string' ? bytes(value, state) : mistyped(value, node, place, state)
  }
}

function fits(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** bits) && value < 2 ** bits
}

/** A bare number is a quantity, too; anything else is parsed as the text it is, and refused for it. */
function quantity(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : JSON.stringify(value)
  try {
    return canonicalQuantity(text)
  } catch (error) {
    if (error instanceof QuantityError) throw new Fatal(error.message)
    throw error
  }
}

function time(value: string, isMicro: boolean): string {
  const read = readGoTime(value, isMicro)
  if ('fault' in read) throw new Fatal(read.fault)
  return read.text
}

function bytes(value: string, state: State): string | undefined {
  const at = base64Fault(value)
  if (at === undefined) return Buffer.from(value, 'base64').toString('base64')
  state.fault ??= `illegal base64 data at input byte ${at}`
  return undefined
}

/** Where Go's base64.StdEncoding stops: it passes over line breaks and wants its padding. */
function base64Fault(text: string): number | undefined {
  let inQuantum = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '\n' || char === '\r') continue
    if (/[A-Za-z0-9+/]/.test(char)) {
      inQuantum = (inQuantum + 1) % 4
      continue
    }
    if (char !== '=' || inQuantum < 2) return at
    let end = at + 1
    while (/[\r\n]/.test(text[end] ?? '')) end++
    if (inQuantum === 2) {
      if (text[end] !== '=') return end
      end++
    }
    while (/[\r\n]/.test(text[end] ?? '')) end++
    return end < text.length ? end : undefined
  }
  return inQuantum === 0 ? undefined : text.length - inQuantum
}

function mistyped(value: unknown, node: SchemaNode, place: Place, state: State, found = jsonWord(value)): undefined {
  state.fault ??= unmarshal(found, goType(node, place.definition, place.field, place.depth), place)
  return undefined
}

function unmarshal(found: string, type: string, { definition, fields }: Place): string {
  return `json: cannot unmarshal ${found} into Go struct field ${structName(definition)}.${fields.join('.')} of type ${type}`
}

function jsonWord(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function isMembers(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
