// What a container is promised and may take at most, as its control group and the kernel know it: of its resources, once when its
// machine is made and again when the pod is resized (pkg/kubelet/cm/helpers_linux.go, pkg/kubelet/qos/policy.go).

import type { Container, Pod, ResourceRequirements } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { milliValue, wholeValue } from '../../src/api/quantity.ts'

export interface Shares {
  /** Bytes; undefined: no limit but the node's. */
  readonly memory: number | undefined
  /** Millicores. */
  readonly cpu: number | undefined
  /** By which CPU is shared out among those who want it: 1024 stands for one core that is requested. */
  readonly cpuShares: number
}

export function sharesOf(resources: Frozen<ResourceRequirements> | undefined): Shares {
  const { limits, requests } = resources ?? {}
  const cpu = limits?.cpu === undefined ? undefined : milliValue(limits.cpu)
  const requested = requests?.cpu === undefined ? 0 : milliValue(requests.cpu)
  const promised = requested === 0 ? (cpu ?? 0) : requested
  return {
    memory: limits?.memory === undefined ? undefined : wholeValue(limits.memory),
    cpu,
    cpuShares: Math.min(262_144, Math.max(2, Math.floor((promised * 1024) / 1000))),
  }
}

/** As runc turns shares into a weight of cgroup v2 since 1.3.2 (opencontainers/cgroups ConvertCPUSharesToCgroupV2Value). */
export function cpuWeight({ cpuShares }: Shares): number {
  if (cpuShares <= 2) return 1
  if (cpuShares >= 262_144) return 10_000
  const doublings = Math.log2(cpuShares)
  return Math.ceil(10 ** ((doublings ** 2 + 125 * doublings) / 612 - 7 / 34))
}

/** Microseconds of each 100 ms. */
export function cpuQuota(millicores: number): number {
  return Math.max(1000, Math.floor(millicores * 100))
}

/** Who is killed first when the node's memory is at its end: 1000 before 0. */
export function oomScoreAdjust(
  { metadata, spec, status }: Frozen<Pod>,
  { resources }: Frozen<Container>,
  nodeMemory: number,
): number {
  const isStatic = metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined
  if (isStatic || (spec.priority ?? 0) >= 2_000_000_000 || status.qosClass === 'Guaranteed') return -997
  if (status.qosClass === 'BestEffort') return 1000
  const requested = resources?.requests?.memory === undefined ? 0 : wholeValue(resources.requests.memory)
  const score = 1000 - Math.floor((1000 * requested) / nodeMemory)
  return Math.min(999, Math.max(3, score))
}
