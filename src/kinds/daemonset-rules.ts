// The rules of DaemonSets (ValidateDaemonSetSpec, ValidateDaemonSetUpdateStrategy, validateDaemonSetStatus in
// pkg/apis/apps/validation/validation.go).

import type { DaemonSetSpec, DaemonSetStatus, DaemonSetUpdateStrategy } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import type { Faults } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { atMostAllRule, intOrPercentRules, intOrPercentValue } from './int-or-percent.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { runningTemplateRules } from './pod-template.ts'
import { isEmptySelector, isParsedSelector, specPath, statusPath } from './workload-rules.ts'

export function daemonSetSpecRules(spec: Frozen<DaemonSetSpec>, faults: Faults): void {
  const { selector, template } = spec
  const at = specPath.child('selector')
  labelSelectorRules(selector, at, faults)
  // Without a selector nothing is selected, and that is all upstream says of it.
  const isSelected =
    selector !== undefined &&
    (!isParsedSelector(selector) || selectorFromLabelSelector(selector).matches(template?.metadata?.labels))
  if (!isSelected) {
    const detail = '`selector` does not match template `labels`'
    faults.invalid(specPath.child('template', 'metadata', 'labels'), template?.metadata?.labels ?? null, detail)
  }
  if (selector && isEmptySelector(selector)) {
    faults.invalid(at, selector, 'empty selector is invalid for daemonset')
  }
  runningTemplateRules(template ?? {}, true, 'DaemonSet', specPath.child('template'), faults)
  nonNegative(spec.minReadySeconds, specPath, 'minReadySeconds', faults)
  strategyRules(spec.updateStrategy ?? {}, faults)
  nonNegative(spec.revisionHistoryLimit, specPath, 'revisionHistoryLimit', faults)
}

function strategyRules({ type, rollingUpdate }: Frozen<DaemonSetUpdateStrategy>, faults: Faults): void {
  const path = specPath.child('updateStrategy')
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    faults.notSupported(path, { Type: type, RollingUpdate: rollingUpdate ?? null }, ['RollingUpdate', 'OnDelete'])
    return
  }
  const at = path.child('rollingUpdate')
  if (!rollingUpdate) {
    faults.required(at)
    return
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate
  intOrPercentRules(maxUnavailable, at.child('maxUnavailable'), faults)
  intOrPercentRules(maxSurge, at.child('maxSurge'), faults)
  atMostAllRule(maxUnavailable, at.child('maxUnavailable'), faults)
  atMostAllRule(maxSurge, at.child('maxSurge'), faults)
  const isUnavailable = intOrPercentValue(maxUnavailable) !== 0
  const isSurging = intOrPercentValue(maxSurge) !== 0
  if (isUnavailable && isSurging) {
    faults.invalid(at.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero')
  } else if (!isUnavailable && !isSurging) {
    faults.required(at.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0')
  }
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const

export function daemonSetStatusRules(
  status: Frozen<DaemonSetStatus>,
  old: Frozen<DaemonSetStatus>,
  faults: Faults,
): void {
  for (const name of counts) nonNegative(status[name], statusPath, name, faults)
  const { collisionCount = 0 } = status
  if (collisionCount < (old.collisionCount ?? 0)) {
    faults.invalid(statusPath.child('collisionCount'), collisionCount, 'cannot be decremented')
  }
}
