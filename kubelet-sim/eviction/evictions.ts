// Pods that a kubelet is to end: asked for by whoever watches over a node, carried out by the pod's own stage
// (stages/evicted.ts), with the words that its status will have.

import type { Ref } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Failure } from '../life.ts'

export interface Eviction extends Failure {
  readonly grace: Millis
  /** Told of the pod, unless it is to go without a word. */
  readonly event?: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }
}

export class Evictions {
  readonly #asked = new Map<string, Eviction>()
  #wake: (pod: Ref) => void = () => {}

  onAsked(wake: (pod: Ref) => void): void {
    this.#wake = wake
  }

  ask(pod: Ref & { readonly uid?: string | undefined }, eviction: Eviction): void {
    if (pod.uid === undefined || this.#asked.has(pod.uid)) return
    this.#asked.set(pod.uid, eviction)
    this.#wake(pod)
  }

  of(uid: string | undefined): Eviction | undefined {
    return this.#asked.size === 0 ? undefined : this.#asked.get(uid ?? '')
  }

  forget(uid: string): void {
    this.#asked.delete(uid)
  }
}
