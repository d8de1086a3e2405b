// What a pod knows of names before it asks: its /etc/resolv.conf and /etc/hosts as its kubelet writes them, its own host
// name. Texts: pkg/kubelet/network/dns/dns.go, pkg/kubelet/kubelet_pods.go (managedHostsFileContent), containerd's order
// of resolv.conf's lines.

import type { Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { clusterDomain } from './names.ts'

export const clusterDnsAddress = '10.96.0.10'
/** The resolver the nodes themselves have: their machine's. */
export const nodeDnsAddress = '192.168.49.1'

export interface ResolverSettings {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  /** `ndots:5`. */
  readonly options: readonly string[]
}

export const nodeResolver: ResolverSettings = { servers: [nodeDnsAddress], search: [], options: [] }

/** pkg/apis/core/validation: what is more than that is left out. */
const mostServers = 3
const mostSearchPaths = 32

export function resolverOf({ metadata, spec }: Frozen<Pod>): ResolverSettings {
  const { dnsConfig } = spec
  const base = baseOf(spec, metadata.namespace ?? 'default')
  if (!dnsConfig) return base
  const options = new Map(base.options.map(each => [each.split(':', 1)[0]!, each]))
  for (const { name, value } of dnsConfig.options ?? []) {
    if (name) options.set(name, value === undefined ? name : `${name}:${value}`)
  }
  return {
    servers: [...new Set([...base.servers, ...(dnsConfig.nameservers ?? [])])].slice(0, mostServers),
    search: [...new Set([...base.search, ...(dnsConfig.searches ?? [])])].slice(0, mostSearchPaths),
    options: [...options.values()],
  }
}

function baseOf({ dnsPolicy = 'ClusterFirst', hostNetwork }: Frozen<Pod['spec']>, namespace: string): ResolverSettings {
  if (dnsPolicy === 'None') return { servers: [], search: [], options: [] }
  if (dnsPolicy === 'Default' || (dnsPolicy === 'ClusterFirst' && hostNetwork)) return nodeResolver
  return {
    servers: [clusterDnsAddress],
    search: [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain],
    options: ['ndots:5'],
  }
}

export function resolvConf({ servers, search, options }: ResolverSettings): string {
  const lines: string[] = []
  if (search.length > 0) lines.push(`search ${search.join(' ')}`)
  for (const server of servers) lines.push(`nameserver ${server}`)
  if (options.length > 0) lines.push(`options ${options.join(' ')}`)
  return lines.map(line => `${line}\n`).join('')
}

export function parseResolvConf(text: string): ResolverSettings {
  let search: string[] = []
  const servers: string[] = []
  const options: string[] = []
  for (const line of text.split('\n')) {
    const [word, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (word === 'nameserver' && values[0] !== undefined) servers.push(values[0])
    else if (word === 'search' || word === 'domain') search = values
    else if (word === 'options') options.push(...values)
  }
  return { servers: servers.slice(0, mostServers), search, options }
}

/** The names to ask for, in order: as libc makes them of what was typed. */
export function namesToTry(name: string, { search, options }: ResolverSettings): readonly string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const said = options.find(each => each.startsWith('ndots:'))
  const ndots = said === undefined ? 1 : Number(said.slice('ndots:'.length)) || 0
  const searched = search.map(domain => `${name}.${domain}`)
  return name.split('.').length - 1 >= ndots ? [name, ...searched] : [...searched, name]
}

/** pkg/kubelet/kubelet_pods.go, GeneratePodHostNameAndDomain: 63 characters, nothing but letters and digits at the end. */
export function hostNameOf({ metadata, spec }: Frozen<Pod>): { readonly hostname: string; readonly domain: string } {
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: '' }
  const hostname = (spec.hostname || metadata.name).slice(0, 63).replace(/[-.]+$/, '')
  const domain = spec.subdomain ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}` : ''
  return { hostname, domain }
}

const localNames = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

/** `node`: the host's own name and address, for pods on its network. */
export function hostsFile(pod: Frozen<Pod>, node: { readonly name: string; readonly address: string }): string {
  const { spec, status } = pod
  const lines: string[] = []
  if (spec.hostNetwork) {
    lines.push('# Kubernetes-managed hosts file (host network).', ...localNames, `${node.address}\t${node.name}`)
  } else {
    lines.push('# Kubernetes-managed hosts file.', ...localNames)
    const { hostname, domain } = hostNameOf(pod)
    const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`
    const addresses = status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : [])
    for (const address of addresses) lines.push(`${address}\t${names}`)
  }
  if (spec.hostAliases?.length) {
    lines.push('', '# Entries added by HostAliases.')
    for (const { ip, hostnames } of spec.hostAliases) lines.push(`${ip}\t${(hostnames ?? []).join('\t')}`)
  }
  return lines.map(line => `${line}\n`).join('')
}

/** What a hosts file says of a name, IPv4 first. */
export function addressesInHosts(text: string, name: string): readonly string[] {
  const wanted = name.toLowerCase().replace(/\.$/, '')
  const addresses: string[] = []
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*$/, '').trim().split(/\s+/)
    if (address && names.some(each => each.toLowerCase() === wanted) && !addresses.includes(address))
      addresses.push(address)
  }
  return addresses.sort((one, other) => Number(one.includes(':')) - Number(other.includes(':')))
}
