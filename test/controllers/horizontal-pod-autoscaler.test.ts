// HorizontalPodAutoscalers. Rules: pkg/controller/podautoscaler/{horizontal,replica_calculator}_test.go and the page
// tasks/run-application/horizontal-pod-autoscale.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { deploymentController } from '../../controllers/deployment.ts'
import { horizontalPodAutoscaler } from '../../controllers/horizontal-pod-autoscaler.ts'
import { replicaSetController } from '../../controllers/replicaset.ts'
import type { MetricsSource, PodSample } from '../../controllers/shared/metrics-source.ts'
import { byAverage, byShare, byTotal, byUtilization } from '../../controllers/shared/replica-calculator.ts'
import { decide, remember, type ScalingMemory } from '../../controllers/shared/scaling-behavior.ts'
import type {
  Pod,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
} from '../../generated/types.ts'
import type { Selector } from '../../src/api/labels.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { builtinKinds, Deployments, HorizontalPodAutoscalers, Pods } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { type ControlPlane, controlPlane, podStarter } from '../support/control-plane.ts'
import { deployment } from '../support/objects.ts'

/** A world whose load is set by hand: what each pod uses of its CPU, and what is measured otherwise. */
class World {
  /** In thousandths, all pods together: it is shared out among those that are. */
  load = 0
  readonly values = new Map<string, number>()
  plane!: ControlPlane

  readonly source: MetricsSource = {
    resource: async (_name, namespace, pods) => this.#share(namespace, pods),
    pods: async (_metric, namespace, pods) => this.#share(namespace, pods),
    object: async metric => this.#value(metric),
    external: async metric => [this.#value(metric)],
  }

  #value(metric: string): number {
    const value = this.values.get(metric)
    if (value === undefined) throw new Error(`unable to fetch metrics from external metrics API: no ${metric}`)
    return value
  }

  #share(namespace: string, selector: Selector): Map<string, PodSample> {
    const pods = this.plane
      .list(Pods, namespace)
      .filter(({ metadata, status }) => status.phase === 'Running' && selector.matches(metadata.labels))
    const value = Math.trunc(this.load / pods.length)
    return new Map(pods.map(({ metadata }) => [metadata.name, { value, at: this.plane.env.clock.now(), window: 1000 }]))
  }
}

async function world(metrics?: World): Promise<ControlPlane> {
  const controllers = [deploymentController(), replicaSetController(), podStarter()]
  const autoscaler = horizontalPodAutoscaler({
    kinds: builtinKinds,
    ...(metrics ? { metrics: () => metrics.source } : {}),
  })
  const plane = await controlPlane([...controllers, autoscaler])
  if (metrics) metrics.plane = plane
  return plane
}

const cpu = (averageUtilization: number): V2MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
})

function autoscaler(
  spec: Partial<V2HorizontalPodAutoscalerSpec> = {},
  name = 'web',
): NewObject<V2HorizontalPodAutoscaler> {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [cpu(50)],
      ...spec,
    },
  }
}

const web = (replicas = 1) =>
  deployment('web', {
    replicas,
    pod: { containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu: '200m' } } }] },
  })
const statusOf = (plane: ControlPlane) => plane.get(HorizontalPodAutoscalers, 'web').status
const replicas = (plane: ControlPlane) => plane.get(Deployments, 'web').spec.replicas
const conditions = (plane: ControlPlane) =>
  Object.fromEntries(
    (statusOf(plane).conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason}`]),
  )
const message = (plane: ControlPlane, type: string) =>
  statusOf(plane).conditions?.find(each => each.type === type)?.message

describe('by a resource', () => {
  test('it scales up with the load, at most to twice as many at a time, and says why', async () => {
    const metrics = new World()
    await using plane = await world(metrics)
    await plane.create(Deployments, web())
    await plane.create(HorizontalPodAutoscalers, autoscaler())
    await plane.seconds(10)
    expect(statusOf(plane)).toEqual({ desiredReplicas: 0 })
    metrics.load = 900
    await plane.seconds(6)
    expect(replicas(plane)).toBe(4)
    expect(statusOf(plane)).toMatchObject({
      currentReplicas: 1,
      desiredReplicas: 4,
      currentMetrics: [
        { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 450, averageValue: '900m' } } },
      ],
    })
    expect(conditions(plane)).toEqual({
      AbleToScale: 'True SucceededRescale',
      ScalingActive: 'True ValidMetricFound',
      ScalingLimited: 'True ScaleUpLimit',
    })
    expect(message(plane, 'ScalingActive')).toBe(
      'the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)',
    )
    expect(plane.events('web')).toContain(
      'SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target',
    )
    await plane.seconds(60)
    expect(replicas(plane)).toBe(9)
    expect(conditions(plane)).toEqual({
      AbleToScale: 'True ReadyForNewScale',
      ScalingActive: 'True ValidMetricFound',
      ScalingLimited: 'False DesiredWithinRange',
    })
    metrics.load = 9000
    await plane.seconds(30)
    expect(replicas(plane)).toBe(10)
    expect(conditions(plane).ScalingLimited).toBe('True TooManyReplicas')
  })

  test('it scales down only after five minutes of less load', async () => {
    const metrics = new World()
    metrics.load = 400
    await using plane = await world(metrics)
    await plane.create(Deployments, web(4))
    await plane.create(HorizontalPodAutoscalers, autoscaler())
    await plane.seconds(60)
    expect(replicas(plane)).toBe(4)
    metrics.load = 50
    await plane.seconds(280)
    expect(replicas(plane)).toBe(4)
    expect(conditions(plane).AbleToScale).toBe('True ScaleDownStabilized')
    await plane.seconds(40)
    expect(replicas(plane)).toBe(1)
    expect(plane.events('web')).toContain('SuccessfulRescale: New size: 1; reason: All metrics below target')
  })

  test('a target outside the bounds is brought in without asking', async () => {
    await using plane = await world()
    await plane.create(Deployments, web(12))
    await plane.create(HorizontalPodAutoscalers, autoscaler())
    await plane.seconds(16)
    expect(replicas(plane)).toBe(10)
    await plane.patch(Deployments, 'web', { spec: { replicas: 1 } })
    await plane.patch(HorizontalPodAutoscalers, 'web', { spec: { minReplicas: 3 } })
    await plane.seconds(16)
    expect(replicas(plane)).toBe(3)
    const says = plane.events('web').filter(text => text.startsWith('SuccessfulRescale'))
    expect(says).toEqual([
      'SuccessfulRescale: New size: 10; reason: Current number of replicas above Spec.MaxReplicas',
      'SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas',
    ])
  })

  test('a target scaled to nothing is left alone', async () => {
    await using plane = await world(new World())
    await plane.create(Deployments, web(0))
    await plane.create(HorizontalPodAutoscalers, autoscaler())
    await plane.seconds(20)
    expect(replicas(plane)).toBe(0)
    expect(conditions(plane).ScalingActive).toBe('False ScalingDisabled')
  })
})

test("without a metrics API it changes nothing and says so in upstream's words", async () => {
  await using plane = await world()
  await plane.create(Deployments, web(2))
  await plane.create(HorizontalPodAutoscalers, autoscaler())
  await plane.seconds(20)
  const why =
    'failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: ' +
    'the server could not find the requested resource (get pods.metrics.k8s.io)'
  expect(message(plane, 'ScalingActive')).toBe(`the HPA was unable to compute the replica count: ${why}`)
  expect(conditions(plane)).toEqual({
    AbleToScale: 'True SucceededGetScale',
    ScalingActive: 'False FailedGetResourceMetric',
  })
  expect(plane.events('web').filter(text => text.startsWith('Failed'))).toEqual([
    `FailedGetResourceMetric: ${why}`,
    `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
  ])
  expect(statusOf(plane)).toMatchObject({ currentReplicas: 2, desiredReplicas: 0 })
  expect(replicas(plane)).toBe(2)
})

test('a target that is not there, or is of no kind, is told', async () => {
  await using plane = await world()
  await plane.create(HorizontalPodAutoscalers, autoscaler())
  await plane.seconds(20)
  expect(message(plane, 'AbleToScale')).toBe(
    'the HPA controller was unable to get the target\'s current scale: deployments.apps "web" not found',
  )
  await plane.patch(HorizontalPodAutoscalers, 'web', {
    spec: { scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Robot' } },
  })
  await plane.seconds(20)
  expect(message(plane, 'AbleToScale')).toBe(
    'the HPA controller was unable to get the target\'s current scale: no matches for kind "Robot" in group "example.com"',
  )
})

test('two autoscalers for the same pods do nothing', async () => {
  const metrics = new World()
  metrics.load = 900
  await using plane = await world(metrics)
  await plane.create(Deployments, web())
  await plane.create(HorizontalPodAutoscalers, autoscaler())
  await plane.create(HorizontalPodAutoscalers, autoscaler({}, 'other'))
  await plane.seconds(40)
  expect(conditions(plane).ScalingActive).toBe('False AmbiguousSelector')
  expect(message(plane, 'ScalingActive')).toBe(
    'pods by selector app=web are controlled by multiple HPAs: [{other default} {web default}]',
  )
})

test('of several metrics the one that asks for the most counts; one that fails keeps it from scaling down', async () => {
  const metrics = new World()
  metrics.load = 100
  metrics.values.set('queue', 5_000_000)
  await using plane = await world(metrics)
  await plane.create(Deployments, web(2))
  const queue: V2MetricSpec = {
    type: 'External',
    external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue: '1k' } },
  }
  await plane.create(HorizontalPodAutoscalers, autoscaler({ metrics: [cpu(50), queue] }))
  await plane.seconds(20)
  expect(replicas(plane)).toBe(4)
  expect(message(plane, 'ScalingActive')).toBe(
    'the HPA was able to successfully calculate a replica count from external metric queue(nil)',
  )
  await plane.seconds(20)
  expect(replicas(plane)).toBe(5)
  expect(statusOf(plane).currentMetrics?.[1]).toEqual({
    type: 'External',
    external: { metric: { name: 'queue' }, current: { averageValue: '1250' } },
  })
  metrics.values.clear()
  await plane.seconds(400)
  expect(replicas(plane)).toBe(5)
  expect(conditions(plane).ScalingActive).toBe('False FailedGetExternalMetric')
  expect(message(plane, 'ScalingActive')).toBe(
    'the HPA was unable to compute the replica count: failed to get queue external metric: unable to get external metric ' +
      'default/queue/nil: unable to fetch metrics from external metrics API: no queue',
  )
})

test('by pods and by an object', async () => {
  const metrics = new World()
  metrics.load = 8000
  metrics.values.set('requests', 12_000)
  await using plane = await world(metrics)
  await plane.create(Deployments, web(2))
  const describedObject = { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', name: 'main' }
  const both: V2MetricSpec[] = [
    { type: 'Pods', pods: { metric: { name: 'packets' }, target: { type: 'AverageValue', averageValue: '2' } } },
    {
      type: 'Object',
      object: { metric: { name: 'requests' }, describedObject, target: { type: 'Value', value: '4' } },
    },
  ]
  await plane.create(HorizontalPodAutoscalers, autoscaler({ metrics: both }))
  await plane.seconds(20)
  expect(replicas(plane)).toBe(4)
  expect(statusOf(plane).currentMetrics).toEqual([
    { type: 'Pods', pods: { metric: { name: 'packets' }, current: { averageValue: '4' } } },
    { type: 'Object', object: { metric: { name: 'requests' }, describedObject, current: { value: '12' } } },
  ])
})

test('a behavior sets the pace', async () => {
  const metrics = new World()
  metrics.load = 3000
  await using plane = await world(metrics)
  await plane.create(Deployments, web(2))
  const scaleUp = { policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }] }
  const scaleDown = { stabilizationWindowSeconds: 0, policies: [{ type: 'Percent', value: 50, periodSeconds: 60 }] }
  await plane.create(HorizontalPodAutoscalers, autoscaler({ behavior: { scaleUp, scaleDown } }))
  const seen: (number | undefined)[] = []
  for (let minute = 0; minute < 3; minute++) {
    await plane.seconds(60)
    seen.push(replicas(plane))
  }
  expect(seen).toEqual([3, 4, 5])
  expect(conditions(plane).ScalingLimited).toBe('True ScaleUpLimit')
  metrics.load = 0
  await plane.seconds(20)
  // Half of the four that there were a minute before.
  expect(replicas(plane)).toBe(2)
  expect(conditions(plane).ScalingLimited).toBe('True ScaleDownLimit')
})

test('a scale that is refused is told, and tried again; one that is stopped and started goes on', async () => {
  const metrics = new World()
  metrics.load = 400
  await using plane = await world(metrics)
  await plane.create(Deployments, web())
  await plane.create(HorizontalPodAutoscalers, autoscaler())
  // Somebody changes the Deployment between the reading of its scale and the writing.
  const { source } = metrics
  const meddling = {
    ...source,
    resource: async (...asked: Parameters<typeof source.resource>) => {
      await plane.patch(Deployments, 'web', { metadata: { annotations: { touched: String(plane.env.clock.now()) } } })
      return source.resource(...asked)
    },
  }
  await plane.manager.stop('horizontal-pod-autoscaler-controller')
  const rival = createManager(plane.env, plane.client, [
    horizontalPodAutoscaler({ kinds: builtinKinds, metrics: () => meddling }),
  ])
  await plane.seconds(5)
  await rival.start()
  await plane.seconds(16)
  await rival.close()
  expect(replicas(plane)).toBe(1)
  expect(conditions(plane).AbleToScale).toBe('False FailedUpdateScale')
  expect(plane.events('web').some(text => text.startsWith('FailedRescale: New size: 4; reason: cpu resource'))).toBe(
    true,
  )
  await plane.manager.resume('horizontal-pod-autoscaler-controller')
  await plane.seconds(16)
  expect(replicas(plane)).toBe(4)
})

// ---- the arithmetic

const at = (pods: readonly Frozen<Pod>[]) => ({ pods, now: Date.parse('2024-01-01T12:00:00Z') })
const tolerances = { up: 0.1, down: 0.1 }

interface Looks {
  cpu?: number
  request?: string
  phase?: string
  ready?: boolean
  started?: string
}

function fleet(looks: readonly Looks[]) {
  const pods = looks.map(
    ({ request = '1', phase = 'Running', ready = true, started = '2024-01-01T10:00:00Z' }, index) =>
      ({
        metadata: { name: `pod-${index}` },
        spec: { containers: [{ name: 'main', resources: { requests: { cpu: request } } }] },
        status: {
          phase,
          startTime: started,
          conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: started }],
        },
      }) as unknown as Frozen<Pod>,
  )
  const samples = new Map(
    looks.flatMap(({ cpu: value }, index) =>
      value === undefined ? [] : [[`pod-${index}`, { value, at: at([]).now, window: 60_000 }] as const],
    ),
  )
  return { pods, samples }
}

// Worked out by hand from GetResourceReplicas; the names are those of replica_calculator_test.go.
test.each<[string, Looks[], number, number, number]>([
  ['ScaleUp', [{ cpu: 300 }, { cpu: 500 }, { cpu: 700 }], 30, 3, 5],
  [
    'ScaleUpUnreadyLessScale',
    [{ cpu: 300, ready: false, started: '2024-01-01T11:59:00Z' }, { cpu: 500 }, { cpu: 700 }],
    30,
    3,
    4,
  ],
  [
    'ScaleUpUnreadyNoScale',
    [
      { cpu: 400 },
      { cpu: 500, ready: false, started: '2024-01-01T11:59:00Z' },
      { cpu: 700, ready: false, started: '2024-01-01T11:59:00Z' },
    ],
    30,
    3,
    3,
  ],
  ['ScaleUpIgnoresFailedPods', [{ cpu: 500 }, { cpu: 700 }, { phase: 'Failed' }, { phase: 'Failed' }], 30, 2, 4],
  ['ScaleDown', [{ cpu: 100 }, { cpu: 300 }, { cpu: 500 }, { cpu: 250 }, { cpu: 250 }], 50, 5, 3],
  [
    'Tolerance',
    [
      { cpu: 1010, request: '0.9' },
      { cpu: 1030, request: '1.0' },
      { cpu: 1020, request: '1.1' },
    ],
    100,
    3,
    3,
  ],
  ['MissingMetricsNoChangeEq', [{ cpu: 1000 }, {}], 100, 2, 2],
  ['MissingMetricsNoChangeGt', [{ cpu: 1900 }, {}], 100, 2, 2],
  ['MissingMetricsNoChangeLt', [{ cpu: 600 }, {}], 100, 2, 2],
  [
    'MissingMetricsUnreadyChange',
    [{}, { cpu: 100, ready: false, started: '2024-01-01T11:59:00Z' }, { cpu: 450 }],
    50,
    3,
    3,
  ],
])('%s', (_, looks, target, current, expected) => {
  const { pods, samples } = fleet(looks)
  expect(byUtilization(current, target, 'cpu', undefined, samples, at(pods), tolerances).replicas).toBe(expected)
})

test('what cannot be worked out is said', () => {
  const { pods, samples } = fleet([{ cpu: 100 }])
  const bare = [{ ...pods[0]!, spec: { containers: [{ name: 'main' }] } }] as unknown as Frozen<Pod>[]
  expect(() => byUtilization(1, 50, 'cpu', undefined, samples, at(bare), tolerances)).toThrow(
    'missing request for cpu in container main of Pod pod-0',
  )
  expect(() => byUtilization(1, 50, 'cpu', undefined, samples, at([]), tolerances)).toThrow(
    'no pods returned by selector while calculating replica count',
  )
  expect(() => byAverage(1, 50, 'cpu', new Map(), at(pods), tolerances)).toThrow(
    'did not receive metrics for targeted pods (pods might be unready)',
  )
})

test('a value for all, and one of which each has a share', () => {
  const { pods } = fleet([{}, {}, {}])
  expect(byTotal(3, 8600, 4400, pods, tolerances)).toBe(6)
  expect(byTotal(3, 4500, 4400, pods, tolerances)).toBe(3)
  expect(byTotal(0, 9000, 4400, [], tolerances)).toBe(3)
  expect(byShare(3, 8600, 2150, tolerances)).toEqual({ replicas: 4, usage: 2867 })
})

test('whatever the metrics ask for, the bounds and the rates hold', () => {
  const rules = fc.record(
    {
      stabilizationWindowSeconds: fc.integer({ min: 0, max: 600 }),
      selectPolicy: fc.constantFrom('Max', 'Min', 'Disabled'),
      policies: fc.array(
        fc.record({
          type: fc.constantFrom('Pods', 'Percent'),
          value: fc.integer({ min: 1, max: 100 }),
          periodSeconds: fc.integer({ min: 15, max: 300 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    },
    { requiredKeys: ['selectPolicy', 'policies'] },
  )
  const behavior = fc.option(fc.record({ scaleUp: rules, scaleDown: rules }), { nil: undefined })
  const bounds = fc.record({ minReplicas: fc.integer({ min: 1, max: 10 }), more: fc.integer({ min: 0, max: 40 }) })
  const wishes = fc.array(
    fc.record({ desired: fc.integer({ min: 0, max: 100 }), wait: fc.integer({ min: 15, max: 120 }) }),
    { minLength: 1, maxLength: 20 },
  )
  fc.assert(
    fc.property(behavior, bounds, wishes, (behaviorOrNone, { minReplicas, more }, steps) => {
      const spec = {
        minReplicas,
        maxReplicas: minReplicas + more,
        ...(behaviorOrNone ? { behavior: behaviorOrNone } : {}),
      }
      const hpa = { spec } as unknown as Frozen<V2HorizontalPodAutoscaler>
      const memory: ScalingMemory = { recommendations: [], ups: [], downs: [] }
      let [current, now] = [minReplicas, 0]
      for (const { desired, wait } of steps) {
        now += wait * 1000
        const { replicas: next } = decide(hpa, current, desired, memory, now)
        expect(next).toBeGreaterThanOrEqual(minReplicas)
        expect(next).toBeLessThanOrEqual(minReplicas + more)
        if (!behaviorOrNone) expect(next).toBeLessThanOrEqual(Math.max(4, 2 * current))
        if (behaviorOrNone?.scaleUp.selectPolicy === 'Disabled') expect(next).toBeLessThanOrEqual(current)
        if (behaviorOrNone?.scaleDown.selectPolicy === 'Disabled') expect(next).toBeGreaterThanOrEqual(current)
        if (next !== current) remember(hpa, current, next, memory, now)
        current = next
      }
    }),
  )
})
