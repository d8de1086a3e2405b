// Resources of a pod as a whole: what they default to and how they must fit its containers
// (defaultPodRequests in pkg/apis/core/v1/defaults.go, validatePodResources in pkg/apis/core/validation/validation.go).

import type { PodSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { compareQuantities, parseQuantity, type Quantity } from '../api/quantity.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { isOvercommitAllowed, isPodLevelResource, type ResourceList, resourceRules } from './resources.ts'

/** Called once the containers have their own defaults. */
export function defaultPodResources(spec: PodSpec): void {
  const { resources } = spec
  if (!resources) return
  const isPartlyGiven = hasEntries(resources.limits) || hasEntries(resources.requests)
  if (isPartlyGiven) {
    for (const [name, sum] of aggregate(spec, 'limits')) {
      if (!name.startsWith('hugepages-') || resources.requests?.[name] !== undefined) continue
      resources.limits ??= {}
      resources.limits[name] ??= sum.toString()
    }
  }
  const { limits } = resources
  if (!limits || !hasEntries(limits)) return
  const requests: ResourceList = { ...resources.requests }
  for (const [name, sum] of aggregate(spec, 'requests')) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= sum.toString()
  }
  for (const name of Object.keys(limits)) if (isPodLevelResource(name)) requests[name] ??= limits[name]!
  if (hasEntries(requests)) resources.requests = requests
}

export function podResourceRules(
  spec: Frozen<PodSpec>,
  claims: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  const { resources } = spec
  if (!resources) return
  if (spec.os?.name === 'windows') {
    faults.forbidden(path, 'may not be set for a windows pod')
    return
  }
  if (resources.claims) faults.forbidden(path.child('claims'), 'claims may not be set for Resources at pod-level')
  resourceRules(resources, { of: 'pod', claims }, path, faults)
  for (const [name, sum] of aggregate(spec, 'requests')) {
    const request = resources.requests?.[name]
    if (request !== undefined && sum.compare(parseQuantity(request)) > 0) {
      const detail = `must be greater than or equal to aggregate container requests of ${sum}`
      faults.invalid(path.child('requests').key(name), request, detail)
    }
  }
  for (const [name, sum] of aggregate(spec, 'limits')) {
    const limit = resources.limits?.[name]
    if (!name.startsWith('hugepages-') || limit === undefined) continue
    if (sum.compare(parseQuantity(limit)) > 0) {
      const detail = `must be greater than or equal to aggregate container limits of ${sum}`
      faults.invalid(path.child('limits').key(name), limit, detail)
    }
  }
  for (const [index, container] of (spec.containers ?? []).entries()) {
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const most = resources.limits?.[name]
      if (most !== undefined && compareQuantities(limit, most) > 0) {
        const at = path.child('containers').index(index).key(name).child('limits')
        faults.invalid(at, limit, `must be less than or equal to pod limits of ${most}`)
      }
    }
  }
}

/**
 * What the containers need together: all ordinary ones and the restartable init containers at once, or the largest init
 * container beside the restartable ones before it (component-helpers/resource, AggregateContainerRequests).
 */
export function aggregate(spec: Frozen<PodSpec>, which: 'requests' | 'limits'): Map<string, Quantity> {
  const sums = new Map<string, Quantity>()
  for (const { resources } of spec.containers ?? []) addTo(sums, resources?.[which])
  if (!spec.initContainers?.length) return sums
  const sidecars = new Map<string, Quantity>()
  const peaks = new Map<string, Quantity>()
  for (const { resources, restartPolicy } of spec.initContainers) {
    const list = resources?.[which]
    let needed: Map<string, Quantity>
    if (restartPolicy === 'Always') {
      addTo(sums, list)
      addTo(sidecars, list)
      needed = sidecars
    } else {
      needed = new Map(sidecars)
      addTo(needed, list)
    }
    raiseTo(peaks, needed)
  }
  raiseTo(sums, peaks)
  return sums
}

function addTo(sums: Map<string, Quantity>, list: Readonly<ResourceList> | undefined): void {
  for (const name in list) {
    const quantity = parseQuantity(list[name]!)
    const sum = sums.get(name)
    sums.set(name, sum ? sum.add(quantity) : quantity)
  }
}

function raiseTo(sums: Map<string, Quantity>, others: ReadonlyMap<string, Quantity>): void {
  for (const [name, other] of others) {
    const sum = sums.get(name)
    if (!sum || other.compare(sum) > 0) sums.set(name, other)
  }
}

function hasEntries(list: object | undefined): boolean {
  return list !== undefined && Object.keys(list).length > 0
}
