// What is wrong with the schema of a definition: that it is not structural, that its defaults do not fit it, what may not be
// in it, and rules that do not compile. Called by definition-kind.ts for each version. Rules and words:
// apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go, pkg/apiserver/schema/defaulting/validation.go.

import type { FieldError } from '../../src/api/errors.ts'
import { draft } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { SchemaContext } from '../../src/kinds/customresourcedefinition-rules.ts'
import { Faults, type FieldPath } from '../../src/kinds/field-path.ts'
import type { Cel } from '../cel/cel.ts'
import { embeddedFaults } from './list-rules.ts'
import { pruneValue } from './pruning.ts'
import { compileFaults, ruleTextRules } from './rule-faults.ts'
import { itemsOf, type Schema, someSchema, valuesOf } from './schema-parts.ts'
import { compileDefaultRules } from './schema-rules.ts'
import { compileValidation } from './schema-validation.ts'
import { structuralFaults } from './structural-schema.ts'

export function schemaFaults(
  cel: Cel,
  schema: Schema,
  at: FieldPath,
  { statusEnabled, old }: SchemaContext,
): readonly FieldError[] {
  const faults = new Faults()
  const before = (old?.spec.versions ?? []).flatMap(version => version.schema?.openAPIV3Schema ?? [])
  if (statusEnabled) rootRules(schema, at, faults)
  if (schema.nullable) faults.forbidden(at.child('nullable'), 'nullable cannot be true at the root')
  // What was stored once is not judged more strictly than it was.
  if (before.every(each => structuralFaults(each, at).length === 0)) faults.addAll(structuralFaults(schema, at))
  if (faults.count === 0) defaultRules(cel, schema, at, true, faults)
  const isSound = faults.count === 0
  const more = new Faults()
  const scope = { isRoot: true, insideMeta: false, noDefaults: undefined }
  openApiRules(schema, at, scope, more)
  faults.addAll(more.list)
  if (isSound && more.count === 0 && hasRules(schema)) {
    faults.addAll(
      compileFaults(
        cel,
        schema,
        at,
        before.some(each => jsonEqual(each, schema)),
      ),
    )
  }
  return faults.list
}

const hasRules = (schema: Schema): boolean =>
  someSchema(schema, each => (each['x-kubernetes-validations']?.length ?? 0) > 0)

/** In the order of upstream's struct, with the names that it tells. */
const allowedAtRoot = [
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
]

const extensions: Readonly<Record<string, string>> = {
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
}

/** A status that is judged by itself must be all that is said of it. */
function rootRules(schema: Schema, at: FieldPath, faults: Faults): void {
  if (schema.type !== undefined && schema.type !== 'object') {
    const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    faults.invalid(at.child('type'), schema.type, why)
    return
  }
  const stray = Object.keys(schema).some(name => {
    const value = (schema as Record<string, unknown>)[name]
    if (value === false || value === '' || value === undefined) return false
    return !allowedAtRoot.includes(extensions[name] ?? name[0]!.toUpperCase() + name.slice(1))
  })
  if (!stray) return
  const why = `only [${allowedAtRoot.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
  faults.invalid(at, schema, why)
}

/** A default is pruned, and valid by its own schema. */
function defaultRules(cel: Cel, schema: Schema, at: FieldPath, isRoot: boolean, faults: Faults): void {
  if (schema.default !== undefined && schema.default !== null) {
    const place = at.child('default')
    const pruned = draft(schema.default)
    pruneValue(pruned, schema, '', [])
    if (!jsonEqual(pruned, schema.default)) faults.invalid(place, schema.default, 'must not have unknown fields')
    const embedded = embeddedFaults(schema.default, schema, `${place}`)
    faults.addAll(embedded)
    if (embedded.length === 0) {
      const wrong = compileValidation(schema)(schema.default, undefined, '')
      for (const fault of wrong) {
        const field = fault.field === '<nil>' ? `${place}` : `${place}.${fault.field}`
        faults.add({ ...fault, field })
      }
      if (wrong.length === 0 && hasRules(schema)) {
        const isResource = isRoot || schema['x-kubernetes-embedded-resource'] === true
        faults.addAll(compileDefaultRules(cel, schema, isResource)(schema.default, `${place}`).faults)
      }
    }
  }
  const items = itemsOf(schema)
  if (items !== undefined) defaultRules(cel, items, at.child('items'), false, faults)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (isRoot && ofEveryResource.includes(name)) continue
    defaultRules(cel, property, at.child('properties').key(name), false, faults)
  }
}

const ofEveryResource = ['metadata', 'kind', 'apiVersion']
const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

interface Scope {
  readonly isRoot: boolean
  readonly insideMeta: boolean
  /** Why there may be no defaults here. */
  readonly noDefaults: string | undefined
}

function openApiRules(schema: Schema, at: FieldPath, scope: Scope, faults: Faults): void {
  plainRules(schema, at, scope, faults)
  if (schema.uniqueItems) {
    const why = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic'
    faults.forbidden(at.child('uniqueItems'), why)
  }
  const inner = { ...scope, isRoot: false }
  const { additionalProperties, properties = {} } = schema
  const others = valuesOf(schema)
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && (additionalProperties === false || others !== undefined)) {
      const why = 'additionalProperties and properties are mutual exclusive'
      faults.forbidden(at.child('additionalProperties'), why)
    }
    if (others !== undefined) {
      const why = 'inside additionalProperties applying to object metadata'
      const deeper = scope.insideMeta ? { ...inner, noDefaults: why } : inner
      openApiRules(others, at.child('additionalProperties'), deeper, faults)
    }
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta = ofEveryResource.includes(name) && (scope.isRoot || schema['x-kubernetes-embedded-resource'] === true)
    const deeper = !isMeta
      ? inner
      : { ...inner, insideMeta: true, ...(scope.isRoot ? { noDefaults: `in top-level ${name}` } : {}) }
    openApiRules(property, at.child('properties').key(name), deeper, faults)
  }
  if (schema.not) openApiRules(schema.not, at.child('not'), inner, faults)
  for (const part of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, each] of (schema[part] ?? []).entries()) {
      openApiRules(each, at.child(part).index(index), inner, faults)
    }
  }
  const items = itemsOf(schema)
  if (items !== undefined) openApiRules(items, at.child('items'), inner, faults)
  extensionRules(schema, at, faults)
  ruleTextRules(schema, at, faults)
}

function plainRules(schema: Schema, at: FieldPath, scope: Scope, faults: Faults): void {
  const { type, items } = schema
  if (type && !types.includes(type)) faults.notSupported(at.child('type'), type, types)
  if (schema.default !== undefined && scope.noDefaults !== undefined) {
    faults.forbidden(at.child('default'), `must not be set ${scope.noDefaults}`)
  }
  const refuse = (name: string, isThere: unknown): void => {
    if (isThere) faults.forbidden(at.child(name), `${name} is not supported`)
  }
  refuse('id', schema.id)
  refuse('additionalItems', schema.additionalItems !== undefined)
  refuse('patternProperties', Object.keys(schema.patternProperties ?? {}).length)
  refuse('definitions', Object.keys(schema.definitions ?? {}).length)
  refuse('dependencies', schema.dependencies !== undefined)
  refuse('$ref', schema.$ref !== undefined)
  if (type === 'null') {
    faults.forbidden(at.child('type'), 'type cannot be set to null, use nullable as an alternative')
  }
  if (Array.isArray(items)) faults.forbidden(at.child('items'), 'items must be a schema object and not an array')
  if (scope.insideMeta && schema['x-kubernetes-embedded-resource']) {
    faults.forbidden(at.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta')
  }
}

function extensionRules(schema: Schema, at: FieldPath, faults: Faults): void {
  const { type } = schema
  const mapType = schema['x-kubernetes-map-type']
  const listType = schema['x-kubernetes-list-type']
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    faults.invalid(at.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined')
  }
  const mustBe = (wanted: string, extension: string): void => {
    const why = `must be ${wanted} if ${extension} is specified`
    if (!type) faults.required(at.child('type'), why)
    else faults.invalid(at.child('type'), type, why)
  }
  if (mapType !== undefined) {
    if (type !== 'object') mustBe('object', 'x-kubernetes-map-type')
    if (mapType !== 'atomic' && mapType !== 'granular') {
      faults.notSupported(at.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular'])
    }
  }
  if (listType !== undefined && type !== 'array') mustBe('array', 'x-kubernetes-list-type')
  else if (listType === 'set') setRules(schema, at, faults)
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType)) {
    faults.notSupported(at.child('x-kubernetes-list-type'), listType, ['atomic', 'set', 'map'])
  }
  keysRules(schema, at, faults)
}

function setRules(schema: Schema, at: FieldPath, faults: Faults): void {
  const items = itemsOf(schema)
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const place = at.child('items')
  const inner = items?.['x-kubernetes-list-type']
  if (items?.type === 'array' && inner !== undefined && inner !== 'atomic') {
    faults.invalid(place.child('x-kubernetes-list-type'), inner, why)
  }
  if (items?.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic') {
    faults.invalid(place.child('x-kubernetes-map-type'), inner ?? null, why)
  }
}

function keysRules(schema: Schema, at: FieldPath, faults: Faults): void {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const items = itemsOf(schema)
  if (keys.length > 0 && listType !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    if (listType === undefined) faults.required(at.child('x-kubernetes-list-type'), why)
    else faults.invalid(at.child('x-kubernetes-list-type'), listType, why)
  }
  const place = at.child('items')
  if (listType === 'map') {
    const list = at.child('x-kubernetes-list-map-keys')
    if (keys.length === 0) faults.required(list, 'must not be empty if x-kubernetes-list-type is map')
    if (schema.items === undefined) {
      faults.required(place, 'must have a schema if x-kubernetes-list-type is map')
    } else if (items === undefined) {
      faults.invalid(place, schema.items, 'must only have a single schema if x-kubernetes-list-type is map')
    } else if (items.type !== 'object') {
      const why = "must be object if parent array's x-kubernetes-list-type is map"
      faults.invalid(place.child('type'), items.type ?? '', why)
    } else {
      const { properties = {} } = items
      for (const [index, key] of keys.entries()) {
        const property = Object.hasOwn(properties, key) ? properties[key] : undefined
        if (property === undefined) faults.invalid(list, keys, 'entries must all be names of item properties')
        else if (property.type === 'array' || property.type === 'object') {
          const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
          faults.invalid(place.child('properties').key(key).child('type'), items.type, why)
        }
        if (keys.indexOf(key) < index) faults.invalid(list, keys, 'must not contain duplicate entries')
      }
    }
  }
  if (items === undefined || (listType !== 'map' && listType !== 'set')) return
  if (items.nullable) {
    faults.forbidden(place.child('nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`)
  }
  if (listType !== 'map') return
  for (const key of keys) {
    const property = items.properties && Object.hasOwn(items.properties, key) ? items.properties[key] : undefined
    if (property === undefined) continue
    const where = place.child('properties').key(key)
    if (!items.required?.includes(key) && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property'
      faults.required(where.child('default'), why)
    }
    if (property.nullable) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'
      faults.forbidden(where.child('nullable'), why)
    }
  }
}
