// What a container that is told of takes while it runs: memory and processor as lines between points in time, so that nothing
// has to be counted along. Read by the kubelet (top, eviction, who is killed for its memory) with the milliseconds since
// the container was started.

import type { Millis } from '../../src/env/clock.ts'

/** Before the first point as at it, between two on the line between them, after the last as at that. */
export interface UsagePoint {
  readonly at: Millis
  /** Bytes. */
  readonly memory: number
  /** Millicores. */
  readonly cpu: number
}

export interface Usage {
  readonly memory: number
  readonly cpu: number
}

/** Of a program of which nothing else is known. */
export const idleUsage: readonly UsagePoint[] = Object.freeze([{ at: 0, memory: 2_500_000, cpu: 0 }])

export function usageAt(points: readonly UsagePoint[], at: Millis): Usage {
  let before = points[0]
  if (before === undefined) return { memory: 0, cpu: 0 }
  for (const point of points) {
    if (point.at > at) {
      if (before.at >= point.at || at <= before.at) return before
      const part = (at - before.at) / (point.at - before.at)
      return {
        memory: Math.round(before.memory + (point.memory - before.memory) * part),
        cpu: Math.round(before.cpu + (point.cpu - before.cpu) * part),
      }
    }
    before = point
  }
  return before
}

/** The first moment at which it takes more memory than `limit` bytes; undefined: never. */
export function memoryPasses(points: readonly UsagePoint[], limit: number): Millis | undefined {
  let before: UsagePoint | undefined
  for (const point of points) {
    if (point.memory > limit) {
      if (before === undefined || before.at >= point.at) return Math.max(0, point.at)
      const part = (limit - before.memory) / (point.memory - before.memory)
      return Math.min(point.at, Math.floor(before.at + (point.at - before.at) * part) + 1)
    }
    before = point
  }
  return undefined
}
