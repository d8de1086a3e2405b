// Links: whether and how fast what one place sends gets to another. A node that is dead neither sends nor hears.

import { Waiters } from '../machine/waiters.ts'
import type { Link } from './channel.ts'
import { plainLink } from './channel.ts'
import type { Network } from './network.ts'
import type { Origin, Target } from './routes.ts'

export class Links {
  readonly #network: Network
  /** Told when a way may have become another. */
  readonly changed = new Waiters()

  constructor(network: Network) {
    this.#network = network
  }

  between(origin: Origin, target: Target | undefined): Link {
    if (target === undefined || origin.stack === target.stack) return plainLink
    const network = this.#network
    const { changed } = this
    return {
      delay: () =>
        (origin.node !== undefined && network.isDead(origin.node)) || network.isDead(target.node) ? undefined : 0,
      onChange: run => {
        let cancel = changed.until(() => false).park(again)
        function again(): void {
          cancel = changed.until(() => false).park(again)
          run()
        }
        return () => cancel()
      },
    }
  }

  /** One packet: it arrives after the link's latency, or not at all. */
  later(link: Link, arrive: () => void): void {
    const delay = link.delay()
    if (delay === undefined) return
    if (delay === 0) arrive()
    else this.#network.env.clock.after(delay, arrive)
  }
}
