// Upstream's conformance items about names, by their names (test/e2e/network/dns.go, dns_common.go).

import { expect, test } from 'vitest'
import { resolvConf, resolverOf } from '../../kubelet-sim/network/resolver.ts'
import { Pods, Services } from '../../src/kinds/index.ts'
import { service } from '../support/objects.ts'
import { inDefault, serving, talking } from './talking.ts'

const zone = 'default.svc.cluster.local'
const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
const headless = (name: string, app: string) => service(name, app, { clusterIP: 'None', ports })

test('[sig-network] DNS should provide DNS for the cluster', async () => {
  await using net = await talking()
  await net.run('prober')
  const address = net.get(Services, 'kubernetes').spec.clusterIP
  for (const name of ['kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local']) {
    expect(await net.lookup('prober', name)).toEqual([address])
  }
  const own = `${net.addressOf('prober').replaceAll('.', '-')}.default.pod.cluster.local`
  expect(await net.names('prober', own, 'A')).toEqual([net.addressOf('prober')])
})

test('[sig-network] DNS should provide /etc/hosts entries for the cluster', async () => {
  await using net = await talking()
  await net.run(serving('dns-querier-1', {}, { hostname: 'dns-querier-1', subdomain: 'dns-test-service' }))
  const own = [net.addressOf('dns-querier-1')]
  // Its own names come from the file: there is no such Service to ask for.
  expect(await net.lookup('dns-querier-1', `dns-querier-1.dns-test-service.${zone}`)).toEqual(own)
  expect(await net.lookup('dns-querier-1', 'dns-querier-1')).toEqual(own)
  expect(await net.names('dns-querier-1', `dns-querier-1.dns-test-service.${zone}`, 'A')).toBe('NXDOMAIN')
})

test('[sig-network] DNS should provide DNS for services', async () => {
  await using net = await talking()
  await net.run('web', 'prober')
  await net.apply(headless('test-service', 'web'), service('test-service-2', 'web', { ports }))
  await net.advance('2s')
  const pod = net.addressOf('web')
  const address = net.get(Services, 'test-service-2').spec.clusterIP!
  for (const suffix of ['', '.default', '.default.svc', `.${zone}`]) {
    expect(await net.lookup('prober', `test-service${suffix}`)).toEqual([pod])
    expect(await net.lookup('prober', `test-service-2${suffix}`)).toEqual([address])
  }
  const host = pod.replaceAll('.', '-')
  expect(await net.names('prober', `_http._tcp.test-service.${zone}`, 'SRV')).toEqual([
    `0 100 80 ${host}.test-service.${zone}`,
  ])
  expect(await net.names('prober', `_http._tcp.test-service-2.${zone}`, 'SRV')).toEqual([
    `0 100 80 test-service-2.${zone}`,
  ])
  const backwards = `${address.split('.').reverse().join('.')}.in-addr.arpa`
  expect(await net.names('prober', backwards, 'PTR')).toEqual([`test-service-2.${zone}`])
})

test('[sig-network] DNS should resolve DNS of partial qualified names for services [LinuxOnly]', async () => {
  await using net = await talking()
  await net.run('web', 'prober')
  await net.apply(headless('dns-test-service', 'web'), service('test-service-2', 'web', { ports }))
  await net.advance('2s')
  const address = net.get(Services, 'test-service-2').spec.clusterIP
  expect(await net.lookup('prober', 'dns-test-service')).toEqual([net.addressOf('web')])
  expect(await net.lookup('prober', 'dns-test-service.default')).toEqual([net.addressOf('web')])
  expect(await net.lookup('prober', 'dns-test-service.default.svc')).toEqual([net.addressOf('web')])
  expect(await net.lookup('prober', '_http._tcp.dns-test-service.default.svc')).toEqual([net.addressOf('web')])
  expect(await net.lookup('prober', '_http._tcp.test-service-2.default.svc')).toEqual([address])
})

test('[sig-network] DNS should provide DNS for pods for Hostname', async () => {
  await using net = await talking()
  const named = { hostname: 'dns-querier-2', subdomain: 'dns-test-service-2' }
  await net.apply(headless('dns-test-service-2', 'querier'))
  await net.run(serving('querier', {}, named), 'other')
  const own = [net.addressOf('querier')]
  expect(await net.lookup('querier', `dns-querier-2.dns-test-service-2.${zone}`)).toEqual(own)
  expect(await net.lookup('querier', 'dns-querier-2')).toEqual(own)
  expect(await net.names('other', `dns-querier-2.dns-test-service-2.${zone}`, 'A')).toEqual(own)
})

test('[sig-network] DNS should provide DNS for pods for Subdomain', async () => {
  await using net = await talking()
  const named = { hostname: 'dns-querier-3', subdomain: 'dns-test-service-3' }
  await net.apply(headless('dns-test-service-3', 'querier'))
  await net.run(serving('querier', {}, named), 'other')
  expect(await net.names('other', `dns-test-service-3.${zone}`, 'A')).toEqual([net.addressOf('querier')])
  expect(await net.names('other', `dns-querier-3.dns-test-service-3.${zone}`, 'A')).toEqual([net.addressOf('querier')])
})

test('[sig-network] DNS should provide DNS for ExternalName services', async () => {
  await using net = await talking()
  await net.run('prober')
  const name = `dns-test-service-3.${zone}`
  await net.apply(
    service('dns-test-service-3', 'none', {
      type: 'ExternalName',
      externalName: 'foo.example.com',
      ports: [],
      selector: {},
    }),
  )
  expect(await net.names('prober', name, 'CNAME')).toEqual(['foo.example.com'])
  const patch = (spec: object) =>
    net.client.of(Services).patch(inDefault('dns-test-service-3'), { type: 'merge', body: { spec } })
  await patch({ externalName: 'bar.example.com' })
  expect(await net.names('prober', name, 'CNAME')).toEqual(['bar.example.com'])
  await patch({ type: 'ClusterIP', externalName: null, ports: [{ port: 80, name: 'http', protocol: 'TCP' }] })
  expect(await net.names('prober', name, 'A')).toEqual([net.get(Services, 'dns-test-service-3').spec.clusterIP])
})

test('[sig-network] DNS should support configurable pod DNS nameservers', async () => {
  await using net = await talking()
  const dnsConfig = { nameservers: ['1.1.1.1'], searches: ['resolv.conf.local'] }
  await net.run(serving('configured', {}, { dnsPolicy: 'None', dnsConfig }))
  const made = net.get(Pods, 'configured')
  expect(made.spec).toMatchObject({ dnsPolicy: 'None', dnsConfig })
  expect(resolvConf(resolverOf(made))).toBe('search resolv.conf.local\nnameserver 1.1.1.1\n')
  // Nobody outside is asked.
  expect(await net.lookup('configured', 'kubernetes.default')).toMatch('Temporary failure in name resolution')
})
