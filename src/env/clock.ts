// Clock: the cluster's time. RealClock follows the wall (optionally faster); virtual-clock.ts has the one tests use.
// Timers that are due together fire in the order in which they were asked for.

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
