// Upstream's conformance items about ResourceQuota, by their names (test/e2e/apimachinery/resource_quota.go).

import { describe, expect, test } from 'vitest'
import type { Pod, ReplicationController, ResourceQuota } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import type { NewObject } from '../../src/api/meta.ts'
import {
  ConfigMaps,
  Namespaces,
  Pods,
  ReplicaSets,
  ReplicationControllers,
  ResourceQuotas,
  Secrets,
  Services,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { refusal } from '../registry/harness.ts'
import { testCluster } from '../support/cluster.ts'
import { pod, replicaSet, service } from '../support/objects.ts'

const quota = (
  name: string,
  hard: Record<string, string>,
  rest: Partial<ResourceQuota['spec']> = {},
): NewObject<ResourceQuota> => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name, namespace: 'default' },
  spec: { hard, ...rest },
})

const asking = (
  name: string,
  requests: Record<string, string>,
  limits: Record<string, string> = requests,
  rest: Partial<Pod['spec']> = {},
): NewObject<Pod> =>
  pod(name, { containers: [{ name: 'main', image: 'nginx', resources: { requests, limits } }], ...rest })

/** Without a kubelet: a pod that is deleted is gone at once. */
async function cluster() {
  const it = await testCluster({ nodes: 0, without: ['kubelet', 'proxy', 'scheduler'] })
  const used = (name: string) => it.get(ResourceQuotas, name).status.used
  return Object.assign(it, {
    used,
    async create(kind: Kind<any>, object: object) {
      await it.client.of(kind).create(object as never)
    },
    async remove(kind: Kind<any>, name: string) {
      await it.client.of(kind).delete({ name, namespace: 'default' })
      await it.env.activity.idle()
    },
  })
}

/** Counted when it comes, given back when it goes. */
async function lifeOf(kind: Kind<any>, object: object, hard: Record<string, string>, counted: Record<string, string>) {
  await using it = await cluster()
  await it.apply(quota('quota', hard))
  const before = it.get(ResourceQuotas, 'quota').status
  expect(before.hard).toEqual(hard)
  await it.create(kind, object)
  // Not a moment later: in the same turn.
  expect(it.used('quota')).toEqual({ ...before.used, ...counted })
  await it.remove(kind, 'it')
  expect(it.used('quota')).toEqual(before.used)
}

const named = (kind: Kind<any>, rest: object) => ({
  apiVersion: kind.apiVersion,
  kind: kind.kind,
  metadata: { name: 'it', namespace: 'default' },
  ...rest,
})

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.', async () => {
  await using it = await cluster()
  await it.apply(quota('quota', { pods: '5', services: '10', resourcequotas: '1', 'requests.nvidia.com/gpu': '3' }))
  expect(it.get(ResourceQuotas, 'quota').status).toEqual({
    hard: { pods: '5', services: '10', resourcequotas: '1', 'requests.nvidia.com/gpu': '3' },
    // `kubernetes` is a Service of this namespace.
    used: { pods: '0', services: '1', resourcequotas: '1', 'requests.nvidia.com/gpu': '0' },
  })
})

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a configMap.', () =>
  lifeOf(
    ConfigMaps,
    named(ConfigMaps, { data: { a: 'b' } }),
    { configmaps: '10', 'count/configmaps': '10' },
    { configmaps: '1', 'count/configmaps': '1' },
  ))

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a secret.', () =>
  lifeOf(Secrets, named(Secrets, {}), { secrets: '10' }, { secrets: '1' }))

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a service.', () =>
  lifeOf(
    Services,
    service('it', 'web', { type: 'NodePort' }),
    { services: '10', 'services.nodeports': '3', 'services.loadbalancers': '1' },
    { services: '2', 'services.nodeports': '1' },
  ))

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replica set.', () =>
  lifeOf(ReplicaSets, replicaSet('it', 0), { 'count/replicasets.apps': '5' }, { 'count/replicasets.apps': '1' }))

const controller = (replicas: number): NewObject<ReplicationController> => ({
  apiVersion: 'v1',
  kind: 'ReplicationController',
  metadata: { name: 'it', namespace: 'default' },
  spec: {
    replicas,
    selector: { app: 'it' },
    template: { metadata: { labels: { app: 'it' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
  } as ReplicationController['spec'],
})

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a replication controller.', () =>
  lifeOf(ReplicationControllers, controller(0), { replicationcontrollers: '5' }, { replicationcontrollers: '1' }))

test('[sig-api-machinery] ResourceQuota should create a ResourceQuota and capture the life of a pod.', async () => {
  await using it = await cluster()
  const hard = {
    pods: '5',
    cpu: '1',
    memory: '500Mi',
    'requests.ephemeral-storage': '50Gi',
    'requests.nvidia.com/gpu': '3',
  }
  await it.apply(quota('quota', hard))
  const requests = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'nvidia.com/gpu': '2' }
  await it.create(Pods, asking('one', requests))
  const used = {
    pods: '1',
    cpu: '500m',
    memory: '252Mi',
    'requests.ephemeral-storage': '30Gi',
    'requests.nvidia.com/gpu': '2',
  }
  expect(it.used('quota')).toEqual(used)
  const much = await refusal(it.create(Pods, asking('two', { cpu: '600m', memory: '100Mi' })))
  expect(much.message).toBe(
    'pods "two" is forbidden: exceeded quota: quota, requested: cpu=600m, used: cpu=500m, limited: cpu=1',
  )
  const gpus = await refusal(it.create(Pods, asking('two', { ...requests, cpu: '500m', memory: '100Mi' })))
  expect(gpus.message).toBe(
    'pods "two" is forbidden: exceeded quota: quota, requested: requests.ephemeral-storage=30Gi,requests.nvidia.com/gpu=2, used: requests.ephemeral-storage=30Gi,requests.nvidia.com/gpu=2, limited: requests.ephemeral-storage=50Gi,requests.nvidia.com/gpu=3',
  )
  const changed = draft<Pod>(it.get(Pods, 'one'))
  changed.spec.containers[0]!.resources!.requests = { cpu: '100m', memory: '100Mi' }
  expect((await refusal(it.client.of(Pods).update(changed))).code).toBe(422)
  expect(it.used('quota')).toEqual(used)
  await it.remove(Pods, 'one')
  expect(Object.values(it.used('quota')!)).toEqual(['0', '0', '0', '0', '0'])
})

test('[sig-api-machinery] ResourceQuota should verify ResourceQuota with best effort scope.', async () => {
  await using it = await cluster()
  await it.apply(quota('best', { pods: '5' }, { scopes: ['BestEffort'] }))
  await it.apply(quota('not', { pods: '5' }, { scopes: ['NotBestEffort'] }))
  const counts = () => [it.used('best')!.pods, it.used('not')!.pods]
  await it.create(Pods, pod('plain'))
  expect(counts()).toEqual(['1', '0'])
  await it.remove(Pods, 'plain')
  expect(counts()).toEqual(['0', '0'])
  await it.create(Pods, asking('asking', { cpu: '100m', memory: '1Mi' }))
  expect(counts()).toEqual(['0', '1'])
  await it.remove(Pods, 'asking')
  expect(counts()).toEqual(['0', '0'])
})

test('[sig-api-machinery] ResourceQuota should verify ResourceQuota with terminating scopes.', async () => {
  await using it = await cluster()
  const hard = { pods: '5', 'requests.cpu': '1', 'limits.memory': '1Gi' }
  await it.apply(quota('ends', hard, { scopes: ['Terminating'] }), quota('stays', hard, { scopes: ['NotTerminating'] }))
  const counts = () => [it.used('ends')!['requests.cpu'], it.used('stays')!['requests.cpu']]
  await it.create(Pods, asking('one', { cpu: '500m', memory: '200Mi' }))
  expect(counts()).toEqual(['0', '500m'])
  await it.remove(Pods, 'one')
  await it.create(Pods, asking('two', { cpu: '400m', memory: '200Mi' }, undefined, { activeDeadlineSeconds: 3600 }))
  expect(counts()).toEqual(['400m', '0'])
  await it.remove(Pods, 'two')
  expect(counts()).toEqual(['0', '0'])
})

test('[sig-api-machinery] ResourceQuota should be able to update and delete ResourceQuota.', async () => {
  await using it = await cluster()
  await it.apply(quota('quota', { cpu: '1', memory: '500Mi' }))
  const quotas = it.client.of(ResourceQuotas)
  const changed = draft<ResourceQuota>(it.get(ResourceQuotas, 'quota'))
  changed.spec.hard = { cpu: '2', memory: '1Gi' }
  await quotas.update(changed)
  await it.env.activity.idle()
  expect(it.get(ResourceQuotas, 'quota').status.hard).toEqual({ cpu: '2', memory: '1Gi' })
  await it.remove(ResourceQuotas, 'quota')
  expect(it.list(ResourceQuotas)).toEqual([])
})

test('[sig-api-machinery] ResourceQuota should apply changes to a resourcequota status', async () => {
  await using it = await cluster()
  const quotas = it.client.of(ResourceQuotas)
  await it.apply(quota('quota', { cpu: '1', memory: '500Mi' }))
  await quotas.patch(
    { name: 'quota', namespace: 'default' },
    { type: 'merge', body: { spec: { hard: { cpu: '2', memory: '1Gi' } } } },
  )
  await it.env.activity.idle()
  expect(it.get(ResourceQuotas, 'quota').status.hard).toEqual({ cpu: '2', memory: '1Gi' })
  const patched = await quotas.patch(
    { name: 'quota', namespace: 'default' },
    { type: 'merge', body: { status: { hard: { cpu: '9' } }, spec: { hard: { cpu: '7' } } } },
    'status',
  )
  expect([patched.status.hard!.cpu, patched.spec.hard!.cpu]).toEqual(['9', '2'])
  // The controller says again what holds.
  await it.env.activity.idle()
  expect(it.get(ResourceQuotas, 'quota').status.hard).toEqual({ cpu: '2', memory: '1Gi' })
})

test('[sig-api-machinery] ResourceQuota should manage the lifecycle of a ResourceQuota', async () => {
  await using it = await cluster()
  const labels = { 'e2e-rq-label': 'quota' }
  await it.apply({ ...quota('quota', { cpu: '1' }), metadata: { name: 'quota', namespace: 'default', labels } })
  const quotas = it.client.of(ResourceQuotas)
  expect((await quotas.list({ labelSelector: 'e2e-rq-label=quota' })).items).toHaveLength(1)
  await quotas.patch({ name: 'quota', namespace: 'default' }, { type: 'merge', body: { spec: { hard: { cpu: '3' } } } })
  expect(it.get(ResourceQuotas, 'quota').spec.hard).toEqual({ cpu: '3' })
  await quotas.deleteCollection({ namespace: 'default', labelSelector: 'e2e-rq-label=quota' })
  expect(it.list(ResourceQuotas)).toEqual([])
})

test('[sig-apps] ReplicationController should surface a failure condition on a common issue like exceeded quota', async () => {
  await using it = await cluster()
  await it.apply(quota('quota', { pods: '2' }))
  await it.apply(controller(3))
  await it.advance('1s')
  expect(it.list(Pods)).toHaveLength(2)
  const { conditions } = it.get(ReplicationControllers, 'it').status
  expect(conditions).toMatchObject([{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }])
  expect(conditions![0]!.message).toContain('exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2')
  await it.client
    .of(ReplicationControllers)
    .patch({ name: 'it', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 2 } } })
  await it.advance('5m')
  expect(it.get(ReplicationControllers, 'it').status.conditions ?? []).toEqual([])
})

describe('quota', () => {
  test('is never over-granted, however many ask at once', async () => {
    await using it = await cluster()
    await it.apply(quota('quota', { pods: '7' }))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => it.create(Pods, pod(`web-${index}`))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(it.used('quota')).toEqual({ pods: '7' })
    await it.env.activity.idle()
    expect([it.list(Pods).length, it.used('quota')!.pods]).toEqual([7, '7'])
  })

  test('is not used by a dry run, nor by what is refused after it', async () => {
    await using it = await cluster()
    await it.apply(quota('quota', { pods: '2' }), pod('there'))
    await it.client.of(Pods).create(pod('dry'), { dryRun: true })
    expect((await refusal(it.create(Pods, pod('there')))).reason).toBe('AlreadyExists')
    expect(it.used('quota')).toEqual({ pods: '1' })
    await it.create(Pods, pod('last'))
    const error = await refusal(it.client.of(Pods).create(pod('dry'), { dryRun: true }))
    expect(error.message).toContain('exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2')
  })

  test('of cpu or memory wants every container to say what it needs', async () => {
    await using it = await cluster()
    await it.apply(quota('quota', { 'limits.cpu': '2', 'requests.memory': '1Gi' }))
    const silent = pod('silent', {
      initContainers: [{ name: 'init', image: 'busybox' }],
      containers: [
        { name: 'main', image: 'nginx', resources: { limits: { cpu: '1' } } },
        { name: 'side', image: 'nginx' },
      ],
    })
    const error = await refusal(it.create(Pods, silent))
    expect(error.message).toBe(
      'pods "silent" is forbidden: failed quota: quota: must specify limits.cpu for: init,side; requests.memory for: init,main,side',
    )
    expect([error.code, error.reason]).toEqual([403, 'Forbidden'])
  })

  test('counts objects of any kind, and a pod no more that has ended', async () => {
    await using it = await cluster()
    await it.apply(quota('quota', { 'count/deployments.apps': '0', pods: '1', 'count/pods': '5' }))
    await it.create(Pods, pod('one'))
    const ended = { status: { phase: 'Succeeded' } }
    await it.client.of(Pods).patch({ name: 'one', namespace: 'default' }, { type: 'merge', body: ended }, 'status')
    await it.env.activity.idle()
    expect(it.used('quota')).toEqual({ 'count/deployments.apps': '0', pods: '0', 'count/pods': '1' })
    await it.create(Pods, pod('two'))
    expect(it.used('quota')).toMatchObject({ pods: '1', 'count/pods': '2' })
  })

  test('of a namespace is nobody else s', async () => {
    await using it = await cluster()
    await it.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } } as never)
    await it.apply(quota('quota', { pods: '0' }))
    expect(it.get(Namespaces, { name: 'team' }).status.phase).toBe('Active')
    await it.create(Pods, { ...pod('web'), metadata: { name: 'web', namespace: 'team' } })
    expect(await refusal(it.create(Pods, pod('web')))).toMatchObject({ reason: 'Forbidden' })
  })

  test('a Service that becomes a NodePort is counted then, and given back when it is none again', async () => {
    await using it = await cluster()
    await it.apply(quota('quota', { 'services.nodeports': '1' }), service('one', 'web'), service('two', 'web'))
    const services = it.client.of(Services)
    const become = (name: string, type: string) =>
      services.patch({ name, namespace: 'default' }, { type: 'merge', body: { spec: { type } } })
    await become('one', 'NodePort')
    expect(it.used('quota')).toEqual({ 'services.nodeports': '1' })
    expect((await refusal(become('two', 'NodePort'))).message).toBe(
      'services "two" is forbidden: exceeded quota: quota, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    )
    await become('one', 'ClusterIP')
    await it.env.activity.idle()
    expect(it.used('quota')).toEqual({ 'services.nodeports': '0' })
  })
})
