// Metrics as autoscaling/v1 writes them into an annotation, and back (pkg/apis/autoscaling/v1/conversion.go): flat, without
// the types of their targets, which follow from what is given. Called by horizontalpodautoscaler-v1.ts.

import type {
  V2CrossVersionObjectReference,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'

/** The sources of a metric in version 1; each has some of these. */
interface OldSource {
  readonly target?: V2CrossVersionObjectReference
  readonly name?: string
  readonly container?: string
  readonly metricName?: string
  readonly selector?: object
  readonly metricSelector?: object
  readonly targetValue?: string
  readonly averageValue?: string
  readonly targetAverageValue?: string
  readonly targetAverageUtilization?: number
  readonly currentValue?: string
  readonly currentAverageValue?: string
  readonly currentAverageUtilization?: number
}

type Old = { readonly type?: string } & { readonly [source in (typeof sources)[number]]?: OldSource }

const sources = ['object', 'pods', 'resource', 'containerResource', 'external'] as const

export function v1Metric(metric: Frozen<V2MetricSpec>): object {
  const { object, pods, resource, containerResource, external } = metric
  return given({
    type: metric.type,
    object: object && {
      target: referenceOf(object.describedObject),
      metricName: object.metric.name,
      targetValue: object.target.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.target.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      targetAverageValue: pods.target.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && {
      name: resource.name,
      targetAverageUtilization: resource.target.averageUtilization,
      targetAverageValue: resource.target.averageValue,
    },
    containerResource: containerResource && {
      name: containerResource.name,
      targetAverageUtilization: containerResource.target.averageUtilization,
      targetAverageValue: containerResource.target.averageValue,
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      targetValue: external.target.value,
      targetAverageValue: external.target.averageValue,
    },
  })
}

export function metricOfV1(metric: Old): V2MetricSpec {
  const { object, pods, resource, containerResource, external } = metric
  return given({
    type: metric.type ?? '',
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      target: targetOf(nonZero(object.targetValue), object.averageValue, undefined),
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      target: targetOf(undefined, pods.targetAverageValue, undefined),
    },
    resource: resource && {
      name: resource.name,
      target: targetOf(undefined, resource.targetAverageValue, resource.targetAverageUtilization),
    },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      target: targetOf(undefined, containerResource.targetAverageValue, containerResource.targetAverageUtilization),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      target: targetOf(external.targetValue, external.targetAverageValue, undefined),
    },
  }) as unknown as V2MetricSpec
}

export function v1MetricStatus(status: Frozen<V2MetricStatus>): object {
  const { object, pods, resource, containerResource, external } = status
  return given({
    type: status.type,
    object: object && {
      target: referenceOf(object.describedObject),
      metricName: object.metric.name,
      currentValue: object.current.value ?? '0',
      selector: object.metric.selector,
      averageValue: object.current.averageValue,
    },
    pods: pods && {
      metricName: pods.metric.name,
      currentAverageValue: pods.current.averageValue ?? '0',
      selector: pods.metric.selector,
    },
    resource: resource && {
      name: resource.name,
      currentAverageUtilization: resource.current.averageUtilization,
      currentAverageValue: resource.current.averageValue ?? '0',
    },
    containerResource: containerResource && {
      name: containerResource.name,
      currentAverageUtilization: containerResource.current.averageUtilization,
      currentAverageValue: containerResource.current.averageValue ?? '0',
      container: containerResource.container,
    },
    external: external && {
      metricName: external.metric.name,
      metricSelector: external.metric.selector,
      currentValue: external.current.value ?? '0',
      currentAverageValue: external.current.averageValue,
    },
  })
}

export function metricStatusOfV1(status: Old): V2MetricStatus {
  const { object, pods, resource, containerResource, external } = status
  return given({
    type: status.type ?? '',
    object: object && {
      describedObject: object.target,
      metric: { name: object.metricName, selector: object.selector },
      current: currentOf(nonZero(object.currentValue), object.averageValue, undefined),
    },
    pods: pods && {
      metric: { name: pods.metricName, selector: pods.selector },
      current: currentOf(undefined, pods.currentAverageValue, undefined),
    },
    resource: resource && {
      name: resource.name,
      current: currentOf(undefined, nonZero(resource.currentAverageValue), resource.currentAverageUtilization),
    },
    containerResource: containerResource && {
      name: containerResource.name,
      container: containerResource.container,
      current: currentOf(
        undefined,
        nonZero(containerResource.currentAverageValue),
        containerResource.currentAverageUtilization,
      ),
    },
    external: external && {
      metric: { name: external.metricName, selector: external.metricSelector },
      current: currentOf(nonZero(external.currentValue), external.currentAverageValue, undefined),
    },
  }) as unknown as V2MetricStatus
}

/** Version 1 has to write a value where version 2 has none. */
const nonZero = (value: string | undefined): string | undefined => (value === '0' ? undefined : value)

function targetOf(value?: string, averageValue?: string, averageUtilization?: number): V2MetricTarget {
  const type = averageUtilization !== undefined ? 'Utilization' : averageValue !== undefined ? 'AverageValue' : 'Value'
  return given({ type, value, averageValue, averageUtilization }) as unknown as V2MetricTarget
}

function currentOf(value?: string, averageValue?: string, averageUtilization?: number): V2MetricValueStatus {
  return given({ value, averageValue, averageUtilization }) as V2MetricValueStatus
}

const referenceOf = ({ kind, name, apiVersion }: Frozen<V2CrossVersionObjectReference>): object => ({
  kind,
  name,
  apiVersion,
})

/** Without what is undefined, at any depth. */
function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) continue
    const isPlain = value !== null && typeof value === 'object' && !Array.isArray(value)
    result[name] = isPlain ? given(value as Record<string, unknown>) : value
  }
  return result
}
