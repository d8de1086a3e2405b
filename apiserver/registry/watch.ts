// watch: storage events seen through a selection. Called by registry.ts for both doors. One subscription to the store for
// each collection, however many watch; a watcher is found by what it asks for – a key, an index term, a namespace – so an
// event costs nothing to those whom it cannot concern. Events of one storage batch are handed over at once.

import {
  type ApiError,
  expired,
  type FieldError,
  forbiddenField,
  isExpired,
  notSupported,
} from '../../src/api/errors.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Revision, Storage, StorageEvent, Stored } from '../storage/storage.ts'
import { type Collection, readingOf } from './collection.ts'
import { invalidListOptions, presentCandidates } from './read.ts'
import type { Reading, WatchReader, WatchRequest, WatchSignal } from './registry.ts'
import { parseResourceVersion, tooLarge, watchTooOld } from './resource-version.ts'
import { type Selection, selectionOf } from './selection.ts'
import type { Terms } from './terms.ts'

/** A reader that lets more bytes than this lie is told Expired, and lists again. */
const longestBacklog = 16 * 1024 * 1024
const bookmarkInterval: Millis = 60_000
/** Whose time is up gets a last one so long before (pkg/storage/cacher/cache_watcher.go, nextBookmarkTime). */
const lastBookmark: Millis = 2_000

/** All watches of one registry. */
export class Watches {
  readonly #env: Env
  readonly #storage: Storage
  readonly #terms: Terms
  readonly #hubs = new Map<string, Hub>()
  readonly #bookmarked = new Set<Watcher>()
  readonly #delays: Delays
  #bookmarkTimer: Cancel | undefined

  constructor(env: Env, storage: Storage, terms: Terms) {
    this.#env = env
    this.#storage = storage
    this.#terms = terms
    this.#delays = new Delays(env)
  }

  /** From now on what watches of a resource tell comes so much later; 0: at once, and what is under way first. */
  delay(delayOf: (resource: string) => Millis): void {
    this.#delays.set(delayOf)
    for (const hub of this.#hubs.values()) hub.hurry()
  }

  /**
   * Begins a watch. Objects that are there already are delivered before this returns, past events and the error of a watch
   * that cannot begin at its revision right after: upstream's ends within the stream too. Throws only for a request that
   * makes no sense.
   */
  watch(collection: Collection, request: WatchRequest, reader: WatchReader): Cancel {
    checkWatchOptions(request)
    const asked = parseResourceVersion(request.resourceVersion)
    const selection = selectionOf(collection, request)
    const watcher = new Watcher(collection, selection, reader, this.#delays)
    try {
      const wantsPresent = request.sendInitialEvents ?? asked === 0
      if (wantsPresent) this.#sendPresent(watcher, request, asked)
      else if (asked > 0 && asked < this.#storage.revision) this.#sendPast(watcher, asked)
      watcher.after = Math.max(asked, this.#storage.revision)
    } catch (error) {
      queueMicrotask(() => watcher.end(error as Error))
      return () => watcher.close()
    }
    this.#hub(collection).add(watcher)
    if (request.allowWatchBookmarks) this.#bookmark(watcher, request.timeout)
    return () => watcher.close()
  }

  #sendPresent(watcher: Watcher, request: WatchRequest, asked: Revision): void {
    const { revision } = this.#storage
    if (asked > revision) throw tooLarge(asked, revision)
    const { collection, selection } = watcher
    const signals: WatchSignal[] = []
    for (const stored of presentCandidates(collection, selection)) {
      if (selection.has(stored)) signals.push({ type: 'ADDED', reading: collection.reading(stored) })
    }
    if (request.sendInitialEvents && request.allowWatchBookmarks) {
      signals.push({ type: 'BOOKMARK', resourceVersion: String(revision), initialEventsEnd: true })
    }
    watcher.deliver(signals)
  }

  /** The store tells past events in the next microtask, before any later commit; from then on the hub does. */
  #sendPast(watcher: Watcher, asked: Revision): void {
    const { collection, selection } = watcher
    let stop: Cancel
    try {
      stop = this.#storage.subscribe(selection.prefix, asked, events => {
        const signals: WatchSignal[] = []
        for (const event of events) {
          const signal = watcher.see(new Sighting(collection, event))
          if (signal !== undefined) signals.push(signal)
        }
        watcher.deliver(signals)
      })
    } catch (error) {
      if (!isExpired(error)) throw error
      throw watchTooOld(asked, this.#storage.compacted)
    }
    queueMicrotask(stop)
  }

  /** How many are open. */
  get count(): number {
    return [...this.#hubs.values()].reduce((sum, { count }) => sum + count, 0)
  }

  /** Ends the watches of a kind that is served no more; as upstream, without a reason. */
  endOf(kind: Kind<any>): number {
    return [...this.#hubs.values()].reduce((count, hub) => count + hub.endOf(kind), 0)
  }

  #hub(collection: Collection): Hub {
    let hub = this.#hubs.get(collection.prefix)
    if (hub === undefined) {
      hub = new Hub(this.#storage, this.#terms, collection.prefix, () => this.#hubs.delete(collection.prefix))
      this.#hubs.set(collection.prefix, hub)
    }
    return hub
  }

  /** One timer for all who want bookmarks, and none when nobody does. */
  #bookmark(watcher: Watcher, timeout: Millis | undefined): void {
    this.#bookmarked.add(watcher)
    if (timeout !== undefined && timeout > lastBookmark) {
      watcher.onClose(this.#env.wall.after(timeout - lastBookmark, () => watcher.deliver([this.#present()])))
    }
    watcher.onClose(() => {
      this.#bookmarked.delete(watcher)
      if (this.#bookmarked.size > 0) return
      this.#bookmarkTimer?.()
      this.#bookmarkTimer = undefined
    })
    this.#bookmarkTimer ??= this.#env.wall.after(bookmarkInterval, () => this.#sendBookmarks())
  }

  #sendBookmarks(): void {
    this.#bookmarkTimer = this.#env.wall.after(bookmarkInterval, () => this.#sendBookmarks())
    const signals = [this.#present()]
    for (const watcher of [...this.#bookmarked]) watcher.deliver(signals)
  }

  #present(): WatchSignal {
    return { type: 'BOOKMARK', resourceVersion: String(this.#storage.revision), initialEventsEnd: false }
  }
}

/** How late watches are, on purpose. */
class Delays {
  readonly #env: Env
  #delayOf: ((resource: string) => Millis) | undefined

  constructor(env: Env) {
    this.#env = env
  }

  set(delayOf: (resource: string) => Millis): void {
    this.#delayOf = delayOf
  }

  of({ kind }: Collection): Millis {
    return this.#delayOf?.(kind.resource) ?? 0
  }

  now(): Millis {
    return this.#env.clock.now()
  }

  later(delay: Millis, run: () => void): Cancel {
    return this.#env.clock.after(delay, run)
  }
}

class Watcher {
  readonly collection: Collection
  readonly selection: Selection
  readonly #reader: WatchReader
  readonly #delays: Delays
  /** What is told later, in its order, and one timer for the first. */
  readonly #late: { readonly due: Millis; readonly signals: readonly WatchSignal[] }[] = []
  #cancelLate: Cancel | undefined
  readonly #closing: Cancel[] = []
  #isClosed = false
  /** Events up to this revision are known to it. */
  after: Revision = 0
  /** What a batch holds for it, while the batch is being dealt out. */
  pending: WatchSignal[] = []
  /** The last sighting it was asked about: it may stand in several places where an event looks. */
  lastSeen: Sighting | undefined

  constructor(collection: Collection, selection: Selection, reader: WatchReader, delays: Delays) {
    this.collection = collection
    this.selection = selection
    this.#reader = reader
    this.#delays = delays
  }

  /** The signal that an event is to it: an object may come into the selection, change in it, or leave it. */
  see(sighting: Sighting): WatchSignal | undefined {
    const { event } = sighting
    const { selection } = this
    if (selection.isEmpty) return sighting.signal(event.type)
    const { type, stored, previous } = event
    const was = type !== 'ADDED' && selection.has(previous ?? stored)
    const is = type !== 'DELETED' && selection.has(stored)
    if (is) return sighting.signal(was ? 'MODIFIED' : 'ADDED')
    if (!was) return undefined
    return type === 'DELETED' ? sighting.signal('DELETED') : sighting.departure()
  }

  deliver(signals: readonly WatchSignal[]): void {
    if (this.#isClosed || signals.length === 0) return
    const delay = this.#delays.of(this.collection)
    if (delay === 0 && this.#late.length === 0) {
      this.#tell(signals)
      return
    }
    this.#late.push({ due: this.#delays.now() + delay, signals })
    this.#cancelLate ??= this.#delays.later(delay, () => this.#tellLate(this.#delays.now()))
  }

  /** What is late is told now, if it need not be late any more. */
  hurry(): void {
    if (this.#late.length === 0 || this.#delays.of(this.collection) > 0) return
    this.#cancelLate?.()
    this.#tellLate(Infinity)
  }

  #tellLate(now: Millis): void {
    this.#cancelLate = undefined
    while (this.#late.length > 0 && this.#late[0]!.due <= now) this.#tell(this.#late.shift()!.signals)
    const [next] = this.#late
    if (next === undefined) return
    this.#cancelLate = this.#delays.later(next.due - now, () => this.#tellLate(this.#delays.now()))
  }

  #tell(signals: readonly WatchSignal[]): void {
    if (this.#isClosed) return
    if ((this.#reader.backlog?.() ?? 0) > longestBacklog) {
      this.end(expired('too old resource version: the watch was read too slowly and has lost its place'))
    } else {
      this.#reader.deliver(signals)
    }
  }

  onClose(run: Cancel): void {
    this.#closing.push(run)
  }

  end(error?: Error): void {
    if (this.#isClosed) return
    this.close()
    this.#reader.ended(error)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelLate?.()
    for (const run of this.#closing) run()
  }
}

/** One event of the store, with the signals it is to those who see it: made once for all who see the same. */
class Sighting {
  readonly event: StorageEvent
  readonly #collection: Collection
  #signal: WatchSignal | undefined
  #entry: WatchSignal | undefined
  #departure: WatchSignal | undefined

  constructor(collection: Collection, event: StorageEvent) {
    this.#collection = collection
    this.event = event
  }

  signal(type: 'ADDED' | 'MODIFIED' | 'DELETED'): WatchSignal {
    const { event } = this
    if (type === event.type) {
      this.#signal ??= { type, reading: this.#collection.reading(event.stored), previous: event.previous }
      return this.#signal
    }
    this.#entry ??= { type, reading: this.#collection.reading(event.stored) }
    return this.#entry
  }

  /** DELETED for those whose selection an object left: what it was, with the revision of its leaving, as upstream's cacher tells it. */
  departure(): WatchSignal {
    this.#departure ??= { type: 'DELETED', reading: asOf(this.#collection, this.event.previous!, this.event.revision) }
    return this.#departure
  }
}

/** What an object was, with the revision at which it left. */
export function asOf(collection: Collection, previous: Stored, revision: Revision): Reading {
  const { object, managedFields } = collection.reading(previous)
  const metadata = { ...object.metadata, resourceVersion: String(revision) }
  return readingOf(freeze({ ...object, metadata }) as Frozen<KubeObject>, managedFields)
}

/** The watchers of one collection, filed by the narrowest thing they ask for. */
class Hub {
  readonly #terms: Terms
  readonly #prefix: string
  readonly #stop: Cancel
  readonly #onEmpty: () => void
  readonly #files = new Map<string, Set<Watcher>>()
  /** How many watchers are filed by a term: when none is, an event's terms are not worked out. */
  #byTerm = 0
  #count = 0

  constructor(storage: Storage, terms: Terms, prefix: string, onEmpty: () => void) {
    this.#terms = terms
    this.#prefix = prefix
    this.#onEmpty = onEmpty
    this.#stop = storage.subscribe(prefix, storage.revision, events => this.#dealOut(events))
  }

  get count(): number {
    return this.#count
  }

  add(watcher: Watcher): void {
    const { key, terms, prefix } = watcher.selection
    const place = key ?? terms[0] ?? prefix
    const isByTerm = key === undefined && terms.length > 0
    let file = this.#files.get(place)
    if (file === undefined) {
      file = new Set()
      this.#files.set(place, file)
    }
    file.add(watcher)
    this.#count++
    if (isByTerm) this.#byTerm++
    watcher.onClose(() => {
      file.delete(watcher)
      if (file.size === 0) this.#files.delete(place)
      if (isByTerm) this.#byTerm--
      if (--this.#count > 0) return
      this.#stop()
      this.#onEmpty()
    })
  }

  hurry(): void {
    for (const file of this.#files.values()) for (const watcher of file) watcher.hurry()
  }

  endOf(kind: Kind<any>): number {
    const ending = [...this.#files.values()].flatMap(file => [...file].filter(each => each.collection.kind === kind))
    for (const watcher of ending) watcher.end()
    return ending.length
  }

  #dealOut(events: readonly StorageEvent[]): void {
    const touched: Watcher[] = []
    for (const event of events) {
      const sightings = new Map<Collection, Sighting>()
      this.#show(this.#prefix, event, sightings, touched)
      const slash = event.key.lastIndexOf('/') + 1
      if (slash > this.#prefix.length) this.#show(event.key.slice(0, slash), event, sightings, touched)
      this.#show(event.key, event, sightings, touched)
      if (this.#byTerm === 0) continue
      for (const term of this.#terms(event.key, event.stored.object)) this.#show(term, event, sightings, touched)
      if (event.type !== 'MODIFIED' || event.previous === undefined) continue
      for (const term of this.#terms(event.key, event.previous.object)) this.#show(term, event, sightings, touched)
    }
    for (const watcher of touched) {
      const signals = watcher.pending
      watcher.pending = []
      watcher.deliver(signals)
    }
  }

  #show(place: string, event: StorageEvent, sightings: Map<Collection, Sighting>, touched: Watcher[]): void {
    const file = this.#files.get(place)
    if (file === undefined) return
    for (const watcher of file) {
      if (event.revision <= watcher.after || !event.key.startsWith(watcher.selection.prefix)) continue
      const { collection } = watcher
      let sighting = sightings.get(collection)
      if (sighting === undefined) {
        sighting = new Sighting(collection, event)
        sightings.set(collection, sighting)
      }
      if (watcher.lastSeen === sighting) continue
      watcher.lastSeen = sighting
      const signal = watcher.see(sighting)
      if (signal === undefined) continue
      if (watcher.pending.length === 0) touched.push(watcher)
      watcher.pending.push(signal)
    }
  }
}

function checkWatchOptions(request: WatchRequest): void {
  const faults: FieldError[] = []
  const match = request.resourceVersionMatch
  const path = 'resourceVersionMatch'
  if (request.sendInitialEvents !== undefined && match !== 'NotOlderThan') {
    faults.push(forbiddenField(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  }
  if (match) {
    if (request.sendInitialEvents === undefined) {
      faults.push(
        forbiddenField(path, 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'),
      )
    }
    if (match !== 'NotOlderThan') faults.push(notSupported(path, match, ['NotOlderThan']))
    if (request.continue) {
      faults.push(forbiddenField(path, 'resourceVersionMatch is forbidden when continue is provided'))
    }
  }
  if (faults.length > 0) throw invalidListOptions(faults) as ApiError
}
