// Takes out of a custom object what its schema does not have, and nulls where there may be none
// (apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go, defaulting/prunenulls.go). Called for every body and
// for what is read from the store. The object is changed in place.

import type { JSONSchemaProps } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

/** Says which fields were taken out: `spec.foo`, `spec.items[0].foo`. */
export function prune(object: Record<string, unknown>, schema: Frozen<JSONSchemaProps> | undefined): readonly string[] {
  const dropped: string[] = []
  pruneMembers(object, schema, '', true, dropped)
  pruneNulls(object, schema)
  return dropped
}

const ofEveryResource: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

export function pruneValue(value: unknown, schema: Schema | undefined, path: string, dropped: string[]): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    const items = schema && itemsOf(schema)
    for (let index = 0; index < value.length; index++) pruneValue(value[index], items, `${path}[${index}]`, dropped)
  } else pruneMembers(value as Record<string, unknown>, schema, path, false, dropped)
}

function pruneMembers(
  members: Record<string, unknown>,
  schema: Schema | undefined,
  path: string,
  isRoot: boolean,
  dropped: string[],
): void {
  const isResource = isRoot || schema?.['x-kubernetes-embedded-resource'] === true
  const keepsUnknown = schema?.['x-kubernetes-preserve-unknown-fields'] === true
  const { properties, additionalProperties } = schema ?? {}
  for (const name of Object.keys(members)) {
    if (isResource && ofEveryResource.has(name)) continue
    const at = path === '' ? name : `${path}.${name}`
    if (properties !== undefined && Object.hasOwn(properties, name)) {
      pruneValue(members[name], properties[name], at, dropped)
    } else if (additionalProperties !== undefined && additionalProperties !== false) {
      if (!keepsUnknown || valuesOf(schema!) !== undefined) pruneValue(members[name], valuesOf(schema!), at, dropped)
    } else if (!keepsUnknown) {
      dropped.push(at)
      delete members[name]
    }
  }
}

/** A null is no value where the schema does not allow it; where there is a default, that takes its place later. */
function pruneNulls(value: unknown, schema: Schema | undefined): void {
  if (typeof value !== 'object' || value === null || schema === undefined) return
  if (Array.isArray(value)) {
    for (const item of value) pruneNulls(item, itemsOf(schema))
    return
  }
  const members = value as Record<string, unknown>
  for (const name of Object.keys(members)) {
    const { properties } = schema
    const inner = properties && Object.hasOwn(properties, name) ? properties[name] : valuesOf(schema)
    if (inner === undefined) continue
    if (members[name] === null && inner.nullable !== true && inner.default === undefined) delete members[name]
    else pruneNulls(members[name], inner)
  }
}
