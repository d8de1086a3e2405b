// What is wrong with the rules (x-kubernetes-validations) that a definition's schema has: their texts, where they point, and
// that they compile. Called by schema-faults.ts. Words: apiextensions-apiserver
// pkg/apis/apiextensions/validation/validation.go (ValidateCustomResourceDefinitionOpenAPISchema). What a rule may come to
// cost is not estimated; what it does cost is limited when it runs.

import type { ValidationRule } from '../../generated/types.ts'
import type { FieldError } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Faults, type FieldPath } from '../../src/kinds/field-path.ts'
import { fieldAt } from '../../src/kinds/selectable-field-rules.ts'
import { type Cel, CelFault } from '../cel/cel.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'
import { compileRule, usesOldSelf } from './schema-rules.ts'

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

/** Of a schema that is sound otherwise. */
export function compileFaults(cel: Cel, schema: Schema, at: FieldPath): readonly FieldError[] {
  const faults = new Faults()
  visit(cel, schema, at, true, undefined, faults)
  return faults.list
}

/** `uncorrelated`: within it nobody can say what an item was before. */
function visit(
  cel: Cel,
  schema: Schema,
  at: FieldPath,
  isResource: boolean,
  uncorrelated: FieldPath | undefined,
  faults: Faults,
): void {
  const inner = (each: Schema | undefined, place: FieldPath, lost = uncorrelated): void => {
    if (each !== undefined) visit(cel, each, place, each['x-kubernetes-embedded-resource'] === true, lost, faults)
  }
  inner(valuesOf(schema), at.child('additionalProperties'))
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    inner(property, at.child('properties').key(name))
  }
  const isLost = schema['x-kubernetes-list-type'] !== 'map'
  inner(itemsOf(schema), at.child('items'), uncorrelated ?? (isLost ? at : undefined))
  for (const [index, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const place = at.child('x-kubernetes-validations').index(index)
    compileOne(cel, schema, rule, place, isResource, faults)
    if (!usesOldSelf(rule)) {
      if (rule.optionalOldSelf !== undefined) {
        const why = 'may not be set if oldSelf is not used in rule'
        faults.invalid(place.child('optionalOldSelf'), rule.optionalOldSelf, why)
      }
    } else if (uncorrelated !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`
      faults.invalid(place.child('rule'), rule.rule, why)
    }
  }
}

function compileOne(
  cel: Cel,
  schema: Schema,
  rule: Frozen<ValidationRule>,
  at: FieldPath,
  isResource: boolean,
  faults: Faults,
): void {
  const { messageExpression: _, ...bare } = rule
  const tried = (run: () => unknown): CelFault | undefined => {
    try {
      run()
      return undefined
    } catch (error) {
      if (error instanceof CelFault) return error
      throw error
    }
  }
  const fault = tried(() => compileRule(cel, schema, isResource, bare))
  if (fault !== undefined) {
    const why = fault.message.startsWith('must evaluate to') ? 'cel expression must evaluate to a bool' : fault.message
    faults.invalid(at.child('rule'), internalForm(rule), why)
    return
  }
  if (!rule.messageExpression) return
  const messageFault = tried(() => compileRule(cel, schema, isResource, rule))
  if (messageFault === undefined) return
  const why = messageFault.message.startsWith('must evaluate to')
    ? 'messageExpression must evaluate to a string'
    : `messageExpression ${messageFault.message}`
  faults.invalid(at.child('messageExpression'), internalForm(rule), why)
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
