// Wire: a connection's bytes, both ways, whatever carries them: a socket whose protocol was changed, or the messages of a
// WebSocket that only tunnels. Who writes much waits; what is not taken is not read. Used by spdy-connection.ts.

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { BytePipe } from '../../../src/env/byte-pipe.ts'

export interface Wire {
  /** Ends when the other side does, or the connection breaks. */
  readonly incoming: AsyncIterable<Uint8Array>
  /** Pieces that go out together, at once; resolves when more may go. */
  write(...pieces: readonly Uint8Array[]): Promise<void>
  /** Nothing more is written; what has been still goes out. */
  end(): void
  destroy(): void
  readonly isClosed: boolean
  /** Calls once the connection is over. */
  onClose(run: () => void): void
}

const now = Promise.resolve()

export function socketWire(socket: Duplex, head: Buffer): Wire {
  if (head.length > 0) socket.unshift(head)
  socket.on('error', () => socket.destroy())
  let draining: Promise<void> | undefined
  const drained = (): Promise<void> => {
    draining ??= new Promise(resolve => {
      const done = (): void => {
        socket.off('drain', done)
        socket.off('close', done)
        draining = undefined
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
    return draining
  }
  return {
    incoming: chunksOf(socket),
    write(...pieces) {
      if (!socket.writable) return now
      socket.cork()
      let hasRoom = true
      for (const piece of pieces) hasRoom = socket.write(piece)
      socket.uncork()
      return hasRoom ? now : drained()
    },
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
    get isClosed() {
      return socket.destroyed
    },
    onClose: run => void socket.once('close', run),
  }
}

/** A reset is an end as well. */
async function* chunksOf(socket: Duplex): AsyncGenerator<Uint8Array, void, void> {
  try {
    for await (const chunk of socket) yield chunk as Uint8Array
  } catch {
    // The connection is gone; that is all there is to know.
  }
}

/** So much of a tunnel's bytes may wait to be sent before a writer waits as well. */
const sendingAhead = 256 * 1024

export function tunnelWire(socket: WebSocket): Wire {
  const incoming = new BytePipe()
  let isPaused = false
  socket.on('message', (data: Buffer) => {
    incoming.write(data)
    if (incoming.hasRoom || isPaused) return
    isPaused = true
    socket.pause()
    void incoming.room().then(() => {
      isPaused = false
      socket.resume()
    })
  })
  socket.on('error', () => {})
  socket.on('close', () => incoming.end())
  return {
    incoming,
    write(...pieces) {
      return new Promise(resolve => {
        const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
        socket.send(bytes, { binary: true }, () => resolve())
        if (socket.bufferedAmount < sendingAhead) resolve()
      })
    },
    end: () => socket.close(1000),
    destroy: () => socket.terminate(),
    get isClosed() {
      return socket.readyState === socket.CLOSED
    },
    onClose: run => void socket.once('close', run),
  }
}
