// A node that is shut down in good order (pkg/kubelet/nodeshutdown).

import { expect, test } from 'vitest'
import { findCondition } from '../../src/api/conditions.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const annotate = (cluster: TestCluster, annotations: Record<string, string | null>) =>
  cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { metadata: { annotations } } })
const node = (cluster: TestCluster) => cluster.get(Nodes, { name: 'node-1' })
const ready = (cluster: TestCluster) => findCondition(node(cluster).status.conditions, 'Ready')
const find = (cluster: TestCluster, name: string) => cluster.pods().find(({ metadata }) => metadata.name === name)!

test('a node shuts down: not ready, no more pods, its pods end, the critical ones last, and then silence', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const sleeper = { containers: [{ name: 'main', image: 'busybox:1.36', command: ['sleep', '3600'] }] }
  await cluster.apply(pod('slow', sleeper), pod('web'), pod('critical', { priorityClassName: 'system-node-critical' }))
  await cluster.until(() => cluster.pods().every(({ status }) => status.phase === 'Running'))
  await annotate(cluster, { 'kubesim.dev/shutdown': 'true' })
  await cluster.advance('2s')
  expect(ready(cluster)).toMatchObject({ status: 'False', reason: 'KubeletNotReady', message: 'node is shutting down' })
  expect(cluster.events('node-1')).toEqual(
    expect.arrayContaining([
      'Shutdown: Shutdown manager detected shutdown event',
      'NodeNotReady: Node node-1 status is now: NodeNotReady',
    ]),
  )
  expect(find(cluster, 'web').status).toMatchObject({
    phase: 'Failed',
    reason: 'Terminated',
    message: 'Pod was terminated in response to imminent node shutdown.',
  })
  expect(findCondition(find(cluster, 'web').status.conditions, 'DisruptionTarget')).toMatchObject({
    status: 'True',
    reason: 'TerminationByKubelet',
  })
  await cluster.apply(pod('late', { nodeName: 'node-1', tolerations: [{ operator: 'Exists' }] }))
  await cluster.advance('1s')
  expect(find(cluster, 'late').status).toMatchObject({
    reason: 'NodeShutdown',
    message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
  })
  expect([find(cluster, 'slow').status.phase, find(cluster, 'critical').status.phase]).toEqual(['Running', 'Running'])
  await cluster.advance('25s')
  expect(find(cluster, 'slow').status).toMatchObject({ phase: 'Failed', reason: 'Terminated' })
  expect(find(cluster, 'critical').status).toMatchObject({ phase: 'Failed', reason: 'Terminated' })
  expect(node(cluster).metadata.annotations?.['kubesim.dev/silent']).toBe('true')
  await annotate(cluster, { 'kubesim.dev/shutdown': null, 'kubesim.dev/silent': null })
  await cluster.advance('20s')
  expect(ready(cluster)).toMatchObject({ status: 'True', reason: 'KubeletReady' })
  await cluster.apply(pod('again'))
  await cluster.until(() => find(cluster, 'again').status.phase === 'Running')
})
