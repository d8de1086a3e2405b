// Waiters: those who wait for something to change. Used by pipes, terminals, ends of processes: whatever changes tells them,
// and each asks again whether it is over.

import type { Cancel } from '../../src/env/clock.ts'
import type { Wait } from './wait.ts'

export class Waiters {
  readonly #wakes = new Set<() => void>()

  until(isOver: () => boolean): Wait {
    return { isOver, park: wake => this.park(wake) }
  }

  park(wake: () => void): Cancel {
    // Two waits may share one wake: each has its own place.
    const own = () => wake()
    this.#wakes.add(own)
    return () => void this.#wakes.delete(own)
  }

  tell(): void {
    if (this.#wakes.size === 0) return
    const wakes = [...this.#wakes]
    this.#wakes.clear()
    for (const wake of wakes) wake()
  }
}

/** Over at once: a process that yields it lets others run. */
export const turn: Wait = Object.freeze({
  isOver: () => true,
  park(wake: () => void) {
    wake()
    return () => {}
  },
})

/** Over at once, and counts for what was moved: some bytes a step. Whoever reads or writes without end is slowed by it. */
export function moved(bytes: number, perStep: number): Wait {
  const cost = Math.ceil(bytes / perStep)
  return cost <= 1 ? turn : { ...turn, cost }
}

/** Bytes of files, pipes and clients' streams that count as a step; those of logs, which nobody's reading slows, count for more. */
export const fileBytes = 2048
export const logBytes = 16

/** Until one of them is over. */
export function either(one: Wait, other: Wait): Wait {
  return {
    isOver: () => one.isOver() || other.isOver(),
    park(wake) {
      let isDone = false
      const once = () => {
        if (isDone) return
        cancel()
        wake()
      }
      const [first, second] = [one.park(once), other.park(once)]
      function cancel(): void {
        isDone = true
        first()
        second()
      }
      return cancel
    },
  }
}
