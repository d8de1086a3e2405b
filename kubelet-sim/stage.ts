// A stage: one thing that can happen next in a life, with when and how. kubelet.ts asks all stages of the lists in
// stages/index.ts, for a pod and for each of its containers that may act, and lets the earliest happen; of several that
// are due together, the first in the list. What is due at the same moment ends up in one status write.

import type { Millis } from '../src/env/clock.ts'

export interface Stage<View> {
  readonly name: string
  /** When this happens next, as a point of time that may have passed; undefined: not as things are. Changes nothing. */
  due(view: View): Millis | undefined
  /** Makes it happen: changes the view's status and memory, and says what a kubelet would say of it. */
  apply(view: View, now: Millis): void
}
