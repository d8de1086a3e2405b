// NodeResourcesBalancedAllocation: nodes on which the pod would bring the used shares of CPU and memory closer together
// come first (plugins/noderesources/balanced_allocation.go as of 1.36, which scores the change and not the outcome).

import { highestScore, type Plugin } from '../plugin.ts'
import type { NodeView } from '../snapshot.ts'

export const nodeResourcesBalancedAllocation: Plugin = {
  name: 'NodeResourcesBalancedAllocation',
  prepare: (pod, snapshot) => {
    const { milliCpu, memory } = snapshot.needs(pod).requests
    // A pod that requests nothing changes no balance; counting it would send all such pods to one node.
    if (milliCpu === 0 && memory === 0) return {}
    return {
      score: node => {
        const gain = balance(node, milliCpu, memory) - balance(node, 0, 0)
        return highestScore / 2 + Math.floor((highestScore / 2 + gain) / 2)
      },
    }
  },
}

/** 100 when both shares are equal, 50 when the one is nothing and the other everything. */
function balance({ allocatable, requested }: NodeView, milliCpu: number, memory: number): number {
  if (allocatable.milliCpu === 0 || allocatable.memory === 0) return highestScore
  const cpuShare = Math.min(1, (requested.milliCpu + milliCpu) / allocatable.milliCpu)
  const memoryShare = Math.min(1, (requested.memory + memory) / allocatable.memory)
  const deviation = Math.abs((cpuShare - memoryShare) / 2)
  return Math.floor((1 - deviation) * highestScore)
}
