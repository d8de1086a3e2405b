// The sockets of the HTTP door: TLS with HTTP/2 and HTTP/1.1 on one port, or plain HTTP/1.1. Opened by app.ts for one cluster,
// and by src/test-server for many; who answers is told to it.

import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Router } from 'express'
import type { Env } from '../../src/env/env.ts'
import { dualExpress } from './express-adapter.ts'
import { type Place, TakenConnections } from './taken-connections.ts'
import type { KeyPair } from './x509.ts'

export interface ListenerOptions {
  readonly env: Pick<Env, 'log' | 'activity'>
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  upgraded(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void>
}

export interface Listener {
  /** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot. */
  listen(port: number, address: string): Promise<AddressInfo>
  /** Ends connections, when what was said last on them is sent. */
  close(): Promise<void>
}

export interface SecureListener extends Listener {
  /** A connection from within the process, to be spoken TLS on as if it came over the network from that address. */
  take(stream: Duplex, from: Place): void
}

/** Go's own limit (net/http, DefaultMaxHeaderBytes); Node's is a sixty-fourth of it. */
const mostHeaders = 1 << 20

export function secureListener(
  options: ListenerOptions & { readonly certificates: { readonly ca: KeyPair; readonly server: KeyPair } },
): SecureListener {
  const { certificates } = options
  const taken = new TakenConnections(options.env)
  const answer: ListenerOptions['answer'] = (request, response) => taken.answered(request, response, options.answer)
  const door = express({ ...options, answer })
  const server = http2.createSecureServer(
    {
      allowHTTP1: true,
      key: certificates.server.key,
      cert: certificates.server.cert,
      ca: certificates.ca.cert,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      settings: { maxHeaderListSize: mostHeaders },
      maxHeaderListPairs: 1_000,
      ...door.secure,
    },
    door.handler as unknown as (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void,
  )
  // Of a server of both protocols Node takes it from here, for the older one.
  ;(server as unknown as { maxHeaderSize: number }).maxHeaderSize = mostHeaders
  const sessions = remembered<http2.ServerHttp2Session>()
  server.on('session', session => sessions.add(session))
  server.on('sessionError', () => {})
  server.on('tlsClientError', () => {})
  taken.follow(server)
  const listener = listenerUpon(server as unknown as Server, options, () => {
    for (const session of sessions.all) session.close()
  })
  return { ...listener, take: (stream, from) => taken.take(server, stream, from) }
}

export function plainListener(options: ListenerOptions): Listener {
  const door = express(options)
  return listenerUpon(http.createServer({ maxHeaderSize: mostHeaders, ...door.plain }, door.handler), options)
}

function express({ env, answer }: ListenerOptions) {
  return dualExpress((router: Router) => {
    router.use((request, response) => {
      answer(request, response).catch(error => {
        env.log.error({ method: request.method, url: request.url, error }, 'a reply could not be sent')
        response.destroy()
      })
    })
  })
}

function listenerUpon(server: Server, { upgraded }: ListenerOptions, closing: () => void = () => {}): Listener {
  const sockets = remembered<Socket | Duplex>()
  server.on('connection', (socket: Socket | Duplex) => {
    if ('setNoDelay' in socket) socket.setNoDelay(true)
    sockets.add(socket)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const line = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    if (socket.writable) socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    void upgraded(request, socket, head)
  })
  return {
    listen: (port, address) =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port, host: address, backlog: 4096 }, () => {
          server.off('error', reject)
          resolve(server.address() as AddressInfo)
        })
      }),
    async close() {
      closing()
      // What was said last gets a turn to be sent, before Node cuts the connections that are idle from then on; who has not
      // taken it by the turn after does not read.
      await new Promise(resolve => setImmediate(resolve))
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets.all) 'destroySoon' in socket ? socket.destroySoon() : socket.end()
      await new Promise(resolve => setImmediate(resolve))
      for (const socket of sockets.all) socket.destroy()
      await closed
    },
  }
}

/** What is open, until it closes. */
function remembered<T extends { once(event: 'close', run: () => void): unknown }>() {
  const all = new Set<T>()
  const add = (one: T): void => {
    all.add(one)
    one.once('close', () => all.delete(one))
  }
  return { all, add }
}
