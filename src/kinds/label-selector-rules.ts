// The rules of metav1 label selectors (apimachinery/pkg/apis/meta/v1/validation/validation.go).

import type { LabelSelector } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { labelFaults, labelValueFaults, qualifiedNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'

export function labelSelectorRules(selector: Frozen<LabelSelector> | undefined, path: FieldPath, faults: Faults): void {
  if (!selector) return
  labelRules(selector.matchLabels, path, 'matchLabels', faults)
  if (!selector.matchExpressions) return
  for (const [index, { key, operator, values }] of selector.matchExpressions.entries()) {
    const at = path.child('matchExpressions').index(index)
    switch (operator) {
      case 'In':
      case 'NotIn':
        if (!values?.length) faults.required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'")
        break
      case 'Exists':
      case 'DoesNotExist':
        if (values?.length) {
          faults.forbidden(at.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        }
        break
      default:
        faults.invalid(at.child('operator'), operator, 'not a valid selector operator')
    }
    faults.invalids(qualifiedNameFaults(key ?? ''), key, at, 'key')
    for (const [position, value] of (values ?? []).entries()) {
      const sentences = labelValueFaults(value)
      if (sentences.length > 0) faults.invalids(sentences, value, at.child('values').index(position))
    }
  }
}

export function labelRules(
  labels: Readonly<Record<string, string>> | undefined,
  path: FieldPath,
  child: string,
  faults: Faults,
): void {
  if (!labels) return
  // The text of the path is made a second time only when there is a fault to put there.
  if (labelFaults(labels, '').length > 0) faults.addAll(labelFaults(labels, `${path.child(child)}`))
}
