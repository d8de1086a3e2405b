// Connections that come from within the process: programs in simulated pods speak TLS with the door over streams of their own.
// Called by listener.ts. Each is known by the address it is said to come from, and the cluster's clock stands until its requests
// begin to be answered.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Env } from '../../src/env/env.ts'
import { onStart } from './auditing.ts'

export interface Place {
  readonly address: string
  readonly port: number
}

const mark = Symbol('from within')

/** Whether a program in a pod asks. */
export const isFromWithin = ({ socket }: IncomingMessage): boolean => mark in socket

export class TakenConnections {
  readonly #places = new WeakMap<Duplex, Place>()
  readonly #activity: Env['activity']

  constructor({ activity }: Pick<Env, 'activity'>) {
    this.#activity = activity
  }

  /** Before the server's own listeners. */
  follow(server: { prependListener(event: string, run: (socket: TLSSocket) => void): unknown }): void {
    server.prependListener('secureConnection', socket => {
      // Node has no public way from a TLS socket to the stream it was made of.
      const { _handle: handle } = socket as unknown as { _handle?: { _parentWrap?: { stream?: Duplex } } }
      const from = this.#places.get(handle?._parentWrap?.stream as Duplex)
      if (from === undefined) return
      Object.defineProperty(socket, 'remoteAddress', { value: from.address })
      Object.defineProperty(socket, 'remotePort', { value: from.port })
      Object.defineProperty(socket, mark, { value: true })
    })
  }

  take(server: Pick<Server, 'emit'>, stream: Duplex, from: Place): void {
    this.#places.set(stream, from)
    server.emit('connection', stream)
  }

  async answered(
    request: IncomingMessage,
    response: ServerResponse,
    answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  ): Promise<void> {
    if (!isFromWithin(request)) return answer(request, response)
    const release = this.#activity.hold()
    onStart(response, release)
    try {
      await answer(request, response)
    } finally {
      release()
    }
  }
}
