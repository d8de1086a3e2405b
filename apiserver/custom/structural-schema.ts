// Whether a schema is structural: every field it speaks of has a type, outside of what only restricts values; that is what
// pruning, defaults and apply rest on. Rules and words: apiextensions-apiserver pkg/apiserver/schema/{validation,complete}.go.

import { RE2JS } from 're2js'
import type { FieldError } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import { Faults, type FieldPath } from '../../src/kinds/field-path.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

/** Sorted by their text, as upstream does. */
export function structuralFaults(schema: Schema, at: FieldPath): readonly FieldError[] {
  const faults = new Faults()
  invariants(schema, 'root', at, faults)
  junctions(schema, (nested, place) => complete(nested, schema, at, place, faults), at)
  const text = ({ field, message }: FieldError): string => `${field}: ${message}`
  return [...faults.list].sort((one, other) => (text(one) < text(other) ? -1 : 1))
}

type Level = 'root' | 'item' | 'field'

const typeless: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

function invariants(schema: Schema, level: Level, at: FieldPath, faults: Faults): void {
  const { type, properties = {}, additionalProperties } = schema
  const items = itemsOf(schema)
  const others = valuesOf(schema)
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true
  const isIntOrString = schema['x-kubernetes-int-or-string'] === true
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true
  if (type === 'array' && items === undefined) faults.required(at.child('items'), 'must be specified')
  if (items !== undefined) invariants(items, 'item', at.child('items'), faults)
  for (const [name, property] of Object.entries(properties)) {
    invariants(property, 'field', at.child('properties').key(name), faults)
  }
  if (additionalProperties !== undefined) {
    if (level === 'root') faults.forbidden(at.child('additionalProperties'), 'must not be used at the root')
    if (others !== undefined) invariants(others, 'field', at.child('additionalProperties'), faults)
  }
  const never = 'must be false if x-kubernetes-int-or-string is true'
  if (isIntOrString && preserves) faults.invalid(at.child('x-kubernetes-preserve-unknown-fields'), true, never)
  if (isIntOrString && isEmbedded) faults.invalid(at.child('x-kubernetes-embedded-resource'), true, never)
  valueRules(schema, isIntOrStringPair(schema.anyOf), isIntOrStringPair(schema.allOf?.[0]?.anyOf), level, at, faults)
  const mustBeObject = 'must be object if x-kubernetes-embedded-resource is true'
  if (isEmbedded && type !== 'object') {
    if (!type) faults.required(at.child('type'), mustBeObject)
    else faults.invalid(at.child('type'), type, mustBeObject)
  } else if (!type && !isIntOrString && !preserves) faults.required(at.child('type'), typeless[level])
  if (isEmbedded && additionalProperties !== undefined) {
    const why = 'must not be used if x-kubernetes-embedded-resource is set'
    faults.forbidden(at.child('additionalProperties'), why)
  }
  if (level === 'root' && type && type !== 'object') {
    faults.invalid(at.child('type'), type, 'must be object at the root')
  }
  metaRules(schema, level, at, faults)
  if (isEmbedded && !preserves && Object.keys(properties).length === 0) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields'
    faults.required(at.child('properties'), why)
  }
}

function metaRules(schema: Schema, level: Level, at: FieldPath, faults: Faults): void {
  const { properties = {} } = schema
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true
  const property = (name: string): Schema | undefined =>
    Object.hasOwn(properties, name) ? properties[name] : undefined
  for (const name of ['kind', 'apiVersion'] as const) {
    const found = property(name)
    if (!isResource || found === undefined || found.type === 'string') continue
    faults.invalid(at.child('properties').key(name).child('type'), found.type ?? '', 'must be string')
  }
  const metadata = property('metadata')
  if (metadata === undefined) return
  const place = at.child('properties').key('metadata')
  if (isResource && metadata.type !== 'object') {
    faults.invalid(place.child('type'), metadata.type ?? '', 'must be object')
  }
  if (level !== 'root') return
  const { type: _, default: __, properties: restricted = {}, ...rest } = metadata
  const others = Object.keys(restricted).filter(name => name !== 'name' && name !== 'generateName')
  if (others.length === 0 && Object.keys(rest).length === 0) return
  const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
  faults.forbidden(place, why)
}

function isIntOrStringPair(schemas: readonly Schema[] | undefined): boolean {
  return jsonEqual(schemas, [{ type: 'integer' }, { type: 'string' }])
}

function valueRules(
  schema: Schema,
  skipAnyOf: boolean,
  skipFirstAllOf: boolean,
  level: Level,
  at: FieldPath,
  faults: Faults,
): void {
  if (!skipAnyOf) {
    for (const [index, each] of (schema.anyOf ?? []).entries()) {
      nestedRules(each, false, level, at.child('anyOf').index(index), faults)
    }
  }
  for (const [index, each] of (schema.allOf ?? []).entries()) {
    nestedRules(each, skipFirstAllOf && index === 0, level, at.child('allOf').index(index), faults)
  }
  for (const [index, each] of (schema.oneOf ?? []).entries()) {
    nestedRules(each, false, level, at.child('oneOf').index(index), faults)
  }
  if (schema.not !== undefined) nestedRules(schema.not, false, level, at.child('not'), faults)
  const { pattern } = schema
  const fault = pattern ? patternFault(pattern) : undefined
  if (fault !== undefined) {
    faults.invalid(at.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${fault}`)
  }
}

function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Where values are only restricted, nothing may be said of what they are. */
function nestedRules(schema: Schema, skipAnyOf: boolean, level: Level, at: FieldPath, faults: Faults): void {
  valueRules(schema, skipAnyOf, false, level, at, faults)
  const items = itemsOf(schema)
  if (items !== undefined) nestedRules(items, false, level, at.child('items'), faults)
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    nestedRules(property, false, 'field', at.child('properties').key(name), faults)
  }
  const forbid = (name: string, isThere: unknown, how: 'empty' | 'undefined' | 'false'): void => {
    if (isThere) faults.forbidden(at.child(name), `must be ${how} to be structural`)
  }
  forbid('type', schema.type, 'empty')
  forbid('additionalProperties', schema.additionalProperties !== undefined, 'undefined')
  forbid('default', schema.default !== undefined, 'undefined')
  forbid('title', schema.title, 'empty')
  forbid('description', schema.description, 'empty')
  forbid('nullable', schema.nullable, 'false')
  forbid('x-kubernetes-preserve-unknown-fields', schema['x-kubernetes-preserve-unknown-fields'], 'false')
  forbid('x-kubernetes-embedded-resource', schema['x-kubernetes-embedded-resource'], 'false')
  forbid('x-kubernetes-int-or-string', schema['x-kubernetes-int-or-string'], 'false')
  forbid('x-kubernetes-list-map-keys', schema['x-kubernetes-list-map-keys']?.length, 'empty')
  forbid('x-kubernetes-list-type', schema['x-kubernetes-list-type'] !== undefined, 'undefined')
  forbid('x-kubernetes-map-type', schema['x-kubernetes-map-type'] !== undefined, 'undefined')
  forbid('x-kubernetes-validations', schema['x-kubernetes-validations']?.length, 'empty')
  if (Object.hasOwn(schema.properties ?? {}, 'metadata')) {
    faults.forbidden(at.child('properties').key('metadata'), 'must not be specified in a nested context')
  }
}

function junctions(
  { not, allOf, anyOf, oneOf }: Schema,
  visit: (nested: Schema, at: FieldPath) => void,
  at: FieldPath,
) {
  if (not !== undefined) visit(not, at.child('not'))
  for (const [index, each] of (allOf ?? []).entries()) visit(each, at.child('allOf').index(index))
  for (const [index, each] of (anyOf ?? []).entries()) visit(each, at.child('anyOf').index(index))
  for (const [index, each] of (oneOf ?? []).entries()) visit(each, at.child('oneOf').index(index))
}

/** Whatever is restricted is also declared. */
function complete(
  nested: Schema,
  declared: Schema | undefined,
  at: FieldPath,
  nestedAt: FieldPath,
  faults: Faults,
): void {
  if (declared === undefined) {
    faults.required(at, `because it is defined in ${nestedAt}`)
    return
  }
  junctions(nested, (inner, place) => complete(inner, declared, at, place, faults), nestedAt)
  const items = itemsOf(nested)
  if (items !== undefined) complete(items, itemsOf(declared), at.child('items'), nestedAt.child('items'), faults)
  for (const [name, property] of Object.entries(nested.properties ?? {})) {
    const place = at.child('properties').key(name)
    const own = declared.properties
    const counterpart = own && Object.hasOwn(own, name) ? own[name] : undefined
    complete(property, counterpart, place, nestedAt.child('properties').key(name), faults)
  }
}
