// What a pod asks of a node: resources, host ports, and other pods nearby. Called once a pod by the snapshot, and by the plugins for the pod
// to be placed. The sums are those of k8s.io/component-helpers/resource/helpers.go (PodRequests).

import type { Container, Pod } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import type { Frozen } from '../src/api/meta.ts'
import { compareQuantities, milliValue, wholeValue } from '../src/api/quantity.ts'
import { affinityOf, type PodAffinities } from './affinity-terms.ts'

export interface Resources {
  milliCpu: number
  memory: number
  ephemeralStorage: number
  /** All others by name: extended resources, huge pages. */
  scalars: Map<string, number> | undefined
}

export interface HostPort {
  readonly ip: string
  readonly protocol: string
  readonly port: number
}

export interface PodNeeds {
  readonly requests: Resources
  /** As `requests`, but each container that names no CPU or memory is counted with a little, so that such pods spread. */
  readonly likelyMilliCpu: number
  readonly likelyMemory: number
  readonly hostPorts: readonly HostPort[]
  /** What it says of other pods; undefined when nothing. */
  readonly affinity: PodAffinities | undefined
}

// pkg/scheduler/util/pod_resources.go
const likelyContainerMilliCpu = 100
const likelyContainerMemory = 200 * 1024 * 1024

export function needsOf(pod: Frozen<Pod>): PodNeeds {
  const requests = podRequests(pod)
  const likely = podRequests(pod, true)
  return {
    requests,
    likelyMilliCpu: likely.milliCpu,
    likelyMemory: likely.memory,
    hostPorts: hostPortsOf(pod),
    affinity: affinityOf(pod),
  }
}

export function podRequests(pod: Frozen<Pod>, isLikely = false): Resources {
  const { containers, initContainers = [], overhead, resources } = pod.spec
  const sum = nothing()
  const listOf = heldBy(pod)
  for (const container of containers) addList(sum, listOf(container), isLikely)
  if (initContainers.length > 0) {
    // While an init container runs, so do the sidecars started before it; all sidecars run beside the containers.
    const sidecars = nothing()
    const peak = nothing()
    for (const container of initContainers) {
      const running = nothing()
      const list = listOf(container)
      addList(running, list, isLikely)
      add(running, sidecars)
      raise(peak, running)
      if (container.restartPolicy === 'Always') {
        addList(sum, list, isLikely)
        addList(sidecars, list, isLikely)
      }
    }
    raise(sum, peak)
  }
  const ofPod = resources?.requests
  if (ofPod !== undefined) {
    for (const name of Object.keys(ofPod)) {
      if (name === 'cpu' || name === 'memory' || name.startsWith('hugepages-')) set(sum, name, ofPod[name]!)
    }
  }
  if (overhead !== undefined) for (const name of Object.keys(overhead)) increase(sum, name, overhead[name]!)
  return sum
}

export function nothing(): Resources {
  return { milliCpu: 0, memory: 0, ephemeralStorage: 0, scalars: undefined }
}

/** A resource list as it stands in a spec or status. */
export function resourcesOf(list: Readonly<Record<string, string>> | undefined): Resources {
  const sum = nothing()
  if (list !== undefined) for (const name of Object.keys(list)) increase(sum, name, list[name]!)
  return sum
}

type List = Readonly<Record<string, string>>

/**
 * What a container asks for, or holds while it is being resized: the most of what is wanted, what it was given and what it
 * has; what cannot be had on its node is not counted (determineContainerReqs in component-helpers/resource/helpers.go).
 */
function heldBy({ status }: Frozen<Pod>): (container: Frozen<Container>) => List | undefined {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].filter(
    each => each.resources !== undefined,
  )
  if (statuses.length === 0) return ({ resources }) => resources?.requests
  const pending = findCondition(status.conditions, 'PodResizePending')
  const isInfeasible = pending?.status === 'True' && pending.reason === 'Infeasible'
  return ({ name, resources }) => {
    const found = statuses.find(each => each.name === name)
    if (found === undefined) return resources?.requests
    const held = most(found.resources?.requests ?? {}, found.allocatedResources ?? {})
    return isInfeasible ? held : most(resources?.requests ?? {}, held)
  }
}

function most(one: List, other: List): List {
  const result: Record<string, string> = { ...one }
  for (const name of Object.keys(other)) {
    const own = result[name]
    if (own === undefined || compareQuantities(other[name]!, own) > 0) result[name] = other[name]!
  }
  return result
}

function addList(sum: Resources, list: List | undefined, isLikely: boolean): void {
  if (list !== undefined) for (const name of Object.keys(list)) increase(sum, name, list[name]!)
  if (!isLikely) return
  if (list?.cpu === undefined) sum.milliCpu += likelyContainerMilliCpu
  if (list?.memory === undefined) sum.memory += likelyContainerMemory
}

function increase(sum: Resources, name: string, quantity: string): void {
  switch (name) {
    case 'cpu':
      sum.milliCpu += milliValue(quantity)
      break
    case 'memory':
      sum.memory += wholeValue(quantity)
      break
    case 'ephemeral-storage':
      sum.ephemeralStorage += wholeValue(quantity)
      break
    case 'pods':
      break
    default:
      sum.scalars ??= new Map()
      sum.scalars.set(name, (sum.scalars.get(name) ?? 0) + wholeValue(quantity))
  }
}

function set(sum: Resources, name: string, quantity: string): void {
  if (name === 'cpu') sum.milliCpu = milliValue(quantity)
  else if (name === 'memory') sum.memory = wholeValue(quantity)
  else {
    sum.scalars ??= new Map()
    sum.scalars.set(name, wholeValue(quantity))
  }
}

export function add(sum: Resources, other: Resources, sign: 1 | -1 = 1): void {
  sum.milliCpu += sign * other.milliCpu
  sum.memory += sign * other.memory
  sum.ephemeralStorage += sign * other.ephemeralStorage
  if (other.scalars === undefined) return
  sum.scalars ??= new Map()
  for (const [name, value] of other.scalars) sum.scalars.set(name, (sum.scalars.get(name) ?? 0) + sign * value)
}

function raise(peak: Resources, other: Resources): void {
  peak.milliCpu = Math.max(peak.milliCpu, other.milliCpu)
  peak.memory = Math.max(peak.memory, other.memory)
  peak.ephemeralStorage = Math.max(peak.ephemeralStorage, other.ephemeralStorage)
  if (other.scalars === undefined) return
  peak.scalars ??= new Map()
  for (const [name, value] of other.scalars) peak.scalars.set(name, Math.max(peak.scalars.get(name) ?? 0, value))
}

const noPorts: readonly HostPort[] = Object.freeze([])

function hostPortsOf(pod: Frozen<Pod>): readonly HostPort[] {
  let found: HostPort[] | undefined
  const collect = (container: Frozen<Container>): void => {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort === undefined || hostPort <= 0) continue
      found ??= []
      found.push({ ip: hostIP || '0.0.0.0', protocol: protocol || 'TCP', port: hostPort })
    }
  }
  for (const container of pod.spec.containers) collect(container)
  for (const container of pod.spec.initContainers ?? []) if (container.restartPolicy === 'Always') collect(container)
  return found ?? noPorts
}
