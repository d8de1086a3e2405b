// Which taints a pod tolerates (k8s.io/component-helpers/scheduling/corev1/helpers.go). Called by the plugins that look at
// taints.

import type { Taint, Toleration } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'

type Taints = readonly Frozen<Taint>[]
type Tolerations = readonly Frozen<Toleration>[] | undefined

/** An absent effect is every effect; an absent key, with Exists, every key. */
export function tolerates({ key, operator, value, effect }: Frozen<Toleration>, taint: Frozen<Taint>): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return (operator === undefined || operator === '' || operator === 'Equal') && (value ?? '') === (taint.value ?? '')
}

export function isTolerated(taint: Frozen<Taint>, tolerations: Tolerations): boolean {
  if (tolerations === undefined) return false
  for (const toleration of tolerations) if (tolerates(toleration, taint)) return true
  return false
}

/** Whether a taint keeps the pod from being put there; PreferNoSchedule does not. */
export function isKeptAway(taints: Taints, tolerations: Tolerations): boolean {
  for (const taint of taints) {
    if (taint.effect !== 'PreferNoSchedule' && !isTolerated(taint, tolerations)) return true
  }
  return false
}

/** Those PreferNoSchedule taints that the pod does not tolerate. */
export function countUnwelcome(taints: Taints, tolerations: Tolerations): number {
  let count = 0
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations)) count++
  }
  return count
}
