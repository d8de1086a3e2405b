// The quality of service a pod is promised, decided once, when it is created (pkg/apis/core/helper/qos/qos.go).

import type { PodSpec, ResourceRequirements } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { parseQuantity, type Quantity } from '../api/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

export function qosClassOf(spec: Frozen<PodSpec>): QosClass {
  const requests = new Map<string, Quantity>()
  const limits = new Map<string, Quantity>()
  let isGuaranteed = true
  const count = (resources: Frozen<ResourceRequirements> | undefined): void => {
    sumUp(resources?.requests, requests)
    if (sumUp(resources?.limits, limits) < 2) isGuaranteed = false
  }
  if (spec.resources) count({ limits: {}, ...spec.resources })
  else {
    for (const each of spec.containers) count(each.resources)
    if (spec.initContainers) for (const each of spec.initContainers) count(each.resources)
  }
  if (requests.size === 0 && limits.size === 0) return 'BestEffort'
  if (!isGuaranteed || requests.size !== limits.size) return 'Burstable'
  for (const [name, request] of requests) {
    if (limits.get(name)?.compare(request) !== 0) return 'Burstable'
  }
  return 'Guaranteed'
}

/** Adds what is positive of CPU and memory, and says of how many. */
function sumUp(list: Readonly<Record<string, string>> | undefined, sums: Map<string, Quantity>): number {
  let found = 0
  for (const name of ['cpu', 'memory']) {
    const text = list?.[name]
    if (text === undefined) continue
    const quantity = parseQuantity(text)
    if (quantity.sign <= 0) continue
    found++
    const sum = sums.get(name)
    sums.set(name, sum ? sum.add(quantity) : quantity)
  }
  return found
}
