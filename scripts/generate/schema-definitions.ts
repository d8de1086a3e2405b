// Writes the definitions of generated/openapi.json: each model as an OpenAPI schema under its upstream name, with
// descriptions, formats, required fields, and the groups, versions and kinds that are served of it.

import { listSemantics } from '../../src/kinds/merge-keys.ts'
import type { Model, ModelField, ServedModel } from './client-models.ts'
import { bareName } from './definition-names.ts'
import { anyFields, quantityFields, unions } from './special-fields.ts'

export interface Schema {
  type?: string
  format?: string
  description?: string
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema
  $ref?: string
  [extension: `x-kubernetes-${string}`]: unknown
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'

/** What the package has resolved away: upstream's own scalar and free-form definitions. */
const wellKnown = {
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  fields: `${meta}.FieldsV1`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  raw: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  json: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON',
} as const

const wellKnownSchemas: Readonly<Record<string, Schema>> = {
  [wellKnown.time]: {
    type: 'string',
    format: 'date-time',
    description: 'A point in time, RFC 3339, to the second.',
  },
  [wellKnown.microTime]: {
    type: 'string',
    format: 'date-time',
    description: 'A point in time, RFC 3339, to the microsecond.',
  },
  [wellKnown.fields]: {
    type: 'object',
    description:
      'A set of fields as a trie: a key `f:<name>` is a field, `k:<keys>`, `v:<value>` or `i:<index>` an item.',
  },
  [wellKnown.quantity]: {
    type: 'string',
    description:
      'A number with a unit suffix: binary (Ki, Mi, Gi, Ti, Pi, Ei), decimal (n, u, m, k, M, G, T, P, E) or an exponent.',
  },
  [wellKnown.intOrString]: {
    type: 'string',
    format: 'int-or-string',
    description: 'A whole number, or a string such as a percentage or the name of a port.',
  },
  [wellKnown.raw]: { type: 'object', description: 'An object of any kind, kept as it is.' },
  [wellKnown.json]: { description: 'Any value that JSON has.' },
}

export function schemaDefinitions(
  models: readonly Model[],
  names: ReadonlyMap<string, string>,
  served: readonly ServedModel[],
): Record<string, Schema> {
  checkTables(models)
  const definitions: Record<string, Schema> = { ...wellKnownSchemas }
  for (const model of models) {
    const name = names.get(model.name)!
    const properties = model.fields.map(
      field => [field.name, { ...propertyOf(model, field, names), ...extensions(name, field.name) }] as const,
    )
    const required = model.fields.filter(field => field.isRequired).map(field => field.name)
    definitions[name] = {
      ...(model.description ? { description: model.description } : {}),
      ...(required.length > 0 ? { required } : {}),
      properties: Object.fromEntries(properties),
      type: 'object',
      ...extensions(name),
      ...unionOf(name),
    }
  }
  for (const { model, group, version } of [...served, ...subresourceBodies]) {
    const name = names.get(model)
    if (name === undefined) continue
    definitions[name]!['x-kubernetes-group-version-kind'] = [{ group, kind: bareName(model), version }]
  }
  return Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Kinds that are only ever the body of a subresource. */
const subresourceBodies: readonly ServedModel[] = [
  { model: 'AuthenticationV1TokenRequest', group: 'authentication.k8s.io', version: 'v1' },
  { model: 'V1Eviction', group: 'policy', version: 'v1' },
  { model: 'V1Scale', group: 'autoscaling', version: 'v1' },
  { model: 'V1Status', group: '', version: 'v1' },
  { model: 'V1DeleteOptions', group: '', version: 'v1' },
]

function propertyOf(model: Model, field: ModelField, names: ReadonlyMap<string, string>): Schema {
  const isQuantity = quantityFields[model.name]?.includes(field.name) ?? false
  const any = anyFields[model.name]?.[field.name] ?? 'raw'
  const schemaOf = (type: string): Schema => {
    const list = /^Array<(.*)>$/.exec(type)
    if (list) return { type: 'array', items: schemaOf(list[1]!) }
    const map = /^\{ \[key: string\]: (.*); \}$/.exec(type)
    if (map) return { type: 'object', additionalProperties: schemaOf(map[1]!) }
    if (type === 'any') return any === 'empty' ? { type: 'object' } : ref(wellKnown[any])
    if (type === 'Date') return ref(wellKnown.time)
    if (type === 'V1MicroTime') return ref(wellKnown.microTime)
    if (type === 'IntOrString') return ref(wellKnown.intOrString)
    if (type === 'boolean') return { type: 'boolean' }
    if (type === 'string') return isQuantity ? ref(wellKnown.quantity) : { type: 'string', ...textFormat(field) }
    if (type === 'number') {
      return field.format === 'double'
        ? { type: 'number', format: 'double' }
        : { type: 'integer', format: field.format || 'int32' }
    }
    const name = names.get(type)
    if (name === undefined) throw new Error(`${model.name}.${field.name} has the unknown type ${type}`)
    return ref(name)
  }
  const schema = schemaOf(field.type)
  return field.description ? { description: field.description, ...schema } : schema
}

/** List and map semantics, as upstream's OpenAPI says them. */
function extensions(definition: string, field?: string): Schema {
  const { listType, listMapKeys, mapType, mergeKey, patchStrategy } = listSemantics(definition, field) ?? {}
  return {
    ...(listType ? { 'x-kubernetes-list-type': listType } : {}),
    ...(listMapKeys ? { 'x-kubernetes-list-map-keys': listMapKeys } : {}),
    ...(mapType ? { 'x-kubernetes-map-type': mapType } : {}),
    ...(mergeKey ? { 'x-kubernetes-patch-merge-key': mergeKey } : {}),
    ...(patchStrategy ? { 'x-kubernetes-patch-strategy': patchStrategy } : {}),
  }
}

function unionOf(definition: string): Schema {
  const union = unions[definition.split('.').slice(-3).join('.')]
  return union === undefined ? {} : { 'x-kubernetes-unions': [union] }
}

function textFormat(field: ModelField): { format?: string } {
  return field.format === 'byte' ? { format: 'byte' } : {}
}

function ref(name: string): Schema {
  return { $ref: `#/definitions/${name}` }
}

/** A model or field that the package has renamed must be noticed, not passed over. */
function checkTables(models: readonly Model[]): void {
  const fields = new Map(models.map(model => [model.name, new Set(model.fields.map(field => field.name))]))
  const named = [
    ...Object.entries(quantityFields),
    ...Object.entries(anyFields).map(([model, of]) => [model, Object.keys(of)] as const),
  ]
  for (const [model, names] of named) {
    for (const name of names) {
      if (!fields.get(model)?.has(name))
        throw new Error(`scripts/generate/special-fields.ts names ${model}.${name}, which is gone`)
    }
  }
}
