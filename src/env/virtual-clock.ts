// VirtualClock: time that moves only when it is told to, for tests and demos. Between any two timers everybody comes to
// rest (activity.idle()), so what a timer set off is done before the next one fires, however long it really took.

import type { Activity } from './activity.ts'
import { type Cancel, type Millis, type MovableClock, sleepBy } from './clock.ts'
import { TimerHeap } from './timer-heap.ts'

/** An instant of no meaning, the same in every run: 2024-01-01T00:00:00Z. */
export const virtualStart: Millis = 1_704_067_200_000

export class VirtualClock implements MovableClock {
  readonly #timers = new TimerHeap()
  readonly #activity: Activity
  #now: Millis
  #isMoving = false

  constructor(activity: Activity, startAt: Millis = virtualStart) {
    this.#activity = activity
    this.#now = startAt
  }

  now(): Millis {
    return this.#now
  }

  after(delay: Millis, run: () => void): Cancel {
    return this.#timers.add(this.#now + Math.max(Math.ceil(delay), 0), run)
  }

  sleep(delay: Millis, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, delay, signal)
  }

  /** How many timers are waiting. */
  get waiting(): number {
    return this.#timers.size
  }

  get nextDue(): Millis | undefined {
    return this.#timers.nextDue
  }

  fireNext(until: Millis): boolean {
    const due = this.#timers.nextDue
    const isDue = due !== undefined && due <= until
    this.#now = Math.max(this.#now, isDue ? due : until)
    if (isDue) this.#timers.take(due)!()
    return isDue
  }

  /** Fires what is due within `by`, in order, and ends with everybody at rest, `by` later. */
  async advance(by: Millis): Promise<void> {
    await this.#move(this.#now + by, () => false)
  }

  /**
   * Advances from timer to timer until `done`, which is asked whenever everybody is at rest; rejects when it is still
   * false after `limit`. Time then stands where it became true: at the timer that made it so.
   */
  async advanceUntil(done: () => boolean, limit: Millis): Promise<void> {
    const start = this.#now
    if (await this.#move(start + limit, done)) return
    throw new Error(`what was waited for did not happen within ${limit} ms of cluster time`)
  }

  async #move(until: Millis, done: () => boolean): Promise<boolean> {
    if (this.#isMoving) throw new Error('the clock is moving already: wait for one advance before the next')
    this.#isMoving = true
    try {
      for (;;) {
        await this.#activity.idle()
        if (done()) return true
        if (!this.fireNext(until)) return false
      }
    } finally {
      this.#isMoving = false
    }
  }
}
