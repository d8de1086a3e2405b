// Renewals: when each fake node was last heard of. A node that is well renews its lease every ten seconds, and when it will is
// known beforehand; so as long as nobody follows the leases nothing is written, and who reads one finds it as it would be:
// the API server asks for what is outstanding first (`make`). Filled by heartbeat.ts, asked by the node-lifecycle controller.

import type { Cancel, Clock, Millis } from '../src/env/clock.ts'

export const renewEvery: Millis = 10_000
const perSlot = 20
const slots = 10

interface Beats {
  /** On which second of the ten. */
  readonly phase: Millis
  /** When it was heard of; while it goes by itself, when that began or the last was written. */
  last: Millis
  /** What its lease says. */
  written: Millis
  /** It speaks, and its beats are only counted. */
  goesByItself: boolean
  speaks: boolean
}

export class Renewals {
  readonly #clock: Clock
  /** Whether renewals are put off at all; otherwise each is written. */
  readonly #mayWait: boolean
  readonly #nodes = new Map<string, Beats>()
  readonly #listeners = new Set<(node: string) => void>()
  #begun: Millis = 0
  #followers = 0
  #write: ((node: string, at: Millis) => Promise<void>) | undefined
  #followed: (() => void) | undefined
  #making: Promise<void> | undefined

  constructor(clock: Clock, mayWait: boolean) {
    this.#clock = clock
    this.#mayWait = mayWait
  }

  /** The kubelets work from now on: how a renewal is written, and who is told that each is to be from now on, or not. */
  begin(write: (node: string, at: Millis) => Promise<void>, followed: () => void): void {
    this.#begun = this.#clock.now()
    this.#write = write
    this.#followed = followed
  }

  /** They work no more. */
  end(): void {
    for (const node of [...this.#nodes.keys()]) this.fallSilent(node)
    this.#followed = undefined
  }

  /** Whether each is to be written when it is due. */
  get isFollowed(): boolean {
    return !this.#mayWait || this.#followers > 0
  }

  /** Somebody follows what is written, or stands in its way; until he cancels. */
  follow(): Cancel {
    this.#followers++
    if (this.#followers === 1) this.#turn()
    let isFollowing = true
    return () => {
      if (!isFollowing) return
      isFollowing = false
      this.#followers--
      if (this.#followers === 0) this.#turn()
    }
  }

  /** The node has renewed its lease just now. */
  renewed(node: string, index: number): void {
    const now = this.#clock.now()
    const before = this.#nodes.get(node)
    const phase = before?.phase ?? (Math.floor(index / perSlot) % slots) * (renewEvery / slots)
    const goesByItself = !this.isFollowed
    this.#nodes.set(node, { phase, last: now, written: now, goesByItself, speaks: true })
    if (before?.goesByItself !== goesByItself) this.#tell(node)
  }

  /** It speaks, though nothing is written: its beats count from the next on. */
  speaks(node: string): void {
    const beats = this.#nodes.get(node)
    if (beats === undefined || beats.speaks) return
    beats.speaks = true
    this.#settle(node, beats)
  }

  fallSilent(node: string): void {
    const beats = this.#nodes.get(node)
    if (!beats?.speaks) return
    beats.last = this.#lastOf(beats)
    beats.speaks = false
    this.#settle(node, beats)
  }

  forget(node: string): void {
    this.#nodes.delete(node)
  }

  /** When the node was last heard of; undefined of one that is not ours. */
  lastOf(node: string): Millis | undefined {
    const beats = this.#nodes.get(node)
    return beats && this.#lastOf(beats)
  }

  /** It is well, and will be heard of in time until something is told of it (`onChange`). */
  isSteady(node: string): boolean {
    return this.#nodes.get(node)?.goesByItself ?? false
  }

  /** When its next beat is due. */
  nextOf(node: string): Millis | undefined {
    const beats = this.#nodes.get(node)
    return beats && this.#beatBefore(beats, this.#clock.now()) + renewEvery
  }

  onChange(signal: AbortSignal, listener: (node: string) => void): void {
    this.#listeners.add(listener)
    signal.addEventListener('abort', () => this.#listeners.delete(listener), { once: true })
  }

  /** Writes what is outstanding, of one node or of all; undefined when nothing is. */
  make(node?: string): Promise<void> | undefined {
    const outstanding = [...(node === undefined ? this.#nodes : this.#only(node))].filter(
      ([, beats]) => this.#lastOf(beats) > beats.written,
    )
    if (outstanding.length === 0 || this.#write === undefined) return this.#making
    const write = this.#write
    const writes = outstanding.map(async ([name, beats]) => {
      const before = beats.written
      const at = this.#lastOf(beats)
      // At once, so that what asks again while it is written does not write it again.
      beats.written = at
      try {
        await write(name, at)
      } catch {
        // Whoever asks next finds it outstanding.
        if (beats.written === at) beats.written = before
      }
    })
    const making: Promise<void> = Promise.all([this.#making, ...writes]).then(() => {
      if (this.#making === making) this.#making = undefined
    })
    this.#making = making
    return making
  }

  #only(node: string): Iterable<[string, Beats]> {
    const beats = this.#nodes.get(node)
    return beats ? [[node, beats]] : []
  }

  #lastOf(beats: Beats): Millis {
    return beats.goesByItself ? Math.max(beats.last, this.#beatBefore(beats, this.#clock.now())) : beats.last
  }

  #beatBefore({ phase }: Beats, now: Millis): Millis {
    const first = this.#begun + phase
    return first + Math.floor((now - first) / renewEvery) * renewEvery
  }

  /** It is followed now, or no more. */
  #turn(): void {
    for (const [node, beats] of this.#nodes) {
      beats.last = this.#lastOf(beats)
      this.#settle(node, beats)
    }
    this.#followed?.()
  }

  #settle(node: string, beats: Beats): void {
    const goesByItself = beats.speaks && !this.isFollowed
    if (goesByItself === beats.goesByItself) return
    beats.goesByItself = goesByItself
    this.#tell(node)
  }

  #tell(node: string): void {
    for (const listener of this.#listeners) listener(node)
  }
}
