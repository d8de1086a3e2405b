// A stage: one thing that can happen next to a pod, with when and how. The first in stages/index.ts that matches wins.

import type { Frozen, KubeObject } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Random } from '../src/env/random.ts'

export interface Stage<T extends KubeObject, View = unknown> {
  readonly name: string
  /** Pure: does this come next for the object? */
  matches(object: Frozen<T>, view: View): boolean
  /** When it happens, as a point of time; absent: at once. Pure but for the random drawn. */
  due?(object: Frozen<T>, view: View, random: Random): Millis
  /** Changes the draft's status, or says that the object is to be removed from the API. */
  apply(draft: T, view: View, now: Millis): undefined | 'remove'
  readonly events?: (object: Frozen<T>, view: View) => readonly { type: 'Normal' | 'Warning'; reason: string; message: string }[]
}
