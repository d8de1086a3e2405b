// kube-proxy's table: which endpoints stand behind each Service port, and which of them gets the next connection. The
// choice goes round, from a place drawn by chance, so that repeated calls reach everyone; with ClientIP affinity a client
// keeps its endpoint until it was silent for the timeout; each node has a table of its own. Rules: pkg/proxy/topology.go.

import type {
  DiscoveryV1EndpointPort,
  EndpointSlice,
  Node,
  Service,
  ServicePort,
  Endpoint as SliceEndpoint,
} from '../../generated/types.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Random } from '../../src/env/random.ts'
import type { Lister } from '../../src/runtime/informer.ts'

export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly node: string | undefined
}

export interface Caller {
  /** The client's address. */
  readonly from: string
  /** The node on whose table the choice is made; undefined: on any. */
  readonly node: string | undefined
  /**
   * Whose policy counts: `true` externalTrafficPolicy, `false` internalTrafficPolicy; `any` for pods that come by an external
   * address or a node port, which each node sends on as if it were all its own.
   */
  readonly external: boolean | 'any'
  /** By which family it comes; default: the Service's first. */
  readonly family?: string | undefined
}

/** Who gets a connection, or why nobody does: `none` is refused, `none local` is dropped (pkg/proxy/iptables/proxier.go). */
export type Choice = { readonly endpoint: Endpoint } | { readonly fault: 'none' | 'none local' }

/** A Service's port as an address leads to it. */
export interface ServicePortRef {
  readonly service: Frozen<Service>
  readonly port: Frozen<ServicePort>
}

const bySlice = 'kubesim-slice-service'
const byPort = 'kubesim-node-port'
const byAddress = 'kubesim-service-address'
const byHealth = 'kubesim-health-port'
const byNamed = 'kubesim-slice-hostname'

export class ServiceTable {
  private services: Lister<Service> | undefined
  private slices: Lister<EndpointSlice> | undefined
  private nodes: Lister<Node> | undefined
  private readonly turns = new Map<string, number>()
  private readonly affinities = new Map<string, Map<string, { endpoint: Endpoint; until: Millis }>>()
  private readonly env: Env
  private readonly random: Random

  constructor(env: Env) {
    this.env = env
    this.random = env.random.fork('proxy')
  }

  follow(services: Lister<Service>, slices: Lister<EndpointSlice>, nodes: Lister<Node>): void {
    this.services = services
    this.slices = slices
    this.nodes = nodes
    services.index(byPort, ({ spec }) =>
      (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [String(nodePort)] : [])),
    )
    services.index(byAddress, addressesOf)
    services.index(byHealth, ({ spec }) => (spec.healthCheckNodePort ? [String(spec.healthCheckNodePort)] : []))
    slices.index(bySlice, ({ metadata }) => {
      const name = metadata.labels?.['kubernetes.io/service-name']
      return name === undefined ? [] : [`${metadata.namespace}/${name}`]
    })
    slices.index(byNamed, ({ endpoints }) =>
      (endpoints ?? []).flatMap(({ hostname, addresses }) => (hostname ? addresses : [])),
    )
  }

  byNodePort(nodePort: number, protocol = 'TCP'): ServicePortRef | undefined {
    for (const service of this.services?.by(byPort, String(nodePort)) ?? []) {
      const port = service.spec.ports?.find(each => each.nodePort === nodePort && (each.protocol ?? 'TCP') === protocol)
      if (port) return { service, port }
    }
    return undefined
  }

  /** The Services that have this address: as cluster address, external one or that of a load balancer. */
  byAddress(address: string): readonly Frozen<Service>[] {
    return this.services?.by(byAddress, address) ?? []
  }

  /** The slices in which an endpoint of that address has a host name. */
  slicesNaming(address: string): readonly Frozen<EndpointSlice>[] {
    return this.slices?.by(byNamed, address) ?? []
  }

  byHealthPort(port: number): Frozen<Service> | undefined {
    return this.services?.by(byHealth, String(port))[0]
  }

  /** How many endpoints that are ready, or that still serve while no other does, a node has of its own. */
  localEndpoints({ metadata, spec }: Frozen<Service>, node: string): number {
    const [ready, ending] = [new Set<string>(), new Set<string>()]
    for (const { endpoints, addressType } of this.slicesOf(metadata)) {
      if (!isOfFamily(addressType, spec.ipFamilies?.[0])) continue
      for (const endpoint of endpoints ?? []) {
        if (endpoint.nodeName !== node || endpoint.addresses[0] === undefined) continue
        if (isReady(endpoint)) ready.add(endpoint.addresses[0])
        else if (isEnding(endpoint)) ending.add(endpoint.addresses[0])
      }
    }
    return ready.size || ending.size
  }

  slicesOf({ namespace, name }: Ref): readonly Frozen<EndpointSlice>[] {
    return this.slices?.by(bySlice, `${namespace}/${name}`) ?? []
  }

  /** Who gets the next connection to a Service's port (a number or a name); undefined: nobody is ready. */
  pick(ref: Ref, port: number | string, caller: Caller): Endpoint | undefined {
    const service = this.services?.get(ref)
    const found = service?.spec.ports?.find(
      each => each.port === port || each.name === port || String(each.port) === port,
    )
    if (!service || !found) return undefined
    const choice = this.choose({ service, port: found }, caller)
    return 'endpoint' in choice ? choice.endpoint : undefined
  }

  choose({ service, port }: ServicePortRef, caller: Caller): Choice {
    const { usable, hasAny } = this.endpoints(service, port.name ?? '', caller)
    if (usable.length === 0) return { fault: hasAny ? 'none local' : 'none' }
    const { namespace, name } = service.metadata
    const family = caller.family === 'IPv6' ? ' IPv6' : ''
    const key = `${namespace}/${name}:${port.port}${port.protocol ?? 'TCP'}${family}@${caller.node ?? ''}`
    const timeout = affinityOf(service)
    if (timeout === undefined) return { endpoint: usable[this.turn(key, usable.length)]! }
    let clients = this.affinities.get(key)
    if (!clients) {
      clients = new Map()
      this.affinities.set(key, clients)
    }
    const now = this.env.clock.now()
    const known = clients.get(caller.from)
    const kept = known && known.until > now && usable.find(each => each.address === known.endpoint.address)
    const endpoint = kept || usable[this.turn(key, usable.length)]!
    clients.set(caller.from, { endpoint, until: now + timeout })
    return { endpoint }
  }

  /** Whether anybody would get a connection. */
  isServed(ref: Ref, portName: string, caller: Omit<Caller, 'from'>): boolean {
    const service = this.services?.get(ref)
    return service !== undefined && this.endpoints(service, portName, { ...caller, from: '' }).usable.length > 0
  }

  forget(ref: Ref): void {
    const prefix = `${ref.namespace}/${ref.name}:`
    for (const map of [this.turns, this.affinities]) {
      for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key)
    }
  }

  /** Ready endpoints, near ones where hints say so; when there are none, those that still serve while they end. */
  private endpoints(
    service: Frozen<Service>,
    portName: string,
    caller: Caller,
  ): { readonly usable: readonly Endpoint[]; readonly hasAny: boolean } {
    const ready: [Frozen<SliceEndpoint>, Endpoint][] = []
    const ending: Endpoint[] = []
    const family = caller.family ?? service.spec.ipFamilies?.[0]
    for (const slice of this.slicesOf(service.metadata)) {
      if (!isOfFamily(slice.addressType, family)) continue
      const port = slice.ports?.find(each => portNameOf(each) === portName)
      if (port?.port === undefined) continue
      for (const endpoint of slice.endpoints ?? []) {
        // One connection goes to one address: upstream takes the first (pkg/proxy/endpointslicecache.go).
        const address = endpoint.addresses[0]
        if (address === undefined) continue
        const one = { address, port: port.port, node: endpoint.nodeName }
        if (isReady(endpoint)) ready.push([endpoint, one])
        else if (isEnding(endpoint)) ending.push(one)
      }
    }
    const hasAny = ready.length > 0 || ending.length > 0
    const local = isLocal(service, caller.external) ? caller.node : undefined
    if (local !== undefined) {
      const here = ready.filter(([, { node }]) => node === local).map(([, one]) => one)
      return { usable: here.length > 0 ? here : ending.filter(({ node }) => node === local), hasAny }
    }
    const near = ready.length > 0 && caller.node !== undefined ? this.near(ready, caller.node) : undefined
    return { usable: near ?? (ready.length > 0 ? ready.map(([, one]) => one) : ending), hasAny }
  }

  /** When every ready endpoint is hinted for nodes and one of them for this one, those; else the same of its zone. */
  private near(ready: readonly [Frozen<SliceEndpoint>, Endpoint][], node: string): readonly Endpoint[] | undefined {
    if (ready.every(([{ hints }]) => hints?.forNodes?.length)) {
      const here = ready.filter(([{ hints }]) => hints?.forNodes?.some(({ name }) => name === node))
      if (here.length > 0) return here.map(([, one]) => one)
    }
    if (!ready.every(([{ hints }]) => hints?.forZones?.length)) return undefined
    const zone = this.nodes?.get({ name: node })?.metadata.labels?.['topology.kubernetes.io/zone']
    const here = ready.filter(([{ hints }]) => hints?.forZones?.some(({ name }) => name === zone))
    return here.length > 0 ? here.map(([, one]) => one) : undefined
  }

  private turn(key: string, length: number): number {
    const last = this.turns.get(key) ?? Math.floor(this.random.fraction() * length)
    const next = (last + 1) % length
    this.turns.set(key, next)
    return next
  }
}

/** Names are of no family, and so is what nobody has said it of. */
function isOfFamily(addressType: string, family: string | undefined): boolean {
  return family === undefined || addressType === family || addressType === 'FQDN'
}

function portNameOf(port: Frozen<DiscoveryV1EndpointPort>): string {
  return port.name ?? ''
}

function isReady({ conditions }: Frozen<SliceEndpoint>): boolean {
  return conditions?.ready !== false
}

function isEnding({ conditions }: Frozen<SliceEndpoint>): boolean {
  return conditions?.terminating === true && conditions.serving !== false
}

function isLocal({ spec }: Frozen<Service>, external: Caller['external']): boolean {
  if (external === 'any') return false
  return (external ? spec.externalTrafficPolicy : spec.internalTrafficPolicy) === 'Local'
}

/** Cluster addresses, and those by which the outside comes; a load balancer's only where nodes are to take them as theirs. */
function addressesOf({ spec, status }: Frozen<Service>): readonly string[] {
  const addresses = (spec.clusterIPs ?? []).filter(ip => ip !== 'None' && ip !== '')
  if (spec.externalIPs) addresses.push(...spec.externalIPs)
  for (const { ip, ipMode } of status?.loadBalancer?.ingress ?? []) if (ip && ipMode !== 'Proxy') addresses.push(ip)
  return addresses
}

function affinityOf({ spec }: Frozen<Service>): Millis | undefined {
  if (spec.sessionAffinity !== 'ClientIP') return undefined
  return (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * 1000
}
