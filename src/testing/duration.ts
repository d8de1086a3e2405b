// Spans of time in the library's words: `500ms`, `10s`, `1h30m`, `7d`. Called by cluster.ts and listening.ts.

import type { Millis } from '../env/clock.ts'

/** Every unit with a number before it, added up, in milliseconds. Throws an Error for anything else. */
export function millis(text: string): Millis {
  const units: Record<string, Millis> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') throw new Error(`not a duration: "${text}"`)
  return parts.reduce((total, [, count, unit]) => total + Number(count) * units[unit!]!, 0)
}
