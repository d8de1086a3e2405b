// History: the window of recent events, one for each revision without a gap, from which watches resume and earlier revisions
// are read. Bounded by count and by the bytes that nothing else holds any more; what falls out can only be Expired.

import { expired } from '../../src/api/errors.ts'
import type { Revision, StorageEvent } from './storage.ts'

export interface Bounds {
  readonly events: number
  readonly bytes: number
}

export class History {
  readonly #bounds: Bounds
  readonly #onDrop: (event: StorageEvent) => void
  /** Events from `#head` on; those before it are gone, and are swept away now and then. */
  #events: (StorageEvent | undefined)[] = []
  #head = 0
  #bytes = 0
  #compacted: Revision

  /** Of a store whose events up to `compacted` are forgotten; `onDrop` is told of each that falls out. */
  constructor(compacted: Revision, bounds: Bounds, onDrop: (event: StorageEvent) => void) {
    this.#compacted = compacted
    this.#bounds = bounds
    this.#onDrop = onDrop
  }

  /** All events after this revision are here. */
  get compacted(): Revision {
    return this.#compacted
  }

  get revision(): Revision {
    return this.#compacted + this.length
  }

  get length(): number {
    return this.#events.length - this.#head
  }

  /** Bytes of superseded and removed objects. */
  get bytes(): number {
    return this.#bytes
  }

  /** The event of a revision; undefined when it is forgotten or not there yet. */
  at(revision: Revision): StorageEvent | undefined {
    return revision > this.#compacted ? this.#events[this.#head + revision - this.#compacted - 1] : undefined
  }

  get last(): StorageEvent | undefined {
    return this.#events.at(-1)
  }

  add(event: StorageEvent): void {
    if (event.revision !== this.revision + 1) {
      throw new Error(`an event at revision ${event.revision} cannot follow revision ${this.revision}`)
    }
    this.#events.push(event)
    this.#bytes += weight(event)
    while (this.length > this.#bounds.events || (this.#bytes > this.#bounds.bytes && this.length > 0)) this.#drop()
  }

  /** In order. Throws ApiError Expired when some are gone. */
  after(revision: Revision): readonly StorageEvent[] {
    // kube-apiserver's words: k8s.io/apiserver/pkg/storage/cacher/watch_cache.go, getAllEventsSinceLocked.
    if (revision < this.#compacted) throw expired(`too old resource version: ${revision} (${this.#compacted})`)
    return this.#events.slice(this.#head + revision - this.#compacted) as StorageEvent[]
  }

  /** Forgets events up to and including this revision. */
  forget(revision: Revision): void {
    const until = Math.min(revision, this.revision)
    while (this.#compacted < until) this.#drop()
  }

  #drop(): void {
    const event = this.#events[this.#head]!
    this.#events[this.#head++] = undefined
    this.#compacted++
    this.#bytes -= weight(event)
    this.#onDrop(event)
    if (this.#head < 1_024 || this.#head * 2 < this.#events.length) return
    this.#events = this.#events.slice(this.#head)
    this.#head = 0
  }
}

/** What only the history still holds because of this event. */
function weight({ type, stored, previous }: StorageEvent): number {
  return (previous?.bytes.length ?? 0) + (type === 'DELETED' ? stored.bytes.length : 0)
}
