// A cluster of both families: what nodes, pods, Services, slices and names have, and that IPv6 leads to the same pods. Rules:
// pkg/registry/core/service/storage/alloc.go, staging/src/k8s.io/endpointslice, kind's dual-stack ranges.

import { describe, expect, test } from 'vitest'
import type { Service, ServiceSpec } from '../../generated/types.ts'
import { EndpointSlices, EndpointsKind, Nodes, Pods, ServiceCIDRs, Services } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'

const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
    },
  },
}
const service = (name: string, spec: Partial<ServiceSpec> = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec },
})

const opened = (dualStack = true): Promise<TestCluster> => testCluster({ nodes: 2, delays: 0, dualStack })
const specOf = (cluster: TestCluster, name: string) => (cluster.get(Services, name) as unknown as Service).spec

async function printed(cluster: TestCluster, script: string): Promise<string> {
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'asks' },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'nicolaka/netshoot', command: ['sh', '-c', script] }],
    },
  })
  await cluster.advance('10s')
  let text = ''
  const { signal } = new AbortController()
  const pod = await cluster.client.of(Pods).get({ name: 'asks', namespace: 'default' })
  for await (const chunk of cluster.cluster.nodes.nodeClient.logs(pod, { signal })) text += chunk
  return text
}

test('nodes and pods have addresses of both families', async () => {
  await using cluster = await opened()
  await cluster.apply(web)
  await cluster.advance('5s')
  const node = cluster.get(Nodes, { name: 'node-1' })
  expect(node.spec.podCIDRs).toEqual(['10.244.1.0/24', 'fd00:10:244:1::/64'])
  expect(node.status.addresses?.filter(({ type }) => type === 'InternalIP').at(-1)?.address).toBe('fd00:10:64::1')
  for (const { status } of cluster.pods({ app: 'web' })) {
    const [, index] = /^10\.244\.(\d)\.2$/.exec(status.podIP ?? '')!
    expect(status.podIPs).toEqual([{ ip: `10.244.${index}.2` }, { ip: `fd00:10:244:${index}::2` }])
    expect(status.hostIPs?.[1]).toEqual({ ip: `fd00:10:64::${index}` })
  }
  expect(cluster.get(ServiceCIDRs, { name: 'kubernetes' }).spec?.cidrs).toEqual(['10.96.0.0/12', 'fd00:10:96::/112'])
})

describe('a Service', () => {
  test('has the families that its policy and it name', async () => {
    await using cluster = await opened()
    await cluster.apply(
      service('plain'),
      service('both', { ipFamilyPolicy: 'PreferDualStack' }),
      service('must', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }),
      service('six', { ipFamilies: ['IPv6'] }),
      service('chosen', {
        ipFamilyPolicy: 'PreferDualStack',
        clusterIP: 'fd00:10:96::a',
        clusterIPs: ['fd00:10:96::a'],
      }),
    )
    expect(specOf(cluster, 'plain')).toMatchObject({ ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4'] })
    const families = (name: string) =>
      specOf(cluster, name).clusterIPs!.map(ip => (ip.startsWith('fd00:10:96::') ? 6 : 4))
    expect([families('plain'), families('both'), families('must'), families('six')]).toEqual([[4], [4, 6], [6, 4], [6]])
    expect(specOf(cluster, 'both').ipFamilies).toEqual(['IPv4', 'IPv6'])
    expect(specOf(cluster, 'chosen')).toMatchObject({ clusterIP: 'fd00:10:96::a', ipFamilies: ['IPv6', 'IPv4'] })
  })

  test('gains and loses its second address by its policy', async () => {
    await using cluster = await opened()
    await cluster.apply(service('web'))
    const { clusterIP } = specOf(cluster, 'web')
    const ref = { name: 'web', namespace: 'default' }
    const patch = (spec: object) => cluster.client.of(Services).patch(ref, { type: 'merge', body: { spec } })
    await patch({ ipFamilyPolicy: 'RequireDualStack' })
    const { clusterIPs } = specOf(cluster, 'web')
    expect([clusterIPs?.[0], clusterIPs?.length]).toEqual([clusterIP, 2])
    await expect(patch({ ipFamilies: ['IPv4'] })).rejects.toThrow(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": must be \'SingleStack\' to release the secondary IP family',
    )
    await patch({ ipFamilyPolicy: 'SingleStack' })
    expect(specOf(cluster, 'web')).toMatchObject({ clusterIPs: [clusterIP], ipFamilies: ['IPv4'] })
  })

  test.each([
    [
      { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] },
      "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
    [
      { clusterIP: 'fd00:10:97::1', clusterIPs: ['fd00:10:97::1'] },
      'failed to allocate IP fd00:10:97::1: the provided IP (fd00:10:97::1) is not in the valid range. The range of valid IPs is fd00:10:96::/112',
    ],
  ])('refuses %j', async (spec, why) => {
    await using cluster = await opened()
    await expect(cluster.apply(service('web', spec))).rejects.toThrow(why)
  })

  test('of a cluster with one family has that one, or is refused', async () => {
    await using cluster = await opened(false)
    await cluster.apply(service('web', { ipFamilyPolicy: 'PreferDualStack' }))
    expect(specOf(cluster, 'web').ipFamilies).toEqual(['IPv4'])
    await expect(cluster.apply(service('must', { ipFamilyPolicy: 'RequireDualStack' }))).rejects.toThrow(
      'this cluster is not configured for dual-stack services',
    )
    await expect(cluster.apply(service('six', { ipFamilies: ['IPv6'] }))).rejects.toThrow(
      'not configured on this cluster',
    )
  })
})

test('has a slice of each family, and Endpoints of its first', async () => {
  await using cluster = await opened()
  await cluster.apply(web, service('web', { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6', 'IPv4'] }))
  await cluster.advance('5s')
  const addresses = (type: string) =>
    cluster
      .list(EndpointSlices, { 'kubernetes.io/service-name': 'web' })
      .filter(({ addressType }) => addressType === type)
      .flatMap(({ endpoints }) => (endpoints ?? []).flatMap(each => each.addresses))
      .sort()
  expect(addresses('IPv4')).toEqual(['10.244.1.2', '10.244.2.2'])
  expect(addresses('IPv6')).toEqual(['fd00:10:244:1::2', 'fd00:10:244:2::2'])
  const subsets = cluster.get(EndpointsKind, 'web').subsets ?? []
  expect(subsets.flatMap(each => each.addresses ?? []).map(({ ip }) => ip)).toEqual([
    'fd00:10:244:1::2',
    'fd00:10:244:2::2',
  ])
  await cluster.client
    .of(Services)
    .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { spec: { ipFamilyPolicy: 'SingleStack' } } })
  await cluster.advance('5s')
  expect([addresses('IPv4'), addresses('IPv6').length]).toEqual([[], 2])
})

test('a pod reaches a Service by either family, by name too, and the server sees the address of that family', async () => {
  await using cluster = await opened()
  await cluster.apply(
    web,
    service('web', { ipFamilyPolicy: 'PreferDualStack' }),
    service('each', { clusterIP: 'None', ipFamilyPolicy: 'PreferDualStack' }),
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'echo' },
      spec: {
        containers: [{ name: 'main', image: 'registry.k8s.io/e2e-test-images/agnhost:2.53', args: ['netexec'] }],
      },
    },
  )
  await cluster.advance('5s')
  const [, six] = specOf(cluster, 'web').clusterIPs!
  const echo = cluster
    .pods()
    .find(({ metadata }) => metadata.name === 'echo')!
    .status.podIPs!.map(({ ip }) => ip)
  const text = await printed(
    cluster,
    `curl -s -o /dev/null -w '%{http_code}\\n' http://[${six}]/
     curl -4 -s -o /dev/null -w '%{http_code}\\n' http://web/
     curl -6 -s -o /dev/null -w '%{http_code}\\n' http://web/
     dig +short AAAA web.default.svc.cluster.local
     dig +short AAAA each.default.svc.cluster.local | sort
     curl -s http://[${echo[1]}]:8080/clientip | sed 's/:[0-9]*$//'; echo
     curl -s http://${echo[0]}:8080/clientip | sed 's/:[0-9]*$//'; echo
     hostname -i`,
  )
  const webs = cluster
    .pods({ app: 'web' })
    .map(({ status }) => status.podIPs![1]!.ip)
    .sort()
  const own = cluster
    .pods()
    .find(({ metadata }) => metadata.name === 'asks')!
    .status.podIPs!.map(({ ip }) => ip)
  expect(text.trim().split('\n')).toEqual(['200', '200', '200', six, ...webs, `[${own[1]}]`, own[0], own.join(' ')])
})
