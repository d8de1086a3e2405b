// The cluster's names: what CoreDNS answers for cluster.local, by Kubernetes' DNS-based service discovery 1.1.0, and what a
// node's resolver knows of the rest: the nodes' own names and nothing else, since nobody outside is ever asked.
// Rules: kubernetes/dns docs/specification.md; coredns plugin/kubernetes/{kubernetes,reverse}.go with kubeadm's Corefile
// (pods insecure, ttl 30). Names are without a dot at their end.

import type { EndpointSlice, Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { ipText, isIpv6 } from '../../src/kinds/ip-address.ts'
import type { DnsAnswer } from '../machine/sockets.ts'
import type { Network } from './network.ts'

export type DnsRecord = DnsAnswer['records'][number]

export interface NameAnswer {
  readonly code: 'NOERROR' | 'NXDOMAIN' | 'REFUSED'
  readonly records: readonly DnsRecord[]
  /** Addresses of what SRV records point at. */
  readonly additional: readonly DnsRecord[]
  readonly isAuthoritative: boolean
}

export const clusterDomain = 'cluster.local'
const zone = `.${clusterDomain}`
const ttl = 30

const found = (records: readonly DnsRecord[], additional: readonly DnsRecord[] = []): NameAnswer => ({
  code: 'NOERROR',
  records,
  additional,
  isAuthoritative: true,
})
const notThere: NameAnswer = { code: 'NXDOMAIN', records: [], additional: [], isAuthoritative: true }
const unknown: NameAnswer = { ...notThere, isAuthoritative: false }

/** One question to the cluster's name server. */
export function clusterAnswer(network: Network, asked: string, type: string): NameAnswer {
  const name = plainName(asked)
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return reverse(network, name, type)
  if (name !== clusterDomain && !name.endsWith(zone)) return nodeAnswer(network, name, type)
  const labels = name === clusterDomain ? [] : name.slice(0, -zone.length).split('.')
  if (labels.length === 0) return found([])
  if (labels.length === 1 && labels[0] === 'dns-version') return only(name, type, 'TXT', '1.1.0')
  const branch = labels.pop()
  if (branch !== 'svc' && branch !== 'pod') return notThere
  const namespace = labels.pop()
  if (namespace === undefined) return found([])
  if (labels.length === 0) return network.hasNamespace(namespace) ? found([]) : notThere
  return branch === 'pod'
    ? podAnswer(network, namespace, labels, name, type)
    : serviceAnswer(network, namespace, labels, name, type)
}

/** One question to the resolver a node has of its own. */
export function nodeAnswer(network: Network, asked: string, type: string): NameAnswer {
  const name = plainName(asked)
  const address = network.addressOfNode(name)
  return address === '' ? unknown : { ...only(name, type, 'A', address), isAuthoritative: false }
}

function podAnswer(network: Network, namespace: string, labels: readonly string[], name: string, type: string) {
  const dashed = labels.length === 1 ? labels[0]! : ''
  const six = dashed.replaceAll('-', ':')
  if (isIpv6(six) && network.hasNamespace(namespace)) return only(name, type, 'AAAA', six)
  const address = dashed.replaceAll('-', '.')
  if (!isIPv4(address) || !network.hasNamespace(namespace)) return notThere
  return only(name, type, 'A', address)
}

interface Asked {
  readonly name: string
  readonly type: string
  /** `_http._tcp` before the service. */
  readonly port: string | undefined
  readonly protocol: string | undefined
  readonly endpoint: string | undefined
}

function serviceAnswer(
  network: Network,
  namespace: string,
  labels: readonly string[],
  name: string,
  type: string,
): NameAnswer {
  const service = network.cache.services.get({ name: labels.at(-1)!, namespace })
  if (!service || labels.length > 3) return notThere
  const isPort = labels.length === 3 && labels[0]!.startsWith('_') && labels[1]!.startsWith('_')
  if (labels.length === 3 && !isPort) return notThere
  const asked: Asked = {
    name,
    type,
    port: isPort ? labels[0]!.slice(1) : undefined,
    protocol: isPort ? labels[1]!.slice(1) : undefined,
    endpoint: labels.length === 2 ? labels[0]! : undefined,
  }
  const { spec } = service
  if (spec.type === 'ExternalName') {
    return labels.length > 1 ? notThere : externalAnswer(network, asked, plainName(spec.externalName ?? ''))
  }
  const isHeadless = spec.clusterIP === 'None'
  return isHeadless || asked.endpoint !== undefined
    ? endpointAnswer(network, service, asked)
    : clusterAddressAnswer(service, asked)
}

function externalAnswer(network: Network, { name, type }: Asked, target: string): NameAnswer {
  const alias = { name, type: 'CNAME', ttl, data: target }
  if (type === 'CNAME') return found([alias])
  // As far as it can be followed; what is outside, nobody is asked about.
  const next = target === name ? unknown : clusterAnswer(network, target, type)
  return found([alias, ...next.records], next.additional)
}

function clusterAddressAnswer({ metadata, spec }: Frozen<Service>, { name, type, port, protocol }: Asked): NameAnswer {
  const ports = (spec.ports ?? []).filter(
    each =>
      (port === undefined || each.name?.toLowerCase() === port) &&
      (protocol === undefined || (each.protocol ?? 'TCP').toLowerCase() === protocol),
  )
  if (ports.length === 0) return notThere
  const own = `${metadata.name}.${metadata.namespace}.svc${zone}`
  const addresses = addressRecords(name, type, spec.clusterIPs ?? [])
  if (type !== 'SRV') return found(addresses)
  const records = ports.map(each => ({ name, type, ttl, data: `0 ${weight(ports.length)} ${each.port} ${own}` }))
  return found(records, [
    ...addressRecords(own, 'A', spec.clusterIPs ?? []),
    ...addressRecords(own, 'AAAA', spec.clusterIPs ?? []),
  ])
}

interface Place {
  readonly address: string
  readonly host: string
  readonly port: number | undefined
}

function endpointAnswer(network: Network, service: Frozen<Service>, asked: Asked): NameAnswer {
  const { name, type } = asked
  const places = network.table.slicesOf(service.metadata).flatMap(slice => placesIn(slice, asked))
  if (places.length === 0) return notThere
  if (type !== 'SRV') return found(addressRecords(name, type, [...new Set(places.map(({ address }) => address))]))
  const own = `${service.metadata.name}.${service.metadata.namespace}.svc${zone}`
  const records: DnsRecord[] = []
  const additional = new Map<string, DnsRecord>()
  for (const { address, host, port } of places) {
    if (port === undefined) continue
    const target = `${host}.${own}`
    records.push({ name, type, ttl, data: `0 ${weight(places.length)} ${port} ${target}` })
    additional.set(`${target} ${address}`, {
      name: target,
      type: address.includes(':') ? 'AAAA' : 'A',
      ttl,
      data: address,
    })
  }
  return found(records, [...additional.values()])
}

function placesIn(slice: Frozen<EndpointSlice>, { port, protocol, endpoint }: Asked): Place[] {
  const ports = (slice.ports ?? []).filter(
    each =>
      (port === undefined || each.name?.toLowerCase() === port) &&
      (protocol === undefined || (each.protocol ?? 'TCP').toLowerCase() === protocol),
  )
  // A Service without ports has names all the same.
  const numbers =
    ports.length > 0
      ? ports.map(each => each.port)
      : (slice.ports ?? []).length === 0 && port === undefined
        ? [undefined]
        : []
  const places: Place[] = []
  for (const each of slice.endpoints ?? []) {
    if (each.conditions?.ready === false) continue
    for (const address of each.addresses) {
      const host = each.hostname || address.replaceAll(/[.:]/g, '-')
      if (endpoint !== undefined && endpoint !== host) continue
      for (const number of numbers) places.push({ address, host, port: number })
    }
  }
  return places
}

/** A Service by its address; a pod by its, when it has a name within a Service. */
function reverse(network: Network, name: string, type: string): NameAnswer {
  const address = addressOfReverse(name)
  if (address === undefined) return unknown
  const service = network.table.byAddress(address).find(({ spec }) => spec.clusterIPs?.includes(address))
  if (service) {
    return only(name, type, 'PTR', `${service.metadata.name}.${service.metadata.namespace}.svc${zone}`)
  }
  const records: DnsRecord[] = []
  for (const { metadata, endpoints } of network.table.slicesNaming(address)) {
    const owner = metadata.labels?.['kubernetes.io/service-name']
    for (const each of endpoints ?? []) {
      if (!each.hostname || !each.addresses.includes(address)) continue
      const data = `${each.hostname}.${owner}.${metadata.namespace}.svc${zone}`
      if (!records.some(record => record.data === data)) records.push({ name, type: 'PTR', ttl, data })
    }
  }
  if (records.length === 0) return unknown
  return found(type === 'PTR' ? records : [])
}

function addressOfReverse(name: string): string | undefined {
  if (name.endsWith('.in-addr.arpa')) {
    const address = name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.')
    return isIPv4(address) ? address : undefined
  }
  const digits = name.slice(0, -'.ip6.arpa'.length).split('.').reverse().join('')
  return /^[0-9a-f]{32}$/.test(digits) ? ipText([...Buffer.from(digits, 'hex')]) : undefined
}

function addressRecords(name: string, type: string, addresses: readonly string[]): DnsRecord[] {
  return addresses
    .filter(address => type === (address.includes(':') ? 'AAAA' : 'A'))
    .map(data => ({ name, type, ttl, data }))
}

/** The name has that one record; of any other type nothing. */
function only(name: string, asked: string, type: string, data: string): NameAnswer {
  return found(asked === type ? [{ name, type, ttl, data }] : [])
}

/** CoreDNS shares 100 among the targets (plugin/backend_lookup.go). */
function weight(count: number): number {
  return Math.max(1, Math.floor(100 / count))
}

export function plainName(name: string): string {
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

export function isIPv4(text: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)
  return match?.slice(1).every(part => Number(part) < 256) ?? false
}
