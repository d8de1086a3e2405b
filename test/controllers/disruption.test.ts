// PodDisruptionBudgets, and evictions that they refuse. Rules: pkg/controller/disruption/disruption_test.go,
// pkg/registry/core/pod/storage/eviction_test.go and the page concepts/scheduling-eviction/api-eviction.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disruptionController, staleDisruptionController } from '../../controllers/disruption.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import { isReady } from '../../controllers/shared/pods.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../../generated/types.ts'
import type { ApiError } from '../../src/api/errors.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import { builtinKinds, Deployments, PodDisruptionBudgets, Pods, ReplicaSets } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { controlPlane, podStarter } from '../support/control-plane.ts'
import { deployment, pod, replicaSet } from '../support/objects.ts'
import { runs } from '../support/over-http.ts'

const budget = (spec: Partial<PodDisruptionBudgetSpec>, app = 'web', name = 'web'): NewObject<PodDisruptionBudget> => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name, namespace: 'default' },
  spec: { selector: { matchLabels: { app } }, ...spec },
})
const statusOf = (cluster: TestCluster) => cluster.get(PodDisruptionBudgets, 'web').status
const evict = (client: Client, name: string, deleteOptions?: object) =>
  client.of(Pods).act({ name, namespace: 'default' }, 'eviction', {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: 'default' },
    ...(deleteOptions ? { deleteOptions } : {}),
  })
async function refusal(doing: Promise<unknown>): Promise<ApiError> {
  const error = await doing.then(
    () => undefined,
    thrown => thrown as ApiError,
  )
  if (error === undefined) throw new Error('it was not refused')
  return error
}
const healthy = (cluster: TestCluster) =>
  cluster.pods().filter(each => isReady(each) && !each.metadata.deletionTimestamp)
const atRest =
  (cluster: TestCluster, count = 4) =>
  () =>
    statusOf(cluster).currentHealthy === count

describe('a budget counts', () => {
  // healthy: 4 of 4 wanted.
  test.each<[Partial<PodDisruptionBudgetSpec>, number, number]>([
    [{ minAvailable: 3 }, 3, 1],
    [{ minAvailable: '50%' }, 2, 2],
    [{ minAvailable: '60%' }, 3, 1],
    [{ maxUnavailable: 1 }, 3, 1],
    [{ maxUnavailable: '30%' }, 2, 2],
    [{ maxUnavailable: 0 }, 4, 0],
    [{ maxUnavailable: '100%' }, 0, 4],
    [{ minAvailable: 9 }, 9, 0],
  ])('of %o: %i must be healthy, %i may go', async (spec, desiredHealthy, disruptionsAllowed) => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 4 }), budget(spec))
    await cluster.until(atRest(cluster))
    const isAllowed = disruptionsAllowed > 0
    expect(statusOf(cluster)).toEqual({
      currentHealthy: 4,
      desiredHealthy,
      disruptionsAllowed,
      expectedPods: 4,
      observedGeneration: 1,
      conditions: [
        {
          type: 'DisruptionAllowed',
          status: isAllowed ? 'True' : 'False',
          reason: isAllowed ? 'SufficientPods' : 'InsufficientPods',
          message: '',
          observedGeneration: 1,
          lastTransitionTime: expect.any(String),
        },
      ],
    })
  })

  test('no pods: nothing may go, and an Event says so', async () => {
    await using cluster = await testCluster()
    await cluster.apply(budget({ maxUnavailable: 1 }))
    expect(statusOf(cluster)).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 })
    expect(cluster.events('web')).toEqual(['NoPods: No matching pods found'])
  })

  test('the scale of a Deployment as it changes', async () => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 4 }), budget({ maxUnavailable: '25%' }))
    await cluster.until(atRest(cluster))
    await cluster.client
      .of(Deployments)
      .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 8 } } })
    await cluster.until(atRest(cluster, 8))
    expect(statusOf(cluster)).toMatchObject({ expectedPods: 8, desiredHealthy: 6, disruptionsAllowed: 2 })
  })

  test('pods that nobody owns only by a number, and says so', async () => {
    await using cluster = await testCluster()
    await cluster.apply(pod('lonely', {}, { app: 'web' }), budget({ maxUnavailable: 1 }))
    await cluster.advance('10s')
    expect(statusOf(cluster)).toMatchObject({ expectedPods: 0, disruptionsAllowed: 0 })
    expect(cluster.events('web')).toContainEqual(
      expect.stringMatching(
        /^UnmanagedPods: Pods selected .*\(selector: &LabelSelector\{MatchLabels:map\[string\]string\{app: web,\},MatchExpressions:\[\]LabelSelectorRequirement\{\},\}\)/,
      ),
    )
    await cluster.client
      .of(PodDisruptionBudgets)
      .patch(
        { name: 'web', namespace: 'default' },
        { type: 'merge', body: { spec: { maxUnavailable: null, minAvailable: 0 } } },
      )
    await cluster.advance('1s')
    expect(statusOf(cluster)).toMatchObject({ expectedPods: 1, disruptionsAllowed: 1 })
  })

  test('pods whose owner has no scale not at all, and lets none of them go', async () => {
    await using cluster = await testCluster()
    const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } }
    await cluster.apply(
      {
        apiVersion: 'apps/v1',
        kind: 'DaemonSet',
        metadata: { name: 'agent' },
        spec: { selector: { matchLabels: { app: 'web' } }, template },
      },
      budget({ maxUnavailable: 1 }),
    )
    await cluster.advance('10s')
    const message = 'daemonsets.apps does not implement the scale subresource'
    expect(statusOf(cluster)).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ status: 'False', reason: 'SyncFailed', message }],
    })
    expect(cluster.events('web')).toContain(
      `CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${message}`,
    )
    const refused = await refusal(evict(cluster.client, cluster.pods()[0]!.metadata.name))
    expect(refused.details?.causes).toEqual([
      {
        reason: 'DisruptionBudget',
        message: `The disruption budget web does not allow evicting pods currently because it failed sync: ${message}`,
      },
    ])
  })
})

describe('an eviction', () => {
  test('takes one that is allowed, says so on the pod, and refuses the next until there is another', async () => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 4 }), budget({ maxUnavailable: 1 }))
    await cluster.until(atRest(cluster))
    const [first, second] = cluster.pods()
    await evict(cluster.client, first!.metadata.name)
    const refused = await refusal(evict(cluster.client, second!.metadata.name))
    expect(refused).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          { reason: 'DisruptionBudget', message: 'The disruption budget web needs 3 healthy pods and has 3 currently' },
        ],
      },
    })
    const gone = cluster.get(Pods, first!.metadata.name)
    expect(gone.metadata.deletionTimestamp).toBeDefined()
    expect(gone.status.conditions).toContainEqual(
      expect.objectContaining({
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
      }),
    )
    await cluster.until(() => statusOf(cluster).disruptionsAllowed === 1)
    expect(statusOf(cluster).disruptedPods).toBeUndefined()
    await evict(cluster.client, second!.metadata.name)
  })

  test('of several at once takes no more than allowed', async () => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 8 }), budget({ maxUnavailable: 3 }))
    await cluster.until(atRest(cluster, 8))
    const outcomes = await Promise.allSettled(
      cluster.pods().map(({ metadata }) => evict(cluster.client, metadata.name)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(healthy(cluster)).toHaveLength(5)
  })

  test('before the budget was looked at must wait', async () => {
    await using plane = await controlPlane([replicaSetController(), disruptionController(builtinKinds), podStarter()])
    await plane.create(ReplicaSets, replicaSet('web', 2))
    await plane.create(PodDisruptionBudgets, budget({ maxUnavailable: 1 }))
    await plane.seconds(5)
    await plane.manager.stop('disruption-controller')
    await plane.patch(PodDisruptionBudgets, 'web', { spec: { maxUnavailable: 2 } })
    const refused = await refusal(evict(plane.client, plane.list(Pods)[0]!.metadata.name))
    expect(refused.details).toEqual({
      causes: [
        { reason: 'DisruptionBudget', message: 'The disruption budget web is still being processed by the server.' },
      ],
      retryAfterSeconds: 10,
    })
  })

  test('of a pod under two budgets is an error of the server', async () => {
    await using cluster = await testCluster()
    await cluster.apply(
      deployment('web', { replicas: 2 }),
      budget({ maxUnavailable: 2 }),
      budget({ maxUnavailable: 2 }, 'web', 'other'),
    )
    await cluster.until(atRest(cluster, 2))
    const refused = await refusal(evict(cluster.client, cluster.pods()[0]!.metadata.name))
    expect(refused.toStatus()).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      code: 500,
    })
  })

  test('of a pod that has not begun, or has ended, asks no budget; a dry run takes nothing', async () => {
    await using cluster = await testCluster()
    await cluster.apply(deployment('web', { replicas: 2 }), budget({ minAvailable: 2 }))
    await cluster.until(atRest(cluster, 2))
    const [, second] = cluster.pods()
    await cluster.apply(pod('late', { nodeSelector: { no: 'where' } }, { app: 'web' }))
    await evict(cluster.client, 'late')
    await refusal(evict(cluster.client, second!.metadata.name, { dryRun: ['All'] }))
    await cluster.client
      .of(Pods)
      .patch(second!.metadata, { type: 'merge', body: { status: { phase: 'Failed' } } }, 'status')
    await evict(cluster.client, second!.metadata.name)
  })

  // https://kubernetes.io/docs/tasks/run-application/configure-pdb/#unhealthy-pod-eviction-policy
  test.each([
    ['IfHealthyBudget', 1, true],
    ['IfHealthyBudget', 2, false],
    ['AlwaysAllow', 2, true],
    [undefined, 2, false],
  ])(
    'of a pod that is not ready, with %s and %i to stay: %s',
    async (unhealthyPodEvictionPolicy, minAvailable, may) => {
      const sick = new Set<string>()
      const starter = podStarter({ isSick: ({ metadata }) => sick.has(metadata.name) })
      await using plane = await controlPlane([replicaSetController(), disruptionController(builtinKinds), starter])
      await plane.create(ReplicaSets, replicaSet('web', 2))
      await plane.create(
        PodDisruptionBudgets,
        budget({ minAvailable, ...(unhealthyPodEvictionPolicy ? { unhealthyPodEvictionPolicy } : {}) }),
      )
      await plane.seconds(5)
      const [ill, well] = plane.list(Pods).map(({ metadata }) => metadata.name)
      sick.add(ill!)
      await plane.patch(Pods, ill!, { metadata: { annotations: { touched: 'yes' } } })
      await plane.seconds(2)
      expect(plane.get(PodDisruptionBudgets, 'web').status).toMatchObject({ currentHealthy: 1, disruptionsAllowed: 0 })
      expect((await refusal(evict(plane.client, well!))).code).toBe(429)
      if (may) await evict(plane.client, ill!)
      else expect((await refusal(evict(plane.client, ill!))).code).toBe(429)
    },
  )
})

test('an evicted pod that is not seen to go counts again after two minutes', async () => {
  await using plane = await controlPlane([replicaSetController(), disruptionController(builtinKinds), podStarter()])
  await plane.create(ReplicaSets, replicaSet('web', 2))
  await plane.create(PodDisruptionBudgets, budget({ maxUnavailable: 1 }))
  await plane.seconds(5)
  const { metadata } = plane.list(Pods)[0]!
  const now = rfc3339(plane.env.clock.now())
  await plane.patch(PodDisruptionBudgets, 'web', { status: { disruptedPods: { [metadata.name]: now } } }, 'status')
  await plane.seconds(60)
  expect(plane.get(PodDisruptionBudgets, 'web').status).toMatchObject({ currentHealthy: 1, disruptionsAllowed: 0 })
  await plane.seconds(70)
  expect(plane.get(PodDisruptionBudgets, 'web').status).toMatchObject({ currentHealthy: 2, disruptionsAllowed: 1 })
  expect(plane.events(metadata.name)).toEqual([
    "NotDeleted: Pod was expected by PDB default/default to be deleted but it wasn't",
  ])
})

test('a pod that was said to go and did not is told so no more', async () => {
  await using plane = await controlPlane([staleDisruptionController(), podStarter()])
  await plane.create(Pods, pod('web'))
  await plane.seconds(5)
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    lastTransitionTime: rfc3339(plane.env.clock.now()),
  }
  const { status } = plane.get(Pods, 'web')
  await plane.patch(Pods, 'web', { status: { conditions: [...(status.conditions ?? []), condition] } }, 'status')
  const says = () => plane.get(Pods, 'web').status.conditions!.find(({ type }) => type === 'DisruptionTarget')?.status
  await plane.seconds(110)
  expect(says()).toBe('True')
  await plane.seconds(20)
  expect(says()).toBe('False')
})

test('whatever is evicted and whichever pods fall ill, an eviction never leaves fewer healthy than the budget asks', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ evict: fc.integer({ min: 0, max: 9 }) }) },
    fc.record({ sicken: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ scale: fc.integer({ min: 1, max: 8 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: 3 }) }),
  )
  const bound = fc.oneof(
    fc.integer({ min: 0, max: 5 }).map(minAvailable => ({ minAvailable })),
    fc.integer({ min: 0, max: 100 }).map(percent => ({ minAvailable: `${percent}%` })),
  )
  await fc.assert(
    fc.asyncProperty(bound, fc.array(step, { minLength: 5, maxLength: 20 }), async (spec, steps) => {
      const sick = new Set<string>()
      const starter = podStarter({ isSick: ({ metadata }) => sick.has(metadata.uid!) })
      await using plane = await controlPlane([replicaSetController(), disruptionController(builtinKinds), starter])
      await plane.create(ReplicaSets, replicaSet('web', 5))
      await plane.create(PodDisruptionBudgets, budget(spec))
      await plane.seconds(5)
      for (const each of steps) {
        await plane.settle()
        const pods = plane.list(Pods).filter(({ metadata }) => !metadata.deletionTimestamp)
        const well = () => plane.list(Pods).filter(one => isReady(one) && !one.metadata.deletionTimestamp).length
        if ('scale' in each) await plane.patch(ReplicaSets, 'web', { spec: { replicas: each.scale } })
        if ('wait' in each) await plane.seconds(each.wait)
        if ('sicken' in each && pods[each.sicken]) {
          sick.add(pods[each.sicken]!.metadata.uid!)
          await plane.patch(Pods, pods[each.sicken]!.metadata.name, { metadata: { annotations: { touched: 'yes' } } })
        }
        if (!('evict' in each) || !pods[each.evict]) continue
        const { desiredHealthy = 0 } = plane.get(PodDisruptionBudgets, 'web').status
        const before = well()
        await evict(plane.client, pods[each.evict]!.metadata.name).catch(error => expect(error.code).toBe(429))
        if (well() < before) expect(well()).toBeGreaterThanOrEqual(desiredHealthy)
      }
    }),
    { numRuns: runs(30), seed: 11 },
  )
})
