// The pages of a kubelet's own server, through the port that the API server asks.

import { expect, test } from 'vitest'
import { Nodes } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

async function read(cluster: TestCluster, path: string): Promise<{ status: number; type: string; text: string }> {
  const node = cluster.get(Nodes, { name: 'node-1' })
  const request = { method: 'GET', path, headers: {}, body: new Uint8Array() }
  const { status, headers, body } = await cluster.cluster.nodes.nodeClient.proxyNode(node, request)
  return { status, type: headers['content-type'] ?? '', text: Buffer.from(body).toString() }
}

async function busy(): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 1 })
  const spec = {
    containers: [
      {
        name: 'main',
        image: 'busybox:1.36',
        command: ['sh', '-c', 'echo hello; sleep 3600'],
        resources: { limits: { memory: '64Mi' } },
        livenessProbe: { exec: { command: ['true'] } },
      },
    ],
  }
  const made = pod('web', spec)
  const annotations = { 'kubesim.dev/cpu': '100m', 'kubesim.dev/memory': '32Mi' }
  await cluster.apply({ ...made, metadata: { ...made.metadata, annotations } })
  await cluster.until(() => cluster.pods()[0]?.status.phase === 'Running')
  await cluster.advance('100s')
  return cluster
}

test('health, pods, configuration, logs', async () => {
  await using cluster = await busy()
  expect(await read(cluster, '/healthz')).toEqual({ status: 200, type: 'text/plain; charset=utf-8', text: 'ok' })
  expect((await read(cluster, '/healthz/syncloop')).text).toBe('ok')
  const pods = JSON.parse((await read(cluster, '/pods')).text)
  expect(pods).toMatchObject({ kind: 'PodList', items: [{ metadata: { name: 'web' }, status: { phase: 'Running' } }] })
  const running = JSON.parse((await read(cluster, '/runningpods/')).text)
  expect(running.items[0].spec.containers).toEqual([{ name: 'main', image: 'busybox:1.36', resources: {} }])
  expect(JSON.parse((await read(cluster, '/configz')).text).kubeletconfig).toMatchObject({
    clusterDomain: 'cluster.local',
    maxPods: 110,
    evictionHard: { 'memory.available': '100Mi' },
  })
  expect((await read(cluster, '/containerLogs/default/web/main')).text).toBe('hello\n')
  expect(await read(cluster, '/containerLogs/default/web/none')).toMatchObject({
    status: 404,
    text: 'container "none" not found in pod "web"\n',
  })
  expect((await read(cluster, '/logs/containers/')).text).toMatch(/<a href="web_default_main-[0-9a-f]{64}\.log">/)
  expect(await read(cluster, '/nothing')).toMatchObject({ status: 404, text: '404 page not found\n' })
})

test('statistics and metrics say what metrics.k8s.io says', async () => {
  await using cluster = await busy()
  const { node, pods } = JSON.parse((await read(cluster, '/stats/summary')).text)
  expect(pods).toMatchObject([
    {
      podRef: { name: 'web', namespace: 'default' },
      containers: [
        {
          name: 'main',
          cpu: { usageNanoCores: 100_000_000 },
          memory: { workingSetBytes: 32 * 1024 * 1024, availableBytes: 32 * 1024 * 1024 },
        },
      ],
    },
  ])
  expect(node.cpu.usageNanoCores).toBe(142_000_000)
  // A tenth of a core for a hundred seconds.
  expect(pods[0].cpu.usageCoreNanoSeconds / 1e9).toBeCloseTo(10, 0)
  const resource = (await read(cluster, '/metrics/resource')).text
  expect(resource).toMatch(
    /^# HELP container_memory_working_set_bytes \[STABLE\] Current working set of the container in bytes\n# TYPE container_memory_working_set_bytes gauge\ncontainer_memory_working_set_bytes\{container="main",namespace="default",pod="web"\} 33554432 \d+\n/m,
  )
  expect((await read(cluster, '/metrics/cadvisor')).text).toContain(
    'container_spec_memory_limit_bytes{container="main"',
  )
  expect((await read(cluster, '/metrics')).text).toContain('\nkubelet_running_pods 1\n')
  expect((await read(cluster, '/metrics/probes')).text).toContain('probe_type="Liveness",result="successful"} 1\n')
})

test('runAsNonRoot: an image that is root’s is not started, nor one of which nobody can tell', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const securityContext = { runAsNonRoot: true }
  await cluster.apply(
    pod('root', { securityContext, containers: [{ name: 'app', image: 'nginx:1.27' }] }),
    pod('zero', {
      containers: [{ name: 'app', image: 'nginx:1.27', securityContext: { ...securityContext, runAsUser: 0 } }],
    }),
    pod('fine', { securityContext: { ...securityContext, runAsUser: 1000 } }),
  )
  await cluster.advance('15s')
  const waiting = (name: string) => {
    const found = cluster.pods().find(({ metadata }) => metadata.name === name)!
    const { reason, message } = found.status.containerStatuses?.[0]?.state?.waiting ?? {}
    return `${reason}: ${message?.replace(found.metadata.uid!, 'UID')}`
  }
  expect(waiting('root')).toBe(
    'CreateContainerConfigError: container has runAsNonRoot and image will run as root (pod: "root_default(UID)", container: app)',
  )
  expect(waiting('zero')).toBe(
    'CreateContainerConfigError: container\'s runAsUser breaks non-root policy (pod: "zero_default(UID)", container: app)',
  )
  expect(cluster.pods().find(({ metadata }) => metadata.name === 'fine')?.status.phase).toBe('Running')
})
