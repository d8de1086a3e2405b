// NodeResourcesBalancedAllocation: nodes on which the pod would bring the used shares of CPU and memory closer together
// come first (plugins/noderesources/balanced_allocation.go as of 1.36, which scores the change and not the outcome).

import { highestScore, type Plugin } from '../plugin.ts'
import { amountOf, cpuAndMemory, type ResourceWeight } from '../scoring-strategy.ts'
import type { NodeView } from '../snapshot.ts'

export interface NodeResourcesBalancedAllocationArgs {
  readonly resources?: readonly ResourceWeight[]
}

export function nodeResourcesBalancedAllocationWith(args: NodeResourcesBalancedAllocationArgs): Plugin {
  const names = (args.resources ?? cpuAndMemory).map(({ name }) => name)
  const isPlain = names.join() === 'cpu,memory'
  return {
    name: 'NodeResourcesBalancedAllocation',
    prepare: (pod, snapshot) => {
      const { requests } = snapshot.needs(pod)
      const wanted = names.map(name => amountOf(requests, name))
      // A pod that requests nothing changes no balance; counting it would send all such pods to one node.
      if (wanted.every(amount => amount === 0)) return {}
      if (isPlain) {
        const { milliCpu, memory } = requests
        return { score: node => scoreOf(balanceOfTwo(node, milliCpu, memory) - balanceOfTwo(node, 0, 0)) }
      }
      const nothing = wanted.map(() => 0)
      return {
        score: node => scoreOf(balanceOf(node, names, wanted, wanted) - balanceOf(node, names, wanted, nothing)),
      }
    },
  }
}

export const nodeResourcesBalancedAllocation: Plugin = nodeResourcesBalancedAllocationWith({})

function scoreOf(gain: number): number {
  return highestScore / 2 + Math.floor((highestScore / 2 + gain) / 2)
}

/** 100 when both shares are equal, 50 when the one is nothing and the other everything. */
function balanceOfTwo({ allocatable, requested }: NodeView, milliCpu: number, memory: number): number {
  if (allocatable.milliCpu === 0 || allocatable.memory === 0) return highestScore
  const cpuShare = Math.min(1, (requested.milliCpu + milliCpu) / allocatable.milliCpu)
  const memoryShare = Math.min(1, (requested.memory + memory) / allocatable.memory)
  const deviation = Math.abs((cpuShare - memoryShare) / 2)
  return Math.floor((1 - deviation) * highestScore)
}

/** The standard deviation of any number of shares; what the pod does not want beyond CPU and memory has none. */
function balanceOf(
  { allocatable, requested }: NodeView,
  names: readonly string[],
  wanted: readonly number[],
  more: readonly number[],
): number {
  const shares: number[] = []
  for (const [index, name] of names.entries()) {
    const capacity = amountOf(allocatable, name)
    const isScalar = name !== 'cpu' && name !== 'memory' && name !== 'ephemeral-storage'
    if (capacity === 0 || (isScalar && wanted[index] === 0)) continue
    shares.push(Math.min(1, (amountOf(requested, name) + more[index]!) / capacity))
  }
  if (shares.length < 2) return highestScore
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length
  return Math.floor((1 - Math.sqrt(variance)) * highestScore)
}
