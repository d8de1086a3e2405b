// HorizontalPodAutoscalers in both versions (pkg/apis/autoscaling/validation/validation.go, pkg/apis/autoscaling/v2/defaults.go,
// pkg/apis/autoscaling/v1/conversion.go, formatHPAMetrics in pkg/printers/internalversion/printers.go).

import { expect, test } from 'vitest'
import { HorizontalPodAutoscalers, HorizontalPodAutoscalersV1 } from '../../src/kinds/index.ts'
import { testServer } from '../registry/harness.ts'
import { cell, create, update } from './written.ts'

const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
const autoscaler = (spec: object = {}) => ({
  metadata: { name: 'web' },
  spec: { scaleTargetRef, maxReplicas: 5, ...spec },
})
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }

test('without a word of metrics it goes by CPU, and behavior is filled up', () => {
  const { object, faults } = create(
    HorizontalPodAutoscalers,
    autoscaler({ behavior: { scaleUp: { selectPolicy: 'Min' } } }),
  )
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    scaleTargetRef,
    minReplicas: 1,
    maxReplicas: 5,
    metrics: [cpu],
    behavior: {
      scaleUp: {
        stabilizationWindowSeconds: 0,
        selectPolicy: 'Min',
        policies: [
          { type: 'Pods', value: 4, periodSeconds: 15 },
          { type: 'Percent', value: 100, periodSeconds: 15 },
        ],
      },
      scaleDown: { selectPolicy: 'Max', policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }] },
    },
  })
  expect(cell(HorizontalPodAutoscalers, object, 'Targets')).toBe('cpu: <unknown>/80%')
  expect(cell(HorizontalPodAutoscalers, object, 'Reference')).toBe('Deployment/web')
})

test.each<[string, object, string[]]>([
  [
    'bounds',
    { minReplicas: 0, maxReplicas: 0 },
    [
      'spec.minReplicas: Invalid value: 0: must be greater than or equal to 1',
      'spec.maxReplicas: Invalid value: 0: must be greater than 0',
      'spec.metrics: Forbidden: must specify at least one Object or External metric to support scaling to zero replicas',
    ],
  ],
  [
    'a target',
    { scaleTargetRef: { apiVersion: 'v1', kind: '', name: 'a/b' } },
    [
      'spec.scaleTargetRef.kind: Required value',
      `spec.scaleTargetRef.name: Invalid value: "a/b": may not contain '/'`,
      'spec.scaleTargetRef.apiVersion: Invalid value: "v1": apiVersion must specify API group',
    ],
  ],
  [
    'metrics',
    {
      metrics: [
        { type: 'Magic' },
        { type: 'Pods', resource: { name: '', target: { type: 'Utilization' } } },
        {
          type: 'External',
          external: { metric: { name: 'm' }, target: { type: 'Value', value: '-1', averageValue: '1' } },
        },
      ],
    },
    [
      'spec.metrics[0].type: Unsupported value: "Magic": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      'spec.metrics[0].type: Unsupported value: "Magic": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      'spec.metrics[1].resource.name: Required value: must specify a resource name',
      'spec.metrics[1].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization',
      'spec.metrics[1].pods: Required value: must populate information for the given metric source',
      'spec.metrics[2].external.target.value: Invalid value: "-1": must be positive',
      'spec.metrics[2].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target',
    ],
  ],
  [
    'behavior',
    {
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 4000, selectPolicy: 'Most', policies: [] },
        scaleDown: { policies: [{ type: 'All', value: 0, periodSeconds: 2000 }] },
      },
    },
    [
      'spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 4000: must be less than or equal to 3600',
      'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
      'spec.behavior.scaleUp.policies: Required value: must specify at least one Policy',
      'spec.behavior.scaleDown.policies[0].type: Unsupported value: "All": supported values: "Percent", "Pods"',
      'spec.behavior.scaleDown.policies[0].value: Invalid value: 0: must be greater than zero',
      'spec.behavior.scaleDown.policies[0].periodSeconds: Invalid value: 2000: must be less than or equal to 1800',
    ],
  ],
])('%s that are not right', (_name, spec, faults) => {
  expect(create(HorizontalPodAutoscalers, autoscaler(spec)).faults).toEqual(faults)
})

test('a target whose version was never right may keep it', () => {
  const old = { ...create(HorizontalPodAutoscalers, autoscaler()).object }
  const wrong = { ...old, spec: { ...old.spec, scaleTargetRef: { ...scaleTargetRef, apiVersion: 'v1' } } }
  expect(
    update(HorizontalPodAutoscalers, wrong, next => {
      next.spec.maxReplicas = 6
    }).faults,
  ).toEqual([])
})

const metrics = [
  cpu,
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 3 } },
  },
  { type: 'Pods', pods: { metric: { name: 'p' }, target: { type: 'AverageValue', averageValue: '2' } } },
  {
    type: 'Object',
    object: {
      describedObject: { apiVersion: 'v1', kind: 'Service', name: 'web' },
      metric: { name: 'o', selector: { matchLabels: { a: 'b' } } },
      target: { type: 'Value', value: '10' },
    },
  },
  { type: 'External', external: { metric: { name: 'e' }, target: { type: 'AverageValue', averageValue: '30' } } },
]

test('version 1 shows the use of CPU as a field and all else in annotations, and loses nothing of it', async () => {
  const { of, info } = await testServer()
  const [v2, v1] = [of(HorizontalPodAutoscalers), of(HorizontalPodAutoscalersV1)]
  const ref = { name: 'web', namespace: 'default' }
  const behavior = { scaleUp: { tolerance: '50m', policies: [{ type: 'Pods', value: 2, periodSeconds: 5 }] } }
  await v2.create({ ...autoscaler({ metrics, behavior }), apiVersion: 'autoscaling/v2' }, ref, {}, info)
  const status = {
    currentReplicas: 2,
    desiredReplicas: 3,
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 60, averageValue: '30m' } } },
      { type: 'Pods', pods: { metric: { name: 'p' }, current: { averageValue: '5' } } },
    ],
    conditions: [{ type: 'AbleToScale', status: 'True', reason: 'Ready', message: 'm' }],
  }
  await v2.patch(ref, { type: 'merge', body: { status } }, {}, info, 'status')
  const before = v2.get(ref).object as any

  const shown = v1.get(ref).object as any
  expect(shown.spec).toEqual({ scaleTargetRef, minReplicas: 1, maxReplicas: 5, targetCPUUtilizationPercentage: 80 })
  expect(shown.status).toEqual({ currentReplicas: 2, desiredReplicas: 3, currentCPUUtilizationPercentage: 60 })
  const said = (name: string) => JSON.parse(shown.metadata.annotations[`autoscaling.alpha.kubernetes.io/${name}`])
  expect(said('metrics')).toHaveLength(5)
  expect(said('metrics')[3]).toEqual({
    type: 'Object',
    object: {
      target: { kind: 'Service', name: 'web', apiVersion: 'v1' },
      metricName: 'o',
      targetValue: '10',
      selector: { matchLabels: { a: 'b' } },
    },
  })
  expect(said('conditions')).toEqual(status.conditions)
  expect(said('behavior').ScaleUp).toEqual({
    StabilizationWindowSeconds: 0,
    SelectPolicy: 'Max',
    Policies: [{ Type: 'Pods', Value: 2, PeriodSeconds: 5 }],
    Tolerance: '50m',
  })

  await v1.patch(ref, { type: 'merge', body: { spec: { maxReplicas: 9 } } }, {}, info)
  const after = v2.get(ref).object as any
  expect(after.metadata.annotations).toBeUndefined()
  expect(after.status).toEqual(before.status)
  expect(after.spec.maxReplicas).toBe(9)
  expect(after.spec.behavior).toEqual(before.spec.behavior)
  // The use of CPU goes to the end, as upstream's conversion has it.
  expect(after.spec.metrics).toEqual([...before.spec.metrics.slice(1), before.spec.metrics[0]])
})

test('what is created in version 1 is answered with the default, and judged as in version 2', async () => {
  const { of, info } = await testServer()
  const body = { ...autoscaler(), apiVersion: 'autoscaling/v1' }
  const { reading } = await of(HorizontalPodAutoscalersV1).create(body, { namespace: 'default' }, {}, info)
  expect((reading.object as any).spec.targetCPUUtilizationPercentage).toBe(80)
  expect(reading.object.apiVersion).toBe('autoscaling/v1')
  expect(create(HorizontalPodAutoscalersV1, autoscaler({ maxReplicas: 0 })).faults).toEqual([
    'spec.maxReplicas: Invalid value: 0: must be greater than 0',
    'spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`',
  ])
})

test('of more than two metrics a table shows the first two', () => {
  const { object } = create(HorizontalPodAutoscalers, autoscaler({ metrics }))
  expect(cell(HorizontalPodAutoscalers, object, 'Targets')).toBe(
    'cpu: <unknown>/80%, memory: <unknown>/1Gi + 4 more...',
  )
  const v1 = create(HorizontalPodAutoscalersV1, autoscaler({ targetCPUUtilizationPercentage: 50 })).object
  expect(cell(HorizontalPodAutoscalersV1, v1, 'Targets')).toBe('cpu: <unknown>/50%')
})
