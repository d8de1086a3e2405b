// The condition by which a PodDisruptionBudget says whether pods may be evicted. Set by its controller and by an eviction
// that takes the last one allowed (k8s.io/component-helpers/apps/poddisruptionbudget/helpers.go).

import type { PodDisruptionBudgetStatus } from '../../generated/types.ts'
import { findCondition, setCondition } from '../api/conditions.ts'
import type { Frozen } from '../api/meta.ts'
import type { Millis } from '../env/clock.ts'

const type = 'DisruptionAllowed'

export const disruptionAllowed = ({ conditions }: Frozen<PodDisruptionBudgetStatus>) => findCondition(conditions, type)

/** Makes the condition of a draft say what its number of disruptions does. */
export function updateDisruptionAllowed(draft: PodDisruptionBudgetStatus, now: Millis): void {
  const isAllowed = (draft.disruptionsAllowed ?? 0) > 0
  setDisruptionAllowed(draft, isAllowed, isAllowed ? 'SufficientPods' : 'InsufficientPods', '', now)
}

export function setDisruptionAllowed(
  draft: PodDisruptionBudgetStatus,
  isAllowed: boolean,
  reason: string,
  message: string,
  now: Millis,
): void {
  draft.conditions ??= []
  const { observedGeneration } = draft
  const condition = { type, status: isAllowed ? 'True' : 'False', reason, message }
  setCondition(draft.conditions, { ...condition, ...(observedGeneration ? { observedGeneration } : {}) }, now)
}
