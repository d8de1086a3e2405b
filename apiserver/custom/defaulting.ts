// Fills in what a schema has defaults for (apiextensions-apiserver pkg/apiserver/schema/defaulting/algorithm.go): of bodies,
// and of objects that were stored before there was a default. The object is changed in place.

import { draft, setMember } from '../../src/api/freeze.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

export function applyDefaults(value: unknown, schema: Schema | undefined): void {
  if (typeof value !== 'object' || value === null || schema === undefined) return
  if (Array.isArray(value)) {
    const items = itemsOf(schema)
    if (items === undefined) return
    for (let index = 0; index < value.length; index++) {
      if (isUnfit(value[index], items) && items.default !== undefined) value[index] = draft(items.default)
      applyDefaults(value[index], items)
    }
    return
  }
  const members = value as Record<string, unknown>
  const { properties = {} } = schema
  for (const name of Object.keys(properties)) {
    const property = properties[name]!
    if (property.default === undefined || property.default === null) continue
    if (!Object.hasOwn(members, name) || isUnfit(members[name], property)) {
      setMember(members, name, draft(property.default))
    }
  }
  const others = valuesOf(schema)
  for (const name of Object.keys(members)) {
    if (Object.hasOwn(properties, name)) applyDefaults(members[name], properties[name])
    else if (others !== undefined) {
      if (isUnfit(members[name], others) && others.default !== undefined) {
        setMember(members, name, draft(others.default))
      }
      applyDefaults(members[name], others)
    }
  }
}

const isUnfit = (value: unknown, { nullable }: Schema): boolean => value === null && nullable !== true
