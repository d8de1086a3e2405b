// A schema as CEL sees it: the types of its fields, and its values in the form that rules are written for – names that are
// no identifiers are escaped, dates are times. Upstream: k8s.io/apiserver/pkg/cel/common/schemas.go, escaping.go,
// values.go. Called by schema-rules.ts and rule-faults.ts.

import type { CelType } from '../cel/cel.ts'
import { Double, Span } from '../cel/values.ts'
import { nanosecondsOf } from './formats.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

const keywords: ReadonlySet<string> = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var ' +
    'void while'
  ).split(' '),
)

/** Undefined for a name that cannot be spoken of. */
export function escaped(name: string): string | undefined {
  if (keywords.has(name)) return `__${name}__`
  const text = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__')
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined
}

const meta: CelType = { name: 'meta.ObjectMeta', fields: { name: 'string', generateName: 'string' } }

/** What an expression can reach: only fields that it names, and no deeper than it has names. */
export interface Reach {
  readonly words: ReadonlySet<string>
  readonly depth: number
}

export function reachOf(text: string): Reach {
  const words = text.match(/[A-Za-z_][A-Za-z0-9_]*/g) ?? []
  return { words: new Set(words), depth: words.length }
}

/** `name`: what tells this object's type from others in the same rule. Undefined: nothing is known, and nothing can be said of it. */
export function celTypeOf(
  schema: Schema,
  isResource: boolean,
  reach: Reach,
  name = 'custom',
  deep = { count: 0 },
): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return 'dyn'
  switch (schema.type) {
    case 'array': {
      const items = itemsOf(schema)
      const type =
        items && celTypeOf(items, items['x-kubernetes-embedded-resource'] === true, reach, `${name}.items`, deep)
      return type && { list: type }
    }
    case 'object':
      return objectType(schema, isResource, reach, name, deep)
    case 'string':
      return textTypes.get(schema.format ?? '') ?? 'string'
    case 'boolean':
      return 'bool'
    case 'integer':
      return 'int'
    case 'number':
      return 'double'
    default:
      return schema['x-kubernetes-preserve-unknown-fields'] && isResource
        ? objectType(schema, true, reach, name, deep)
        : undefined
  }
}

const textTypes: ReadonlyMap<string, CelType> = new Map([
  ['date', 'google.protobuf.Timestamp'],
  ['date-time', 'google.protobuf.Timestamp'],
  ['duration', 'google.protobuf.Duration'],
  ['byte', 'bytes'],
])

/** Names tell the way to a type, until the way is long: or they would be as large as the square of a schema. */
const longestName = 200

function objectType(
  schema: Schema,
  isResource: boolean,
  reach: Reach,
  path: string,
  deep: { count: number },
): CelType | undefined {
  const name = path.length > longestName ? `deep.n${deep.count++}` : path
  const others = valuesOf(schema)
  if (others !== undefined) {
    const type = celTypeOf(others, others['x-kubernetes-embedded-resource'] === true, reach, `${name}.values`, deep)
    return type && { map: type }
  }
  const fields: Record<string, CelType> = {}
  const further = { ...reach, depth: reach.depth - 1 }
  const { properties = {} } = schema
  for (const property of reach.depth > 0 ? Object.keys(properties) : []) {
    const key = escaped(property)
    if (key === undefined || !reach.words.has(key)) continue
    const inner = properties[property]!
    const type = celTypeOf(inner, inner['x-kubernetes-embedded-resource'] === true, further, `${name}.${key}`, deep)
    if (type !== undefined) fields[key] = type
  }
  if (isResource) Object.assign(fields, { apiVersion: 'string', kind: 'string', metadata: meta })
  return { name, fields }
}

const textReadings: ReadonlyMap<string, (text: string) => unknown> = new Map<string, (text: string) => unknown>([
  ['date', text => new Date(text)],
  ['date-time', text => new Date(text)],
  ['duration', text => new Span(`${nanosecondsOf(text) ?? 0n}ns`)],
  ['byte', text => new Uint8Array(Buffer.from(text, 'base64'))],
])

/** How values of a schema become CEL's; undefined where they are as they are. */
export type Reading = (value: unknown) => unknown

export function celReadingOf(schema: Schema): Reading | undefined {
  if (schema.type === 'number') return value => (Number.isInteger(value) ? new Double(value as number) : value)
  const text = schema.type === 'string' ? textReadings.get(schema.format ?? '') : undefined
  if (text !== undefined) return value => (typeof value === 'string' ? text(value) : value)
  const items = itemsOf(schema)
  if (items !== undefined) {
    const read = celReadingOf(items)
    return read && (value => (Array.isArray(value) ? value.map(read) : value))
  }
  const others = valuesOf(schema)
  if (others !== undefined) {
    const read = celReadingOf(others)
    return read && (value => mapped(value, (name, member) => [name, read(member)]))
  }
  const readings = new Map<string, { readonly name: string; readonly read: Reading | undefined }>()
  for (const [property, inner] of Object.entries(schema.properties ?? {})) {
    const name = escaped(property) ?? property
    const read = celReadingOf(inner)
    if (name !== property || read !== undefined) readings.set(property, { name, read })
  }
  if (readings.size === 0) return undefined
  return value =>
    mapped(value, (name, member) => {
      const reading = readings.get(name)
      return reading === undefined ? [name, member] : [reading.name, reading.read?.(member) ?? member]
    })
}

function mapped(value: unknown, change: (name: string, member: unknown) => [string, unknown]): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => change(name, member)))
}
