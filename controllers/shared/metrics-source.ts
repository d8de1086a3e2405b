// Where an autoscaler's metrics come from: the three metrics APIs, asked through the client as any other API, or whatever a
// test or a simulation gives in their place. All values in thousandths. Upstream:
// pkg/controller/podautoscaler/metrics/client.go; its words for an API that is not served.

import type { V2CrossVersionObjectReference } from '../../generated/types.ts'
import { isNotFound } from '../../src/api/errors.ts'
import { parseLabelSelector, type Selector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { milliValue } from '../../src/api/quantity.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import type { Millis } from '../../src/env/clock.ts'
import { defineKind, type Kind } from '../../src/kinds/kind.ts'
import { messageOf } from './replicas.ts'

export interface PodSample {
  readonly value: number
  readonly at: Millis
  /** Over how long it was measured. */
  readonly window: Millis
}
/** By the pod's name. */
export type PodSamples = ReadonlyMap<string, PodSample>

export interface MetricsSource {
  /** What the pods use of a resource; of one container, when it is named. */
  resource(name: string, namespace: string, pods: Selector, container: string | undefined): Promise<PodSamples>
  pods(metric: string, namespace: string, pods: Selector, metrics: Selector): Promise<PodSamples>
  object(
    metric: string,
    namespace: string,
    object: Frozen<V2CrossVersionObjectReference>,
    metrics: Selector,
  ): Promise<number>
  external(metric: string, namespace: string, metrics: Selector): Promise<readonly number[]>
}

const minute = 60_000

/** The metrics APIs, when somebody serves them. */
export function metricsApis(client: Client): MetricsSource {
  return {
    async resource(name, namespace, pods, container) {
      const api = 'resource metrics API'
      const items = await asked(api, `get pods.metrics.k8s.io`, () =>
        client.of(podMetrics).list({ namespace, labelSelector: pods.toString() }),
      )
      if (items.length === 0) throw new Error('no metrics returned from resource metrics API')
      return resourceSamples(items, name, container)
    },
    async pods(metric, namespace, pods, metrics) {
      const items = await customValues(client, 'pods', '*', metric, namespace, metrics, pods)
      return new Map(items.map(item => [item.describedObject?.name ?? '', sampleOf(item)]))
    },
    async object(metric, namespace, object, metrics) {
      const { kind, name, apiVersion = '' } = object
      const group = apiVersion.includes('/') ? `.${apiVersion.split('/')[0]}` : ''
      const plural = `${kind.toLowerCase()}s${group}`
      const [item] = await customValues(client, plural, name, metric, namespace, metrics, undefined)
      if (item === undefined) throw new Error('no metrics returned from custom metrics API')
      return milliValue(item.value)
    },
    async external(metric, namespace, metrics) {
      const kind = metricKind<ExternalMetric>('external.metrics.k8s.io', 'v1beta1', 'ExternalMetricValue', metric)
      const items = await asked('external metrics API', `get ${metric}.external.metrics.k8s.io`, () =>
        client.of(kind).list({ namespace, labelSelector: metrics.toString() }),
      )
      if (items.length === 0) throw new Error('no metrics returned from external metrics API')
      return items.map(({ value }) => milliValue(value))
    },
  }
}

interface PodMetrics extends KubeObject {
  timestamp: string
  window: string
  containers: { name: string; usage: Record<string, string> }[]
}
interface MetricValue extends KubeObject {
  describedObject?: { name?: string }
  timestamp: string
  windowSeconds?: number
  value: string
}
interface ExternalMetric extends KubeObject {
  value: string
}

function metricKind<T extends KubeObject>(group: string, version: string, kind: string, plural: string): Kind<T> {
  return defineKind<T>({ group, version, kind, plural, singular: plural, namespaced: true, columns: [] } as never)
}

const podMetrics = metricKind<PodMetrics>('metrics.k8s.io', 'v1beta1', 'PodMetrics', 'pods')

function resourceSamples(
  items: readonly Frozen<PodMetrics>[],
  name: string,
  container: string | undefined,
): Map<string, PodSample> {
  const samples = new Map<string, PodSample>()
  for (const { metadata, timestamp, window, containers } of items) {
    const counted = container === undefined ? containers : containers.filter(each => each.name === container)
    if (container !== undefined && counted.length === 0) {
      throw new Error(`container ${container} not present in metrics for pod ${metadata.namespace}/${metadata.name}`)
    }
    // A pod of which one container is not measured is not measured.
    if (counted.some(({ usage }) => usage[name] === undefined)) continue
    const value = counted.reduce((sum, { usage }) => sum + milliValue(usage[name]!), 0)
    samples.set(metadata.name, { value, at: parseTime(timestamp), window: windowOf(window) })
  }
  return samples
}

/** Go's way to write a duration, as far as these come: `30s`, `1m0s`. */
function windowOf(text: string): Millis {
  const [, minutes = '0', seconds = '0'] = /^(?:(\d+)m)?(?:([\d.]+)s)?$/.exec(text) ?? []
  return Number(minutes) * minute + Number(seconds) * 1000
}

const sampleOf = ({ value, timestamp, windowSeconds }: Frozen<MetricValue>): PodSample => ({
  value: milliValue(value),
  at: parseTime(timestamp),
  window: windowSeconds === undefined ? minute : windowSeconds * 1000,
})

/** A custom metric's path is the described object's, with the metric as if it were a subresource. */
async function customValues(
  client: Client,
  plural: string,
  name: string,
  metric: string,
  namespace: string,
  metrics: Selector,
  pods: Selector | undefined,
): Promise<readonly Frozen<MetricValue>[]> {
  if (!metrics.isEmpty) throw new Error('custom metrics by a selector of their own labels are not asked for yet')
  const path = `${plural}/${name}/${metric}`
  const kind = metricKind<MetricValue>('custom.metrics.k8s.io', 'v1beta2', 'MetricValue', path)
  const none = 'no custom metrics API (custom.metrics.k8s.io) registered'
  return asked('custom metrics API', none, () =>
    client.of(kind).list({ namespace, ...(pods ? { labelSelector: pods.toString() } : {}) }),
  )
}

/** `what`: the request in client-go's words, or the whole of what is said when the API is not there. */
async function asked<T>(
  api: string,
  what: string,
  ask: () => Promise<{ readonly items: readonly T[] }>,
): Promise<readonly T[]> {
  try {
    return (await ask()).items
  } catch (error) {
    const why = isNotFound(error) && !what.startsWith('get ') ? what : `${messageOf(error)} (${what})`
    throw new Error(`unable to fetch metrics from ${api}: ${why}`)
  }
}

export const everyMetric: Selector = parseLabelSelector('')
