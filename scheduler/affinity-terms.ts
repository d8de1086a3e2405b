// What a pod's affinity and anti-affinity say of other pods, read once a pod. Called by the snapshot, which counts the pods
// that say the same, and by plugins/inter-pod-affinity.ts. Namespaces and selectors are as in
// k8s.io/kube-scheduler/framework (AffinityTerm): without any namespaces a term means those of the pod's own.

import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '../generated/types.ts'
import { type LabelSelectorLike, type Labels, type Selector, selectorFromLabelSelector } from '../src/api/labels.ts'
import type { Frozen } from '../src/api/meta.ts'

export type TermRole = 'requiredAffinity' | 'requiredAntiAffinity' | 'preferredAffinity' | 'preferredAntiAffinity'
export type PodAffinities = Readonly<Record<TermRole, readonly AffinityTerm[]>>
export type NamespaceLabels = (namespace: string) => Labels | undefined

/** One term; two with the same key mean the same. */
export class AffinityTerm {
  readonly key: string
  readonly topologyKey: string
  /** Of a preferred term; 0 for a required one. */
  readonly weight: number
  readonly selector: Selector
  readonly #namespaces: ReadonlySet<string>
  readonly #namespaceSelector: Selector | undefined

  constructor(term: Frozen<PodAffinityTerm>, weight: number, owner: Frozen<Pod>) {
    const { namespaces = [], namespaceSelector, topologyKey } = term
    const isOwn = namespaces.length === 0 && namespaceSelector === undefined
    this.topologyKey = topologyKey
    this.weight = weight
    this.selector = selectorFromLabelSelector(withLabelKeys(term, owner))
    this.#namespaces = new Set(isOwn ? [owner.metadata.namespace ?? ''] : namespaces)
    this.#namespaceSelector = namespaceSelector === undefined ? undefined : selectorFromLabelSelector(namespaceSelector)
    const where = [...this.#namespaces].sort().join()
    // A selector that matches nothing has no text of its own.
    const isNone = term.labelSelector === undefined
    this.key = JSON.stringify([
      topologyKey,
      weight,
      where,
      this.#namespaceSelector?.toString() ?? null,
      isNone ? null : this.selector.toString(),
    ])
  }

  /** Whether labels of namespaces decide. */
  get looksAtNamespaces(): boolean {
    return this.#namespaceSelector !== undefined
  }

  matches({ metadata: { namespace = '', labels } }: Frozen<Pod>, labelsOf: NamespaceLabels): boolean {
    if (!this.#namespaces.has(namespace)) {
      if (this.#namespaceSelector === undefined) return false
      const selector = this.#namespaceSelector
      if (!selector.isEmpty && !selector.matches(labelsOf(namespace))) return false
    }
    return this.selector.matches(labels)
  }
}

/** Undefined for most pods, which say nothing of others. */
export function affinityOf(pod: Frozen<Pod>): PodAffinities | undefined {
  const { affinity } = pod.spec
  if (affinity === undefined) return undefined
  const { podAffinity, podAntiAffinity } = affinity
  if (podAffinity === undefined && podAntiAffinity === undefined) return undefined
  const required = (terms: readonly Frozen<PodAffinityTerm>[] = []) => terms.map(term => new AffinityTerm(term, 0, pod))
  const preferred = (terms: readonly Frozen<WeightedPodAffinityTerm>[] = []) =>
    terms.map(({ podAffinityTerm, weight }) => new AffinityTerm(podAffinityTerm, weight, pod))
  return {
    requiredAffinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAntiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  }
}

/** `matchLabelKeys` and `mismatchLabelKeys` add the pod's own values of those labels (pkg/registry/core/pod/strategy.go). */
function withLabelKeys(
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: Frozen<PodAffinityTerm>,
  owner: Frozen<Pod>,
): LabelSelectorLike | undefined {
  if (labelSelector === undefined || matchLabelKeys.length + mismatchLabelKeys.length === 0) return labelSelector
  const labels = owner.metadata.labels ?? {}
  const added = (keys: readonly string[], operator: string) =>
    keys.flatMap(key => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]))
  return {
    matchLabels: labelSelector.matchLabels,
    matchExpressions: [
      ...(labelSelector.matchExpressions ?? []),
      ...added(matchLabelKeys, 'In'),
      ...added(mismatchLabelKeys, 'NotIn'),
    ],
  }
}
