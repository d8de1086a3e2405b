// matchLabelKeys of affinity terms and spread constraints become part of their selectors when a pod is made, with the
// values of its own labels (mutatePodAffinity, mutateTopologySpreadConstraints in pkg/registry/core/pod/strategy.go).

import type { LabelSelector, Pod } from '../../generated/types.ts'

export function mergeLabelKeys({ spec, metadata: { labels } }: Pod): void {
  if (!labels) return
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    if (!affinity) continue
    const terms = [
      ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(each => each.podAffinityTerm),
      ...(affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ]
    for (const { labelSelector, matchLabelKeys, mismatchLabelKeys } of terms) {
      narrow(labelSelector, matchLabelKeys, 'In', labels)
      narrow(labelSelector, mismatchLabelKeys, 'NotIn', labels)
    }
  }
  for (const { labelSelector, matchLabelKeys } of spec.topologySpreadConstraints ?? []) {
    narrow(labelSelector, matchLabelKeys, 'In', labels)
  }
}

function narrow(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): void {
  if (!selector || !keys) return
  for (const key of keys) {
    const value = labels[key]
    if (value === undefined) continue
    selector.matchExpressions ??= []
    selector.matchExpressions.push({ key, operator, values: [value] })
  }
}
