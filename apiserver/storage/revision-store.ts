// RevisionStore: Storage upon a journal. Turns decide at once, on the state that all turns before them will leave; their
// changes gather while one batch is on its way to the journal, and go together in the next. Nobody is answered, no reader
// sees and no subscriber hears before the batch is durable.

import type { Cause } from '../../src/api/cause.ts'
import { ApiError, expired, internalError } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { type Change, CollectionState } from './collection-state.ts'
import { History } from './history.ts'
import { type Journal, type JournalEntry, JournalError, type JournalHeading, type Loaded } from './journal.ts'
import { collectionOf } from './keys.ts'
import type {
  AlsoPut,
  Decision,
  HistoryOptions,
  Note,
  Present,
  Revision,
  Storage,
  StorageEvent,
  StorageOptions,
  Stored,
  Written,
} from './storage.ts'
import { StoredObject } from './stored-object.ts'
import { Subscribers } from './subscribers.ts'

/** What a batch carries, and who waits for it: writers, and turns that only saw what it will leave. */
interface Batch {
  readonly changes: Change[]
  readonly waiting: Waiting[]
}

interface Waiting {
  settle(): void
  reject(error: unknown): void
}

/** An empty store stands at 1, as etcd does: 0 has a meaning of its own in the API. */
const firstRevision: Revision = 1
/** So many entries are needless, and the journal is told to forget them without waiting for the next tick. */
const manyNeedless = 1_024

const none: readonly Change[] = Object.freeze([])

export class RevisionStore implements Storage {
  readonly #env: Env
  readonly #journal: Journal
  readonly #termsOf: NonNullable<StorageOptions['terms']>
  readonly #keepParsed: (key: string) => boolean
  readonly #limits: Required<HistoryOptions>
  /** By prefix; a collection that was ever written to stays. */
  readonly #collections = new Map<string, CollectionState>()
  readonly #history: History
  readonly #subscribers = new Subscribers()
  readonly #present: Present = {
    get: key => this.#collectionAt(key)?.ahead(key),
    list: prefix => this.#acrossAhead(prefix, collection => collection.listAhead(prefix)),
    withTerm: (prefix, term) => this.#acrossAhead(prefix, collection => collection.withTermAhead(prefix, term)),
  }
  #collectionsInOrder: readonly CollectionState[] = []
  /** Of the last turn taken. */
  #aheadRevision: Revision
  /** Takes in the changes of turns; undefined while there is none. */
  #gathering: Batch | undefined
  /** On its way to the journal. */
  #inFlight: Batch | undefined
  /** Counts as busy from the first change gathered until all is durable. */
  #release: Cancel | undefined
  #isDeciding = false
  #refusal: ((key: string) => Error | undefined) | undefined
  #closing: Promise<void> | undefined
  #onSettled: (() => void) | undefined
  /** What the journal still has of what fell out of the window. */
  #needless: JournalHeading[] = []
  #forgetting: Promise<void> | undefined
  #cancelTick: Cancel | undefined
  /** The last list that was made of an earlier revision: who reads one in pages asks for it again and again. */
  #lastPast: { readonly prefix: string; readonly at: Revision; readonly list: readonly Stored[] } | undefined
  /** The revision at each of the last ticks, oldest first: how the age of events is known. */
  readonly #ticks: Revision[] = []

  static async open(env: Env, journal: Journal, options: StorageOptions = {}): Promise<RevisionStore> {
    return new RevisionStore(env, journal, options, await journal.load())
  }

  private constructor(env: Env, journal: Journal, options: StorageOptions, loaded: Loaded) {
    this.#env = env
    this.#journal = journal
    this.#termsOf = options.terms ?? (() => [])
    this.#keepParsed = options.keepParsed ?? (() => true)
    this.#limits = {
      maxAge: options.history?.maxAge ?? 5 * 60_000,
      leastEvents: options.history?.leastEvents ?? 4_096,
      maxEvents: options.history?.maxEvents ?? 32_768,
      maxBytes: options.history?.maxBytes ?? 16 * 1024 * 1024,
    }
    // Of a new store nothing is compacted, but there is no event of the revision it begins with either.
    const begin = loaded.compacted === 0 ? firstRevision : loaded.compacted
    const bounds = { events: this.#limits.maxEvents, bytes: this.#limits.maxBytes }
    this.#history = new History(begin, bounds, ({ type, stored, previous }) => {
      if (previous !== undefined) this.#needless.push(headingOf(previous))
      if (type === 'DELETED') this.#needless.push(removalOf(stored))
    })
    this.#fill(loaded, begin)
    this.#aheadRevision = this.revision
    this.#tick()
  }

  get revision(): Revision {
    return this.#history.revision
  }

  get compacted(): Revision {
    return this.#history.compacted
  }

  /** What is kept of the past, oldest first; none of them at or before `compacted`. */
  events(after = this.compacted): readonly StorageEvent[] {
    return this.#history.after(after)
  }

  /** When a revision was written; undefined when that is not kept. */
  timeOf(revision: Revision): Millis | undefined {
    const first = Math.max(revision - 1, this.compacted)
    return first < this.revision ? this.#history.at(first + 1)?.note?.at : undefined
  }

  /** When the last write was decided; undefined when that is not kept. */
  get lastAt(): Millis | undefined {
    return this.#history.last?.note?.at
  }

  get(key: string): Stored | undefined {
    return this.#collectionAt(key)?.get(key)
  }

  list(prefix: string, at?: Revision): readonly Stored[] {
    const past = this.#lastPast
    if (past !== undefined && past.at === at && past.prefix === prefix && at >= this.compacted) return past.list
    const found: Stored[] = []
    for (const collection of this.#within(prefix)) collection.list(prefix, found)
    if (at === undefined || at === this.revision) return found
    const list = this.#undone(found, prefix, Math.max(at, firstRevision))
    this.#lastPast = { prefix, at, list }
    return list
  }

  withTerm(prefix: string, term: string): readonly Stored[] {
    const collections = this.#within(prefix)
    if (collections.length === 1) return collections[0]!.withTerm(prefix, term)
    return collections.flatMap(collection => collection.withTerm(prefix, term))
  }

  count(prefix: string): number {
    return this.#within(prefix).reduce((sum, collection) => sum + collection.count(prefix), 0)
  }

  countWithTerm(prefix: string, term: string): number {
    return this.#within(prefix).reduce((sum, collection) => sum + collection.countWithTerm(term), 0)
  }

  write(
    key: string,
    decide: (current: Stored | undefined, present: Present) => Decision,
    cause?: Cause | undefined,
  ): Promise<Written> {
    let written: Written | undefined
    let thrown: unknown
    try {
      written = this.#turn(key, decide, cause)
    } catch (error) {
      thrown = error
    }
    // Also who wrote nothing, or may not write, learnt it from a state that has yet to become true.
    const batch = this.#gathering ?? this.#inFlight
    if (batch === undefined) return written ? Promise.resolve(written) : Promise.reject(thrown)
    return new Promise((resolve, reject) => {
      batch.waiting.push({ settle: () => (written ? resolve(written) : reject(thrown)), reject })
    })
  }

  subscribe(prefix: string, after: Revision, deliver: (events: readonly StorageEvent[]) => void): Cancel {
    const past = this.#history.after(Math.max(after, firstRevision))
    const concerned = prefix === '' ? past : past.filter(({ key }) => key.startsWith(prefix))
    return this.#subscribers.add(prefix, Math.max(after, this.revision), concerned, deliver)
  }

  async compact(before: Revision): Promise<void> {
    this.#history.forget(before)
    while (this.#forgetting !== undefined) await this.#forgetting
    await this.#forget()
  }

  /** What was begun is finished first; what comes later is refused. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** From now on, until it is called with undefined, what would be written is refused so; what is removed is not. */
  refusePuts(why: ((key: string) => Error | undefined) | undefined): void {
    this.#refusal = why
  }

  /** What is written meanwhile is durable when it is over, instead of one by one: for time that is made to pass. */
  async relaxed<T>(run: () => Promise<T>): Promise<T> {
    await this.#journal.relax?.(true)
    try {
      return await run()
    } finally {
      await this.#env.activity.track(async () => this.#journal.relax?.(false))
    }
  }

  // ---- turns

  #turn(
    key: string,
    decide: (current: Stored | undefined, present: Present) => Decision,
    cause: Cause | undefined,
  ): Written {
    if (this.#closing !== undefined) throw new ApiError('ServiceUnavailable', 'the store is closed')
    if (this.#isDeciding) throw new Error(`a write to ${key} was asked for from within another turn`)
    const collection = this.#collectionOf(key)
    const current = collection.ahead(key)
    let decision: Decision
    this.#isDeciding = true
    try {
      decision = decide(current, this.#present)
    } finally {
      this.#isDeciding = false
    }
    if ('keep' in decision) return { stored: current as Stored, previous: current, changed: false }
    const refused = 'put' in decision ? this.#refusal?.(key) : undefined
    if (refused !== undefined) throw refused
    if ('put' in decision && decision.unlessSame && current !== undefined && isSame(decision, current)) {
      return { stored: current, previous: current, changed: false }
    }
    // All are made before any is gathered: what cannot be JSON takes what it came with along.
    const note: Note = { at: this.#env.clock.now(), cause }
    const also = 'put' in decision && decision.also !== undefined ? this.#beside(decision.also, note) : none
    const change = this.#changeOf(key, current, decision, this.#aheadRevision + 1 + also.length, note)
    for (const each of also) this.#gather(this.#collectionOf(each.key), each)
    this.#gather(collection, change)
    return { stored: change.stored, previous: change.previous, changed: true }
  }

  #beside(also: readonly AlsoPut[], note: Note): readonly Change[] {
    return also.map(({ key, put }, index) =>
      this.#changeOf(key, this.#collectionOf(key).ahead(key), { put }, this.#aheadRevision + 1 + index, note),
    )
  }

  #gather(collection: CollectionState, change: Change): void {
    this.#aheadRevision = change.revision
    collection.expect(change)
    if (this.#gathering === undefined) {
      this.#gathering = { changes: [], waiting: [] }
      if (this.#inFlight === undefined) this.#sendSoon()
    }
    this.#gathering.changes.push(change)
  }

  #changeOf(
    key: string,
    current: StoredObject | undefined,
    decision: Exclude<Decision, { keep: true }>,
    revision: Revision,
    note: Note,
  ): Change {
    if ('put' in decision) {
      const created = current?.createRevision ?? revision
      const { put, managedFields = current?.managedFields } = decision
      const stored = StoredObject.from(key, revision, created, put, this.#keepParsed(key), managedFields ?? '')
      return { type: current === undefined ? 'ADDED' : 'MODIFIED', key, revision, stored, previous: current, note }
    }
    if (current === undefined) throw new Error(`a turn removes ${key}, which is not there`)
    // A Deleted event carries the deletion's revision, as etcd's does.
    const { object, createRevision, managedFields = '' } = current
    const stored = StoredObject.from(key, revision, createRevision, object, false, managedFields)
    return { type: 'DELETED', key, revision, stored, previous: current, note }
  }

  // ---- commits: one batch on its way, the next gathering

  #sendSoon(): void {
    this.#release ??= this.#env.activity.hold()
    // At the end of the macrotask: what everyone who is answered now goes on to write is in the batch.
    setImmediate(() => void this.#send())
  }

  async #send(): Promise<void> {
    const batch = this.#gathering!
    this.#gathering = undefined
    this.#inFlight = batch
    try {
      await this.#journal.append(batch.changes.map(entryOf))
    } catch (error) {
      this.#undo(batch, error)
      return
    }
    for (const change of batch.changes) this.#settle(change)
    this.#subscribers.dispatch(batch.changes)
    for (const waiting of batch.waiting) waiting.settle()
    // Not before everyone who has heard just now has looked.
    setImmediate(() => batch.changes.forEach(this.#releaseParsed, this))
    // Only now: what subscribers have written meanwhile is sent once, by what follows.
    this.#inFlight = undefined
    if (this.#needless.length >= manyNeedless && this.#forgetting === undefined) void this.#forget()
    this.#next()
  }

  #settle(change: Change): void {
    this.#collectionOf(change.key).settle(change)
    this.#history.add(change)
    if (this.#cancelTick === undefined && this.#closing === undefined) this.#tick()
  }

  /** The window of history holds bytes; parsed, an object is kept only while it is the present one. */
  #releaseParsed({ type, key, stored, previous }: Change): void {
    previous?.release()
    if (type === 'DELETED' || !this.#keepParsed(key)) stored.release()
  }

  /** The journal could not keep the batch: what it carries never was, nor what later turns built upon it. */
  #undo(batch: Batch, cause: unknown): void {
    const error = internalError(`the journal could not keep the write: ${(cause as Error).message}`)
    error.cause = cause
    this.#env.log.error({ error: cause, writes: batch.changes.length }, 'the journal could not keep a batch')
    const later = this.#gathering
    this.#inFlight = undefined
    this.#gathering = undefined
    for (const collection of this.#collections.values()) collection.forgetExpected()
    this.#aheadRevision = this.revision
    for (const waiting of [...batch.waiting, ...(later?.waiting ?? [])]) waiting.reject(error)
    this.#next()
  }

  #next(): void {
    if (this.#gathering !== undefined) {
      this.#sendSoon()
      return
    }
    this.#release?.()
    this.#release = undefined
    this.#onSettled?.()
  }

  async #close(): Promise<void> {
    this.#cancelTick?.()
    if (this.#release !== undefined) {
      await new Promise<void>(resolve => {
        this.#onSettled = resolve
      })
    }
    await this.#forgetting
    await this.#journal.close()
  }

  // ---- the past

  /** A list as it was before the events after `at`. */
  #undone(present: readonly Stored[], prefix: string, at: Revision): readonly Stored[] {
    if (at > this.revision)
      throw new ApiError('Timeout', `Too large resource version: ${at}, current: ${this.revision}`)
    if (at < this.compacted) throw expired('The resourceVersion for the provided list is too old.')
    const before = new Map<string, Stored | undefined>()
    for (const { key, previous } of this.#history.after(at)) {
      if (key.startsWith(prefix) && !before.has(key)) before.set(key, previous)
    }
    if (before.size === 0) return present
    const changed = [...before.values()].filter(stored => stored !== undefined).sort(byKey)
    const list: Stored[] = []
    let next = 0
    for (const stored of present) {
      if (before.has(stored.key)) continue
      while (next < changed.length && changed[next]!.key < stored.key) list.push(changed[next++]!)
      list.push(stored)
    }
    while (next < changed.length) list.push(changed[next++]!)
    return list
  }

  #tick(): void {
    const { maxAge, leastEvents } = this.#limits
    this.#cancelTick = undefined
    if (maxAge <= 0) return
    const ticksAnAge = 5
    this.#lastPast = undefined
    this.#ticks.push(this.revision)
    if (this.#ticks.length > ticksAnAge) {
      const old = this.#ticks.shift()!
      this.#history.forget(Math.min(old, this.revision - leastEvents))
      if (this.#needless.length > 0 && this.#forgetting === undefined) void this.#forget()
      // All there is has that age: there is nothing to wait for until something is written.
      if (old === this.revision) return
    }
    this.#cancelTick = this.#env.clock.after(maxAge / ticksAnAge, () => this.#tick())
  }

  /** Lets the journal forget what the window has; should that fail, it is tried again with the next tick. */
  #forget(): Promise<void> {
    const before = this.compacted
    const needless = this.#needless
    this.#needless = []
    this.#forgetting = this.#env.activity.track(async () => {
      try {
        await this.#journal.forget(before, needless)
      } catch (error) {
        this.#needless = needless.concat(this.#needless)
        this.#env.log.warn({ error, before }, 'the journal could not be compacted')
      } finally {
        this.#forgetting = undefined
      }
    })
    return this.#forgetting
  }

  #fill({ log, now, revision }: Loaded, begin: Revision): void {
    const present = new Map<string, StoredObject>()
    for (const entry of log) {
      const { key, type } = entry
      const previous = present.get(key)
      const isKept = this.#keepParsed(key)
      const stored = new StoredObject(key, entry.revision, entry.createRevision, entry.bytes, isKept)
      if (type === 'DELETED') present.delete(key)
      else present.set(key, stored)
      if (entry.revision <= begin) {
        // Left over from a crash in the midst of forgetting.
        if (previous !== undefined) this.#needless.push(headingOf(previous))
        if (type === 'DELETED') this.#needless.push(removalOf(stored))
        continue
      }
      if (entry.revision !== this.revision + 1) {
        throw new JournalError(
          `the journal is damaged: what was written between revisions ${this.revision} and ${entry.revision} is missing`,
        )
      }
      previous?.release()
      this.#history.add({ type, key, revision: entry.revision, stored, previous, note: entry.note })
    }
    if (present.size !== now.length || this.revision !== Math.max(revision, firstRevision)) {
      throw new JournalError('the journal is damaged: its log does not lead to its present')
    }
    const byCollection = new Map<string, StoredObject[]>()
    for (const stored of present.values()) {
      const prefix = collectionPrefix(stored.key)
      const objects = byCollection.get(prefix)
      if (objects === undefined) byCollection.set(prefix, [stored])
      else objects.push(stored)
    }
    for (const [prefix, objects] of byCollection) this.#addCollection(prefix).load(objects)
  }

  // ---- collections

  #collectionAt(key: string): CollectionState | undefined {
    const prefix = collectionOf(key)
    return prefix === undefined ? undefined : this.#collections.get(prefix)
  }

  #collectionOf(key: string): CollectionState {
    const prefix = collectionPrefix(key)
    return this.#collections.get(prefix) ?? this.#addCollection(prefix)
  }

  #addCollection(prefix: string): CollectionState {
    const collection = new CollectionState(prefix, this.#termsOf)
    this.#collections.set(prefix, collection)
    this.#collectionsInOrder = [...this.#collections.values()].sort((one, other) =>
      one.prefix < other.prefix ? -1 : 1,
    )
    return collection
  }

  /** The collections that can hold keys with this prefix, in order. */
  #within(prefix: string): readonly CollectionState[] {
    const single = collectionOf(prefix)
    if (single === undefined) return this.#collectionsInOrder.filter(collection => collection.prefix.startsWith(prefix))
    const collection = this.#collections.get(single)
    return collection === undefined ? [] : [collection]
  }

  *#acrossAhead(prefix: string, list: (collection: CollectionState) => Iterable<Stored>): Iterable<Stored> {
    for (const collection of this.#within(prefix)) yield* list(collection)
  }
}

function collectionPrefix(key: string): string {
  const prefix = collectionOf(key)
  if (prefix === undefined || prefix.length === key.length) throw new Error(`"${key}" is not the key of an object`)
  return prefix
}

function entryOf({ revision, type, key, stored, note }: Change): JournalEntry {
  return { revision, type, key, createRevision: stored.createRevision, bytes: stored.bytes, note }
}

/** Of an object that is there: of one that was removed the type would be another. */
function headingOf({ revision, key, createRevision }: Stored): JournalHeading {
  return { revision, type: revision === createRevision ? 'ADDED' : 'MODIFIED', key, createRevision }
}

function removalOf({ revision, key, createRevision }: Stored): JournalHeading {
  return { revision, type: 'DELETED', key, createRevision }
}

/** Whether an object says what is stored already; its resourceVersion will be overwritten in any case. */
function isSame({ put: object, managedFields }: Put, current: Stored): boolean {
  if (managedFields !== undefined && (managedFields ?? undefined) !== current.managedFields) return false
  const stored = current.object
  const { resourceVersion } = stored.metadata
  if (object.metadata.resourceVersion !== resourceVersion) {
    if (Object.isFrozen(object.metadata)) return false
    object.metadata.resourceVersion = resourceVersion!
  }
  return jsonEqual(object, stored)
}

type Put = Extract<Decision, { readonly put: KubeObject }>

function byKey(one: Stored, other: Stored): number {
  return one.key < other.key ? -1 : 1
}
