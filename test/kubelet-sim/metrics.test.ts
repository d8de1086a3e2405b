// metrics.k8s.io as this server serves it, and an autoscaler that reads it.

import { expect, test } from 'vitest'
import type { V2HorizontalPodAutoscaler } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { Deployments, HorizontalPodAutoscalers, Nodes } from '../../src/kinds/index.ts'
import { NodeMetricsKind, PodMetricsKind } from '../../src/kinds/resource-metrics.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { deployment, pod, service } from '../support/objects.ts'

const annotated = (name: string, annotations: Record<string, string>, spec: object = {}) => {
  const made = pod(name, spec)
  return { ...made, metadata: { ...made.metadata, annotations } }
}
const podMetrics = async (cluster: TestCluster, labelSelector?: string) =>
  (await cluster.client.of(PodMetricsKind).list({ namespace: 'default', ...(labelSelector ? { labelSelector } : {}) }))
    .items
const running = (cluster: TestCluster) => cluster.pods().every(({ status }) => status.phase === 'Running')

test('what a pod takes is declared by annotations, as a constant or a curve, for all containers or one', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const containers = [
    { name: 'web', image: 'nginx:1.27' },
    { name: 'log', image: 'busybox:1.36', command: ['sleep', '3600'] },
  ]
  const annotations = { 'kubesim.dev/cpu': 'web=100m..300m over 10m, 20m', 'kubesim.dev/memory': '64Mi' }
  await cluster.apply(annotated('web', annotations, { containers }), pod('idle'))
  await cluster.until(() => running(cluster))
  await cluster.advance('30s')
  const [idle, web] = await podMetrics(cluster)
  expect(web).toMatchObject({ metadata: { name: 'web', namespace: 'default' }, window: '15s' })
  const [first, second] = web!.containers
  expect(second).toEqual({ name: 'log', usage: { cpu: '20000000n', memory: '65536Ki' } })
  expect(Number.parseInt(first!.usage.cpu, 10) / 1e6).toBeGreaterThan(100)
  expect(Number.parseInt(first!.usage.cpu, 10) / 1e6).toBeLessThan(115)
  const { cpu, memory } = idle!.containers[0]!.usage
  expect(Number.parseInt(cpu, 10) / 1e6).toBeLessThan(4)
  expect(Number.parseInt(memory, 10) / 1024).toBeLessThan(10)
  await cluster.advance('10m')
  expect((await podMetrics(cluster))[1]?.containers[0]?.usage.cpu).toBe('300000000n')
})

test('a limit throttles; a pod is measured once all its containers have run for a while, and no more when its node is dead', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const resources = { requests: { cpu: '50m' }, limits: { cpu: '80m' } }
  const containers = [{ name: 'web', image: 'nginx:1.27', resources }]
  await cluster.apply(annotated('web', { 'kubesim.dev/cpu': '2' }, { containers }))
  await cluster.until(() => running(cluster))
  expect(await podMetrics(cluster)).toEqual([])
  const metrics = cluster.client.of(PodMetricsKind)
  await expect(metrics.get({ name: 'web', namespace: 'default' })).rejects.toThrow(
    'podmetrics.metrics.k8s.io "default/web" not found',
  )
  await cluster.advance('20s')
  expect((await metrics.get({ name: 'web', namespace: 'default' })).containers[0]?.usage.cpu).toBe('80000000n')
  const nodes = cluster.client.of(NodeMetricsKind)
  const [node] = (await nodes.list()).items
  expect([node?.metadata.name, node?.usage.cpu]).toEqual(['node-1', '122000000n'])
  expect(node?.metadata.labels).toEqual(cluster.get(Nodes, 'node-1').metadata.labels)
  cluster.cluster.nodes.silence('node-1')
  expect(await podMetrics(cluster)).toEqual([])
  expect((await nodes.list()).items).toEqual([])
  await expect(metrics.create({ metadata: { name: 'x', namespace: 'default' } } as never)).rejects.toThrow(
    'create is not supported on resources of kind "pods.metrics.k8s.io"',
  )
})

test('selectors', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(pod('one', {}, { app: 'one' }), pod('two', {}, { app: 'two' }))
  await cluster.until(() => running(cluster))
  await cluster.advance('30s')
  expect((await podMetrics(cluster, 'app=two')).map(({ metadata }) => metadata.name)).toEqual(['two'])
  const byName = await cluster.client.of(NodeMetricsKind).list({ fieldSelector: 'metadata.name=node-2' })
  expect(byName.items.map(({ metadata }) => metadata.name)).toEqual(['node-2'])
})

test('load makes an autoscaler scale, and its end makes it scale down again', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  const web = deployment('web', { replicas: 1 })
  const template = web.spec.template as unknown as { metadata: object; spec: { containers: object[] } }
  template.metadata = { ...template.metadata, annotations: { 'kubesim.dev/cpu-per-request': '100m' } }
  template.spec.containers = [
    { name: 'web', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: { requests: { cpu: '100m' } } },
  ]
  const autoscaler = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 5,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
      ],
    },
  } as unknown as NewObject<V2HorizontalPodAutoscaler>
  await cluster.apply(web, service('web', 'web'), autoscaler)
  await cluster.until(() => running(cluster))
  await cluster.advance('2m')
  const replicas = () => cluster.get(Deployments, 'web').spec.replicas
  expect(replicas()).toBe(1)
  const current = () => cluster.get(HorizontalPodAutoscalers, 'web').status.currentMetrics?.[0]?.resource?.current
  expect(current()?.averageUtilization).toBeLessThan(5)
  for (let second = 0; second < 120; second += 1) {
    await cluster.ask('web')
    await cluster.ask('web')
    await cluster.advance('1s')
  }
  // Two requests a second, each a tenth of a second of a core, are 200m: four times the half of 100m.
  expect(replicas()).toBe(4)
  await cluster.advance('10m')
  expect(replicas()).toBe(1)
})
