// Informer: a cache of one kind that follows the API server; Lister: how it is read. One informer a kind, shared by all
// controllers of a process. `start` resolves when the first list is in.

import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Cancel } from '../env/clock.ts'
import type { Kind } from '../kinds/kind.ts'

export interface Lister<T extends KubeObject> {
  get(ref: Ref): Frozen<T> | undefined
  /** In order of key. `selector`: a test made once with api/labels.ts. */
  list(where?: {
    namespace?: string | undefined
    matches?: ((labels: Readonly<Record<string, string>>) => boolean) | undefined
  }): readonly Frozen<T>[]
  /** By a named index. Ready-made: `controller` (uid of the controlling owner), `node` (spec.nodeName), `namespace`. */
  by(index: string, value: string): readonly Frozen<T>[]
  /** Adds an index; the same name must always come with the same function. */
  index(name: string, keys: (object: Frozen<T>) => readonly string[]): void
}

export interface Informer<T extends KubeObject> extends Lister<T> {
  readonly kind: Kind<T>
  start(signal: AbortSignal): Promise<void>
  /** The highest revision of which this cache knows. */
  readonly seen: number
  on(change: (now: Frozen<T> | undefined, before: Frozen<T> | undefined) => void): Cancel
}
