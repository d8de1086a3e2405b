// Schemas and sets for the tests of apiserver/apply/: a small schema written as data, and sets written as paths.

import { FieldSet } from '../../apiserver/apply/field-set.ts'
import { shownPath } from '../../apiserver/apply/steps.ts'
import type { Versions } from '../../apiserver/apply/tracking.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'

/** What a test says of a type: fields by name, `[]` a list's items, `*` a map's values. */
export interface Told {
  readonly fields?: Readonly<Record<string, Told>>
  readonly list?: { readonly of: Told; readonly type?: 'atomic' | 'set' | 'map'; readonly keys?: readonly string[] }
  readonly map?: Told
  readonly scalar?: NonNullable<SchemaNode['scalar']>
  readonly atomic?: boolean
  readonly default?: unknown
}

export function typeOf(told: Told): SchemaNode {
  const { fields, list, map, scalar, atomic } = told
  const made = new Map<string, SchemaNode>()
  const field = (name: string): SchemaNode | undefined => {
    if (fields === undefined || !Object.hasOwn(fields, name)) return undefined
    const known = made.get(name) ?? typeOf(fields[name]!)
    made.set(name, known)
    return known
  }
  const items = list && typeOf(list.of)
  const values = map && typeOf(map)
  return {
    kind: fields ? 'struct' : list ? 'list' : map ? 'map' : scalar ? 'scalar' : 'any',
    ...(scalar ? { scalar } : {}),
    ...(list ? { listType: list.type ?? 'atomic', ...(list.keys ? { listMapKeys: list.keys } : {}) } : {}),
    ...(atomic ? { mapType: 'atomic' as const } : {}),
    ...(told.default === undefined ? {} : { default: told.default }),
    field,
    items: () => items,
    values: () => values,
    fieldNames: () => Object.keys(fields ?? {}),
  }
}

export const text: Told = { scalar: 'string' }
export const number: Told = { scalar: 'int32' }

/** One version, with nothing to convert from or to. */
export function onlyVersion(type: SchemaNode | undefined, apiVersion = 'v1'): Versions {
  return {
    apiVersion,
    type,
    convert: (object, version) => (version === apiVersion ? { type, object } : undefined),
  }
}

/** `f:spec f:replicas` → a set of these paths. */
export function setOf(...paths: readonly string[]): FieldSet {
  return FieldSet.of(...paths.map(path => path.split(' ')))
}

/** A set as its paths, shown as conflicts show them. */
export function shown(set: FieldSet): string[] {
  return [...set.paths()].map(shownPath)
}
