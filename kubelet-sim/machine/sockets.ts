// Sockets: the network as a process of a simulated pod sees it: names, connections, listeners. Implemented by
// kubelet-sim/network; no address is ever dialled on the real network. Refusals are SystemErrors (ECONNREFUSED, ETIMEDOUT,
// EHOSTUNREACH, ENETUNREACH, EADDRINUSE, ECONNRESET); names that are not there are a NameError.

import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Step } from './wait.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Sockets {
  /** Through /etc/hosts, then the pod's resolver with its search domains; addresses, IPv4 first. Throws NameError. */
  lookup(name: string): Step<readonly string[]>
  /** One question to the pod's name server (or `server`), as nslookup and dig ask it. */
  query(name: string, type: string, server?: string): Step<DnsAnswer>
  /** TCP. Default timeout: as Linux gives up, 127 s. */
  connect(to: Address, options?: { readonly timeout?: number | undefined }): Step<Connection>
  listen(port: number, host?: string): Listener
  /** One datagram there and, when one comes within the timeout, one back. */
  exchange(to: Address, datagram: Uint8Array, timeout: number): Step<Uint8Array | undefined>
  bind(port: number, host?: string): DatagramSocket
  /** Round-trip time in milliseconds, undefined when nothing answers. */
  ping(host: string, timeout: number): Step<number | undefined>
  /** An HTTP exchange; kept apart from connect so that listeners that are only told of need no bytes. */
  request(to: Address, request: SimulatedRequest, options?: AskOptions): Step<SimulatedResponse>
  /** The same, with its body read as it comes: for what has no end, such as a watch. */
  stream(to: Address, request: SimulatedRequest, options?: AskOptions): Step<StreamedResponse>
  /** Serves HTTP on a port until it is closed. */
  serve(
    port: number,
    answer: (request: SimulatedRequest, from: Address) => Step<SimulatedResponse>,
    host?: string,
    /** `self-signed`: a certificate for localhost that nobody has to believe. */
    tls?: TlsServing | 'self-signed',
  ): { close(): void }
  /** Serves gRPC's health protocol on a port until it is closed. */
  serveHealth(port: number, check: HealthCheck): { close(): void }
  readonly addresses: readonly string[]
  /** The same network for another process: what that opens is closed with it, by closeAll. */
  share(): Sockets
  closeAll(): void
}

export interface AskOptions {
  /** Milliseconds for all of it. */
  readonly timeout?: number | undefined
  readonly tls?: TlsWish | undefined
}

/** What a client asks of the other side's TLS. */
export interface TlsWish {
  /** A name, or an address: what the certificate must be good for. */
  readonly serverName: string
  /** PEM; absent: nobody is believed. */
  readonly authorities?: string | undefined
  /** Whoever answers is taken at its word. */
  readonly unverified?: boolean | undefined
  /** PEM: what it shows of itself. */
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined
}

/** What a server shows of itself, PEM. */
export interface TlsServing {
  readonly cert: string
  readonly key: string
}

export type HealthStatus = 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN'

/** How a service is, by its name; undefined: it is not known. */
export type HealthCheck = (service: string) => HealthStatus | undefined

export interface StreamedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** undefined: that was all of the body. */
  read(): Step<Uint8Array | undefined>
  /** Before its end: nobody wants the rest. */
  close(): void
}

export interface Connection {
  readonly local: Address
  readonly remote: Address
  /** undefined: the other side has ended. */
  read(max?: number): Step<Uint8Array | undefined>
  write(bytes: Uint8Array): Step<void>
  /** Nothing more is written; reading goes on. */
  end(): void
  close(): void
}

export interface Listener {
  readonly address: Address
  accept(): Step<Connection>
  close(): void
}

export interface DatagramSocket {
  readonly address: Address
  receive(): Step<{ readonly from: Address; readonly bytes: Uint8Array }>
  send(to: Address, bytes: Uint8Array): void
  close(): void
}

export interface DnsAnswer {
  readonly server: string
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL`, `REFUSED`. */
  readonly code: string
  readonly records: readonly {
    readonly name: string
    readonly type: string
    readonly ttl: number
    readonly data: string
  }[]
}

/** No TLS with that one. `code` is Node's: `CERT_HAS_EXPIRED`, `ERR_TLS_CERT_ALTNAME_INVALID`, `ERR_SSL_WRONG_VERSION_NUMBER`. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export class NameError extends Error {
  override readonly name = 'NameError'
}
