// Conditions, as statuses carry them: found by type, and set so that lastTransitionTime tells the truth – it moves when
// the status does, and at no other time.

import { rfc3339 } from './time.ts'

/** One condition of a status: `status` is `True`, `False` or `Unknown`. */
export interface Condition {
  type: string
  status: string
  reason?: string
  message?: string
  lastTransitionTime?: string
}

/** The condition of that type; undefined when there is none. */
export function findCondition<C extends { readonly type: string }>(
  conditions: readonly C[] | undefined,
  type: C['type'],
): C | undefined {
  if (conditions === undefined) return undefined
  for (const condition of conditions) if (condition.type === type) return condition
  return undefined
}

/** Whether there is such a condition with the status `True`. */
export function isConditionTrue(
  conditions: readonly { readonly type: string; readonly status: string }[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === 'True'
}

/** Puts a condition into a draft's list, in the place of the one of its type; says whether anything changed. */
export function setCondition<C extends Condition>(
  conditions: C[],
  next: Omit<C, 'lastTransitionTime'>,
  now: number,
): boolean {
  const at = conditions.findIndex(condition => condition.type === next.type)
  const old = conditions[at]
  const moved = old === undefined || old.status !== next.status
  if (!moved && sameButForTime(old, next as C)) return false
  const lastTransitionTime = moved ? rfc3339(now) : (old.lastTransitionTime ?? rfc3339(now))
  const condition = { ...next, lastTransitionTime } as C
  if (at < 0) conditions.push(condition)
  else conditions[at] = condition
  return true
}

function sameButForTime(old: Condition, next: Condition): boolean {
  const before = old as unknown as Record<string, unknown>
  const after = next as unknown as Record<string, unknown>
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key !== 'lastTransitionTime' && before[key] !== after[key]) return false
  }
  return true
}
