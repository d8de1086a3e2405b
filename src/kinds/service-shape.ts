// What kind of a Service it is, and what a change of kind carries over: linked fields kept in step, values that were given
// once kept, values that no longer apply dropped (pkg/registry/core/service/strategy.go and storage/storage.go).

import type { Service } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'

type AnyService = Frozen<Service>

export function isHeadless({ spec }: AnyService): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None'
}

export function isExternallyAccessible({ spec }: AnyService): boolean {
  return (
    spec.type === 'LoadBalancer' ||
    spec.type === 'NodePort' ||
    (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0)
  )
}

export function needsHealthCheckPort({ spec }: AnyService): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
}

export function needsClusterIp({ spec }: AnyService): boolean {
  return spec.type !== 'ExternalName'
}

export function needsNodePort({ spec }: AnyService): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
}

const mayHaveNodePort = ({ spec }: AnyService): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer'

/** `clusterIP` and `clusterIPs` say the same: whoever changes one only means both. */
export function normalizeClusterIps(draft: Service, old: AnyService | undefined): void {
  const { spec } = draft
  const single = spec.clusterIP ?? ''
  const before = old?.spec.clusterIP ?? ''
  if (!old) {
    if (single && !spec.clusterIPs?.length) spec.clusterIPs = [single]
    return
  }
  const kept = old.spec.clusterIPs ?? []
  if (kept.length > 0 && !spec.clusterIPs?.length && before === single) spec.clusterIPs = [...kept]
  if (before !== single && jsonEqual(spec.clusterIPs ?? [], kept)) {
    if (single) spec.clusterIPs = [single]
    else delete spec.clusterIPs
  }
}

/** An update that says nothing of what the server gave keeps it. */
export function keepAllocated(draft: Service, old: AnyService): void {
  const { spec } = draft
  if (needsClusterIp(draft) && needsClusterIp(old)) {
    if (!spec.clusterIP && old.spec.clusterIP) spec.clusterIP = old.spec.clusterIP
    if (!spec.clusterIPs?.length && old.spec.clusterIPs?.length) spec.clusterIPs = [...old.spec.clusterIPs]
    // Families follow the addresses; a client that knows neither keeps both (defaultOnRead).
    if (!spec.ipFamilies?.length && old.spec.ipFamilies) spec.ipFamilies = [...old.spec.ipFamilies]
    if (!spec.ipFamilyPolicy && old.spec.ipFamilyPolicy) spec.ipFamilyPolicy = old.spec.ipFamilyPolicy
  }
  if (mayHaveNodePort(draft) && mayHaveNodePort(old)) {
    const asked = new Set((spec.ports ?? []).map(port => port.nodePort ?? 0))
    const given = new Map((old.spec.ports ?? []).map(port => [port.name ?? '', port.nodePort ?? 0]))
    for (const port of spec.ports ?? []) {
      if (port.nodePort) continue
      const value = given.get(port.name ?? '') ?? 0
      if (value !== 0 && !asked.has(value)) port.nodePort = value
    }
  }
  if (needsHealthCheckPort(draft) && needsHealthCheckPort(old) && old.spec.healthCheckNodePort) {
    spec.healthCheckNodePort ||= old.spec.healthCheckNodePort
  }
}

/** A change of type drops what the old type had and nobody asked to keep. */
export function dropWhatNoLongerApplies(draft: Service, old: AnyService): void {
  const { spec } = draft
  if (needsClusterIp(old) && !needsClusterIp(draft)) {
    if (spec.clusterIP === old.spec.clusterIP && jsonEqual(spec.clusterIPs, old.spec.clusterIPs)) {
      delete spec.clusterIP
      delete spec.clusterIPs
    }
    if (jsonEqual(spec.ipFamilies, old.spec.ipFamilies)) delete spec.ipFamilies
    if (spec.ipFamilyPolicy === old.spec.ipFamilyPolicy) delete spec.ipFamilyPolicy
  }
  if (mayHaveNodePort(old) && !mayHaveNodePort(draft)) {
    const before = new Set((old.spec.ports ?? []).map(port => port.nodePort))
    const isUntouched = (spec.ports ?? []).every(port => !port.nodePort || before.has(port.nodePort))
    if (isUntouched) for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(draft)) dropUnchanged(draft, old, 'healthCheckNodePort')
  if (old.spec.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    dropUnchanged(draft, old, 'allocateLoadBalancerNodePorts')
    dropUnchanged(draft, old, 'loadBalancerClass')
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(draft)) dropUnchanged(draft, old, 'externalTrafficPolicy')
  if (old.spec.type !== 'ExternalName' && spec.type === 'ExternalName')
    dropUnchanged(draft, old, 'internalTrafficPolicy')
  if (spec.type !== 'LoadBalancer') draft.status.loadBalancer = {}
}

function dropUnchanged(
  draft: Service,
  old: AnyService,
  field:
    | 'healthCheckNodePort'
    | 'allocateLoadBalancerNodePorts'
    | 'loadBalancerClass'
    | 'externalTrafficPolicy'
    | 'internalTrafficPolicy',
): void {
  if (draft.spec[field] === old.spec[field]) delete draft.spec[field]
}
