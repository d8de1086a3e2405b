// Traces: the way each connection, request and datagram took, or how far it came. The last ones are kept; `kubesim trace` and
// tests read them.

import type { Millis } from '../../src/env/clock.ts'
import type { DnsAnswer } from '../machine/sockets.ts'
import type { Hop, Protocol } from './routes.ts'

export interface Trace {
  readonly at: Millis
  readonly from: string
  /** `10.96.7.1:80`. */
  readonly to: string
  readonly protocol: Protocol
  readonly hops: readonly Hop[]
  /** `pod default/web-0`, or what the sender met: `ECONNREFUSED`. */
  readonly end: string
  /** Of a question to a name server. */
  readonly question?: { readonly name: string; readonly type: string }
  /** Told once it has come. */
  answer?: Pick<DnsAnswer, 'code' | 'records'>
}

const mostKept = 256

export class Traces {
  readonly #kept: Trace[] = []
  #count = 0

  add(trace: Trace): void {
    this.#kept.push(trace)
    this.#count++
    if (this.#kept.length > mostKept * 2) this.#kept.splice(0, this.#kept.length - mostKept)
  }

  /** The last ones, oldest first. */
  list(): readonly Trace[] {
    return this.#kept.slice(-mostKept)
  }

  /** How many there were in all. */
  get count(): number {
    return this.#count
  }

  /** Those after the first `count`, as far as they are kept. */
  since(count: number): readonly Trace[] {
    const fresh = Math.min(this.#count - count, mostKept)
    return fresh > 0 ? this.#kept.slice(-fresh) : []
  }

  last(): Trace | undefined {
    return this.#kept.at(-1)
  }
}
