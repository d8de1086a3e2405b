// NodeUnschedulable: a cordoned node takes only pods that tolerate being there
// (plugins/nodeunschedulable/node_unschedulable.go).

import type { Node } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/node.ts'
import type { Change, Plugin } from '../plugin.ts'
import { isTolerated } from '../tolerations.ts'

const refusal = { reasons: ['node(s) were unschedulable'], isFinal: true }
const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }

export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  wakes: [Nodes],
  helps: (_, { now, before }: Change<Node>) =>
    now !== undefined && !now.spec.unschedulable && (before === undefined || before.spec.unschedulable === true),
  prepare: pod =>
    isTolerated(taint, pod.spec.tolerations)
      ? {}
      : { filter: ({ node }) => (node.spec.unschedulable ? refusal : undefined) },
}
