// Kinds whose versions are converted by somebody outside, who is asked over the network: what has to wait for him runs
// again when he has answered. The verbs know nothing of it: they come upon an object that nobody has converted yet, and
// that is thrown (NotConverted). Called by registry.ts; every other kind goes without.

import { parseFieldSelector } from '../../src/api/fields.ts'
import { jsonClone } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { CustomShape } from '../../src/kinds/kind.ts'
import type { Stored } from '../storage/storage.ts'
import type { Collection } from './collection.ts'
import type { Reading, ReadingList, ResourceRegistry, WatchReader, WatchSignal, Wrote } from './registry.ts'
import { type Selection, selectionOf } from './selection.ts'
import { asOf, type Watches } from './watch.ts'

/** An object that is needed in a version in which it is not there. `convert` asks for several at once, and remembers. */
export class NotConverted extends Error {
  readonly object: Frozen<KubeObject>
  readonly convert: (objects: readonly Frozen<KubeObject>[]) => Promise<void>

  constructor(object: Frozen<KubeObject>, convert: NotConverted['convert']) {
    super('the object is not converted yet')
    this.object = object
    this.convert = convert
  }
}

/** A stored object of such a kind: converted when somebody looks at it. */
export class LazyReading implements Reading {
  readonly #custom: CustomShape
  readonly #stored: Pick<Stored, 'object' | 'managedFields'>
  readonly #whole: (reading: Reading) => object
  #raw: Frozen<KubeObject> | undefined
  #object: Frozen<KubeObject> | undefined
  #bytes: Buffer | undefined

  constructor(
    custom: CustomShape,
    stored: Pick<Stored, 'object' | 'managedFields'>,
    whole: (reading: Reading) => object,
  ) {
    this.#custom = custom
    this.#stored = stored
    this.#whole = whole
  }

  get managedFields(): string | undefined {
    return this.#stored.managedFields
  }

  get object(): Frozen<KubeObject> {
    // The store reads what is superseded anew each time; what was converted is this one.
    this.#raw ??= this.#stored.object
    this.#object ??= this.#custom.fromStored(this.#raw)
    return this.#object
  }

  get bytes(): Buffer {
    this.#bytes ??= Buffer.from(JSON.stringify(this.#whole(this)))
    return this.#bytes
  }
}

export function converting(resource: ResourceRegistry, collection: Collection, watches: Watches): ResourceRegistry {
  const wrote = async (run: () => Promise<Wrote>): Promise<Wrote> => {
    const outcome = await whenConverted(run)
    await whenConverted(() => void outcome.reading.object)
    return outcome
  }
  const listed = async (run: () => ReadingList | Promise<ReadingList>): Promise<ReadingList> => {
    const list = await whenConverted(run)
    await allConverted(list.items)
    return list
  }
  return {
    ...resource,
    async ready(run) {
      const read = await whenConverted(run)
      await allConverted('items' in read ? read.items : [read])
      return read
    },
    create(object, where, options, info) {
      const made = eachTime(object)
      return wrote(() => resource.create(made(), where, options, info))
    },
    update(ref, object, options, info, subresource) {
      const made = eachTime(object)
      return wrote(() => resource.update(ref, made(), options, info, subresource))
    },
    patch(ref, { type, body }, options, info, subresource) {
      const made = eachTime(body)
      return wrote(() => resource.patch(ref, { type, body: made() }, options, info, subresource))
    },
    delete: (ref, options, info) => wrote(() => resource.delete(ref, options, info)),
    deleteCollection: (where, options, info) => listed(() => resource.deleteCollection(where, options, info)),
    watch(request, reader) {
      const raw: Collection = { ...collection, reading: stored => stored }
      let stop = (): void => {}
      const fail = (error: Error): void => {
        stop()
        reader.ended(error)
      }
      // What is asked of fields can only be told when they are there.
      const isLate = request.fieldSelector
        ? parseFieldSelector(request.fieldSelector).requirements.some(({ field }) => !field.startsWith('metadata.'))
        : false
      const selection = isLate ? selectionOf(collection, request) : undefined
      const slow = new SlowReader(collection, selection, reader, fail)
      const { labelSelector: _, fieldSelector: __, ...anything } = request
      stop = watches.watch(raw, isLate ? anything : request, slow)
      return () => {
        slow.close()
        stop()
      }
    },
  }
}

/** The body is the verb's to change. */
function eachTime(body: unknown): () => unknown {
  const kept = jsonClone(body as object)
  return () => jsonClone(kept)
}

async function whenConverted<T>(run: () => T | Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof NotConverted)) throw error
      await error.convert([error.object])
    }
  }
}

async function allConverted(readings: readonly Reading[]): Promise<void> {
  const missing: NotConverted[] = []
  for (const reading of readings) {
    try {
      void reading.object
    } catch (error) {
      if (!(error instanceof NotConverted)) throw error
      missing.push(error)
    }
  }
  if (missing.length === 0) return
  await missing[0]!.convert(missing.map(({ object }) => object))
  await allConverted(readings)
}

/** Hands over what is told in its order, each batch when all in it is converted. */
class SlowReader implements WatchReader {
  readonly #collection: Collection
  readonly #selection: Selection | undefined
  readonly #reader: WatchReader
  readonly #fail: (error: Error) => void
  #last: Promise<void> | undefined
  #isClosed = false

  /** `selection`: what has still to be asked of each object. */
  constructor(
    collection: Collection,
    selection: Selection | undefined,
    reader: WatchReader,
    fail: (error: Error) => void,
  ) {
    this.#collection = collection
    this.#selection = selection
    this.#reader = reader
    this.#fail = fail
  }

  deliver(signals: readonly WatchSignal[]): void {
    const before = this.#last
    const turn = (async () => {
      const converted = this.#selection === undefined ? signals.map(this.#shown) : await this.#selected(signals)
      await before
      if (this.#isClosed) return
      const readings = converted.flatMap(signal => (signal.type === 'BOOKMARK' ? [] : [signal.reading]))
      await allConverted(readings)
      if (!this.#isClosed && converted.length > 0) this.#reader.deliver(converted)
    })()
    this.#last = turn.catch(error => {
      if (this.#isClosed) return
      this.#isClosed = true
      this.#fail(error as Error)
    })
  }

  readonly #shown = (signal: WatchSignal): WatchSignal =>
    signal.type === 'BOOKMARK'
      ? signal
      : { ...signal, reading: new LazyReading(this.#collection.kind.custom!, signal.reading, wholeOf) }

  /** As Watcher.see has it of what need not be converted. */
  async #selected(signals: readonly WatchSignal[]): Promise<WatchSignal[]> {
    const selection = this.#selection!
    const collection = this.#collection
    const stored = signals.flatMap(signal =>
      signal.type === 'BOOKMARK' ? [] : [signal.reading as Stored, ...(signal.previous ? [signal.previous] : [])],
    )
    await allConverted(stored.map(collection.reading))
    return signals.flatMap((signal): WatchSignal[] => {
      if (signal.type === 'BOOKMARK') return [signal]
      const { type, previous } = signal
      const now = signal.reading as Stored
      const was = type !== 'ADDED' && selection.has(previous ?? now)
      const is = type !== 'DELETED' && selection.has(now)
      if (is) return [{ type: was ? 'MODIFIED' : 'ADDED', reading: collection.reading(now) }]
      if (!was) return []
      if (type === 'DELETED') return [{ type, reading: collection.reading(now) }]
      return [{ type: 'DELETED', reading: asOf(collection, previous!, now.revision) }]
    })
  }

  ended(error?: Error): void {
    void (this.#last ?? Promise.resolve()).then(() => {
      if (!this.#isClosed) this.#reader.ended(error)
    })
  }

  backlog(): number {
    return this.#reader.backlog?.() ?? 0
  }

  close(): void {
    this.#isClosed = true
  }
}

const wholeOf = ({ object, managedFields }: Reading): object =>
  managedFields === undefined
    ? object
    : { ...object, metadata: { ...object.metadata, managedFields: JSON.parse(managedFields) } }
