// A watch on the wire: events as JSON lines, as frames of protobuf, or as WebSocket messages; as objects, tables or metadata. What several readers
// see is encoded once, and what one tick brings goes to a reader in one write. Called by verbs.ts and upgrade.ts.

import type { ApiError } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import type { Clock } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { wholeObject } from '../registry/collection.ts'
import type { WatchReader, WatchSignal } from '../registry/registry.ts'
import type { Form } from './negotiation.ts'
import { asApiError } from './reply.ts'
import { type IncludeObject, partialOf, tableOf } from './table.ts'

/** Where a watch's bytes go. */
export interface Outlet {
  write(bytes: Buffer): void
  end(): void
  /** Bytes written that the client has not taken. */
  backlog(): number
}

/** protobuf-writing.ts, which is loaded only when someone asks for that form. */
export type ProtobufWriting = typeof import('./protobuf-writing.ts')

export interface StreamOptions {
  readonly kind: Kind<any>
  readonly form: Form
  readonly include: IncludeObject
  readonly clock: Clock
  /** There when the form asks for it. */
  readonly protobuf: ProtobufWriting | undefined
  readonly counted: { events: number }
}

type ObjectSignal = Exclude<WatchSignal, { type: 'BOOKMARK' }>

/** Shared by all watches of a server: an event's bytes, by the signal that stands for it, for each form but tables. */
export class EventBytes {
  readonly #made = new Map<string, WeakMap<ObjectSignal, Buffer>>()

  of({ as, version, encoding }: Form): WeakMap<ObjectSignal, Buffer> {
    const name = `${as} ${version} ${encoding}`
    let made = this.#made.get(name)
    if (made === undefined) {
      made = new WeakMap()
      this.#made.set(name, made)
    }
    return made
  }
}

export function watchReader(outlet: Outlet, shared: EventBytes, options: StreamOptions): WatchReader {
  const { kind, form, include, clock } = options
  const made = shared.of(form)
  let isFirst = true
  const encode = (signal: WatchSignal): Buffer => {
    if (signal.type === 'BOOKMARK') return eventBytes('BOOKMARK', bookmark(signal, options), options)
    if (form.as === 'table') {
      const { resourceVersion } = signal.reading.object.metadata
      const table = tableOf(kind.columns, [signal.reading], resourceVersion ? { resourceVersion } : {}, {
        version: form.version,
        include,
        now: clock.now(),
        withColumns: isFirst,
      })
      isFirst = false
      return line(signal.type, table)
    }
    let bytes = made.get(signal)
    if (bytes === undefined) {
      bytes = signalBytes(signal, options)
      made.set(signal, bytes)
    }
    return bytes
  }
  return {
    deliver(signals) {
      options.counted.events += signals.length
      outlet.write(signals.length === 1 ? encode(signals[0]!) : Buffer.concat(signals.map(encode)))
    },
    ended(error) {
      if (error) outlet.write(errorBytes(asApiError(error), options))
      outlet.end()
    },
    backlog: () => outlet.backlog(),
  }
}

const lineEnd = Buffer.from('}\n')

function line(type: string, object: object): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)
}

function signalBytes({ type, reading }: ObjectSignal, options: StreamOptions): Buffer {
  const { form, protobuf } = options
  if (form.as === 'object' && protobuf === undefined) {
    return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), reading.bytes, lineEnd])
  }
  const object = wholeObject(reading)
  return eventBytes(type, form.as === 'metadata' ? partialOf(object, form.version) : object, options)
}

/** Of an object that has the stream's form already. */
function eventBytes(type: string, object: object, { form, protobuf }: StreamOptions): Buffer {
  if (protobuf === undefined) return line(type, object)
  const shown = object as KubeObject
  return protobuf.watchFrame(
    type,
    form.as === 'metadata' ? protobuf.partialMessage(shown, form.version) : protobuf.objectMessage(shown),
  )
}

function errorBytes(error: ApiError, { protobuf }: StreamOptions): Buffer {
  const status = error.toStatus()
  return protobuf === undefined ? line('ERROR', status) : protobuf.watchFrame('ERROR', protobuf.objectMessage(status))
}

/** An object of the kind that holds nothing but the revision (and that the initial events are over). */
function bookmark(signal: WatchSignal & { type: 'BOOKMARK' }, { kind, form }: StreamOptions): object {
  const metadata = {
    resourceVersion: signal.resourceVersion,
    creationTimestamp: null,
    ...(signal.initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  }
  if (form.as === 'metadata')
    return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata }
  if (form.as === 'table') {
    const object = { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${form.version}`, metadata }
    return {
      kind: 'Table',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata: { resourceVersion: signal.resourceVersion },
      columnDefinitions: null,
      rows: [{ cells: kind.columns.map(() => null), object }],
    }
  }
  return { kind: kind.kind, apiVersion: kind.apiVersion, metadata }
}
