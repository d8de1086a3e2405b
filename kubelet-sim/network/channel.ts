// One direction of a connection: bytes in order, at most as many on their way as the window takes, later by the link's
// latency. While the link is cut nothing arrives; what was sent then arrives when it is whole again, as TCP sends it anew.

import type { Cancel, Clock, Millis } from '../../src/env/clock.ts'
import { type Errno, SystemError } from '../machine/system-error.ts'
import type { Step, Wait } from '../machine/wait.ts'
import { Waiters } from '../machine/waiters.ts'
import { orUntil } from './waiting.ts'

/** The way between two ends. */
export interface Link {
  /** Milliseconds one way; undefined: nothing gets through. */
  delay(): Millis | undefined
  onChange(run: () => void): Cancel
}

export const plainLink: Link = { delay: () => 0, onChange: () => () => {} }

const window = 64 * 1024

export class Channel {
  readonly #clock: Clock
  readonly #link: Link
  /** `bytes` undefined: the writer's end. */
  readonly #sent: { readonly bytes: Uint8Array | undefined; at: Millis }[] = []
  readonly #readers = new Waiters()
  readonly #writers = new Waiters()
  #offset = 0
  #size = 0
  #isEnded = false
  #isDeaf = false
  #fault: Errno | undefined
  #watching: Cancel | undefined

  constructor(clock: Clock, link: Link) {
    this.#clock = clock
    this.#link = link
  }

  *read(max = Number.POSITIVE_INFINITY): Step<Uint8Array | undefined> {
    for (;;) {
      const first = this.#sent[0]
      if (first !== undefined && first.at <= this.#clock.now()) {
        if (first.bytes === undefined) return undefined
        return this.#take(first.bytes, max)
      }
      if (this.#fault) throw new SystemError(this.#fault)
      if (this.#isDeaf) return undefined
      yield this.#arrival()
    }
  }

  *write(bytes: Uint8Array): Step<void> {
    let rest = bytes
    while (rest.length > 0) {
      if (this.#fault) throw new SystemError(this.#fault)
      if (this.#isEnded || this.#isDeaf) throw new SystemError('EPIPE')
      const room = window - this.#size
      if (room <= 0) {
        yield this.#writers.until(() => this.#size < window || this.#isEnded || this.#isDeaf || !!this.#fault)
        continue
      }
      // The writer may use its buffer again.
      const part = rest.slice(0, room)
      rest = rest.subarray(part.length)
      this.#size += part.length
      this.#send(part)
    }
  }

  /** The writer has said all. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#send(undefined)
    this.#writers.tell()
  }

  /** The reader has gone: what is still written is refused. */
  leave(): void {
    this.#isDeaf = true
    this.#stopWatching()
    this.#readers.tell()
    this.#writers.tell()
  }

  /** Both sides learn of it at once; what had arrived is lost. */
  break(fault: Errno): void {
    this.#fault ??= fault
    this.#sent.length = 0
    this.#stopWatching()
    this.#readers.tell()
    this.#writers.tell()
  }

  #take(bytes: Uint8Array, max: number): Uint8Array {
    const from = this.#offset
    const part = bytes.subarray(from, Math.min(bytes.length, from + Math.max(1, max)))
    this.#offset = from + part.length
    if (this.#offset === bytes.length) {
      this.#sent.shift()
      this.#offset = 0
    }
    this.#size -= part.length
    this.#writers.tell()
    return part
  }

  #send(bytes: Uint8Array | undefined): void {
    if (this.#isDeaf) return
    const delay = this.#link.delay()
    // In order, whatever the latency was before.
    const before = this.#sent.at(-1)?.at ?? 0
    this.#sent.push({ bytes, at: Math.max(before, this.#clock.now() + (delay ?? Number.POSITIVE_INFINITY)) })
    if (delay === undefined || before === Number.POSITIVE_INFINITY) this.#watch()
    this.#readers.tell()
  }

  #arrival(): Wait {
    const { at } = this.#sent[0] ?? {}
    const told = this.#readers.until(
      () => !!this.#fault || this.#isDeaf || (this.#sent[0] !== undefined && this.#sent[0].at <= this.#clock.now()),
    )
    if (at === undefined || at === Number.POSITIVE_INFINITY) return told
    return orUntil(told, this.#clock, at)
  }

  #watch(): void {
    this.#watching ??= this.#link.onChange(() => {
      const delay = this.#link.delay()
      if (delay === undefined) return
      this.#stopWatching()
      const at = this.#clock.now() + delay
      for (const one of this.#sent) if (one.at === Number.POSITIVE_INFINITY) one.at = at
      this.#readers.tell()
    })
  }

  #stopWatching(): void {
    this.#watching?.()
    this.#watching = undefined
  }
}
