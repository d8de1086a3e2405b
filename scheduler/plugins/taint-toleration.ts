// TaintToleration: a taint keeps away pods that do not tolerate it; nodes with few taints that would rather not have the
// pod come first (plugins/tainttoleration/taint_toleration.go).

import type { Node } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { type Change, normalizeToHighest, type Plugin } from '../plugin.ts'
import { countUnwelcome, isKeptAway } from '../tolerations.ts'

// Since 1.34 the taint is not named: nodes with different taints count together.
const refusal = { reasons: ['node(s) had untolerated taint(s)'], isFinal: true }

export const taintToleration: Plugin = {
  name: 'TaintToleration',
  weight: 3,
  wakes: [Nodes],
  helps: (pod, { now, before }: Change<Node>) => {
    if (now === undefined) return false
    const { tolerations } = pod.spec
    if (isKeptAway(now.spec.taints ?? [], tolerations)) return false
    return before === undefined || isKeptAway(before.spec.taints ?? [], tolerations)
  },
  prepare: ({ spec: { tolerations } }) => ({
    filter: ({ taints }) => (taints.length > 0 && isKeptAway(taints, tolerations) ? refusal : undefined),
    score: ({ taints }) => (taints.length === 0 ? 0 : countUnwelcome(taints, tolerations)),
    normalize: scores => normalizeToHighest(scores, true),
  }),
}
