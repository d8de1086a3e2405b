// HorizontalPodAutoscalers, version 2, in which they are kept: how many replicas a scalable object shall have, by metrics.
// Rules: horizontalpodautoscaler-rules.ts. The older version 1 of the same objects: horizontalpodautoscaler-v1.ts.

import type {
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { canonicalQuantity } from '../api/quantity.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { autoscalerRules, autoscalerStatusRules } from './horizontalpodautoscaler-rules.ts'
import { defineKind } from './kind.ts'

type Autoscaler = Frozen<V2HorizontalPodAutoscaler>

/** In these version 1 says what it has no fields for; nowhere else do they mean anything. */
export const roundTripAnnotations = {
  metrics: 'autoscaling.alpha.kubernetes.io/metrics',
  currentMetrics: 'autoscaling.alpha.kubernetes.io/current-metrics',
  conditions: 'autoscaling.alpha.kubernetes.io/conditions',
  behavior: 'autoscaling.alpha.kubernetes.io/behavior',
} as const

/** What every version shows alike. */
export const autoscalerKind = {
  group: 'autoscaling',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  singular: 'horizontalpodautoscaler',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  hasGeneration: false,
  subresources: ['status'],
} as const

export const autoscalerColumns = [
  {
    name: 'Reference',
    type: 'string',
    description: 'What it scales.',
    value: ({ spec: { scaleTargetRef: ref } }: Autoscaler) => `${ref?.kind ?? ''}/${ref?.name ?? ''}`,
  },
  {
    name: 'Targets',
    type: 'string',
    description: 'What is measured, and what it should be.',
    value: ({ spec, status }: Autoscaler) => metricsText(spec.metrics ?? [], status.currentMetrics ?? []),
  },
  {
    name: 'MinPods',
    type: 'string',
    description: 'The least replicas.',
    value: ({ spec }: Autoscaler) => String(spec.minReplicas ?? '<unset>'),
  },
  {
    name: 'MaxPods',
    type: 'integer',
    description: 'The most replicas.',
    value: ({ spec }: Autoscaler) => spec.maxReplicas ?? 0,
  },
  {
    name: 'Replicas',
    type: 'integer',
    description: 'The replicas that there are.',
    value: ({ status }: Autoscaler) => status.currentReplicas ?? 0,
  },
] as const

/** Kind `HorizontalPodAutoscaler` of `autoscaling/v2`: `horizontalpodautoscalers`, in namespaces. */
export const HorizontalPodAutoscalers = defineKind<V2HorizontalPodAutoscaler>({
  ...autoscalerKind,
  version: 'v2',
  columns: [nameColumn, ...autoscalerColumns, ageColumn],
  defaults(draft) {
    draft.spec ??= {} as V2HorizontalPodAutoscaler['spec']
    defaultAutoscaler(draft)
    draft.status ??= { desiredReplicas: 0 }
    draft.status.desiredReplicas ??= 0
  },
  prepare(draft, old) {
    dropRoundTripAnnotations(draft)
    if (!old) draft.status = { desiredReplicas: 0 }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') autoscalerStatusRules(next, faults)
    else autoscalerRules(next, old, faults)
    return faults.list
  },
})

export function dropRoundTripAnnotations({ metadata }: V2HorizontalPodAutoscaler): void {
  const { annotations } = metadata
  if (!annotations) return
  for (const name of Object.values(roundTripAnnotations)) delete annotations[name]
}

/** pkg/apis/autoscaling/v2/defaults.go. */
export function defaultAutoscaler({ spec }: V2HorizontalPodAutoscaler): void {
  spec.minReplicas ??= 1
  if (!spec.metrics?.length) spec.metrics = [defaultMetric()]
  for (const metric of spec.metrics) canonicalTarget(metric)
  const { behavior } = spec
  if (!behavior) return
  behavior.scaleUp = withDefaults(behavior.scaleUp, {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 4, periodSeconds: 15 },
      { type: 'Percent', value: 100, periodSeconds: 15 },
    ],
  })
  behavior.scaleDown = withDefaults(behavior.scaleDown, {
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
  })
}

export const defaultMetric = (): V2MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
})

function withDefaults(rules: V2HPAScalingRules | undefined, given: V2HPAScalingRules): V2HPAScalingRules {
  const filled = { ...given, ...rules }
  if (filled.tolerance !== undefined) filled.tolerance = canonicalQuantity(filled.tolerance)
  return filled
}

function canonicalTarget(metric: V2MetricSpec): void {
  for (const source of [metric.object, metric.pods, metric.resource, metric.containerResource, metric.external]) {
    const target = source?.target
    if (target?.value !== undefined) target.value = canonicalQuantity(target.value)
    if (target?.averageValue !== undefined) target.averageValue = canonicalQuantity(target.averageValue)
  }
}

const unknown = '<unknown>'

/** formatHPAMetrics. */
function metricsText(specs: readonly Frozen<V2MetricSpec>[], statuses: readonly Frozen<V2MetricStatus>[]): string {
  if (specs.length === 0) return '<none>'
  const texts = specs.map((spec, index) => metricText(spec, statuses[index]))
  return texts.length > 2 ? `${texts.slice(0, 2).join(', ')} + ${texts.length - 2} more...` : texts.join(', ')
}

function metricText(spec: Frozen<V2MetricSpec>, status: Frozen<V2MetricStatus> | undefined): string {
  switch (spec.type) {
    case 'External':
      return valueText(spec.external?.target, status?.external?.current)
    case 'Object':
      return valueText(spec.object?.target, status?.object?.current)
    case 'Pods':
      return `${status?.pods?.current.averageValue ?? unknown}/${spec.pods?.target.averageValue}`
    case 'Resource':
      return `${spec.resource?.name}: ${usageText(spec.resource?.target, status?.resource?.current)}`
    case 'ContainerResource': {
      const { containerResource: source } = spec
      return `${source?.name}: ${usageText(source?.target, status?.containerResource?.current)}`
    }
    default:
      return '<unknown type>'
  }
}

function valueText(
  target: Frozen<V2MetricTarget> | undefined,
  current: Frozen<V2MetricValueStatus> | undefined,
): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`
  return `${current?.value ?? unknown}/${target?.value}`
}

function usageText(
  target: Frozen<V2MetricTarget> | undefined,
  current: Frozen<V2MetricValueStatus> | undefined,
): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`
  const [is, should] = [current?.averageUtilization, target?.averageUtilization]
  return `${is === undefined ? unknown : `${is}%`}/${should === undefined ? '<auto>' : `${should}%`}`
}
