// CollectionState: the objects of one collection as they durably are, in order and by index term, and over them what is
// still on its way to the journal. Used by revision-store.ts only, which alone decides when what becomes durable.

import { SortedKeys } from './sorted-keys.ts'
import type { StorageEvent, StorageOptions, Stored } from './storage.ts'
import type { StoredObject } from './stored-object.ts'

/** Where a key's object stands; its terms are known once somebody asked by term. */
interface Slot {
  readonly key: string
  stored: StoredObject
  terms: readonly Posting[]
}

/** The objects that carry one term. */
interface Posting {
  readonly term: string
  readonly slots: SortedKeys<Slot>
}

/** One event of this store's own making. */
export interface Change extends StorageEvent {
  readonly stored: StoredObject
  readonly previous: StoredObject | undefined
}

interface Pending {
  readonly change: Change
  terms: readonly string[] | undefined
}

const noTerms: readonly Posting[] = Object.freeze([])

export class CollectionState {
  readonly prefix: string
  readonly #termsOf: NonNullable<StorageOptions['terms']>
  readonly #slots = new Map<string, Slot>()
  #order = new SortedKeys<Slot>()
  /** Made when somebody first asks by term: until then objects that were loaded need not be parsed. */
  #postings: Map<string, Posting> | undefined
  readonly #pending = new Map<string, Pending>()

  constructor(prefix: string, termsOf: NonNullable<StorageOptions['terms']>) {
    this.prefix = prefix
    this.#termsOf = termsOf
  }

  /** Fills an empty collection. */
  load(objects: readonly StoredObject[]): void {
    const slots = objects.map(stored => ({ key: stored.key, stored, terms: noTerms }))
    for (const slot of slots) this.#slots.set(slot.key, slot)
    this.#order = SortedKeys.of(slots)
  }

  // ---- what is durable

  get(key: string): StoredObject | undefined {
    return this.#slots.get(key)?.stored
  }

  list(prefix: string, into: Stored[]): void {
    this.#order.each(prefix, slot => into.push(slot.stored))
  }

  count(prefix: string): number {
    return prefix.length <= this.prefix.length ? this.#order.size : this.#order.count(prefix)
  }

  withTerm(prefix: string, term: string): Stored[] {
    const found: Stored[] = []
    this.#index()
      .get(term)
      ?.slots.each(prefix, slot => found.push(slot.stored))
    return found
  }

  countWithTerm(term: string): number {
    return this.#index().get(term)?.slots.size ?? 0
  }

  /** What was on its way has arrived. */
  settle(change: Change): void {
    const { key, stored } = change
    const pending = this.#pending.get(key)
    const terms = pending?.change === change ? pending.terms : undefined
    if (pending?.change === change) this.#pending.delete(key)
    const slot = this.#slots.get(key)
    if (change.type === 'DELETED') {
      if (slot !== undefined) this.#remove(slot)
    } else if (slot === undefined) {
      const added: Slot = { key, stored, terms: noTerms }
      this.#slots.set(key, added)
      this.#order.add(added)
      if (this.#postings !== undefined) this.#file(added, this.#postings, terms ?? this.#termsOf(key, stored.object))
    } else {
      slot.stored = stored
      if (this.#postings !== undefined) this.#file(slot, this.#postings, terms ?? this.#termsOf(key, stored.object))
    }
  }

  // ---- what will be, when all that is on its way has arrived

  expect(change: Change): void {
    this.#pending.set(change.key, { change, terms: undefined })
  }

  /** Nothing that is on its way will arrive. */
  forgetExpected(): void {
    this.#pending.clear()
  }

  ahead(key: string): StoredObject | undefined {
    if (this.#pending.size > 0) {
      const pending = this.#pending.get(key)
      if (pending !== undefined) return objectAfter(pending)
    }
    return this.#slots.get(key)?.stored
  }

  *listAhead(prefix: string): Iterable<Stored> {
    yield* this.#overlaid(this.#order.beginningWith(prefix), prefix, () => true)
  }

  *withTermAhead(prefix: string, term: string): Iterable<Stored> {
    const slots = this.#index().get(term)?.slots.beginningWith(prefix) ?? []
    yield* this.#overlaid(slots, prefix, pending => this.#pendingTerms(pending).includes(term))
  }

  *#overlaid(slots: Iterable<Slot>, prefix: string, has: (pending: Pending) => boolean): Iterable<Stored> {
    if (this.#pending.size === 0) {
      for (const { stored } of slots) yield stored
      return
    }
    const changed = [...this.#pending.values()]
      .filter(pending => pending.change.key.startsWith(prefix) && objectAfter(pending) !== undefined && has(pending))
      .map(({ change }) => change.stored)
      .sort((one, other) => (one.key < other.key ? -1 : 1))
    let next = 0
    for (const { key, stored } of slots) {
      while (next < changed.length && changed[next]!.key < key) yield changed[next++]!
      if (!this.#pending.has(key)) yield stored
    }
    while (next < changed.length) yield changed[next++]!
  }

  // ---- the index

  #index(): Map<string, Posting> {
    if (this.#postings !== undefined) return this.#postings
    const byTerm = new Map<string, Slot[]>()
    for (const slot of this.#slots.values()) {
      for (const term of new Set(this.#termsOf(slot.key, slot.stored.object))) {
        const slots = byTerm.get(term)
        if (slots === undefined) byTerm.set(term, [slot])
        else slots.push(slot)
      }
    }
    const postings = new Map<string, Posting>()
    const termsOfSlot = new Map<Slot, Posting[]>()
    for (const [term, slots] of byTerm) {
      const posting: Posting = { term, slots: SortedKeys.of(slots) }
      postings.set(term, posting)
      for (const slot of slots) {
        const terms = termsOfSlot.get(slot)
        if (terms === undefined) termsOfSlot.set(slot, [posting])
        else terms.push(posting)
      }
    }
    for (const [slot, terms] of termsOfSlot) slot.terms = terms
    this.#postings = postings
    return postings
  }

  #pendingTerms(pending: Pending): readonly string[] {
    pending.terms ??= this.#termsOf(pending.change.key, pending.change.stored.object)
    return pending.terms
  }

  /** Files a slot under these terms and no others. Most writes change none, and then nothing is made. */
  #file(slot: Slot, postings: Map<string, Posting>, terms: readonly string[]): void {
    const before = slot.terms
    if (terms.length === before.length && terms.every((term, index) => before[index]!.term === term)) return
    const after: Posting[] = []
    for (const term of terms) {
      let posting = postings.get(term)
      if (posting === undefined) {
        posting = { term, slots: new SortedKeys() }
        postings.set(term, posting)
      }
      if (after.includes(posting)) continue
      after.push(posting)
      if (!before.includes(posting)) posting.slots.add(slot)
    }
    for (const posting of before) if (!after.includes(posting)) this.#unfile(slot, posting)
    slot.terms = after
  }

  #unfile(slot: Slot, posting: Posting): void {
    posting.slots.remove(slot)
    if (posting.slots.size === 0) this.#postings?.delete(posting.term)
  }

  #remove(slot: Slot): void {
    this.#slots.delete(slot.key)
    this.#order.remove(slot)
    for (const posting of slot.terms) this.#unfile(slot, posting)
  }
}

function objectAfter({ change }: Pending): StoredObject | undefined {
  return change.type === 'DELETED' ? undefined : change.stored
}
