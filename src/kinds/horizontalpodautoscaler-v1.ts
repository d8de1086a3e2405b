// HorizontalPodAutoscalers in version 1, which knows the use of CPU and nothing else: other metrics, the conditions and the
// behavior stand in annotations, in the form that upstream gives them (pkg/apis/autoscaling/v1/conversion.go and the
// annotation types of k8s.io/api/autoscaling/v1/types.go), so that nothing is lost on the way there and back.

import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler } from '../../generated/types.ts'
import { draft as thaw } from '../api/freeze.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { metricOfV1, metricStatusOfV1, v1Metric, v1MetricStatus } from './autoscaler-metrics-v1.ts'
import { ageColumn, nameColumn } from './columns.ts'
import {
  autoscalerColumns,
  autoscalerKind,
  defaultAutoscaler,
  defaultMetric,
  HorizontalPodAutoscalers,
  roundTripAnnotations,
} from './horizontalpodautoscaler.ts'
import { type Column, defineKind } from './kind.ts'

type Old = HorizontalPodAutoscaler
type New = V2HorizontalPodAutoscaler

/** Kind `HorizontalPodAutoscaler` of `autoscaling/v1`: `horizontalpodautoscalers`, in namespaces. */
export const HorizontalPodAutoscalersV1 = defineKind<Old>({
  ...autoscalerKind,
  version: 'v1',
  storedAs: { kind: HorizontalPodAutoscalers, fromStored: v1Of, toStored: storedOf },
  columns: [
    nameColumn,
    ...autoscalerColumns.map((column): Column<Old> => ({ ...column, value: object => column.value(v2Of(object)) })),
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {} as Old['spec']
    draft.spec.minReplicas ??= 1
    draft.status ??= { currentReplicas: 0, desiredReplicas: 0 }
    draft.status.currentReplicas ??= 0
    draft.status.desiredReplicas ??= 0
  },
  prepare(draft, old) {
    const next = v2Of(draft)
    if (!old) next.status = { desiredReplicas: 0 }
    Object.assign(draft, v1Of(next))
  },
  validate: (next, old, context) => HorizontalPodAutoscalers.validate?.(v2Of(next), old && v2Of(old), context) ?? [],
  warnings: (next, old) => HorizontalPodAutoscalers.warnings?.(v2Of(next), old && v2Of(old)) ?? [],
})

const isCpuUse = ({ type, resource }: NonNullable<Frozen<New>['spec']['metrics']>[number]): boolean =>
  type === 'Resource' && resource?.name === 'cpu' && resource.target.averageUtilization !== undefined

export function v1Of({ metadata, spec, status }: Frozen<New>): Old {
  const metrics = spec.metrics ?? []
  const use = metrics.find(isCpuUse)?.resource?.target.averageUtilization
  const used = status.currentMetrics?.find(
    ({ type, resource }) =>
      type === 'Resource' && resource?.name === 'cpu' && resource.current.averageUtilization !== undefined,
  )?.resource?.current.averageUtilization
  const others = metrics.filter(metric => !isCpuUse(metric))
  const annotations: Record<string, string> = {}
  if (others.length > 0) annotations[roundTripAnnotations.metrics] = JSON.stringify(others.map(v1Metric))
  if (status.currentMetrics?.length) {
    annotations[roundTripAnnotations.currentMetrics] = JSON.stringify(status.currentMetrics.map(v1MetricStatus))
  }
  if (status.conditions?.length) annotations[roundTripAnnotations.conditions] = JSON.stringify(status.conditions)
  if (spec.behavior) annotations[roundTripAnnotations.behavior] = JSON.stringify(goBehavior(spec.behavior))
  const hasMore = Object.keys(annotations).length > 0
  return {
    apiVersion: 'autoscaling/v1',
    kind: 'HorizontalPodAutoscaler',
    metadata: hasMore ? { ...metadata, annotations: { ...metadata.annotations, ...annotations } } : metadata,
    spec: {
      scaleTargetRef: spec.scaleTargetRef,
      ...(spec.minReplicas === undefined ? {} : { minReplicas: spec.minReplicas }),
      maxReplicas: spec.maxReplicas,
      ...(use === undefined ? {} : { targetCPUUtilizationPercentage: use }),
    },
    status: {
      ...(status.observedGeneration === undefined ? {} : { observedGeneration: status.observedGeneration }),
      ...(status.lastScaleTime === undefined ? {} : { lastScaleTime: status.lastScaleTime }),
      currentReplicas: status.currentReplicas ?? 0,
      desiredReplicas: status.desiredReplicas,
      ...(used === undefined ? {} : { currentCPUUtilizationPercentage: used }),
    },
  } as Old
}

export function v2Of({ metadata, spec, status }: Frozen<Old>): New {
  const { annotations = {} } = metadata
  const said = <T>(name: keyof typeof roundTripAnnotations): T | undefined =>
    parsed(annotations[roundTripAnnotations[name]])
  const metrics = (said<readonly object[]>('metrics') ?? []).map(metricOfV1)
  const use = spec.targetCPUUtilizationPercentage
  if (use !== undefined) {
    metrics.push({
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: use } },
    })
  }
  if (metrics.length === 0) metrics.push(defaultMetric())
  const used = status.currentCPUUtilizationPercentage
  const current = said<readonly object[]>('currentMetrics')?.map(metricStatusOfV1)
  const usage = { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: used } } }
  const conditions = said<New['status']['conditions']>('conditions')
  const behavior = said<object>('behavior')
  const { targetCPUUtilizationPercentage: _use, ...kept } = spec
  const { currentCPUUtilizationPercentage: _used, ...counted } = status
  const next = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: withoutRoundTrip(metadata),
    spec: { ...kept, metrics, ...(behavior ? { behavior: jsonBehavior(behavior) } : {}) },
    status: {
      ...counted,
      ...(current ? { currentMetrics: current } : used === undefined ? {} : { currentMetrics: [usage] }),
      ...(conditions ? { conditions } : {}),
    },
  } as unknown as New
  return next
}

/** The status is not told through annotations alone: an update that leaves its fields alone leaves it as it is. */
function storedOf(object: Frozen<Old>, old: Frozen<New> | undefined): New {
  const next = thaw(v2Of(object) as unknown as Frozen<New>) as New
  defaultAutoscaler(next)
  if (old && jsonEqual(object.status, v1Of(old).status)) next.status = old.status as New['status']
  return next
}

function withoutRoundTrip(metadata: Frozen<Old>['metadata']): Frozen<Old>['metadata'] {
  const { annotations } = metadata
  if (!annotations || !Object.values(roundTripAnnotations).some(name => name in annotations)) return metadata
  const names: readonly string[] = Object.values(roundTripAnnotations)
  const kept = Object.fromEntries(Object.entries(annotations).filter(([name]) => !names.includes(name)))
  const { annotations: _all, ...others } = metadata
  return Object.keys(kept).length > 0 ? { ...others, annotations: kept } : others
}

/** What is no JSON is not heard. */
function parsed<T>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as T
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

type Behavior = NonNullable<New['spec']['behavior']>
type Rules = NonNullable<Behavior['scaleUp']>

/** Upstream writes its internal type here, whose names begin with capitals and whose absent parts are null. */
function goBehavior({ scaleUp, scaleDown }: Frozen<Behavior>): object {
  return { ScaleUp: goRules(scaleUp), ScaleDown: goRules(scaleDown) }
}

function goRules(rules: Frozen<Rules> | undefined): object | null {
  if (!rules) return null
  return {
    StabilizationWindowSeconds: rules.stabilizationWindowSeconds ?? null,
    SelectPolicy: rules.selectPolicy ?? null,
    Policies:
      rules.policies?.map(({ type, value, periodSeconds }) => ({
        Type: type,
        Value: value,
        PeriodSeconds: periodSeconds,
      })) ?? null,
    Tolerance: rules.tolerance ?? null,
  }
}

/** And reads it in any case of letters. */
function jsonBehavior(value: unknown): Behavior {
  if (Array.isArray(value)) return value.map(jsonBehavior) as never
  if (value === null || typeof value !== 'object') return value as never
  const members = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(members.map(([name, inner]) => [fieldOf(name), jsonBehavior(inner)])) as Behavior
}

const fields = [
  'scaleUp',
  'scaleDown',
  'stabilizationWindowSeconds',
  'selectPolicy',
  'policies',
  'tolerance',
  'type',
  'value',
  'periodSeconds',
]
const fieldOf = (name: string): string => fields.find(field => field.toLowerCase() === name.toLowerCase()) ?? name
