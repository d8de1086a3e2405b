// The rules of metav1 conditions (apimachinery/pkg/apis/meta/v1/validation/validation.go, ValidateConditions).

import type { Condition } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { textSize } from './keyed-data-rules.ts'

const statuses = ['False', 'True', 'Unknown']
const reasonFormat = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const reasonForm = new RegExp(`^${reasonFormat}$`)
const reasonSentence =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' " +
  `(e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${reasonFormat}')`

export function conditionsRules(
  conditions: readonly Frozen<Condition>[] | undefined,
  path: FieldPath,
  faults: Faults,
): void {
  const types = new Set<string>()
  for (const [index, condition] of (conditions ?? []).entries()) {
    const at = path.index(index)
    if (types.has(condition.type)) faults.duplicate(at, condition.type)
    types.add(condition.type)
    conditionRules(condition, at, faults)
  }
}

function conditionRules(condition: Frozen<Condition>, at: FieldPath, faults: Faults): void {
  const { type, status, observedGeneration = 0, lastTransitionTime, reason, message } = condition
  if (!type) faults.required(at.child('type'), 'is required')
  else faults.invalids(qualifiedNameFaults(type), type, at, 'type')
  if (!status) faults.required(at.child('status'))
  else if (!statuses.includes(status)) faults.notSupported(at.child('status'), status, statuses)
  if (observedGeneration < 0) {
    faults.invalid(at.child('observedGeneration'), observedGeneration, 'must be greater than or equal to zero')
  }
  if (!lastTransitionTime) faults.required(at.child('lastTransitionTime'))
  if (!reason) faults.required(at.child('reason'))
  else {
    if (!reasonForm.test(reason)) faults.invalid(at.child('reason'), reason, reasonSentence)
    if (textSize(reason) > 1024) faults.tooLong(at.child('reason'), 1024)
  }
  if (message && textSize(message) > 32768) faults.tooLong(at.child('message'), 32768)
}
