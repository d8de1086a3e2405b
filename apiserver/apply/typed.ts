// How a value is walked by its schema: which of a map, a list or a leaf it is there, and what belongs under a name. Shared by
// compare.ts, merge.ts, owned.ts and remove.ts. Without a schema the form is deduced from the value: maps by field, lists as
// one value (structured-merge-diff's deduced type). Pure.

import type { SchemaNode } from '../../src/kinds/schemas.ts'

/** The schema of a value; undefined: there is none, and the form is deduced. */
export type Type = SchemaNode | undefined

export type Form = 'map' | 'list' | 'leaf'

export type Members = Readonly<Record<string, unknown>>

/** Granular maps and structs are `map`, associative lists `list`; whatever is one value is a `leaf`. Undefined: any form will do. */
export function formOf(type: Type, value: unknown): Form | undefined {
  if (type === undefined || (type.kind === 'any' && type.mapType === 'granular')) {
    if (value === undefined || value === null) return undefined
    return isMembers(value) ? 'map' : 'leaf'
  }
  if (type.kind === 'struct' || type.kind === 'map') return type.mapType === 'atomic' ? 'leaf' : 'map'
  if (type.kind === 'list') return type.listType === 'map' || type.listType === 'set' ? 'list' : 'leaf'
  return 'leaf'
}

export function memberType(type: Type, name: string): Type {
  return type === undefined || type.kind === 'any' ? undefined : (type.field(name) ?? type.values())
}

/** A declared field, and no key that a map happens to have. */
export function isDeclared(type: Type, name: string): boolean {
  if (type?.field(name) === undefined) return false
  // A custom struct may take fields that it does not declare.
  return type.definition !== undefined || type.fieldNames().includes(name)
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function hasNone(value: Members | readonly unknown[] | undefined): boolean {
  return value === undefined || (Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0)
}
