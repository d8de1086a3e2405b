// The history of a cluster as lines: for golden comparison (what happened, to whom), and whole, byte for byte, to hold two
// runs against each other.

import { createHash } from 'node:crypto'
import type { Storage, StorageEvent } from '../../apiserver/storage/storage.ts'

/** All events of a cluster, from its beginning: for golden comparison. */
export class History {
  readonly #events: { revision: number; type: string; key: string; digest: string }[] = []

  /** Listens from the store's beginning. */
  constructor(storage: Storage) {
    storage.subscribe('/registry/', storage.compacted, events => {
      for (const event of events) this.#events.push(recorded(event))
    })
  }

  /** `42 ADDED core/pods/default/web`, in order. */
  lines(holding = ''): string[] {
    return this.#events
      .map(({ revision, type, key }) => `${revision} ${type} ${key.slice('/registry/'.length)}`)
      .filter(line => line.includes(holding))
  }

  /** One line an event with a digest of the object's bytes: two runs are the same when these are. */
  exact(): string {
    return this.#events.map(({ revision, type, key, digest }) => `${revision} ${type} ${key} ${digest}`).join('\n')
  }
}

function recorded({ revision, type, key, stored }: StorageEvent) {
  return { revision, type, key, digest: createHash('sha256').update(stored.bytes).digest('hex').slice(0, 16) }
}
