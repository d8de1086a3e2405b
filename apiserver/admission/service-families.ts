// A Service's families: which of IPv4 and IPv6 it has addresses of, by its policy, by what was asked for and by what the cluster
// has. Called by service-addresses.ts. Rules and sentences: pkg/registry/core/service/storage/alloc.go (initIPFamilyFields).

import type { Service, ServiceSpec } from '../../generated/types.ts'
import { type FieldError, invalid, invalidValue } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { isIpv6 } from '../../src/kinds/ip-address.ts'
import { Services } from '../../src/kinds/service.ts'

export type Family = 'IPv4' | 'IPv6'

export const familyOf = (address: string): Family => (isIpv6(address) ? 'IPv6' : 'IPv4')
const other = (family: string): Family => (family === 'IPv4' ? 'IPv6' : 'IPv4')

/** `families`: the cluster's own, the first its default. Throws ApiError Invalid. */
export function setFamilies(service: Service, old: Frozen<Service> | undefined, families: readonly Family[]): void {
  const { spec } = service
  if (spec.type === 'ExternalName') return
  if (old !== undefined && staysPreferred(spec, old.spec)) return
  const selects = Object.keys(spec.selector ?? {}).length > 0
  const isFreeOfAddress = spec.clusterIP === 'None' && !selects
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (isFreeOfAddress ? 'RequireDualStack' : 'SingleStack')
  const refuse = (faults: readonly FieldError[]): void => {
    if (faults.length > 0) throw invalid(Services, service.metadata.name, [...faults])
  }
  refuse([...(old === undefined ? [] : released(spec, old.spec)), ...singleFaults(spec)])
  refuse(inferred(spec, families))
  if (isFreeOfAddress) {
    spec.ipFamilies = spec.ipFamilies?.length ? spec.ipFamilies : [families[0]!]
    const [first] = spec.ipFamilies
    if (spec.ipFamilies.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') spec.ipFamilies.push(other(first!))
    return
  }
  refuse(unconfigured(spec, families))
  if (!spec.ipFamilies?.length) spec.ipFamilies = [families[0]!]
  const wantsBoth = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 2
  if (wantsBoth && spec.ipFamilies.length === 1) spec.ipFamilies.push(other(spec.ipFamilies[0]!))
}

/** Such a Service keeps what it has when the cluster gains or loses a family (isMatchingPreferDualStackClusterIPFields). */
function staysPreferred(spec: Frozen<ServiceSpec>, old: Frozen<ServiceSpec>): boolean {
  return (
    old.type !== 'ExternalName' &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    old.ipFamilyPolicy === 'PreferDualStack' &&
    jsonEqual(spec.clusterIPs ?? [], old.clusterIPs ?? []) &&
    jsonEqual(spec.ipFamilies ?? [], old.ipFamilies ?? [])
  )
}

/** Of an update: one stack lets go of the second address; whoever takes one away has to say so. */
function released(spec: ServiceSpec, old: Frozen<ServiceSpec>): FieldError[] {
  const [addresses, before] = [spec.clusterIPs ?? [], old.clusterIPs ?? []]
  const [now, then] = [spec.ipFamilies ?? [], old.ipFamilies ?? []]
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (addresses.length > 1 && jsonEqual(addresses, before)) spec.clusterIPs = addresses.slice(0, 1)
    if (now.length > 1 && jsonEqual(now, then)) spec.ipFamilies = now.slice(0, 1)
    return []
  }
  const faults: FieldError[] = []
  const must = (what: string): void => {
    const why = `must be 'SingleStack' to release the secondary ${what}`
    faults.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why))
  }
  if (addresses.length === 1 && before.length > 1 && addresses[0] === before[0]) must('cluster IP')
  if (now.length === 1 && then.length > 1 && now[0] === then[0]) must('IP family')
  return faults
}

function singleFaults({ ipFamilyPolicy, clusterIPs = [], ipFamilies = [] }: ServiceSpec): FieldError[] {
  if (ipFamilyPolicy !== 'SingleStack') return []
  const both = (what: string): FieldError => {
    const why = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`
    return invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, why)
  }
  return [
    ...(clusterIPs.length === 2 ? [both('cluster IPs')] : []),
    ...(ipFamilies.length === 2 ? [both('IP families')] : []),
  ]
}

/** Families that follow from the addresses that were asked for. */
function inferred(spec: ServiceSpec, families: readonly Family[]): FieldError[] {
  const faults: FieldError[] = []
  for (const [index, address] of (spec.clusterIPs ?? []).entries()) {
    if (address === 'None') break
    if (index < (spec.ipFamilies?.length ?? 0)) continue
    const family = familyOf(address)
    if (families.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else {
      const why = `${family} is not configured on this cluster`
      faults.push(invalidValue(`spec.clusterIPs[${index}]`, spec.clusterIPs, why))
    }
  }
  return faults
}

function unconfigured({ ipFamilyPolicy, ipFamilies = [] }: ServiceSpec, families: readonly Family[]): FieldError[] {
  const faults: FieldError[] = []
  if (ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    const why = 'this cluster is not configured for dual-stack services'
    faults.push(invalidValue('spec.ipFamilyPolicy', ipFamilyPolicy, why))
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (families.some(each => each === family)) continue
    faults.push(invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
  }
  return faults
}
