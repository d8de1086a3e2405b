// What is wrong with the rules (x-kubernetes-validations) that a definition's schema has: their texts, where they point, and
// that they compile, and what they may cost. Called by schema-faults.ts. Words: apiextensions-apiserver
// pkg/apis/apiextensions/validation/validation.go (ValidateCustomResourceDefinitionOpenAPISchema).

import type { ValidationRule } from '../../generated/types.ts'
import type { FieldError } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Faults, type FieldPath } from '../../src/kinds/field-path.ts'
import { fieldAt } from '../../src/kinds/selectable-field-rules.ts'
import { type Cel, CelFault } from '../cel/cel.ts'
import { multiplied, RuleCosts, type Sizes, sizeOf } from './rule-costs.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'
import { type CompiledRule, compileRule, usesOldSelf } from './schema-rules.ts'

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const lineBreak = /[\n\r]/

export function ruleTextRules(schema: Schema, path: FieldPath, faults: Faults): void {
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const at = path.child('x-kubernetes-validations').index(index)
    const { message = '', messageExpression = '', fieldPath = '', reason } = rule
    const text = (rule.rule ?? '').trim()
    if (text === '') faults.required(at.child('rule'), 'rule is not specified')
    else if (message !== '' && message.trim() === '') {
      faults.invalid(at.child('message'), message, 'must be non-empty if specified')
    } else if (lineBreak.test(message.trim())) {
      faults.invalid(at.child('message'), message, 'must not contain line breaks')
    } else if (lineBreak.test(text) && message.trim() === '') {
      faults.required(at.child('message'), 'message must be specified if rule contains line breaks')
    }
    if (messageExpression !== '' && messageExpression.trim() === '') {
      faults.required(at.child('messageExpression'), 'messageExpression must be non-empty if specified')
    }
    if (reason !== undefined && !reasons.includes(reason)) faults.notSupported(at.child('reason'), reason, reasons)
    if (fieldPath === '') continue
    const place = at.child('fieldPath')
    if (fieldPath.trim() === '') faults.invalid(place, fieldPath, 'must be non-empty if specified')
    if (lineBreak.test(fieldPath)) faults.invalid(place, fieldPath, 'must not contain line breaks')
    if (typeof fieldAt(fieldPath, schema, true) === 'string') {
      faults.invalid(place, fieldPath, 'must be a valid path')
    }
  }
}

/** Of a schema that is sound otherwise. `isUnchanged`: it is as it was. */
export function compileFaults(cel: Cel, schema: Schema, at: FieldPath, isUnchanged: boolean): readonly FieldError[] {
  const faults = new Faults()
  const costs = new RuleCosts(isUnchanged)
  visit({ cel, faults, costs, sizes: new WeakMap() }, schema, {
    at,
    isResource: true,
    uncorrelated: undefined,
    count: 1,
  })
  faults.addAll(costs.faults(at))
  return faults.list
}

interface Judging {
  readonly cel: Cel
  readonly faults: Faults
  readonly costs: RuleCosts
  readonly sizes: Sizes
}

interface Place {
  readonly at: FieldPath
  readonly isResource: boolean
  /** Within it nobody can say what an item was before. */
  readonly uncorrelated: FieldPath | undefined
  /** How often it can be there; undefined when nothing limits that. */
  readonly count: number | undefined
}

function visit(judging: Judging, schema: Schema, place: Place): void {
  const { at, uncorrelated } = place
  const { faults } = judging
  const count = multiplied(place.count, schema)
  const inner = (each: Schema | undefined, deeper: FieldPath, lost = uncorrelated): void => {
    if (each === undefined) return
    const isResource = each['x-kubernetes-embedded-resource'] === true
    visit(judging, each, { at: deeper, isResource, uncorrelated: lost, count })
  }
  inner(valuesOf(schema), at.child('additionalProperties'))
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    inner(property, at.child('properties').key(name))
  }
  const isLost = schema['x-kubernetes-list-type'] !== 'map'
  inner(itemsOf(schema), at.child('items'), uncorrelated ?? (isLost ? at : undefined))
  const rules = schema['x-kubernetes-validations'] ?? []
  const size = rules.length > 0 ? sizeOf(schema, place.isResource, judging.sizes) : undefined
  for (const [index, rule] of rules.entries()) {
    const own = at.child('x-kubernetes-validations').index(index)
    compileOne(judging, schema, rule, own, place, size)
    if (!usesOldSelf(rule)) {
      if (rule.optionalOldSelf !== undefined) {
        const why = 'may not be set if oldSelf is not used in rule'
        faults.invalid(own.child('optionalOldSelf'), rule.optionalOldSelf, why)
      }
    } else if (uncorrelated !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`
      faults.invalid(own.child('rule'), rule.rule, why)
    }
  }
}

function compileOne(
  { cel, faults, costs }: Judging,
  schema: Schema,
  rule: Frozen<ValidationRule>,
  at: FieldPath,
  { isResource, count }: Place,
  size: ReturnType<typeof sizeOf>,
): void {
  const { messageExpression: _, ...bare } = rule
  const tried = (one: Frozen<ValidationRule>): CompiledRule | CelFault => {
    try {
      return compileRule(cel, schema, isResource, one)
    } catch (error) {
      if (error instanceof CelFault) return error
      throw error
    }
  }
  const compiled = tried(bare)
  if (compiled instanceof CelFault) {
    const { message } = compiled
    const why = message.startsWith('must evaluate to') ? 'cel expression must evaluate to a bool' : message
    faults.invalid(at.child('rule'), internalForm(rule), why)
    return
  }
  if (size !== undefined) costs.rule(compiled.program.maxCost(size), count, size, at.child('rule'), faults)
  if (!rule.messageExpression) return
  const whole = tried(rule)
  const place = at.child('messageExpression')
  if (!(whole instanceof CelFault)) {
    if (size !== undefined) costs.message(whole.message!.maxCost(size), place, faults)
    return
  }
  const why = whole.message.startsWith('must evaluate to')
    ? 'messageExpression must evaluate to a string'
    : `messageExpression ${whole.message}`
  faults.invalid(place, internalForm(rule), why)
}

/** As upstream's internal type looks in a message. */
function internalForm(rule: Frozen<ValidationRule>): object {
  return {
    Rule: rule.rule,
    Message: rule.message ?? '',
    MessageExpression: rule.messageExpression ?? '',
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? '',
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  }
}
