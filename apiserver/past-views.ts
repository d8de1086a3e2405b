// Views of the past: the API as it was at a revision, with its custom kinds, read-only. Made by server.ts, opened by the
// HTTP door for `/at/REVISION/…`. A few are kept for those who ask again; a view holds what it shows even when the store has
// forgotten it meanwhile.

import type { Cancel, Clock, Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import type { Registry } from './registry/registry.ts'
import type { Terms } from './registry/terms.ts'
import { PastStorage } from './storage/past.ts'
import type { Revision, Storage } from './storage/storage.ts'

export interface PastView {
  readonly revision: Revision
  readonly registry: Registry
  /** Its clock stands at the moment of the revision: ages are those of then. */
  readonly env: Env
  /** Resolves when all that was served then can be read. */
  readonly ready: Promise<void>
}

export interface OpenedView {
  readonly registry: Registry
  readonly ready: Promise<void>
  close(): void
}

export interface PastViewsOptions {
  readonly env: Env
  readonly storage: Storage
  readonly terms: Terms
  open(env: Env, storage: Storage): OpenedView
  /** When a revision was; undefined when that is not kept. */
  timeOf(revision: Revision): Millis | undefined
}

const mostViews = 4
/** Nobody has asked for so long. */
const forgotten: Millis = 300_000

interface Kept extends PastView {
  close(): void
  cancel: Cancel
}

export class PastViews {
  readonly #options: PastViewsOptions
  /** The one used last comes last. */
  readonly #views = new Map<Revision, Kept>()

  constructor(options: PastViewsOptions) {
    this.#options = options
  }

  /** Throws ApiError Expired for what is forgotten, Timeout for what is yet to come. */
  at(revision: Revision): PastView {
    const view = this.#views.get(revision) ?? this.#open(revision)
    view.cancel()
    view.cancel = this.#options.env.wall.after(forgotten, () => this.#drop(revision))
    this.#views.delete(revision)
    this.#views.set(revision, view)
    for (const oldest of this.#views.keys()) {
      if (this.#views.size <= mostViews) break
      this.#drop(oldest)
    }
    return view
  }

  close(): void {
    for (const revision of [...this.#views.keys()]) this.#drop(revision)
  }

  #open(revision: Revision): Kept {
    const { storage, terms, open, timeOf } = this.#options
    const past = new PastStorage(storage, revision, terms)
    const env: Env = { ...this.#options.env, clock: standing(this.#options.env.clock, timeOf(revision)) }
    const { registry, ready, close } = open(env, past)
    return { revision, registry, env, ready, close, cancel: () => {} }
  }

  #drop(revision: Revision): void {
    const view = this.#views.get(revision)
    this.#views.delete(revision)
    view?.cancel()
    view?.close()
  }
}

function standing(clock: Clock, at: Millis | undefined): Clock {
  return {
    now: () => at ?? clock.now(),
    after: (delay, run) => clock.after(delay, run),
    sleep: (delay, signal) => clock.sleep(delay, signal),
  }
}
