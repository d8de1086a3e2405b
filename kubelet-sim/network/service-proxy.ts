// kube-proxy as a controller: keeps the real listeners of each Service as its type and its endpoints want them. While no
// endpoint is ready nothing listens, so that a caller meets a true `connection refused`.

import type { IngressClass, Node, Service } from '../../generated/types.ts'
import { isConflict, isNotFound } from '../../src/api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  EndpointSlices,
  Images,
  IngressClasses,
  Ingresses,
  Namespaces,
  NetworkPolicies,
  Nodes,
  Pods,
  Services,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type Context, type ControllerSpec, defineController } from '../../src/runtime/controller.ts'
import type { ImageBook } from '../image-book.ts'
import { addressOf, isSilent } from '../nodes.ts'
import type { Silences } from '../silences.ts'
import type { Listeners, Opened, Wanted } from './listeners.ts'
import type { Network } from './network.ts'
import type { Caller } from './proxy.ts'
import { movedPorts, reachableAnnotation } from './reachable.ts'

export interface ProxyOptions {
  readonly network: Network
  readonly images: ImageBook
  readonly silences: Silences
  /** Absent: nothing really listens; the network is asked in process only. */
  readonly listeners: Listeners | undefined
}

export function serviceProxy(options: ProxyOptions): ControllerSpec<Service> {
  return defineController<Service>({
    name: 'kube-proxy',
    for: Services,
    reads: [Pods, ConfigMaps, Images, Ingresses, IngressClasses, Namespaces, NetworkPolicies],
    wakes: [
      { kind: EndpointSlices, keys: (now, before) => serviceOf(now ?? before) },
      {
        kind: Nodes,
        keys: (now, before, context) => {
          if (looksAlike(now, before)) return []
          options.network.links.changed.tell()
          return allOf(context)
        },
      },
    ],
    start(context) {
      followCluster(options, context)
      options.silences.onChange(context.signal, () => {
        for (const ref of allOf(context)) context.wake(ref)
      })
    },
    async reconcile(service, context) {
      if (!options.listeners) return
      const opened = await options.listeners.sync(ownerOf(service.metadata), wantedBy(service, options, context))
      await noteMoves(service, Services, opened, context)
    },
    async gone(ref) {
      options.network.table.forget(ref)
      await options.listeners?.sync(ownerOf(ref), [])
    },
  })
}

/**
 * The network as the nodes themselves see it, with nothing that listens: what the API server's requests to pods and
 * Services need, which do without a proxy.
 */
export function nodeNetwork(options: Pick<ProxyOptions, 'network' | 'images'>): ControllerSpec {
  return defineController({
    name: 'node-network',
    reads: [
      Pods,
      Nodes,
      Services,
      EndpointSlices,
      ConfigMaps,
      Images,
      Ingresses,
      IngressClasses,
      Namespaces,
      NetworkPolicies,
    ],
    start: context => followCluster(options, context),
    async work() {},
  })
}

function followCluster({ network, images }: Pick<ProxyOptions, 'network' | 'images'>, context: Context): void {
  images.follow(context.lister(ConfigMaps), context.lister(Images))
  network.follow({
    pods: context.lister(Pods),
    nodes: context.lister(Nodes),
    namespaces: context.lister(Namespaces),
    policies: context.lister(NetworkPolicies),
    services: context.lister(Services),
    slices: context.lister(EndpointSlices),
    ingresses: context.lister(Ingresses),
    classes: context.lister(IngressClasses),
  })
}

function wantedBy(service: Frozen<Service>, { network }: ProxyOptions, context: Context): Wanted[] {
  const { spec, status, metadata } = service
  const wanted = new Map<string, Wanted>()
  const add = (address: string, at: number, portName: string, node: string | undefined) => {
    const key = `${address}:${at}`
    if (!address.startsWith('127.') || wanted.has(key)) return
    const caller: Omit<Caller, 'from'> = { node, external: true }
    if (!network.table.isServed(metadata, portName, caller)) return
    wanted.set(key, {
      address,
      port: at,
      connect: () => ({ open: from => network.connectFromOutside(from, address, at) }),
    })
  }
  for (const { name, port, nodePort, protocol } of spec.ports ?? []) {
    if (protocol !== undefined && protocol !== 'TCP') continue
    if (nodePort) {
      for (const node of context.lister(Nodes).list()) {
        if (!network.isDead(node.metadata.name)) add(addressOf(node), nodePort, name ?? '', node.metadata.name)
      }
    }
    for (const { ip } of spec.type === 'LoadBalancer' ? (status.loadBalancer?.ingress ?? []) : []) {
      if (ip !== undefined) add(ip, port, name ?? '', undefined)
    }
  }
  if (spec.healthCheckNodePort) {
    const port = spec.healthCheckNodePort
    for (const node of context.lister(Nodes).list()) {
      const address = addressOf(node)
      if (network.isDead(node.metadata.name) || !address.startsWith('127.')) continue
      const open = (from: string) => network.connectFromOutside(from, address, port)
      wanted.set(`${address}:${port}`, { address, port, connect: () => ({ open }) })
    }
  }
  return [...wanted.values()]
}

/** Ports that could not be had are told of: an Event, and the annotation that `kubesim service --url` reads. */
export async function noteMoves<T extends Service | IngressClass>(
  object: Frozen<T>,
  kind: Kind<T>,
  opened: readonly Opened[],
  context: Context,
): Promise<void> {
  if (opened.length === 0) return
  const moved: Record<string, string> = {}
  for (const { wanted, address, port } of opened) {
    const isMoved = port !== wanted.port || address !== wanted.address
    if (isMoved && port !== 0) moved[placeOf(wanted)] = `${address}:${port}`
  }
  const before = movedPorts(object as Frozen<Service>)
  const text = Object.keys(moved).length === 0 ? null : JSON.stringify(moved)
  if (text === (object.metadata.annotations?.[reachableAnnotation] ?? null)) return
  for (const { wanted, address, port, fault } of opened) {
    const key = placeOf(wanted)
    if (fault === undefined || before[key] === moved[key]) continue
    const instead = port === 0 ? 'nothing listens there' : `${address}:${port} answers instead`
    context.event(
      object as Frozen<KubeObject>,
      'Warning',
      'PortUnavailable',
      `${key} cannot be listened on (${fault}): ${instead}`,
    )
  }
  try {
    const body = { metadata: { annotations: { [reachableAnnotation]: text } } }
    await context.client.of(kind).patch(object.metadata, { type: 'merge', body })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

/** Where it should be; any free port for TLS stands for 443. */
function placeOf({ address, port, secure }: Wanted): string {
  return `${address}:${port === 0 && secure ? 443 : port}`
}

function ownerOf({ namespace, name }: Ref): string {
  return `service ${namespace}/${name}`
}

function serviceOf(slice: Frozen<KubeObject> | undefined): Ref[] {
  const name = slice?.metadata.labels?.['kubernetes.io/service-name']
  return name === undefined ? [] : [{ name, namespace: slice?.metadata.namespace }]
}

function allOf(context: Context): Ref[] {
  return context
    .lister(Services)
    .list()
    .filter(({ spec }) => spec.type === 'NodePort' || spec.type === 'LoadBalancer')
    .map(({ metadata }) => metadata)
}

function looksAlike(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined): boolean {
  return (
    now !== undefined &&
    before !== undefined &&
    addressOf(now) === addressOf(before) &&
    isSilent(now) === isSilent(before)
  )
}
