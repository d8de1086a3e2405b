// Lists that are sets or maps have no item twice (apiextensions-apiserver pkg/apiserver/schema/listtype/validation.go), and
// objects within objects say what they are (schema/objectmeta/validation.go). Called by custom-schema.ts.

import { duplicate, type FieldError, invalidValue, required } from '../../src/api/errors.ts'
import { dns1035LabelFaults } from '../../src/api/names.ts'
import { itemsOf, type Schema, someSchema, valuesOf } from './schema-parts.ts'

export function hasKeyedLists(schema: Schema): boolean {
  return someSchema(schema, each => ['set', 'map'].includes(each['x-kubernetes-list-type'] ?? ''))
}

export function hasEmbeddedResources(schema: Schema): boolean {
  return someSchema(schema, each => each['x-kubernetes-embedded-resource'] === true)
}

type Visit = (value: unknown, schema: Schema, path: string) => readonly FieldError[]

export const listFaults = (value: unknown, schema: Schema): FieldError[] => visited(value, schema, '', listFaultsHere)
export const embeddedFaults = (value: unknown, schema: Schema, path = ''): FieldError[] =>
  visited(value, schema, path, embeddedFaultsHere)

function visited(value: unknown, schema: Schema, path: string, visit: Visit): FieldError[] {
  if (typeof value !== 'object' || value === null) return []
  const faults = [...visit(value, schema, path)]
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined) return faults
    for (const [index, item] of value.entries()) faults.push(...visited(item, items, `${path}[${index}]`, visit))
    return faults
  }
  const { properties = {} } = schema
  const others = valuesOf(schema)
  for (const [name, member] of Object.entries(value)) {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (own !== undefined) faults.push(...visited(member, own, path === '' ? name : `${path}.${name}`, visit))
    else if (others !== undefined) faults.push(...visited(member, others, `${path}[${name}]`, visit))
  }
  return faults
}

function listFaultsHere(value: unknown, schema: Schema, path: string): readonly FieldError[] {
  if (!Array.isArray(value)) return []
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return repeated(value).map(index => duplicate(`${path}[${index}]`, value[index]))
  if (type !== 'map') return []
  const stray = value.findIndex(item => item !== null && (typeof item !== 'object' || Array.isArray(item)))
  if (stray >= 0) {
    return [invalidValue(`${path}[${stray}]`, value[stray], 'must be an object for an array of list-type map')]
  }
  const keys = value.map(item => keysOf(item as Record<string, unknown> | null, schema))
  return repeated(keys).map(index => duplicate(`${path}[${index}]`, keys[index]))
}

function keysOf(item: Readonly<Record<string, unknown>> | null, schema: Schema): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const key of schema['x-kubernetes-list-map-keys'] ?? []) {
    if (item !== null && Object.hasOwn(item, key)) found[key] = item[key]
  }
  return found
}

/** Where each item that comes more than once comes the second time. */
function repeated(items: readonly unknown[]): number[] {
  if (items.length < 2) return []
  const times = new Map<string, number>()
  const found: number[] = []
  for (const [index, item] of items.entries()) {
    const text = canonical(item)
    const count = (times.get(text) ?? 0) + 1
    times.set(text, count)
    if (count === 2) found.push(index)
  }
  return found
}

/** JSON whose members are in order. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`
}

function embeddedFaultsHere(value: unknown, schema: Schema, path: string): readonly FieldError[] {
  if (schema['x-kubernetes-embedded-resource'] !== true || Array.isArray(value)) return []
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown }
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`)
  const faults: FieldError[] = []
  if (apiVersion === undefined) faults.push(required(at('apiVersion')))
  if (kind === undefined) faults.push(required(at('kind')))
  if (apiVersion !== undefined) {
    const text = typeof apiVersion === 'string' ? apiVersion : undefined
    if (text === undefined) faults.push(invalidValue(at('apiVersion'), apiVersion, 'must be a string'))
    else if (text === '') faults.push(invalidValue(at('apiVersion'), text, 'must not be empty'))
    else if (text.split('/').length > 2) {
      faults.push(invalidValue(at('apiVersion'), text, `unexpected GroupVersion string: ${text}`))
    }
  }
  if (kind !== undefined) {
    const text = typeof kind === 'string' ? kind : undefined
    const wrong = text ? dns1035LabelFaults(text.toLowerCase()) : []
    if (text === undefined) faults.push(invalidValue(at('kind'), kind, 'must be a string'))
    else if (text === '') faults.push(invalidValue(at('kind'), text, 'must not be empty'))
    else if (wrong.length > 0) {
      const why = `may have mixed case, but should otherwise match: ${wrong.join(',')}`
      faults.push(invalidValue(at('kind'), text, why))
    }
  }
  return faults
}
