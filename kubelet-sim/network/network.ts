// The cluster's network, simulated: who answers at a pod's, a Service's, a node's or a load balancer's address, and what is
// said. Called by the real listeners (listeners.ts), by the API server's proxy (node-server.ts) and by tests, in process.
// No address of the simulation is ever dialled on the real network.

import type { EndpointSlice, Ingress, IngressClass, Node, Pod, Service } from '../../generated/types.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import type { SimulatedRequest, SimulatedResponse } from '../../src/client/node-client.ts'
import type { Env } from '../../src/env/env.ts'
import type { Lister } from '../../src/runtime/informer.ts'
import type { ImageBook } from '../image-book.ts'
import { accessLine } from '../images/access-log.ts'
import { type Behaviour, behaviourOf, type Overrides } from '../images.ts'
import type { Logs } from '../logs.ts'
import { isSilent } from '../nodes.ts'
import type { Silences } from '../silences.ts'
import { respond } from './http.ts'
import { type Endpoint, ServiceTable } from './proxy.ts'

/** The caches the network reads; given by whichever controller starts first. */
export interface Caches {
  readonly pods: Lister<Pod>
  readonly nodes: Lister<Node>
  readonly services: Lister<Service>
  readonly slices: Lister<EndpointSlice>
  readonly ingresses: Lister<Ingress>
  readonly classes: Lister<IngressClass>
}

/** Nobody listens there: what a caller meets as `connection refused`. */
export class ConnectionRefused extends Error {
  override readonly name = 'ConnectionRefused'
}

/** A container's port, as found behind an address. */
export interface Listening {
  readonly pod: Frozen<Pod>
  readonly container: string
  readonly restart: number
  readonly behaviour: Behaviour
  readonly unhealthy: boolean
}

const podIP = 'kubesim-pod-ip'

export class Network {
  private caches: Caches | undefined
  readonly table: ServiceTable
  private readonly env: Env
  private readonly images: ImageBook
  private readonly logs: Logs
  private readonly silences: Silences

  constructor(env: Env, needs: { images: ImageBook; logs: Logs; silences: Silences }) {
    this.env = env
    this.images = needs.images
    this.logs = needs.logs
    this.silences = needs.silences
    this.table = new ServiceTable(env)
  }

  /** From then on it follows the cluster. */
  follow(caches: Caches): void {
    if (this.caches) return
    this.caches = caches
    caches.pods.index(podIP, ({ status, spec }) => (status.podIP && !spec.hostNetwork ? [status.podIP] : []))
    this.table.follow(caches.services, caches.slices)
  }

  get cache(): Caches {
    if (!this.caches)
      throw new ApiError('ServiceUnavailable', 'the nodes have no network: neither kubelet nor proxy is running')
    return this.caches
  }

  /** Who listens at a pod's (or node's, for pods on the host's network) address; undefined: nobody, refused. */
  listening(address: string, port: number): Listening | undefined {
    const pods = this.cache.pods.by(podIP, address)
    for (const pod of pods.length > 0 ? pods : this.hostPods(address)) {
      const found = this.listeningIn(pod, port)
      if (found) return found
    }
    return undefined
  }

  listeningIn(pod: Frozen<Pod>, port: number): Listening | undefined {
    const { nodeName } = pod.spec
    if (!nodeName || this.isDead(nodeName)) return undefined
    const init = pod.spec.initContainers ?? []
    const all = [...pod.spec.containers, ...init.filter(({ restartPolicy }) => restartPolicy === 'Always')]
    for (const container of all) {
      const status =
        pod.status.containerStatuses?.find(({ name }) => name === container.name) ??
        pod.status.initContainerStatuses?.find(({ name }) => name === container.name)
      const startedAt = status?.state?.running?.startedAt
      if (status === undefined || startedAt === undefined) continue
      const overrides = (pod.metadata.annotations ?? {}) as Overrides
      const behaviour = behaviourOf(container, this.images.find(container.image ?? ''), overrides, pod.metadata.name)
      if (!behaviour.ports.includes(port)) continue
      const { unhealthyAfter } = behaviour
      const unhealthy = unhealthyAfter !== undefined && this.env.clock.now() - Date.parse(startedAt) >= unhealthyAfter
      return { pod, container: container.name, restart: status.restartCount, behaviour, unhealthy }
    }
    return undefined
  }

  /** A request to a pod's address, as another pod would make it. Throws ConnectionRefused. */
  toPod(address: string, port: number, request: SimulatedRequest, from = '10.244.0.1'): SimulatedResponse {
    const found = this.listening(address, port)
    if (!found) throw new ConnectionRefused(`dial tcp ${address}:${port}: connect: connection refused`)
    return this.answer(found, request, from)
  }

  /** A request to a Service's cluster address, from a pod on `node` (none: from outside any node). */
  toService(
    service: Ref,
    port: number | string,
    request: SimulatedRequest,
    from = '10.244.0.1',
    node?: string,
  ): SimulatedResponse {
    const endpoint = this.table.pick(service, port, { from, node, external: false })
    if (!endpoint)
      throw new ConnectionRefused(`service ${service.namespace}/${service.name} port ${port}: connection refused`)
    return this.toPod(endpoint.address, endpoint.port, request, from)
  }

  /** A request to `node`'s address on a node port. */
  toNodePort(node: string, nodePort: number, request: SimulatedRequest, from = '127.0.0.1'): SimulatedResponse {
    const service = this.table.byNodePort(nodePort)
    const endpoint = service && this.table.pick(service.ref, service.port, { from, node, external: true })
    if (!endpoint || this.isDead(node))
      throw new ConnectionRefused(`dial tcp ${node}:${nodePort}: connect: connection refused`)
    return this.toPod(endpoint.address, endpoint.port, request, from)
  }

  /** A request to a load balancer's address, which may send it to any node. */
  toLoadBalancer(
    service: Ref,
    port: number | string,
    request: SimulatedRequest,
    from = '127.0.0.1',
  ): SimulatedResponse {
    const endpoint = this.table.pick(service, port, { from, node: undefined, external: true })
    if (!endpoint)
      throw new ConnectionRefused(`load balancer of ${service.namespace}/${service.name}: connection refused`)
    return this.toPod(endpoint.address, endpoint.port, request, from)
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
    if (line !== undefined) this.logs.print(uid ?? '', container, restart, now, line)
    return response
  }

  /** A node without a working machine: nothing on it answers. */
  isDead(node: string): boolean {
    const known = this.cache.nodes.get({ name: node })
    return this.silences.has(node) || known === undefined || isSilent(known)
  }

  endpointAlive(endpoint: Endpoint): boolean {
    return this.listening(endpoint.address, endpoint.port) !== undefined
  }

  private hostPods(address: string): readonly Frozen<Pod>[] {
    const nodes = this.cache.nodes
      .list()
      .filter(({ status }) => status.addresses?.some(each => each.address === address))
    return nodes.flatMap(({ metadata }) =>
      this.cache.pods.by('node', metadata.name).filter(({ spec }) => spec.hostNetwork),
    )
  }
}
