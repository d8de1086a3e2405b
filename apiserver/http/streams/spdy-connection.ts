// SpdyConnection: many streams over one wire, all begun by the client, as Kubernetes uses SPDY/3.1: no windows, each stream
// held back with the whole connection once much of it waits. Used by command-spdy.ts and port-forward.ts.
// Upstream: github.com/moby/spdystream (connection.go, stream.go), k8s.io/streaming pkg/httpstream/spdy/connection.go.

import type { BytePipe } from '../../../src/env/byte-pipe.ts'
import type { Clock } from '../../../src/env/clock.ts'
import { Idleness } from './idleness.ts'
import {
  controlFrame,
  dataHead,
  type Frame,
  FrameReader,
  finFlag,
  frameTypes,
  partings,
  resets,
  SpdyFault,
  wordAt,
} from './spdy-frames.ts'
import { HeaderReader, HeaderWriter, type SpdyHeaders } from './spdy-headers.ts'
import type { Wire } from './wire.ts'

/** More at once is no client's need. */
const mostStreams = 4096

/** After our end the client has so long for his. */
const longestParting = 10_000

export class SpdyStream {
  readonly id: number
  readonly headers: SpdyHeaders
  /** Where what the client sends is put; whoever accepts the stream sets it. */
  input: BytePipe | undefined
  /** The client wants no more of it. */
  onReset: (() => void) | undefined
  readonly #connection: SpdyConnection
  #hasEnded = false
  #inputHasEnded = false

  constructor(connection: SpdyConnection, id: number, headers: SpdyHeaders) {
    this.#connection = connection
    this.id = id
    this.headers = headers
  }

  /** Resolves when more may be sent. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.#hasEnded && bytes.length > 0) await this.#connection.sendData(this.id, bytes, false)
  }

  /** Our half of it. */
  end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    void this.#connection.sendData(this.id, new Uint8Array(), true)
    if (this.#inputHasEnded) this.#connection.forget(this)
  }

  /** From the connection. */
  take(bytes: Uint8Array, isLast: boolean): void {
    if (this.#inputHasEnded) return
    this.input?.write(bytes)
    if (!isLast) return
    this.#inputHasEnded = true
    this.input?.end()
    if (this.#hasEnded) this.#connection.forget(this)
  }

  /** From the connection: both halves are over. */
  cutOff(): void {
    this.#hasEnded = true
    this.#inputHasEnded = true
    this.input?.end()
    this.onReset?.()
  }
}

/** Takes a stream, and sets where its input goes; a sentence refuses it. */
export type Accept = (stream: SpdyStream) => string | undefined

export class SpdyConnection {
  readonly #wire: Wire
  readonly #clock: Clock
  readonly #accept: Accept
  readonly #idleness: Idleness
  readonly #headers = new HeaderReader()
  readonly #blocks = new HeaderWriter()
  readonly #streams = new Map<number, SpdyStream>()
  #lastId = 0
  #isParting = false

  constructor(wire: Wire, { clock, accept }: { clock: Clock; accept: Accept }) {
    this.#wire = wire
    this.#clock = clock
    this.#accept = accept
    this.#idleness = new Idleness(clock, () => wire.destroy())
  }

  /** Resolves when the connection is over; every stream is then, too. */
  async run(): Promise<void> {
    try {
      const reader = new FrameReader()
      for await (const bytes of this.#wire.incoming) {
        this.#idleness.heard()
        for (const frame of reader.push(bytes)) {
          const waits = frame.kind === 'data' ? this.#data(frame) : this.#control(frame)
          if (waits !== undefined) await waits
        }
      }
    } catch (error) {
      if (!(error instanceof SpdyFault)) throw error
      void this.#wire.write(controlFrame(frameTypes.goAway, 0, this.#lastId, partings.protocolError))
      this.#wire.end()
    } finally {
      this.#idleness.end()
      this.#headers.close()
      for (const stream of [...this.#streams.values()]) stream.cutOff()
      this.#streams.clear()
      this.#wire.destroy()
    }
  }

  /** Says that this is the end. The client's own end is waited for, but not for ever. */
  part(): void {
    if (this.#isParting) return
    this.#isParting = true
    void this.#wire.write(controlFrame(frameTypes.goAway, 0, this.#lastId, partings.ok))
    this.#wire.end()
    const cancel = this.#clock.after(longestParting, () => this.#wire.destroy())
    this.#wire.onClose(cancel)
  }

  sendData(stream: number, bytes: Uint8Array, isLast: boolean): Promise<void> {
    this.#idleness.heard()
    return this.#wire.write(dataHead(stream, bytes.length, isLast), bytes)
  }

  forget(stream: SpdyStream): void {
    this.#streams.delete(stream.id)
  }

  #data({ stream: id, bytes, isLast }: Frame & { kind: 'data' }): Promise<void> | undefined {
    const stream = this.#streams.get(id)
    stream?.take(bytes, isLast)
    const { input } = stream ?? {}
    return input === undefined || input.hasRoom ? undefined : input.room()
  }

  #control({ type, flags, body }: Frame & { kind: 'control' }): Promise<void> | undefined {
    switch (type) {
      case frameTypes.synStream:
        return this.#begin(wordAt(body, 0), flags, body.subarray(10))
      case frameTypes.headers:
      case frameTypes.synReply:
        // Nothing in them is of use, but what comes after could not be read without.
        return this.#headers.read(body.subarray(4)).then(() => {
          if (flags & finFlag) this.#streams.get(wordAt(body, 0))?.take(new Uint8Array(), true)
        })
      case frameTypes.reset: {
        const stream = this.#streams.get(wordAt(body, 0))
        this.#streams.delete(stream?.id ?? 0)
        stream?.cutOff()
        return undefined
      }
      case frameTypes.ping: {
        const id = wordAt(body, 0)
        // Those with even numbers would be answers to ours.
        return id % 2 === 1 ? this.#wire.write(controlFrame(frameTypes.ping, 0, id)) : undefined
      }
      case frameTypes.settings:
      case frameTypes.goAway:
      case frameTypes.windowUpdate:
        return undefined
      default:
        throw new SpdyFault(`a frame of type ${type}`)
    }
  }

  async #begin(id: number, flags: number, block: Uint8Array): Promise<void> {
    const headers = await this.#headers.read(block)
    if (this.#isParting) return
    if (id % 2 === 0 || id <= this.#lastId) return this.#reset(id, resets.protocolError)
    this.#lastId = id
    if (this.#streams.size >= mostStreams) return this.#reset(id, resets.refusedStream)
    const stream = new SpdyStream(this, id, headers)
    if (this.#accept(stream) !== undefined) return this.#reset(id, resets.cancel)
    this.#streams.set(id, stream)
    await this.#wire.write(controlFrame(frameTypes.synReply, 0, id, this.#blocks.block(new Map())))
    if (flags & finFlag) stream.take(new Uint8Array(), true)
  }

  #reset(id: number, why: number): Promise<void> {
    return this.#wire.write(controlFrame(frameTypes.reset, 0, id, why))
  }
}
