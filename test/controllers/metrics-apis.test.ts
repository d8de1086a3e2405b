// An autoscaler that asks the metrics APIs themselves: that of resources, and others, here served as custom resources, which
// are written by hand.

import { expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { CustomResourceDefinition, V2HorizontalPodAutoscaler, V2MetricSpec } from '../../generated/types.ts'
import type { KubeObject, NewObject } from '../../src/api/meta.ts'
import { definedKind } from '../../src/kinds/customresourcedefinition.ts'
import { CustomResourceDefinitions, Deployments, HorizontalPodAutoscalers, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { deployment } from '../support/objects.ts'

function definition(group: string, plural: string, kind: string): NewObject<CustomResourceDefinition> {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, for a test' } },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
    },
  } as unknown as NewObject<CustomResourceDefinition>
}

/** Writes objects of a kind that is defined at run time. */
async function put(it: TestCluster, crd: string, ...objects: object[]): Promise<void> {
  const kind = definedKind(it.get(CustomResourceDefinitions, { name: crd }))!
  const client = it.client.of(kind)
  await client.deleteCollection({ namespace: 'default' })
  for (const object of objects) {
    await client.create({ apiVersion: kind.apiVersion, kind: kind.kind, ...object } as unknown as NewObject<KubeObject>)
  }
}

const autoscaler = (metrics: V2MetricSpec[]): NewObject<V2HorizontalPodAutoscaler> => ({
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'web', namespace: 'default' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 10, metrics },
})
const resources = { requests: { cpu: '100m' } }
const web = deployment('web', {
  replicas: 2,
  pod: {
    containers: [
      { name: 'main', image: 'nginx', resources },
      { name: 'side', image: 'redis', resources },
    ],
  },
})
const replicas = (it: TestCluster) => it.get(Deployments, 'web').spec.replicas
const status = (it: TestCluster) => it.get(HorizontalPodAutoscalers, 'web').status

/** What every pod's two containers use from now on. */
async function use(it: TestCluster, main: string, side: string): Promise<void> {
  const annotations = { 'kubesim.dev/cpu': `main=${main}, side=${side}` }
  for (const { metadata } of it.pods({ app: 'web' })) {
    await it.client.of(Pods).patch(metadata, { type: 'merge', body: { metadata: { annotations } } })
  }
}

test('by metrics.k8s.io, of whole pods and of one container', async () => {
  await using it = await testCluster()
  await it.apply(web)
  await it.until(() => it.pods().filter(isReady).length === 2)
  await it.advance('1m')
  const target = { type: 'Utilization', averageUtilization: 50 }
  const ofPods: V2MetricSpec = { type: 'Resource', resource: { name: 'cpu', target } }
  await it.apply(autoscaler([ofPods]))
  await it.advance('10s')
  await use(it, '90m', '10m')
  await it.advance('20s')
  // 100m of the 200m that a pod requests is what is wanted.
  expect(replicas(it)).toBe(2)
  expect(status(it).currentMetrics).toEqual([
    { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 50, averageValue: '100m' } } },
  ])
  const ofMain: V2MetricSpec = {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'main', target },
  }
  await it.client
    .of(HorizontalPodAutoscalers)
    .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { spec: { metrics: [ofMain] } } })
  await use(it, '90m', '10m')
  await it.advance('20s')
  expect(replicas(it)).toBe(4)
  expect(status(it).currentMetrics).toEqual([
    {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'main', current: { averageUtilization: 90, averageValue: '90m' } },
    },
  ])
})

test('by external.metrics.k8s.io, with a selector', async () => {
  await using it = await testCluster()
  await it.apply(definition('external.metrics.k8s.io', 'queue', 'ExternalMetricValue'), web)
  await it.until(() => it.pods().filter(isReady).length === 2)
  const value = (name: string, of: string, amount: string) => ({
    metadata: { name, namespace: 'default', labels: { of } },
    metricName: 'queue',
    value: amount,
  })
  await put(
    it,
    'queue.external.metrics.k8s.io',
    value('a', 'web', '4'),
    value('b', 'web', '2500m'),
    value('c', 'other', '1k'),
  )
  const metric = { name: 'queue', selector: { matchLabels: { of: 'web' } } }
  await it.apply(
    autoscaler([{ type: 'External', external: { metric, target: { type: 'AverageValue', averageValue: '2' } } }]),
  )
  await it.advance('20s')
  expect(replicas(it)).toBe(4)
  expect(status(it).currentMetrics).toEqual([
    { type: 'External', external: { metric, current: { averageValue: '3250m' } } },
  ])
})

test('custom metrics that nobody serves', async () => {
  await using it = await testCluster()
  await it.apply(web)
  await it.until(() => it.pods().filter(isReady).length === 2)
  await it.apply(
    autoscaler([
      { type: 'Pods', pods: { metric: { name: 'qps' }, target: { type: 'AverageValue', averageValue: '2' } } },
    ]),
  )
  await it.advance('20s')
  expect(status(it).conditions?.find(({ type }) => type === 'ScalingActive')).toMatchObject({
    status: 'False',
    reason: 'FailedGetPodsMetric',
    message:
      'the HPA was unable to compute the replica count: unable to get metric qps: unable to fetch metrics from custom metrics API: ' +
      'no custom metrics API (custom.metrics.k8s.io) registered',
  })
})
