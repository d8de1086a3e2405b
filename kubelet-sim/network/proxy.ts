// kube-proxy's table: which endpoints stand behind each Service port, and which of them gets the next connection. The
// choice goes round, from a place drawn by chance, so that repeated calls reach everyone; with ClientIP affinity a client
// keeps its endpoint until it was silent for the timeout. Rules: pkg/proxy/topology.go CategorizeEndpoints.

import type {
  DiscoveryV1EndpointPort,
  EndpointSlice,
  Service,
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
  /** From outside the cluster: externalTrafficPolicy applies instead of internalTrafficPolicy. */
  readonly external: boolean
}

const bySlice = 'kubesim-slice-service'
const byPort = 'kubesim-node-port'

export class ServiceTable {
  private services: Lister<Service> | undefined
  private slices: Lister<EndpointSlice> | undefined
  private readonly turns = new Map<string, number>()
  private readonly affinities = new Map<string, Map<string, { endpoint: Endpoint; until: Millis }>>()
  private readonly env: Env
  private readonly random: Random

  constructor(env: Env) {
    this.env = env
    this.random = env.random.fork('proxy')
  }

  follow(services: Lister<Service>, slices: Lister<EndpointSlice>): void {
    this.services = services
    this.slices = slices
    services.index(byPort, ({ spec }) =>
      (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [String(nodePort)] : [])),
    )
    slices.index(bySlice, ({ metadata }) => {
      const name = metadata.labels?.['kubernetes.io/service-name']
      return name === undefined ? [] : [`${metadata.namespace}/${name}`]
    })
  }

  byNodePort(nodePort: number): { ref: Ref; port: number } | undefined {
    const service = this.services?.by(byPort, String(nodePort))[0]
    const port = service?.spec.ports?.find(each => each.nodePort === nodePort)
    return service && port && { ref: service.metadata, port: port.port }
  }

  /** Who gets the next connection to a Service's port (a number or a name); undefined: nobody is ready. */
  pick(ref: Ref, port: number | string, caller: Caller): Endpoint | undefined {
    const service = this.services?.get(ref)
    const found = service?.spec.ports?.find(
      each => each.port === port || each.name === port || String(each.port) === port,
    )
    if (!service || !found) return undefined
    const usable = this.endpoints(service, found.name ?? '', caller)
    if (usable.length === 0) return undefined
    const key = `${ref.namespace}/${ref.name}:${found.port}`
    const timeout = affinityOf(service)
    if (timeout === undefined) return usable[this.turn(key, usable.length)]
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
    return endpoint
  }

  /** Whether anybody would get a connection. */
  isServed(ref: Ref, portName: string, caller: Omit<Caller, 'from'>): boolean {
    const service = this.services?.get(ref)
    return service !== undefined && this.endpoints(service, portName, { ...caller, from: '' }).length > 0
  }

  forget(ref: Ref): void {
    const prefix = `${ref.namespace}/${ref.name}:`
    for (const map of [this.turns, this.affinities]) {
      for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key)
    }
  }

  /** Ready endpoints; when there are none, those that still serve while they end (ProxyTerminatingEndpoints). */
  private endpoints(service: Frozen<Service>, portName: string, caller: Caller): Endpoint[] {
    const { namespace, name } = service.metadata
    const ready: Endpoint[] = []
    const ending: Endpoint[] = []
    const local = isLocal(service, caller.external) ? caller.node : undefined
    const onlyLocal = local !== undefined
    for (const slice of this.slices?.by(bySlice, `${namespace}/${name}`) ?? []) {
      const port = slice.ports?.find(each => portNameOf(each) === portName)
      if (port?.port === undefined) continue
      for (const endpoint of slice.endpoints ?? []) {
        if (onlyLocal && endpoint.nodeName !== local) continue
        const list = isReady(endpoint) ? ready : isEnding(endpoint) ? ending : undefined
        for (const address of endpoint.addresses) list?.push({ address, port: port.port, node: endpoint.nodeName })
      }
    }
    return ready.length > 0 ? ready : ending
  }

  private turn(key: string, length: number): number {
    const last = this.turns.get(key) ?? Math.floor(this.random.fraction() * length)
    const next = (last + 1) % length
    this.turns.set(key, next)
    return next
  }
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

function isLocal({ spec }: Frozen<Service>, external: boolean): boolean {
  return (external ? spec.externalTrafficPolicy : spec.internalTrafficPolicy) === 'Local'
}

function affinityOf({ spec }: Frozen<Service>): Millis | undefined {
  if (spec.sessionAffinity !== 'ClientIP') return undefined
  return (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) * 1000
}
