// NodeAffinity: nodeSelector and required node affinity must hold, preferred affinity counts
// (plugins/nodeaffinity/node_affinity.go).

import type { Node, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { type NodeLike, type NodeTest, namedNodes, nodeTest, requiredNodes } from '../node-selection.ts'
import { type Change, type Judge, normalizeToHighest, type Plugin } from '../plugin.ts'

const refusal = { reasons: ["node(s) didn't match Pod's node affinity/selector"], isFinal: true }

export const nodeAffinity: Plugin = {
  name: 'NodeAffinity',
  weight: 2,
  wakes: [Nodes],
  helps: (pod, { now, before }: Change<Node>) => {
    if (now === undefined) return false
    const isWanted = requiredNodes(pod)
    return isWanted === undefined || (isWanted(likeOf(now)) && (before === undefined || !isWanted(likeOf(before))))
  },
  prepare: pod => {
    const isWanted = requiredNodes(pod)
    const preferences = preferencesOf(pod)
    return {
      only: namedNodes(pod),
      ...(isWanted && { filter: node => (isWanted(node) ? undefined : refusal) }),
      ...(preferences.length > 0 && scoring(preferences)),
    }
  },
}

const likeOf = ({ metadata }: Frozen<Node>): NodeLike => ({ name: metadata.name, labels: metadata.labels ?? {} })

interface Preference {
  readonly weight: number
  readonly holds: NodeTest
}

function preferencesOf(pod: Frozen<Pod>): readonly Preference[] {
  const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  return terms.map(({ weight, preference }) => ({ weight, holds: nodeTest(preference) }))
}

function scoring(preferences: readonly Preference[]): Judge {
  return {
    score: node => {
      let sum = 0
      for (const { weight, holds } of preferences) if (holds(node)) sum += weight
      return sum
    },
    normalize: scores => normalizeToHighest(scores, false),
  }
}
