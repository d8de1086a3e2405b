// Why no node will have a pod, in the very words of the real scheduler (FitError in pkg/scheduler/framework/types.go, and
// the tail that the plugins for claims and preemption add as of 1.36). Called by cycle.ts.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Refused } from './cycle.ts'

/** Nodes that were not asked, because some plugins knew that only others can be meant. */
interface Absent {
  readonly count: number
  readonly restrictedBy: readonly string[]
}

export function fitError(pod: Frozen<Pod>, nodeCount: number, refused: readonly Refused[], absent: Absent): string {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const reasons = new Map<string, number>()
  const count = (reason: string, nodes = 1): void => {
    if (nodes > 0) reasons.set(reason, (reasons.get(reason) ?? 0) + nodes)
  }
  for (const each of refused) for (const reason of each.reasons) count(reason)
  count(`node(s) didn't satisfy plugin(s) [${absent.restrictedBy.join(' ')}]`, absent.count)
  const claims = 'no new claims to deallocate'
  return `${summary(nodeCount, reasons)} ${claims}, preemption: ${preemption(pod, nodeCount, refused, absent)}`
}

/** What preemption says when it finds nobody to evict; evicting is not there yet (docs/plugins.md). */
function preemption(pod: Frozen<Pod>, nodeCount: number, refused: readonly Refused[], absent: Absent): string {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  let hopeless = absent.count
  for (const { isFinal } of refused) if (isFinal) hopeless++
  const verdicts = new Map<string, number>()
  if (hopeless > 0) verdicts.set('Preemption is not helpful for scheduling', hopeless)
  if (hopeless < nodeCount) verdicts.set('No preemption victims found for incoming pod', nodeCount - hopeless)
  return summary(nodeCount, verdicts)
}

/** Counted reasons, sorted as texts, so that `10 …` comes before `2 …`. */
function summary(nodeCount: number, reasons: ReadonlyMap<string, number>): string {
  const counted = [...reasons].map(([reason, nodes]) => `${nodes} ${reason}`).sort()
  return `0/${nodeCount} nodes are available: ${counted.join(', ')}.`
}
