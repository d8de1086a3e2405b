// Traffic: what travels through the control plane, step by step, told to those who want to see it. While nobody does it costs
// whoever would tell one look at `isWatched`. Told by the HTTP door, the registry's writes, reflectors and managers; heard by
// src/own/control-plane-events.ts. What becomes durable is told by the store itself.

import type { Cancel } from './clock.ts'

/** An object at a revision; without one it is gone, or nobody knows. */
export interface Place {
  /** `pods`, `deployments.apps` */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
  readonly revision?: number | undefined
}

export type Passage =
  /** Somebody outside asks for something, and is let in. */
  | {
      readonly step: 'request'
      readonly user: string
      readonly verb: string
      readonly by: string
      readonly object: Place
    }
  /** … or is refused, at whatever place. */
  | {
      readonly step: 'refusal'
      readonly user: string
      readonly verb: string
      readonly object: Place
      readonly code: number
      readonly message: string
    }
  /** A write has passed defaults, admission and validation. */
  | {
      readonly step: 'admission'
      readonly user: string
      readonly by: string
      readonly verb: 'create' | 'update'
      readonly object: Place
    }
  /** A watch has brought an event to the caches that the components of a process share. */
  | { readonly step: 'watch'; readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Place }
  /** A change has put a key into a worker's queue. */
  | { readonly step: 'queue'; readonly worker: string; readonly key: string; readonly woken: Place }
  /** The worker takes the key; `of`: the object, if the key is one's and it is there. */
  | { readonly step: 'work'; readonly worker: string; readonly key: string; readonly of: Place | undefined }
  /** `again`: it comes back after so many milliseconds. `fault`: it failed, and will be tried again. */
  | {
      readonly step: 'done'
      readonly worker: string
      readonly key: string
      readonly of: Place | undefined
      readonly again?: number
      readonly fault?: string
    }

export class Traffic {
  #watchers: readonly ((passage: Passage) => void)[] = []

  get isWatched(): boolean {
    return this.#watchers.length > 0
  }

  tell(passage: Passage): void {
    for (const hear of this.#watchers) hear(passage)
  }

  watch(hear: (passage: Passage) => void): Cancel {
    this.#watchers = [...this.#watchers, hear]
    return () => {
      this.#watchers = this.#watchers.filter(each => each !== hear)
    }
  }
}
