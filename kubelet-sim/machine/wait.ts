// Wait: what a program of a simulated container waits for. A program is a generator that yields these; the kernel lets it
// go on once one is over, and can end it wherever it waits. Nothing of it is a promise: who runs when is the kernel's to say.

import type { Cancel } from '../../src/env/clock.ts'

export interface Wait {
  /** Whether it is over; asked before anyone is put to rest for it. Changes nothing. */
  isOver(): boolean
  /** Calls `wake` once it may be over, at most once and never synchronously within `park`; the waiter asks again. */
  park(wake: () => void): Cancel
  /** How many steps it counts for; default 1. */
  readonly cost?: number
}

/** A step of a program: it yields what it waits for and returns what it found. Called with `yield*`. */
export type Step<T> = Generator<Wait, T, void>
