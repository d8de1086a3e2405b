// What becomes of a pod before its first container: sandboxes that cannot be made, names, users; and what nodes and pods say of it.

import { describe, expect, test } from 'vitest'
import type { Container, PodSpec, RuntimeClass } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { Nodes, Pods, RuntimeClasses } from '../../src/kinds/index.ts'
import { busybox, endOf, logOf, podOf, runs, saidIn } from '../conformance/in-pods.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'

const sleeps = (more: Partial<Container> = {}): Container =>
  ({ name: 'main', image: busybox, command: ['sleep', '1d'], ...more }) as Container
const runtimeClass = (name: string, handler: string): NewObject<RuntimeClass> => ({
  apiVersion: 'node.k8s.io/v1',
  kind: 'RuntimeClass',
  metadata: { name },
  handler,
})

async function applied(spec: Partial<PodSpec>, ...before: NewObject<any>[]): Promise<TestCluster> {
  const cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(...before, pod('pod-under-test', { containers: [sleeps()], ...spec }))
  await cluster.advance('1s')
  return cluster
}

const failures = (cluster: TestCluster) =>
  cluster.events('pod-under-test').filter(text => text.startsWith('FailedCreatePodSandBox'))

describe('a sandbox that cannot be made', () => {
  test('a handler that the runtime does not have, until the node has it', async () => {
    await using cluster = await applied({ runtimeClassName: 'gvisor' }, runtimeClass('gvisor', 'runsc'))
    expect(failures(cluster)).toEqual([
      expect.stringMatching(
        /^FailedCreatePodSandBox: Failed to create pod sandbox: rpc error: code = Unknown desc = unable to get OCI runtime for sandbox "[0-9a-f]{64}": no runtime for "runsc" is configured$/,
      ),
    ])
    const { status } = podOf(cluster)
    expect([status.phase, status.podIP, status.containerStatuses?.[0]?.state?.waiting?.reason]).toEqual([
      'Pending',
      undefined,
      'ContainerCreating',
    ])
    expect(status.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status).toBe('False')
    const annotations = { 'kubesim.dev/runtime-handlers': 'runsc' }
    await cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { metadata: { annotations } } })
    await runs(cluster)
    await cluster.advance('1s')
    const names = cluster.get(Nodes, 'node-1').status.runtimeHandlers?.map(({ name }) => name)
    expect(names).toEqual(['', 'runc', 'runsc', 'test-handler'])
  })

  test('a class that is gone by the time the kubelet looks', async () => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    await cluster.apply(runtimeClass('short', 'runc'))
    const gate = [{ name: 'example.com/later' }]
    await cluster.apply(
      pod('pod-under-test', { containers: [sleeps()], runtimeClassName: 'short', schedulingGates: gate }),
    )
    await cluster.client.of(RuntimeClasses).delete({ name: 'short' })
    const body = { spec: { schedulingGates: [] } }
    await cluster.client.of(Pods).patch({ name: 'pod-under-test', namespace: 'default' }, { type: 'merge', body })
    await cluster.advance('5s')
    expect(failures(cluster)).toEqual([
      'FailedCreatePodSandBox: Failed to create pod sandbox: runtimeclass.node.k8s.io "short" not found',
    ])
  })

  test('a name that is longer than a kernel takes', async () => {
    const subdomain = 'a-rather-long-subdomain-for-a-service'
    await using cluster = await applied({ hostname: 'host', subdomain, setHostnameAsFQDN: true })
    const name = `host.${subdomain}.default.svc.cluster.local`
    expect(failures(cluster)).toEqual([
      `FailedCreatePodSandBox: Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, FQDN ${name} is too long (64 characters is the max, ${name.length} characters requested)`,
    ])
  })
})

describe('names', () => {
  const named = async (spec: Partial<PodSpec>) => {
    await using cluster = await applied(spec)
    return (await saidIn(cluster, ['sh', '-c', 'hostname; hostname -f; tail -n 1 /etc/hosts'])).said
      .replace(podOf(cluster).status.podIP!, 'IP')
      .split('\n')
  }

  test('hostname and subdomain, as the whole name or not', async () => {
    const whole = 'one.sub.default.svc.cluster.local'
    expect(await named({ hostname: 'one', subdomain: 'sub' })).toEqual(['one', whole, `IP\t${whole}\tone`, ''])
    expect(await named({ hostname: 'one', subdomain: 'sub', setHostnameAsFQDN: true })).toEqual([
      whole,
      whole,
      `IP\t${whole}\tone`,
      '',
    ])
  })

  test('hostnameOverride is all there is', async () => {
    const spec = { hostname: 'one', subdomain: 'sub', hostnameOverride: 'my.own.name' }
    expect(await named(spec)).toEqual(['my.own.name', 'my.own.name', 'IP\tmy.own.name', ''])
  })
})

describe('what is said of it', () => {
  test('of a container: its user and its mounts', async () => {
    const volumeMounts = [
      { name: 'data', mountPath: '/data' },
      { name: 'data', mountPath: '/all', readOnly: true, recursiveReadOnly: 'IfPossible' },
    ]
    await using cluster = await applied({
      containers: [sleeps({ volumeMounts })],
      volumes: [{ name: 'data', emptyDir: {} }],
    })
    const status = podOf(cluster).status.containerStatuses![0]!
    expect(status.user).toEqual({ linux: { gid: 0, supplementalGroups: [0, 10], uid: 0 } })
    expect(status.volumeMounts?.slice(0, 2)).toEqual([
      { name: 'data', mountPath: '/data' },
      { name: 'data', mountPath: '/all', readOnly: true, recursiveReadOnly: 'Enabled' },
    ])
    expect(status.volumeMounts?.[2]).toMatchObject({ readOnly: true, recursiveReadOnly: 'Disabled' })
  })

  test('groups of the image count, unless the policy is Strict', async () => {
    const id = async (securityContext: PodSpec['securityContext']) => {
      const { printed, pod } = await endOf({
        securityContext: securityContext!,
        containers: [sleeps({ command: ['id'] })],
      })
      return [printed, pod.status.containerStatuses![0]!.user?.linux?.supplementalGroups]
    }
    expect(await id({ supplementalGroups: [50] })).toEqual([
      'uid=0(root) gid=0(root) groups=0(root),10(wheel),50(staff)\n',
      [0, 10, 50],
    ])
    expect(await id({ supplementalGroups: [50], supplementalGroupsPolicy: 'Strict' })).toEqual([
      'uid=0(root) gid=0(root) groups=0(root),50(staff)\n',
      [0, 50],
    ])
  })

  test('of a node: what its runtime and its kubelet can do', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    const { features, runtimeHandlers, declaredFeatures } = cluster.get(Nodes, 'node-1').status
    expect(features).toEqual({ supplementalGroupsPolicy: true })
    const can = { recursiveReadOnlyMounts: true, userNamespaces: true }
    expect(runtimeHandlers).toEqual(['', 'runc', 'test-handler'].map(name => ({ name, features: can })))
    expect(declaredFeatures).toEqual(['GuaranteedQoSPodCPUResize'])
  })

  // test/e2e/common/node/security_context.go, "When creating a pod with HostUsers".
  test('users of its own, with hostUsers: false, are others in each pod', async () => {
    const map = async (hostUsers: boolean) => {
      await using cluster = await testCluster({ nodes: 1, delays: 0 })
      const containers = [sleeps({ command: ['cat', '/proc/self/uid_map'] })]
      const names = ['one', 'two']
      await cluster.apply(...names.map(name => pod(name, { hostUsers, restartPolicy: 'Never', containers })))
      await cluster.advance('5s')
      return [await logOf(cluster, 'one'), await logOf(cluster, 'two')]
    }
    const [one, two] = await map(false)
    expect(one).toMatch(/^ +0 +\d+ +65536\n$/)
    expect(one).not.toBe(two)
    expect(await map(true)).toEqual(['         0          0 4294967295\n', '         0          0 4294967295\n'])
  })
})
