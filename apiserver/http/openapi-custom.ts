// The definitions that custom kinds bring to OpenAPI: the kind and its list, from the schema of its definition, with the
// type and metadata that every object has (apiextensions-apiserver pkg/controller/openapi/builder/builder.go). Written as
// version 2 writes references; called by openapi.ts. Version 2 has no alternatives and no nulls, and kubectl takes what is
// untyped in it for anything (openapi/v2/conversion.go).

import type { JSONSchemaProps } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { CustomShape, Kind } from '../../src/kinds/kind.ts'
import type { Definitions, Schema } from './openapi-schemas.ts'

type Source = Frozen<JSONSchemaProps>

/** `builtIn`: how every kind says what it is, is said there. */
export function customDefinitions(kinds: readonly Kind<any>[], version: 2 | 3, builtIn: Definitions): Definitions {
  const found: Record<string, Schema> = {}
  const { apiVersion = {}, kind: kindName = {} } = builtIn[anyBuiltIn]?.properties ?? {}
  const type = { apiVersion, kind: kindName }
  for (const kind of kinds) {
    if (kind.custom === undefined) continue
    found[kind.custom.definition] = objectSchema(kind, kind.custom, { version, type })
    found[listDefinitionOf(kind.custom)] = listSchema(kind, kind.custom, type)
  }
  return found
}

interface Form {
  readonly version: 2 | 3
  readonly type: { readonly apiVersion: Schema; readonly kind: Schema }
}

/** `com.example.stable.v1.CronTabList` */
export function listDefinitionOf({ definition, listKind }: CustomShape): string {
  return definition.slice(0, definition.lastIndexOf('.') + 1) + listKind
}

const meta = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1'

const anyBuiltIn = 'io.k8s.api.core.v1.ConfigMap'
const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'
const described = (description: string, section = '') => ({
  description: `${description} More info: ${conventions}${section}`,
})
const metadata: Schema = { $ref: `${meta}.ObjectMeta`, ...described("Standard object's metadata.", '#metadata') }
const listMetadata: Schema = { $ref: `${meta}.ListMeta`, ...described('Standard list metadata.', '#types-kinds') }

function objectSchema(kind: Kind<any>, { schema, selectableFields }: CustomShape, form: Form): Schema {
  const isOpen = schema === undefined || (form.version === 2 && schema['x-kubernetes-preserve-unknown-fields'] === true)
  const own: Schema = isOpen ? { type: 'object' } : withTypeAndMeta(convert(schema!, form), form)
  return {
    ...own,
    ...identity(kind, kind.kind),
    ...(selectableFields.length > 0
      ? { 'x-kubernetes-selectable-fields': selectableFields.map(fieldPath => ({ fieldPath })) }
      : {}),
  }
}

function withTypeAndMeta(schema: Schema, { type }: Form): Schema {
  return { ...schema, properties: { ...schema.properties, ...type, metadata } }
}

function listSchema(
  kind: Kind<any>,
  { definition, listKind, selectableFields }: CustomShape,
  type: Form['type'],
): Schema {
  return {
    type: 'object',
    description: `${listKind} is a list of ${kind.kind}`,
    required: ['items'],
    properties: {
      ...type,
      items: { type: 'array', ...described(`List of ${kind.plural}.`), items: { $ref: `#/definitions/${definition}` } },
      metadata: listMetadata,
    },
    ...identity(kind, listKind),
    ...(selectableFields.length > 0
      ? { 'x-kubernetes-selectable-fields': selectableFields.map(fieldPath => ({ fieldPath })) }
      : {}),
  }
}

const identity = ({ group, version }: Kind<any>, kind: string) => ({
  'x-kubernetes-group-version-kind': [{ group, version, kind }],
})

function convert(source: Source, form: Form): Schema {
  const { version } = form
  const { properties, items, additionalProperties, allOf, anyOf, oneOf, not, nullable, type, ...rest } = source
  const preserves = source['x-kubernetes-preserve-unknown-fields'] === true
  const isUntyped = version === 2 && (nullable === true || preserves)
  const inner = (schema: unknown): Schema | undefined => (isSource(schema) ? convert(schema, form) : undefined)
  const itemSchema = isUntyped ? undefined : inner(items)
  const isBareArray = version === 2 && type === 'array' && itemSchema === undefined
  const isTypeless =
    type === undefined ||
    type === '' ||
    isBareArray ||
    (version === 2 && (nullable || (preserves && type === 'object')))
  const nulls = nullableNames(properties)
  const required = version === 2 ? rest.required?.filter(name => !nulls.has(name)) : rest.required
  const made: Record<string, unknown> = { ...rest }
  delete made.required
  if (!isTypeless) made.type = type
  if (required?.length) made.required = required
  if (itemSchema) made.items = itemSchema
  if (properties !== undefined && !isUntyped) {
    made.properties = Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => [name, convert(schema, form)]),
    )
  }
  if (isSource(additionalProperties)) made.additionalProperties = convert(additionalProperties, form)
  else if (additionalProperties === true) made.additionalProperties = {}
  if (version === 3) {
    if (nullable) made.nullable = true
    const each = (schemas: readonly Source[] | undefined) => schemas?.map(schema => convert(schema, form))
    if (allOf) made.allOf = each(allOf)
    if (anyOf) made.anyOf = each(anyOf)
    if (oneOf) made.oneOf = each(oneOf)
    if (not) made.not = convert(not, form)
    if (source['x-kubernetes-int-or-string'] && !anyOf) made.anyOf = [{ type: 'integer' }, { type: 'string' }]
  }
  const schema = made as Schema
  const isResource = source['x-kubernetes-embedded-resource'] === true && !(version === 2 && preserves)
  if (!isResource) return schema
  return { ...withTypeAndMeta(schema, form), required: [...new Set([...(required ?? []), 'kind', 'apiVersion'])] }
}

function nullableNames(properties: Source['properties']): ReadonlySet<string> {
  return new Set(Object.entries(properties ?? {}).flatMap(([name, { nullable }]) => (nullable ? [name] : [])))
}

const isSource = (value: unknown): value is Source =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
