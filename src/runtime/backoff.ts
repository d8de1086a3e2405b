// Back-off: how long the n-th failure in a row waits. Pure; the queue keeps the counts, the clock does the waiting.

import type { Millis } from '../env/clock.ts'

/** The wait after the n-th failure in a row, counted from 0. */
export type Backoff = (failures: number) => Millis

/** Doubles from `first` up to `limit`. */
export function exponential(first: Millis, limit: Millis): Backoff {
  return failures => Math.min(limit, first * 2 ** Math.min(failures, 64))
}

/** 5 ms, 10 ms, … 1000 s: what client-go gives the items of a queue (util/workqueue/default_rate_limiters.go). */
export const itemBackoff: Backoff = exponential(5, 1_000_000)

/** 0.8 s, 1.6 s, … 30 s, before jitter: what client-go's reflector waits between lists (tools/cache/reflector.go). */
export const listBackoff: Backoff = exponential(800, 30_000)
