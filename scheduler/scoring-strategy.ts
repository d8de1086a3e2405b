// How used a node would be, as a score: LeastAllocated, MostAllocated, RequestedToCapacityRatio over any resources with
// weights (plugins/noderesources/{resource_allocation,least_allocated,most_allocated,requested_to_capacity_ratio}.go).
// Called by plugins/resources-fit.ts; the default strategy over CPU and memory has a short cut there.

import { highestScore } from './plugin.ts'
import type { PodNeeds, Resources } from './requests.ts'
import type { NodeView } from './snapshot.ts'

export interface ResourceWeight {
  readonly name: string
  readonly weight?: number
}

export interface ShapePoint {
  /** Of a hundred. */
  readonly utilization: number
  /** 0 to 10. */
  readonly score: number
}

export interface ScoringStrategy {
  readonly type?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio'
  readonly resources?: readonly ResourceWeight[]
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] }
}

export const cpuAndMemory: readonly ResourceWeight[] = Object.freeze([
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
])

export function strategyScore(strategy: ScoringStrategy, needs: PodNeeds): (node: NodeView) => number {
  const { type = 'LeastAllocated', resources = cpuAndMemory, requestedToCapacityRatio } = strategy
  const weights = resources.map(({ name, weight = 1 }) => ({ name, weight }))
  const isRatio = type === 'RequestedToCapacityRatio'
  const shape = isRatio ? brokenLine(requestedToCapacityRatio?.shape ?? []) : undefined
  const of = shape
    ? (used: number, all: number) => shape(utilization(used, all))
    : type === 'MostAllocated'
      ? most
      : least
  return node => {
    let sum = 0
    let weightSum = 0
    for (const { name, weight } of weights) {
      const capacity = amountOf(node.allocatable, name)
      const wanted = likelyAmount(needs, name)
      // What the pod does not ask for beyond CPU and memory is of no interest on this node.
      if (capacity === 0 || (wanted === 0 && !isNative(name))) continue
      const score = of(likelyUse(node, name) + wanted, capacity)
      if (isRatio && score <= 0) continue
      sum += score * weight
      weightSum += weight
    }
    if (weightSum === 0) return 0
    return isRatio ? Math.round(sum / weightSum) : Math.floor(sum / weightSum)
  }
}

export function amountOf(resources: Readonly<Resources>, name: string): number {
  switch (name) {
    case 'cpu':
      return resources.milliCpu
    case 'memory':
      return resources.memory
    case 'ephemeral-storage':
      return resources.ephemeralStorage
    default:
      return resources.scalars?.get(name) ?? 0
  }
}

const isNative = (name: string): boolean => name === 'cpu' || name === 'memory' || name === 'ephemeral-storage'

function likelyAmount({ requests, likelyMilliCpu, likelyMemory }: PodNeeds, name: string): number {
  return name === 'cpu' ? likelyMilliCpu : name === 'memory' ? likelyMemory : amountOf(requests, name)
}

function likelyUse({ requested, likelyMilliCpu, likelyMemory }: NodeView, name: string): number {
  return name === 'cpu' ? likelyMilliCpu : name === 'memory' ? likelyMemory : amountOf(requested, name)
}

const least = (used: number, capacity: number): number =>
  used > capacity ? 0 : Math.floor(((capacity - used) * highestScore) / capacity)

const most = (used: number, capacity: number): number =>
  Math.floor((Math.min(used, capacity) * highestScore) / capacity)

const utilization = (used: number, capacity: number): number =>
  used >= capacity ? 100 : Math.floor((used * 100) / capacity)

/** Straight from point to point, level before the first and after the last; whole numbers (helper/shape_score.go). */
function brokenLine(points: readonly ShapePoint[]): (utilization: number) => number {
  const scaled = points.map(({ utilization, score }) => ({ utilization, score: score * (highestScore / 10) }))
  return at => {
    for (const [index, { utilization, score }] of scaled.entries()) {
      if (at > utilization) continue
      const before = scaled[index - 1]
      if (before === undefined) return score
      const rise = (score - before.score) * (at - before.utilization)
      return before.score + Math.trunc(rise / (utilization - before.utilization))
    }
    return scaled.at(-1)?.score ?? 0
  }
}
