// A Service's addresses: its cluster IP and node ports, found free and given within the writer's own turn, so that none is
// given twice and there is nothing to release: what no stored Service carries is free. Called as the last of admission.
// Rules and sentences: pkg/registry/core/service/storage/{alloc,storage}.go, …/service/{ipallocator,portallocator}.

import type { Service, ServicePort, ServiceSpec } from '../../generated/types.ts'
import { type ApiError, type FieldError, internalError, invalid, invalidValue } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Random } from '../../src/env/random.ts'
import { Services } from '../../src/kinds/service.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Present } from '../storage/storage.ts'
import type { Admission, AdmissionRequest } from './admission.ts'

/** 10.96.0.0/12: the first address is the cluster's own, the network and broadcast addresses nobody's. */
const firstAddress = 0x0a60_0000
const addressCount = 1 << 20
export const addressRange = '10.96.0.0/12'
export const ownAddress = '10.96.0.1'

const firstNodePort = 30_000
const lastNodePort = 32_767

const services = prefixOf(Services)
const addressTerm = (ip: string): string => `address:${ip}`
const nodePortTerm = (port: number): string => `nodePort:${port}`

/** By which terms a Service's addresses are found in use (storageTerms). */
export function serviceTerms(object: Frozen<KubeObject>): string[] {
  const { spec } = object as Frozen<Service>
  const terms: string[] = []
  for (const ip of spec.clusterIPs ?? []) if (ip !== 'None' && ip !== '') terms.push(addressTerm(ip))
  for (const { nodePort } of spec.ports ?? []) if (nodePort) terms.push(nodePortTerm(nodePort))
  if (spec.healthCheckNodePort) terms.push(nodePortTerm(spec.healthCheckNodePort))
  return terms
}

export function serviceAddresses(random: Random): Admission {
  return {
    name: 'ServiceAddresses',
    concerns: kind => kind === Services,
    admit(draft, request) {
      if (request.kind !== Services || request.subresource !== undefined || request.operation === 'DELETE') return
      const service = draft as Service
      const old = request.old as Frozen<Service> | undefined
      if (old) keepGiven(service.spec, old.spec)
      joinAddressFields(service.spec, old?.spec)
      setFamilies(service, old)
      giveAddress(service, old, request, random)
      giveNodePorts(service, old, request, random)
    },
  }
}

const hasAddress = ({ type }: Frozen<ServiceSpec>): boolean => type !== 'ExternalName'
const hasNodePorts = ({ type }: Frozen<ServiceSpec>): boolean => type === 'NodePort' || type === 'LoadBalancer'
const hasHealthCheckPort = ({ type, externalTrafficPolicy }: Frozen<ServiceSpec>): boolean =>
  type === 'LoadBalancer' && externalTrafficPolicy === 'Local'

/** Who sends the manifest again need not repeat what was given (strategy.go: patchAllocatedValues, dropTypeDependentFields). */
function keepGiven(spec: ServiceSpec, old: Frozen<ServiceSpec>): void {
  if (hasAddress(spec) && hasAddress(old)) {
    if (!spec.clusterIP && old.clusterIP !== undefined) spec.clusterIP = old.clusterIP
    if (!spec.clusterIPs?.length && old.clusterIPs?.length && spec.clusterIP === old.clusterIP) {
      spec.clusterIPs = [...old.clusterIPs]
    }
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) keepNodePorts(spec.ports ?? [], old.ports ?? [])
  if (hasHealthCheckPort(spec) && hasHealthCheckPort(old) && old.healthCheckNodePort) {
    spec.healthCheckNodePort ||= old.healthCheckNodePort
  }
  dropWhatTypeLacks(spec, old)
}

/** Ports are known again by name. */
function keepNodePorts(ports: ServicePort[], old: readonly Frozen<ServicePort>[]): void {
  const used = new Set(ports.map(port => port.nodePort))
  for (const port of ports) {
    if (port.nodePort) continue
    const before = old.find(each => (each.name ?? '') === (port.name ?? ''))?.nodePort
    if (before && !used.has(before)) port.nodePort = before
  }
}

/** A type change leaves behind what the new type has no use for, unless the user changed it himself. */
function dropWhatTypeLacks(spec: ServiceSpec, old: Frozen<ServiceSpec>): void {
  if (hasAddress(old) && !hasAddress(spec) && spec.clusterIP === old.clusterIP) {
    delete spec.clusterIP
    delete spec.clusterIPs
    delete spec.ipFamilies
    delete spec.ipFamilyPolicy
  }
  if (hasNodePorts(old) && !hasNodePorts(spec)) {
    for (const port of spec.ports ?? []) {
      if (old.ports?.some(each => each.nodePort === port.nodePort)) delete port.nodePort
    }
  }
  if (hasHealthCheckPort(old) && !hasHealthCheckPort(spec) && spec.healthCheckNodePort === old.healthCheckNodePort) {
    delete spec.healthCheckNodePort
  }
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts) {
      delete spec.allocateLoadBalancerNodePorts
    }
    if (spec.loadBalancerClass === old.loadBalancerClass) delete spec.loadBalancerClass
  }
  const takesExternal = hasNodePorts(spec) || !!spec.externalIPs?.length
  if (!takesExternal && spec.externalTrafficPolicy === old.externalTrafficPolicy) delete spec.externalTrafficPolicy
}

/** clusterIP is the first of clusterIPs; who sets one of the two means both (strategy.go, NormalizeClusterIPs). */
function joinAddressFields(spec: ServiceSpec, old: Frozen<ServiceSpec> | undefined): void {
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP]
  else if (old === undefined) {
    if (!spec.clusterIP && spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0]
  } else if (spec.clusterIP && spec.clusterIP !== old.clusterIP && spec.clusterIPs?.[0] === old.clusterIPs?.[0]) {
    spec.clusterIPs = [spec.clusterIP]
  }
}

/** The simulated cluster has IPv4 alone (alloc.go, initIPFamilyFields). */
function setFamilies(service: Service, old: Frozen<Service> | undefined): void {
  const { spec } = service
  if (!hasAddress(spec)) return
  const selects = Object.keys(spec.selector ?? {}).length > 0
  const isFreeOfAddress = spec.clusterIP === 'None' && !selects
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (isFreeOfAddress ? 'RequireDualStack' : 'SingleStack')
  if (isFreeOfAddress) {
    spec.ipFamilies ??= ['IPv4']
    if (spec.ipFamilies.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
      spec.ipFamilies.push(spec.ipFamilies[0] === 'IPv4' ? 'IPv6' : 'IPv4')
    }
    return
  }
  const faults: FieldError[] = []
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    const why = 'this cluster is not configured for dual-stack services'
    faults.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why))
  }
  spec.ipFamilies?.forEach((family, index) => {
    if (family === 'IPv4') return
    faults.push(invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'))
  })
  if (faults.length > 0) throw invalid(Services, service.metadata.name, faults)
  if (!spec.ipFamilies?.length) spec.ipFamilies = ['IPv4']
}

function giveAddress(
  service: Service,
  old: Frozen<Service> | undefined,
  { present, namespace, name }: AdmissionRequest,
  random: Random,
): void {
  const { spec } = service
  if (!hasAddress(spec) || spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') return
  if (spec.clusterIP) {
    if (spec.clusterIP === old?.spec.clusterIP) return
    // Another address than before is for validation to refuse: the field does not change.
    if (old?.spec.clusterIP && hasAddress(old.spec)) return
    const isOwner = namespace === 'default' && name === 'kubernetes'
    const fault = addressFault(present, spec.clusterIP, isOwner)
    if (fault === undefined) return
    const why = `failed to allocate IP ${spec.clusterIP}: ${fault}`
    throw invalid(Services, service.metadata.name, [invalidValue('spec.clusterIPs', spec.clusterIPs, why)])
  }
  spec.clusterIP = freeAddress(present, random)
  spec.clusterIPs = [spec.clusterIP]
}

function addressFault(present: Present, ip: string, isOwner: boolean): string | undefined {
  const number = addressNumber(ip)
  // What is no address at all, validation says better.
  if (number === undefined) return undefined
  if (number <= firstAddress || number >= firstAddress + addressCount - 1) {
    return `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${addressRange}`
  }
  if (ip === ownAddress && !isOwner) return 'provided IP is already allocated'
  return isUsed(present, addressTerm(ip)) ? 'provided IP is already allocated' : undefined
}

/** Upstream leaves the lower band of the range to those who choose their own (ipallocator: calculateRangeOffset, at most 256). */
const chosenBand = 256
const tries = 64

function freeAddress(present: Present, random: Random): string {
  const from = firstAddress + 1 + chosenBand
  const count = addressCount - chosenBand - 2
  for (let attempt = 0; attempt < tries; attempt++) {
    const ip = addressText(from + Math.floor(random.fraction() * count))
    if (!isUsed(present, addressTerm(ip))) return ip
  }
  for (let number = firstAddress + 2; number < firstAddress + addressCount - 1; number++) {
    const ip = addressText(number)
    if (!isUsed(present, addressTerm(ip))) return ip
  }
  throw internalError('failed to allocate a serviceIP: range is full')
}

const isUsed = (present: Present, term: string): boolean => {
  for (const _ of present.withTerm(services, term)) return true
  return false
}

function addressNumber(ip: string): number | undefined {
  const parts = ip.split('.')
  if (parts.length !== 4) return undefined
  let number = 0
  for (const part of parts) {
    const byte = Number(part)
    if (!/^\d{1,3}$/.test(part) || byte > 255) return undefined
    number = number * 256 + byte
  }
  return number
}

const addressText = (number: number): string =>
  `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`

function giveNodePorts(
  service: Service,
  old: Frozen<Service> | undefined,
  { present }: AdmissionRequest,
  random: Random,
): void {
  const { spec } = service
  const before = new Set(old ? nodePortsOf(old.spec) : [])
  const taken = new Set<number>()
  const ports = new PortChoice(service, present, random, before, taken)
  if (hasNodePorts(spec)) {
    const gives = spec.type === 'NodePort' || spec.allocateLoadBalancerNodePorts !== false
    ports.giveAll(spec.ports ?? [], gives, old !== undefined)
  }
  if (!hasHealthCheckPort(spec)) return
  if (spec.healthCheckNodePort) {
    if (before.has(spec.healthCheckNodePort)) return
    const fault = ports.fault(spec.healthCheckNodePort)
    if (fault === undefined) return
    throw internalError(`failed to allocate requested HealthCheck NodePort ${spec.healthCheckNodePort}: ${fault}`)
  }
  spec.healthCheckNodePort = ports.free()
}

function nodePortsOf({ ports, healthCheckNodePort }: Frozen<ServiceSpec>): number[] {
  const numbers = (ports ?? []).map(port => port.nodePort ?? 0).filter(Boolean)
  return healthCheckNodePort ? [...numbers, healthCheckNodePort] : numbers
}

class PortChoice {
  readonly #service: Service
  readonly #present: Present
  readonly #random: Random
  /** Its own from before: free to keep. */
  readonly #before: ReadonlySet<number>
  /** Given in this very write. */
  readonly #taken: Set<number>

  constructor(service: Service, present: Present, random: Random, before: ReadonlySet<number>, taken: Set<number>) {
    this.#service = service
    this.#present = present
    this.#random = random
    this.#before = before
    this.#taken = taken
  }

  /** The same service port over TCP and UDP shares one node port, at creation (alloc.go, initNodePorts). */
  giveAll(ports: ServicePort[], gives: boolean, isUpdate: boolean): void {
    const given = new Map<number, number>()
    ports.forEach((port, index) => {
      const shared = isUpdate ? undefined : given.get(port.port)
      if (port.nodePort) this.#claim(port.nodePort, index, shared)
      else if (!gives) return
      else port.nodePort = shared ?? this.#laterRequest(ports, port.port, isUpdate) ?? this.free()
      given.set(port.port, port.nodePort!)
      this.#taken.add(port.nodePort!)
    })
  }

  #laterRequest(ports: readonly ServicePort[], number: number, isUpdate: boolean): number | undefined {
    if (isUpdate) return undefined
    const index = ports.findIndex(port => port.port === number && port.nodePort)
    if (index < 0) return undefined
    const { nodePort } = ports[index]!
    this.#claim(nodePort!, index, undefined)
    return nodePort
  }

  #claim(number: number, index: number, shared: number | undefined): void {
    if (number === shared || this.#before.has(number) || this.#taken.has(number)) return
    const fault = this.fault(number)
    if (fault === undefined) return
    throw invalid(Services, this.#service.metadata.name, [
      invalidValue(`spec.ports[${index}].nodePort`, number, fault),
    ]) as ApiError
  }

  fault(number: number): string | undefined {
    if (number < firstNodePort || number > lastNodePort) {
      return `provided port is not in the valid range. The range of valid ports is ${firstNodePort}-${lastNodePort}`
    }
    return isUsed(this.#present, nodePortTerm(number)) ? 'provided port is already allocated' : undefined
  }

  free(): number {
    const count = lastNodePort - firstNodePort + 1
    const start = Math.floor(this.#random.fraction() * count)
    for (let step = 0; step < count; step++) {
      const number = firstNodePort + ((start + step) % count)
      if (this.#taken.has(number) || this.#before.has(number) || isUsed(this.#present, nodePortTerm(number))) continue
      this.#taken.add(number)
      return number
    }
    throw internalError('failed to allocate a nodePort: range is full')
  }
}
