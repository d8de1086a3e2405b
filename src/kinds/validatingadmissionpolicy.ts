// ValidatingAdmissionPolicies: rules in CEL for what may be written, without a server of one's own. A binding says where
// they hold.

import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import { defaultMatchResources, staticSuffixWarnings } from './admission-match-rules.ts'
import { paramKindText, policySpecRules } from './admission-policy-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { conditionsRules } from './condition-rules.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Policy = Frozen<ValidatingAdmissionPolicy>

/** Kind `ValidatingAdmissionPolicy` of `admissionregistration.k8s.io/v1`: `validatingadmissionpolicies`, without a namespace. */
export const ValidatingAdmissionPolicies = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  subresources: ['status'],
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'Validations',
      type: 'integer',
      description: 'How many validations it has.',
      value: ({ spec }) => spec.validations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      type: 'string',
      description: 'Of what kind its parameters are.',
      value: ({ spec }) => paramKindText(spec.paramKind),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(draft.spec.matchConstraints)
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') statusRules(next, faults)
    else {
      policySpecRules(next.spec, false, specPath, faults)
      validationsRules(next, faults)
    }
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
})

function validationsRules({ metadata, spec: { validations, auditAnnotations } }: Policy, faults: Faults): void {
  const path = specPath.child('auditAnnotations')
  if (!validations?.length && !auditAnnotations?.length) {
    const why = 'validations or auditAnnotations must contain at least one item'
    faults.required(specPath.child('validations'), why)
    faults.required(path, why)
    return
  }
  for (const [index, validation] of (validations ?? []).entries()) {
    validationRules(validation, specPath.child('validations').index(index), faults)
  }
  if (auditAnnotations && auditAnnotations.length > 20) {
    faults.invalid(path, auditAnnotations, 'must not have more than 20 auditAnnotations')
  }
  const keys = new Set<string>()
  for (const [index, annotation] of (auditAnnotations ?? []).entries()) {
    auditAnnotationRules(annotation, metadata.name, path.index(index), faults)
    if (keys.has(annotation.key)) faults.duplicate(path.index(index).child('key'), annotation.key)
    keys.add(annotation.key)
  }
}

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']

function validationRules(validation: Frozen<Validation>, at: FieldPath, faults: Faults): void {
  const { expression, messageExpression, message } = validation
  if (!expression?.trim()) faults.required(at.child('expression'), 'expression is not specified')
  if (messageExpression && !messageExpression.trim()) {
    faults.invalid(at.child('messageExpression'), messageExpression, 'must be non-empty if specified')
  }
  if (message && !message.trim()) faults.invalid(at.child('message'), message, 'must be non-empty if specified')
  else if (message && /[\n\r]/.test(message.trim())) {
    faults.invalid(at.child('message'), message, 'must not contain line breaks')
  }
  optionalOneOf(validation.reason, reasons, at, 'reason', faults)
}

function auditAnnotationRules(annotation: Frozen<AuditAnnotation>, name: string, at: FieldPath, faults: Faults): void {
  const { key = '', valueExpression } = annotation
  if (name) faults.invalids(qualifiedNameFaults(`${name}/${key}`), `${name}/${key}`, at, 'key')
  else faults.invalid(at.child('key'), key, 'requires metadata.name be non-empty')
  const trimmed = valueExpression?.trim() ?? ''
  if (trimmed === '') faults.required(at.child('valueExpression'), 'valueExpression is not specified')
  else if (trimmed.length > 5120) faults.required(at.child('valueExpression'), 'must not exceed 5120 bytes in length')
}

function statusRules({ status }: Policy, faults: Faults): void {
  for (const [index, { warning, fieldRef }] of (status.typeChecking?.expressionWarnings ?? []).entries()) {
    const at = statusPath.child('typeChecking', 'expressionWarnings').index(index)
    if (!warning) faults.required(at.child('warning'))
    if (!fieldRef?.trim()) faults.required(at.child('fieldRef'))
  }
  conditionsRules(status.conditions, statusPath.child('conditions'), faults)
}
