// The cluster's names, as Kubernetes' DNS-based service discovery 1.1.0 has them (kubernetes/dns docs/specification.md), and
// what a pod's resolver makes of what was typed.

import { describe, expect, test } from 'vitest'
import type { EndpointSlice, Pod, Service } from '../../generated/types.ts'
import { drive } from '../../kubelet-sim/network/drive.ts'
import { clusterAnswer } from '../../kubelet-sim/network/names.ts'
import { hostsFile, namesToTry, resolvConf, resolverOf } from '../../kubelet-sim/network/resolver.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { EndpointSlices, Services } from '../../src/kinds/index.ts'
import { type Room, virtualRoom } from './room.ts'

const quick = { pullDelay: 0, startDelay: 0 }

async function zone() {
  const room = await virtualRoom(quick)
  const { client } = room
  const service = (name: string, spec: Partial<Service['spec']>) =>
    client.of(Services).create({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
    })
  const slice = (name: string, endpoints: EndpointSlice['endpoints'], ports?: EndpointSlice['ports']) =>
    client.of(EndpointSlices).create({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: ports ?? [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: endpoints!,
    })
  await service('web', {
    clusterIP: '10.96.0.80',
    clusterIPs: ['10.96.0.80'],
    ports: [
      { name: 'http', port: 80, protocol: 'TCP' },
      { name: 'dns', port: 53, protocol: 'UDP' },
    ],
  })
  await service('db', { clusterIP: 'None', clusterIPs: ['None'] })
  await slice('db', [
    { addresses: ['10.244.1.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.2.6'], conditions: {} },
    { addresses: ['10.244.2.7'], hostname: 'db-2', conditions: { ready: false } },
  ])
  await service('empty', { clusterIP: 'None', clusterIPs: ['None'] })
  await service('away', { type: 'ExternalName', externalName: 'db.example.com', ports: [] })
  await service('alias', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local', ports: [] })
  await room.env.activity.idle()
  return room
}

const ask = (room: Room, name: string, type: string) => {
  const { code, records } = clusterAnswer(room.nodes.network, name, type)
  return [code, ...records.map(({ name, type, data }) => `${name} ${type} ${data}`)]
}

describe('the zone', () => {
  test.each<[name: string, type: string, ...answer: string[]]>([
    ['dns-version.cluster.local', 'TXT', 'NOERROR', 'dns-version.cluster.local TXT 1.1.0'],
    ['web.default.svc.cluster.local.', 'A', 'NOERROR', 'web.default.svc.cluster.local A 10.96.0.80'],
    ['WEB.default.svc.cluster.local', 'A', 'NOERROR', 'web.default.svc.cluster.local A 10.96.0.80'],
    // There, but of no such address: an empty answer.
    ['web.default.svc.cluster.local', 'AAAA', 'NOERROR'],
    ['web.default.svc.cluster.local', 'MX', 'NOERROR'],
    ['nothing.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['web.nowhere.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['default.svc.cluster.local', 'A', 'NOERROR'],
    ['nowhere.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['svc.cluster.local', 'A', 'NOERROR'],
    ['web.cluster.local', 'A', 'NXDOMAIN'],
    ['example.com', 'A', 'NXDOMAIN'],
    ['kubernetes.default.svc.cluster.local', 'A', 'NOERROR', 'kubernetes.default.svc.cluster.local A 10.96.0.1'],
    // A port by its name and protocol.
    [
      '_http._tcp.web.default.svc.cluster.local',
      'SRV',
      'NOERROR',
      '_http._tcp.web.default.svc.cluster.local SRV 0 100 80 web.default.svc.cluster.local',
    ],
    ['_http._udp.web.default.svc.cluster.local', 'SRV', 'NXDOMAIN'],
    ['_dns._udp.web.default.svc.cluster.local', 'A', 'NOERROR', '_dns._udp.web.default.svc.cluster.local A 10.96.0.80'],
    // Headless: every ready endpoint, by host name or address.
    [
      'db.default.svc.cluster.local',
      'A',
      'NOERROR',
      'db.default.svc.cluster.local A 10.244.1.5',
      'db.default.svc.cluster.local A 10.244.2.6',
    ],
    ['db-0.db.default.svc.cluster.local', 'A', 'NOERROR', 'db-0.db.default.svc.cluster.local A 10.244.1.5'],
    ['10-244-2-6.db.default.svc.cluster.local', 'A', 'NOERROR', '10-244-2-6.db.default.svc.cluster.local A 10.244.2.6'],
    ['10-244-1-5.db.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['db-2.db.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    ['empty.default.svc.cluster.local', 'A', 'NXDOMAIN'],
    [
      '_http._tcp.db.default.svc.cluster.local',
      'SRV',
      'NOERROR',
      '_http._tcp.db.default.svc.cluster.local SRV 0 50 8080 db-0.db.default.svc.cluster.local',
      '_http._tcp.db.default.svc.cluster.local SRV 0 50 8080 10-244-2-6.db.default.svc.cluster.local',
    ],
    // ExternalName: followed as far as it stays inside.
    ['away.default.svc.cluster.local', 'A', 'NOERROR', 'away.default.svc.cluster.local CNAME db.example.com'],
    [
      'alias.default.svc.cluster.local',
      'A',
      'NOERROR',
      'alias.default.svc.cluster.local CNAME web.default.svc.cluster.local',
      'web.default.svc.cluster.local A 10.96.0.80',
    ],
    // Backwards.
    ['80.0.96.10.in-addr.arpa', 'PTR', 'NOERROR', '80.0.96.10.in-addr.arpa PTR web.default.svc.cluster.local'],
    ['5.1.244.10.in-addr.arpa', 'PTR', 'NOERROR', '5.1.244.10.in-addr.arpa PTR db-0.db.default.svc.cluster.local'],
    ['6.2.244.10.in-addr.arpa', 'PTR', 'NXDOMAIN'],
    // Pods by their addresses, in a namespace that is there.
    ['10-244-0-5.default.pod.cluster.local', 'A', 'NOERROR', '10-244-0-5.default.pod.cluster.local A 10.244.0.5'],
    ['10-244-0-5.nowhere.pod.cluster.local', 'A', 'NXDOMAIN'],
    ['web.default.pod.cluster.local', 'A', 'NXDOMAIN'],
    ['node-1', 'A', 'NOERROR', 'node-1 A 127.25.43.11'],
  ])('%s %s', async (name, type, ...answer) => {
    await using room = await zone()
    expect(ask(room, name, type)).toEqual(answer)
  })

  test('what SRV records point at comes along', async () => {
    await using room = await zone()
    const { additional, isAuthoritative } = clusterAnswer(
      room.nodes.network,
      '_http._tcp.db.default.svc.cluster.local',
      'SRV',
    )
    expect(isAuthoritative).toBe(true)
    expect(additional.map(({ name, data, ttl }) => [name, data, ttl])).toEqual([
      ['db-0.db.default.svc.cluster.local', '10.244.1.5', 30],
      ['10-244-2-6.db.default.svc.cluster.local', '10.244.2.6', 30],
    ])
  })
})

describe('in a pod', () => {
  const pod = (spec: Partial<Pod['spec']>, status: Partial<Pod['status']> = {}) =>
    ({
      metadata: { name: 'web-0', namespace: 'shop' },
      spec: { containers: [], ...spec },
      status,
    }) as unknown as Frozen<Pod>

  test.each<[spec: Partial<Pod['spec']>, text: string]>([
    [{}, 'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n'],
    [{ dnsPolicy: 'Default' }, 'nameserver 192.168.49.1\n'],
    [{ dnsPolicy: 'ClusterFirst', hostNetwork: true }, 'nameserver 192.168.49.1\n'],
    [
      { dnsPolicy: 'ClusterFirstWithHostNet', hostNetwork: true },
      'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n',
    ],
    // The documentation's example of dnsConfig.
    [
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['192.0.2.1'],
          searches: ['ns1.svc.cluster-domain.example', 'my.dns.search.suffix'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      },
      'search ns1.svc.cluster-domain.example my.dns.search.suffix\nnameserver 192.0.2.1\noptions ndots:2 edns0\n',
    ],
    [
      { dnsConfig: { options: [{ name: 'ndots', value: '1' }], nameservers: ['10.96.0.10', '1.1.1.1'] } },
      'search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:1\n',
    ],
  ])('/etc/resolv.conf of %o', (spec, text) => {
    expect(resolvConf(resolverOf(pod(spec)))).toBe(text)
  })

  test('names are tried with the search domains first, unless they have dots enough or one at their end', () => {
    const settings = { servers: [], search: ['a.b', 'b'], options: ['ndots:2'] }
    expect(namesToTry('x', settings)).toEqual(['x.a.b', 'x.b', 'x'])
    expect(namesToTry('x.y.z', settings)).toEqual(['x.y.z', 'x.y.z.a.b', 'x.y.z.b'])
    expect(namesToTry('x.', settings)).toEqual(['x'])
  })

  test('/etc/hosts: the pod itself, its domain, its aliases', () => {
    const spec = {
      hostname: 'one',
      subdomain: 'db',
      hostAliases: [{ ip: '10.1.2.3', hostnames: ['foo.remote', 'bar.remote'] }],
    }
    const text = hostsFile(pod(spec, { podIP: '10.244.1.9' }), { name: 'node-1', address: '127.0.0.9' })
    expect(text).toContain('\n10.244.1.9\tone.db.shop.svc.cluster.local\tone\n')
    expect(text).toMatch(/^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/)
    expect(text).toMatch(/\n\n# Entries added by HostAliases\.\n10\.1\.2\.3\tfoo\.remote\tbar\.remote\n$/)
  })

  test('lookup goes through hosts, search domains and aliases; a name of nobody is not known', async () => {
    await using room = await zone()
    await room.run('a', 'node-1', { hostAliases: [{ ip: '10.1.2.3', hostnames: ['foo.remote'] }] })
    const sockets = room.nodes.network.socketsFor({ pod: await room.pod('a') })
    const find = (name: string) => drive(room.env, sockets.lookup(name))
    expect(await find('foo.remote')).toEqual(['10.1.2.3'])
    expect(await find('a')).toEqual(['10.244.1.2'])
    expect(await find('localhost')).toEqual(['127.0.0.1', '::1'])
    expect(await find('web')).toEqual(['10.96.0.80'])
    expect(await find('web.default')).toEqual(['10.96.0.80'])
    expect(await find('db-0.db')).toEqual(['10.244.1.5'])
    expect(await find('alias')).toEqual(['10.96.0.80'])
    expect(await find('10.0.0.1')).toEqual(['10.0.0.1'])
    await expect(find('example.com')).rejects.toThrow('example.com: Name or service not known')
    const { server, code, records } = await drive(room.env, sockets.query('web.default.svc.cluster.local', 'A'))
    expect([server, code, records[0]?.data]).toEqual(['10.96.0.10', 'NOERROR', '10.96.0.80'])
  })

  test('a name server that is not there makes who asks wait, and then give up', async () => {
    await using room = await zone()
    await room.run('a', 'node-1', { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.244.9.9'] } })
    const sockets = room.nodes.network.socketsFor({ pod: await room.pod('a') })
    const asking = expect(drive(room.env, sockets.lookup('web'))).rejects.toThrow(
      'web: Temporary failure in name resolution',
    )
    await room.env.clock.advance(10_000)
    await asking
  })
})
