// /stats/summary of a kubelet (k8s.io/kubelet/pkg/apis/stats/v1alpha1): what its node and each of its pods take.

import type { Container, Node, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { wholeValue } from '../src/api/quantity.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import type { DiskUse } from './machine/volumes/pod-disk.ts'
import { type Measuring, runningIn, systemUsage } from './measuring.ts'

export interface NodeStats {
  readonly node: Frozen<Node>
  readonly pods: readonly Frozen<Pod>[]
  readonly now: Millis
  readonly measuring: Measuring
  /** What a pod has written, where that is known. */
  diskUse?(uid: string): DiskUse | undefined
}

export interface ContainerStats {
  readonly pod: Frozen<Pod>
  readonly spec: Frozen<Container>
  readonly since: Millis
  readonly nanoCores: number
  readonly coreSeconds: number
  readonly memory: number
}

/** Of each container that runs, in the order of the pods. */
export function containerStats({ pods, now, measuring }: NodeStats): readonly ContainerStats[] {
  return pods.flatMap(pod =>
    (runningIn(pod) ?? []).map(({ spec, since }) => {
      const { cpu, memory } = measuring.container(pod, spec, now)
      const coreSeconds = measuring.cpuSeconds(pod, spec, now)
      return { pod, spec, since, nanoCores: Math.round(cpu * 1e6), coreSeconds, memory }
    }),
  )
}

export const nodeStart = ({ node }: NodeStats): Millis => Date.parse(node.metadata.creationTimestamp ?? '') || 0
export const systemCoreSeconds = (stats: NodeStats): number => (systemUsage.cpu * (stats.now - nodeStart(stats))) / 1e6

export function statsSummary(stats: NodeStats, onlyCpuAndMemory: boolean): object {
  const { node, now } = stats
  const time = rfc3339(now)
  const containers = containerStats(stats)
  const total = (of: (each: ContainerStats) => number): number => containers.reduce((sum, each) => sum + of(each), 0)
  const capacity = wholeValue(node.status.capacity?.memory ?? '0')
  const used = systemUsage.memory + total(({ memory }) => memory)
  const disk = wholeValue(node.status.capacity?.['ephemeral-storage'] ?? '0')
  const images = (node.status.images ?? []).reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0)
  const fileSystem = { time, availableBytes: disk - images, capacityBytes: disk, usedBytes: images }
  return {
    node: {
      nodeName: node.metadata.name,
      startTime: rfc3339(nodeStart(stats)),
      cpu: {
        time,
        usageNanoCores: Math.round(systemUsage.cpu * 1e6) + total(({ nanoCores }) => nanoCores),
        usageCoreNanoSeconds: nanos(systemCoreSeconds(stats) + total(({ coreSeconds }) => coreSeconds)),
      },
      memory: { time, availableBytes: capacity - used, usageBytes: used, workingSetBytes: used, rssBytes: used },
      ...(onlyCpuAndMemory ? {} : { fs: fileSystem, runtime: { imageFs: fileSystem, containerFs: fileSystem } }),
    },
    pods: stats.pods.flatMap(pod => {
      const own = containers.filter(each => each.pod === pod)
      if (own.length === 0) return []
      const sum = (of: (each: ContainerStats) => number): number => own.reduce((all, each) => all + of(each), 0)
      const { name, namespace, uid } = pod.metadata
      const disk = onlyCpuAndMemory ? undefined : diskOf(pod, fileSystem, stats)
      return [
        {
          podRef: { name, namespace, uid },
          startTime: pod.status.startTime,
          containers: own.map(each => ({
            name: each.spec.name,
            startTime: rfc3339(each.since),
            cpu: { time, usageNanoCores: each.nanoCores, usageCoreNanoSeconds: nanos(each.coreSeconds) },
            memory: memoryOf(time, each.memory, each.spec.resources?.limits?.memory),
            ...disk?.ofContainer(each.spec.name),
          })),
          cpu: {
            time,
            usageNanoCores: sum(({ nanoCores }) => nanoCores),
            usageCoreNanoSeconds: nanos(sum(({ coreSeconds }) => coreSeconds)),
          },
          memory: memoryOf(
            time,
            sum(({ memory }) => memory),
            undefined,
          ),
          ...disk?.ofPod,
        },
      ]
    }),
  }
}

interface FileSystem {
  readonly time: string
  readonly availableBytes: number
  readonly capacityBytes: number
}

/** Its containers' layers and logs, and the volumes that are its own (pkg/kubelet/stats/cri_stats_provider.go). */
function diskOf({ metadata, spec }: Frozen<Pod>, disk: FileSystem, { diskUse }: NodeStats) {
  const use = diskUse?.(metadata.uid ?? '')
  const { time, availableBytes, capacityBytes } = disk
  const taken = (usedBytes: number) => ({ time, availableBytes, capacityBytes, usedBytes })
  const volumes = (spec.volumes ?? []).flatMap(({ name, emptyDir }) => {
    if (emptyDir === undefined) return []
    const { used = 0, isMemory = false } = use?.volumes.find(each => each.name === name) ?? {}
    return [{ name, used, isMemory }]
  })
  const containers = use?.containers ?? []
  const total =
    containers.reduce((sum, { files, log }) => sum + files + log, 0) +
    volumes.reduce((sum, { used, isMemory }) => sum + (isMemory ? 0 : used), 0)
  return {
    ofContainer(name: string) {
      const { files = 0, log = 0 } = containers.find(each => each.name === name) ?? {}
      return { rootfs: taken(files), logs: taken(log) }
    },
    ofPod: {
      ...(volumes.length > 0 ? { volume: volumes.map(({ name, used }) => ({ ...taken(used), name })) } : {}),
      'ephemeral-storage': taken(total),
    },
  }
}

const nanos = (seconds: number): number => Math.round(seconds * 1e9)

function memoryOf(time: string, bytes: number, limit: string | undefined): object {
  return {
    time,
    ...(limit === undefined ? {} : { availableBytes: Math.max(0, wholeValue(limit) - bytes) }),
    usageBytes: bytes,
    workingSetBytes: bytes,
    rssBytes: bytes,
    pageFaults: 0,
    majorPageFaults: 0,
  }
}
