// TLS over a connection of the simulation: Node's own, so that certificates are really held against authorities and names, and
// whoever comes from outside (port-forward, a node port) may speak it as well. Called by transport.ts for requests that want it
// and for programs that serve it.

import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import type { Env } from '../../src/env/env.ts'
import { type Address, type Connection, TlsError, type TlsServing, type TlsWish } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import { StreamConnection, streamOf } from './stream.ts'

/** Throws TlsError when no agreement is found; the connection is closed then. */
export function* tlsClient(env: Pick<Env, 'activity'>, connection: Connection, wish: TlsWish): Step<Connection> {
  const { serverName, authorities, unverified = false, certificate } = wish
  const socket = tls.connect({
    socket: streamOf(env, connection),
    // The name that the certificate is held against; it is not looked up.
    host: serverName,
    ...(isIP(serverName) ? {} : { servername: serverName }),
    // Without any, nobody is believed: the machine's own authorities know nothing of a simulation.
    ca: authorities ?? [],
    rejectUnauthorized: !unverified,
    ...certificate,
  })
  yield* agreed(socket, 'secureConnect')
  return new StreamConnection(env, socket, connection)
}

/** Undefined: it was spoken to in plain HTTP, and has said so as Go's net/http does. */
export function* tlsServer(
  env: Pick<Env, 'activity'>,
  connection: Connection,
  serving: TlsServing,
): Step<Connection | undefined> {
  const first = yield* connection.read()
  if (first !== undefined && first[0] !== handshakeRecord) {
    yield* connection.write(Buffer.from(plainRefusal))
    connection.close()
    return undefined
  }
  const socket = new tls.TLSSocket(streamOf(env, new Prefixed(connection, first)), {
    isServer: true,
    secureContext: tls.createSecureContext({ cert: serving.cert, key: serving.key, minVersion: 'TLSv1.2' }),
  })
  yield* agreed(socket, 'secure')
  return new StreamConnection(env, socket, connection)
}

const handshakeRecord = 22
const plainRefusal = 'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'

/** A connection of which the first bytes have been read already. */
class Prefixed implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #connection: Connection
  #first: Uint8Array | undefined

  constructor(connection: Connection, first: Uint8Array | undefined) {
    this.local = connection.local
    this.remote = connection.remote
    this.#connection = connection
    this.#first = first
  }

  *read(max?: number): Step<Uint8Array | undefined> {
    const first = this.#first
    this.#first = undefined
    return first ?? (yield* this.#connection.read(max))
  }

  write(bytes: Uint8Array): Step<void> {
    return this.#connection.write(bytes)
  }

  end(): void {
    this.#connection.end()
  }

  close(): void {
    this.#connection.close()
  }
}

function* agreed(socket: tls.TLSSocket, event: 'secure' | 'secureConnect'): Step<void> {
  const changed = new Waiters()
  let outcome: 'agreed' | NodeJS.ErrnoException | undefined
  const settle = (what: 'agreed' | Error): void => {
    outcome ??= what
    changed.tell()
  }
  const failed = (error: Error) => settle(error)
  const left = () => settle(new SystemError('ECONNRESET'))
  socket.once(event as 'secureConnect', () => settle('agreed'))
  socket.on('error', failed)
  socket.on('close', left)
  try {
    const isOver = () => outcome !== undefined
    while (!isOver()) yield changed.until(isOver)
    if (outcome === 'agreed') return
    throw outcome instanceof SystemError
      ? outcome
      : new TlsError((outcome as NodeJS.ErrnoException).code ?? 'ERR_SSL', (outcome as Error).message)
  } finally {
    socket.off('close', left)
    if (outcome !== 'agreed') (socket as Duplex).destroy()
  }
}
