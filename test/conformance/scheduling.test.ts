// Upstream's conformance items about scheduling, by their names (test/e2e/scheduling/{predicates,preemption}.go); those
// about LimitRange and PriorityClass are in test/admission.

import { expect, test } from 'vitest'
import type { Pod, PodSpec, PriorityClass, ReplicaSet } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { Nodes, ReplicaSets } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const running = (cluster: TestCluster): string[] =>
  cluster
    .pods()
    .filter(({ status }) => status.phase === 'Running')
    .map(({ metadata }) => metadata.name)
    .sort()
const named = (cluster: TestCluster, name: string): Frozen<Pod> | undefined =>
  cluster.pods().find(({ metadata }) => metadata.name === name)
const nodeNames = (cluster: TestCluster): string[] => cluster.list(Nodes).map(({ metadata }) => metadata.name)

const asking = (resources: Record<string, string>, more: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  terminationGracePeriodSeconds: 0,
  containers: [{ name: 'main', image: 'nginx', resources: { requests: resources, limits: resources } }],
  ...more,
})
const priorityClass = (name: string, value: number): NewObject<PriorityClass> => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name },
  value,
})

/** As upstream's tests do it: a resource that nothing else on the node uses. */
async function offer(cluster: TestCluster, node: string, resource: string, amount: string): Promise<void> {
  const amounts = { [resource]: amount }
  const body = { status: { capacity: amounts, allocatable: amounts } }
  await cluster.client.of(Nodes).patch({ name: node }, { type: 'merge', body }, 'status')
  await cluster.env.activity.idle()
}

test('[sig-scheduling] SchedulerPredicates [Serial] validates resource limits of pods that are allowed to run', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  const room = Number(cluster.list(Nodes)[0]!.status.allocatable!.cpu)
  const filling = nodeNames(cluster).map(name =>
    pod(`filler-${name}`, asking({ cpu: `${room * 700}m` }, { nodeSelector: { 'kubernetes.io/hostname': name } })),
  )
  await cluster.apply(...filling)
  await cluster.advance('30s')
  expect(running(cluster)).toEqual(nodeNames(cluster).map(name => `filler-${name}`))
  await cluster.apply(pod('additional', asking({ cpu: `${room * 500}m` })))
  await cluster.advance('30s')
  expect(named(cluster, 'additional')?.status.phase).toBe('Pending')
  expect(cluster.events('additional')[0]).toMatch(/^FailedScheduling: 0\/2 nodes are available: 2 Insufficient cpu\. /)
})

test('[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if matching', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  const second = nodeNames(cluster)[1]!
  const labels = { 'kubernetes.io/e2e-test': '42' }
  await cluster.client.of(Nodes).patch({ name: second }, { type: 'merge', body: { metadata: { labels } } })
  await cluster.apply(pod('with-labels', { nodeSelector: labels }))
  await cluster.advance('30s')
  expect(running(cluster)).toEqual(['with-labels'])
  expect(named(cluster, 'with-labels')?.spec.nodeName).toBe(second)
})

test('[sig-scheduling] SchedulerPredicates [Serial] validates that NodeSelector is respected if not matching', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  await cluster.apply(pod('restricted-pod', { nodeSelector: { label: 'nonempty' } }))
  await cluster.advance('5m')
  expect(named(cluster, 'restricted-pod')?.spec.nodeName).toBeUndefined()
  expect(cluster.events('restricted-pod')[0]).toBe(
    "FailedScheduling: 0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  )
})

test('[sig-scheduling] SchedulerPredicates [Serial] validates that there exists conflict between pods with same hostPort and protocol but one using 0.0.0.0 hostIP', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  const on = (hostIP: string | undefined, protocol: string): Partial<PodSpec> => ({
    nodeSelector: { 'kubernetes.io/hostname': nodeNames(cluster)[0]! },
    containers: [
      {
        name: 'main',
        image: 'nginx',
        ports: [{ containerPort: 8080, hostPort: 54_322, protocol, ...(hostIP && { hostIP }) }],
      },
    ],
  })
  await cluster.apply(pod('pod4', on(undefined, 'TCP')), pod('pod5', on('127.0.0.1', 'TCP')))
  await cluster.apply(pod('other-protocol', on('127.0.0.1', 'UDP')))
  await cluster.advance('5m')
  expect(running(cluster)).toEqual(['other-protocol', 'pod4'])
  expect(cluster.events('pod5')[0]).toMatch(/1 node\(s\) didn't have free ports for the requested pod ports/)
})

const foo = 'scheduling.k8s.io/foo'

test('[sig-scheduling] SchedulerPreemption [Serial] validates basic preemption works', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(priorityClass('low', 1), priorityClass('medium', 100), priorityClass('high', 1000))
  for (const node of nodeNames(cluster)) {
    await offer(cluster, node, foo, '5')
    // Two pods fill four of five: on the first node a low and a medium one, elsewhere two medium ones.
    for (const index of [0, 1]) {
      const priorityClassName = node === nodeNames(cluster)[0] && index === 0 ? 'low' : 'medium'
      const nodeSelector = { 'kubernetes.io/hostname': node }
      await cluster.apply(
        pod(`${priorityClassName}-${node}-${index}`, asking({ [foo]: '2' }, { priorityClassName, nodeSelector })),
      )
    }
  }
  await cluster.advance('30s')
  const before = running(cluster)
  expect(before).toHaveLength(4)
  await cluster.apply(pod('preemptor', asking({ [foo]: '2' }, { priorityClassName: 'high' })))
  await cluster.advance('30s')
  const low = `low-${nodeNames(cluster)[0]}-0`
  expect(running(cluster)).toEqual([...before.filter(name => name !== low), 'preemptor'].sort())
  expect(named(cluster, 'preemptor')?.spec.nodeName).toBe(nodeNames(cluster)[0])
})

test('[sig-scheduling] SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(priorityClass('low', 1), priorityClass('medium', 100))
  await offer(cluster, nodeNames(cluster)[0]!, foo, '5')
  await cluster.apply(pod('low', asking({ [foo]: '2' }, { priorityClassName: 'low' })))
  await cluster.apply(pod('medium', asking({ [foo]: '2' }, { priorityClassName: 'medium' })))
  await cluster.advance('30s')
  expect(running(cluster)).toEqual(['low', 'medium'])
  const critical = pod('critical-pod', asking({ [foo]: '2' }, { priorityClassName: 'system-cluster-critical' }))
  await cluster.apply({ ...critical, metadata: { ...critical.metadata, namespace: 'kube-system' } })
  await cluster.advance('30s')
  expect(running(cluster)).toEqual(['critical-pod', 'medium'])
})

test('[sig-scheduling] SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption running path', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const fake = 'example.com/fakecpu'
  await offer(cluster, nodeNames(cluster)[0]!, fake, '1000')
  const replicaSet = (name: string, replicas: number, amount: string): NewObject<ReplicaSet> =>
    ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: `rs-${name}` },
      spec: {
        replicas,
        selector: { matchLabels: { name } },
        template: { metadata: { labels: { name } }, spec: asking({ [fake]: amount }, { priorityClassName: name }) },
      },
    }) as unknown as NewObject<ReplicaSet>
  const ready = (name: string): number => cluster.get(ReplicaSets, `rs-${name}`).status.readyReplicas ?? 0
  for (const value of [1, 2, 3, 4]) await cluster.apply(priorityClass(`p${value}`, value))
  // 5·40 + 4·50 + 4·95 = 780 of 1000.
  await cluster.apply(replicaSet('p1', 5, '40'), replicaSet('p2', 4, '50'), replicaSet('p3', 4, '95'))
  await cluster.advance('1m')
  expect([ready('p1'), ready('p2'), ready('p3')]).toEqual([5, 4, 4])
  // 400 more need 180 that are not there: all five of the least important go, and come back as pods that wait.
  await cluster.apply(replicaSet('p4', 1, '400'))
  await cluster.advance('1m')
  expect([ready('p1'), ready('p2'), ready('p3'), ready('p4')]).toEqual([0, 4, 4, 1])
  const waiting = cluster.pods({ name: 'p1' }).filter(({ spec }) => !spec.nodeName)
  expect(waiting).toHaveLength(5)
})
