// One priority level at work: so many requests at once, and the others in queues from which the flows are served in turn.
// Used by flow-control.ts. Upstream: k8s.io/apiserver/pkg/util/flowcontrol/fairqueuing/queueset, shufflesharding.

import { createHash } from 'node:crypto'
import type { PriorityLevelConfiguration } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

/** Why a request is not served. */
export type Refusal = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled'

interface Waiting {
  readonly flow: string
  run(): void
}

/** The levels of a server, as far as one needs the others: what they lend. */
export interface Levels {
  /** Seats that stand idle at other levels and may be lent. */
  idleBeside(level: PriorityLevel): number
  /** A seat has become free: others may borrow it. */
  freed(): void
}

export class PriorityLevel {
  readonly name: string
  readonly #levels: Levels
  #spec: Frozen<PriorityLevelConfiguration>['spec'] = { type: 'Exempt' }
  #queues: Waiting[][] = []
  /** The queue that was served last. */
  #last = -1
  uid = ''
  nominal = 0
  executing = 0
  waiting = 0
  dispatched = new Map<string, number>()
  readonly rejected = new Map<string, number>()

  constructor(name: string, levels: Levels) {
    this.name = name
    this.#levels = levels
  }

  get isExempt(): boolean {
    return this.#spec.type === 'Exempt'
  }

  /** Of its nominal seats, how many may be lent to others while it does not need them. */
  get lendable(): number {
    const { lendablePercent = 0 } = this.#spec.limited ?? this.#spec.exempt ?? {}
    return Math.round((this.nominal * lendablePercent) / 100)
  }

  get borrowable(): number {
    const percent = this.#spec.limited?.borrowingLimitPercent
    return percent === undefined ? Number.POSITIVE_INFINITY : Math.round((this.nominal * percent) / 100)
  }

  /** What it is from now on; what runs and waits goes on. */
  configure({ metadata, spec }: Frozen<PriorityLevelConfiguration>, nominal: number): void {
    this.uid = metadata.uid ?? ''
    this.#spec = spec
    this.nominal = nominal
    const count = spec.limited?.limitResponse?.queuing?.queues ?? 0
    if (count !== this.#queues.length) {
      const left = this.#queues.flat()
      // Who waits already keeps a queue though nobody may wait any more.
      this.#queues = Array.from({ length: Math.max(count, left.length > 0 ? 1 : 0) }, () => [])
      for (const waiting of left) (this.#queueFor(waiting.flow) ?? this.#queues[0])?.push(waiting)
    }
    this.dispatch()
  }

  /** True: it may run now, and must `leave` in the end. */
  enter(schema: string): boolean {
    if (!this.isExempt && (this.waiting > 0 || !this.#hasSeat())) return false
    this.#begin(schema)
    return true
  }

  leave(): void {
    this.executing--
    if (this.isExempt) return
    this.dispatch()
    this.#levels.freed()
  }

  /**
   * Puts a request into a queue; `run` is called when it has its seat. Gives what takes it out again, or why it cannot wait.
   */
  queue(schema: string, distinguisher: string, run: () => void): (() => void) | Refusal {
    const { queuing } = this.#spec.limited?.limitResponse ?? {}
    if (queuing === undefined) return 'concurrency-limit'
    const flow = `${schema}\0${distinguisher}`
    const queue = this.#queueFor(flow)
    if (queue === undefined || queue.length >= (queuing.queueLengthLimit ?? 50)) return 'queue-full'
    const waiting: Waiting = {
      flow,
      run: () => {
        this.#begin(schema)
        run()
      },
    }
    queue.push(waiting)
    this.waiting++
    return () => {
      for (const each of this.#queues) {
        const at = each.indexOf(waiting)
        if (at < 0) continue
        each.splice(at, 1)
        this.waiting--
      }
    }
  }

  reject(schema: string, why: Refusal): void {
    const key = `${schema}\0${why}`
    this.rejected.set(key, (this.rejected.get(key) ?? 0) + 1)
  }

  /** Serves who waits, a queue after the other, as long as there are seats. */
  dispatch(): void {
    while (this.waiting > 0 && this.#hasSeat()) {
      const count = this.#queues.length
      for (let step = 1; step <= count; step++) {
        const index = (this.#last + step) % count
        const next = this.#queues[index]!.shift()
        if (next === undefined) continue
        this.#last = index
        this.waiting--
        next.run()
        break
      }
    }
  }

  #begin(schema: string): void {
    this.executing++
    this.dispatched.set(schema, (this.dispatched.get(schema) ?? 0) + 1)
  }

  #hasSeat(): boolean {
    if (this.executing < this.nominal) return true
    return this.executing - this.nominal < this.borrowable && this.#levels.idleBeside(this) > 0
  }

  /** The shortest of the few queues that a flow may use: who floods his own leaves the others free. */
  #queueFor(flow: string): Waiting[] | undefined {
    const size = this.#spec.limited?.limitResponse?.queuing?.handSize ?? 1
    let shortest: Waiting[] | undefined
    for (const index of hand(flow, this.#queues.length, size)) {
      const queue = this.#queues[index]!
      if (shortest === undefined || queue.length < shortest.length) shortest = queue
    }
    return shortest
  }
}

/** Deals `size` different cards of a deck, always the same to the same flow. */
export function hand(flow: string, deck: number, size: number): number[] {
  let hash = createHash('sha256').update(flow).digest().readBigUInt64LE()
  const dealt: number[] = []
  for (let index = 0; index < Math.min(size, deck); index++) {
    const left = BigInt(deck - index)
    let card = Number(hash % left)
    hash /= left
    // The cards that are gone make room for those behind them.
    for (const gone of [...dealt].sort((one, other) => one - other)) if (card >= gone) card++
    dealt.push(card)
  }
  return dealt
}
