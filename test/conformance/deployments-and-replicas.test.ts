// Upstream's conformance items about Deployments, ReplicaSets, ReplicationControllers and PodDisruptionBudgets, by their
// names (test/e2e/apps/{deployment,replica_set,rc,disruption}.go). The one about quota is in resource-quota.test.ts.

import { expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { PodDisruptionBudget, ReplicaSet, ReplicationController } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { Deployments, PodDisruptionBudgets, Pods, ReplicaSets, ReplicationControllers } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { deployment, pod, replicaSet, service } from '../support/objects.ts'
import { walkCollection, walkScale, walkStatus } from './walks.ts'

/** As if somebody had made one before the Deployment of that name: it finds it by its labels. */
const before = (annotations: Record<string, string> = {}): NewObject<ReplicaSet> => {
  const set = replicaSet('web', 1)
  return { ...set, metadata: { ...set.metadata, labels: { app: 'web' }, annotations } }
}

const inDefault = (name: string) => ({ name, namespace: 'default' })
const merge = (body: object) => ({ type: 'merge', body }) as const
const containers = (image: string) => [{ name: 'main', image, ports: [{ containerPort: 80 }] }]
const withImage = (image: string) => ({ spec: { template: { spec: { containers: containers(image) } } } })
const patch = (it: TestCluster, kind: Kind<any>, body: object) =>
  it.client.of(kind).patch(inDefault('web'), merge(body))

const controller = (name: string, replicas: number): NewObject<ReplicationController> =>
  ({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: { replicas, selector: { app: name }, template: replicaSet(name, 1).spec.template },
  }) as unknown as NewObject<ReplicationController>

const active = (it: TestCluster) => it.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined)
const ready = (it: TestCluster): number => active(it).filter(isReady).length
const status = (it: TestCluster) => it.get(Deployments, 'web').status
const images = (it: TestCluster): string[] => active(it).map(({ spec }) => spec.containers[0]!.image!)
const isComplete = (it: TestCluster, replicas: number) => () => {
  const { observedGeneration, updatedReplicas, availableReplicas, replicas: all } = status(it)
  const isSeen = observedGeneration === it.get(Deployments, 'web').metadata.generation
  return isSeen && updatedReplicas === replicas && availableReplicas === replicas && all === replicas
}

// ---- Deployments

test('[sig-apps] Deployment RollingUpdateDeployment should delete old pods and create new ones', async () => {
  await using it = await testCluster()
  await it.apply(before({ 'deployment.kubernetes.io/revision': '3546343826724305832' }))
  await it.until(() => ready(it) === 1)
  await it.apply(deployment('web', { replicas: 1, image: 'agnhost' }))
  await it.until(() => isComplete(it, 1)() && images(it).join() === 'agnhost')
  const sets = it.list(ReplicaSets)
  expect(sets).toHaveLength(2)
  for (const set of sets) expect(controllerOf(set)?.name).toBe('web')
  expect(sets.find(({ metadata }) => metadata.name === 'web')!.spec.replicas).toBe(0)
  expect(it.get(Deployments, 'web').metadata.annotations?.['deployment.kubernetes.io/revision']).toBe(
    '3546343826724305833',
  )
})

test('[sig-apps] Deployment RecreateDeployment should delete old pods and create new ones', async () => {
  await using it = await testCluster()
  await it.apply(deployment('web', { replicas: 2, strategy: { type: 'Recreate' } }))
  await it.until(isComplete(it, 2))
  await patch(it, Deployments, withImage('agnhost'))
  await it.until(() => {
    const running = new Set(
      it
        .pods()
        .filter(({ status: { phase } }) => phase === 'Running')
        .map(({ spec }) => spec.containers[0]!.image),
    )
    expect(running.size).toBeLessThanOrEqual(1)
    return isComplete(it, 2)() && images(it).every(image => image === 'agnhost')
  })
})

test('[sig-apps] Deployment deployment should delete old replica sets', async () => {
  await using it = await testCluster()
  await it.apply(before())
  await it.until(() => ready(it) === 1)
  await it.apply(deployment('web', { replicas: 1, image: 'agnhost', revisionHistoryLimit: 0 }))
  await it.until(() => isComplete(it, 1)() && it.list(ReplicaSets).length === 1)
  expect(it.list(ReplicaSets)[0]!.spec.template!.spec!.containers[0]!.image).toBe('agnhost')
})

test('[sig-apps] Deployment deployment should support rollover', async () => {
  await using it = await testCluster()
  await it.apply(before())
  await it.until(() => ready(it) === 1)
  await it.apply(
    deployment('web', {
      replicas: 1,
      image: 'redis:none.invalid/x',
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    }),
  )
  await it.advance('5s')
  expect(ready(it)).toBe(1)
  await patch(it, Deployments, withImage('agnhost'))
  await it.until(() => isComplete(it, 1)() && images(it).join() === 'agnhost')
  const counts = it.list(ReplicaSets).map(({ spec }) => spec.replicas)
  expect(counts.sort()).toEqual([0, 0, 1])
})

test('[sig-apps] Deployment deployment should support proportional scaling', async () => {
  await using it = await testCluster({ nodes: 6 })
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 3, maxUnavailable: 2 } }
  await it.apply(deployment('web', { replicas: 10, strategy }))
  await it.until(isComplete(it, 10))
  await patch(it, Deployments, withImage('webserver:404'))
  const sizes = () => {
    const of = (image: string) =>
      it.list(ReplicaSets).find(({ spec }) => spec.template!.spec!.containers[0]!.image === image)?.spec.replicas
    return [of('nginx'), of('webserver:404')]
  }
  await it.until(() => sizes().join() === '8,5')
  await patch(it, Deployments, { spec: { replicas: 30 } })
  await it.until(() => sizes().join() === '20,13')
})

test('[sig-apps] Deployment Deployment should have a working scale subresource', async () => {
  await using it = await testCluster()
  await it.apply(deployment('web', { replicas: 1 }))
  await it.until(isComplete(it, 1))
  await walkScale(it, Deployments, 'web')
})

test('[sig-apps] Deployment should validate Deployment Status endpoints', async () => {
  await using it = await testCluster()
  await it.apply(deployment('web', { replicas: 1 }))
  await it.until(isComplete(it, 1))
  await walkStatus(it, Deployments, 'web')
})

test('[sig-apps] Deployment should run the lifecycle of a Deployment', async () => {
  await using it = await testCluster()
  const labels = { 'test-deployment-static': 'true' }
  const made = deployment('web', { replicas: 1 })
  await it.apply({ ...made, metadata: { ...made.metadata, labels } })
  await it.until(isComplete(it, 1))
  const body = { metadata: { labels: { patched: 'yes' } }, spec: { replicas: 2, ...withImage('agnhost').spec } }
  await patch(it, Deployments, body)
  await it.until(isComplete(it, 2))
  const client = it.client.of(Deployments)
  expect((await client.list({ labelSelector: 'test-deployment-static=true' })).items[0]!.metadata.labels).toEqual({
    ...labels,
    patched: 'yes',
  })
  await it.client
    .of(Deployments)
    .patch(
      inDefault('web'),
      merge({ metadata: { labels: { status: 'seen' } }, status: { readyReplicas: 0, availableReplicas: 0 } }),
      'status',
    )
  const next = await client.get(inDefault('web'))
  await client.update({ ...next, metadata: { ...next.metadata, labels: { ...next.metadata.labels, updated: 'yes' } } })
  await it.until(isComplete(it, 2))
  await client.deleteCollection({ namespace: 'default', labelSelector: 'test-deployment-static=true' })
  await it.until(() => it.list(Deployments).length === 0 && it.pods().length === 0)
})

// ---- ReplicaSets and ReplicationControllers

test('[sig-apps] ReplicaSet should serve a basic image on each replica with a public image', async () => {
  await using it = await testCluster()
  await it.apply(replicaSet('web', 2), service('web', 'web'))
  await it.until(() => ready(it) === 2)
  await it.advance('2s')
  expect(await it.ask('web')).not.toBe('')
})

test('[sig-apps] ReplicationController should serve a basic image on each replica with a public image', async () => {
  await using it = await testCluster()
  await it.apply(controller('web', 2), service('web', 'web'))
  await it.until(() => ready(it) === 2)
  await it.advance('2s')
  expect(await it.ask('web')).not.toBe('')
})

test('[sig-apps] ReplicaSet should adopt matching pods on creation and release no longer matching pods', async () => {
  await using it = await testCluster()
  await adoptAndRelease(it, replicaSet('web', 1))
})

test('[sig-apps] ReplicationController should adopt matching pods on creation', async () => {
  await using it = await testCluster()
  await it.apply(pod('lonely', {}, { app: 'web' }))
  await it.apply(controller('web', 1))
  await it.until(() => controllerOf(it.get(Pods, 'lonely'))?.name === 'web')
  expect(active(it)).toHaveLength(1)
})

test('[sig-apps] ReplicationController should release no longer matching pods', async () => {
  await using it = await testCluster()
  await adoptAndRelease(it, controller('web', 1))
})

async function adoptAndRelease(it: TestCluster, owner: NewObject<ReplicaSet> | NewObject<ReplicationController>) {
  await it.apply(pod('lonely', {}, { app: 'web' }))
  await it.apply(owner)
  await it.until(() => controllerOf(it.get(Pods, 'lonely'))?.name === 'web')
  await it.client.of(Pods).patch(inDefault('lonely'), merge({ metadata: { labels: { app: 'released' } } }))
  await it.until(() => active(it).length === 2)
  expect(controllerOf(it.get(Pods, 'lonely'))).toBeUndefined()
}

test('[sig-apps] ReplicaSet Replicaset should have a working scale subresource', async () => {
  await using it = await testCluster()
  await it.apply(replicaSet('web', 1))
  await it.until(() => ready(it) === 1)
  await walkScale(it, ReplicaSets, 'web')
})

test('[sig-apps] ReplicationController should get and update a ReplicationController scale', async () => {
  await using it = await testCluster()
  await it.apply(controller('web', 1))
  await it.until(() => ready(it) === 1)
  await walkScale(it, ReplicationControllers, 'web')
})

test('[sig-apps] ReplicaSet Replace and Patch tests', async () => {
  await using it = await testCluster()
  await it.apply(replicaSet('web', 1))
  await it.until(() => ready(it) === 1)
  const client = it.client.of(ReplicaSets)
  const now = await client.get(inDefault('web'))
  await client.update({ ...now, spec: { ...now.spec, replicas: 2 } })
  await it.until(() => it.get(ReplicaSets, 'web').status.availableReplicas === 2)
  const body = {
    metadata: { labels: { patched: 'yes' } },
    spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 0 } } },
  }
  await client.patch(inDefault('web'), { type: 'strategic', body })
  await it.until(() => it.get(ReplicaSets, 'web').status.availableReplicas === 3)
  expect(it.get(ReplicaSets, 'web')).toMatchObject({
    metadata: { labels: { patched: 'yes' } },
    spec: { replicas: 3, template: { spec: { terminationGracePeriodSeconds: 0 } } },
  })
})

test('[sig-apps] ReplicaSet should list and delete a collection of ReplicaSets', async () => {
  await using it = await testCluster()
  await walkCollection(it, ReplicaSets, replicaSet('web', 1))
})

test('[sig-apps] ReplicaSet should validate Replicaset Status endpoints', async () => {
  await using it = await testCluster()
  await it.apply(replicaSet('web', 1))
  await it.until(() => ready(it) === 1)
  await walkStatus(it, ReplicaSets, 'web')
})

test('[sig-apps] ReplicationController should test the lifecycle of a ReplicationController', async () => {
  await using it = await testCluster()
  const client = it.client.of(ReplicationControllers)
  await it.apply(controller('web', 1))
  await it.until(() => it.get(ReplicationControllers, 'web').status.availableReplicas === 1)
  await patch(it, ReplicationControllers, {
    metadata: { labels: { 'test-rc-static': 'true', patched: 'yes' } },
    spec: { replicas: 2 },
  })
  await it.until(() => it.get(ReplicationControllers, 'web').status.availableReplicas === 2)
  await client.patch(inDefault('web'), merge({ status: { readyReplicas: 0, availableReplicas: 0 } }), 'status')
  await it.until(() => it.get(ReplicationControllers, 'web').status.availableReplicas === 2)
  expect((await client.list({ labelSelector: 'test-rc-static=true' })).items).toHaveLength(1)
  const now = await client.get(inDefault('web'))
  await client.update({ ...now, spec: { ...now.spec, replicas: 1 } })
  await it.until(() => active(it).length === 1)
  await client.deleteCollection({ namespace: 'default', labelSelector: 'test-rc-static=true' })
  await it.until(() => it.list(ReplicationControllers).length === 0)
})

// ---- disruption budgets

const budget = (spec: object, metadata: object = {}): NewObject<PodDisruptionBudget> => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { ...inDefault('web'), ...metadata },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
})
const budgetStatus = (it: TestCluster) => it.get(PodDisruptionBudgets, 'web').status

test('[sig-apps] DisruptionController should create a PodDisruptionBudget', async () => {
  await using it = await testCluster()
  const client = it.client.of(PodDisruptionBudgets)
  await it.apply(budget({ minAvailable: 1 }))
  expect(budgetStatus(it).observedGeneration).toBe(1)
  const now = await client.get(inDefault('web'))
  await client.update({ ...now, spec: { ...now.spec, minAvailable: 2 } })
  await it.until(() => budgetStatus(it).desiredHealthy === 2)
  await client.patch(inDefault('web'), merge({ spec: { minAvailable: '50%' } }))
  expect(it.get(PodDisruptionBudgets, 'web').spec.minAvailable).toBe('50%')
  await client.delete(inDefault('web'))
  expect(it.list(PodDisruptionBudgets)).toEqual([])
})

test('[sig-apps] DisruptionController should observe PodDisruptionBudget status updated', async () => {
  await using it = await testCluster()
  await it.apply(budget({ minAvailable: 1 }), replicaSet('web', 3))
  await it.until(() => budgetStatus(it).disruptionsAllowed === 2)
})

test('[sig-apps] DisruptionController should update/patch PodDisruptionBudget status', async () => {
  await using it = await testCluster()
  await it.apply(budget({ minAvailable: 1 }), replicaSet('web', 1))
  await it.until(() => budgetStatus(it).currentHealthy === 1)
  const client = it.client.of(PodDisruptionBudgets)
  const now = await client.get(inDefault('web'))
  const time = '2026-01-01T00:00:00Z'
  const updated = await client.updateStatus({ ...now, status: { ...now.status, disruptedPods: { 'web-x': time } } })
  expect(updated.status.disruptedPods).toEqual({ 'web-x': time })
  const patched = await client.patch(
    inDefault('web'),
    merge({ status: { disruptedPods: { 'web-x': null, 'web-y': time } } }),
    'status',
  )
  expect(patched.status.disruptedPods).toMatchObject({ 'web-y': time })
})

test('[sig-apps] DisruptionController should block an eviction until the PDB is updated to allow it', async () => {
  await using it = await testCluster()
  await it.apply(budget({ minAvailable: 3 }), replicaSet('web', 3))
  await it.until(() => budgetStatus(it).currentHealthy === 3)
  const evict = () => {
    const { name } = active(it)[0]!.metadata
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: inDefault(name) }
    return it.client.of(Pods).act(inDefault(name), 'eviction', body)
  }
  await expect(evict()).rejects.toMatchObject({
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
  })
  await patch(it, PodDisruptionBudgets, { spec: { minAvailable: 2 } })
  await it.until(() => budgetStatus(it).disruptionsAllowed === 1)
  await evict()
  await it.until(() => budgetStatus(it).disruptionsAllowed === 1 && budgetStatus(it).currentHealthy === 3)
  await it.client.of(PodDisruptionBudgets).delete(inDefault('web'))
  await evict()
})

test('[sig-apps] DisruptionController Listing PodDisruptionBudgets for all namespaces should list and delete a collection of PodDisruptionBudgets', async () => {
  await using it = await testCluster()
  const team = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } }
  const labels = { special: 'yes' }
  await it.apply(team, budget({ minAvailable: 1 }, { labels }), budget({ minAvailable: 1 }, { name: 'other', labels }))
  await it.apply(budget({ minAvailable: 1 }, { namespace: 'team', labels }))
  const client = it.client.of(PodDisruptionBudgets)
  expect((await client.list({ labelSelector: 'special=yes' })).items).toHaveLength(3)
  expect((await client.list({ namespace: 'default' })).items).toHaveLength(2)
  await client.deleteCollection({ namespace: 'default', labelSelector: 'special=yes' })
  expect((await client.list({ labelSelector: 'special=yes' })).items.map(({ metadata }) => metadata.namespace)).toEqual(
    ['team'],
  )
})
