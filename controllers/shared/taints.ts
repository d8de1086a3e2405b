// Taints and who stands them. Pure. Rules: staging/src/k8s.io/component-helpers/scheduling/corev1/helpers.go.

import type { Node, Taint, Toleration } from '../../generated/types.ts'
import { isConditionTrue } from '../../src/api/conditions.ts'
import type { Frozen } from '../../src/api/meta.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'
/** Put there by whoever knows that the machine is off. */
export const outOfServiceTaint = 'node.kubernetes.io/out-of-service'

export function isNodeReady({ status }: Pick<Frozen<Node>, 'status'>): boolean {
  return isConditionTrue(status.conditions, 'Ready')
}

export function evictingTaints(node: Frozen<Node> | undefined): readonly Frozen<Taint>[] {
  return node?.spec.taints?.filter(({ effect }) => effect === 'NoExecute') ?? []
}

export function tolerates(toleration: Frozen<Toleration>, taint: Frozen<Taint>): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key && toleration.key !== taint.key) return false
  if (toleration.operator === 'Exists') return true
  if (!toleration.key) return false
  return (toleration.operator ?? 'Equal') === 'Equal' && (toleration.value ?? '') === (taint.value ?? '')
}
