// The rules of Services (validateService and its helpers in pkg/apis/core/validation/validation.go). Whether an address or
// port is free is not known here: that is admission's.

import type { LoadBalancerStatus, Service, ServicePort } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults, portNumberFaults, qualifiedNameFaults } from '../api/names.ts'
import { protocols } from './container-rules.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { oneOf, optionalOneOf, portNumberOrName } from './field-rules.ts'
import { areDualStack, cidrRule, ipRule, isIpv6, outsideIpRule, parseIp } from './ip-address.ts'
import { labelRules } from './label-selector-rules.ts'
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './service-shape.ts'

const path = new FieldPath('spec')
const annotationsPath = new FieldPath('metadata').child('annotations')
const topologyHints = 'service.kubernetes.io/topology-aware-hints'
const topologyMode = 'service.kubernetes.io/topology-mode'
const sourceRanges = 'service.beta.kubernetes.io/load-balancer-source-ranges'

export function serviceRules(service: Frozen<Service>, old: Frozen<Service> | undefined, faults: Faults): void {
  const { spec } = service
  annotationRules(service, faults)
  const ports = spec.ports ?? []
  if (ports.length === 0 && !isHeadless(service) && spec.type !== 'ExternalName') faults.required(path.child('ports'))
  typeRules(service, faults)
  const names = new Set<string>()
  for (const [index, port] of ports.entries()) {
    portRules(port, ports.length > 1, names, path.child('ports').index(index), faults)
  }
  labelRules(spec.selector, path, 'selector', faults)
  affinityRules(service, faults)
  if (spec.type !== 'ExternalName') clusterIpRules(service, old, faults)
  for (const [index, address] of (spec.externalIPs ?? []).entries()) {
    const at = path.child('externalIPs').index(index)
    if (ipRule(address, at, faults, old?.spec.externalIPs)) outsideIpRule(address, at, faults)
  }
  oneOf(spec.type, ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'], path, 'type', faults)
  uniquePortRules(service, faults)
  sourceRangeRules(service, old, faults)
  balancerRules(service, faults)
  trafficRules(service, faults)
}

export function serviceUpdateRules(next: Frozen<Service>, old: Frozen<Service>, faults: Faults): void {
  if (next.spec.type !== 'ExternalName' && old.spec.type !== 'ExternalName') {
    clusterIpChangeRules(next, old, faults)
    familyChangeRules(next, old, faults)
  }
  if (next.spec.type === 'LoadBalancer' && old.spec.type === 'LoadBalancer') {
    const { loadBalancerClass } = next.spec
    if (loadBalancerClass !== old.spec.loadBalancerClass) {
      faults.invalid(path.child('loadBalancerClass'), loadBalancerClass ?? null, 'may not change once set')
    }
  }
  if (needsHealthCheckPort(next) && needsHealthCheckPort(old)) {
    if (next.spec.healthCheckNodePort !== old.spec.healthCheckNodePort) {
      faults.forbidden(path.child('healthCheckNodePort'), 'field is immutable')
    }
  }
}

function annotationRules({ metadata: { annotations } }: Frozen<Service>, faults: Faults): void {
  const mode = annotations?.[topologyMode]
  const hints = annotations?.[topologyHints]
  if (mode !== undefined && hints !== undefined && mode !== hints) {
    const detail = `must match annotations[${topologyHints}] when both are specified`
    faults.invalid(annotationsPath.key(topologyMode), mode, detail)
  }
}

function typeRules(service: Frozen<Service>, faults: Faults): void {
  const { spec } = service
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(service)) {
    const detail = `may not be set to 'None' for ${spec.type} services`
    faults.invalid(path.child('clusterIPs').index(0), spec.clusterIPs?.[0], detail)
  }
  if (spec.type !== 'ExternalName') return
  const detail = 'may not be set for ExternalName services'
  if (spec.clusterIPs?.length) faults.forbidden(path.child('clusterIPs'), detail)
  if (spec.ipFamilies?.length) faults.forbidden(path.child('ipFamilies'), detail)
  if (spec.ipFamilyPolicy !== undefined) faults.forbidden(path.child('ipFamilyPolicy'), detail)
  const name = (spec.externalName ?? '').replace(/\.$/, '')
  if (name) faults.invalids(dns1123SubdomainFaults(name), name, path, 'externalName')
  else faults.required(path.child('externalName'))
}

function portRules(
  port: Frozen<ServicePort>,
  needsName: boolean,
  names: Set<string>,
  at: FieldPath,
  faults: Faults,
): void {
  const { name, appProtocol } = port
  if (needsName && !name) faults.required(at.child('name'))
  else if (name) {
    faults.invalids(dns1123LabelFaults(name), name, at, 'name')
    if (names.has(name)) faults.duplicate(at.child('name'), name)
    names.add(name)
  }
  faults.invalids(portNumberFaults(port.port), port.port ?? 0, at, 'port')
  oneOf(port.protocol, protocols, at, 'protocol', faults)
  portNumberOrName(port.targetPort, at, 'targetPort', faults)
  if (appProtocol !== undefined) faults.invalids(qualifiedNameFaults(appProtocol), appProtocol, at, 'appProtocol')
}

function affinityRules({ spec }: Frozen<Service>, faults: Faults): void {
  const { sessionAffinity, sessionAffinityConfig: config } = spec
  oneOf(sessionAffinity, ['ClientIP', 'None'], path, 'sessionAffinity', faults)
  const at = path.child('sessionAffinityConfig')
  if (sessionAffinity === 'ClientIP') {
    const seconds = config?.clientIP?.timeoutSeconds
    const detail = 'when session affinity type is ClientIP'
    if (!config) faults.required(at, detail)
    else if (!config.clientIP) faults.required(at.child('clientIP'), detail)
    else if (seconds === undefined) faults.required(at.child('clientIP', 'timeoutSeconds'), detail)
    else if (seconds <= 0 || seconds > 86400) {
      faults.invalid(at.child('clientIP', 'timeoutSeconds'), seconds, 'must be greater than 0 and less than 86400')
    }
  } else if (sessionAffinity === 'None' && config) {
    faults.forbidden(at, 'must not be set when session affinity is None')
  }
}

const families = ['IPv4', 'IPv6']
const familyPolicies = ['PreferDualStack', 'RequireDualStack', 'SingleStack']

function clusterIpRules(service: Frozen<Service>, old: Frozen<Service> | undefined, faults: Faults): void {
  const { clusterIP, clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = service.spec
  const at = path.child('clusterIPs')
  if (clusterIP) {
    if (clusterIPs.length === 0) faults.required(at)
    else if (clusterIPs[0] !== clusterIP) faults.invalid(at, clusterIPs, 'first value must match `clusterIP`')
  } else if (clusterIPs.length > 0) faults.invalid(at, clusterIPs, 'must be empty when `clusterIP` is not specified')

  for (const [index, family] of ipFamilies.entries()) {
    const field = path.child('ipFamilies').index(index)
    if (!families.includes(family)) faults.notSupported(field, family, families)
    if (ipFamilies.indexOf(family) < index) faults.duplicate(field, family)
  }
  optionalOneOf(ipFamilyPolicy, familyPolicies, path, 'ipFamilyPolicy', faults)

  let isValid = true
  for (const [index, address] of clusterIPs.entries()) {
    if (index === 0 && address === 'None') {
      if (clusterIPs.length > 1) {
        isValid = false
        faults.invalid(at, clusterIPs, "'None' must be the first and only value")
      }
    } else if (!ipRule(address, at.index(index), faults, old?.spec.clusterIPs)) isValid = false
  }
  if (clusterIPs.length > 2) faults.invalid(at, clusterIPs, 'may only hold up to 2 values')
  if (!isValid) return
  if (clusterIPs.length > 1 && !areDualStack(clusterIPs)) {
    faults.invalid(at, clusterIPs, 'may specify no more than one IP for each IP family')
  }
  if (isHeadless(service)) return
  for (const [index, address] of clusterIPs.entries()) {
    const family = ipFamilies[index]
    if (family !== undefined && families.includes(family) && isIpv6(address) !== (family === 'IPv6')) {
      faults.invalid(at.index(index), address, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``)
    }
  }
}

function uniquePortRules({ spec }: Frozen<Service>, faults: Faults): void {
  const nodePorts = new Set<string>()
  const numbers = new Set<string>()
  for (const [index, { protocol, port, nodePort }] of (spec.ports ?? []).entries()) {
    const at = path.child('ports').index(index)
    if (nodePort) {
      if (spec.type === 'ClusterIP')
        faults.forbidden(at.child('nodePort'), "may not be used when `type` is 'ClusterIP'")
      const key = `${protocol}/${nodePort}`
      if (nodePorts.has(key)) faults.duplicate(at.child('nodePort'), nodePort)
      nodePorts.add(key)
    }
    const key = `${protocol}/${port}`
    if (numbers.has(key)) {
      // Go prints its own form of a port here, every field of it.
      faults.duplicate(at, { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 })
    }
    numbers.add(key)
  }
}

function sourceRangeRules(service: Frozen<Service>, old: Frozen<Service> | undefined, faults: Faults): void {
  const { spec, metadata } = service
  const ranges = spec.loadBalancerSourceRanges ?? []
  const detail = "may only be used when `type` is 'LoadBalancer'"
  if (ranges.length > 0) {
    // Upstream spells the field with a capital.
    const at = path.child('LoadBalancerSourceRanges')
    if (spec.type !== 'LoadBalancer') faults.forbidden(at, detail)
    const kept = old?.spec.loadBalancerSourceRanges?.map(range => range.trim())
    for (const [index, range] of ranges.entries()) cidrRule(range.trim(), at.index(index), faults, kept)
    return
  }
  const text = metadata.annotations?.[sourceRanges]
  if (text === undefined) return
  const at = annotationsPath.key(sourceRanges)
  if (spec.type !== 'LoadBalancer') faults.forbidden(at, detail)
  if (text === old?.metadata.annotations?.[sourceRanges] || text.trim() === '') return
  for (const range of text.split(',')) cidrRule(range.trim(), at, faults)
}

function balancerRules({ spec }: Frozen<Service>, faults: Faults): void {
  const isBalanced = spec.type === 'LoadBalancer'
  const detail = "may only be used when `type` is 'LoadBalancer'"
  const allocates = spec.allocateLoadBalancerNodePorts
  if (!isBalanced && allocates !== undefined) faults.forbidden(path.child('allocateLoadBalancerNodePorts'), detail)
  if (isBalanced && allocates === undefined) faults.required(new FieldPath('allocateLoadBalancerNodePorts'))
  const className = spec.loadBalancerClass
  if (className === undefined) return
  if (isBalanced) faults.invalids(qualifiedNameFaults(className), className, path, 'loadBalancerClass')
  else faults.forbidden(path.child('loadBalancerClass'), detail)
}

function trafficRules(service: Frozen<Service>, faults: Faults): void {
  const { spec } = service
  const policies = ['Cluster', 'Local']
  if (isExternallyAccessible(service)) {
    oneOf(spec.externalTrafficPolicy, policies, path, 'externalTrafficPolicy', faults)
  } else if (spec.externalTrafficPolicy) {
    const detail = 'may only be set for externally-accessible services'
    faults.invalid(path.child('externalTrafficPolicy'), spec.externalTrafficPolicy, detail)
  }
  const port = spec.healthCheckNodePort
  if (!needsHealthCheckPort(service)) {
    if (port) {
      const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
      faults.invalid(path.child('healthCheckNodePort'), port, detail)
    }
  } else if (!port) faults.required(path.child('healthCheckNodePort'))
  else faults.invalids(portNumberFaults(port), port, path, 'healthCheckNodePort')
  if (spec.type !== 'ExternalName' || spec.internalTrafficPolicy !== undefined) {
    oneOf(spec.internalTrafficPolicy, policies, path, 'internalTrafficPolicy', faults)
  }
  const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode']
  optionalOneOf(spec.trafficDistribution, distributions, path, 'trafficDistribution', faults)
}

function clusterIpChangeRules(next: Frozen<Service>, old: Frozen<Service>, faults: Faults): void {
  if (isHeadless(next) && isHeadless(old)) return
  const now = next.spec.clusterIPs ?? []
  const before = old.spec.clusterIPs ?? []
  const at = path.child('clusterIPs')
  const fixed = 'may not change once set'
  if (now.length === before.length) {
    for (const [index, address] of before.entries()) {
      if (address !== now[index]) faults.invalid(at.index(index), now, fixed)
    }
    return
  }
  if (now.length === 0) faults.invalid(at.index(0), now, 'primary clusterIP can not be unset')
  else if (before.length > 0 && now[0] !== before[0]) faults.invalid(at.index(0), now, fixed)
  if (now.length === 1 && before.length > 1 && next.spec.ipFamilyPolicy !== 'SingleStack') {
    faults.invalid(
      path.child('ipFamilyPolicy'),
      next.spec.ipFamilyPolicy ?? null,
      "must be set to 'SingleStack' when releasing the secondary clusterIP",
    )
  }
}

function familyChangeRules(next: Frozen<Service>, old: Frozen<Service>, faults: Faults): void {
  if (isHeadless(next) || isHeadless(old)) return
  const now = next.spec.ipFamilies ?? []
  const before = old.spec.ipFamilies ?? []
  const at = path.child('ipFamilies').index(0)
  const fixed = 'may not change once set'
  if (now.length === before.length) {
    if (!jsonEqual(now, before)) faults.invalid(at, now, fixed)
    return
  }
  if (now.length < before.length && !next.spec.clusterIPs?.length) {
    faults.invalid(at, now, 'primary ipFamily can not be unset')
  }
  if (now.length > 0 && before.length > 0 && now[0] !== before[0]) faults.invalid(at, next.spec.clusterIPs ?? [], fixed)
  if (now.length === 1 && before.length > 1 && next.spec.ipFamilyPolicy !== 'SingleStack') {
    faults.invalid(
      path.child('ipFamilyPolicy'),
      next.spec.ipFamilyPolicy ?? null,
      "must be set to 'SingleStack' when releasing the secondary ipFamily",
    )
  }
}

/** What a load balancer may report of itself. */
export function balancerStatusRules(next: Frozen<Service>, old: Frozen<Service>, faults: Faults): void {
  const status: Frozen<LoadBalancerStatus> | undefined = next.status.loadBalancer
  const at = new FieldPath('status').child('loadBalancer', 'ingress')
  const points = status?.ingress ?? []
  if (next.spec.type !== 'LoadBalancer' && points.length > 0) {
    faults.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")
    return
  }
  const kept = old.status.loadBalancer?.ingress?.map(point => point.ip ?? '')
  for (const [index, { ip, ipMode, hostname }] of points.entries()) {
    const point = at.index(index)
    if (ip) ipRule(ip, point.child('ip'), faults, kept)
    if (ipMode === undefined) {
      if (ip) faults.required(point.child('ipMode'), 'must be specified when `ip` is set')
    } else if (!ip) faults.forbidden(point.child('ipMode'), 'may not be specified when `ip` is not set')
    else optionalOneOf(ipMode, ['Proxy', 'VIP'], point, 'ipMode', faults)
    if (hostname) hostnameRule(hostname, point, faults)
  }
}

export function hostnameRule(hostname: string, point: FieldPath, faults: Faults): void {
  faults.invalids(dns1123SubdomainFaults(hostname), hostname, point, 'hostname')
  if (parseIp(hostname)) faults.invalid(point.child('hostname'), hostname, 'must be a DNS name, not an IP address')
}
