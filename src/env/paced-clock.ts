// PacedClock: virtual time that keeps up with the wall, for a cluster that is recorded. It moves from timer to timer and
// between any two everybody comes to rest, as in virtual time; only when each may fire the wall says. So what happens depends on
// what was asked from outside and when, and on nothing else.

import type { Activity } from './activity.ts'
import { type Cancel, type Clock, type Millis, type MovableClock, sleepBy } from './clock.ts'
import { TimerHeap } from './timer-heap.ts'

export class PacedClock implements MovableClock {
  readonly #timers = new TimerHeap()
  readonly #activity: Activity
  readonly #wall: Clock
  #now: Millis
  /** 0 stands still: while it is moved by hand, and in a pause. */
  #speed = 1
  /** Until `release`: while the cluster is made. */
  #isHeld = true
  /** At wall time `since` it was `from`. */
  #since: Millis
  #from: Millis
  #cancelWake: Cancel | undefined
  #wakesAt: Millis | undefined
  #work: Promise<void> = Promise.resolve()

  constructor(activity: Activity, wall: Clock) {
    this.#activity = activity
    this.#wall = wall
    this.#now = this.#from = this.#since = wall.now()
  }

  now(): Millis {
    return this.#now
  }

  get speed(): number {
    return this.#speed
  }

  set speed(speed: number) {
    this.#from = speed === 0 ? this.#now : Math.max(this.#now, this.#present())
    this.#since = this.#wall.now()
    this.#speed = speed
    this.#wake()
  }

  get nextDue(): Millis | undefined {
    return this.#timers.nextDue
  }

  after(delay: Millis, run: () => void): Cancel {
    const cancel = this.#timers.add(this.#now + Math.max(Math.ceil(delay), 0), run)
    this.#wake()
    return cancel
  }

  sleep(delay: Millis, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, delay, signal)
  }

  fireNext(until: Millis): boolean {
    if (this.#speed !== 0) throw new Error('a clock that runs is not moved by hand')
    return this.#fire(until)
  }

  /** Of one that is not released yet: to a time at which the cluster has been before. */
  async moveTo(time: Millis): Promise<void> {
    do await this.#activity.idle()
    while (this.#fire(time))
  }

  /** From now on it keeps up with the wall. */
  release(): void {
    this.#isHeld = false
    this.#since = this.#wall.now()
    this.#from = this.#now
    this.#wake()
  }

  /** Fires what is due by the present, in order, and resolves when it is the present and everybody is at rest. */
  caughtUp(): Promise<void> {
    const work = this.#work.then(() => this.#catchUp())
    this.#work = work.catch(() => {})
    return work
  }

  close(): void {
    this.#timers.clear()
    this.#cancelWake?.()
    this.#cancelWake = undefined
  }

  async #catchUp(): Promise<void> {
    for (;;) {
      await this.#activity.idle()
      // Whoever moves it by hand sees to the rest.
      if (this.#isHeld || this.#speed === 0 || !this.#fire(this.#present())) break
    }
    this.#wake()
  }

  #fire(until: Millis): boolean {
    const due = this.#timers.nextDue
    const isDue = due !== undefined && due <= until
    this.#now = Math.max(this.#now, isDue ? due : until)
    if (isDue) this.#timers.take(due)!()
    return isDue
  }

  #present(): Millis {
    return Math.floor(this.#from + Math.max(0, this.#wall.now() - this.#since) * this.#speed)
  }

  #wake(): void {
    const due = this.#isHeld || this.#speed === 0 ? undefined : this.#timers.nextDue
    if (due === this.#wakesAt && this.#cancelWake !== undefined) return
    this.#cancelWake?.()
    this.#cancelWake = undefined
    this.#wakesAt = due
    if (due === undefined) return
    const wait = Math.max(0, (due - this.#present()) / this.#speed)
    this.#cancelWake = this.#wall.after(wait, () => {
      this.#cancelWake = undefined
      void this.caughtUp()
    })
  }
}
