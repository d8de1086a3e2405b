// PastStorage: a store as it was at one revision. It can be read in every way a store can, and never changes: a watch hears
// nothing, a turn that would write is refused. Made by server.ts for a view of the past. It shares the objects with
// the store it was taken from, and keeps them for as long as it is held.

import { ApiError, expired } from '../../src/api/errors.ts'
import type { Cancel } from '../../src/env/clock.ts'
import { collectionOf } from './keys.ts'
import type { Decision, Present, Revision, Storage, StorageOptions, Stored, Written } from './storage.ts'

interface Part {
  readonly list: readonly Stored[]
  terms: Map<string, Stored[]> | undefined
}

export class PastStorage implements Storage {
  readonly revision: Revision
  readonly compacted: Revision
  readonly #termsOf: NonNullable<StorageOptions['terms']>
  readonly #byKey: ReadonlyMap<string, Stored>
  readonly #parts = new Map<string, Part>()
  readonly #all: readonly Stored[]

  /** Throws ApiError Expired when the store has forgotten that revision, Timeout when it has not come to it. */
  constructor(store: Storage, at: Revision, termsOf: NonNullable<StorageOptions['terms']>) {
    if (at < store.compacted) throw expired(`revision ${at} is forgotten: history goes back to ${store.compacted}`)
    this.revision = at
    this.compacted = at
    this.#termsOf = termsOf
    this.#all = store.list('', at)
    this.#byKey = new Map(this.#all.map(stored => [stored.key, stored]))
    const lists = new Map<string, Stored[]>()
    for (const stored of this.#all) {
      const prefix = collectionOf(stored.key) ?? ''
      const list = lists.get(prefix)
      if (list === undefined) lists.set(prefix, [stored])
      else list.push(stored)
    }
    for (const [prefix, list] of lists) this.#parts.set(prefix, { list, terms: undefined })
  }

  get(key: string): Stored | undefined {
    return this.#byKey.get(key)
  }

  list(prefix: string, at: Revision = this.revision): readonly Stored[] {
    if (at < this.revision) throw expired('The resourceVersion for the provided list is too old.')
    if (at > this.revision)
      throw new ApiError('Timeout', `Too large resource version: ${at}, current: ${this.revision}`)
    const collection = collectionOf(prefix)
    const list = collection === undefined ? this.#all : (this.#parts.get(collection)?.list ?? [])
    return prefix === collection ? list : list.filter(({ key }) => key.startsWith(prefix))
  }

  withTerm(prefix: string, term: string): readonly Stored[] {
    const found = this.#withTerm(prefix, term)
    return prefix === collectionOf(prefix) ? found : found.filter(({ key }) => key.startsWith(prefix))
  }

  count(prefix: string): number {
    return this.list(prefix).length
  }

  countWithTerm(prefix: string, term: string): number {
    return this.#withTerm(prefix, term).length
  }

  /** A turn that keeps what is there is heard. */
  async write(key: string, decide: (current: Stored | undefined, present: Present) => Decision): Promise<Written> {
    const current = this.get(key)
    if (!('keep' in decide(current, this))) throw readOnly(this.revision)
    return { stored: current as Stored, previous: current, changed: false }
  }

  subscribe(_prefix: string, after: Revision): Cancel {
    if (after < this.revision) throw expired(`too old resource version: ${after} (${this.revision})`)
    return () => {}
  }

  async compact(): Promise<void> {}

  async close(): Promise<void> {}

  #withTerm(prefix: string, term: string): readonly Stored[] {
    const collection = collectionOf(prefix)
    if (collection !== undefined) return this.#termsIn(collection).get(term) ?? none
    const within = [...this.#parts.keys()].filter(each => each.startsWith(prefix))
    return within.flatMap(each => this.#termsIn(each).get(term) ?? none)
  }

  #termsIn(collection: string): ReadonlyMap<string, readonly Stored[]> {
    const part = this.#parts.get(collection)
    if (part === undefined) return nowhere
    if (part.terms === undefined) {
      part.terms = new Map()
      for (const stored of part.list) {
        for (const each of new Set(this.#termsOf(stored.key, stored.object))) {
          const list = part.terms.get(each)
          if (list === undefined) part.terms.set(each, [stored])
          else list.push(stored)
        }
      }
    }
    return part.terms
  }
}

const none: readonly Stored[] = Object.freeze([])
const nowhere: ReadonlyMap<string, readonly Stored[]> = new Map()

function readOnly(revision: Revision): ApiError {
  return new ApiError('MethodNotAllowed', `the store as it was at revision ${revision} is not written to`)
}
