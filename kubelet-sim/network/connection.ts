// A TCP connection of the simulation: two ends, two channels between them.

import type { Clock } from '../../src/env/clock.ts'
import type { Address, Connection } from '../machine/sockets.ts'
import { type Errno, SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { Channel, type Link } from './channel.ts'

export class ConnectionEnd implements Connection {
  readonly local: Address
  readonly remote: Address
  readonly #from: Channel
  readonly #to: Channel
  readonly #closed: () => void
  #alsoClosed: (() => void) | undefined
  #isClosed = false

  constructor(local: Address, remote: Address, from: Channel, to: Channel, closed: () => void) {
    this.local = local
    this.remote = remote
    this.#from = from
    this.#to = to
    this.#closed = closed
  }

  *read(max?: number): Step<Uint8Array | undefined> {
    if (this.#isClosed) throw new SystemError('EBADF')
    return yield* this.#from.read(max)
  }

  *write(bytes: Uint8Array): Step<void> {
    if (this.#isClosed) throw new SystemError('EBADF')
    yield* this.#to.write(bytes)
  }

  end(): void {
    this.#to.end()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#to.end()
    this.#from.leave()
    this.#gone()
  }

  /** Told once it is closed or broken. */
  onClose(run: () => void): void {
    this.#alsoClosed = run
  }

  /** As a machine that dies or a kernel that resets it. */
  break(fault: Errno): void {
    this.#from.break(fault)
    this.#to.break(fault)
    if (this.#isClosed) return
    this.#gone()
  }

  #gone(): void {
    this.#closed()
    this.#alsoClosed?.()
  }
}

export interface EndFacts {
  readonly address: Address
  /** What the other side sees it as, when that was translated. */
  readonly seenAs?: Address
  closed(): void
}

/** The client's end and the server's. */
export function connectionPair(
  clock: Clock,
  link: Link,
  client: EndFacts,
  server: EndFacts,
): [client: ConnectionEnd, server: ConnectionEnd] {
  const there = new Channel(clock, link)
  const back = new Channel(clock, link)
  return [
    new ConnectionEnd(client.address, server.seenAs ?? server.address, back, there, client.closed),
    new ConnectionEnd(server.address, client.seenAs ?? client.address, there, back, server.closed),
  ]
}
