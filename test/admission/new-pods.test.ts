// What admission gives a new pod. plugin/pkg/admission/{serviceaccount,defaulttolerationseconds,priority}/admission.go.

import { describe, expect, test } from 'vitest'
import type { Reading } from '../../apiserver/registry/registry.ts'
import type { Pod } from '../../generated/types.ts'
import { Namespaces, Pods, ServiceAccounts } from '../../src/kinds/index.ts'
import { inDefault, refusal, type TestServer, testServer } from '../registry/harness.ts'
import { leastObject } from '../registry/least-objects.ts'

const where = { namespace: 'default' }

async function create({ of, info }: TestServer, spec: object = {}, metadata: object = {}): Promise<Pod> {
  const pod = leastObject(Pods, 'web')
  Object.assign(pod.spec, spec)
  Object.assign(pod.metadata, metadata)
  const { reading } = await of(Pods).create(pod, where, {}, info)
  return podOf(reading)
}

const podOf = (reading: Reading): Pod => reading.object as unknown as Pod
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'

describe('service account', () => {
  test('default, its token in a volume that every container mounts', async () => {
    const init = [{ name: 'init', image: 'busybox' }]
    const { spec } = await create(await testServer(), { initContainers: init })
    expect(spec).toMatchObject({ serviceAccountName: 'default', serviceAccount: 'default' })
    expect(spec.volumes).toHaveLength(1)
    const { name } = spec.volumes![0]!
    expect(name).toMatch(/^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    expect(spec.volumes).toEqual([
      {
        name,
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
              },
            },
          ],
        },
      },
    ])
    const mount = { name, readOnly: true, mountPath }
    expect(spec.containers[0]!.volumeMounts).toEqual([mount])
    expect(spec.initContainers![0]!.volumeMounts).toEqual([mount])
  })

  test('a container that mounts something there already keeps it, and needs no volume', async () => {
    const volumeMounts = [{ name: 'mine', mountPath }]
    const { spec } = await create(await testServer(), {
      containers: [{ name: 'main', image: 'nginx', volumeMounts }],
      volumes: [{ name: 'mine', emptyDir: {} }],
    })
    expect(spec.volumes!.map(({ name }) => name)).toEqual(['mine'])
  })

  test('no token where the pod, or its account, wants none; the pod has the last word', async () => {
    const server = await testServer()
    const { of, info } = server
    const pod = await create(server, { automountServiceAccountToken: false })
    expect(pod.spec.volumes ?? []).toEqual([])
    const account = { ...leastObject(ServiceAccounts, 'robot'), automountServiceAccountToken: false }
    await of(ServiceAccounts).create({ ...account, imagePullSecrets: [{ name: 'hub' }] }, where, {}, info)
    const robot = await create(server, { serviceAccountName: 'robot' }, { name: 'b' })
    expect(robot.spec.volumes ?? []).toEqual([])
    expect(robot.spec.imagePullSecrets).toEqual([{ name: 'hub' }])
    const own = { serviceAccountName: 'robot', automountServiceAccountToken: true }
    expect((await create(server, own, { name: 'c' })).spec.volumes).toHaveLength(1)
  })

  test('one that is not there is refused', async () => {
    const error = await refusal(create(await testServer(), { serviceAccountName: 'robot' }))
    expect(error).toMatchObject({ reason: 'Forbidden', code: 403 })
    expect(error.message).toBe(
      'pods "web" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
    )
  })

  async function freshNamespace() {
    const server = await testServer()
    const { of, info } = server
    await of(Namespaces).create(leastObject(Namespaces, 'team'), {}, {}, info)
    const run = (mayWait: boolean) =>
      of(Pods).create(leastObject(Pods, 'web', 'team'), { namespace: 'team' }, {}, { ...info, mayWait })
    return { ...server, run }
  }
  const missing =
    'pods "web" is forbidden: error looking up service account team/default: serviceaccount "default" not found'

  test('right after its namespace, a person’s pod waits for the account to come', async () => {
    const { of, info, run } = await freshNamespace()
    const pod = run(true)
    const account = leastObject(ServiceAccounts, 'default', 'team')
    await of(ServiceAccounts).create(account, { namespace: 'team' }, {}, info)
    expect(podOf((await pod).reading).spec.serviceAccountName).toBe('default')
  })

  test('but not for ever', async () => {
    const { run, env } = await freshNamespace()
    const outcome = refusal(run(true))
    await env.clock.advance(2000)
    expect((await outcome).message).toBe(missing)
  })

  test('a controller is refused at once, and tries again itself', async () => {
    const { run } = await freshNamespace()
    expect((await refusal(run(false))).message).toBe(missing)
  })

  test('a mirror pod has none', async () => {
    const server = await testServer()
    const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
    const { spec } = await create(server, { nodeName: 'node-1' }, mirror)
    expect(spec.serviceAccountName).toBeUndefined()
    const error = await refusal(
      create(server, { nodeName: 'node-1', serviceAccountName: 'default' }, { ...mirror, name: 'b' }),
    )
    expect(error.message).toBe('pods "b" is forbidden: a mirror pod may not reference service accounts')
  })
})

describe('an account that alone decides which secrets its pods use', () => {
  const container = (rest: object) => ({ containers: [{ name: 'main', image: 'nginx', ...rest }] })

  test.each([
    [
      { volumes: [{ name: 'v', secret: { secretName: 'other' } }] },
      'volume with secret.secretName="other" is not allowed because service account robot does not reference that secret',
    ],
    [
      container({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'other', key: 'k' } } }] }),
      'container main with envVar A referencing secret.secretName="other" is not allowed because service account robot does not reference that secret',
    ],
    [
      { initContainers: [{ name: 'init', image: 'busybox', envFrom: [{ secretRef: { name: 'other' } }] }] },
      'init container init with envFrom referencing secret.secretName="other" is not allowed because service account robot does not reference that secret',
    ],
    [
      { imagePullSecrets: [{ name: 'other' }] },
      'imagePullSecrets[0].name="other" is not allowed because service account robot does not reference that imagePullSecret',
    ],
  ])('%o is refused', async (spec, why) => {
    const server = await testServer()
    const account = {
      ...leastObject(ServiceAccounts, 'robot'),
      metadata: {
        name: 'robot',
        namespace: 'default',
        annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' },
      },
      secrets: [{ name: 'mine' }],
    }
    await server.of(ServiceAccounts).create(account, where, {}, server.info)
    const error = await refusal(create(server, { ...spec, serviceAccountName: 'robot' }))
    expect(error).toMatchObject({ reason: 'Forbidden', message: `pods "web" is forbidden: ${why}` })
    const volumes = [{ name: 'v', secret: { secretName: 'mine' } }]
    await create(server, { serviceAccountName: 'robot', volumes })
  })
})

describe('tolerations', () => {
  const added = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
  const both = [added('node.kubernetes.io/not-ready'), added('node.kubernetes.io/unreachable')]

  test.each([
    ['five minutes of a node that is silent', [], both],
    [
      'what the pod says itself stays',
      [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }],
      [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }, both[1]],
    ],
    ['nothing where everything is tolerated', [{ operator: 'Exists' }], [{ operator: 'Exists' }]],
    [
      'another effect is another matter',
      [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoSchedule' }],
      [{ key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoSchedule' }, ...both],
    ],
  ])('%s', async (_, tolerations, expected) => {
    expect((await create(await testServer(), { tolerations })).spec.tolerations).toEqual(expected)
  })
})

describe('priority', () => {
  test.each([
    [{}, 0],
    [{ priorityClassName: 'system-node-critical' }, 2000001000],
    [{ priorityClassName: 'system-cluster-critical' }, 2000000000],
    [{ priority: 0 }, 0],
  ])('%o is %i', async (spec, priority) => {
    const pod = await create(await testServer(), spec)
    expect(pod.spec).toMatchObject({ priority, preemptionPolicy: 'PreemptLowerPriority' })
  })

  test.each([
    [{ priorityClassName: 'mine' }, 'no PriorityClass with name mine was found'],
    [
      { priority: 7 },
      'the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
    ],
    [
      { preemptionPolicy: 'Never' },
      'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
    ],
  ])('%o is refused', async (spec, why) => {
    const error = await refusal(create(await testServer(), spec))
    expect(error).toMatchObject({ reason: 'Forbidden', message: `pods "web" is forbidden: ${why}` })
  })
})

test('an update gives nothing anew', async () => {
  const server = await testServer()
  const { of, info } = server
  await create(server)
  const before = podOf(of(Pods).get(inDefault('web')))
  const body = { metadata: { labels: { a: 'b' } } }
  const { reading } = await of(Pods).patch(inDefault('web'), { type: 'merge', body }, {}, info)
  expect(podOf(reading).spec).toEqual(before.spec)
})
