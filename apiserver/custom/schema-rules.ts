// The rules of a schema (x-kubernetes-validations), compiled once and held against each object that is written: from the
// root downwards, with what was there before where the two can be told to be the same thing, within one budget.
// Rules and words: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go.

import type { ValidationRule } from '../../generated/types.ts'
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { type Cel, type CelBudget, CelFault, type CelProgram, costLimits } from '../cel/cel.ts'
import { Maybe } from '../cel/values.ts'
import { celReadingOf, celTypeOf, type Reading, reachOf } from './cel-types.ts'
import { itemsOf, type Schema, someSchema, valuesOf } from './schema-parts.ts'
import { correlation } from './schema-validation.ts'

export type HoldRules = (next: unknown, old: unknown) => Held

export interface Held {
  readonly faults: readonly FieldError[]
  /** What is wrong as it was before: nobody is refused for it. */
  readonly forgiven: readonly FieldError[]
}

/** Undefined when the schema has none. */
export function compileRules(cel: Cel, schema: Schema): HoldRules | undefined {
  const tree = treeOf(cel, schema, true)
  if (tree === undefined) return undefined
  return (next, old) => {
    const turn = newTurn()
    hold(tree, next, old ?? undefined, '', old !== undefined && jsonEqual(next, old), turn)
    return turn
  }
}

/** A default must hold as what is there already, and as what comes anew (defaulting/validation.go). */
export function compileDefaultRules(
  cel: Cel,
  schema: Schema,
  isResource: boolean,
): (value: unknown, at: string) => Held {
  const tree = treeOf(cel, schema, isResource)
  return (value, at) => {
    const turn = newTurn()
    for (const old of [value, undefined]) {
      if (tree !== undefined && turn.faults.length === 0) hold(tree, value, old, at, false, turn)
    }
    return turn
  }
}

const newTurn = (): Turn => ({
  faults: [],
  forgiven: [],
  budget: { left: costLimits.perCall },
  isOver: false,
})

/** Whether a rule looks at what was before. */
export function usesOldSelf({ rule, messageExpression = '' }: Frozen<ValidationRule>): boolean {
  return /\boldSelf\b/.test(withoutTexts(rule)) || /\boldSelf\b/.test(withoutTexts(messageExpression))
}

const withoutTexts = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""')

export interface CompiledRule {
  readonly rule: Frozen<ValidationRule>
  readonly program: CelProgram
  readonly message: CelProgram | undefined
}

/** Throws CelFault; `part` says of what. */
export function compileRule(cel: Cel, schema: Schema, isResource: boolean, rule: Frozen<ValidationRule>): CompiledRule {
  const self = celTypeOf(schema, isResource, reachOf(`${rule.rule} ${rule.messageExpression ?? ''}`)) ?? 'dyn'
  const oldSelf = rule.optionalOldSelf ? ('optional' as const) : self
  const variables = usesOldSelf(rule) ? { self, oldSelf } : { self }
  const program = cel.compile(rule.rule, { variables, results: ['bool'] })
  const message = rule.messageExpression?.trim()
    ? cel.compile(rule.messageExpression, { variables, results: ['string'] })
    : undefined
  return { rule, program, message }
}

interface Tree {
  readonly schema: Schema
  readonly rules: readonly (CompiledRule | CelFault)[]
  readonly read: Reading
  readonly properties: ReadonlyMap<string, Tree>
  readonly items: Tree | undefined
  readonly values: Tree | undefined
}

function treeOf(cel: Cel, schema: Schema, isResource: boolean): Tree | undefined {
  if (!someSchema(schema, each => (each['x-kubernetes-validations']?.length ?? 0) > 0)) return undefined
  const inner = (each: Schema | undefined): Tree | undefined =>
    each && treeOf(cel, each, each['x-kubernetes-embedded-resource'] === true)
  const properties = new Map<string, Tree>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const tree = inner(property)
    if (tree !== undefined) properties.set(name, tree)
  }
  return {
    schema,
    rules: (schema['x-kubernetes-validations'] ?? []).map(rule => compiled(cel, schema, isResource, rule)),
    read: celReadingOf(schema) ?? (value => value),
    properties,
    items: inner(itemsOf(schema)),
    values: inner(valuesOf(schema)),
  }
}

/** What cannot be compiled is told of each object: a definition that has such a rule is refused long before. */
function compiled(
  cel: Cel,
  schema: Schema,
  isResource: boolean,
  rule: Frozen<ValidationRule>,
): CompiledRule | CelFault {
  try {
    return compileRule(cel, schema, isResource, rule)
  } catch (error) {
    if (error instanceof CelFault) return error
    throw error
  }
}

interface Turn extends Held {
  readonly faults: FieldError[]
  readonly forgiven: FieldError[]
  readonly budget: CelBudget
  /** Nothing more is looked at. */
  isOver: boolean
}

/** `isUnchanged`: this, or what it is in, is as it was; then it is forgiven what it does not compare with before. */
function hold(tree: Tree, value: unknown, old: unknown, path: string, isUnchanged: boolean, turn: Turn): void {
  if (value === null || value === undefined || turn.isOver) return
  if (tree.rules.length > 0) holdHere(tree, value, old, path, isUnchanged, turn)
  if (Array.isArray(value)) {
    if (tree.items === undefined) return
    const correlate = correlation(tree.schema, old)
    for (const [index, item] of value.entries()) {
      const before = correlate(item)
      hold(tree.items, item, before, `${path}[${index}]`, same(item, before, isUnchanged), turn)
    }
    return
  }
  if (typeof value !== 'object') return
  const before = typeof old === 'object' && old !== null && !Array.isArray(old) ? (old as Record<string, unknown>) : {}
  for (const [name, member] of Object.entries(value)) {
    const inner = tree.properties.get(name)
    const past = Object.hasOwn(before, name) ? before[name] : undefined
    const isSame = same(member, past, isUnchanged)
    if (inner !== undefined) hold(inner, member, past, path === '' ? name : `${path}.${name}`, isSame, turn)
    else if (tree.values !== undefined) hold(tree.values, member, past, `${path}[${name}]`, isSame, turn)
  }
}

const same = (value: unknown, old: unknown, isUnchanged: boolean): boolean =>
  isUnchanged || (old !== undefined && jsonEqual(value, old))

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run'

function holdHere(tree: Tree, value: unknown, old: unknown, path: string, isUnchanged: boolean, turn: Turn): void {
  const { type = '' } = tree.schema
  const at = path === '' ? '<nil>' : path
  const self = tree.read(value)
  const oldSelf = old === undefined || old === null ? undefined : tree.read(old)
  const tell = (why: string): void => void turn.faults.push(invalidValue(at, type, why))
  for (const compiled of tree.rules) {
    if (compiled instanceof CelFault) {
      tell(`rule compile error: ${compiled.message}`)
      continue
    }
    const { rule, program } = compiled
    const isTransition = usesOldSelf(rule)
    if (isTransition && oldSelf === undefined && !rule.optionalOldSelf) continue
    const bindings = { self, ...(isTransition ? { oldSelf: rule.optionalOldSelf ? new Maybe(oldSelf) : oldSelf } : {}) }
    let isTrue: unknown
    try {
      isTrue = program.evaluate(bindings, turn.budget)
    } catch (error) {
      if (!(error instanceof CelFault)) throw error
      if (turn.budget.left < 0) tell(outOfBudget)
      else if (error.isOutOfBudget) {
        const why = 'no further validation rules will be run due to call cost exceeds limit for rule'
        tell(`'operation cancelled: actual cost limit exceeded': ${why}: ${ruleText(rule)}`)
      } else tell(evaluationWords(error, rule))
      if (turn.budget.left >= 0 && !error.isOutOfBudget) continue
      turn.isOver = true
      return
    }
    if (turn.budget.left < 0) {
      tell(outOfBudget)
      turn.isOver = true
      return
    }
    if (isTrue === true) continue
    const field = rule.fieldPath ? joined(path, rule.fieldPath) : at
    const found = isUnchanged && !isTransition ? turn.forgiven : turn.faults
    const message = messageOf(compiled, bindings, turn.budget)
    if (message instanceof CelFault) {
      found.push(invalidValue(field, type, message.message))
      turn.isOver = true
      return
    }
    found.push(faultFor(rule.reason, field, value, type, message))
  }
}

/** `.spec.x` below `spec`, and at the root. */
const joined = (path: string, fieldPath: string): string =>
  path === ''
    ? fieldPath.replace(/^\./, '')
    : `${path}${fieldPath.startsWith('[') ? '' : '.'}${fieldPath.replace(/^\./, '')}`

function evaluationWords(error: CelFault, rule: Frozen<ValidationRule>): string {
  const why = error.message.replace(/^expression '[\s\S]*' resulted in error: /, '')
  if (!why.startsWith('no such overload')) return `${why} evaluating rule: ${ruleText(rule)}`
  return `'${why}': call arguments did not match a supported operator, function or macro signature for rule: ${ruleText(rule)}`
}

const ruleText = ({ rule, message }: Frozen<ValidationRule>): string => (message || rule).trim()

/** What a rule says of what it finds; a fault when that costs more than is left, which ends everything. */
function messageOf(
  { rule, message }: CompiledRule,
  bindings: Readonly<Record<string, unknown>>,
  budget: CelBudget,
): string | CelFault {
  if (message !== undefined) {
    const expression = JSON.stringify(rule.messageExpression)
    try {
      const text = String(message.evaluate(bindings, budget)).trim()
      if (budget.left < 0) return new CelFault(messageOutOfBudget)
      if (text !== '' && !text.includes('\n') && Buffer.byteLength(text) <= longestMessage) return text
    } catch (error) {
      if (!(error instanceof CelFault)) throw error
      if (budget.left < 0) return new CelFault(messageOutOfBudget)
      const limit = `no further validation rules will be run due to call cost exceeds limit for messageExpression: ${expression}`
      if (error.isOutOfBudget) return new CelFault(limit)
    }
  }
  return rule.message ? rule.message.trim() : `failed rule: ${ruleText(rule)}`
}

const longestMessage = 5 * 1024
const messageOutOfBudget =
  'messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run'

function faultFor(
  reason: string | undefined,
  field: string,
  value: unknown,
  type: string,
  message: string,
): FieldError {
  switch (reason) {
    case 'FieldValueForbidden':
      return forbiddenField(field, message)
    case 'FieldValueRequired':
      return required(field, message)
    case 'FieldValueDuplicate':
      return type === 'object' || type === 'array'
        ? { type: 'FieldValueDuplicate', field, message: 'Duplicate value' }
        : duplicate(field, value)
    default:
      // Objects and lists are not told whole.
      return type === 'object' || type === 'array'
        ? { type: 'FieldValueInvalid', field, message: `Invalid value: ${message}` }
        : invalidValue(field, value, message)
  }
}
