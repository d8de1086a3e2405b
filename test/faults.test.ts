// Faults as objects: what goes wrong on purpose, when, and what is told of it. In virtual time.

import { expect, test } from 'vitest'
import type { V1alpha1Fault, V1alpha1FaultSpec } from '../generated/types.ts'
import type { NewObject } from '../src/api/meta.ts'
import { windowOf } from '../src/faults/window.ts'
import { ConfigMaps, Deployments, FaultsKind, Nodes, Pods } from '../src/kinds/index.ts'
import { refusal } from './registry/harness.ts'
import { testCluster } from './support/cluster.ts'
import { deployment } from './support/objects.ts'

const fault = (name: string, spec: V1alpha1FaultSpec): NewObject<V1alpha1Fault> =>
  ({ apiVersion: 'kubesim.dev/v1alpha1', kind: 'Fault', metadata: { name }, spec }) as NewObject<V1alpha1Fault>
const readyOf = (node: { status: { conditions?: readonly { type: string; status: string }[] } }) =>
  node.status.conditions?.find(({ type }) => type === 'Ready')?.status

test('when it is at work: after a time, for a time, again and again', () => {
  const start = Date.parse('2024-01-01T00:00:00Z')
  const at = (seconds: number, spec: V1alpha1FaultSpec) => {
    const object = { metadata: { name: 'f', creationTimestamp: '2024-01-01T00:00:00Z' }, spec }
    const { phase, next, times } = windowOf(object as unknown as V1alpha1Fault, start + seconds * 1000)
    return [phase, next === undefined ? undefined : (next - start) / 1000, times]
  }
  expect(at(0, {})).toEqual(['Active', undefined, 1])
  expect(at(9, { after: '10s' })).toEqual(['Waiting', 10, 0])
  expect(at(10, { after: '10s', duration: '5s' })).toEqual(['Active', 15, 1])
  expect(at(15, { after: '10s', duration: '5s' })).toEqual(['Over', undefined, 1])
  const again = { after: '10s', duration: '5s', every: '1m' }
  expect([at(15, again), at(70, again), at(74, again), at(75, again)]).toEqual([
    ['Waiting', 70, 1],
    ['Active', 75, 2],
    ['Active', 75, 2],
    ['Waiting', 130, 2],
  ])
})

test('a node is dead for as long as the fault lasts, and of two that want it so until the last has gone', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(fault('one', { after: '1m', duration: '5m', nodes: { names: ['node-1'] } }))
  expect(cluster.get(FaultsKind, 'one').status).toMatchObject({ phase: 'Waiting', times: 0 })
  await cluster.apply(fault('two', { nodes: { names: ['node-1'] } }))
  await cluster.advance('3m')
  expect(readyOf(cluster.get(Nodes, 'node-1'))).toBe('Unknown')
  expect(readyOf(cluster.get(Nodes, 'node-2'))).toBe('True')
  expect(cluster.get(FaultsKind, 'one').status).toMatchObject({ phase: 'Active', startedAt: '2024-01-01T00:01:00Z' })
  await cluster.advance('4m')
  expect(cluster.get(FaultsKind, 'one').status).toMatchObject({ phase: 'Over', endedAt: '2024-01-01T00:06:00Z' })
  expect(readyOf(cluster.get(Nodes, 'node-1'))).toBe('Unknown')
  await cluster.client.of(FaultsKind).delete({ name: 'two' })
  await cluster.advance('1m')
  expect(readyOf(cluster.get(Nodes, 'node-1'))).toBe('True')
})

test('a component stands still, or one controller; and one that is not there is complained of', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(
    fault('no-scheduler', { component: { name: 'scheduler' } }),
    fault('no-jobs', { component: { name: 'deployment-controller' } }),
    fault('nobody', { component: { name: 'nobody' } }),
  )
  await cluster.apply(deployment('web'))
  await cluster.advance('1m')
  expect(cluster.pods()).toEqual([])
  await cluster.client.of(FaultsKind).delete({ name: 'no-jobs' })
  await cluster.advance('1m')
  expect(cluster.pods().map(({ spec }) => spec.nodeName)).toEqual([undefined])
  await cluster.client.of(FaultsKind).delete({ name: 'no-scheduler' })
  await cluster.advance('1m')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 1 } })
  expect(cluster.get(FaultsKind, 'nobody').status).toMatchObject({
    struck: 0,
    message: expect.stringContaining('nobody'),
  })
  await cluster.apply(fault('again', { component: { name: 'controllers', effect: 'Restarted' } }))
  await cluster.apply(deployment('late'))
  await cluster.advance('1m')
  cluster.expect(Deployments, 'late', { status: { readyReplicas: 1 } })
  expect(cluster.get(FaultsKind, 'again').status).toMatchObject({ struck: 1, lastStruck: 'component controllers' })
})

test('requests of components fail as often as is said, and the cluster gets there all the same', async () => {
  await using cluster = await testCluster({ nodes: 2, seed: 3 })
  await cluster.apply(
    fault('flaky', { api: { verbs: ['create', 'update', 'patch'], percent: 30, code: 500 } }),
    fault('conflicts', { api: { users: ['system:replicaset-controller'], verbs: ['create'], percent: 50, code: 409 } }),
  )
  await cluster.apply(deployment('web', { replicas: 5 }))
  await cluster.advance('10m')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 5 } })
  const { struck = 0, lastStruck } = cluster.get(FaultsKind, 'flaky').status!
  expect(struck).toBeGreaterThan(5)
  expect(lastStruck).toMatch(/^(create|update|patch) \S+ .*of system:/)
})

test('watches end and are resumed: nobody misses anything', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(fault('cut', { watches: { resources: ['pods', 'deployments.apps'], every: '5s' } }))
  await cluster.apply(deployment('web', { replicas: 3 }))
  await cluster.advance('2m')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 3 } })
  expect(cluster.get(FaultsKind, 'cut').status!.struck).toBeGreaterThan(20)
})

test('what others say of a pod that is well does not stay: its kubelet puts it right', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(deployment('web'))
  await cluster.advance('1m')
  const body = { status: { conditions: [{ type: 'Ready', status: 'False' }] } }
  await cluster.client.of(Pods).patch(cluster.pods()[0]!.metadata, { type: 'strategic', body }, 'status')
  await cluster.advance('10s')
  cluster.expect(Deployments, 'web', { status: { readyReplicas: 1 } })
})

test('images that are meant cannot be pulled until it ends; others can', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(
    fault('registry', { duration: '3m', pulls: { images: ['nginx', 'redis:7'], message: 'no route' } }),
  )
  await cluster.apply(
    deployment('web', { image: 'nginx:1.27' }),
    deployment('cache', { image: 'redis:7' }),
    deployment('other', { image: 'redis:6' }),
  )
  await cluster.advance('1m')
  const phases = () =>
    Object.fromEntries(cluster.pods().map(({ metadata, status }) => [metadata.labels!.app, status.phase]))
  expect(phases()).toEqual({ web: 'Pending', cache: 'Pending', other: 'Running' })
  const [pod] = cluster.pods({ app: 'web' })
  expect(cluster.events(pod!.metadata.name)).toContain('Failed: Failed to pull image "nginx:1.27": no route')
  await cluster.advance('10m')
  expect(phases()).toEqual({ web: 'Running', cache: 'Running', other: 'Running' })
})

test('over HTTP a request is slow or fails as it is said to whom it is said; faults themselves always get through', async () => {
  await using cluster = await testCluster({ nodes: 0, without: ['controllers', 'scheduler', 'kubelet', 'proxy'] })
  const door = await cluster.listen()
  const { createHttpClient } = await import('../src/client/http-client.ts')
  const connection = createHttpClient(door.access)
  try {
    const { client } = connection
    await cluster.apply(
      fault('quota', { api: { verbs: ['list'], resources: ['configmaps'], code: 429, message: 'not so fast' } }),
      fault('all', { api: { verbs: ['delete', 'patch'], code: 503, users: ['kubernetes-admin'] } }),
    )
    const refused = await refusal(client.of(ConfigMaps).list())
    expect([refused.reason, refused.code, refused.message]).toEqual(['TooManyRequests', 429, 'not so fast'])
    expect((await client.of(Pods).list()).items).toEqual([])
    await expect(client.of(Deployments).delete({ name: 'x', namespace: 'default' })).rejects.toThrow('the fault "all"')
    await client.of(FaultsKind).delete({ name: 'quota' })
    expect((await client.of(ConfigMaps).list({ namespace: 'default' })).items).toEqual([])
    await cluster.advance('2s')
    expect(cluster.get(FaultsKind, 'all').status).toMatchObject({
      struck: 1,
      lastStruck: 'delete deployments.apps x of kubernetes-admin',
    })
  } finally {
    connection.close()
  }
})

test('the same seed, the same history, faults and all', async () => {
  const live = async (seed: number) => {
    await using cluster = await testCluster({ nodes: 2, seed })
    await cluster.apply(
      fault('flaky', { api: { percent: 20, verbs: ['patch', 'update', 'create'], code: 503 } }),
      fault('cut', { watches: { every: '7s' } }),
    )
    await cluster.apply(deployment('web', { replicas: 4 }))
    await cluster.advance('5m')
    return cluster.history.exact()
  }
  expect(await live(5)).toBe(await live(5))
})

test('a fault of nothing, or of what cannot be, is refused by path', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const why = async (spec: object) => (await refusal(cluster.apply(fault('bad', spec as V1alpha1FaultSpec)))).message
  expect(await why({})).toContain('spec: Required value: one of nodes, api')
  expect(await why({ nodes: { names: [] } })).toContain('spec.nodes.names: Required value')
  expect(await why({ nodes: { names: ['a'], effect: 'Asleep' } })).toContain('supported values: "Dead", "CutOff"')
  expect(await why({ api: { percent: 101 } })).toContain('spec.api.percent: Invalid value: 101')
  expect(await why({ watches: {}, every: '1m' })).toContain(
    'spec.every: Invalid value: "1m": must be longer than duration',
  )
  expect(await why({ watches: {}, duration: 'long' })).toContain('spec.duration: Invalid value: "long"')
})
