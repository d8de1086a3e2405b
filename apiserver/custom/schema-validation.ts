// Values held against a schema, in the words of kube-openapi (pkg/validation/validate, errors/schema.go) as
// apiextensions-apiserver passes them on (pkg/apiserver/validation/validation.go). What an update leaves as it was is not
// held against it again, where old and new can be told to be the same thing (ratcheting.go). Compiled once a schema.

import { RE2JS } from 're2js'
import {
  type FieldError,
  invalidValue,
  notSupported,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import { formatOf, isOfFormat } from './formats.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

/** `old`: undefined where there is nothing to be compared with. Paths begin with `at`, '' for the object itself. */
export type Validate = (value: unknown, old: unknown, at: string) => readonly FieldError[]

export function compileValidation(schema: Schema | undefined): Validate {
  if (schema === undefined) return () => []
  const checks = compile(schema)
  return (value, old, at) => run(checks, value, old, at).faults
}

interface Outcome {
  readonly faults: FieldError[]
  /** How much of it was right: of several alternatives the one that fits best is told about. */
  matches: number
}

type Check = (value: unknown, old: unknown, path: string) => Outcome | undefined

interface Checks {
  readonly always: readonly Check[]
  readonly whenNull: readonly Check[]
}

function run({ always, whenNull }: Checks, value: unknown, old: unknown, path: string): Outcome {
  const outcome: Outcome = { faults: [], matches: 0 }
  if (value === null) {
    for (const check of whenNull) merge(outcome, check(value, old, path))
    return forgiven(outcome, value, old)
  }
  for (const check of always) {
    const found = check(value, old, path)
    if (found === skipped) continue
    merge(outcome, found)
    outcome.matches++
  }
  outcome.matches++
  return forgiven(outcome, value, old)
}

/** A check that does not concern values of this type. */
const skipped: Outcome = { faults: [], matches: 0 }

function forgiven(outcome: Outcome, value: unknown, old: unknown): Outcome {
  if (outcome.faults.length > 0 && old !== undefined && jsonEqual(value, old)) outcome.faults.length = 0
  return outcome
}

function merge(into: Outcome, found: Outcome | undefined): void {
  if (found === undefined) return
  for (const fault of found.faults) {
    if (!into.faults.some(({ field, message }) => field === fault.field && message === fault.message)) {
      into.faults.push(fault)
    }
  }
  into.matches += found.matches
}

const failed = (...faults: FieldError[]): Outcome => ({ faults, matches: 0 })

function compile(schema: Schema): Checks {
  const types = schema['x-kubernetes-int-or-string']
    ? ['integer', 'string']
    : schema.type === undefined || schema.type === ''
      ? []
      : [schema.type]
  const format = formatOf(types.length === 1 ? types[0] : undefined, schema.format)
  const type = types.length > 0 || format ? [typeCheck(types, format, schema.nullable === true)] : []
  const enumeration = schema.enum === undefined ? [] : [enumCheck(schema.enum)]
  return {
    always: [
      ...type,
      ...junctionCheck(schema),
      ...stringCheck(schema),
      ...(format && (types.length === 0 || types[0] === 'string') ? [formatCheck(format)] : []),
      ...numberCheck(schema, types, format),
      ...listCheck(schema),
      ...enumeration,
      ...objectCheck(schema),
    ],
    whenNull: [...(types.length > 0 ? type : []), ...enumeration],
  }
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function typeCheck(types: readonly string[], format: string | undefined, isNullable: boolean): Check {
  return (value, _old, path) => {
    if (value === null) {
      return isNullable ? { faults: [], matches: 1 } : failed(mistyped(path, types.join(','), 'null'))
    }
    const found = jsonType(value)
    const fits = types.includes(found) || (found === 'integer' && types.includes('number'))
    const isText = found === 'string' || found === 'array'
    if (format !== undefined && !isText && !fits) {
      return failed(mistyped(path, format, found === 'number' ? 'float64' : found === 'integer' ? 'int64' : ''))
    }
    if (format !== undefined && isText && !types.includes('number') && !types.includes('integer')) {
      return { faults: [], matches: 1 }
    }
    return fits ? { faults: [], matches: 1 } : failed(mistyped(path, types.join(','), found))
  }
}

function mistyped(path: string, type: string, found: string): FieldError {
  return typeInvalid(place(path), found, `${path} in body must be of type ${type}: ${JSON.stringify(found)}`)
}

const place = (path: string): string => path.replace(/^\./, '') || '<nil>'

function wrong(path: string, value: unknown, why: string): FieldError {
  return invalidValue(place(path), value, `${path} in body ${why}`)
}

/** Upstream tells of these without saying where. */
const unplaced = (why: string): FieldError => invalidValue('<nil>', '', why)

function junctionCheck({ allOf, anyOf, oneOf, not }: Schema): Check[] {
  if (!allOf && !anyOf && !oneOf && !not) return []
  const [all, any, one] = [allOf, anyOf, oneOf].map(schemas => schemas?.map(compile) ?? [])
  const none = not && compile(not)
  return [
    (value, old, path) => {
      const outcome: Outcome = { faults: [], matches: 0 }
      if (any!.length > 0) checkAny(any!, outcome, value, old, path)
      if (one!.length > 0) checkOne(one!, outcome, value, old, path)
      if (all!.length > 0) checkAll(all!, outcome, value, old, path)
      if (none && run(none, value, old, path).faults.length === 0) {
        outcome.faults.push(unplaced(`${JSON.stringify(path)} must not validate the schema (not)`))
      }
      outcome.matches++
      return outcome
    },
  ]
}

function checkAny(schemas: readonly Checks[], into: Outcome, value: unknown, old: unknown, path: string): void {
  let best: Outcome | undefined
  for (const schema of schemas) {
    const found = run(schema, value, old, path)
    if (found.faults.length === 0) {
      merge(into, found)
      return
    }
    if (best === undefined || found.matches > best.matches) best = found
  }
  into.faults.push(unplaced(`${JSON.stringify(path)} must validate at least one schema (anyOf)`))
  merge(into, best)
}

function checkOne(schemas: readonly Checks[], into: Outcome, value: unknown, old: unknown, path: string): void {
  let best: Outcome | undefined
  let first: Outcome | undefined
  let count = 0
  for (const schema of schemas) {
    const found = run(schema, value, old, path)
    if (found.faults.length === 0) {
      count++
      best = undefined
      first ??= found
    } else if (count === 0 && (best === undefined || found.matches > best.matches)) best = found
  }
  if (count === 1) {
    merge(into, first)
    return
  }
  const why = count === 0 ? 'Found none valid' : `Found ${count} valid alternatives`
  into.faults.push(unplaced(`${JSON.stringify(path)} must validate one and only one schema (oneOf). ${why}`))
  merge(into, best)
}

function checkAll(schemas: readonly Checks[], into: Outcome, value: unknown, old: unknown, path: string): void {
  let count = 0
  for (const schema of schemas) {
    const found = run(schema, value, old, path)
    if (found.faults.length === 0) count++
    merge(into, found)
  }
  if (count === schemas.length) return
  const more = count === 0 ? '. None validated' : ''
  into.faults.push(unplaced(`${JSON.stringify(path)} must validate all the schemas (allOf)${more}`))
}

function stringCheck({ minLength, maxLength, pattern }: Schema): Check[] {
  if (minLength === undefined && maxLength === undefined && !pattern) return []
  const matches = pattern ? compilePattern(pattern) : undefined
  return [
    (value, _old, path) => {
      if (typeof value !== 'string') return skipped
      if (maxLength !== undefined && longerThan(value, maxLength)) return failed(tooLong(place(path), maxLength))
      if (minLength !== undefined && !longerThan(value, minLength - 1)) {
        return failed(wrong(path, value, `should be at least ${minLength} chars long`))
      }
      if (matches === undefined) return undefined
      if (typeof matches === 'string') return failed(wrong(path, value, `should match '${matches}'`))
      return matches(value) ? undefined : failed(wrong(path, value, `should match '${pattern}'`))
    },
  ]
}

/** In characters, which are counted only where there is doubt. */
function longerThan(text: string, limit: number): boolean {
  return text.length > limit && (text.length > 2 * limit || [...text].length > limit)
}

/** A test, or what upstream says of a pattern that is none. */
function compilePattern(pattern: string): ((text: string) => boolean) | string {
  try {
    const regex = RE2JS.compile(pattern)
    return text => regex.matcher(text).find()
  } catch (error) {
    return `${pattern}, but pattern is invalid: ${(error as Error).message}`
  }
}

function formatCheck(format: string): Check {
  return (value, _old, path) => {
    if (typeof value !== 'string') return skipped
    if (isOfFormat(format, value)) return undefined
    return failed(
      typeInvalid(place(path), value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
    )
  }
}

function numberCheck(schema: Schema, types: readonly string[], format: string | undefined): Check[] {
  const { multipleOf, maximum, exclusiveMaximum, minimum, exclusiveMinimum } = schema
  const type = types.length === 1 ? types[0] : undefined
  const isBounded = multipleOf !== undefined || maximum !== undefined || minimum !== undefined
  if (!isBounded && type !== 'integer' && format !== 'float') return []
  return [
    (value, _old, path) => {
      if (typeof value !== 'number') return skipped
      const faults: FieldError[] = []
      const range = rangeFault(value, type, format, path)
      if (range !== undefined) faults.push(range)
      if (multipleOf !== undefined && !isMultiple(value, multipleOf)) {
        faults.push(wrong(path, value, `should be a multiple of ${multipleOf}`))
      }
      if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
        faults.push(wrong(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`))
      }
      if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
        faults.push(wrong(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`))
      }
      return { faults, matches: 1 }
    },
  ]
}

function rangeFault(
  value: number,
  type: string | undefined,
  format: string | undefined,
  path: string,
): FieldError | undefined {
  const fits =
    type === 'integer'
      ? Number.isInteger(value) && (format !== 'int32' || (value >= -(2 ** 31) && value < 2 ** 31))
      : format !== 'float' || Math.abs(value) <= 3.4028234663852886e38
  if (fits) return undefined
  const form = format === undefined ? '(default format)' : `with format ${format}`
  return unplaced(`Checked value must be of type ${type} ${form} in ${path}`)
}

function isMultiple(value: number, factor: number): boolean {
  const times = factor < 1 ? (1 / factor) * value : value / factor
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times))
}

function listCheck(schema: Schema): Check[] {
  const { minItems, maxItems, uniqueItems } = schema
  const itemSchema = itemsOf(schema)
  if (itemSchema === undefined && minItems === undefined && maxItems === undefined && !uniqueItems) return []
  let items: Checks | undefined
  return [
    (value, old, path) => {
      if (!Array.isArray(value)) return skipped
      const outcome: Outcome = { faults: [], matches: 1 }
      if (itemSchema !== undefined) {
        items ??= compile(itemSchema)
        const correlate = correlation(schema, old)
        for (const [index, item] of value.entries()) {
          merge(outcome, run(items, item, correlate(item), `${path}[${index}]`))
        }
      }
      if (minItems !== undefined && value.length < minItems) {
        outcome.faults.push(wrong(path, value.length, `should have at least ${minItems} items`))
      }
      if (maxItems !== undefined && value.length > maxItems) {
        outcome.faults.push(tooMany(place(path), value.length, maxItems))
      }
      if (uniqueItems && value.some((item, index) => value.slice(0, index).some(other => jsonEqual(item, other)))) {
        outcome.faults.push(wrong(path, '', "shouldn't contain duplicates"))
      }
      return outcome
    },
  ]
}

/** Which item of the old list is the one that a new item was: only lists that are maps say so. */
export function correlation(schema: Schema, old: unknown): (item: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys']
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map' || !keys?.length) return () => undefined
  const keyOf = (item: unknown): string | undefined =>
    typeof item === 'object' && item !== null
      ? JSON.stringify(keys.map(key => (item as Record<string, unknown>)[key]))
      : undefined
  const before = new Map(old.map(item => [keyOf(item), item]))
  return item => before.get(keyOf(item))
}

function objectCheck(schema: Schema): Check[] {
  const { properties = {}, additionalProperties, required: needed = [], minProperties, maxProperties } = schema
  const others = valuesOf(schema)
  const names = Object.keys(properties)
  const isClosed = additionalProperties === false
  const isPlain = names.length === 0 && others === undefined && needed.length === 0 && !isClosed
  if (isPlain && minProperties === undefined && maxProperties === undefined) return []
  const compiled = new Map<string, Checks>()
  const checksOf = (name: string): Checks => {
    let checks = compiled.get(name)
    if (checks === undefined) {
      checks = compile(properties[name]!)
      compiled.set(name, checks)
    }
    return checks
  }
  let otherChecks: Checks | undefined
  return [
    (value, old, path) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return skipped
      const members = value as Record<string, unknown>
      const outcome: Outcome = { faults: [], matches: 0 }
      const count = minProperties === undefined && maxProperties === undefined ? 0 : Object.keys(members).length
      if (minProperties !== undefined && count < minProperties) {
        outcome.faults.push(wrong(path, count, `should have at least ${minProperties} properties`))
      }
      if (maxProperties !== undefined && count > maxProperties) {
        outcome.faults.push(tooMany(place(path), count, maxProperties))
      }
      if (isClosed || others !== undefined) {
        for (const name of Object.keys(members)) {
          if (Object.hasOwn(properties, name)) continue
          if (others === undefined) {
            outcome.faults.push(invalidValue(place(path), name, `${path}.${name} in body is a forbidden property`))
          } else {
            otherChecks ??= compile(others)
            merge(outcome, run(otherChecks, members[name], memberOf(old, name), `${path}.${name}`))
          }
        }
      }
      for (const name of names) {
        if (!Object.hasOwn(members, name)) continue
        const inner = path === '' ? name : `${path}.${name}`
        merge(outcome, run(checksOf(name), members[name], memberOf(old, name), inner))
      }
      for (const name of needed) {
        if (!Object.hasOwn(members, name)) outcome.faults.push(required(place(`${path}.${name}`)))
      }
      return outcome
    },
  ]
}

function memberOf(old: unknown, name: string): unknown {
  if (typeof old !== 'object' || old === null || Array.isArray(old) || !Object.hasOwn(old, name)) return undefined
  return (old as Record<string, unknown>)[name]
}

function enumCheck(allowed: readonly unknown[]): Check {
  const shown = allowed.map(each => (typeof each === 'string' ? each : JSON.stringify(each)))
  return (value, _old, path) =>
    allowed.some(each => jsonEqual(each, value)) ? undefined : failed(notSupported(place(path), value, shown))
}
