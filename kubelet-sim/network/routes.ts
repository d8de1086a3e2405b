// Routes: where a packet goes. First the sender's node translates what its table knows (Services, node ports, host ports),
// then the way leads to a pod, a node, the API server, outside or nowhere, past the policies of both ends. Each decision is
// noted as a hop. Rules: pkg/proxy/iptables/proxier.go; the node's own addresses as in kubelet-sim/addresses.ts.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Address } from '../machine/sockets.ts'
import type { Network } from './network.ts'
import { addressParty } from './policies.ts'
import type { Endpoint, ServicePortRef } from './proxy.ts'
import { nodeStack, podStack, type StackKey } from './stacks.ts'

export type Protocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP'

/** Who sends. */
export interface Origin {
  /** `pod default/web-0`, `node node-1`, `control plane`, `outside`. */
  readonly name: string
  readonly address: string
  /** Of IPv6, in a cluster of both families. */
  readonly second?: string | undefined
  /** On whose table its packets are translated; undefined: on that of no simulated node. */
  readonly node: string | undefined
  /** undefined for nodes, pods on the host's network and the outside: policies then know it by address alone. */
  readonly pod: Frozen<Pod> | undefined
  /** undefined: outside of the cluster, where nobody knows of cluster addresses. */
  readonly stack: StackKey | undefined
}

/** What was decided at one place: `table` a node's proxy, `policy` a NetworkPolicy, `link` a way between, `end` the target. */
export interface Hop {
  readonly at: string
  readonly kind: 'table' | 'policy' | 'link' | 'end'
  readonly what: string
  /** Of a table: the Service and port by which it translated, and the endpoint it chose. */
  readonly service?: string
  readonly endpoint?: string
  /** Of a policy that forbade it: its name, and which way. */
  readonly policy?: string
  readonly direction?: 'Ingress' | 'Egress'
}

/** Where it goes after translation. */
export interface Destination {
  readonly address: string
  readonly port: number
  /** As whom the other side sees the sender. */
  readonly source: string
  /** The node that received it from outside and sent it on. */
  readonly through: string | undefined
  readonly service: ServicePortRef | undefined
}

export interface Target {
  readonly name: string
  readonly stack: StackKey
  readonly node: string
  /** undefined: the node itself, with its pods on the host's network. */
  readonly pod: Frozen<Pod> | undefined
  /** At which of its addresses, and which port. */
  readonly address: string
  readonly port: number
}

export type Verdict =
  | { readonly kind: 'there'; readonly target: Target }
  /** Of the Service `kubernetes`. */
  | { readonly kind: 'apiserver' }
  | { readonly kind: 'dns' }
  | { readonly kind: 'refused' | 'dropped' | 'unreachable' | 'outside' }

export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

export const isSix = (address: string): boolean => address.includes(':')

/** The sender's own address, of the family of where it sends. */
export function addressFor({ address, second }: Origin, to: string): string {
  return isSix(to) ? (second ?? address) : address
}

/** Translates once: who resends a packet keeps what was chosen, as connection tracking does. */
export function translate(
  network: Network,
  origin: Origin,
  to: Address,
  protocol: Protocol,
  hops: Hop[],
): Destination | 'refused' | 'dropped' | 'unreachable' {
  const source = addressFor(origin, to.host)
  const plain = { address: to.host, port: to.port, source, through: undefined, service: undefined }
  const node = network.nodeAt(to.host)
  if (node !== undefined) return atNode(network, origin, node, to, protocol, hops)
  const services = network.table.byAddress(to.host)
  const table = origin.node ?? ''
  const isOutside = origin.stack === undefined
  for (const service of services) {
    const port = service.spec.ports?.find(each => each.port === to.port && (each.protocol ?? 'TCP') === protocol)
    const isCluster = service.spec.clusterIPs?.includes(to.host) ?? false
    if (!port || (isCluster && isOutside)) continue
    const policy = isCluster ? false : isOutside ? true : 'any'
    return choose(network, origin, { service, port }, to.host, policy, table, undefined, hops)
  }
  if (services.length > 0 && !isOutside && protocol !== 'ICMP') {
    const [{ metadata }] = services as [(typeof services)[0]]
    const what = `${metadata.namespace}/${metadata.name} has no port ${to.port}/${protocol}: reject`
    hops.push({ at: `node ${table}`, kind: 'table', what })
    return 'refused'
  }
  return plain
}

function atNode(
  network: Network,
  origin: Origin,
  node: string,
  to: Address,
  protocol: Protocol,
  hops: Hop[],
): Destination | 'refused' | 'dropped' | 'unreachable' {
  const source = addressFor(origin, to.host)
  const own = { address: to.host, port: to.port, source, through: undefined, service: undefined }
  if (network.isDead(node)) {
    hops.push({ at: `node ${node}`, kind: 'end', what: 'the node does not answer' })
    return 'unreachable'
  }
  const ref = network.table.byNodePort(to.port, protocol)
  if (ref) return choose(network, origin, ref, to.host, origin.pod ? 'any' : true, node, node, hops)
  const pod = network.hostPortAt(node, to.host, to.port, protocol)
  if (!pod) return own
  const what = `host port ${to.port} → ${pod.pod.metadata.namespace}/${pod.pod.metadata.name}:${pod.port}`
  hops.push({ at: `node ${node}`, kind: 'table', what })
  return { ...own, address: podAddressLike(pod.pod, to.host), port: pod.port, through: node }
}

function podAddressLike({ status }: Frozen<Pod>, to: string): string {
  return status.podIPs?.find(({ ip }) => isSix(ip) === isSix(to))?.ip ?? status.podIP ?? ''
}

function choose(
  network: Network,
  origin: Origin,
  ref: ServicePortRef,
  to: string,
  external: boolean | 'any',
  node: string,
  through: string | undefined,
  hops: Hop[],
): Destination | 'refused' | 'dropped' {
  const { namespace, name } = ref.service.metadata
  const rule = `${namespace}/${name}:${ref.port.name ?? ref.port.port}`
  const from = addressFor(origin, to)
  const family = isSix(to) ? 'IPv6' : 'IPv4'
  const choice = network.table.choose(ref, { from, node: node === '' ? undefined : node, external, family })
  if ('fault' in choice) {
    const what = choice.fault === 'none' ? `${rule} has no endpoints: reject` : `${rule} has no local endpoints: drop`
    hops.push({ at: `node ${node}`, kind: 'table', what, service: rule })
    return choice.fault === 'none' ? 'refused' : 'dropped'
  }
  const { endpoint } = choice
  const chosen = `${endpoint.address}:${endpoint.port}`
  hops.push({ at: `node ${node}`, kind: 'table', what: `${rule} → ${chosen}`, service: rule, endpoint: chosen })
  const source = sourceOf(network, origin, ref, external, endpoint, through)
  return { address: endpoint.address, port: endpoint.port, source, through, service: ref }
}

/** Whoever comes by a node port is masqueraded, unless the policy is Local; whoever comes back to itself always. */
function sourceOf(
  network: Network,
  origin: Origin,
  { service }: ServicePortRef,
  external: boolean | 'any',
  endpoint: Endpoint,
  through: string | undefined,
): string {
  const node = through ?? origin.node
  const own = addressFor(origin, endpoint.address)
  const six = isSix(endpoint.address)
  if (endpoint.address === own && node !== undefined) return network.bridgeOf(node, six)
  if (through === undefined || (external === true && service.spec.externalTrafficPolicy === 'Local')) return own
  if (endpoint.node === through) return network.bridgeOf(through, six)
  return (six ? network.secondAddressOfNode(through) : undefined) ?? network.addressOfNode(through)
}

/** Whether it gets there now, and who is there. Asked anew for each attempt. */
export function deliver(
  network: Network,
  origin: Origin,
  to: Destination,
  protocol: Protocol,
  hops: Hop[] | undefined,
): Verdict {
  if (to.service && isApiServer(to.service)) {
    const party = addressParty('the API server', to.address)
    return { kind: network.policies.letsOut(origin, party, to.port, protocol, hops) ? 'apiserver' : 'dropped' }
  }
  const loop = to.service === undefined && to.through === undefined && origin.stack !== undefined
  if (
    loop &&
    (to.address === addressFor(origin, to.address) || (isLoopback(to.address) && !network.nodeAt(to.address)))
  ) {
    return { kind: 'there', target: { ...selfOf(origin), address: to.address, port: to.port } }
  }
  const target = targetAt(network, to)
  if (target === undefined) {
    if (network.isClusterDns(to)) {
      const party = { ...dnsParty, address: to.address }
      return { kind: network.policies.letsOut(origin, party, to.port, protocol, hops) ? 'dns' : 'dropped' }
    }
    const outside = !network.isOurs(to.address)
    hops?.push({
      at: to.address,
      kind: 'end',
      what: outside ? 'outside of the simulation: no route' : 'nobody has this address',
    })
    return { kind: outside ? 'outside' : 'dropped' }
  }
  if (network.isDead(target.node)) {
    hops?.push({ at: `node ${target.node}`, kind: 'end', what: 'the node does not answer' })
    return { kind: 'unreachable' }
  }
  const isSelf = origin.stack === target.stack
  if (!isSelf && !network.policies.allows(origin, target, to.source, protocol, hops)) return { kind: 'dropped' }
  return { kind: 'there', target }
}

/** Policies know it by the labels that its pods have in any cluster. */
const dnsParty = { name: 'the name server', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } }

function isApiServer({ service }: ServicePortRef): boolean {
  return service.metadata.namespace === 'default' && service.metadata.name === 'kubernetes'
}

function selfOf({ name, stack, node, pod }: Origin): Omit<Target, 'address' | 'port'> {
  return { name, stack: stack!, node: node ?? '', pod }
}

function targetAt(network: Network, { address, port }: Destination): Target | undefined {
  const pod = network.podAt(address)
  if (pod) {
    const { name, namespace, uid } = pod.metadata
    const stack = podStack(uid ?? '')
    return { name: `pod ${namespace}/${name}`, stack, node: pod.spec.nodeName ?? '', pod, address, port }
  }
  const node = network.nodeAt(address)
  if (node === undefined) return undefined
  return { name: `node ${node}`, stack: nodeStack(node), node, pod: undefined, address, port }
}

export function originOfPod(network: Network, pod: Frozen<Pod>): Origin {
  const { name, namespace, uid } = pod.metadata
  const node = pod.spec.nodeName ?? ''
  const { hostNetwork } = pod.spec
  return {
    name: `pod ${namespace}/${name}`,
    address: hostNetwork ? network.addressOfNode(node) : (pod.status.podIP ?? ''),
    second: hostNetwork ? network.secondAddressOfNode(node) : pod.status.podIPs?.[1]?.ip,
    node,
    pod: hostNetwork ? undefined : pod,
    stack: hostNetwork ? nodeStack(node) : podStack(uid ?? ''),
  }
}

export function originOfNode(network: Network, node: string): Origin {
  return {
    name: `node ${node}`,
    address: network.addressOfNode(node),
    second: network.secondAddressOfNode(node),
    node,
    pod: undefined,
    stack: nodeStack(node),
  }
}

/** The API server and the ingress controller: somewhere in the cluster, on none of the simulated nodes. */
export function originInside(address: string): Origin {
  return { name: 'control plane', address, node: undefined, pod: undefined, stack: 'control plane' }
}

export function originOutside(address: string): Origin {
  return { name: 'outside', address, node: undefined, pod: undefined, stack: undefined }
}
