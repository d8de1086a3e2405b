// Frames: pieces of several streams of bytes over one socket, each with a number that says whose it is. Spoken between an API
// server and a kubelet in another process, whose two ends are src/client/http-node-client.ts and kubelet-sim/node-http.ts.

import type { Duplex } from 'node:stream'
import type { BytePipe } from './byte-pipe.ts'

const headLength = 5

/** No piece is longer, whatever the other side says. */
const longest = 64 * 1024 * 1024

/** At most so many bytes a frame. */
const longestChunk = 64 * 1024

export interface Frame {
  readonly kind: number
  readonly bytes: Buffer
}

export class Frames {
  readonly #socket: Duplex
  #draining: Promise<void> | undefined

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket
    if (head.length > 0) socket.unshift(head)
    socket.on('error', () => socket.destroy())
  }

  /** Resolves when more may be sent. */
  async send(kind: number, bytes: Uint8Array = new Uint8Array()): Promise<void> {
    const socket = this.#socket
    if (!socket.writable) return
    const head = Buffer.alloc(headLength)
    head[0] = kind
    head.writeUInt32BE(bytes.length, 1)
    socket.cork()
    socket.write(head)
    const hasRoom = socket.write(bytes)
    socket.uncork()
    if (!hasRoom) await this.#drained()
  }

  sendJson(kind: number, value: object): Promise<void> {
    return this.send(kind, Buffer.from(JSON.stringify(value)))
  }

  /** All of a pipe; whatever of it is ready goes out before this resolves. */
  async pump(kind: number, from: BytePipe | undefined): Promise<void> {
    if (from === undefined) return
    for (;;) {
      const chunk = from.take(longestChunk)
      if (chunk !== undefined) await this.send(kind, chunk)
      else if (from.isOver || this.#socket.destroyed) return
      else await from.changed()
    }
  }

  /** What the other side sends, until it ends or breaks off; what is not taken is not read. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, void> {
    let kept: Buffer = Buffer.alloc(0)
    try {
      for await (const chunk of this.#socket) {
        kept = kept.length === 0 ? (chunk as Buffer) : Buffer.concat([kept, chunk as Buffer])
        while (kept.length >= headLength) {
          const length = kept.readUInt32BE(1)
          if (length > longest) return
          if (kept.length < headLength + length) break
          const kind = kept[0]!
          const bytes = kept.subarray(headLength, headLength + length)
          kept = kept.subarray(headLength + length)
          yield { kind, bytes }
        }
      }
    } catch {
      // The connection is gone; that is all there is to know.
    }
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  #drained(): Promise<void> {
    this.#draining ??= new Promise(resolve => {
      const done = (): void => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        this.#draining = undefined
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
    })
    return this.#draining
  }
}
