// How much of its node's disk a pod may take, and in which words it goes when that is too little: the sizeLimits of its
// emptyDirs, and its containers' limits of ephemeral-storage (pkg/kubelet/eviction/eviction_manager.go localStorageEviction).
// Asked when something is written (machine/volumes/pod-disk.ts), or told beforehand (stages/storage-exceeded.ts); pure.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { parseQuantity, type Quantity } from '../../src/api/quantity.ts'
import type { Millis } from '../../src/env/clock.ts'
import { aggregate } from '../../src/kinds/pod-resources.ts'
import type { Eviction } from './evictions.ts'

/** monitoringInterval: so often a kubelet looks. */
const lookEvery: Millis = 10_000
const resource = 'ephemeral-storage'

export interface StorageLimits {
  /** By name, in the pod's order. */
  readonly volumes: ReadonlyMap<string, Quantity>
  readonly containers: ReadonlyMap<string, Quantity>
  readonly total: Quantity | undefined
}

/** undefined: it may take what there is. */
export function storageLimitsOf({ spec }: Frozen<Pod>): StorageLimits | undefined {
  const volumes = new Map<string, Quantity>()
  for (const { name, emptyDir } of spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit === undefined ? undefined : parseQuantity(emptyDir.sizeLimit)
    if (limit !== undefined && limit.value() > 0) volumes.set(name, limit)
  }
  const containers = new Map<string, Quantity>()
  for (const { name, resources } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const limit = resources?.limits?.[resource]
    if (limit !== undefined) containers.set(name, parseQuantity(limit))
  }
  if (volumes.size === 0 && containers.size === 0) return undefined
  return { volumes, containers, total: aggregate(spec, 'limits').get(resource) }
}

/** In bytes. */
export interface StorageUse {
  volume(name: string): number
  /** Its files and its logs. */
  container(name: string): number
  readonly total: number
}

/** What is taken beyond its limit, as the pod is told; undefined: nothing is. */
export function storageFault(limits: StorageLimits, use: StorageUse): string | undefined {
  for (const [name, limit] of limits.volumes) {
    if (use.volume(name) > limit.value()) {
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit.toString())}. `
    }
  }
  if (limits.total !== undefined && use.total > limits.total.value()) {
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${limits.total}. `
  }
  for (const [name, limit] of limits.containers) {
    if (use.container(name) > limit.value()) {
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit.toString())}. `
    }
  }
  return undefined
}

/** How a pod goes that has taken more than it may: at once, and nobody counts it as a disruption. */
export function evictionFor(message: string): Eviction {
  return { grace: 1000, reason: 'Evicted', message, event: { type: 'Warning', reason: 'Evicted', message } }
}

/** When the kubelet looks next after something has happened. */
export function nextLook(at: Millis): Millis {
  return (Math.floor(at / lookEvery) + 1) * lookEvery
}
