// Upstream's conformance items about the garbage collector, by their names (test/e2e/apimachinery/garbage_collector.go).

import { expect, test } from 'vitest'
import type { Pod, ReplicationController } from '../../generated/types.ts'
import type { Frozen, KubeObject, NewObject, OwnerReference } from '../../src/api/meta.ts'
import { Deployments, Pods, ReplicaSets, ReplicationControllers } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { deployment, pod } from '../support/objects.ts'

const inDefault = (name: string) => ({ name, namespace: 'default' })

const controller = (name: string, replicas: number): NewObject<ReplicationController> =>
  ({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { app: name },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
    },
  }) as NewObject<ReplicationController>

const owner = (object: Frozen<KubeObject>): OwnerReference => ({
  apiVersion: object.apiVersion,
  kind: object.kind,
  name: object.metadata.name,
  uid: object.metadata.uid!,
})

async function controllerWithPods(cluster: TestCluster, name: string, replicas: number) {
  await cluster.apply(controller(name, replicas))
  await cluster.until(() => running(cluster, name).length === replicas)
}

const running = (cluster: TestCluster, app: string): readonly Frozen<Pod>[] =>
  cluster.pods({ app }).filter(({ status }) => status.phase === 'Running')

const isGone = (cluster: TestCluster, name: string): boolean =>
  !cluster.list(ReplicationControllers).some(({ metadata }) => metadata.name === name)

test('[sig-api-machinery] Garbage collector should delete RS created by deployment when not orphaning', async () => {
  await using cluster = await testCluster()
  await cluster.apply(deployment('web', { replicas: 2 }))
  expect(cluster.list(ReplicaSets)).toHaveLength(1)
  await cluster.client.of(Deployments).delete(inDefault('web'), { propagationPolicy: 'Background' })
  await cluster.until(() => cluster.list(ReplicaSets).length === 0 && cluster.pods().length === 0)
})

test('[sig-api-machinery] Garbage collector should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan', async () => {
  await using cluster = await testCluster()
  await cluster.apply(deployment('web', { replicas: 2 }))
  await cluster.until(() => cluster.pods().length === 2)
  await cluster.client.of(Deployments).delete(inDefault('web'), { propagationPolicy: 'Orphan' })
  await cluster.until(() => cluster.list(Deployments).length === 0)
  await cluster.advance('30s')
  expect(cluster.list(ReplicaSets).map(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([[]])
  expect(cluster.pods()).toHaveLength(2)
})

test('[sig-api-machinery] Garbage collector should delete pods created by rc when not orphaning', async () => {
  await using cluster = await testCluster()
  await controllerWithPods(cluster, 'web', 2)
  await cluster.client.of(ReplicationControllers).delete(inDefault('web'), { propagationPolicy: 'Background' })
  await cluster.until(() => isGone(cluster, 'web') && cluster.pods().length === 0)
})

test('[sig-api-machinery] Garbage collector should orphan pods created by rc if delete options say so', async () => {
  await using cluster = await testCluster()
  await controllerWithPods(cluster, 'web', 10)
  await cluster.client.of(ReplicationControllers).delete(inDefault('web'), { propagationPolicy: 'Orphan' })
  await cluster.until(() => isGone(cluster, 'web'))
  await cluster.advance('30s')
  expect(running(cluster, 'web')).toHaveLength(10)
  expect(cluster.pods().flatMap(({ metadata }) => metadata.ownerReferences ?? [])).toEqual([])
})

test('[sig-api-machinery] Garbage collector should keep the rc around until all its pods are deleted if the deleteOptions says so', async () => {
  await using cluster = await testCluster()
  await controllerWithPods(cluster, 'web', 10)
  const order: string[] = []
  cluster.cluster.storage.subscribe('/registry/core/', cluster.cluster.storage.revision, events => {
    for (const { type, stored } of events) {
      if (type === 'DELETED' && stored.object.kind !== 'Event') order.push(stored.object.kind)
    }
  })
  await cluster.client.of(ReplicationControllers).delete(inDefault('web'), { propagationPolicy: 'Foreground' })
  await cluster.until(() => isGone(cluster, 'web'))
  expect(order.filter(kind => kind === 'Pod' || kind === 'ReplicationController')).toEqual([
    ...Array(10).fill('Pod'),
    'ReplicationController',
  ])
})

test("[sig-api-machinery] Garbage collector should not delete dependents that have both valid owner and owner that's waiting for dependents to be deleted", async () => {
  await using cluster = await testCluster()
  await controllerWithPods(cluster, 'goes', 10)
  await cluster.apply(controller('stays', 0))
  const stays = cluster.get(ReplicationControllers, 'stays')
  const half = cluster.pods({ app: 'goes' }).slice(0, 5)
  for (const { metadata } of half) {
    const ownerReferences = [...(metadata.ownerReferences ?? []), owner(stays)]
    await cluster.client.of(Pods).patch(metadata, { type: 'merge', body: { metadata: { ownerReferences } } })
  }
  await cluster.client.of(ReplicationControllers).delete(inDefault('goes'), { propagationPolicy: 'Foreground' })
  await cluster.until(() => isGone(cluster, 'goes'))
  await cluster.advance('1m')
  const left = cluster.pods({ app: 'goes' })
  expect(left.map(({ metadata }) => metadata.name).sort()).toEqual(half.map(({ metadata }) => metadata.name).sort())
  expect(left.map(({ metadata }) => metadata.deletionTimestamp)).toEqual(Array(5).fill(undefined))
  expect(left.flatMap(({ metadata }) => metadata.ownerReferences?.map(({ name }) => name))).toEqual(
    Array(5).fill('stays'),
  )
})

test('[sig-api-machinery] Garbage collector should not be blocked by dependency circle', async () => {
  await using cluster = await testCluster()
  await cluster.apply(pod('pod1'), pod('pod2'), pod('pod3'))
  const owns = async (dependent: string, by: string) => {
    const ownerReferences = [{ ...owner(cluster.get(Pods, by)), controller: true, blockOwnerDeletion: true }]
    await cluster.client
      .of(Pods)
      .patch(inDefault(dependent), { type: 'merge', body: { metadata: { ownerReferences } } })
  }
  await owns('pod1', 'pod3')
  await owns('pod2', 'pod1')
  await owns('pod3', 'pod2')
  await cluster.client.of(Pods).delete(inDefault('pod1'), { propagationPolicy: 'Foreground' })
  await cluster.until(() => cluster.pods().length === 0)
})
