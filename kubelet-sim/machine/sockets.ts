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
  request(
    to: Address,
    request: SimulatedRequest,
    options?: { readonly timeout?: number | undefined; readonly tls?: boolean },
  ): Step<SimulatedResponse>
  /** Serves HTTP on a port until it is closed. */
  serve(
    port: number,
    answer: (request: SimulatedRequest, from: Address) => Step<SimulatedResponse>,
    host?: string,
  ): { close(): void }
  readonly addresses: readonly string[]
  /** The same network for another process: what that opens is closed with it, by closeAll. */
  share(): Sockets
  closeAll(): void
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

export class NameError extends Error {
  override readonly name = 'NameError'
}
