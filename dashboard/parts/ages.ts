// How long ago, as kubectl says it: 12s, 5m3s, 3d. By the cluster's clock.

import { humanDuration, parseTime } from '../../src/api/time.ts'

export function age(time: string | null | undefined, now: number): string {
  if (!time) return '<unknown>'
  const at = parseTime(time)
  return Number.isFinite(at) ? humanDuration(Math.max(0, now - at)) : '<unknown>'
}
