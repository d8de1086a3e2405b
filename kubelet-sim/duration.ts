// Spans of time as Go prints them, `1.2s`, `1m20s`, `5m0s`: event messages carry Go's own form. How they are read: src/api/duration.ts.

import type { Millis } from '../src/env/clock.ts'

export { parseDuration } from '../src/api/duration.ts'

/** As Go's time.Duration prints a span cut to milliseconds. */
export function goDuration(span: Millis): string {
  const millis = Math.trunc(span)
  if (millis === 0) return '0s'
  if (millis < 1000) return `${millis}ms`
  const hours = Math.trunc(millis / 3_600_000)
  const minutes = Math.trunc(millis / 60_000) % 60
  const seconds = (millis % 60_000) / 1000
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`
}
