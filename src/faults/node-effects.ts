// Nodes that are slow, whose disks are full or whose clocks are wrong. Of several faults the slowest counts, and skews add up.

import type { FakeNodes } from '../../kubelet-sim/index.ts'
import { noTrouble, type Trouble } from '../../kubelet-sim/node-troubles.ts'
import { parseDuration } from '../api/duration.ts'
import type { ActiveFault, Effect, Struck } from './effect.ts'

const troubling: ReadonlySet<string | undefined> = new Set(['Slow', 'DiskFull', 'Skewed'])

export function nodeEffects(nodes: Pick<FakeNodes, 'trouble'>, struck: Struck): Effect {
  const troubled = new Map<string, Set<string>>()
  return {
    carryOut(active) {
      const wanted = new Map<string, { trouble: Trouble; faults: Set<string> }>()
      for (const { fault, spec } of active) {
        if (!troubling.has(spec.nodes?.effect)) continue
        for (const name of spec.nodes!.names) {
          const { trouble, faults } = wanted.get(name) ?? { trouble: noTrouble, faults: new Set<string>() }
          wanted.set(name, { trouble: worse(trouble, spec.nodes!), faults: faults.add(fault) })
        }
      }
      for (const name of new Set([...troubled.keys(), ...wanted.keys()])) {
        const { trouble, faults } = wanted.get(name) ?? { trouble: noTrouble, faults: new Set<string>() }
        const before = troubled.get(name) ?? new Set()
        nodes.trouble(name, trouble)
        if (faults.size === 0) troubled.delete(name)
        else troubled.set(name, faults)
        for (const fault of faults) if (!before.has(fault)) struck(fault, `node ${name}`)
      }
    },
  }
}

function worse(trouble: Trouble, { effect, factor = 10, skew }: NonNullable<ActiveFault['spec']['nodes']>): Trouble {
  switch (effect) {
    case 'Slow':
      return { ...trouble, slowness: Math.max(trouble.slowness, factor) }
    case 'DiskFull':
      return { ...trouble, isDiskFull: true }
    default:
      return { ...trouble, skew: trouble.skew + skewOf(skew ?? '0s') }
  }
}

/** `5m`, `-30s` */
function skewOf(text: string): number {
  const span = parseDuration(text.replace(/^-/, '')) ?? 0
  return text.startsWith('-') ? -span : span
}
