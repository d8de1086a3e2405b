// Errands: what a kubelet asks of others and has to wait for – a program that runs in a container, a page of a pod. Each is
// done once, whatever becomes of the turn that began it; stages look at what came of it. kubelet.ts wakes the pod then.

import type { Ref } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'

export interface Errand {
  readonly from: Millis
  /** Known beforehand or once it is over; undefined while nobody can tell. */
  readonly over: Outcome | undefined
}

export interface Outcome {
  readonly at: Millis
  /** What went wrong, as the runtime words it; undefined: nothing. */
  readonly fault: string | undefined
  /** What a program printed, both streams, at most 10 KiB. */
  readonly output?: string
  /** It could not even be tried: the fault says nothing of whom it was about. */
  readonly isError?: boolean
  /** It went well, but for this. */
  readonly warning?: string
}

/** Begins an errand: gives its outcome when that is known beforehand, and otherwise calls `done` later. */
export type Begin = (done: (outcome: Outcome) => void) => Outcome | undefined

export class Errands {
  readonly #byPod = new Map<string, Map<string, { from: Millis; over: Outcome | undefined }>>()
  #wake: (pod: Ref) => void = () => {}

  /** Whom to tell when one is over that was not known beforehand. */
  onOver(wake: (pod: Ref) => void): void {
    this.#wake = wake
  }

  /** `what` names it within the pod; one of that name that was begun before is the same. */
  once(pod: Ref & { readonly uid?: string | undefined }, what: string, now: Millis, begin: Begin): Errand {
    const uid = pod.uid ?? ''
    let ofPod = this.#byPod.get(uid)
    if (ofPod === undefined) {
      ofPod = new Map()
      this.#byPod.set(uid, ofPod)
    }
    const known = ofPod.get(what)
    if (known !== undefined) return known
    const errand: { from: Millis; over: Outcome | undefined } = { from: now, over: undefined }
    ofPod.set(what, errand)
    const told = begin(outcome => {
      if (errand.over !== undefined) return
      errand.over = outcome
      this.#wake(pod)
    })
    errand.over ??= told
    return errand
  }

  /** Nobody asks for it again. */
  drop(uid: string | undefined, errand: Errand): void {
    const ofPod = this.#byPod.get(uid ?? '')
    for (const [what, one] of ofPod ?? []) if (one === errand) ofPod?.delete(what)
    if (ofPod?.size === 0) this.#byPod.delete(uid ?? '')
  }

  forget(uid: string): void {
    this.#byPod.delete(uid)
  }
}
