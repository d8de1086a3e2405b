// The rules of Endpoints (validateEndpointSubsets in pkg/apis/core/validation/validation.go) and of EndpointSlices
// (pkg/apis/discovery/validation/validation.go).

import type {
  CoreV1EndpointPort,
  DiscoveryV1EndpointPort,
  Endpoint,
  EndpointAddress,
  EndpointHints,
  EndpointSlice,
  EndpointSubset,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import {
  dns1123LabelFaults,
  dns1123SubdomainFaults,
  labelValueFaults,
  portNumberFaults,
  qualifiedNameFaults,
} from '../api/names.ts'
import { protocols } from './container-rules.ts'
import { Faults, type FieldPath, root } from './field-path.ts'
import { immutable, oneOf } from './field-rules.ts'
import { canonicalIpRule, endpointIpRule, ipRule, isIpv4, isIpv6 } from './ip-address.ts'
import { labelRules } from './label-selector-rules.ts'

/** Upstream reports nothing wrong of subsets that an update leaves as they were. */
export function subsetRules(
  subsets: readonly Frozen<EndpointSubset>[] | undefined,
  old: readonly Frozen<EndpointSubset>[] | undefined,
  faults: Faults,
): void {
  const found = new Faults()
  for (const [index, subset] of (subsets ?? []).entries()) {
    const at = root.child('subsets').index(index)
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset
    if (addresses.length === 0 && notReadyAddresses.length === 0) {
      found.required(at, 'must specify `addresses` or `notReadyAddresses`')
    }
    for (const [place, each] of addresses.entries()) addressRules(each, at.child('addresses').index(place), found)
    for (const [place, each] of notReadyAddresses.entries()) {
      addressRules(each, at.child('notReadyAddresses').index(place), found)
    }
    for (const [place, port] of ports.entries()) {
      corePortRules(port, ports.length > 1, at.child('ports').index(place), found)
    }
  }
  if (found.count > 0 && !(old && jsonEqual(subsets, old))) faults.addAll(found.list)
}

function addressRules({ ip, hostname, nodeName }: Frozen<EndpointAddress>, at: FieldPath, faults: Faults): void {
  ipRule(ip ?? '', at.child('ip'), faults)
  if (hostname) faults.invalids(dns1123LabelFaults(hostname), hostname, at, 'hostname')
  if (nodeName !== undefined) faults.invalids(dns1123SubdomainFaults(nodeName), nodeName, at, 'nodeName')
  endpointIpRule(ip ?? '', at.child('ip'), faults)
}

function corePortRules(port: Frozen<CoreV1EndpointPort>, needsName: boolean, at: FieldPath, faults: Faults): void {
  if (port.name) faults.invalids(dns1123LabelFaults(port.name), port.name, at, 'name')
  else if (needsName) faults.required(at.child('name'))
  faults.invalids(portNumberFaults(port.port), port.port ?? 0, at, 'port')
  oneOf(port.protocol, protocols, at, 'protocol', faults)
  const { appProtocol } = port
  if (appProtocol !== undefined) faults.invalids(qualifiedNameFaults(appProtocol), appProtocol, at, 'appProtocol')
}

const addressTypes = ['FQDN', 'IPv4', 'IPv6']

export function sliceRules(slice: Frozen<EndpointSlice>, old: Frozen<EndpointSlice> | undefined, faults: Faults): void {
  oneOf(slice.addressType, addressTypes, root, 'addressType', faults)
  if (slice.ports) slicePortRules(slice.ports, faults)
  const found = new Faults()
  sliceEndpointRules(slice.endpoints ?? [], slice.addressType, found)
  if (found.count > 0 && !(old && jsonEqual(slice.endpoints, old.endpoints))) faults.addAll(found.list)
  if (old && old.addressType !== slice.addressType) {
    faults.invalid(root.child('addressType'), slice.addressType, immutable)
  }
}

function slicePortRules(ports: readonly Frozen<DiscoveryV1EndpointPort>[], faults: Faults): void {
  const path = root.child('ports')
  if (ports.length > 20_000) {
    faults.tooMany(path, ports.length, 20_000)
    return
  }
  const names = new Set<string>()
  for (const [index, { name = '', protocol, appProtocol }] of ports.entries()) {
    const at = path.index(index)
    if (name) faults.invalids(dns1123LabelFaults(name), name, at, 'name')
    if (names.has(name)) faults.duplicate(at.child('name'), name)
    names.add(name)
    oneOf(protocol, protocols, at, 'protocol', faults)
    if (appProtocol !== undefined) faults.invalids(qualifiedNameFaults(appProtocol), appProtocol, at, 'appProtocol')
  }
}

function sliceEndpointRules(endpoints: readonly Frozen<Endpoint>[], type: string, faults: Faults): void {
  const path = root.child('endpoints')
  if (endpoints.length > 1000) {
    faults.tooMany(path, endpoints.length, 1000)
    return
  }
  for (const [index, endpoint] of endpoints.entries()) {
    const at = path.index(index)
    const { addresses = [], nodeName, hostname, deprecatedTopology, hints } = endpoint
    if (addresses.length === 0) faults.required(at.child('addresses'), 'must contain at least 1 address')
    else if (addresses.length > 100) faults.tooMany(at.child('addresses'), addresses.length, 100)
    for (const [place, address] of addresses.entries()) {
      sliceAddressRules(address, type, at.child('addresses'), place, faults)
    }
    if (nodeName !== undefined) faults.invalids(dns1123SubdomainFaults(nodeName), nodeName, at, 'nodeName')
    const topologySize = Object.keys(deprecatedTopology ?? {}).length
    if (topologySize > 16) faults.tooMany(at.child('deprecatedTopology'), topologySize, 16)
    labelRules(deprecatedTopology, at, 'deprecatedTopology', faults)
    if (hostname !== undefined) faults.invalids(dns1123LabelFaults(hostname), hostname, at, 'hostname')
    if (hints) hintRules(hints, at.child('hints'), faults)
  }
}

function sliceAddressRules(address: string, type: string, path: FieldPath, place: number, faults: Faults): void {
  const at = path.index(place)
  if (type === 'IPv4') {
    if (!ipRule(address, at, faults)) return
    if (!isIpv4(address)) faults.invalid(path, address, 'must be an IPv4 address')
    endpointIpRule(address, at, faults)
  } else if (type === 'IPv6') {
    if (!canonicalIpRule(address, at, faults)) return
    if (!isIpv6(address)) faults.invalid(path, address, 'must be an IPv6 address')
    endpointIpRule(address, at, faults)
  } else if (type === 'FQDN') domainRule(address, at, faults)
}

function domainRule(address: string, at: FieldPath, faults: Faults): void {
  if (address === '') {
    faults.required(at)
    return
  }
  const name = address.endsWith('.') ? address.slice(0, -1) : address
  const wrong = dns1123SubdomainFaults(name)
  if (wrong.length > 0) {
    faults.invalid(at, name, wrong.join(','))
    return
  }
  const labels = name.split('.')
  if (labels.length < 2) {
    faults.invalid(at, name, 'should be a domain with at least two segments separated by dots')
    return
  }
  for (const label of labels) {
    const sentences = dns1123LabelFaults(label)
    if (sentences.length > 0) {
      faults.invalid(at, label, sentences.join(','))
      return
    }
  }
}

function hintRules({ forZones, forNodes }: Frozen<EndpointHints>, path: FieldPath, faults: Faults): void {
  for (const [field, hints, rule] of [
    ['forZones', forZones, labelValueFaults],
    ['forNodes', forNodes, dns1123SubdomainFaults],
  ] as const) {
    if (!hints) continue
    if (hints.length > 8) {
      faults.tooMany(path.child(field), hints.length, 8)
      return
    }
    for (const [index, { name = '' }] of hints.entries()) {
      const at = path.child(field).index(index).child('name')
      if (hints.findIndex(hint => (hint.name ?? '') === name) < index) faults.duplicate(at, name)
      faults.invalids(rule(name), name, at)
    }
  }
}
