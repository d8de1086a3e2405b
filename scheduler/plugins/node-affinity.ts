// NodeAffinity: nodeSelector and required node affinity must hold, preferred affinity counts
// (plugins/nodeaffinity/node_affinity.go).

import type { Node, NodeAffinity, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { type NodeLike, type NodeTest, namedNodes, nodeTest, requiredNodes } from '../../src/api/node-selection.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { type Change, type Judge, normalizeToHighest, type Plugin } from '../plugin.ts'

const refusal = { reasons: ["node(s) didn't match Pod's node affinity/selector"], isFinal: true }

const outsideAdded = { reasons: ["node(s) didn't match scheduler-enforced node affinity"], isFinal: true }

export interface NodeAffinityArgs {
  /** Asked of every pod besides its own. */
  readonly addedAffinity?: Frozen<NodeAffinity>
}

export function nodeAffinityWith({ addedAffinity }: NodeAffinityArgs): Plugin {
  if (addedAffinity === undefined) return nodeAffinity
  const terms = addedAffinity.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms.map(nodeTest)
  const added = preferencesIn(addedAffinity)
  return {
    ...nodeAffinity,
    prepare: (pod, snapshot) => {
      const judge = nodeAffinity.prepare(pod, snapshot)
      const preferences = [...added, ...preferencesOf(pod)]
      return {
        ...judge,
        filter: node => (terms !== undefined && !terms.some(test => test(node)) ? outsideAdded : judge.filter?.(node)),
        ...(preferences.length > 0 && scoring(preferences)),
      }
    },
  }
}

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

const preferencesOf = (pod: Frozen<Pod>): readonly Preference[] => preferencesIn(pod.spec.affinity?.nodeAffinity)

function preferencesIn(affinity: Frozen<NodeAffinity> | undefined): readonly Preference[] {
  const terms = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
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
