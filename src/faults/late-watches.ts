// Watches whose events come late. Of several faults the latest counts; when none is left, what is under way comes at once.

import type { Registry } from '../../apiserver/registry/registry.ts'
import { parseDuration } from '../api/duration.ts'
import type { Effect, Struck } from './effect.ts'

export function lateWatches(registry: Registry, struck: Struck): Effect {
  let late: ReadonlySet<string> = new Set()
  return {
    carryOut(active) {
      const delays = active.flatMap(({ fault, spec: { watches } }) =>
        watches?.delay === undefined
          ? []
          : [{ fault, resources: watches.resources ?? [], delay: parseDuration(watches.delay) ?? 0 }],
      )
      if (delays.length === 0 && late.size === 0) return
      const before = late
      late = new Set(delays.map(({ fault }) => fault))
      registry.delayWatches(resource =>
        delays.reduce(
          (most, { resources, delay }) =>
            resources.length === 0 || resources.includes(resource) ? Math.max(most, delay) : most,
          0,
        ),
      )
      for (const { fault, resources } of delays) {
        if (!before.has(fault)) struck(fault, `watches of ${resources.join(', ') || 'everything'}`)
      }
    },
  }
}
