// What becomes of a definition's status, one step after another as upstream's controllers take them: names, approval,
// schemas that are not structural, and then that it is established. Pure; called by custom-resources.ts.
// Upstream: apiextensions-apiserver pkg/controller/{status,apiapproval,nonstructuralschema,establish}.

import type { CustomResourceDefinition, CustomResourceDefinitionCondition } from '../../generated/types.ts'
import { findCondition, isConditionTrue, setCondition } from '../../src/api/conditions.ts'
import { draft } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import { approvalOf } from '../../src/kinds/api-approval.ts'
import { isBundle } from '../../src/kinds/customresourcedefinition-rules.ts'
import { nameDefinition } from './names.ts'

type Crd = Frozen<CustomResourceDefinition>
type Condition = Omit<CustomResourceDefinitionCondition, 'lastTransitionTime'>

/** The definition with its next status, or undefined when there is nothing more to say. */
export function nextStatus(crd: Crd, group: readonly Crd[], now: Millis): CustomResourceDefinition | undefined {
  return named(crd, group, now) ?? established(crd, now)
}

function named(crd: Crd, group: readonly Crd[], now: Millis): CustomResourceDefinition | undefined {
  const next = draft(crd) as CustomResourceDefinition
  next.status.conditions ??= []
  const { conditions } = next.status
  if (!jsonEqual(crd.spec.names, crd.status.acceptedNames)) {
    const { accepted, conflict } = nameDefinition(crd, group)
    next.status.acceptedNames = accepted
    const condition: Condition = conflict
      ? { type: 'NamesAccepted', status: 'False', ...conflict }
      : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
    setCondition(conditions, condition, now)
    if (!isConditionTrue(conditions, 'Established')) {
      const [reason, message] = conflict
        ? ['NotAccepted', 'not all names are accepted']
        : ['Installing', 'the initial names have been accepted']
      const old = findCondition(conditions, 'Established')
      if (old === undefined || conflict === undefined) {
        setCondition(conditions, { type: 'Established', status: 'False', reason, message }, now)
      }
    }
  }
  const approval = approvalCondition(crd)
  if (approval !== undefined) setCondition(conditions, approval, now)
  return jsonEqual(next.status, crd.status) ? undefined : next
}

function approvalCondition(crd: Crd): Condition | undefined {
  const approval = approvalOf(crd)
  if (approval === undefined) return undefined
  const reasons = {
    invalid: 'InvalidAnnotation',
    missing: 'MissingAnnotation',
    approved: 'ApprovedAnnotation',
    unapproved: 'UnapprovedAnnotation',
  }
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: approval.state === 'approved' ? 'True' : 'False',
    reason: reasons[approval.state],
    message: approval.why,
  }
}

function established(crd: Crd, now: Millis): CustomResourceDefinition | undefined {
  const { conditions } = crd.status
  if (!isConditionTrue(conditions, 'NamesAccepted') || isConditionTrue(conditions, 'Established')) return undefined
  const bundle = crd.spec.conversion?.webhook?.clientConfig?.caBundle
  const condition: Condition =
    bundle && !isBundle(bundle)
      ? {
          type: 'Established',
          status: 'False',
          reason: 'InvalidCABundle',
          message: 'The conversion webhook CABundle is invalid',
        }
      : {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
        }
  return withCondition(crd, condition, now)
}

/** Undefined when it says so already. */
export function withCondition(crd: Crd, condition: Condition, now: Millis): CustomResourceDefinition | undefined {
  const next = draft(crd) as CustomResourceDefinition
  next.status.conditions ??= []
  return setCondition(next.status.conditions, condition, now) ? next : undefined
}
