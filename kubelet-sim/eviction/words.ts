// What an eviction is told as (pkg/kubelet/eviction/helpers.go): of the pod, in its status and its event, alike.

import { canonicalQuantity } from '../../src/api/quantity.ts'
import { type Candidate, type Resource, requestOf } from './signals.ts'

export function lowMessage(
  resource: Resource,
  { containers }: Candidate,
  left: { readonly threshold: number; readonly available: number },
): string {
  let message = `The node was low on resource: ${resource}. Threshold quantity: ${amount(left.threshold, resource)}, available: ${amount(left.available, resource)}. `
  for (const { spec, used } of containers) {
    const request = requestOf(spec, resource)
    if (resource === 'pids' || used <= request) continue
    message += `Container ${spec.name} was using ${amount(used, resource)}, request is ${amount(request, resource)}, has larger consumption of ${resource}. `
  }
  return message
}

/** As resource.NewQuantity(…, BinarySI) prints it: in the largest unit that it is a whole number of. */
export function amount(value: number, resource: Resource): string {
  let whole = Math.trunc(value)
  if (resource === 'pids' || whole === 0) return canonicalQuantity(String(whole))
  for (const unit of ['', 'Ki', 'Mi', 'Gi', 'Ti']) {
    if (whole % 1024 !== 0 || unit === 'Ti') return `${whole}${unit}`
    whole /= 1024
  }
  return String(whole)
}
