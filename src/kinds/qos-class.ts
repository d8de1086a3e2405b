// The quality of service a pod is promised, decided once, when it is created (pkg/apis/core/helper/qos/qos.go). Called
// after the defaults, so amounts are in their canonical form: what is positive begins with a digit other than zero.

import type { PodSpec, ResourceRequirements } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { compareQuantities } from '../api/quantity.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

/**
 * Guaranteed: everyone has limits of both, and asks for no less. Upstream compares sums; since nobody may ask for more than
 * his limit, sums are equal only where every part is.
 */
export function qosClassOf(spec: Frozen<PodSpec>): QosClass {
  let asksForAny = false
  let isGuaranteed = true
  const look = (resources: Frozen<ResourceRequirements> | undefined): void => {
    for (const name of ['cpu', 'memory']) {
      const limit = positive(resources?.limits?.[name])
      const request = positive(resources?.requests?.[name])
      if (limit !== undefined || request !== undefined) asksForAny = true
      if (limit === undefined || request === undefined) isGuaranteed = false
      else if (limit !== request && compareQuantities(limit, request) !== 0) isGuaranteed = false
    }
  }
  if (spec.resources) look(spec.resources)
  else {
    for (const each of spec.containers) look(each.resources)
    if (spec.initContainers) for (const each of spec.initContainers) look(each.resources)
  }
  if (!asksForAny) return 'BestEffort'
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

function positive(amount: string | undefined): string | undefined {
  const first = amount?.charCodeAt(0) ?? 0
  return first >= 49 && first <= 57 ? amount : undefined
}
