// WorkQueue: the keys of objects that need work. Called by the manager (and the event recorder). It promises:
// first come, first served; a key is never worked twice at once nor queued twice; a key added while it is worked comes
// again afterwards; of two delays the earlier wins. While a key is ready or being worked the cluster is busy (Activity),
// so that virtual time cannot pass; while a key only waits – for a delay, to see its own writes, or at the closed gate of a
// cluster that is paused – it is not.

import type { Activity } from '../env/activity.ts'
import type { Cancel, Clock, Millis } from '../env/clock.ts'
import type { Gate, Gated, GateLabel } from '../env/gate.ts'
import { type Backoff, itemBackoff } from './backoff.ts'

export interface WorkQueue {
  /** How many keys are ready. */
  readonly length: number
  /** How often a key was put among those that need work, and how often for a failure: what /metrics tells. */
  readonly counts: QueueCounts
  /** The keys that are being worked now. */
  readonly working: readonly string[]
  add(key: string): void
  addAfter(key: string, delay: Millis): void
  /** Adds the key after a wait that grows with its failures in a row. */
  retry(key: string): void
  /** The key has no failures any more. */
  forget(key: string): void
  failures(key: string): number
  /** The next key, or undefined when the queue is closed. Every key taken must be given to `done`. */
  next(): Promise<string | undefined>
  /** The key's work is over, but it is not to be worked again before `done`: the cluster is not busy with it meanwhile. */
  rest(key: string): void
  done(key: string): void
  /** Forgets all keys; readers get undefined, and whatever is added later is ignored. */
  close(): void
}

export interface QueueCounts {
  readonly adds: number
  readonly retries: number
}

interface Delayed {
  readonly due: Millis
  readonly cancel: Cancel
}

export interface QueueNeeds {
  readonly clock: Clock
  readonly activity: Activity
  /** Left out: nothing holds its keys back. */
  readonly gate?: Gate | undefined
}

export function createQueue(
  { clock, activity, gate }: QueueNeeds,
  backoff: Backoff = itemBackoff,
  label?: GateLabel,
): WorkQueue {
  return new Queue(clock, activity, backoff, gate, label)
}

class Queue implements WorkQueue, Gated {
  readonly label: GateLabel | undefined
  readonly #clock: Clock
  readonly #activity: Activity
  readonly #backoff: Backoff
  readonly #gate: Gate | undefined
  // A key is in `dirty` when it needs work, in `processing` from next() to done(). Every ready key is dirty and not
  // processing; a key that is both comes into `ready` at its done().
  #ready: string[] = []
  #head = 0
  readonly #dirty = new Set<string>()
  readonly #processing = new Set<string>()
  readonly #resting = new Set<string>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  #readers: ((key: string | undefined) => void)[] = []
  #hold: Cancel | undefined
  #closed = false
  readonly counts = { adds: 0, retries: 0 }

  constructor(
    clock: Clock,
    activity: Activity,
    backoff: Backoff,
    gate: Gate | undefined,
    label: GateLabel | undefined,
  ) {
    this.#clock = clock
    this.#activity = activity
    this.#backoff = backoff
    this.#gate = gate
    this.label = label
    gate?.join(this)
  }

  get length(): number {
    return this.#ready.length - this.#head
  }

  get working(): readonly string[] {
    return [...this.#processing].filter(key => !this.#resting.has(key))
  }

  add(key: string): void {
    if (this.#closed || this.#dirty.has(key)) return
    this.#dirty.add(key)
    this.counts.adds++
    if (!this.#processing.has(key)) this.#push(key)
    this.#settle()
  }

  addAfter(key: string, delay: Millis): void {
    if (this.#closed) return
    if (!(delay > 0)) {
      this.add(key)
      return
    }
    const due = this.#clock.now() + delay
    const old = this.#delayed.get(key)
    if (old !== undefined) {
      if (old.due <= due) return
      old.cancel()
    }
    const cancel = this.#clock.after(delay, () => {
      this.#delayed.delete(key)
      this.add(key)
    })
    this.#delayed.set(key, { due, cancel })
  }

  retry(key: string): void {
    this.counts.retries++
    const failures = this.failures(key)
    this.#failures.set(key, failures + 1)
    this.addAfter(key, this.#backoff(failures))
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  next(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    if (this.length > 0 && !this.#isHeld) return Promise.resolve(this.#take())
    return new Promise(resolve => this.#readers.push(resolve))
  }

  rest(key: string): void {
    if (this.#processing.has(key)) this.#resting.add(key)
    this.#settle()
  }

  done(key: string): void {
    this.#processing.delete(key)
    this.#resting.delete(key)
    if (this.#dirty.has(key)) this.#push(key)
    this.#settle()
  }

  close(): void {
    this.#closed = true
    this.#gate?.leave(this)
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    this.#failures.clear()
    this.#dirty.clear()
    this.#ready = []
    this.#head = 0
    const readers = this.#readers
    this.#readers = []
    for (const reader of readers) reader(undefined)
    this.#settle()
  }

  // ---- at the gate

  held(): readonly string[] {
    this.#settle()
    return this.#ready.slice(this.#head)
  }

  released(): void {
    while (this.length > 0 && this.#readers.length > 0) this.#readers.shift()!(this.#take())
    this.#settle()
  }

  admit(key: string): boolean {
    if (this.#readers.length === 0 || this.#ready[this.#head] !== key) return false
    this.#readers.shift()!(this.#take())
    this.#settle()
    return true
  }

  get #isHeld(): boolean {
    return this.#gate?.isClosed === true
  }

  #push(key: string): void {
    this.#ready.push(key)
    if (this.#isHeld) {
      this.#gate!.wait(this, key)
      return
    }
    const reader = this.#readers.shift()
    if (reader !== undefined) reader(this.#take())
  }

  #take(): string {
    const key = this.#ready[this.#head++]!
    if (this.#head > 1024 && this.#head * 2 > this.#ready.length) {
      this.#ready = this.#ready.slice(this.#head)
      this.#head = 0
    }
    this.#dirty.delete(key)
    this.#processing.add(key)
    return key
  }

  #settle(): void {
    const isBusy = (this.length > 0 && !this.#isHeld) || this.#processing.size > this.#resting.size
    if (isBusy) {
      this.#hold ??= this.#activity.hold()
    } else if (this.#hold !== undefined) {
      this.#hold()
      this.#hold = undefined
    }
  }
}
