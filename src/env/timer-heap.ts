// TimerHeap: what is due when, for both clocks. The earliest comes out first; among those due together, the one that was
// asked for first. Every operation is O(log n), taking back included.

import type { Cancel, Millis } from './clock.ts'

interface Timer {
  readonly due: Millis
  /** Counts askings: what makes the order stable. */
  readonly turn: number
  readonly run: () => void
  /** Where it stands in the heap; -1 once it is out. */
  place: number
}

export class TimerHeap {
  readonly #heap: Timer[] = []
  #turns = 0

  get size(): number {
    return this.#heap.length
  }

  /** When the next timer is due; undefined when there is none. */
  get nextDue(): Millis | undefined {
    return this.#heap[0]?.due
  }

  add(due: Millis, run: () => void): Cancel {
    const timer: Timer = { due, turn: this.#turns++, run, place: this.#heap.length }
    this.#heap.push(timer)
    this.#rise(timer)
    return () => {
      if (timer.place >= 0) this.#remove(timer)
    }
  }

  /** How many timers were ever asked for. */
  get asked(): number {
    return this.#turns
  }

  /** Takes out the next timer that is due by `now`; of those only that were asked for before there were `asked`. */
  take(now: Millis, asked = Infinity): (() => void) | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.due > now || first.turn >= asked) return undefined
    this.#remove(first)
    return first.run
  }

  clear(): void {
    for (const timer of this.#heap) timer.place = -1
    this.#heap.length = 0
  }

  #remove(timer: Timer): void {
    const { place } = timer
    const last = this.#heap.pop()!
    timer.place = -1
    if (last === timer) return
    last.place = place
    this.#heap[place] = last
    this.#rise(last)
    this.#sink(last)
  }

  #rise(timer: Timer): void {
    while (timer.place > 0) {
      const parent = this.#heap[(timer.place - 1) >> 1]!
      if (!isBefore(timer, parent)) return
      this.#swap(timer, parent)
    }
  }

  #sink(timer: Timer): void {
    for (;;) {
      const left = this.#heap[2 * timer.place + 1]
      if (left === undefined) return
      const right = this.#heap[2 * timer.place + 2]
      const child = right !== undefined && isBefore(right, left) ? right : left
      if (!isBefore(child, timer)) return
      this.#swap(child, timer)
    }
  }

  #swap(one: Timer, other: Timer): void {
    const { place } = one
    one.place = other.place
    other.place = place
    this.#heap[one.place] = one
    this.#heap[other.place] = other
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.due < other.due || (one.due === other.due && one.turn < other.turn)
}
