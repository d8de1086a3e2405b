// A node in need: what it says, who goes, and how that looks (pkg/kubelet/eviction).

import { expect, test } from 'vitest'
import type { Pod } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { Nodes, Pods, PriorityClasses } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const taking = (name: string, memory: string, request?: string, more: object = {}): NewObject<Pod> => {
  const resources = request === undefined ? {} : { requests: { memory: request } }
  const made = pod(name, { containers: [{ name: 'app', image: 'nginx:1.27', resources }], ...more } as never)
  return { ...made, metadata: { ...made.metadata, annotations: { 'kubesim.dev/memory': memory } } } as NewObject<Pod>
}
const annotate = (cluster: TestCluster, annotations: Record<string, string | null>) =>
  cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { metadata: { annotations } } })
const condition = (cluster: TestCluster, type: string) =>
  findCondition(cluster.get(Nodes, { name: 'node-1' }).status.conditions, type)
const phases = (cluster: TestCluster) =>
  Object.fromEntries(cluster.pods().map(({ metadata, status }) => [metadata.name, status.reason ?? status.phase]))
const allRun = (cluster: TestCluster) => cluster.pods().every(({ status }) => status.phase === 'Running')

test('memory: whoever takes more than he requests goes first, of those the least important, of those the largest', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'high' },
    value: 1000,
  } as never)
  expect(cluster.list(PriorityClasses).some(({ metadata }) => metadata.name === 'high')).toBe(true)
  await cluster.apply(
    taking('modest', '4Gi', '5Gi'),
    taking('important', '2Gi', '1Gi', { priorityClassName: 'high' }),
    taking('greedy', '1Gi..9.5Gi over 10m', '1Gi'),
    taking('small', '512Mi'),
  )
  await cluster.until(() => allRun(cluster))
  await cluster.advance('9m')
  expect(allRun(cluster)).toBe(true)
  expect(condition(cluster, 'MemoryPressure')?.status).toBe('False')
  await cluster.until(() => cluster.pods().some(({ status }) => status.phase === 'Failed'), '5m')
  expect(phases(cluster)).toEqual({ modest: 'Running', important: 'Running', greedy: 'Evicted', small: 'Running' })
  const evicted = cluster.pods().find(({ metadata }) => metadata.name === 'greedy')!
  expect(evicted.status.message).toMatch(
    /^The node was low on resource: memory\. Threshold quantity: 100Mi, available: \d+Ki\. Container app was using \d+(Ki)?, request is 1Gi, has larger consumption of memory\. $/,
  )
  expect(findCondition(evicted.status.conditions, 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'TerminationByKubelet',
    message: evicted.status.message,
  })
  expect(cluster.events('greedy')).toContain(`Evicted: ${evicted.status.message}`)
  expect(cluster.events('node-1')).toContain('EvictionThresholdMet: Attempting to reclaim memory')
  expect(cluster.events('node-1')).toContain(
    'NodeHasInsufficientMemory: Node node-1 status is now: NodeHasInsufficientMemory',
  )
  expect(condition(cluster, 'MemoryPressure')).toMatchObject({
    status: 'True',
    reason: 'KubeletHasInsufficientMemory',
    message: 'kubelet has insufficient memory available',
  })
  await cluster.advance('10s')
  expect(cluster.get(Nodes, { name: 'node-1' }).spec.taints).toContainEqual(
    expect.objectContaining({ key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' }),
  )
  // Five minutes after it was last in need it says that it is well again.
  await cluster.advance('4m')
  expect(condition(cluster, 'MemoryPressure')?.status).toBe('True')
  await cluster.advance('2m')
  expect(condition(cluster, 'MemoryPressure')?.status).toBe('False')
  expect(cluster.events('node-1')).toContain(
    'NodeHasSufficientMemory: Node node-1 status is now: NodeHasSufficientMemory',
  )
})

test('memory pressure: who asks for nothing is not taken; whoever is critical stays whatever he takes', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(
    taking('critical', '1Gi', undefined, { priorityClassName: 'system-node-critical' }),
    taking('first', '64Mi'),
  )
  await cluster.until(() => allRun(cluster))
  await annotate(cluster, { 'kubesim.dev/memory': '15.5Gi' })
  await cluster.advance('30s')
  expect(phases(cluster)).toEqual({ critical: 'Running', first: 'Evicted' })
  await cluster.apply({ ...pod('none', { nodeName: 'node-1' }) }, taking('some', '8Mi', '8Mi', { nodeName: 'node-1' }))
  await cluster.advance('1s')
  const none = cluster.pods().find(({ metadata }) => metadata.name === 'none')!
  expect(none.status).toMatchObject({
    phase: 'Failed',
    reason: 'Evicted',
    message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
  })
  expect(none.status.containerStatuses).toBeUndefined()
  expect(cluster.events('none')).toEqual(['Evicted: The node had condition: [MemoryPressure]. '])
})

test('disk: images that nobody needs go first, then pods', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const images = () => cluster.get(Nodes, { name: 'node-1' }).status.images?.map(({ names }) => names?.[1])
  const gone = pod('gone', { containers: [{ name: 'app', image: 'postgres:16' }] })
  const filling = pod('filling')
  await cluster.apply(gone, {
    ...filling,
    metadata: { ...filling.metadata, annotations: { 'kubesim.dev/disk': '1Gi..50Gi over 10m' } },
  })
  await cluster.until(() => allRun(cluster))
  await cluster.client.of(Pods).delete({ name: 'gone', namespace: 'default' })
  await cluster.advance('1m')
  expect(images()).toContain('docker.io/library/postgres:16')
  await annotate(cluster, { 'kubesim.dev/disk': '84.7Gi' })
  await cluster.advance('30s')
  expect(condition(cluster, 'DiskPressure')).toMatchObject({ status: 'True', reason: 'KubeletHasDiskPressure' })
  expect(images()).not.toContain('docker.io/library/postgres:16')
  await cluster.advance('1m')
  expect(cluster.pods()[0]?.status).toMatchObject({ phase: 'Failed', reason: 'Evicted' })
  expect(cluster.pods()[0]?.status.message).toMatch(
    /^The node was low on resource: ephemeral-storage\. Threshold quantity: /,
  )
  expect(cluster.events('node-1')).toContain('EvictionThresholdMet: Attempting to reclaim ephemeral-storage')
})

test('process numbers', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const bomb = pod('bomb')
  await cluster.apply(pod('other'), {
    ...bomb,
    metadata: { ...bomb.metadata, annotations: { 'kubesim.dev/pids': '1..40000 over 5m' } },
  })
  await cluster.advance('6m')
  expect(phases(cluster)).toEqual({ bomb: 'Evicted', other: 'Running' })
  expect(condition(cluster, 'PIDPressure')?.status).toBe('True')
})

test('a node of which nothing is declared is not looked at', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(taking('steady', '1Gi'), pod('other'))
  await cluster.until(() => allRun(cluster))
  await cluster.advance('1h')
  const [queue] = cluster.cluster.metrics().filter(({ name }) => name === 'workqueue_adds_total')
  const adds = queue?.values.find(({ labels }) => labels?.name === 'kubelet-eviction')?.value
  expect(adds).toBeLessThan(5)
})
