// What the rules of a definition may come to cost at most: from how large its schema lets values become, and how often it
// lets them be there. Called by rule-faults.ts. Upstream: k8s.io/apiserver/pkg/cel/common/schemas.go, apiextensions-apiserver
// pkg/apis/apiextensions/validation/cel_validation.go.

import type { FieldError } from '../../src/api/errors.ts'
import { Faults, type FieldPath } from '../../src/kinds/field-path.ts'
import type { CelSize } from '../cel/cel.ts'
import { escaped } from './cel-types.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

/** StaticEstimatedCostLimit and StaticEstimatedCRDCostLimit of validation.go. */
const limits = { rule: 10_000_000, definition: 100_000_000 } as const

const largestRequest = 3 * 1024 * 1024

interface Sized extends CelSize {
  /** The least bytes that such a value takes in JSON. */
  readonly least: number
}

const scalar = (least: number, max = 0): Sized => ({ least, max })

/** What was told once; schemas are looked at from every rule in them. */
export type Sizes = WeakMap<Schema, Sized | 'none'>

/** Undefined where rules know nothing. */
export function sizeOf(schema: Schema, isResource: boolean, sizes: Sizes = new WeakMap()): Sized | undefined {
  // Whether it is a resource is the schema's own matter, but for the root, which nobody asks for again.
  const known = sizes.get(schema)
  if (known !== undefined) return known === 'none' ? undefined : known
  const size = measured(schema, isResource, sizes)
  sizes.set(schema, size ?? 'none')
  return size
}

function measured(schema: Schema, isResource: boolean, sizes: Sizes): Sized | undefined {
  const { maxLength, maxItems, maxProperties } = schema
  if (schema['x-kubernetes-int-or-string']) return scalar(1, longest(maxLength, largestRequest - 2))
  const inner = (each: Schema): Sized | undefined =>
    sizeOf(each, each['x-kubernetes-embedded-resource'] === true, sizes)
  switch (schema.type) {
    case 'array': {
      const items = itemsOf(schema)
      const elements = items && inner(items)
      if (elements === undefined) return undefined
      return { least: 2, max: maxItems ?? Math.floor((largestRequest - 2) / (elements.least + 1)), elements }
    }
    case 'object': {
      const others = valuesOf(schema)
      if (others === undefined || isResource) return objectSize(schema, isResource, inner)
      const elements = inner(others)
      if (elements === undefined) return undefined
      const max = maxProperties ?? Math.floor((largestRequest - 2) / (elements.least + 6))
      return { least: 2, max, elements, keys: scalar(2) }
    }
    case 'string':
      return textSize(schema)
    case 'boolean':
      return scalar(4)
    case 'number':
    case 'integer':
      return scalar(1)
    default:
      return undefined
  }
}

/** A character may take four bytes. */
const longest = (maxLength: number | undefined, otherwise: number): number =>
  maxLength === undefined ? otherwise : 4 * Math.max(0, maxLength)

function textSize({ format, maxLength, enum: choice }: Schema): Sized {
  switch (format) {
    case 'byte':
      return scalar(2, maxLength ?? largestRequest - 2)
    case 'duration':
      return scalar(3, 32)
    case 'date':
      return scalar(12, 12)
    case 'date-time':
      return scalar(21, 32)
    default: {
      const texts = (choice ?? []).filter(each => typeof each === 'string') as string[]
      const unbounded = choice?.length ? Math.max(0, ...texts.map(each => Buffer.byteLength(each))) : largestRequest - 2
      return scalar(2, longest(maxLength, unbounded))
    }
  }
}

/** metadata.name is no longer than names are, and generateName leaves room for what is made of it. */
const longestName = 253

function objectSize(schema: Schema, isResource: boolean, inner: (each: Schema) => Sized | undefined): Sized {
  const fields = new Map<string, Sized>()
  let least = 2
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const size = inner(property)
    if (size === undefined) continue
    const key = escaped(name)
    if (key !== undefined) fields.set(key, size)
    if (schema.required?.includes(name) && property.default === undefined) {
      least += Buffer.byteLength(name) + size.least + 4
    }
  }
  if (isResource) {
    for (const name of ['apiVersion', 'kind']) fields.set(name, scalar(2, largestRequest - 2))
    const { name, generateName } = schema.properties?.metadata?.properties ?? {}
    const capped = (max: number, own = max): Sized => scalar(2, 4 * Math.min(max, own))
    const names = new Map([
      ['name', capped(longestName, name?.maxLength)],
      ['generateName', capped(longestName - 1, generateName?.maxLength)],
    ])
    fields.set('metadata', { least: 2, max: 0, fields: names })
  }
  return { least, max: 0, fields }
}

/** By how much a schema makes its children more; undefined when nothing limits that. */
export function multiplied(count: number | undefined, schema: Schema): number | undefined {
  if (count === undefined) return undefined
  if (schema.type === 'array') return schema.maxItems === undefined ? undefined : count * Math.max(0, schema.maxItems)
  const isMap = schema.type === 'object' && schema.additionalProperties !== undefined
  if (!isMap) return count
  return schema.maxProperties === undefined ? undefined : count * Math.max(0, schema.maxProperties)
}

/** The costs of a definition's rules, as they are found one by one. */
export class RuleCosts {
  readonly #isForgiven: boolean
  #total = 0
  readonly #costly: { readonly at: FieldPath; readonly cost: number }[] = []

  /** `isForgiven`: the schema is as it was, and what it was allowed it is allowed still. */
  constructor(isForgiven: boolean) {
    this.#isForgiven = isForgiven
  }

  /** `count`: how often the value can be there; unlimited, as often as a request has room for it. */
  rule(cost: number, count: number | undefined, size: Sized, at: FieldPath, faults: Faults): void {
    const times = count ?? Math.floor(largestRequest / (size.least + 1))
    this.#note('estimated rule cost', cost * times, at, faults)
  }

  message(cost: number, at: FieldPath, faults: Faults): void {
    this.#note('estimated messageExpression cost', cost, at, faults)
  }

  #note(name: string, cost: number, at: FieldPath, faults: Faults): void {
    if (cost > limits.rule && !this.#isForgiven) faults.forbidden(at, exceeding(name, cost, limits.rule))
    this.#total += cost
    if (cost < limits.definition / 100) return
    this.#costly.push({ at, cost })
    this.#costly.sort((one, other) => other.cost - one.cost)
    this.#costly.length = Math.min(this.#costly.length, 4)
  }

  faults(at: FieldPath): readonly FieldError[] {
    const faults = new Faults()
    if (this.#total <= limits.definition) return []
    const why = 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema'
    for (const { at } of this.#costly) faults.forbidden(at, why)
    const total = 'x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema'
    faults.forbidden(at, exceeding(total, this.#total, limits.definition))
    return faults.list
  }
}

function exceeding(name: string, cost: number, limit: number): string {
  const factor = cost / limit
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`
  return (
    `${name} exceeds budget by factor of ${shown} ` +
    '(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)'
  )
}
