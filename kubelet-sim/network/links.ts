// Links: whether and how fast what one place sends gets to another, by the faults that are set (faults.ts). A node that is
// dead neither sends nor hears. What TCP carries gets through a lossy link late, a datagram maybe not at all.

import type { Millis } from '../../src/env/clock.ts'
import type { Random } from '../../src/env/random.ts'
import { Waiters } from '../machine/waiters.ts'
import { type Link, plainLink } from './channel.ts'
import { controlPlaneEnd, type End, type NetworkFault } from './faults.ts'
import type { Network } from './network.ts'
import type { Hop, Origin, Target } from './routes.ts'

/** What Linux waits for an acknowledgement at first, twice as long each time (RFC 6298; TCP_RTO_MIN). */
const resend: Millis = 200
const mostResends = 9

export interface Way extends Link {
  /** Whether a packet that nobody sends again arrives. */
  arrives(): boolean
}

export class Links {
  readonly #network: Network
  readonly #random: Random
  /** Told when a way may have become another. */
  readonly changed = new Waiters()

  constructor(network: Network) {
    this.#network = network
    this.#random = network.env.random.fork('links')
  }

  between(origin: Origin, target: Target | undefined): Way {
    if (target !== undefined && origin.stack === target.stack) return plainWay
    const network = this.#network
    const random = this.#random
    const [from, to] = [endOfOrigin(origin), endOfTarget(target)]
    const { changed } = this
    const isDead = () =>
      (origin.node !== undefined && network.isDead(origin.node)) ||
      (target !== undefined && network.isDead(target.node))
    const faults = (): readonly NetworkFault[] => (network.faults.isEmpty ? none : network.faults.between(from, to))
    return {
      delay() {
        if (isDead()) return undefined
        const all = faults()
        if (all.length === 0) return 0
        if (all.some(({ cut }) => cut)) return undefined
        let delay = latencyOf(all, random)
        const loss = lossOf(all)
        for (let tries = 0; loss > 0 && tries < mostResends && random.fraction() < loss; tries++)
          delay += resend << tries
        return delay
      },
      arrives() {
        if (isDead()) return false
        const all = faults()
        if (all.length === 0) return true
        return !all.some(({ cut }) => cut) && !(random.fraction() < lossOf(all))
      },
      onChange: run => {
        let cancel = changed.park(again)
        function again(): void {
          cancel = changed.park(again)
          run()
        }
        return () => cancel()
      },
    }
  }

  /** One datagram: it arrives after the way's latency, or not at all. */
  later(way: Way, arrive: () => void): void {
    if (!way.arrives()) return
    const delay = way.delay()
    if (delay === undefined) return
    if (delay === 0) arrive()
    else this.#network.env.clock.after(delay, arrive)
  }

  /** For the trace: what is set between two places. */
  note(origin: Origin, target: Target | undefined, hops: Hop[]): void {
    if (this.#network.faults.isEmpty) return
    const to = endOfTarget(target)
    for (const { cut, latency, jitter, loss } of this.#network.faults.between(endOfOrigin(origin), to)) {
      const words = [
        cut ? 'cut' : '',
        latency ? `${latency} ms` : '',
        jitter ? `up to ${jitter} ms more` : '',
        loss ? `${Math.round(loss * 1000) / 10} % lost` : '',
      ].filter(Boolean)
      hops.push({ at: `${origin.name} – ${target?.name ?? 'control plane'}`, kind: 'link', what: words.join(', ') })
    }
  }
}

const none: readonly NetworkFault[] = []
const plainWay: Way = { ...plainLink, arrives: () => true }

function latencyOf(faults: readonly NetworkFault[], random: Random): Millis {
  return faults.reduce(
    (sum, { latency = 0, jitter = 0 }) => sum + latency + (jitter > 0 ? Math.round(random.fraction() * jitter) : 0),
    0,
  )
}

/** Each loses its own part of what the others let through. */
function lossOf(faults: readonly NetworkFault[]): number {
  return 1 - faults.reduce((kept, { loss = 0 }) => kept * (1 - loss), 1)
}

function endOfOrigin({ node, pod, stack }: Origin): End {
  const { namespace, name } = pod?.metadata ?? {}
  return { node, namespace, pod: name, controlPlane: node === undefined && stack !== undefined }
}

function endOfTarget(target: Target | undefined): End {
  if (target === undefined) return controlPlaneEnd
  const { namespace, name } = target.pod?.metadata ?? {}
  return { node: target.node, namespace, pod: name, controlPlane: false }
}
