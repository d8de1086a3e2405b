// Informer: a cache of one kind that follows the API server; Lister: how it is read. One informer a kind, shared by all
// controllers of a process. `start` resolves when the first list is in.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Client } from '../client/client.ts'
import type { Cancel } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import type { Kind } from '../kinds/kind.ts'
import { Cache, type Change, keyOf } from './cache.ts'
import { reflect } from './reflector.ts'

export interface Lister<T extends KubeObject> {
  get(ref: Ref): Frozen<T> | undefined
  /** In order of key. `selector`: a test made once with api/labels.ts. */
  list(where?: {
    namespace?: string | undefined
    matches?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined
  }): readonly Frozen<T>[]
  /** By a named index. Ready-made: `controller` (uid of the controlling owner), `node` (spec.nodeName), `namespace`. */
  by(index: string, value: string): readonly Frozen<T>[]
  /** How many `by` would give, without making the list. */
  count(index: string, value: string): number
  /** Adds an index; the same name must always come with the same function. */
  index(name: string, keys: (object: Frozen<T>) => readonly string[]): void
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: Kind<T>
  /** Follows until the signal is aborted – or another's, when several have started it. */
  start(signal: AbortSignal): Promise<void>
  /** The highest revision of which this cache knows. */
  readonly seen: number
  on(change: (now: Frozen<T> | undefined, before: Frozen<T> | undefined) => void): Cancel
  /** Runs once, when the cache has reached the revision; at once if it has. */
  whenSeen(revision: number, run: () => void): void
  /** Runs once, when the object of that uid is gone from the cache or is there as being deleted. */
  whenDeleted(ref: Ref, uid: string, run: () => void): void
}

/** The informers of one process: the same one for everybody who asks for a kind. */
export interface Informers {
  of<T extends KubeObject>(kind: Kind<T>): Informer<T>
  /** Whoever asks for the kind from now on gets another: what is left in the cache of the one there was is let go. */
  forget(kind: Kind<any>): void
}

export function createInformers(env: Env, client: Client): Informers {
  const informers = new Map<string, Informer<any>>()
  return {
    of(kind) {
      const name = `${kind.apiVersion}/${kind.plural}`
      let informer = informers.get(name)
      if (informer === undefined) {
        informer = createInformer(env, client, kind)
        informers.set(name, informer)
      }
      return informer
    },
    forget: kind => void informers.delete(`${kind.apiVersion}/${kind.plural}`),
  }
}

export function createInformer<T extends KubeObject>(env: Env, client: Client, kind: Kind<T>): Informer<T> {
  return new FollowingInformer(env, client, kind)
}

class FollowingInformer<T extends KubeObject> implements Informer<T> {
  readonly kind: Kind<T>
  readonly #env: Env
  readonly #client: Client
  readonly #cache = new Cache<T>()
  #seen = 0
  #started: Promise<void> | undefined
  #ending: AbortController | undefined
  #followers = 0
  readonly #awaitingRevision: { readonly revision: number; readonly run: () => void }[] = []
  readonly #awaitingDeletion = new Map<string, { readonly uid: string; readonly run: () => void }[]>()

  constructor(env: Env, client: Client, kind: Kind<T>) {
    this.#env = env
    this.#client = client
    this.kind = kind
    this.#cache.on((now, before) => this.#checkDeletions(now ?? before!))
  }

  get seen(): number {
    return this.#seen
  }

  /** It follows as long as one of those who started it has not aborted his signal; then it can be started anew. */
  start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    this.#followers++
    signal.addEventListener('abort', () => this.#leave(), { once: true })
    this.#started ??= this.#follow()
    return this.#started
  }

  #follow(): Promise<void> {
    const ending = new AbortController()
    this.#ending = ending
    return new Promise((resolve, reject) => {
      const progress = (revision: number, listed: boolean): void => {
        this.#progress(revision, listed)
        if (listed) resolve()
      }
      ending.signal.addEventListener('abort', () => resolve(), { once: true })
      reflect(this.#env, this.#client, this.kind, this.#cache, progress, ending.signal).then(resolve, reject)
    })
  }

  #leave(): void {
    this.#followers--
    if (this.#followers > 0) return
    this.#ending?.abort()
    this.#ending = undefined
    this.#started = undefined
  }

  get(ref: Ref): Frozen<T> | undefined {
    return this.#cache.get(ref)
  }
  list(where?: Parameters<Lister<T>['list']>[0]): readonly Frozen<T>[] {
    return this.#cache.list(where)
  }
  by(index: string, value: string): readonly Frozen<T>[] {
    return this.#cache.by(index, value)
  }
  count(index: string, value: string): number {
    return this.#cache.count(index, value)
  }
  index(name: string, keys: (object: Frozen<T>) => readonly string[]): void {
    this.#cache.index(name, keys)
  }
  on(change: Change<T>): Cancel {
    return this.#cache.on(change)
  }

  whenSeen(revision: number, run: () => void): void {
    if (revision <= this.#seen) {
      run()
      return
    }
    // Kept in descending order; revisions asked for nearly always rise, so the place is near the front.
    let at = 0
    while (at < this.#awaitingRevision.length && this.#awaitingRevision[at]!.revision > revision) at++
    this.#awaitingRevision.splice(at, 0, { revision, run })
  }

  whenDeleted(ref: Ref, uid: string, run: () => void): void {
    if (this.#isDeleted(ref, uid)) {
      run()
      return
    }
    const key = keyOf(ref)
    const waiting = this.#awaitingDeletion.get(key) ?? []
    waiting.push({ uid, run })
    this.#awaitingDeletion.set(key, waiting)
  }

  #progress(revision: number, listed: boolean): void {
    // A list may show an older state than was seen, when the server lost or was given another history: then nobody
    // would ever see what they wait for, and what is listed is all the truth there is.
    this.#seen = listed ? revision : Math.max(this.#seen, revision)
    const waiting = this.#awaitingRevision
    while (waiting.length > 0 && (listed || waiting.at(-1)!.revision <= revision)) waiting.pop()!.run()
  }

  #checkDeletions(changed: Frozen<T>): void {
    if (this.#awaitingDeletion.size === 0) return
    const key = keyOf(changed.metadata)
    const waiting = this.#awaitingDeletion.get(key)
    if (waiting === undefined) return
    const still = waiting.filter(({ uid, run }) => {
      if (!this.#isDeleted(changed.metadata, uid)) return true
      run()
      return false
    })
    if (still.length === 0) this.#awaitingDeletion.delete(key)
    else this.#awaitingDeletion.set(key, still)
  }

  #isDeleted(ref: Ref, uid: string): boolean {
    const object = this.#cache.get(ref)
    return object === undefined || object.metadata.uid !== uid || object.metadata.deletionTimestamp !== undefined
  }
}
