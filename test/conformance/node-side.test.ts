// Upstream's conformance items about evicting by taints and about mirrored Endpoints, by their names
// (test/e2e/node/taints.go, test/e2e/network/endpointslicemirroring.go).

import { expect, test } from 'vitest'
import type { Endpoints } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { EndpointSlices, EndpointsKind, Nodes, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod, service } from '../support/objects.ts'

const taint = { key: 'kubernetes.io/e2e-evict-taint-key', value: 'evictTaintVal', effect: 'NoExecute' }
const tolerating = (name: string, tolerationSeconds: number) =>
  pod(name, {
    nodeName: 'node-1',
    terminationGracePeriodSeconds: 0,
    tolerations: [{ key: taint.key, value: taint.value, effect: 'NoExecute', tolerationSeconds }],
  })
const setTaints = (cluster: TestCluster, taints: object[] | null) =>
  cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { spec: { taints } } })
const names = (cluster: TestCluster) => cluster.pods().map(({ metadata }) => metadata.name)

test('[sig-node] NoExecuteTaintManager Single Pod [Serial] removing taint cancels eviction [Disruptive]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(tolerating('taint-eviction', 65))
  await cluster.until(() => cluster.get(Pods, 'taint-eviction').status.phase === 'Running')
  await setTaints(cluster, [taint])
  await cluster.advance('60s')
  expect(names(cluster)).toEqual(['taint-eviction'])
  await setTaints(cluster, null)
  await cluster.advance('5m')
  expect(names(cluster)).toEqual(['taint-eviction'])
  expect(cluster.events('taint-eviction')).toContain(
    'TaintManagerEviction: Cancelling deletion of Pod default/taint-eviction',
  )
})

test('[sig-node] NoExecuteTaintManager Multiple Pods [Serial] evicts pods with minTolerationSeconds [Disruptive]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(tolerating('evicted-1', 5), tolerating('evicted-2', 15))
  await cluster.until(() => cluster.pods().every(({ status }) => status.phase === 'Running'))
  await setTaints(cluster, [taint])
  await cluster.advance('4s')
  expect(names(cluster)).toEqual(['evicted-1', 'evicted-2'])
  await cluster.advance('6s')
  expect(names(cluster)).toEqual(['evicted-2'])
  await cluster.advance('10s')
  expect(names(cluster)).toEqual([])
})

test('[sig-network] EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await cluster.apply(service('example', 'none', { selector: undefined as never }))
  const port = { name: 'example', port: 80, protocol: 'TCP' }
  const endpoints = (ip: string) =>
    ({
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { name: 'example', namespace: 'default' },
      subsets: [{ ports: [port], addresses: [{ ip }] }],
    }) as NewObject<Endpoints>
  const slices = () =>
    cluster
      .list(EndpointSlices, { 'kubernetes.io/service-name': 'example' })
      .map(({ ports, endpoints: all }) => ({ ports, addresses: all!.flatMap(({ addresses }) => addresses) }))
  await cluster.apply(endpoints('10.1.2.3'))
  expect(slices()).toEqual([{ ports: [port], addresses: ['10.1.2.3'] }])
  const update = endpoints('10.2.3.4')
  await cluster.client.of(EndpointsKind).update({ ...cluster.get(EndpointsKind, 'example'), subsets: update.subsets! })
  await cluster.advance('1s')
  expect(slices()).toEqual([{ ports: [port], addresses: ['10.2.3.4'] }])
  await cluster.client.of(EndpointsKind).delete({ name: 'example', namespace: 'default' })
  await cluster.advance('1s')
  expect(slices()).toEqual([])
})
