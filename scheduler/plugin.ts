// A scheduling rule: one file in plugins/, one line in plugins/index.ts.

import type { Frozen } from '../src/api/meta.ts'
import type { Pod } from '../generated/types.ts'
import type { Kind } from '../src/kinds/kind.ts'
import type { NodeView, Snapshot } from './snapshot.ts'

export interface Plugin {
  /** Upstream's name, e.g. `NodeResourcesFit`. */
  readonly name: string
  /** Kinds whose changes could let a pod that this rule refused fit after all. */
  readonly wakes?: readonly Kind<any>[]
  readonly weight?: number
  /** Once a cycle, so that a judge can be cheap per node. */
  prepare(pod: Frozen<Pod>, snapshot: Snapshot): Judge
}

export interface Judge {
  /** Why the pod does not fit, in upstream's words, or undefined. */
  filter?(node: NodeView): string | undefined
  /** Any number; scaled by `normalize` (or as it is) to 0..100 before the weight is applied. */
  score?(node: NodeView): number
  normalize?(scores: number[]): void
}
