// A custom kind's schema made ready to be used: pruning, defaults, validation, and the nodes that patches ask. One for each
// version of a definition, compiled when the first object comes. Called by custom-kind.ts.

import type { FieldError } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import type { Cel } from '../cel/cel.ts'
import { applyDefaults } from './defaulting.ts'
import { embeddedFaults, hasEmbeddedResources, hasKeyedLists, listFaults } from './list-rules.ts'
import { prune } from './pruning.ts'
import { resourceNode } from './schema-node.ts'
import { type Schema, someSchema } from './schema-parts.ts'
import { compileRules } from './schema-rules.ts'
import { compileValidation } from './schema-validation.ts'

export interface CustomSchema {
  /** Takes out what the schema does not have, in place, and says what that was. */
  prune(object: Record<string, unknown>): readonly string[]
  /** Fills in, in place. */
  defaults(object: object): void
  /** Whether there is anything to fill in at all. */
  readonly hasDefaults: boolean
  validate(next: Frozen<KubeObject>, old: Frozen<KubeObject> | undefined): readonly FieldError[]
  /** Of an update of the status alone; what is wrong with a value in it is told of from there. */
  validateStatus(next: Frozen<KubeObject>, old: Frozen<KubeObject> | undefined): readonly FieldError[]
  /** What the last look at this object forgave, as `validate` saw it. */
  warnings(next: Frozen<KubeObject>): readonly string[]
  readonly node: SchemaNode
}

export function compileCustomSchema(schema: Schema | undefined, cel: Cel): CustomSchema {
  const validate = compileValidation(schema)
  const hasKeys = schema !== undefined && hasKeyedLists(schema)
  const hasEmbedded = schema !== undefined && hasEmbeddedResources(schema)
  const hasRules = schema !== undefined && someSchema(schema, each => each['x-kubernetes-validations'] !== undefined)
  const rules = hasRules ? compileRules(cel, schema) : undefined
  const forgiven = new WeakMap<object, readonly FieldError[]>()
  const { status } = schema?.properties ?? {}
  const validateStatus = status && compileValidation(status)

  /** With what is asked of every object, once its values are judged. */
  function followed(
    faults: readonly FieldError[],
    next: Frozen<KubeObject>,
    old: Frozen<KubeObject> | undefined,
  ): readonly FieldError[] {
    const isListed = hasKeys && (old === undefined || listFaults(old, schema).length === 0)
    const found = isListed ? [...faults, ...listFaults(next, schema)] : faults
    if (rules === undefined) return found
    if (found.some(({ type }) => blocking.has(type))) {
      return [...found, { type: 'FieldValueInvalid', field: '<nil>', message: `Invalid value: null: ${unchecked}` }]
    }
    const held = rules(next, old)
    if (held.forgiven.length > 0) forgiven.set(next, held.forgiven)
    return [...found, ...held.faults]
  }

  return {
    prune: object => prune(object, schema),
    defaults: object => applyDefaults(object, schema),
    hasDefaults: schema !== undefined && someSchema(schema, each => each.default !== undefined),
    validate(next, old) {
      const faults = [...validate(next, old, '')]
      if (hasEmbedded) faults.push(...embeddedFaults(next, schema))
      return followed(faults, next, old)
    },
    validateStatus(next, old) {
      if (validateStatus === undefined || !Object.hasOwn(next, 'status')) return followed([], next, old)
      const faults = validateStatus(statusOf(next), statusOf(old), '')
      return followed(
        faults.map(fault => ({ ...fault, field: fault.field === '<nil>' ? 'status' : `status.${fault.field}` })),
        next,
        old,
      )
    },
    warnings: next => (forgiven.get(next) ?? []).map(({ field, message }) => `${field}: ${message}`),
    node: resourceNode(schema),
  }
}

const statusOf = (object: Frozen<KubeObject> | undefined): unknown =>
  (object as { readonly status?: unknown } | undefined)?.status

/** After these the rules are not asked (customresource/strategy.go, hasBlockingErr). */
const blocking: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])

const unchecked =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation'
