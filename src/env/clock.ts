// Clock: the cluster's time. RealClock follows the wall, or runs faster, slower or not at all; virtual-clock.ts has the one
// tests use. Timers that are due together fire in the order in which they were asked for.

import { TimerHeap } from './timer-heap.ts'

/** A span or a point of time in milliseconds; points count from the Unix epoch. */
export type Millis = number

/** Takes back what returned it; calling it again does nothing. */
export type Cancel = () => void

export interface Clock {
  /** The present, in milliseconds since the Unix epoch. */
  now(): Millis
  /** Runs `run` once, `delay` from now (at once, but never synchronously, when it is zero or less). */
  after(delay: Millis, run: () => void): Cancel
  /** Resolves after `delay`; rejects with the signal's reason when it is aborted first. */
  sleep(delay: Millis, signal?: AbortSignal): Promise<void>
}

/** A clock that can also be moved by hand, timer by timer. */
export interface MovableClock extends Clock {
  /** When the next timer is due; undefined when there is none. */
  readonly nextDue: Millis | undefined
  /** Makes it the time at which the next timer is due, and runs that; with none due by `until` it is `until`, and false. */
  fireNext(until: Millis): boolean
}

/** Node takes longer delays for one millisecond. */
const longestTimeout = 2 ** 31 - 1

export class RealClock implements MovableClock {
  readonly #timers = new TimerHeap()
  #speed = 1
  /** At wall time `#wall` the cluster's time was `#time`. */
  #wall: Millis = Date.now()
  #time: Millis = this.#wall
  #timeout: NodeJS.Timeout | undefined
  #armedFor: Millis | undefined

  now(): Millis {
    return Math.floor(this.#precise())
  }

  /** How fast cluster time passes: 1 as the wall's, 60 a minute in a second, 0 is a pause. Time never jumps by it. */
  get speed(): number {
    return this.#speed
  }

  set speed(speed: number) {
    if (!(speed >= 0 && Number.isFinite(speed))) throw new RangeError(`a clock cannot run at speed ${speed}`)
    this.#time = this.#precise()
    this.#speed = speed
    this.#arm()
  }

  /** Time has been here before: it goes on from there when it is behind. */
  notBefore(time: Millis): void {
    this.#time = Math.max(this.#precise(), time)
    this.#arm()
  }

  get nextDue(): Millis | undefined {
    return this.#timers.nextDue
  }

  /** Only of a clock that stands still: of one that runs, the timers fire by themselves. */
  fireNext(until: Millis): boolean {
    if (this.#speed !== 0) throw new Error('a clock that runs is not moved by hand')
    const due = this.#timers.nextDue
    const isDue = due !== undefined && due <= until
    this.#time = Math.max(this.#time, isDue ? due : until)
    if (isDue) this.#timers.take(due)!()
    return isDue
  }

  after(delay: Millis, run: () => void): Cancel {
    const cancel = this.#timers.add(this.#precise() + Math.max(Math.ceil(delay), 0), run)
    if (this.#timers.nextDue !== this.#armedFor) this.#arm()
    return () => {
      cancel()
      if (this.#timers.nextDue !== this.#armedFor) this.#arm()
    }
  }

  sleep(delay: Millis, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, delay, signal)
  }

  /** Forgets every timer, so that the process can end. */
  close(): void {
    this.#timers.clear()
    this.#arm()
  }

  #precise(): Millis {
    const wall = Date.now()
    const passed = wall - this.#wall
    // The wall was set back: the cluster's time goes on from where it was.
    if (passed < 0) this.#wall = wall
    else if (passed > 0) {
      this.#time += passed * this.#speed
      this.#wall = wall
    }
    return this.#time
  }

  #arm(): void {
    clearTimeout(this.#timeout)
    const due = this.#timers.nextDue
    this.#armedFor = due
    if (due === undefined || this.#speed === 0) return
    const wait = Math.ceil((due - this.#precise()) / this.#speed)
    this.#timeout = setTimeout(() => this.#fire(), Math.min(Math.max(wait, 0), longestTimeout))
  }

  #fire(): void {
    const now = this.#precise()
    // What these ask for in turn waits for the next timeout, or a timer of no delay could keep the process from all else.
    const { asked } = this.#timers
    try {
      for (let run = this.#timers.take(now, asked); run !== undefined; run = this.#timers.take(now, asked)) run()
    } finally {
      this.#arm()
    }
  }
}

export function sleepBy(clock: Clock, delay: Millis, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const aborted = () => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(delay, () => {
      signal?.removeEventListener('abort', aborted)
      resolve()
    })
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
