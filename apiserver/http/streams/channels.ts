// Channels: several streams of bytes over one WebSocket, each message beginning with the channel's number. What is sent
// waits while the client does not read; a client whose bytes nobody takes is not read from. Used by connections.ts.
// Upstream: k8s.io/streaming pkg/httpstream/wsstream/conn.go.

import type { WebSocket } from 'ws'
import type { BytePipe } from '../../../src/env/byte-pipe.ts'
import type { Clock } from '../../../src/env/clock.ts'
import { Idleness } from './idleness.ts'

export interface ChannelProtocol {
  readonly name: string
  /** Else each message is a digit and base64. */
  readonly isBinary: boolean
  /** That a channel ends is told by a message of 255 and its number. */
  readonly hasClose: boolean
  /** How a command ended is told as a Status, not in words. */
  readonly hasStatus: boolean
}

export const v5: ChannelProtocol = { name: 'v5.channel.k8s.io', isBinary: true, hasClose: true, hasStatus: true }

/** '' when a client offers none. */
export const olderProtocols: readonly ChannelProtocol[] = [
  { name: 'v4.channel.k8s.io', isBinary: true, hasClose: false, hasStatus: true },
  { name: 'v4.base64.channel.k8s.io', isBinary: false, hasClose: false, hasStatus: true },
  { name: 'channel.k8s.io', isBinary: true, hasClose: false, hasStatus: false },
  { name: 'base64.channel.k8s.io', isBinary: false, hasClose: false, hasStatus: false },
  { name: '', isBinary: true, hasClose: false, hasStatus: false },
]

const closing = 255
const digitZero = 0x30

/** So much may wait to be sent before a writer waits as well. */
const sendingAhead = 256 * 1024

export class Channels {
  readonly #socket: WebSocket
  readonly #protocol: ChannelProtocol
  readonly #incoming: ReadonlyMap<number, BytePipe>
  readonly #idleness: Idleness
  readonly #gone = new AbortController()
  #isPaused = false

  /** `incoming`: where what the client sends is put; what he sends on other channels is dropped. */
  constructor(
    socket: WebSocket,
    { protocol, incoming, clock }: { protocol: ChannelProtocol; incoming: ReadonlyMap<number, BytePipe>; clock: Clock },
  ) {
    this.#socket = socket
    this.#protocol = protocol
    this.#incoming = incoming
    this.#idleness = new Idleness(clock, () => socket.terminate())
    socket.on('message', (data: Buffer) => this.#take(data))
    // A client that breaks the protocol is hung up on by ws itself.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#idleness.end()
      this.#gone.abort()
      for (const pipe of incoming.values()) pipe.end()
    })
  }

  /** Aborted when the connection is over. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  /** Resolves when more may be sent. */
  send(channel: number, bytes: Uint8Array): Promise<void> {
    this.#idleness.heard()
    const socket = this.#socket
    return new Promise(resolve => {
      // An error means that the client has gone; that is told by `gone`.
      socket.send(this.#message(channel, bytes), { binary: this.#protocol.isBinary }, () => resolve())
      if (socket.bufferedAmount < sendingAhead) resolve()
    })
  }

  close(): void {
    this.#socket.close(1000)
    // What the client still sends is of no use, but he may have to be heard to the end of it.
    if (this.#isPaused) this.#socket.resume()
  }

  terminate(): void {
    this.#socket.terminate()
  }

  #message(channel: number, bytes: Uint8Array): Uint8Array | string {
    if (!this.#protocol.isBinary) {
      const { buffer, byteOffset, length } = bytes
      return `${channel}${Buffer.from(buffer, byteOffset, length).toString('base64')}`
    }
    const message = Buffer.allocUnsafe(bytes.length + 1)
    message[0] = channel
    message.set(bytes, 1)
    return message
  }

  #take(message: Buffer): void {
    this.#idleness.heard()
    if (message.length === 0) return
    const { isBinary, hasClose } = this.#protocol
    const channel = isBinary ? message[0]! : message[0]! - digitZero
    if (hasClose && channel === closing) {
      this.#incoming.get(message[1] ?? closing)?.end()
      return
    }
    const pipe = this.#incoming.get(channel)
    if (pipe === undefined) return
    pipe.write(isBinary ? message.subarray(1) : Buffer.from(message.toString('latin1', 1), 'base64'))
    if (pipe.hasRoom || this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
    void pipe.room().then(() => {
      this.#isPaused = false
      this.#socket.resume()
    })
  }
}
