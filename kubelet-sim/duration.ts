// Spans of time as Go prints and reads them: `1.2s`, `1m20s`, `5m0s`. Used in event messages, which carry Go's own form,
// and in kubesim.dev/* labels and annotations.

import type { Millis } from '../src/env/clock.ts'

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

const units: Readonly<Record<string, Millis>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `1m30s`, `500ms`, or a bare number of seconds; undefined for anything else. */
export function parseDuration(text: string): Millis | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d))+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * units[unit!]!
  return total
}
