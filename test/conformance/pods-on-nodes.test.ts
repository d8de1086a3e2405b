// Upstream's conformance items about the life of pods on nodes, by their names (test/e2e/common/node/{pods,init_container,
// container_probe,sysctl,runtimeclass,ephemeral_containers,kubelet}.go, test/e2e/node/pods.go).

import { expect, test } from 'vitest'
import type { Pod, PodSpec, RuntimeClass } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { Nodes, Pods, RuntimeClasses } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const ref = (name: string) => ({ name, namespace: 'default' })
const busybox = (name: string, command: string[], more: object = {}) => ({
  name,
  image: 'busybox:1.36',
  command,
  ...more,
})
const find = (cluster: TestCluster, name: string): Frozen<Pod> =>
  cluster.pods().find(({ metadata }) => metadata.name === name)!
const conditionOf = ({ status }: Frozen<Pod>, type: string) => status.conditions?.find(each => each.type === type)
const runs = (cluster: TestCluster, name: string) => cluster.until(() => find(cluster, name).status.phase === 'Running')

// ---- pods

test('[sig-node] Pods should be submitted and removed [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const client = cluster.client.of(Pods)
  const ending = new AbortController()
  const { resourceVersion } = await client.list({ namespace: 'default' })
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of client.watch({ namespace: 'default', after: resourceVersion, signal: ending.signal })) {
      seen.push(event.type)
      if (event.type === 'DELETED') return
    }
  })()
  await cluster.apply(pod('pod-submit', { terminationGracePeriodSeconds: 30 }))
  await runs(cluster, 'pod-submit')
  await client.delete(ref('pod-submit'), { gracePeriodSeconds: 30 })
  await cluster.until(() => cluster.pods().length === 0, '1m')
  await watching
  ending.abort()
  expect([seen[0], seen.at(-1)]).toEqual(['ADDED', 'DELETED'])
})

test('[sig-node] Pods should be updated [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('pod-update', {}, { time: 'before' }))
  await runs(cluster, 'pod-update')
  const body = { metadata: { labels: { time: 'after' } } }
  await cluster.client.of(Pods).patch(ref('pod-update'), { type: 'merge', body })
  expect(cluster.pods({ time: 'after' })).toHaveLength(1)
  expect(cluster.pods({ time: 'before' })).toHaveLength(0)
})

test('[sig-node] Pods should get a host IP [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('pod-hostip'))
  await runs(cluster, 'pod-hostip')
  const { hostIP, hostIPs } = find(cluster, 'pod-hostip').status
  const address = cluster.get(Nodes, { name: 'node-1' }).status.addresses?.[0]?.address
  expect([hostIP, hostIPs]).toEqual([address, [{ ip: address }]])
})

test('[sig-node] Pods should allow activeDeadlineSeconds to be updated [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('pod-deadline'))
  await runs(cluster, 'pod-deadline')
  const body = { spec: { activeDeadlineSeconds: 5 } }
  await cluster.client.of(Pods).patch(ref('pod-deadline'), { type: 'merge', body })
  await cluster.until(() => find(cluster, 'pod-deadline').status.phase === 'Failed', '1m')
  expect(find(cluster, 'pod-deadline').status.reason).toBe('DeadlineExceeded')
})

test('[sig-node] Pods should delete a collection of pods', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const labels = { type: 'Testing' }
  await cluster.apply(...['one', 'two', 'three'].map(name => pod(name, { terminationGracePeriodSeconds: 1 }, labels)))
  expect(cluster.pods(labels)).toHaveLength(3)
  await cluster.client.of(Pods).deleteCollection({ namespace: 'default', labelSelector: 'type=Testing' })
  await cluster.until(() => cluster.pods(labels).length === 0, '1m')
})

test('[sig-node] Pods should patch a pod status', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('patched'))
  await runs(cluster, 'patched')
  const body = { status: { message: 'Patched by e2e test', reason: 'E2E' } }
  const patched = await cluster.client.of(Pods).patch(ref('patched'), { type: 'strategic', body }, 'status')
  expect(patched.status).toMatchObject(body.status)
  await cluster.advance('1m')
  expect(find(cluster, 'patched').status).toMatchObject(body.status)
})

test('[sig-node] Pods should run through the lifecycle of Pods and PodStatus', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const client = cluster.client.of(Pods)
  await cluster.apply(pod('lived', {}, { 'test-pod-static': 'true' }))
  await runs(cluster, 'lived')
  const patched = await client.patch(ref('lived'), {
    type: 'strategic',
    body: {
      metadata: { labels: { 'test-pod': 'patched' } },
      spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] },
    },
  })
  expect(patched.metadata.labels).toMatchObject({ 'test-pod': 'patched' })
  await cluster.until(() => find(cluster, 'lived').status.containerStatuses?.[0]?.image.includes('1.27') === true, '2m')
  const now = await client.get(ref('lived'))
  const conditions = [
    { type: 'Ready', status: 'False' },
    { type: 'Own', status: 'True' },
  ]
  await client.updateStatus({ ...now, status: { ...now.status, conditions } } as never)
  expect(conditionOf(find(cluster, 'lived'), 'Own')?.status).toBe('True')
  await client.deleteCollection({ namespace: 'default', labelSelector: 'test-pod-static=true' })
  await cluster.until(() => cluster.pods().length === 0, '1m')
})

test('[sig-node] Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const amounts = { cpu: '100m', memory: '100Mi' }
  const resources = { requests: amounts, limits: amounts }
  await cluster.apply(pod('qos', { containers: [{ name: 'main', image: 'nginx', resources }] }))
  expect(find(cluster, 'qos').status.qosClass).toBe('Guaranteed')
})

// ---- generation

test('[sig-node] Pods Extended (pod generation) Pod Generation pod generation should start at 1 and increment per update [MinimumKubeletVersion:1.34]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const client = cluster.client.of(Pods)
  await cluster.apply(pod('counted'))
  const generations = () => {
    const { metadata, status } = find(cluster, 'counted')
    return [
      metadata.generation,
      status.observedGeneration,
      conditionOf(find(cluster, 'counted'), 'Ready')?.observedGeneration,
    ]
  }
  await runs(cluster, 'counted')
  expect(generations()).toEqual([1, 1, 1])
  const change = async (body: object, subresource?: string) => {
    await client.patch(ref('counted'), { type: 'strategic', body }, subresource)
    await cluster.advance('10s')
  }
  await change({ spec: { tolerations: [{ key: 'own', operator: 'Exists' }] } })
  expect(generations()).toEqual([2, 2, 2])
  await change({ spec: { activeDeadlineSeconds: 3600 } })
  expect(generations()).toEqual([3, 3, 3])
  await change({ spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } })
  expect(generations()).toEqual([4, 4, 4])
  // What is no part of the spec counts for nothing.
  await change({ metadata: { labels: { own: 'true' } } })
  expect(generations()).toEqual([4, 4, 4])
})

test('[sig-node] Pods Extended (pod generation) Pod Generation custom-set generation on new pods and graceful delete', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const own = pod('set')
  await cluster.apply({ ...own, metadata: { ...own.metadata, generation: 100 } })
  expect(find(cluster, 'set').metadata.generation).toBe(1)
  await runs(cluster, 'set')
  await cluster.client.of(Pods).delete(ref('set'), { gracePeriodSeconds: 30 })
  expect(find(cluster, 'set').metadata.generation).toBe(2)
  await cluster.until(() => cluster.pods().length === 0, '1m')
})

test('[sig-node] Pods Extended (pod generation) Pod Generation issue 500 podspec updates and verify generation and observedGeneration eventually converge [MinimumKubeletVersion:1.34]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('often'))
  await runs(cluster, 'often')
  for (let seconds = 10_000; seconds > 9500; seconds--) {
    const body = { spec: { activeDeadlineSeconds: seconds } }
    await cluster.client.of(Pods).patch(ref('often'), { type: 'merge', body })
  }
  await cluster.advance('10s')
  const { metadata, status } = find(cluster, 'often')
  expect([metadata.generation, status.observedGeneration]).toEqual([501, 501])
})

// ---- init containers

const initial = (restartPolicy: string, second: string[]): Partial<PodSpec> => ({
  restartPolicy,
  initContainers: [busybox('init1', ['/bin/true']), busybox('init2', second)],
  containers: [{ name: 'run1', image: 'registry.k8s.io/pause:3.10' }],
})

test('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartAlways pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('init', initial('Always', ['/bin/true'])))
  await runs(cluster, 'init')
  const { status } = find(cluster, 'init')
  expect(conditionOf(find(cluster, 'init'), 'Initialized')?.status).toBe('True')
  expect(status.initContainerStatuses?.map(({ ready, state }) => [ready, state?.terminated?.exitCode])).toEqual([
    [true, 0],
    [true, 0],
  ])
})

test('[sig-node] InitContainer [NodeConformance] should invoke init containers on a RestartNever pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const spec = { ...initial('Never', ['/bin/true']), containers: [busybox('run1', ['/bin/true'])] }
  await cluster.apply(pod('init', spec))
  await cluster.until(() => find(cluster, 'init').status.phase === 'Succeeded')
  expect(find(cluster, 'init').status.initContainerStatuses?.every(({ ready }) => ready)).toBe(true)
})

test('[sig-node] InitContainer [NodeConformance] should not start app containers if init containers fail on a RestartAlways pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const spec = initial('Always', ['/bin/true'])
  await cluster.apply(
    pod('init', { ...spec, initContainers: [busybox('init1', ['/bin/false']), spec.initContainers![1]!] }),
  )
  await cluster.until(() => (find(cluster, 'init').status.initContainerStatuses?.[0]?.restartCount ?? 0) >= 3, '5m')
  const { status } = find(cluster, 'init')
  expect(status.phase).toBe('Pending')
  expect(status.initContainerStatuses?.[1]?.state?.waiting?.reason).toBe('PodInitializing')
  expect(status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing')
  expect(conditionOf(find(cluster, 'init'), 'Initialized')).toMatchObject({
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [init1 init2]',
  })
})

test('[sig-node] InitContainer [NodeConformance] should not start app containers and fail the pod if init containers fail on a RestartNever pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('init', initial('Never', ['/bin/false'])))
  await cluster.until(() => find(cluster, 'init').status.phase === 'Failed')
  const { status } = find(cluster, 'init')
  expect(status.initContainerStatuses?.[1]?.state?.terminated?.exitCode).toBe(1)
  expect(status.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing')
  expect(conditionOf(find(cluster, 'init'), 'Initialized')?.message).toBe('containers with incomplete status: [init2]')
})

// ---- probes and what ends by itself

test('[sig-node] Probing container with readiness probe should not be ready before initial delay and never restart [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const readinessProbe = { httpGet: { path: '/', port: 80 }, initialDelaySeconds: 30 }
  await cluster.apply(pod('probed', { containers: [{ name: 'main', image: 'nginx', readinessProbe }] }))
  await runs(cluster, 'probed')
  await cluster.until(() => find(cluster, 'probed').status.containerStatuses?.[0]?.ready === true, '2m')
  const { containerStatuses } = find(cluster, 'probed').status
  const started = Date.parse(containerStatuses?.[0]?.state?.running?.startedAt ?? '')
  const ready = Date.parse(conditionOf(find(cluster, 'probed'), 'Ready')?.lastTransitionTime ?? '')
  expect(ready - started).toBeGreaterThanOrEqual(30_000)
  expect(containerStatuses?.[0]?.restartCount).toBe(0)
})

test('[sig-node] Probing container with readiness probe that fails should never be ready and never restart [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const readinessProbe = { exec: { command: ['/bin/false'] } }
  await cluster.apply(pod('probed', { containers: [{ name: 'main', image: 'nginx', readinessProbe }] }))
  await runs(cluster, 'probed')
  await cluster.advance('2m')
  expect(find(cluster, 'probed').status.containerStatuses?.[0]).toMatchObject({ ready: false, restartCount: 0 })
})

test('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should have an terminated reason [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('fails', { restartPolicy: 'Never', containers: [busybox('main', ['/bin/false'])] }))
  await cluster.until(() => find(cluster, 'fails').status.phase === 'Failed')
  expect(find(cluster, 'fails').status.containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 1,
    reason: 'Error',
  })
})

test('[sig-node] Kubelet when scheduling a busybox command that always fails in a pod should be possible to delete [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('fails', { containers: [busybox('main', ['/bin/false'])] }))
  await cluster.advance('1m')
  await cluster.client.of(Pods).delete(ref('fails'))
  await cluster.advance('35s')
  expect(cluster.pods()).toEqual([])
})

// ---- ephemeral containers

const debuggerOf = (name: string) => ({ name, image: 'busybox:1.36', command: ['sleep', '3600'] })

test('[sig-node] Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(pod('debugged'))
  await runs(cluster, 'debugged')
  const body = { spec: { ephemeralContainers: [debuggerOf('debugger')] } }
  await cluster.client.of(Pods).patch(ref('debugged'), { type: 'strategic', body }, 'ephemeralcontainers')
  await cluster.advance('10s')
  expect(find(cluster, 'debugged').status.ephemeralContainerStatuses?.[0]?.state?.running).toBeDefined()
})

test('[sig-node] Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const client = cluster.client.of(Pods)
  await cluster.apply(pod('debugged'))
  await runs(cluster, 'debugged')
  for (const name of ['one', 'two']) {
    const now = await client.get(ref('debugged'))
    const ephemeralContainers = [...(now.spec.ephemeralContainers ?? []), debuggerOf(name)]
    await client.act(
      ref('debugged'),
      'ephemeralcontainers',
      { ...now, spec: { ...now.spec, ephemeralContainers } },
      'PUT',
    )
    await cluster.advance('10s')
  }
  const statuses = find(cluster, 'debugged').status.ephemeralContainerStatuses
  expect(statuses?.map(({ name, state }) => [name, state?.running !== undefined])).toEqual([
    ['one', true],
    ['two', true],
  ])
})

// ---- classes and settings of the node

const runtimeClass = (name: string, overhead?: Record<string, string>): NewObject<RuntimeClass> => ({
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name },
  handler: 'runc',
  ...(overhead ? { overhead: { podFixed: overhead } } : {}),
})

test('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(runtimeClass('plain'))
  expect(cluster.list(RuntimeClasses)).toHaveLength(1)
  await cluster.apply(pod('classed', { runtimeClassName: 'plain' }))
  await runs(cluster, 'classed')
  expect(find(cluster, 'classed').spec.overhead).toBeUndefined()
})

test('[sig-node] RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const overhead = { cpu: '10m', memory: '1Mi' }
  await cluster.apply(runtimeClass('heavy', overhead))
  await cluster.apply(pod('classed', { runtimeClassName: 'heavy' }))
  await runs(cluster, 'classed')
  expect(find(cluster, 'classed').spec.overhead).toEqual(overhead)
})

test('[sig-node] Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [MinimumKubeletVersion:1.21]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const sysctls = [
    { name: 'foo-', value: 'bar' },
    { name: 'kernel.shmmax', value: '100000000' },
    { name: 'safe-and-unsafe', value: '100000000' },
    { name: 'bar..', value: '42' },
  ]
  await expect(cluster.apply(pod('bad', { securityContext: { sysctls } }))).rejects.toThrow(
    /spec\.securityContext\.sysctls\[0\]\.name: Invalid value: "foo-".*sysctls\[3\]\.name: Invalid value: "bar\.\."/s,
  )
  const error = await cluster
    .apply(pod('bad', { securityContext: { sysctls } }))
    .catch((caught: Error) => caught.message)
  expect(error).not.toContain('kernel.shmmax')
  expect(error).not.toContain('safe-and-unsafe')
})

test('[sig-node] Node Lifecycle should run through the lifecycle of a node', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const client = cluster.client.of(Nodes)
  const made = await client.create({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'e2e-fake-node', labels: { e2e: 'node' } },
    spec: { unschedulable: true },
  } as never)
  expect(made.metadata.name).toBe('e2e-fake-node')
  const name = { name: 'e2e-fake-node' }
  const labelled = await client.patch(name, { type: 'strategic', body: { metadata: { labels: { patched: 'yes' } } } })
  expect(labelled.metadata.labels).toMatchObject({ e2e: 'node', patched: 'yes' })
  const condition = { type: 'Ready', status: 'True', reason: 'E2E', message: 'Set from e2e test' }
  const now = await client.get(name)
  await client.updateStatus({ ...now, status: { ...now.status, conditions: [condition] } } as never)
  expect((await client.get(name)).status.conditions).toContainEqual(expect.objectContaining(condition))
  await client.patch(name, { type: 'merge', body: { status: { phase: 'Running' } } }, 'status')
  expect((await client.get(name)).status.phase).toBe('Running')
  const { items } = await client.list({ labelSelector: 'e2e=node,patched=yes' })
  expect(items).toHaveLength(1)
  await client.deleteCollection({ labelSelector: 'e2e=node' })
  expect((await client.list({ labelSelector: 'e2e=node' })).items).toEqual([])
})
