// What more can go wrong: machines that are taken away, slow, full or out of step; parties that are parted; watches that are late; a
// full store. In virtual time.

import { expect, test } from 'vitest'
import { isReady } from '../controllers/shared/pods.ts'
import type { V1alpha1Fault, V1alpha1FaultSpec } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import type { NewObject } from '../src/api/meta.ts'
import { ConfigMaps, Deployments, FaultsKind, Leases, Nodes, Pods } from '../src/kinds/index.ts'
import type { TestCluster } from '../src/testing/cluster.ts'
import { refusal } from './registry/harness.ts'
import { testCluster } from './support/cluster.ts'
import { deployment } from './support/objects.ts'

const fault = (name: string, spec: V1alpha1FaultSpec): NewObject<V1alpha1Fault> =>
  ({ apiVersion: 'kubesim.dev/v1alpha1', kind: 'Fault', metadata: { name }, spec }) as NewObject<V1alpha1Fault>
const condition = (cluster: TestCluster, node: string, type: string) =>
  findCondition(cluster.get(Nodes, node).status.conditions, type)!
const statusOf = (cluster: TestCluster, name: string) => cluster.get(FaultsKind, name).status!
const onNodes = (cluster: TestCluster) =>
  cluster
    .pods()
    .filter(isReady)
    .map(({ spec }) => spec.nodeName)

test('a machine that is gone takes its Node with it; when it is back, its kubelet registers it anew', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.client
    .of(Nodes)
    .patch({ name: 'node-1' }, { type: 'merge', body: { metadata: { labels: { disk: 'ssd' } } } })
  await cluster.apply(deployment('web', { replicas: 4 }))
  await cluster.advance('1m')
  const { uid } = cluster.get(Nodes, 'node-1').metadata
  await cluster.apply(fault('gone', { duration: '10m', nodes: { names: ['node-1'], effect: 'Gone' } }))
  await cluster.advance('30s')
  expect(cluster.list(Nodes)).toHaveLength(2)
  await cluster.advance('2m')
  expect(cluster.list(Nodes).map(({ metadata }) => metadata.name)).toEqual(['node-2'])
  expect(cluster.events('node-1')).toContain(
    'DeletingNode: Deleting node node-1 because it does not exist in the cloud provider',
  )
  await cluster.advance('3m')
  expect(onNodes(cluster)).toEqual(Array(4).fill('node-2'))
  expect(statusOf(cluster, 'gone')).toMatchObject({ struck: 1, lastStruck: 'node node-1' })
  await cluster.advance('6m')
  const back = cluster.get(Nodes, 'node-1')
  expect(back.metadata.uid).not.toBe(uid)
  expect(back.metadata.labels).toMatchObject({ disk: 'ssd' })
  expect(condition(cluster, 'node-1', 'Ready').status).toBe('True')
  await cluster.apply(deployment('more', { replicas: 6 }))
  await cluster.advance('1m')
  expect(onNodes(cluster)).toContain('node-1')
})

test('on a slow node pulls and starts take so many times as long', async () => {
  const startOf = async (spec?: V1alpha1FaultSpec) => {
    await using cluster = await testCluster({ nodes: 1 })
    if (spec) await cluster.apply(fault('slow', spec))
    await cluster.apply(deployment('web'))
    const from = cluster.env.clock.now()
    await cluster.until(() => cluster.pods().some(isReady), '10m')
    return cluster.env.clock.now() - from
  }
  const usual = await startOf()
  const slow = await startOf({ nodes: { names: ['node-1'], effect: 'Slow', factor: 20 } })
  expect(slow / usual).toBeGreaterThan(10)
  expect(slow / usual).toBeLessThan(21)
})

test('a full disk is under pressure: its pods go, and none comes until there is room again', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(deployment('web', { replicas: 4 }))
  await cluster.advance('1m')
  await cluster.apply(fault('full', { duration: '5m', nodes: { names: ['node-1'], effect: 'DiskFull' } }))
  await cluster.advance('3m')
  expect(condition(cluster, 'node-1', 'DiskPressure')).toMatchObject({
    status: 'True',
    reason: 'KubeletHasDiskPressure',
  })
  expect(cluster.get(Nodes, 'node-1').spec.taints?.map(({ key }) => key)).toContain('node.kubernetes.io/disk-pressure')
  expect(onNodes(cluster)).toEqual(Array(4).fill('node-2'))
  expect(cluster.pods().filter(({ status }) => status.reason === 'Evicted').length).toBeGreaterThan(0)
  expect(statusOf(cluster, 'full')).toMatchObject({ struck: 1, lastStruck: 'node node-1' })
  // So long after (evictionPressureTransitionPeriod) it still says so.
  await cluster.advance('10m')
  expect(condition(cluster, 'node-1', 'DiskPressure').status).toBe('False')
})

test('a clock that is wrong makes wrong times, and nobody is taken for dead by them', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(
    fault('ahead', { nodes: { names: ['node-1'], effect: 'Skewed', skew: '1h' } }),
    fault('behind', { nodes: { names: ['node-2'], effect: 'Skewed', skew: '-10m' } }),
  )
  await cluster.advance('20m')
  expect(condition(cluster, 'node-1', 'Ready').lastHeartbeatTime).toMatch(/^2024-01-01T01:1/)
  expect(condition(cluster, 'node-2', 'Ready').lastHeartbeatTime).toMatch(/^2024-01-01T00:0/)
  const lease = async (name: string) =>
    (await cluster.client.of(Leases).get({ name, namespace: 'kube-node-lease' })).spec.renewTime
  expect([await lease('node-1'), await lease('node-2')]).toEqual([
    '2024-01-01T01:20:00.000000Z',
    '2024-01-01T00:10:00.000000Z',
  ])
  expect(['node-1', 'node-2'].map(name => condition(cluster, name, 'Ready').status)).toEqual(['True', 'True'])
  await cluster.client.of(FaultsKind).delete({ name: 'ahead' })
  await cluster.advance('10s')
  expect(await lease('node-1')).toBe('2024-01-01T00:20:10.000000Z')
})

test('a node that is parted from the API server is not ready and its pods move; healed, it goes on', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(deployment('web', { replicas: 2 }))
  await cluster.advance('1m')
  await cluster.apply(
    fault('split', { duration: '8m', partition: { between: [{ nodes: ['node-1'] }, { apiServer: true }] } }),
  )
  await cluster.advance('7m')
  expect(condition(cluster, 'node-1', 'Ready').status).toBe('Unknown')
  expect(onNodes(cluster)).toEqual(['node-2', 'node-2'])
  expect(statusOf(cluster, 'split')).toMatchObject({ struck: 1, lastStruck: 'node-1 and the API server' })
  await cluster.advance('2m')
  expect(condition(cluster, 'node-1', 'Ready').status).toBe('True')
  // What it had to end it has ended.
  expect(cluster.pods()).toHaveLength(2)
})

test('pods that are chosen by labels do not reach each other, those to come included; others do', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const app = (name: string) => ({ podSelector: { matchLabels: { app: name } } })
  await cluster.apply(deployment('web'), deployment('client'), deployment('other'))
  await cluster.advance('1m')
  await cluster.apply(fault('parted', { partition: { between: [app('client'), app('web')] } }))
  const reaches = async (from: string): Promise<boolean> => {
    const [client] = cluster.pods({ app: from }).filter(isReady)
    const [web] = cluster.pods({ app: 'web' }).filter(isReady)
    const { traceRequest } = await import('../kubelet-sim/network/trace-request.ts')
    const asked = { from: { pod: client! }, url: new URL(`http://${web!.status.podIP}/`), timeout: 1_000 }
    let isOver = false
    const traced = traceRequest(cluster.cluster.nodes.network, asked as never).finally(() => {
      isOver = true
    })
    await cluster.until(() => isOver, '5s')
    return JSON.stringify(await traced).includes('"status":200')
  }
  expect([await reaches('client'), await reaches('other')]).toEqual([false, true])
  await cluster.client.of(Pods).deleteCollection({ namespace: 'default' })
  await cluster.advance('1m')
  expect([await reaches('client'), await reaches('other')]).toEqual([false, true])
  expect(statusOf(cluster, 'parted')).toMatchObject({
    phase: 'Active',
    struck: 1,
    lastStruck: 'app=client and app=web',
  })
  await cluster.client.of(FaultsKind).delete({ name: 'parted' })
  await cluster.advance('1s')
  expect(await reaches('client')).toBe(true)
})

test('late watches make everybody late, and when they are in time again nothing is missed or out of order', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const { resourceVersion } = await cluster.client.of(ConfigMaps).list()
  const ending = new AbortController()
  const seen: string[] = []
  const watching = (async () => {
    const options = { namespace: 'default', after: resourceVersion, signal: ending.signal }
    for await (const event of cluster.client.of(ConfigMaps).watch(options)) {
      if (event.type !== 'BOOKMARK')
        seen.push(`${event.object.metadata.name} ${cluster.env.clock.now() / 1000 - 1_704_067_200}`)
    }
  })()
  await cluster.apply(fault('late', { watches: { delay: '30s' } }))
  const make = (name: string) =>
    cluster.client
      .of(ConfigMaps)
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } })
  await make('a')
  await cluster.advance('10s')
  await make('b')
  await cluster.advance('25s')
  expect(seen).toEqual(['a 30'])
  await make('c')
  await cluster.client.of(FaultsKind).delete({ name: 'late' })
  await cluster.advance('1s')
  await make('d')
  await cluster.advance('1s')
  expect(seen).toEqual(['a 30', 'b 35', 'c 35', 'd 36'])
  ending.abort()
  await watching
  await cluster.apply(fault('pods', { watches: { resources: ['pods'], delay: '20s' } }), deployment('web'))
  await cluster.advance('15s')
  expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual([undefined])
  await cluster.advance('5m')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 1 } })
  expect(statusOf(cluster, 'pods')).toMatchObject({ struck: 1, lastStruck: 'watches of pods' })
})

test('a full store reads and removes, and refuses the rest in etcd’s words', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const configMaps = cluster.client.of(ConfigMaps)
  const make = (name: string) =>
    configMaps.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } })
  await make('before')
  await cluster.apply(fault('full', { store: {} }))
  const refused = await refusal(make('x'))
  expect([refused.code, refused.message, refused.toStatus().reason]).toEqual([
    500,
    'etcdserver: mvcc: database space exceeded',
    undefined,
  ])
  await cluster.advance('5m')
  expect((await configMaps.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toContain(
    'before',
  )
  await configMaps.delete({ name: 'before', namespace: 'default' })
  // Nobody could even say that the node is not heard of.
  expect(condition(cluster, 'node-1', 'Ready').status).toBe('True')
  expect(statusOf(cluster, 'full').struck).toBeGreaterThan(10)
  await cluster.client.of(FaultsKind).delete({ name: 'full' })
  await make('after')
  await cluster.advance('2m')
  expect(condition(cluster, 'node-1', 'Ready').status).toBe('True')
  await cluster.apply(deployment('web'))
  await cluster.advance('1m')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 1 } })
})

test('what cannot be is refused by path', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const why = async (spec: object) => (await refusal(cluster.apply(fault('bad', spec as V1alpha1FaultSpec)))).message
  expect(await why({ nodes: { names: ['a'], effect: 'Skewed' } })).toContain('spec.nodes.skew: Required value')
  expect(await why({ nodes: { names: ['a'], effect: 'Slow', factor: -1 } })).toContain(
    'spec.nodes.factor: Invalid value',
  )
  expect(await why({ partition: { between: [{}] } })).toContain('spec.partition.between: Invalid value: 1: must be two')
  expect(await why({ partition: { between: [{ apiServer: true, nodes: ['a'] }, {}] } })).toContain(
    'spec.partition.between[0]: Invalid value',
  )
  expect(await why({ partition: { between: [{}, {}], loss: 200 } })).toContain(
    'spec.partition.loss: Invalid value: 200',
  )
  expect(await why({ store: { effect: 'Slow' } })).toContain('spec.store.effect: Unsupported value: "Slow"')
  expect(await why({ watches: { delay: 'soon' } })).toContain('spec.watches.delay: Invalid value: "soon"')
})
