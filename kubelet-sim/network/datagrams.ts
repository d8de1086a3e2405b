// Datagrams: UDP of simulated processes. What is lost or dropped nobody hears of; a closed port is told to who asked it.

import type { Millis } from '../../src/env/clock.ts'
import type { Address } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import type { Step } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import type { Network } from './network.ts'
import { deliver, type Hop, type Origin, translate } from './routes.ts'
import { boundAt, type DatagramReceiver } from './stacks.ts'
import { orUntil } from './waiting.ts'

/** More than that wait nowhere: what comes then is lost. */
const longestQueue = 256

interface Received {
  readonly from: Address
  readonly bytes: Uint8Array
}

export class DatagramPort implements DatagramReceiver {
  readonly host: string | undefined
  readonly #queue: Received[] = []
  readonly #arrivals = new Waiters()
  /** To whom an answer may go back the way the question came. */
  readonly #ways = new Map<string, (bytes: Uint8Array) => void>()
  #isClosed = false

  constructor(host: string | undefined) {
    this.host = host
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  take(from: Address, bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    if (this.#queue.length >= longestQueue) return
    const key = keyOf(from)
    this.#ways.delete(key)
    if (this.#ways.size >= longestQueue) this.#ways.delete(this.#ways.keys().next().value!)
    this.#ways.set(key, answer)
    this.#queue.push({ from, bytes })
    this.#arrivals.tell()
  }

  *receive(): Step<Received> {
    for (;;) {
      const next = this.#queue.shift()
      if (next) return next
      if (this.#isClosed) throw new SystemError('EBADF')
      yield this.#arrivals.until(() => this.#isClosed || this.#queue.length > 0)
    }
  }

  /** false: it did not come from there. */
  reply(to: Address, bytes: Uint8Array): boolean {
    const way = this.#ways.get(keyOf(to))
    way?.(bytes.slice())
    return way !== undefined
  }

  close(): void {
    this.#isClosed = true
    this.#arrivals.tell()
  }
}

export function* exchangeDatagram(
  network: Network,
  origin: Origin,
  to: Address,
  datagram: Uint8Array,
  timeout: Millis,
): Step<Uint8Array | undefined> {
  const { clock } = network.env
  const deadline = clock.now() + timeout
  const answers = new Waiters()
  let answer: Uint8Array | undefined
  const port = origin.stack === undefined ? 50_000 : network.stacks.of(origin.stack).freePort()
  const sent = send(network, origin, port, to, datagram, bytes => {
    answer ??= bytes
    answers.tell()
  })
  if (origin.stack) network.stacks.tidy(origin.stack)
  if (sent === 'refused') throw new SystemError('ECONNREFUSED')
  if (sent === 'outside') throw new SystemError('ENETUNREACH')
  const wait = orUntil(
    answers.until(() => answer !== undefined),
    clock,
    deadline,
  )
  while (!wait.isOver()) yield wait
  return answer
}

/** On its way, whether or not it arrives. */
export function sendDatagram(network: Network, origin: Origin, port: number, to: Address, bytes: Uint8Array): void {
  const mine = origin.stack === undefined ? undefined : network.stacks.find(origin.stack)
  send(network, origin, port, to, bytes, back => {
    boundAt(mine?.receivers, port, origin.address)?.take(to, back, () => {})
  })
}

type Sent = 'sent' | 'refused' | 'outside' | 'lost'

function send(
  network: Network,
  origin: Origin,
  port: number,
  to: Address,
  datagram: Uint8Array,
  answered: (bytes: Uint8Array) => void,
): Sent {
  const bytes = datagram.slice()
  const hops: Hop[] = []
  const note = (end: string) =>
    network.traces.add({
      at: network.env.clock.now(),
      from: origin.name,
      to: `${to.host}:${to.port}`,
      protocol: 'UDP',
      hops,
      end,
    })
  const destination = translate(network, origin, to, 'UDP', hops)
  if (typeof destination === 'string') {
    note(destination)
    return destination === 'refused' ? 'refused' : 'lost'
  }
  const verdict = deliver(network, origin, destination, 'UDP', hops)
  if (verdict.kind !== 'there') {
    note(verdict.kind)
    return verdict.kind === 'outside' ? 'outside' : 'lost'
  }
  const { target } = verdict
  const receiver = boundAt(network.stacks.find(target.stack)?.receivers, target.port, target.address)
  if (!receiver) return 'refused'
  const link = network.links.between(origin, target)
  network.links.note(origin, target, hops)
  note(target.name)
  network.links.later(link, () => {
    receiver.take({ host: destination.source, port }, bytes, back => {
      network.links.later(link, () => answered(back))
    })
  })
  return 'sent'
}

function keyOf({ host, port }: Address): string {
  return `${host} ${port}`
}
