// Upstream's conformance items about StatefulSets, DaemonSets and ControllerRevisions, by their names
// (test/e2e/apps/{statefulset,daemon_set,controller_revision}.go).

import { expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { ControllerRevision, DaemonSet, StatefulSet, StatefulSetSpec } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { ControllerRevisions, DaemonSets, Nodes, Pods, StatefulSets } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { walkCollection, walkScale, walkStatus } from './walks.ts'

const inDefault = (name: string) => ({ name, namespace: 'default' })
const merge = (body: object) => ({ type: 'merge', body }) as const
const template = (image = 'nginx') => ({
  metadata: { labels: { app: 'web' } },
  spec: {
    containers: [{ name: 'main', image, readinessProbe: { httpGet: { path: '/', port: 80 }, periodSeconds: 1 } }],
  },
})
const selector = { matchLabels: { app: 'web' } }

const stateful = (spec: Partial<StatefulSetSpec> = {}): NewObject<StatefulSet> =>
  ({
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', namespace: 'default' },
    spec: { serviceName: 'test', replicas: 3, selector, template: template(), ...spec },
  }) as unknown as NewObject<StatefulSet>

const daemons = (spec: object = {}): NewObject<DaemonSet> =>
  ({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'web', namespace: 'default' },
    spec: { selector, template: template(), ...spec },
  }) as unknown as NewObject<DaemonSet>

const names = (it: TestCluster): string[] => it.pods().map(({ metadata }) => metadata.name)
const images = (it: TestCluster): string[] => it.pods().map(({ spec }) => spec.containers[0]!.image!)
const readyPods = (it: TestCluster): number => it.pods().filter(isReady).length
const setOf = (it: TestCluster) => it.get(StatefulSets, 'web')
const patchSet = (it: TestCluster, spec: object) => it.client.of(StatefulSets).patch(inDefault('web'), merge({ spec }))
const setImage = (it: TestCluster, image: string) => patchSet(it, { template: template(image) })
const isUpdated = (it: TestCluster) => () => {
  const { status, metadata } = setOf(it)
  return status.observedGeneration === metadata.generation && status.currentRevision === status.updateRevision
}

/** What its probe asks is not there any more, and then again: as upstream's test moves the file away. */
async function setHealth(it: TestCluster, name: string, isHealthy: boolean): Promise<void> {
  const annotations = { 'kubesim.dev/unhealthy-after': isHealthy ? null : '1s' }
  await it.client.of(Pods).patch(inDefault(name), merge({ metadata: { annotations } }))
}

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Scaling should happen in predictable order and halt if any stateful pod is unhealthy [Slow]', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1 }))
  await it.until(() => readyPods(it) === 1)
  await setHealth(it, 'web-0', false)
  await it.until(() => readyPods(it) === 0)
  await patchSet(it, { replicas: 3 })
  await it.advance('30s')
  expect(names(it)).toEqual(['web-0'])
  await setHealth(it, 'web-0', true)
  await it.until(() => readyPods(it) === 3)
  const [first, second, third] = it.pods().map(({ metadata }) => metadata.creationTimestamp!)
  expect(first! < second! && second! < third!).toBe(true)

  for (const name of names(it)) await setHealth(it, name, false)
  await it.until(() => readyPods(it) === 0)
  await patchSet(it, { replicas: 0 })
  await it.advance('30s')
  expect(names(it)).toEqual(['web-0', 'web-1', 'web-2'])
  for (const name of names(it)) await setHealth(it, name, true)
  const left: number[] = []
  await it.until(() => {
    if (left.at(-1) !== names(it).length) left.push(names(it).length)
    expect(names(it)).toEqual(['web-0', 'web-1', 'web-2'].slice(0, names(it).length))
    return names(it).length === 0
  })
  expect(left).toEqual([3, 2, 1, 0])
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Burst scaling should run to completion even with unhealthy pods [Slow]', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1, podManagementPolicy: 'Parallel' }))
  await it.until(() => readyPods(it) === 1)
  await setHealth(it, 'web-0', false)
  await it.until(() => readyPods(it) === 0)
  await patchSet(it, { replicas: 3 })
  await it.until(() => names(it).length === 3 && readyPods(it) === 2)
  await patchSet(it, { replicas: 0 })
  await it.until(() => names(it).length === 0)
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] Should recreate evicted statefulset', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1 }))
  await it.until(() => readyPods(it) === 1)
  const { uid } = it.get(Pods, 'web-0').metadata
  // As a kubelet says it that throws a pod out or does not take it.
  const status = { phase: 'Failed', reason: 'Evicted', message: 'Pod was rejected: Node ports are taken' }
  await it.client.of(Pods).patch(inDefault('web-0'), merge({ status }), 'status')
  await it.until(() => it.pods().some(each => each.metadata.uid !== uid && isReady(each)))
  expect(names(it)).toEqual(['web-0'])
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should have a working scale subresource', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1 }))
  await it.until(() => readyPods(it) === 1)
  await walkScale(it, StatefulSets, 'web')
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should list, patch and delete a collection of StatefulSets', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1 }))
  await it.until(() => readyPods(it) === 1)
  await it.client.of(StatefulSets).patch(inDefault('web'), merge({ metadata: { labels: { patched: 'yes' } } }))
  const { items } = await it.client.of(StatefulSets).list({ labelSelector: 'patched=yes' })
  expect(items).toHaveLength(1)
  await it.client.of(StatefulSets).deleteCollection({ namespace: 'default', labelSelector: 'patched=yes' })
  await it.until(() => it.list(StatefulSets).length === 0)
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform canary updates and phased rolling updates of template modifications', async () => {
  await using it = await testCluster()
  const partitioned = (partition: number) => ({
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition } },
  })
  await it.apply(stateful(partitioned(3)))
  await it.until(() => readyPods(it) === 3)
  await setImage(it, 'nginx:2')
  await it.advance('30s')
  expect(images(it)).toEqual(['nginx', 'nginx', 'nginx'])
  await patchSet(it, partitioned(2))
  await it.until(() => images(it).join() === 'nginx,nginx,nginx:2' && readyPods(it) === 3)
  for (const name of ['web-0', 'web-2']) await it.client.of(Pods).delete(inDefault(name))
  await it.until(
    () => it.pods().every(({ metadata }) => metadata.deletionTimestamp === undefined) && readyPods(it) === 3,
  )
  expect(images(it)).toEqual(['nginx', 'nginx', 'nginx:2'])
  for (const partition of [1, 0]) {
    await patchSet(it, partitioned(partition))
    await it.until(
      () => images(it).filter(image => image === 'nginx:2').length === 3 - partition && readyPods(it) === 3,
    )
  }
  await it.until(isUpdated(it))
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should perform rolling updates and roll backs of template modifications', async () => {
  await using it = await testCluster()
  await it.apply(stateful())
  await it.until(() => readyPods(it) === 3)
  const { currentRevision } = setOf(it).status
  const roll = async (image: string): Promise<void> => {
    await setImage(it, image)
    await it.until(() => setOf(it).status.currentRevision !== setOf(it).status.updateRevision)
    await it.until(() => isUpdated(it)() && readyPods(it) === 3)
    expect(images(it)).toEqual([image, image, image])
  }
  await roll('nginx:2')
  expect(setOf(it).status.currentRevision).not.toBe(currentRevision)
  await roll('nginx')
  expect(setOf(it).status.currentRevision).toBe(currentRevision)
  expect(it.list(ControllerRevisions)).toHaveLength(2)
})

test('[sig-apps] StatefulSet Basic StatefulSet functionality [StatefulSetBasic] should validate Statefulset Status endpoints', async () => {
  await using it = await testCluster()
  await it.apply(stateful({ replicas: 1 }))
  await it.until(() => readyPods(it) === 1)
  await walkStatus(it, StatefulSets, 'web')
})

const nodesWithPods = (it: TestCluster): string[] =>
  [...new Set(it.pods().map(({ spec }) => spec.nodeName ?? ''))].sort()
const all = ['node-1', 'node-2', 'node-3']
const runsEverywhere = (it: TestCluster) => () =>
  readyPods(it) === 3 && it.pods().length === 3 && nodesWithPods(it).join() === all.join()

test('[sig-apps] Daemon set [Serial] should run and stop simple daemon', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  const [first] = it.pods()
  await it.client.of(Pods).delete(first!.metadata)
  await it.until(() => runsEverywhere(it)() && !names(it).includes(first!.metadata.name))
  await it.client.of(DaemonSets).delete(inDefault('web'))
  await it.until(() => it.pods().length === 0)
})

test('[sig-apps] Daemon set [Serial] should run and stop complex daemon', async () => {
  await using it = await testCluster()
  const nodeSelector = { color: 'blue' }
  await it.apply(daemons({ template: { ...template(), spec: { ...template().spec, nodeSelector } } }))
  await it.advance('10s')
  expect(it.pods()).toEqual([])
  const paint = (color: string) =>
    it.client.of(Nodes).patch({ name: 'node-2' }, merge({ metadata: { labels: { color } } }))
  await paint('blue')
  await it.until(() => readyPods(it) === 1 && nodesWithPods(it).join() === 'node-2')
  await paint('green')
  await it.until(() => it.pods().length === 0)
  const body = {
    spec: { updateStrategy: { type: 'RollingUpdate' }, template: { spec: { nodeSelector: { color: 'green' } } } },
  }
  await it.client.of(DaemonSets).patch(inDefault('web'), merge(body))
  await it.until(() => readyPods(it) === 1 && nodesWithPods(it).join() === 'node-2')
})

test('[sig-apps] Daemon set [Serial] should retry creating failed daemon pods', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  const [first] = it.pods()
  await it.client.of(Pods).patch(first!.metadata, merge({ status: { phase: 'Failed' } }), 'status')
  await it.until(() => runsEverywhere(it)() && !names(it).includes(first!.metadata.name))
})

test('[sig-apps] Daemon set [Serial] should update pod when spec was updated and update strategy is RollingUpdate', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  const hashOf = ({ metadata }: { metadata: { labels?: Readonly<Record<string, string>> } }) =>
    metadata.labels?.['controller-revision-hash']
  const hashes = it.list(ControllerRevisions).map(hashOf)
  expect(it.pods().map(hashOf)).toEqual(Array(3).fill(hashes[0]))
  await it.client.of(DaemonSets).patch(inDefault('web'), merge({ spec: { template: template('nginx:2') } }))
  await it.until(() => runsEverywhere(it)() && images(it).every(image => image === 'nginx:2'))
  expect(it.list(ControllerRevisions)).toHaveLength(2)
  expect(it.pods().map(hashOf)).not.toContain(hashes[0])
})

test('[sig-apps] Daemon set [Serial] should rollback without unnecessary restarts', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  const before = it.pods().map(({ metadata }) => metadata.uid)
  await it.client.of(DaemonSets).patch(inDefault('web'), merge({ spec: { template: template('foo:non-existent') } }))
  await it.until(() => images(it).includes('foo:non-existent'))
  await it.client.of(DaemonSets).patch(inDefault('web'), merge({ spec: { template: template() } }))
  await it.until(() => runsEverywhere(it)() && images(it).every(image => image === 'nginx'))
  // Only the one that was taken down is another.
  expect(it.pods().filter(({ metadata }) => before.includes(metadata.uid))).toHaveLength(2)
  for (const { status } of it.pods()) expect(status.containerStatuses?.[0]?.restartCount).toBe(0)
})

test('[sig-apps] Daemon set [Serial] should list and delete a collection of DaemonSets', async () => {
  await using it = await testCluster()
  await walkCollection(it, DaemonSets, daemons())
})

test('[sig-apps] Daemon set [Serial] should verify changes to a daemon set status', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  await walkStatus(it, DaemonSets, 'web')
})

test('[sig-apps] ControllerRevision [Serial] should manage the lifecycle of a ControllerRevision', async () => {
  await using it = await testCluster()
  await it.apply(daemons())
  await it.until(runsEverywhere(it))
  const revisions = it.client.of(ControllerRevisions)
  const listed = async (labelSelector = 'app=web') => (await revisions.list({ labelSelector })).items
  const [first] = await listed()
  expect(await listed()).toHaveLength(1)
  await revisions.patch(first!.metadata, merge({ metadata: { labels: { patched: 'yes' } } }))
  expect(await listed('patched=yes')).toHaveLength(1)

  const { ownerReferences, labels } = first!.metadata
  const twin = { ...inDefault('web-twin'), labels, ownerReferences }
  const data = { spec: { template: { other: 1 } } }
  const body = { apiVersion: 'apps/v1', kind: 'ControllerRevision', metadata: twin, data, revision: 7 }
  await revisions.create(body as unknown as NewObject<ControllerRevision>)
  expect(await listed()).toHaveLength(2)
  await revisions.delete(inDefault('web-twin'))
  expect(await listed()).toHaveLength(1)

  const next = draft<ControllerRevision>((await listed())[0]!)
  next.metadata.labels = { ...next.metadata.labels, updated: 'yes' }
  await revisions.update(next)
  expect(await listed('updated=yes')).toHaveLength(1)

  const spec = { template: { spec: { terminationGracePeriodSeconds: 1 } }, updateStrategy: { type: 'RollingUpdate' } }
  await it.client.of(DaemonSets).patch(inDefault('web'), merge({ spec }))
  await it.until(() => it.list(ControllerRevisions).length === 2)
  const { name } = first!.metadata
  await revisions.deleteCollection({ namespace: 'default', labelSelector: 'updated=yes' })
  expect((await listed()).map(({ metadata }) => metadata.name)).not.toContain(name)
})
