// A Service's addresses: its cluster IP and node ports, found free and given within the writer's own turn, so that none is
// given twice and there is nothing to release: what no stored Service carries is free. Called as the last of admission.
// Rules and sentences: pkg/registry/core/service/storage/{alloc,storage}.go, …/service/{ipallocator,portallocator}.

import type { Service, ServicePort, ServiceSpec } from '../../generated/types.ts'
import { type ApiError, internalError, invalid, invalidValue } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Random } from '../../src/env/random.ts'
import { ipText, parseIp } from '../../src/kinds/ip-address.ts'
import { Services } from '../../src/kinds/service.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Present } from '../storage/storage.ts'
import type { Admission, AdmissionRequest } from './admission.ts'
import { type Family, setFamilies } from './service-families.ts'

/** What can be given of a family, by its number from the network's own address on. */
interface Range {
  readonly text: string
  /** The highest that is given: an IPv4 network's last address is for all of it. */
  readonly last: number
  numberOf(address: string): number | undefined
  textOf(number: number): string
}

const four: Range = {
  text: '10.96.0.0/12',
  last: (1 << 20) - 2,
  numberOf(address) {
    const bytes = parseIp(address)
    if (bytes?.length !== 4 || bytes[0] !== 10 || (bytes[1]! & 0xf0) !== 96) return undefined
    return ((bytes[1]! & 15) << 16) | (bytes[2]! << 8) | bytes[3]!
  },
  textOf: number => `10.${96 | (number >>> 16)}.${(number >>> 8) & 255}.${number & 255}`,
}

/** As kind's dual-stack clusters have it. */
const six: Range = {
  text: 'fd00:10:96::/112',
  last: 0xffff,
  numberOf(address) {
    const bytes = parseIp(address)
    if (bytes?.length !== 16 || ipText([...bytes.slice(0, 14), 0, 0]) !== 'fd00:10:96::') return undefined
    return (bytes[14]! << 8) | bytes[15]!
  },
  textOf: number => `fd00:10:96::${number.toString(16)}`,
}

const ranges: Readonly<Record<Family, Range>> = { IPv4: four, IPv6: six }

/** What the default ServiceCIDR says. */
export const addressRanges = (families: readonly Family[]): string[] => families.map(family => ranges[family].text)
/** The first address is the cluster's own. */
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

/** `families`: those that the cluster has, the first its default. */
export function serviceAddresses(random: Random, families: readonly Family[] = ['IPv4']): Admission {
  return {
    name: 'ServiceAddresses',
    concerns: kind => kind === Services,
    admit(draft, request) {
      if (request.kind !== Services || request.subresource !== undefined || request.operation === 'DELETE') return
      const service = draft as Service
      const old = request.old as Frozen<Service> | undefined
      if (old) keepGiven(service.spec, old.spec)
      joinAddressFields(service.spec, old?.spec)
      setFamilies(service, old, families)
      giveAddresses(service, old, request, random)
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

/** Those that were asked for are taken if they are free, the others found. */
function giveAddresses(
  service: Service,
  old: Frozen<Service> | undefined,
  { present, namespace, name }: AdmissionRequest,
  random: Random,
): void {
  const { spec } = service
  if (!hasAddress(spec) || spec.clusterIP === 'None' || spec.clusterIPs?.[0] === 'None') return
  const before = old && hasAddress(old.spec) ? (old.spec.clusterIPs ?? []) : []
  const isOwner = namespace === 'default' && name === 'kubernetes'
  const given = [...(spec.clusterIPs ?? [])]
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    const wanted = given[index] ?? ''
    if (wanted === '') {
      given[index] = freeAddress(ranges[family as Family], present, random)
      continue
    }
    // Another first address than before is for validation to refuse: the field does not change.
    if (before.includes(wanted) || (index === 0 && before[0])) continue
    const fault = addressFault(ranges[family as Family], present, wanted, isOwner)
    if (fault === undefined) continue
    const why = `failed to allocate IP ${wanted}: ${fault}`
    throw invalid(Services, service.metadata.name, [invalidValue('spec.clusterIPs', spec.clusterIPs, why)])
  }
  if (given[0] === undefined) return
  spec.clusterIP = given[0]
  spec.clusterIPs = given
}

function addressFault(range: Range, present: Present, ip: string, isOwner: boolean): string | undefined {
  // What is no address at all, validation says better.
  if (parseIp(ip) === undefined) return undefined
  const number = range.numberOf(ip)
  if (number === undefined || number <= 0 || number > range.last) {
    return `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${range.text}`
  }
  if (ip === ownAddress && !isOwner) return 'provided IP is already allocated'
  return isUsed(present, addressTerm(ip)) ? 'provided IP is already allocated' : undefined
}

/** Upstream leaves the lower band of the range to those who choose their own (ipallocator: calculateRangeOffset, at most 256). */
const chosenBand = 256
const tries = 64

function freeAddress(range: Range, present: Present, random: Random): string {
  const count = range.last - chosenBand
  for (let attempt = 0; attempt < tries; attempt++) {
    const ip = range.textOf(1 + chosenBand + Math.floor(random.fraction() * count))
    if (!isUsed(present, addressTerm(ip))) return ip
  }
  for (let number = 2; number <= range.last; number++) {
    const ip = range.textOf(number)
    if (!isUsed(present, addressTerm(ip))) return ip
  }
  throw internalError('failed to allocate a serviceIP: range is full')
}

const isUsed = (present: Present, term: string): boolean => {
  for (const _ of present.withTerm(services, term)) return true
  return false
}

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
