// TaintNodesByCondition: a new node takes no pods until it has said that it is ready; the node lifecycle controller takes the
// taint off then (plugin/pkg/admission/nodetaint/admission.go). A node that is ready in its very first word, as a simulated one
// is, is spared the taint that would be taken off at once.

import type { Node } from '../../generated/types.ts'
import { Nodes } from '../../src/kinds/node.ts'
import type { Admission } from './admission.ts'

const key = 'node.kubernetes.io/not-ready'

export const taintNodesByCondition: Admission = {
  name: 'TaintNodesByCondition',
  concerns: kind => kind === Nodes,
  admit(draft, { operation, subresource }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const { spec, status } = draft as Node
    if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')) return
    if (spec.taints?.some(taint => taint.key === key && taint.effect === 'NoSchedule')) return
    spec.taints ??= []
    spec.taints.push({ key, effect: 'NoSchedule' })
  },
}
