import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deploymentController } from '../../controllers/deployment.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import { isActive, isReady } from '../../controllers/shared/pods.ts'
import { fence, revisionAnnotation, templateHash } from '../../controllers/shared/rollout.ts'
import type { Deployment, Pod } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { ApiError } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Deployments, Pods, ReplicaSets } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, type ControlPlaneOptions, controlPlane, podStarter } from '../support/control-plane.ts'
import { Faults } from '../support/faulty-client.ts'
import { deployment } from '../support/objects.ts'
import { runs } from '../support/over-http.ts'

function plane(options: ControlPlaneOptions & { readyAfter?: number; isSick?: (pod: Frozen<Pod>) => boolean } = {}) {
  return controlPlane([deploymentController(), replicaSetController(), podStarter(options)], options)
}

const imageOf = (pod: Frozen<Pod>): string => pod.spec.containers[0]!.image!
const active = (plane: ControlPlane) => plane.list(Pods).filter(isActive)
const ready = (plane: ControlPlane) => active(plane).filter(isReady)
const setImage = (plane: ControlPlane, image: string) =>
  plane.client
    .of(Deployments)
    .patch(
      { namespace: 'default', name: 'web' },
      { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'main', image }] } } } } },
    )
const condition = (plane: ControlPlane, type: string) => {
  const found = findCondition(plane.get(Deployments, 'web').status.conditions, type)
  return found && `${found.status} ${found.reason}: ${found.message}`
}
const sets = (plane: ControlPlane) =>
  Object.fromEntries(
    plane
      .list(ReplicaSets)
      .map(rs => [
        rs.spec.template!.spec!.containers[0]!.image!,
        [rs.metadata.annotations![revisionAnnotation], rs.spec.replicas],
      ]),
  )

test('a new Deployment has one ReplicaSet, named and labelled by its template, and says how far it is', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 3 }))
  await world.seconds(5)
  const made = world.get(Deployments, 'web')
  const hash = templateHash(made.spec.template)
  const rs = world.get(ReplicaSets, `web-${hash}`)
  expect(rs.metadata.labels).toEqual({ app: 'web', 'pod-template-hash': hash })
  expect(rs.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash })
  expect(rs.metadata.annotations).toEqual({
    'deployment.kubernetes.io/revision': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  })
  expect(made.metadata.annotations).toEqual({ 'deployment.kubernetes.io/revision': '1' })
  expect(made.status).toMatchObject({
    observedGeneration: 1,
    replicas: 3,
    updatedReplicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    terminatingReplicas: 0,
  })
  expect(made.status.unavailableReplicas).toBeUndefined()
  expect(condition(world, 'Available')).toBe('True MinimumReplicasAvailable: Deployment has minimum availability.')
  expect(condition(world, 'Progressing')).toBe(
    `True NewReplicaSetAvailable: ReplicaSet "web-${hash}" has successfully progressed.`,
  )
  expect(world.events('web')).toEqual([`ScalingReplicaSet: Scaled up replica set web-${hash} from 0 to 3`])
})

test('a new image rolls out within surge and unavailable, and the old set stays, empty, for an undo', async () => {
  await using world = await plane({ readyAfter: 3 })
  await world.create(Deployments, deployment('web', { replicas: 4, image: 'a' }))
  await world.seconds(10)
  await setImage(world, 'b')
  const seen = watchBounds(world)
  await world.seconds(120)
  expect(active(world).map(imageOf)).toEqual(['b', 'b', 'b', 'b'])
  expect(sets(world)).toEqual({ a: ['1', 0], b: ['2', 4] })
  expect(seen).toEqual({ most: 5, fewestReady: 3, mostTold: 5 })
  expect(world.get(Deployments, 'web').metadata.annotations![revisionAnnotation]).toBe('2')
})

test('an undo brings the old ReplicaSet back under a new revision, and remembers the one it had', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 2, image: 'a' }))
  await world.seconds(30)
  await setImage(world, 'b')
  await world.seconds(60)
  await setImage(world, 'a')
  await world.seconds(60)
  expect(sets(world)).toEqual({ a: ['3', 2], b: ['2', 0] })
  const [first] = world.list(ReplicaSets).filter(rs => rs.spec.replicas === 2)
  expect(first!.metadata.annotations!['deployment.kubernetes.io/revision-history']).toBe('1')
  expect(active(world).map(imageOf)).toEqual(['a', 'a'])
})

test('Recreate ends all old pods before it makes a new one', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 3, image: 'a', strategy: { type: 'Recreate' } }))
  await world.seconds(10)
  let isMixed = false
  world.storage.subscribe('/registry/core/pods/', world.storage.revision, () => {
    isMixed ||= new Set(world.list(Pods).map(imageOf)).size > 1
  })
  await setImage(world, 'b')
  await world.seconds(30)
  expect(active(world).map(imageOf)).toEqual(['b', 'b', 'b'])
  expect(isMixed).toBe(false)
})

test('paused, it neither rolls out nor counts the time; it still scales; resumed, it goes on', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 2, image: 'a', progressDeadlineSeconds: 60 }))
  await world.seconds(10)
  await world.patch(Deployments, 'web', { spec: { paused: true } })
  await setImage(world, 'b')
  await world.patch(Deployments, 'web', { spec: { replicas: 3 } })
  await world.seconds(600)
  expect(active(world).map(imageOf)).toEqual(['a', 'a', 'a'])
  expect(condition(world, 'Progressing')).toBe('Unknown DeploymentPaused: Deployment is paused')
  await world.patch(Deployments, 'web', { spec: { paused: null } })
  await world.settle()
  expect(condition(world, 'Progressing')).toContain('True')
  await world.seconds(60)
  expect(active(world).map(imageOf)).toEqual(['b', 'b', 'b'])
})

test('a rollout that makes no progress within its deadline says so, once; an undo saves it', async () => {
  await using world = await plane({ isSick: pod => imageOf(pod) === 'broken' })
  await world.create(Deployments, deployment('web', { replicas: 2, image: 'a', progressDeadlineSeconds: 100 }))
  await world.seconds(10)
  await setImage(world, 'broken')
  await world.seconds(90)
  expect(condition(world, 'Progressing')).toContain('True ReplicaSetUpdated')
  await world.seconds(15)
  const name = world.list(ReplicaSets).find(rs => rs.spec.template!.spec!.containers[0]!.image === 'broken')!
    .metadata.name
  expect(condition(world, 'Progressing')).toBe(
    `False ProgressDeadlineExceeded: ReplicaSet "${name}" has timed out progressing.`,
  )
  expect(ready(world).length).toBe(2)
  const { resourceVersion } = world.get(Deployments, 'web').metadata
  await world.seconds(1_000)
  expect(world.get(Deployments, 'web').metadata.resourceVersion).toBe(resourceVersion)
  await setImage(world, 'a')
  await world.seconds(10)
  expect(active(world).map(imageOf)).toEqual(['a', 'a'])
  expect(condition(world, 'Progressing')).toContain('True NewReplicaSetAvailable')
})

test('unhealthy old pods go first, so that a broken rollout can be rolled over', async () => {
  await using world = await plane({ isSick: pod => imageOf(pod) === 'broken' })
  await world.create(Deployments, deployment('web', { replicas: 10, image: 'a', strategy: rolling(3, 2) }))
  await world.seconds(10)
  await setImage(world, 'broken')
  await world.seconds(30)
  expect(sets(world)).toEqual({ a: ['1', 8], broken: ['2', 5] })
  await setImage(world, 'c')
  const seen = watchBounds(world)
  await world.seconds(60)
  expect(sets(world)).toEqual({ a: ['1', 0], broken: ['2', 0], c: ['3', 10] })
  expect(seen.fewestReady).toBeGreaterThanOrEqual(8)
})

// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
test('scaled in the middle of a rollout, old and new share in proportion', async () => {
  await using world = await plane({ isSick: pod => imageOf(pod) === 'broken' })
  await world.create(Deployments, deployment('web', { replicas: 10, image: 'a', strategy: rolling(3, 2) }))
  await world.seconds(10)
  await setImage(world, 'broken')
  await world.seconds(30)
  await world.patch(Deployments, 'web', { spec: { replicas: 15 } })
  await world.seconds(30)
  expect(sets(world)).toEqual({ a: ['1', 11], broken: ['2', 7] })
})

test('of old sets only so many are kept as the history limit says, the newest', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 1, image: 'v0', revisionHistoryLimit: 2 }))
  for (let version = 1; version <= 5; version++) {
    await world.seconds(20)
    await setImage(world, `v${version}`)
  }
  await world.seconds(30)
  expect(sets(world)).toEqual({ v3: ['4', 0], v4: ['5', 0], v5: ['6', 1] })
})

test('a ReplicaSet of the same hash but another template is a collision: the next hash is taken', async () => {
  await using world = await plane()
  await world.manager.stop('deployment-controller')
  await world.create(Deployments, deployment('web', { replicas: 1 }))
  const hash = templateHash(world.get(Deployments, 'web').spec.template)
  await world.create(ReplicaSets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { name: `web-${hash}`, namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'other' } },
      template: { metadata: { labels: { app: 'other' } }, spec: { containers: [{ name: 'x', image: 'x' }] } },
    },
  })
  await world.manager.resume('deployment-controller')
  await world.seconds(10)
  const made = world.get(Deployments, 'web')
  expect(made.status.collisionCount).toBe(1)
  expect(world.find(ReplicaSets, `web-${templateHash(made.spec.template, 1)}`)?.spec.replicas).toBe(1)
})

test('a ReplicaSet without an owner that its selector finds is adopted and used', async () => {
  await using world = await plane()
  await world.create(Deployments, deployment('web', { replicas: 2 }))
  await world.seconds(10)
  const [rs] = world.list(ReplicaSets)
  const { uid } = world.get(Deployments, 'web').metadata
  await world.client.of(Deployments).delete({ namespace: 'default', name: 'web' })
  await world.patch(ReplicaSets, rs!.metadata.name, { metadata: { ownerReferences: null } })
  await world.create(Deployments, deployment('web', { replicas: 2 }))
  await world.seconds(10)
  const again = world.list(ReplicaSets)
  expect(again.map(({ metadata }) => metadata.uid)).toEqual([rs!.metadata.uid])
  expect(again[0]!.metadata.ownerReferences![0]!.uid).not.toBe(uid)
  expect(active(world)).toHaveLength(2)
})

test('when no ReplicaSet can be made, the status and an Event say why', async () => {
  const faults = new Faults()
  faults.refuse = (verb, kind) => {
    if (verb === 'create' && kind === ReplicaSets) throw new ApiError('Forbidden', 'quota is exceeded')
  }
  await using world = await plane({ through: client => faults.wrap(client) })
  await world.create(Deployments, deployment('web', { replicas: 2 }))
  await world.seconds(1)
  const name = `web-${templateHash(world.get(Deployments, 'web').spec.template)}`
  const message = `Failed to create new replica set "${name}": quota is exceeded`
  expect(condition(world, 'Progressing')).toBe(`False ReplicaSetCreateError: ${message}`)
  expect(world.events('web')[0]).toContain(`ReplicaSetCreateError: ${message}`)
  faults.refuse = () => {}
  await world.seconds(60)
  expect(active(world)).toHaveLength(2)
})

test('why a set cannot make its pods is told by the Deployment, too', async () => {
  const faults = new Faults()
  faults.refuse = (verb, kind) => {
    if (verb === 'create' && kind === Pods) throw new ApiError('Forbidden', 'no pods today')
  }
  await using world = await plane({ through: client => faults.wrap(client) })
  await world.create(Deployments, deployment('web', { replicas: 2 }))
  await world.seconds(1)
  expect(condition(world, 'ReplicaFailure')).toBe('True FailedCreate: no pods today')
  faults.refuse = () => {}
  await world.seconds(60)
  expect(condition(world, 'ReplicaFailure')).toBeUndefined()
})

test('a thousand replicas are made in a time that grows with their number, and the status is not written for each', async () => {
  const spent = async (replicas: number): Promise<{ millis: number; writes: number }> => {
    await using world = await plane()
    const begun = process.cpuUsage()
    await world.create(Deployments, deployment('web', { replicas }))
    await world.seconds(10)
    const { user, system } = process.cpuUsage(begun)
    expect(ready(world)).toHaveLength(replicas)
    const writes = Number(world.get(Deployments, 'web').metadata.generation) + statusWrites(world)
    return { millis: (user + system) / 1000, writes }
  }
  await spent(50)
  const few = await spent(200)
  const many = await spent(1_000)
  expect(many.millis).toBeLessThan(few.millis * 15 + 500)
  expect(many.writes).toBeLessThan(100)
})

function statusWrites(world: ControlPlane): number {
  let count = 0
  const cancel = world.storage.subscribe('/registry/apps/', world.storage.compacted, events => {
    count += events.filter(({ type }) => type === 'MODIFIED').length
  })
  cancel()
  return count
}

const rolling = (
  maxSurge: number | string,
  maxUnavailable: number | string,
): Deployment['spec']['strategy'] & object => ({
  type: 'RollingUpdate',
  rollingUpdate: { maxSurge, maxUnavailable },
})

/** The most pods and the fewest ready ones, from now on; and the most that the sets were told to have. */
function watchBounds(world: ControlPlane): { most: number; fewestReady: number; mostTold: number } {
  const seen = { most: 0, fewestReady: Number.POSITIVE_INFINITY, mostTold: 0 }
  world.storage.subscribe('/registry/apps/replicasets/', world.storage.revision, () => {
    const told = world.list(ReplicaSets).reduce((sum, rs) => sum + rs.spec.replicas!, 0)
    seen.mostTold = Math.max(seen.mostTold, told)
  })
  const look = (): void => {
    seen.most = Math.max(seen.most, active(world).length)
    seen.fewestReady = Math.min(seen.fewestReady, ready(world).length)
  }
  world.storage.subscribe('/registry/core/pods/', world.storage.revision, look)
  return seen
}

describe('whatever is asked of it in the middle of whatever', () => {
  const surges = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constantFrom('0%', '25%', '50%', '100%'))
  const change = fc.oneof(
    fc.record({ deed: fc.constant('image' as const), image: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ deed: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 20 }) }),
    fc.record({ deed: fc.constant('break' as const) }),
    fc.record({ deed: fc.constant('restart' as const) }),
  )

  test('no rollout has fewer available than allowed, nor more pods than the surge allows', async () => {
    const story = fc.record({
      replicas: fc.integer({ min: 1, max: 8 }),
      maxSurge: surges,
      maxUnavailable: surges,
      changes: fc.array(change, { maxLength: 12 }),
      seed: fc.integer({ min: 0, max: 1_000 }),
    })
    await fc.assert(
      fc.asyncProperty(story, async ({ replicas, maxSurge, maxUnavailable, changes, seed }) => {
        const faults = new Faults()
        await using world = await plane({ seed, readyAfter: 2, through: client => faults.wrap(client) })
        const isNothing = (value: number | string): boolean => value === 0 || value === '0%'
        const strategy = rolling(maxSurge, isNothing(maxSurge) && isNothing(maxUnavailable) ? 1 : maxUnavailable)
        await world.create(Deployments, deployment('web', { replicas, image: 'a', strategy }))
        await world.seconds(30)
        const bounds = fence(world.get(Deployments, 'web'))
        const seen = watchBounds(world)
        for (const step of changes) {
          if (step.deed === 'image') await setImage(world, step.image)
          else if (step.deed === 'wait') await world.seconds(step.seconds)
          else if (step.deed === 'break') faults.breakWatches(new ApiError('Expired', 'gone'))
          else {
            await world.manager.stop('deployment-controller')
            await world.manager.resume('deployment-controller')
          }
        }
        await world.seconds(300)
        const image = world.get(Deployments, 'web').spec.template.spec!.containers[0]!.image
        expect(active(world).map(imageOf)).toEqual(Array.from({ length: replicas }, () => image))
        expect(seen.mostTold).toBeLessThanOrEqual(replicas + bounds.surge)
        // Told to have fewer, a set whose watch is broken may be late to obey, here as upstream.
        const isWellSeen = changes.every(({ deed }) => deed !== 'break')
        if (isWellSeen) expect(seen.most).toBeLessThanOrEqual(replicas + bounds.surge)
        expect(seen.fewestReady).toBeGreaterThanOrEqual(replicas - bounds.unavailable)
        expect(condition(world, 'Progressing')).toContain('True NewReplicaSetAvailable')
      }),
      { numRuns: runs(40) },
    )
  })

  test('scaled, paused and changed at random, it settles at what was asked last', async () => {
    const deed = fc.oneof(
      change,
      fc.record({ deed: fc.constant('scale' as const), replicas: fc.integer({ min: 0, max: 10 }) }),
      fc.record({ deed: fc.constant('pause' as const), paused: fc.boolean() }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 15 }), fc.integer({ min: 0, max: 1_000 }), async (deeds, seed) => {
        const faults = new Faults()
        await using world = await plane({ seed, readyAfter: 2, through: client => faults.wrap(client) })
        await world.create(Deployments, deployment('web', { replicas: 3, image: 'a', strategy: rolling('25%', '25%') }))
        for (const step of deeds) {
          if (step.deed === 'image') await setImage(world, step.image)
          else if (step.deed === 'wait') await world.seconds(step.seconds)
          else if (step.deed === 'scale') await world.patch(Deployments, 'web', { spec: { replicas: step.replicas } })
          else if (step.deed === 'pause') await world.patch(Deployments, 'web', { spec: { paused: step.paused } })
          else if (step.deed === 'break') faults.breakWatches()
          else {
            await world.manager.stop('replicaset-controller')
            await world.manager.resume('replicaset-controller')
          }
        }
        await world.patch(Deployments, 'web', { spec: { paused: false } })
        await world.seconds(300)
        const { spec, status } = world.get(Deployments, 'web')
        const image = spec.template.spec!.containers[0]!.image
        expect(active(world).map(imageOf)).toEqual(Array.from({ length: spec.replicas! }, () => image))
        expect([status.replicas ?? 0, status.availableReplicas ?? 0]).toEqual([spec.replicas, spec.replicas])
      }),
      { numRuns: runs(40) },
    )
  })
})

test('killed and started again at any moment of a rollout, it comes to the same end', async () => {
  await using world = await controlPlane([replicaSetController(), podStarter({ readyAfter: 2 })])
  await world.create(Deployments, deployment('web', { replicas: 5, image: 'a' }))
  for (let life = 0; life < 25; life++) {
    const manager = createManager(world.env, world.client, [deploymentController()])
    await manager.start()
    for (let turn = 0; turn < life % 7; turn++) await new Promise(resolve => setImmediate(resolve))
    await manager.close()
    if (life % 5 === 0) await setImage(world, `v${life}`)
    await world.seconds(1)
  }
  const last = createManager(world.env, world.client, [deploymentController()])
  await last.start()
  await world.seconds(60)
  expect(active(world).map(imageOf)).toEqual(Array.from({ length: 5 }, () => 'v20'))
  await last.close()
})
