import { expect, test } from 'vitest'
import { garbageCollector } from '../../controllers/garbage-collector.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import { replicationController } from '../../controllers/replication-controller.ts'
import { isActive } from '../../controllers/shared/pods.ts'
import { ApiError } from '../../src/api/errors.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { builtinKinds, Pods, ReplicaSets, ReplicationControllers } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { pod, replicaSet } from '../support/objects.ts'

const active = (plane: ControlPlane) => plane.list(Pods).filter(isActive)

test('a ReplicaSet makes the pods it is told to have, and says how many there are', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 3))
  await plane.seconds(5)
  const pods = plane.list(Pods)
  expect(pods).toHaveLength(3)
  for (const { metadata } of pods) expect(metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  expect(plane.get(ReplicaSets, 'web').status).toEqual({
    replicas: 3,
    fullyLabeledReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    terminatingReplicas: 0,
    observedGeneration: 1,
  })
  const made = pods.map(({ metadata }) => `SuccessfulCreate: Created pod: ${metadata.name}`)
  expect(plane.events('web').sort()).toEqual(made.sort())
})

test('a pod that is deleted or fails is replaced', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 3))
  await plane.seconds(5)
  const [first, second] = plane.list(Pods)
  await plane.client.of(Pods).delete(first!.metadata)
  await plane.patch(Pods, second!.metadata.name, { status: { phase: 'Failed' } }, 'status')
  await plane.seconds(5)
  expect(active(plane)).toHaveLength(3)
  expect(plane.find(Pods, first!.metadata.name)).toBeUndefined()
  expect(plane.get(Pods, second!.metadata.name).status.phase).toBe('Failed')
})

test('scaled down, it deletes those least missed, and says so', async () => {
  const sick = new Set<string>()
  const starter = podStarter({ isSick: ({ metadata }) => sick.has(metadata.name) })
  await using plane = await controlPlane([replicaSetController(), starter])
  await plane.create(ReplicaSets, replicaSet('web', 4))
  await plane.seconds(5)
  const ill = plane.list(Pods)[2]!.metadata.name
  sick.add(ill)
  await plane.patch(Pods, ill, { metadata: { annotations: { touched: 'yes' } } })
  await plane.seconds(2)
  await plane.patch(ReplicaSets, 'web', { spec: { replicas: 3 } })
  await plane.seconds(2)
  expect(plane.find(Pods, ill)).toBeUndefined()
  expect(plane.events('web')).toContain(`SuccessfulDelete: Deleted pod: ${ill}`)
  expect(plane.get(ReplicaSets, 'web').status).toMatchObject({ replicas: 3, readyReplicas: 3, observedGeneration: 2 })
})

test('a lone pod that its selector finds is adopted, and one that leaves the selector is let go', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  await plane.create(Pods, pod('lonely', {}, { app: 'web' }))
  await plane.create(ReplicaSets, replicaSet('web', 2))
  await plane.seconds(5)
  const rs = plane.get(ReplicaSets, 'web')
  expect(active(plane)).toHaveLength(2)
  expect(controllerOf(plane.get(Pods, 'lonely'))?.uid).toBe(rs.metadata.uid)
  await plane.patch(Pods, 'lonely', { metadata: { labels: { app: 'elsewhere' } } })
  await plane.seconds(5)
  expect(plane.get(Pods, 'lonely').metadata.ownerReferences).toBeUndefined()
  expect(active(plane)).toHaveLength(3)
  // An orphan that comes later is one too many.
  await plane.create(Pods, pod('late', {}, { app: 'web' }))
  await plane.seconds(5)
  expect(active(plane).filter(({ metadata }) => metadata.labels?.app === 'web')).toHaveLength(2)
})

test('pods of another owner are left alone, even if the selector finds them', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 1))
  const twin = replicaSet('twin', 1)
  twin.spec.selector = { matchLabels: { app: 'web' } }
  twin.spec.template!.metadata!.labels = { app: 'web' }
  await plane.create(ReplicaSets, twin)
  await plane.seconds(5)
  expect(active(plane)).toHaveLength(2)
})

test('a pod is available only when it has been ready for minReadySeconds', async () => {
  await using plane = await controlPlane([replicaSetController(), podStarter()])
  const rs = replicaSet('web', 2)
  rs.spec.minReadySeconds = 30
  await plane.create(ReplicaSets, rs)
  await plane.seconds(10)
  expect(plane.get(ReplicaSets, 'web').status).toMatchObject({ readyReplicas: 2 })
  expect(plane.get(ReplicaSets, 'web').status.availableReplicas).toBeUndefined()
  await plane.seconds(30)
  expect(plane.get(ReplicaSets, 'web').status).toMatchObject({ availableReplicas: 2 })
})

test('while pods cannot be made, the status and an Event say why; once they can, they are', async () => {
  const faults = new Faults()
  const quota = 'pods "web-x" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=5, limited: pods=5'
  faults.refuse = (verb, kind) => {
    if (verb === 'create' && kind === Pods) throw new ApiError('Forbidden', quota)
  }
  await using plane = await controlPlane([replicaSetController()], { through: client => faults.wrap(client) })
  await plane.create(ReplicaSets, replicaSet('web', 50))
  await plane.seconds(60)
  expect(faults.counts.get('create pods')).toBeLessThan(20)
  expect(plane.get(ReplicaSets, 'web').status.conditions).toMatchObject([
    { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: quota },
  ])
  expect(plane.events('web')[0]).toContain(`FailedCreate: Error creating: ${quota}`)
  faults.refuse = () => {}
  await plane.seconds(120)
  expect(active(plane)).toHaveLength(50)
  expect(plane.get(ReplicaSets, 'web').status.conditions).toBeUndefined()
})

test('however late the watches are, there is never a pod too many', async () => {
  const faults = new Faults()
  await using plane = await controlPlane([replicaSetController(), podStarter()], {
    through: client => faults.wrap(client),
  })
  let most = 0
  plane.storage.subscribe('/registry/core/pods/', plane.storage.revision, () => {
    most = Math.max(most, active(plane).length)
  })
  await plane.create(ReplicaSets, replicaSet('web', 10))
  for (let round = 0; round < 12; round++) {
    if (round % 3 === 0) faults.hold(Pods)
    if (round % 3 === 1) faults.breakWatches(round % 2 ? new ApiError('Expired', 'gone') : undefined)
    if (round % 3 === 2) faults.letGo(Pods)
    await plane.patch(ReplicaSets, 'web', { metadata: { annotations: { round: `${round}` } } })
    for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
  }
  faults.letGo(Pods)
  await plane.seconds(60)
  expect(active(plane)).toHaveLength(10)
  expect(most).toBe(10)
})

test('a controller killed again and again in the middle of its work ends with the right number', async () => {
  await using plane = await controlPlane([])
  await plane.create(ReplicaSets, replicaSet('web', 100))
  let most = 0
  for (let life = 0; life < 6; life++) {
    const manager = createManager(plane.env, plane.client, [replicaSetController()])
    await manager.start()
    for (let turn = 0; turn < life + 2; turn++) await new Promise(resolve => setImmediate(resolve))
    await manager.close()
    most = Math.max(most, active(plane).length)
  }
  const last = createManager(plane.env, plane.client, [replicaSetController()])
  await last.start()
  await plane.settle()
  expect(active(plane)).toHaveLength(100)
  expect(most).toBeLessThanOrEqual(100)
  await last.close()
})

test('one that is deleted makes no more pods, and they go with it', async () => {
  await using plane = await controlPlane([replicaSetController(), garbageCollector(builtinKinds), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 3))
  await plane.seconds(5)
  await plane.client.of(ReplicaSets).delete({ namespace: 'default', name: 'web' }, { propagationPolicy: 'Foreground' })
  await plane.seconds(60)
  expect(plane.list(ReplicaSets)).toEqual([])
  expect(plane.list(Pods)).toEqual([])
})

test('a ReplicationController does the same under its own name', async () => {
  await using plane = await controlPlane([replicationController(), podStarter()])
  await plane.create(ReplicationControllers, {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'old', namespace: 'default' },
    spec: {
      replicas: 2,
      selector: { app: 'old' },
      template: { metadata: { labels: { app: 'old' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
    },
  })
  await plane.seconds(5)
  expect(active(plane)).toHaveLength(2)
  expect(controllerOf(active(plane)[0]!)).toMatchObject({
    apiVersion: 'v1',
    kind: 'ReplicationController',
    name: 'old',
  })
  expect(plane.get(ReplicationControllers, 'old').status).toEqual({
    replicas: 2,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    observedGeneration: 1,
  })
  await plane.patch(ReplicationControllers, 'old', { spec: { replicas: 0 } })
  await plane.seconds(5)
  expect(active(plane)).toEqual([])
})
