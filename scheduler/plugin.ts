// A scheduling rule: one file in plugins/, one line in plugins/index.ts; docs/plugins.md shows how to add one.
// A plugin has no state of its own: what it must know it finds in the snapshot, once a cycle, in `prepare`.

import type { Pod } from '../generated/types.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Kind } from '../src/kinds/kind.ts'
import type { Context } from '../src/runtime/controller.ts'
import type { Refused } from './cycle.ts'
import type { Round } from './round.ts'
import type { LiveSnapshot, NodeView, Snapshot } from './snapshot.ts'

export interface Plugin {
  /** Upstream's name, e.g. `NodeResourcesFit`. */
  readonly name: string
  /** Kinds whose changes could let a pod that this rule refused fit after all. */
  readonly wakes?: readonly Kind<any>[]
  /** Whether this very change could; without it, every change of those kinds is thought to. */
  helps?(pod: Frozen<Pod>, change: Change): boolean
  /** By how much its scores count. Default 1. */
  readonly weight?: number
  /** What has to be awaited before the rule can look at this pod; asked at the beginning of a cycle. */
  load?(pod: Frozen<Pod>): Promise<void> | undefined
  /** Once a cycle, so that a judge can be cheap per node. */
  prepare(pod: Frozen<Pod>, snapshot: Snapshot): Judge
  /** The pod is to have the node: takes what is there once only, and says what is to be done before it is bound. */
  reserve?(pod: Frozen<Pod>, node: NodeView, snapshot: LiveSnapshot): Reservation | undefined
  /** No node is left: whether something could be done about it. */
  postFilter?(pod: Frozen<Pod>, failure: Failure): Rescue
}

export interface Reservation {
  /** Called once, when the pod is bound or will not be. */
  release(): void
  /** What must be written before the binding. */
  preBind?(context: Context): Promise<void>
  /** Whether what was written has had its effect; asked again at each change of a kind that wakes the rule. */
  isReady?(): boolean
  /** How long that may take; then it has failed. */
  readonly timeout?: Millis
  timedOut?(): Error
}

export interface Failure {
  readonly round: Round
  readonly refused: readonly Refused[]
  /** Set when the pod itself was refused, wherever. */
  readonly refusal: Refused | undefined
  readonly fraction: () => number
  /** Told every way out that was thought of, for those who want to see them all. */
  readonly consider?: ((way: WayOut) => void) | undefined
}

/** Pods that would have to go from a node, the most important first, and how many budgets that would break. */
export interface WayOut {
  readonly node: string
  readonly victims: readonly Frozen<Pod>[]
  readonly brokenBudgets: number
}

export interface Rescue {
  readonly nomination?: Nomination
  /** Why it is of no avail, in upstream's words; undefined when it is. */
  readonly reason: string | undefined
}

/** A node that is to be the pod's once its victims have gone; an empty name takes an earlier one back. */
export interface Nomination {
  readonly node: string
  readonly victims: readonly Frozen<Pod>[]
}

export interface Judge {
  /** Why the pod fits nowhere, whatever the node. */
  readonly refuses?: Refusal | undefined
  /** Only these nodes are looked at at all. */
  readonly only?: ReadonlySet<string> | undefined
  /** Why the pod does not fit, in upstream's words, or undefined. */
  filter?(node: NodeView): Refusal | undefined
  /** Told the nodes that passed all filters, in the order in which they will be scored. */
  beforeScore?(feasible: readonly NodeView[]): void
  /** Any number; scaled by `normalize` (or as it is) to 0..100 before the weight is applied. */
  score?(node: NodeView): number
  normalize?(scores: number[]): void
  /**
   * In thought, another pod came to the node (1) or went from it (-1): asked of judges that keep sums of their own, so that
   * `filter` can be asked again. What is read from NodeView and Tally at the moment of filtering is right without it.
   */
  moved?(pod: Frozen<Pod>, node: NodeView, by: 1 | -1): void
}

/** One reason that other pods' going could mend, or several, or such as would not be mended by it. */
export type Refusal = string | RefusalReasons
export interface RefusalReasons {
  readonly reasons: readonly string[]
  /** No pod's going would help: preemption need not be thought of (upstream's UnschedulableAndUnresolvable). */
  readonly isFinal: boolean
}

/** What happened to an object: it came (`before` absent), changed, or went (`now` absent). */
export interface Change<T extends KubeObject = any> {
  readonly kind: Kind<T>
  readonly now: Frozen<T> | undefined
  readonly before: Frozen<T> | undefined
}

export const highestScore = 100

/** Scales so that the highest becomes 100, or with `reverse` the lowest (plugins/helper/normalize_score.go). */
export function normalizeToHighest(scores: number[], reverse: boolean): void {
  let highest = 0
  for (const score of scores) if (score > highest) highest = score
  for (let index = 0; index < scores.length; index++) {
    const scaled = highest === 0 ? 0 : Math.floor((highestScore * scores[index]!) / highest)
    scores[index] = reverse ? highestScore - scaled : scaled
  }
}
