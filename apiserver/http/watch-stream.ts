// A watch on the wire: events as JSON lines, or as WebSocket messages; as objects, tables or metadata. What several readers
// see is encoded once, and what one tick brings goes to a reader in one write. Called by verbs.ts and upgrade.ts.

import type { ApiError } from '../../src/api/errors.ts'
import type { Clock } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Reading, WatchReader, WatchSignal } from '../registry/registry.ts'
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

export interface StreamOptions {
  readonly kind: Kind<any>
  readonly form: Form
  readonly include: IncludeObject
  readonly clock: Clock
}

/** Shared by all watches of a server: an event's bytes, by the signal that stands for it. */
export class EventBytes {
  readonly #objects = new WeakMap<WatchSignal, Buffer>()
  readonly #partials = { v1: new WeakMap<WatchSignal, Buffer>(), v1beta1: new WeakMap<WatchSignal, Buffer>() }

  object(signal: WatchSignal & { reading: Reading }): Buffer {
    let bytes = this.#objects.get(signal)
    if (bytes === undefined) {
      bytes = Buffer.concat([Buffer.from(`{"type":"${signal.type}","object":`), signal.reading.bytes, lineEnd])
      this.#objects.set(signal, bytes)
    }
    return bytes
  }

  partial(signal: WatchSignal & { reading: Reading }, version: Form['version']): Buffer {
    const made = this.#partials[version]
    let bytes = made.get(signal)
    if (bytes === undefined) {
      bytes = line(signal.type, partialOf(signal.reading.object, version))
      made.set(signal, bytes)
    }
    return bytes
  }
}

export function watchReader(outlet: Outlet, shared: EventBytes, options: StreamOptions): WatchReader {
  let isFirst = true
  const encode = (signal: WatchSignal): Buffer => {
    if (signal.type === 'BOOKMARK') return line('BOOKMARK', bookmark(signal, options))
    if (options.form.as === 'object') return shared.object(signal)
    if (options.form.as === 'metadata') return shared.partial(signal, options.form.version)
    const { kind, include, clock, form } = options
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
  return {
    deliver(signals) {
      outlet.write(signals.length === 1 ? encode(signals[0]!) : Buffer.concat(signals.map(encode)))
    },
    ended(error) {
      if (error) outlet.write(errorLine(asApiError(error)))
      outlet.end()
    },
    backlog: () => outlet.backlog(),
  }
}

const lineEnd = Buffer.from('}\n')

function line(type: string, object: object): Buffer {
  return Buffer.from(`{"type":"${type}","object":${JSON.stringify(object)}}\n`)
}

function errorLine(error: ApiError): Buffer {
  return line('ERROR', error.toStatus())
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
