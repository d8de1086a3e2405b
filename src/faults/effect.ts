// What faults bring about, one subject a file: each is told which faults are at work whenever that changes, and sees to it that
// no more and no less goes wrong than they want. Called by engine.ts.

import type { V1alpha1FaultSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'

export interface ActiveFault {
  readonly fault: string
  readonly spec: Frozen<V1alpha1FaultSpec>
}

export interface Effect {
  carryOut(active: readonly ActiveFault[]): void
  close?(): void
}

/** Counted and told in the fault's status. */
export type Struck = (fault: string, what: string, count?: number) => void
