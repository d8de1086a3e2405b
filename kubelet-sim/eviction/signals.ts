// What an eviction manager looks at: how much of the node's memory, disk and process numbers is left, and from where on that
// is too little (the kubelet's own thresholds: pkg/kubelet/apis/config/v1beta1 DefaultEvictionHard). Pure.

import type { Container, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import type { Pressure } from '../node-states.ts'

export type Resource = 'memory' | 'ephemeral-storage' | 'pids'

export interface Signal {
  readonly resource: Resource
  readonly pressure: Pressure
  /** How much of a node's capacity has to be left. */
  threshold(capacity: number): number
}

/** In the order in which they are dealt with: memory before all. */
export const signals: readonly Signal[] = [
  { resource: 'memory', pressure: 'MemoryPressure', threshold: () => 100 * 1024 * 1024 },
  // Images and containers share one file system, and images want more of it: imagefs.available<15%.
  { resource: 'ephemeral-storage', pressure: 'DiskPressure', threshold: capacity => Math.floor(capacity * 0.15) },
  { resource: 'pids', pressure: 'PIDPressure', threshold: capacity => Math.floor(capacity * 0.1) },
]

/** Linux's pid_max on a machine of this size. */
export const mostProcesses = 32_768

export interface ContainerUse {
  readonly spec: Frozen<Container>
  readonly used: number
}

export interface Candidate {
  readonly pod: Frozen<Pod>
  readonly containers: readonly ContainerUse[]
}

/**
 * Whose turn it is to go, first: those that use more than they request, then those of lower priority, then those that use
 * most over their request (pkg/kubelet/eviction/helpers.go rankMemoryPressure and rankDiskPressureFunc; rankPIDPressure
 * knows no requests). Those that are critical never go.
 */
export function ranked(candidates: readonly Candidate[], resource: Resource): readonly Candidate[] {
  const facts = candidates
    .filter(({ pod, containers }) => containers.length > 0 && !isCritical(pod))
    .map(candidate => {
      const used = candidate.containers.reduce((sum, each) => sum + each.used, 0)
      const over = used - candidate.pod.spec.containers.reduce((sum, each) => sum + requestOf(each, resource), 0)
      return { candidate, over, exceeds: resource !== 'pids' && over > 0, priority: candidate.pod.spec.priority ?? 0 }
    })
  facts.sort(
    (a, b) => Number(b.exceeds) - Number(a.exceeds) || a.priority - b.priority || b.over - a.over || byName(a, b),
  )
  return facts.map(({ candidate }) => candidate)
}

const byName = (a: { candidate: Candidate }, b: { candidate: Candidate }): number =>
  keyOf(a.candidate.pod) < keyOf(b.candidate.pod) ? -1 : 1
const keyOf = ({ metadata }: Frozen<Pod>): string => `${metadata.namespace}/${metadata.name}`

export function requestOf({ resources }: Frozen<Container>, resource: Resource): number {
  const request = resources?.requests?.[resource]
  return request === undefined ? 0 : wholeValue(request)
}

/** pkg/kubelet/types/pod_update.go IsCriticalPod. */
export function isCritical({ metadata, spec }: Frozen<Pod>): boolean {
  const source = metadata.annotations?.['kubernetes.io/config.source']
  return (source !== undefined && source !== 'api') || (spec.priority ?? 0) >= 2_000_000_000
}
