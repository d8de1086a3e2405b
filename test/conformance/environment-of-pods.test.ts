// Upstream's conformance items about what a pod's programs find in their environment, by their names (test/e2e/common/node/
// {configmap,secrets,downwardapi,expansion,pods}.go).

import { describe, expect, test } from 'vitest'
import type { Container, EnvVar, PodSpec } from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod, service } from '../support/objects.ts'
import { busybox, endOf, logOf, podOf, runs, saidIn } from './in-pods.ts'

const main = (more: Partial<Container>): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: busybox, command: ['sh', '-c', 'env'], ...more }],
})
const data = { 'data-1': 'value-1', 'data-2': 'value-2', 'data-3': 'value-3' }
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A kind whose data the environment is made of. */
interface Source {
  readonly object: NewObject<any>
  readonly key: (key: string) => EnvVar['valueFrom']
  readonly all: object
}
const configMap: Source = {
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'given' }, data },
  key: key => ({ configMapKeyRef: { name: 'given', key } }),
  all: { configMapRef: { name: 'given' } },
}
const secret: Source = {
  object: {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'given' },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(`${value}\n`)])),
  },
  key: key => ({ secretKeyRef: { name: 'given', key } }),
  all: { secretRef: { name: 'given' } },
}

async function oneVariable({ object, key }: Source): Promise<void> {
  const { printed } = await endOf(main({ env: [{ name: 'DATA', valueFrom: key('data-1')! }] }), [object])
  expect(printed).toContain('DATA=value-1\n')
}

async function allVariables({ object, all }: Source, prefixes: readonly string[]): Promise<void> {
  const envFrom = prefixes.map(prefix => ({ ...(prefix === '' ? {} : { prefix }), ...all }))
  const { printed, pod } = await endOf(main({ envFrom }), [object])
  expect(pod.status.phase).toBe('Succeeded')
  for (const prefix of prefixes) {
    for (const [key, value] of Object.entries(data)) expect(printed).toContain(`${prefix}${key}=${value}\n`)
  }
}

/** Whatever is printable but the equals sign may be in a name (RelaxedEnvironmentVariableValidation). */
const unusual = ['p-', '1-', '$_-', '.a-', ':b/']

test('[sig-node] ConfigMap should be consumable via environment variable [NodeConformance]', () =>
  oneVariable(configMap))

test('[sig-node] ConfigMap should be consumable via the environment [NodeConformance]', () =>
  allVariables(configMap, ['', 'p-']))

test('[sig-node] ConfigMap should be consumable as environment variable names with various prefixes', () =>
  allVariables(configMap, unusual))

test('[sig-node] Secrets should be consumable from pods in env vars [NodeConformance]', () => oneVariable(secret))

test('[sig-node] Secrets should be consumable via the environment [NodeConformance]', () =>
  allVariables(secret, ['', 'p-']))

test('[sig-node] Secrets should be consumable as environment variable names variable names with various prefixes', () =>
  allVariables(secret, unusual))

describe('Downward API', () => {
  const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } })
  const amount = (name: string, resource: string): EnvVar => ({ name, valueFrom: { resourceFieldRef: { resource } } })
  const resources = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }
  const told = async (env: EnvVar[], more: Partial<Container> = { resources }) => endOf(main({ env, ...more }))

  test('[sig-node] Downward API should provide pod name, namespace and IP address as env vars [NodeConformance]', async () => {
    const { printed, pod } = await told([
      field('POD_NAME', 'metadata.name'),
      field('POD_NAMESPACE', 'metadata.namespace'),
      field('POD_IP', 'status.podIP'),
    ])
    expect(printed).toContain('POD_NAME=pod-under-test\n')
    expect(printed).toContain('POD_NAMESPACE=default\n')
    expect(pod.status.podIP).toMatch(/^10\.244\./)
    expect(printed).toContain(`POD_IP=${pod.status.podIP}\n`)
  })

  test('[sig-node] Downward API should provide host IP as an env var [NodeConformance]', async () => {
    const { printed, pod } = await told([field('HOST_IP', 'status.hostIP')])
    expect(pod.status.hostIP).toMatch(/^\d+\.\d+\.\d+\.\d+$/)
    expect(printed).toContain(`HOST_IP=${pod.status.hostIP}\n`)
  })

  test('[sig-node] Downward API should provide hostIPs as an env var [NodeConformance]', async () => {
    const { printed, pod } = await told([field('HOST_IPS', 'status.hostIPs')])
    expect(printed).toContain(`HOST_IPS=${pod.status.hostIPs!.map(({ ip }) => ip).join(',')}\n`)
  })

  test('[sig-node] Downward API should provide pod UID as env vars [NodeConformance]', async () => {
    const { printed, pod } = await told([field('POD_UID', 'metadata.uid')])
    expect(printed).toMatch(/^POD_UID=[a-z0-9]{8}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{12}$/m)
    expect(printed).toContain(pod.metadata.uid)
  })

  const limits = [amount('CPU_LIMIT', 'limits.cpu'), amount('MEMORY_LIMIT', 'limits.memory')]
  test("[sig-node] Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars [NodeConformance]", async () => {
    const requests = [amount('CPU_REQUEST', 'requests.cpu'), amount('MEMORY_REQUEST', 'requests.memory')]
    const { printed } = await told([...limits, ...requests])
    const wanted = ['CPU_LIMIT=2', 'MEMORY_LIMIT=67108864', 'CPU_REQUEST=1', 'MEMORY_REQUEST=33554432']
    for (const line of wanted) expect(printed).toContain(`${line}\n`)
  })

  test('[sig-node] Downward API should provide default limits.cpu/memory from node allocatable [NodeConformance]', async () => {
    const { printed } = await told(limits, {})
    expect(printed).toContain('CPU_LIMIT=8\n')
    expect(printed).toContain(`MEMORY_LIMIT=${16 * 2 ** 30}\n`)
  })
})

describe('Variable Expansion', () => {
  test('[sig-node] Variable Expansion should allow composing env vars into new env vars [NodeConformance]', async () => {
    const env = [
      { name: 'FOO', value: 'foo-value' },
      { name: 'BAR', value: 'bar-value' },
      { name: 'FOOBAR', value: '$(FOO);;$(BAR)' },
    ]
    const { printed } = await endOf(main({ env }))
    for (const line of ['FOO=foo-value', 'BAR=bar-value', 'FOOBAR=foo-value;;bar-value'])
      expect(printed).toContain(`${line}\n`)
  })

  const env = [{ name: 'TEST_VAR', value: 'test-value' }]
  const script = 'TEST_VAR=wrong echo "$(TEST_VAR)"'
  test("[sig-node] Variable Expansion should allow substituting values in a container's command [NodeConformance]", async () => {
    expect((await endOf(main({ env, command: ['sh', '-c', script] }))).printed).toBe('test-value\n')
  })

  test("[sig-node] Variable Expansion should allow substituting values in a container's args [NodeConformance]", async () => {
    expect((await endOf(main({ env, command: ['sh', '-c'], args: [script] }))).printed).toBe('test-value\n')
  })

  const volumes = [{ name: 'workdir1', emptyDir: {} }]
  const mounted = (subPathExpr: string, more: Partial<Container>): Partial<PodSpec> => ({
    ...main({
      volumeMounts: [
        { name: 'workdir1', mountPath: '/subpath_mount', subPathExpr },
        { name: 'workdir1', mountPath: '/volume_mount' },
      ],
      ...more,
    }),
    volumes,
    restartPolicy: 'Never',
  })
  const named = (value: string): EnvVar[] => [{ name: 'POD_NAME', value }]
  const annotated: EnvVar[] = [
    ...named('foo'),
    { name: 'ANNOTATION', valueFrom: { fieldRef: { fieldPath: "metadata.annotations['mysubpath']" } } },
  ]
  const waits = { command: ['sh', '-c', 'tail -f /dev/null'] }

  const annotate = async (cluster: TestCluster, mysubpath: string) => {
    const body = { metadata: { annotations: { mysubpath } } }
    await cluster.client.of(Pods).patch({ name: 'pod-under-test', namespace: 'default' }, { type: 'merge', body })
  }

  test('[sig-node] Variable Expansion should allow substituting values in a volume subpath', async () => {
    const command = ['sh', '-c', 'test -d /volume_mount/pod-under-test;echo $?']
    const { printed } = await endOf(mounted('$(POD_NAME)', { command, env: named('pod-under-test') }))
    expect(printed).toBe('0\n')
  })

  test.each([
    ['[sig-node] Variable Expansion should fail substituting values in a volume subpath with backticks [Slow]', '..'],
    [
      '[sig-node] Variable Expansion should fail substituting values in a volume subpath with absolute path [Slow]',
      '/tmp',
    ],
  ])('%s', async (_, value) => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    await cluster.apply(pod('pod-under-test', mounted('$(POD_NAME)', { env: named(value) })))
    await cluster.advance('30s')
    expect(podOf(cluster).status.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message:
        value === '..'
          ? "unable to provision SubPath `..`: must not contain '..'"
          : 'error SubPath `/tmp` must not be an absolute path',
    })
  })

  test('[sig-node] Variable Expansion should verify that a failing subpath expansion can be modified during the lifecycle of a container [Slow]', async () => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    const made = pod('pod-under-test', mounted('$(ANNOTATION)/$(POD_NAME)', { env: annotated, ...waits }))
    await cluster.apply({ ...made, metadata: { ...made.metadata, annotations: { notmysubpath: 'mypath' } } })
    await cluster.advance('1m')
    expect(podOf(cluster).status.containerStatuses?.[0]?.state?.waiting?.message).toBe('missing value for ANNOTATION')
    await annotate(cluster, 'mypath')
    await runs(cluster)
  })

  test('[sig-node] Variable Expansion should succeed in writing subpaths in container [Slow]', async () => {
    await using cluster = await testCluster({ nodes: 1, delays: 0 })
    const made = pod('pod-under-test', mounted('$(ANNOTATION)/$(POD_NAME)', { env: annotated, ...waits }))
    await cluster.apply({ ...made, metadata: { ...made.metadata, annotations: { mysubpath: 'mypath' } } })
    await runs(cluster)
    const shell = (script: string) => saidIn(cluster, ['/bin/sh', '-c', script])
    expect(await shell('touch /volume_mount/mypath/foo/test.log')).toEqual({ code: 0, said: '' })
    expect(await shell('test -f /subpath_mount/test.log')).toEqual({ code: 0, said: '' })
    await annotate(cluster, 'mynewpath')
    await cluster.advance('1m')
    expect(podOf(cluster).status.phase).toBe('Running')
    expect(await shell('test -f /subpath_mount/test.log')).toEqual({ code: 0, said: '' })
  })
})

test('[sig-node] Pods should contain environment variables for services [NodeConformance]', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await cluster.apply(service('fooservice', 'server', { ports: [{ port: 8765, targetPort: 8080 }] }))
  await cluster.advance('1s')
  await cluster.apply(pod('pod-under-test', { restartPolicy: 'Never', ...main({}) }))
  await cluster.until(() => podOf(cluster).status.phase === 'Succeeded')
  const printed = await logOf(cluster)
  const host = /^FOOSERVICE_SERVICE_HOST=(.+)$/m.exec(printed)?.[1]
  expect(host).toMatch(/^10\.(9[6-9]|1[01]\d)\./)
  for (const line of [
    'FOOSERVICE_SERVICE_PORT=8765',
    `FOOSERVICE_PORT=tcp://${host}:8765`,
    'FOOSERVICE_PORT_8765_TCP_PORT=8765',
    'FOOSERVICE_PORT_8765_TCP_PROTO=tcp',
    `FOOSERVICE_PORT_8765_TCP=tcp://${host}:8765`,
    `FOOSERVICE_PORT_8765_TCP_ADDR=${host}`,
  ])
    expect(printed).toContain(`${line}\n`)
})
