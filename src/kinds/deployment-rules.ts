// The rules of Deployments: those of every selecting workload, and how pods may be exchanged (ValidateDeploymentSpec,
// ValidateDeploymentStrategy in pkg/apis/apps/validation/validation.go).

import type { DeploymentSpec, DeploymentStatus, DeploymentStrategy } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { atMostAllRule, intOrPercentRules, intOrPercentValue } from './int-or-percent.ts'
import { countedStatusRules, selectingSpecRules, specPath } from './workload-rules.ts'

export function deploymentSpecRules(spec: Frozen<DeploymentSpec>, faults: Faults): void {
  selectingSpecRules(spec, faults)
  strategyRules(spec.strategy ?? {}, faults)
  nonNegative(spec.revisionHistoryLimit, specPath, 'revisionHistoryLimit', faults)
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec
  nonNegative(deadline, specPath, 'progressDeadlineSeconds', faults)
  if (deadline !== undefined && deadline <= minReadySeconds) {
    faults.invalid(specPath.child('progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds')
  }
}

function strategyRules(strategy: Frozen<DeploymentStrategy>, faults: Faults): void {
  const path = specPath.child('strategy')
  const { type, rollingUpdate } = strategy
  if (type === 'Recreate') {
    if (rollingUpdate) {
      faults.forbidden(path.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'")
    }
    return
  }
  if (type !== 'RollingUpdate') {
    faults.notSupported(path, { Type: type, RollingUpdate: rollingUpdate ?? null }, ['Recreate', 'RollingUpdate'])
    return
  }
  const at = path.child('rollingUpdate')
  if (!rollingUpdate) {
    faults.required(at, 'this should be defaulted and never be nil')
    return
  }
  const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate
  intOrPercentRules(maxUnavailable, at.child('maxUnavailable'), faults)
  intOrPercentRules(maxSurge, at.child('maxSurge'), faults)
  if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
    faults.invalid(at.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0')
  }
  atMostAllRule(maxUnavailable, at.child('maxUnavailable'), faults)
}

export function deploymentStatusRules(
  status: Frozen<DeploymentStatus>,
  old: Frozen<DeploymentStatus>,
  faults: Faults,
): void {
  countedStatusRules(status, faults)
  const { collisionCount: count = 0 } = status
  if (count < (old.collisionCount ?? 0)) {
    faults.invalid(new FieldPath('status').child('collisionCount'), count, 'cannot be decremented')
  }
}
