// Why no node will have a pod, in the very words of the real scheduler (FitError in pkg/scheduler/framework/types.go).
// Called by cycle.ts, and by the rules that look for a way out, which count their own reasons in the same form.

import type { Refused } from './cycle.ts'

/** Nodes that were not asked, because some plugins knew that only others can be meant. */
export interface Absent {
  readonly count: number
  readonly restrictedBy: readonly string[]
}

/** `remarks`: what the rules say that were asked for a way out and found none. */
export function fitError(
  nodeCount: number,
  refused: readonly Refused[],
  refusal: Refused | undefined,
  absent: Absent,
  remarks: readonly string[],
): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const tail = remarks.length > 0 ? ` ${remarks.join(', ')}` : ''
  if (refusal !== undefined) return `0/${nodeCount} nodes are available: ${refusal.reasons.join(', ')}.${tail}`
  const reasons = new Map<string, number>()
  for (const each of refused) for (const reason of each.reasons) count(reasons, reason)
  count(reasons, `node(s) didn't satisfy plugin(s) [${absent.restrictedBy.join(' ')}]`, absent.count)
  return `${summary(nodeCount, reasons)}${tail}`
}

export function count(reasons: Map<string, number>, reason: string, nodes = 1): void {
  if (nodes > 0) reasons.set(reason, (reasons.get(reason) ?? 0) + nodes)
}

/** Counted reasons, sorted as texts, so that `10 …` comes before `2 …`. */
export function summary(nodeCount: number, reasons: ReadonlyMap<string, number>): string {
  const counted = [...reasons].map(([reason, nodes]) => `${nodes} ${reason}`).sort()
  return `0/${nodeCount} nodes are available: ${counted.join(', ')}.`
}
