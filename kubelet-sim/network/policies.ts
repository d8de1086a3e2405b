// NetworkPolicies: who may talk to whom, judged at both ends by the pods' labels as they are now. A pod that no policy of a
// direction selects is open in it; one that is selected is open to what some rule allows. What comes from a pod's own node
// always gets in, or probes could not. Rules: networking.k8s.io/v1 NetworkPolicySpec and the concept's page.

import type {
  LabelSelector,
  Namespace,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  Pod,
} from '../../generated/types.ts'
import { type Selector, selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { isInSubnet, parseCidr, parseIp } from '../../src/kinds/ip-address.ts'
import type { Lister } from '../../src/runtime/informer.ts'
import { addressFor, type Hop, type Origin, type Protocol, type Target } from './routes.ts'

type Direction = 'Ingress' | 'Egress'

/** Who is at the other end: a pod, or an address only. */
export interface Party {
  readonly name: string
  readonly address: string
  readonly namespace: string | undefined
  readonly labels: Readonly<Record<string, string>> | undefined
}

export interface PolicyCaches {
  readonly policies: Lister<NetworkPolicy>
  readonly namespaces: Lister<Namespace>
}

interface Flow {
  readonly direction: Direction
  readonly party: Party
  readonly protocol: Protocol
  /** At the receiver's. */
  readonly port: number
  readonly receiver: Frozen<Pod> | undefined
}

const byNamespace = 'namespace'

export class Policies {
  readonly #caches: () => PolicyCaches
  readonly #selectors = new WeakMap<Frozen<LabelSelector>, Selector>()

  constructor(caches: () => PolicyCaches) {
    this.#caches = caches
  }

  /** `source`: the sender's address as the receiver sees it. */
  allows(origin: Origin, target: Target, source: string, protocol: Protocol, hops: Hop[] | undefined): boolean {
    const { pod, port, node } = target
    if (origin.pod) {
      const party = pod ? partyOf(pod, target.address) : addressParty(target.name, target.address)
      if (!this.#lets(origin.pod, { direction: 'Egress', party, protocol, port, receiver: pod }, hops)) return false
    }
    if (!pod || (origin.pod === undefined && origin.node === node)) return true
    const party =
      origin.pod && source === addressFor(origin, source)
        ? partyOf(origin.pod, source)
        : addressParty(origin.name, source)
    return this.#lets(pod, { direction: 'Ingress', party, protocol, port, receiver: pod }, hops)
  }

  /** To something that is no pod of the API: the name server, the API server. */
  letsOut({ pod }: Origin, party: Party, port: number, protocol: Protocol, hops: Hop[] | undefined): boolean {
    if (pod === undefined) return true
    return this.#lets(pod, { direction: 'Egress', party, protocol, port, receiver: undefined }, hops)
  }

  #lets(pod: Frozen<Pod>, flow: Flow, hops: Hop[] | undefined): boolean {
    const { policies } = this.#caches()
    const { namespace = '', name, labels = {} } = pod.metadata
    let isolating: string | undefined
    for (const policy of policies.by(byNamespace, namespace)) {
      if (!concerns(policy, flow.direction) || !this.#selects(policy.spec.podSelector, labels)) continue
      isolating ??= `${namespace}/${policy.metadata.name}`
      if (this.#hasRuleFor(policy, flow)) return true
    }
    if (isolating === undefined) return true
    const { direction, party, port, protocol } = flow
    const way = direction === 'Ingress' ? 'from' : 'to'
    const on = protocol === 'ICMP' ? '' : ` on ${port}/${protocol}`
    const what = `${isolating} isolates it for ${direction.toLowerCase()}, and no rule allows ${way} ${party.name}${on}: drop`
    hops?.push({ at: `pod ${namespace}/${name}`, kind: 'policy', what, policy: isolating, direction })
    return false
  }

  #hasRuleFor({ spec, metadata }: Frozen<NetworkPolicy>, flow: Flow): boolean {
    const fits = (peers: readonly Frozen<NetworkPolicyPeer>[] | undefined) =>
      !peers?.length || peers.some(peer => this.#isPeer(peer, metadata.namespace ?? '', flow.party))
    const { direction } = flow
    return direction === 'Ingress'
      ? (spec.ingress ?? []).some(({ from, ports }) => isPort(ports, flow) && fits(from))
      : (spec.egress ?? []).some(({ to, ports }) => isPort(ports, flow) && fits(to))
  }

  #isPeer({ ipBlock, namespaceSelector, podSelector }: Frozen<NetworkPolicyPeer>, own: string, party: Party): boolean {
    if (ipBlock) {
      const address = parseIp(party.address)
      const isIn = (text: string) => {
        const cidr = parseCidr(text)
        return cidr !== undefined && address !== undefined && isInSubnet(address, cidr)
      }
      return isIn(ipBlock.cidr) && !ipBlock.except?.some(isIn)
    }
    const { namespace, labels } = party
    if (namespace === undefined || labels === undefined) return false
    if (namespaceSelector === undefined) {
      if (namespace !== own) return false
    } else {
      const found = this.#caches().namespaces.get({ name: namespace })
      if (!this.#selects(namespaceSelector, found?.metadata.labels ?? {})) return false
    }
    return podSelector === undefined || this.#selects(podSelector, labels)
  }

  /** An absent selector of a policy selects every pod, as an empty one. */
  #selects(selector: Frozen<LabelSelector> | undefined, labels: Readonly<Record<string, string>>): boolean {
    if (selector === undefined) return true
    let made = this.#selectors.get(selector)
    if (made === undefined) {
      made = selectorFromLabelSelector(selector)
      this.#selectors.set(selector, made)
    }
    return made.matches(labels)
  }
}

export function partyOf({ metadata }: Frozen<Pod>, address: string): Party {
  const { namespace = '', name, labels = {} } = metadata
  return { name: `pod ${namespace}/${name}`, address, namespace, labels }
}

export function addressParty(name: string, address: string): Party {
  return { name: `${name} (${address})`, address, namespace: undefined, labels: undefined }
}

function concerns({ spec }: Frozen<NetworkPolicy>, direction: Direction): boolean {
  return spec.policyTypes?.includes(direction) ?? (direction === 'Ingress' || spec.egress !== undefined)
}

/** Ports say nothing about protocols that have none. */
function isPort(ports: readonly Frozen<NetworkPolicyPort>[] | undefined, { protocol, port, receiver }: Flow): boolean {
  if (!ports?.length) return true
  return ports.some(one => {
    if ((one.protocol ?? 'TCP') !== protocol) return false
    if (one.port === undefined) return true
    if (typeof one.port === 'number')
      return one.endPort === undefined ? port === one.port : port >= one.port && port <= one.endPort
    return namedPorts(receiver, one.port, protocol).includes(port)
  })
}

function namedPorts(pod: Frozen<Pod> | undefined, name: string, protocol: Protocol): readonly number[] {
  const containers = [...(pod?.spec.containers ?? []), ...(pod?.spec.initContainers ?? [])]
  return containers.flatMap(({ ports }) =>
    (ports ?? [])
      .filter(each => each.name === name && (each.protocol ?? 'TCP') === protocol)
      .map(({ containerPort }) => containerPort),
  )
}
