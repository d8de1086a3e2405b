// Real listeners on the loopback, for node ports, load balancers and the ingress: opened and closed as they are wanted. A
// connection is given to one endpoint for its whole life, as kube-proxy gives it: its bytes go through the simulated network,
// or, at the ingress, its requests are answered.
// A port that cannot be had (EACCES, EADDRINUSE) is replaced by port + 10000, else by a free one, and the caller is told.

import http from 'node:http'
import net from 'node:net'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Duplex } from './duplex.ts'
import { pump } from './pump.ts'

type Answer = (request: SimulatedRequest, from: string) => Promise<SimulatedResponse | undefined>

/** What a connection is given to: answers to its requests, a connection of the simulation, or (undefined) nobody. */
export type Peer = { readonly answer: Answer } | { readonly open: (from: string) => Promise<Duplex> } | undefined

export interface Wanted {
  readonly address: string
  readonly port: number
  connect(from: string): Peer
  /** Speaks TLS, with the host's certificate; undefined: none, and the connection ends. */
  readonly secure?: (host: string) => Promise<{ readonly cert: string; readonly key: string } | undefined>
}

export interface Opened {
  readonly wanted: Wanted
  readonly address: string
  readonly port: number
  /** Why it is not the port that was wanted. */
  readonly fault: string | undefined
}

interface Listener {
  readonly owner: string
  readonly server: net.Server
  readonly sockets: Set<net.Socket>
  wanted: Wanted
  opened: Opened
}

const largestBody = 8 * 1024 * 1024

export class Listeners {
  private readonly open = new Map<string, Listener>()
  private readonly answers = new WeakMap<net.Socket, Answer>()
  private readonly http = http.createServer((request, response) => this.serve(request, response))

  /** Makes the owner's listeners those that are wanted now; returns them as they came to be. */
  async sync(owner: string, wanted: readonly Wanted[]): Promise<readonly Opened[]> {
    const keys = new Set(wanted.map(one => keyOf(owner, one)))
    const closing = [...this.open].filter(([key, listener]) => listener.owner === owner && !keys.has(key))
    for (const [key, listener] of closing) {
      this.open.delete(key)
      await close(listener)
    }
    const opened: Opened[] = []
    for (const one of wanted) {
      const known = this.open.get(keyOf(owner, one))
      if (known) known.wanted = one
      opened.push(known?.opened ?? (await this.listen(owner, one)))
    }
    return opened
  }

  /** Where an owner's listeners really are, `127.0.0.1:80`. */
  placesOf(owner: string): string[] {
    return [...this.open.values()]
      .filter(listener => listener.owner === owner)
      .map(({ opened }) => `${opened.address}:${opened.port}`)
  }

  async closeAll(): Promise<void> {
    const all = [...this.open.values()]
    this.open.clear()
    await Promise.all(all.map(close))
  }

  private async listen(owner: string, wanted: Wanted): Promise<Opened> {
    let fault: string | undefined
    for (const [address, port] of choices(wanted)) {
      const server = net.createServer()
      const code = await start(server, address, port)
      if (code !== undefined) {
        fault ??= code
        continue
      }
      const actual = server.address() as net.AddressInfo
      const opened = {
        wanted,
        address,
        port: actual.port,
        fault: actual.port === wanted.port && address === wanted.address ? undefined : fault,
      }
      const listener: Listener = { owner, server, sockets: new Set(), wanted, opened }
      this.open.set(keyOf(owner, wanted), listener)
      server.on('connection', socket => this.accept(listener, socket))
      return opened
    }
    return { wanted, address: wanted.address, port: 0, fault: fault ?? 'EADDRNOTAVAIL' }
  }

  /** How one of the owner's came to be. */
  placeOf(owner: string, wanted: Wanted): Opened | undefined {
    return this.open.get(keyOf(owner, wanted))?.opened
  }

  private accept(listener: Listener, socket: net.Socket): void {
    const { secure } = listener.wanted
    if (secure === undefined) {
      this.give(listener, socket, socket)
      return
    }
    listener.sockets.add(socket)
    socket.once('close', () => listener.sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    void this.handshake(listener, socket)
  }

  /** A client that names no host gets what there is for none. */
  private async handshake(listener: Listener, socket: net.Socket): Promise<void> {
    const tls = await import('node:tls')
    const contextOf = async (host: string) => {
      const pair = await listener.wanted.secure?.(host.toLowerCase())
      return pair && tls.createSecureContext({ cert: pair.cert, key: pair.key })
    }
    try {
      const fallback = await contextOf('')
      const secured = new tls.TLSSocket(socket, {
        isServer: true,
        ...(fallback ? { secureContext: fallback } : {}),
        SNICallback: (host, done) => {
          contextOf(host).then(
            context => done(context ? null : new Error(`no certificate for ${host}`), context),
            error => done(error as Error),
          )
        },
      })
      secured.on('error', () => socket.destroy())
      secured.once('secure', () => this.give(listener, secured, socket))
    } catch {
      socket.destroy()
    }
  }

  private give(listener: Listener, socket: net.Socket, raw: net.Socket): void {
    const peer = listener.wanted.connect(raw.remoteAddress ?? '127.0.0.1')
    if (peer === undefined) {
      raw.resetAndDestroy()
      return
    }
    listener.sockets.add(socket)
    socket.once('close', () => listener.sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if ('open' in peer) {
      void pump(socket, peer.open(socket.remoteAddress ?? '127.0.0.1'))
      return
    }
    this.answers.set(socket, peer.answer)
    this.http.emit('connection', socket)
  }

  private serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= largestBody) chunks.push(chunk)
      else response.writeHead(413).end('the simulation takes bodies up to 8 MiB\n')
    })
    request.on('end', () => {
      if (response.writableEnded) return
      const answer = this.answers.get(request.socket)
      const asked = {
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: plainHeaders(request.headers),
        body: Buffer.concat(chunks),
      }
      answer?.(asked, request.socket.remoteAddress ?? '127.0.0.1').then(
        said => {
          // The pod is gone since the connection was made: a real one would break it off.
          if (!said) request.socket.resetAndDestroy()
          else response.writeHead(said.status, said.headers).end(said.body)
        },
        () => request.socket.resetAndDestroy(),
      )
    })
  }
}

function keyOf(owner: string, { address, port, secure }: Wanted): string {
  return `${owner} ${address}:${port}${secure ? ' tls' : ''}`
}

function choices({ address, port }: Wanted): [string, number][] {
  const all: [string, number][] = [[address, port]]
  if (port + 10_000 < 65_536) all.push([address, port + 10_000])
  all.push([address, 0])
  if (address !== '127.0.0.1') all.push(['127.0.0.1', port], ['127.0.0.1', 0])
  return all
}

function start(server: net.Server, host: string, port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port }, () => resolve(undefined))
  })
}

function close({ server, sockets }: Listener): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    for (const socket of sockets) socket.destroy()
  })
}

function plainHeaders(headers: http.IncomingHttpHeaders): Record<string, string> {
  const plain: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return plain
}
