// The cluster's network, simulated: who answers at a pod's, a Service's, a node's or a load balancer's address, and what is
// said. Called by the real listeners (listeners.ts), by the API server's proxy (node-server.ts), by the sockets of simulated
// processes (sockets.ts) and by tests. No address of the simulation is ever dialled on the real network.

import type { Duplex as NodeDuplex } from 'node:stream'
import type {
  EndpointSlice,
  Ingress,
  IngressClass,
  Namespace,
  NetworkPolicy,
  Node,
  Pod,
  Service,
} from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Env } from '../../src/env/env.ts'
import type { Random } from '../../src/env/random.ts'
import type { Lister } from '../../src/runtime/informer.ts'
import type { ImageBook } from '../image-book.ts'
import { accessLine } from '../images/access-log.ts'
import { type Behaviour, behaviourAt, behaviourOf, type Overrides } from '../images.ts'
import type { Load } from '../load.ts'
import type { Logs } from '../logs.ts'
import type { Address, Sockets, TlsServing } from '../machine/sockets.ts'
import { SystemError } from '../machine/system-error.ts'
import { addressesOf, addressOf, isSilent } from '../nodes.ts'
import type { Silences } from '../silences.ts'
import { dialFault } from './dial-fault.ts'
import { dnsPodAddresses } from './dns-service.ts'
import { drive } from './drive.ts'
import { type Duplex, duplexOf } from './duplex.ts'
import { Faults } from './faults.ts'
import { respond } from './http.ts'
import { Links } from './links.ts'
import { Policies } from './policies.ts'
import { ServiceTable } from './proxy.ts'
import { clusterDnsAddress } from './resolver.ts'
import { type Origin, originInside, originOfPod, originOutside, type Target } from './routes.ts'
import { type NameFiles, type SocketOwner, socketsFor } from './sockets.ts'
import { podStack, Stacks } from './stacks.ts'
import { streamOf } from './stream.ts'
import { Traces } from './traces.ts'
import { type RequestOptions, Transport } from './transport.ts'

/** The caches the network reads; given by whichever controller starts first. */
export interface Caches {
  readonly pods: Lister<Pod>
  readonly nodes: Lister<Node>
  readonly namespaces: Lister<Namespace>
  readonly policies: Lister<NetworkPolicy>
  readonly services: Lister<Service>
  readonly slices: Lister<EndpointSlice>
  readonly ingresses: Lister<Ingress>
  readonly classes: Lister<IngressClass>
}

/** A container's port that is only told of, as found behind an address. */
export interface Listening {
  readonly pod: Frozen<Pod>
  readonly container: string
  readonly restart: number
  readonly behaviour: Behaviour
  readonly unhealthy: boolean
}

const podIP = 'kubesim-pod-ip'
const hostPort = 'kubesim-host-port'
const nodeAddress = 'kubesim-node-address'
const none: readonly string[] = []

/** Where the API server's own requests and the ingress controller's come from: the node that is not simulated. */
export const controlPlaneAddress = '10.244.0.1'
export const ingressPodAddress = '10.244.0.2'

export class Network {
  readonly env: Env
  readonly table: ServiceTable
  readonly stacks = new Stacks()
  readonly links: Links
  readonly faults: Faults
  readonly traces = new Traces()
  readonly policies: Policies
  readonly transport: Transport
  /** Takes what pods connect to the Service `kubernetes` for; absent: a connection is made and closed. */
  apiServer: ((stream: NodeDuplex, from: { readonly address: string; readonly port: number }) => void) | undefined
  /** For programs that speak TLS without a certificate of their own. */
  selfSigned: (() => TlsServing) | undefined
  private caches: Caches | undefined
  private readonly chance: Random
  private readonly images: ImageBook
  private readonly load: Load
  private readonly logs: Logs
  private readonly silences: Silences
  /** Containers whose programs really run: nothing is told of them. */
  private readonly running = new Set<string>()

  constructor(env: Env, needs: { images: ImageBook; logs: Logs; silences: Silences; load: Load }) {
    this.load = needs.load
    this.env = env
    this.chance = env.random.fork('network/answers')
    this.images = needs.images
    this.logs = needs.logs
    this.silences = needs.silences
    this.table = new ServiceTable(env)
    this.links = new Links(this)
    this.faults = new Faults(needs.silences, () => this.links.changed.tell())
    this.policies = new Policies(() => this.cache)
    this.transport = new Transport(this)
    needs.silences.onChange(new AbortController().signal, () => this.links.changed.tell())
  }

  /** From then on it follows the cluster. */
  follow(caches: Caches): void {
    if (this.caches) return
    this.caches = caches
    caches.pods.index(podIP, ({ status, spec }) =>
      status.podIP && !spec.hostNetwork && !hasEnded(status.phase)
        ? (status.podIPs?.map(({ ip }) => ip) ?? [status.podIP])
        : none,
    )
    caches.pods.index(hostPort, hostPortsOf)
    caches.nodes.index(nodeAddress, ({ status }) => (status.addresses ?? []).map(({ address }) => address))
    this.table.follow(caches.services, caches.slices, caches.nodes)
  }

  get cache(): Caches {
    if (!this.caches)
      throw new ApiError('ServiceUnavailable', 'the nodes have no network: neither kubelet nor proxy is running')
    return this.caches
  }

  podAt(address: string): Frozen<Pod> | undefined {
    return this.cache.pods.by(podIP, address)[0]
  }

  /** The name of the node that has this address. */
  nodeAt(address: string): string | undefined {
    return this.cache.nodes.by(nodeAddress, address)[0]?.metadata.name
  }

  addressOfNode(name: string): string {
    const node = this.cache.nodes.get({ name })
    return node ? addressOf(node) : ''
  }

  /** Of IPv6, in a cluster of both families. */
  secondAddressOfNode(name: string): string | undefined {
    const node = this.cache.nodes.get({ name })
    return node && addressesOf(node)[1]
  }

  /** The node's own address on its pods' network. */
  bridgeOf(name: string, isSix = false): string {
    const { podCIDR: cidr, podCIDRs = [] } = this.cache.nodes.get({ name })?.spec ?? {}
    if (isSix && podCIDRs[1]) return `${podCIDRs[1].slice(0, podCIDRs[1].indexOf('/'))}1`
    return cidr ? cidr.replace(/\.0\/\d+$/, '.1') : controlPlaneAddress
  }

  hostPortAt(
    node: string,
    address: string,
    port: number,
    protocol: string,
  ): { readonly pod: Frozen<Pod>; readonly port: number } | undefined {
    for (const pod of this.cache.pods.by(hostPort, `${node}:${port}`)) {
      for (const { ports } of pod.spec.containers) {
        const found = ports?.find(
          each =>
            each.hostPort === port &&
            (each.protocol ?? 'TCP') === protocol &&
            (!each.hostIP || each.hostIP === '0.0.0.0' || each.hostIP === '::' || each.hostIP === address),
        )
        if (found) return { pod, port: found.containerPort }
      }
    }
    return undefined
  }

  /** Whether an address belongs to the cluster's ranges, though nobody may have it now. */
  isOurs(address: string): boolean {
    return isClusterAddress(address)
  }

  /** Whether the cluster's name server is there: behind its Service, or by its address while there is no such Service. */
  isClusterDns({ address, port }: { readonly address: string; readonly port: number }): boolean {
    return port === 53 && (dnsPodAddresses.includes(address) || address === clusterDnsAddress)
  }

  hasNamespace(name: string): boolean {
    return this.cache.namespaces.get({ name }) !== undefined
  }

  /** The sockets of a process; closed with it. */
  socketsFor(owner: SocketOwner, files?: NameFiles): Sockets {
    return socketsFor(this, owner, files)
  }

  /** From somewhere outside of the cluster, as a real socket's other half; rejects with a SystemError. */
  async connectFromOutside(from: string, host: string, port: number): Promise<Duplex> {
    return duplexOf(this.env, await drive(this.env, this.transport.connect(originOutside(from), { host, port })))
  }

  /** From the API server's place; rejects in Go's words, with the errno as `code`. */
  async dial(to: Address): Promise<NodeDuplex> {
    try {
      return await this.open(originInside(controlPlaneAddress), to, 30_000)
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      throw Object.assign(new Error(dialFault(error, to)), { code: error.errno })
    }
  }

  /** A connection as a stream of Node's; rejects with the SystemError it meets. */
  async open(origin: Origin, to: Address, timeout: number): Promise<NodeDuplex> {
    return streamOf(this.env, await drive(this.env, this.transport.connect(origin, to, timeout)))
  }

  /** To a port in a pod's own network, as its kubelet opens one for port-forward; rejects with a SystemError. */
  async connectToPod(given: Frozen<Pod>, port: number): Promise<Duplex> {
    const pod = this.current(given) ?? given
    const origin = originOfPod(this, pod)
    if (this.isDead(origin.node ?? '')) throw new SystemError('EHOSTUNREACH')
    return duplexOf(this.env, await drive(this.env, this.transport.connect(origin, { host: '127.0.0.1', port })))
  }

  /** Who is told of at an address, when nothing there really runs; for those who need to know at once. */
  listening(address: string, port: number): Listening | undefined {
    const pod = this.podAt(address)
    if (!pod || this.stacks.find(podStack(pod.metadata.uid ?? ''))) return undefined
    return this.listeningIn(pod, port)
  }

  /** Who is told of at a target's port; undefined: nobody, refused. */
  toldAt({ pod, node, port }: Target): Listening | undefined {
    if (pod) return this.listeningIn(pod, port)
    for (const each of this.cache.pods.by('node', node)) {
      const found = each.spec.hostNetwork ? this.listeningIn(each, port) : undefined
      if (found) return found
    }
    return undefined
  }

  listeningIn(given: Frozen<Pod>, port: number): Listening | undefined {
    // As it is now, however long ago it was asked for.
    const pod = this.current(given) ?? given
    const { nodeName } = pod.spec
    if (!nodeName || this.isDead(nodeName)) return undefined
    const init = pod.spec.initContainers ?? []
    const all = [...pod.spec.containers, ...init.filter(({ restartPolicy }) => restartPolicy === 'Always')]
    for (const container of all) {
      if (this.isRun(pod.metadata.uid ?? '', container.name)) continue
      const status =
        pod.status.containerStatuses?.find(({ name }) => name === container.name) ??
        pod.status.initContainerStatuses?.find(({ name }) => name === container.name)
      const startedAt = status?.state?.running?.startedAt
      if (status === undefined || startedAt === undefined) continue
      const overrides = (pod.metadata.annotations ?? {}) as Overrides
      const behaviour = behaviourOf(container, this.images.find(container.image ?? ''), overrides, pod.metadata.name)
      if (!behaviour.ports.includes(port)) continue
      const age = this.env.clock.now() - Date.parse(startedAt)
      if (age < behaviour.listensAfter) continue
      const { unhealthyAfter } = behaviour
      const unhealthy = unhealthyAfter !== undefined && age >= unhealthyAfter
      const own = behaviourAt(behaviour, port)
      return { pod, container: container.name, restart: status.restartCount, behaviour: own, unhealthy }
    }
    return undefined
  }

  current(pod: Frozen<Pod>): Frozen<Pod> | undefined {
    const now = this.cache.pods.get(pod.metadata)
    return now?.metadata.uid === pod.metadata.uid ? now : undefined
  }

  /** A request as somebody sends it; rejects with the SystemError it meets. */
  ask(
    origin: Origin,
    host: string,
    port: number,
    request: SimulatedRequest,
    { signal, ...options }: RequestOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<SimulatedResponse> {
    return drive(this.env, this.transport.request(origin, { host, port }, request, options), signal)
  }

  /** A request from the API server's place to a pod's address. */
  toPod(
    address: string,
    port: number,
    request: SimulatedRequest,
    from = controlPlaneAddress,
  ): Promise<SimulatedResponse> {
    return this.ask(originInside(from), address, port, request)
  }

  /** A request to a Service's cluster address, as `origin` makes it; by a port's number or name. */
  async toService(
    ref: Ref,
    port: number | string,
    request: SimulatedRequest,
    origin: Origin = originInside(controlPlaneAddress),
  ): Promise<SimulatedResponse> {
    const spec = this.cache.services.get(ref)?.spec
    const found = spec?.ports?.find(each => each.port === port || each.name === port)
    if (!spec?.clusterIP || !found) throw new SystemError('ECONNREFUSED')
    return this.ask(origin, spec.clusterIP, found.port, request)
  }

  /** A request to `node`'s address on a node port, from outside. */
  toNodePort(node: string, port: number, request: SimulatedRequest, from = '127.0.0.1'): Promise<SimulatedResponse> {
    return this.ask(originOutside(from), this.addressOfNode(node), port, request)
  }

  /** What the container says, and the line its log gets for that. */
  answer(
    { pod, container, restart, behaviour, unhealthy }: Listening,
    request: SimulatedRequest,
    from: string,
  ): SimulatedResponse {
    const { name, uid } = pod.metadata
    const response = respond(behaviour, request, {
      pod: name,
      node: pod.spec.nodeName ?? '',
      address: pod.status.podIP,
      client: from,
      chance: () => this.chance.fraction(),
      unhealthy,
    })
    const now = this.env.clock.now()
    const { method, path, headers } = request
    const bytes = response.body.length
    const line = accessLine(behaviour.accessLog, {
      at: now,
      client: from,
      method,
      path,
      headers,
      status: response.status,
      bytes,
    })
    this.load.answered(uid ?? '', container, now)
    if (line !== undefined) this.logs.print(uid ?? '', container, restart, now, line)
    return response
  }

  /** From now on what a container's processes listen on is all that it listens on; the returned function ends that. */
  runs(uid: string, container: string): () => void {
    const key = `${uid} ${container}`
    this.running.add(key)
    return () => void this.running.delete(key)
  }

  /** Whether what a container listens on is its processes' alone. */
  isRun(uid: string, container: string): boolean {
    return this.running.size > 0 && this.running.has(`${uid} ${container}`)
  }

  /** Whether somebody takes a connection there; rejects with the SystemError it meets. */
  async tryPort(origin: Origin, to: Address, timeout: number): Promise<void> {
    const connection = await drive(this.env, this.transport.connect(origin, to, timeout))
    connection.close()
  }

  /** The pod has ended: its connections break off. */
  ended(uid: string): void {
    this.stacks.forget(podStack(uid), 'ECONNRESET')
  }

  /** A node without a working machine: nothing on it answers. */
  isDead(node: string): boolean {
    const known = this.cache.nodes.get({ name: node })
    return this.silences.isDead(node) || known === undefined || isSilent(known)
  }

  originOf(pod: Frozen<Pod>): Origin {
    return originOfPod(this, this.current(pod) ?? pod)
  }
}

function hasEnded(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function hostPortsOf({ spec, status }: Frozen<Pod>): readonly string[] {
  let keys: string[] | undefined
  if (!spec.nodeName || spec.hostNetwork || hasEnded(status.phase)) return none
  for (const { ports } of spec.containers) {
    if (ports === undefined) continue
    for (const each of ports) {
      if (!each.hostPort) continue
      keys ??= []
      keys.push(`${spec.nodeName}:${each.hostPort}`)
    }
  }
  return keys ?? none
}

/** Of IPv6 fd00:10::/32; else Services 10.96.0.0/12, pods 10.244.0.0/16 and 10.129.0.0/16 and above, nodes without a real address 10.64.0.0/16. */
function isClusterAddress(address: string): boolean {
  const match = /^10\.(\d+)\.\d+\.\d+$/.exec(address)
  if (!match) return address.startsWith('127.') || address.startsWith('fd00:10:')
  const second = Number(match[1])
  return second === 64 || (second >= 96 && second < 112) || (second > 128 && second <= 244)
}
