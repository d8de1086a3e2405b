// scale, binding, eviction. pkg/registry/apps/deployment/storage/storage.go, pkg/registry/core/pod/storage/{storage,eviction}.go.

import { describe, expect, test } from 'vitest'
import type { Pod, Scale } from '../../generated/types.ts'
import { Bindings } from '../../src/kinds/binding.ts'
import { ComponentStatuses } from '../../src/kinds/componentstatus.ts'
import { ConfigMaps, Deployments, Nodes, Pods, ReplicationControllers } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { inDefault, refusal, testServer } from './harness.ts'
import { leastObject } from './least-objects.ts'

const where = { namespace: 'default' }

describe('scale', () => {
  async function deployed() {
    const server = await testServer()
    const { of, info } = server
    await of(Deployments).create(leastObject(Deployments, 'web'), where, {}, info)
    const read = () => of(Deployments).readSubresource(inDefault('web'), 'scale').object as unknown as Scale
    const patch = (type: 'merge' | 'strategic' | 'json', body: unknown) =>
      of(Deployments).patch(inDefault('web'), { type, body }, {}, info, 'scale')
    return { ...server, read, patch }
  }

  test('shows replicas and the selector as text', async () => {
    const { read, of } = await deployed()
    const { uid, resourceVersion } = of(Deployments).get(inDefault('web')).object.metadata
    expect(read()).toEqual({
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: 'web', namespace: 'default', uid, resourceVersion, creationTimestamp: '2024-01-01T00:00:00Z' },
      spec: { replicas: 1 },
      status: { replicas: 0, selector: 'app=web' },
    })
  })

  test.each([
    ['merge', { spec: { replicas: 5 } }],
    ['strategic', { spec: { replicas: 5 } }],
    ['json', [{ op: 'replace', path: '/spec/replicas', value: 5 }]],
  ] as const)('a %s patch sets them, and counts a generation', async (type, body) => {
    const { patch, of } = await deployed()
    const { reading, code } = await patch(type, body)
    expect(code).toBe(200)
    expect(reading.object).toMatchObject({ kind: 'Scale', spec: { replicas: 5 } })
    expect(of(Deployments).get(inDefault('web')).object).toMatchObject({
      spec: { replicas: 5 },
      metadata: { generation: 2, resourceVersion: reading.object.metadata.resourceVersion },
    })
  })

  test('to none: a zero is left out, and put in again', async () => {
    const { patch, read, of, info } = await deployed()
    await patch('merge', { spec: { replicas: 0 } })
    expect(read().spec).toEqual({})
    const scale = { ...structuredClone(read()), spec: { replicas: 2 } }
    await of(Deployments).update(inDefault('web'), scale, {}, info, 'scale')
    expect(read().spec).toEqual({ replicas: 2 })
  })

  test('what cannot be is refused', async () => {
    const { patch, read, of, info } = await deployed()
    expect((await refusal(patch('merge', { spec: { replicas: -1 } }))).message).toBe(
      'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    )
    expect((await refusal(patch('merge', { spec: { replicas: 'many' } }))).code).toBe(400)
    expect((await refusal(patch('merge', { metadata: { name: 'b' } }))).message).toBe(
      'the name of the object (b) does not match the name on the URL (web)',
    )
    const old = structuredClone(read())
    await patch('merge', { spec: { replicas: 5 } })
    const error = await refusal(of(Deployments).update(inDefault('web'), old, {}, info, 'scale'))
    expect(error.reason).toBe('Conflict')
    const foreign = { ...old, kind: 'ConfigMap', apiVersion: 'v1' }
    expect((await refusal(of(Deployments).update(inDefault('web'), foreign, {}, info, 'scale'))).message).toBe(
      'ConfigMap in version "v1" cannot be handled as a Scale: converting (v1.ConfigMap) to (autoscaling.Scale): unknown conversion',
    )
  })

  test('replication controllers scale too; config maps do not', async () => {
    const { of, info } = await deployed()
    await of(ReplicationControllers).create(leastObject(ReplicationControllers, 'web'), where, {}, info)
    const { object } = of(ReplicationControllers).readSubresource(inDefault('web'), 'scale')
    expect(object).toMatchObject({ kind: 'Scale', spec: { replicas: 1 } })
    expect((await refusal(() => of(ConfigMaps).readSubresource(inDefault('a'), 'scale'))).code).toBe(404)
  })
})

describe('binding', () => {
  async function pending(spec: object = {}) {
    const server = await testServer()
    const { of, info } = server
    const pod = leastObject(Pods, 'web')
    Object.assign(pod.spec, spec)
    await of(Pods).create(pod, where, {}, info)
    const bind = (node: string, more: object = {}) =>
      of(Pods).act(
        inDefault('web'),
        'binding',
        { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: node }, ...more },
        {},
        info,
      )
    return { ...server, bind, pod: () => of(Pods).get(inDefault('web')).object as unknown as Pod }
  }

  test('gives a pod its node, and says since when', async () => {
    const { bind, pod, of, info } = await pending()
    const labels = { 'topology.kubernetes.io/zone': 'z1', other: 'x' }
    await of(Nodes).create({ ...leastObject(Nodes, 'node-1'), metadata: { name: 'node-1', labels } }, {}, {}, info)
    const { reading, code } = await bind('node-1', { metadata: { name: 'web', annotations: { a: 'b' } } })
    expect(code).toBe(201)
    expect(reading.object).toMatchObject({ kind: 'Status', status: 'Success' })
    expect(pod()).toMatchObject({
      metadata: { annotations: { a: 'b' }, generation: 1 },
      spec: { nodeName: 'node-1' },
      status: {
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2024-01-01T00:00:00Z' }],
      },
    })
    expect(pod().metadata.labels).toEqual({ 'topology.kubernetes.io/zone': 'z1' })
  })

  test('of two, the first wins', async () => {
    const { bind, pod } = await pending()
    const outcomes = await Promise.allSettled([bind('node-1'), bind('node-2')])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect((outcomes[1] as PromiseRejectedResult).reason).toMatchObject({
      reason: 'Conflict',
      message: 'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "node-1"',
    })
    expect(pod().spec.nodeName).toBe('node-1')
  })

  test('a pod that is ending is not bound', async () => {
    const { bind, of, info } = await pending()
    const hold = { metadata: { finalizers: ['example.com/x'] } }
    await of(Pods).patch(inDefault('web'), { type: 'merge', body: hold }, {}, info)
    await of(Pods).delete(inDefault('web'), {}, info)
    expect((await refusal(bind('node-1'))).message).toBe(
      'Operation cannot be fulfilled on pods/binding "web": pod web is being deleted, cannot be assigned to a host',
    )
  })

  test('a gated pod is not bound', async () => {
    const { bind } = await pending({ schedulingGates: [{ name: 'example.com/wait' }] })
    expect((await refusal(bind('node-1'))).message).toBe(
      'Operation cannot be fulfilled on pods/binding "web": pod web has non-empty .spec.schedulingGates',
    )
  })

  test.each([
    ['another name', { metadata: { name: 'b' } }, 'name in URL does not match name in Binding object'],
    ['no target', { target: {} }, 'Binding "web" is invalid: target.name: Required value'],
    [
      'a target that is no node',
      { target: { kind: 'Pod', name: 'x' } },
      'Binding "web" is invalid: target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
    ],
    ['another uid', { metadata: { name: 'web', uid: 'u' } }, 'Precondition failed: UID in precondition: u'],
  ])('%s is refused', async (_, more, message) => {
    const { bind } = await pending()
    expect((await refusal(bind('node-1', more))).message).toContain(message)
  })

  test('what is not there is not found', async () => {
    const { of, info } = await testServer()
    const body = { metadata: { name: 'web' }, target: { name: 'node-1' } }
    expect((await refusal(of(Pods).act(inDefault('web'), 'binding', body, {}, info))).message).toBe(
      'pods "web" not found',
    )
  })
})

describe('eviction', () => {
  const eviction = (deleteOptions?: object) => ({
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: 'web', namespace: 'default' },
    ...(deleteOptions ? { deleteOptions } : {}),
  })

  async function running() {
    const server = await testServer()
    const { of, info } = server
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    const binding = { metadata: { name: 'web' }, target: { name: 'node-1' } }
    await of(Pods).act(inDefault('web'), 'binding', binding, {}, info)
    return server
  }

  test('is a delete with grace', async () => {
    const { of, info } = await running()
    const { reading, code } = await of(Pods).act(inDefault('web'), 'eviction', eviction(), {}, info)
    expect(code).toBe(201)
    expect(reading.object).toMatchObject({ kind: 'Status', status: 'Success', code: 201 })
    expect(of(Pods).get(inDefault('web')).object.metadata.deletionGracePeriodSeconds).toBe(30)
  })

  test('takes the options of a delete', async () => {
    const { of, info } = await running()
    const act = (options: object) => of(Pods).act(inDefault('web'), 'eviction', eviction(options), {}, info)
    expect((await refusal(act({ preconditions: { uid: 'other' } }))).reason).toBe('Conflict')
    await act({ dryRun: ['All'] })
    expect(of(Pods).get(inDefault('web')).object.metadata.deletionTimestamp).toBeUndefined()
    await act({ gracePeriodSeconds: 0 })
    expect((await refusal(() => of(Pods).get(inDefault('web')))).reason).toBe('NotFound')
  })

  test('of another name is refused', async () => {
    const { of, info } = await running()
    const body = { ...eviction(), metadata: { name: 'b' } }
    expect((await refusal(of(Pods).act(inDefault('web'), 'eviction', body, {}, info))).message).toBe(
      'name in URL does not match name in Eviction object',
    )
  })
})

describe('bindings', () => {
  test('are the old way to a node, and are not kept', async () => {
    const { of, info } = await testServer()
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    const binding = { metadata: { name: 'web' }, target: { name: 'node-1' } }
    const { reading, code } = await of(Bindings).create(binding, where, {}, info)
    expect(code).toBe(201)
    expect(reading.object).toMatchObject({ kind: 'Status', status: 'Success' })
    expect((of(Pods).get(inDefault('web')).object as unknown as Pod).spec.nodeName).toBe('node-1')
    expect((await refusal(() => of(Bindings).list({}))).code).toBe(405)
    expect((await refusal(of(Bindings).create(binding, where, {}, info))).message).toBe(
      'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "node-1"',
    )
  })
})

describe('the parts of a pod', () => {
  const ephemeralContainers = [{ name: 'debugger', image: 'busybox' }]

  test('are read as the whole pod, and counted as a change of it', async () => {
    const { of, info } = await testServer()
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    const patch = { type: 'strategic', body: { spec: { ephemeralContainers } } } as const
    const { reading } = await of(Pods).patch(inDefault('web'), patch, {}, info, 'ephemeralcontainers')
    expect(reading.object.metadata.generation).toBe(2)
    for (const part of ['ephemeralcontainers', 'resize'] as const) {
      expect(of(Pods).readSubresource(inDefault('web'), part).object).toBe(reading.object)
    }
  })

  test('change by nothing else', async () => {
    const { of, info } = await testServer()
    await of(Pods).create(leastObject(Pods, 'web'), where, {}, info)
    const patch = { type: 'merge', body: { spec: { ephemeralContainers } } } as const
    const error = await refusal(of(Pods).patch(inDefault('web'), patch, {}, info))
    expect(error.message).toContain('spec: Forbidden: pod updates may not change fields other than')
  })
})

describe('component statuses', () => {
  test('are asked anew, in three that a real cluster has', async () => {
    const { of } = await testServer()
    const list = (options: object) =>
      of(ComponentStatuses)
        .list(options)
        .items.map(({ object }) => object.metadata.name)
    expect(list({})).toEqual(['controller-manager', 'etcd-0', 'scheduler'])
    expect(list({ fieldSelector: 'metadata.name=etcd-0' })).toEqual(['etcd-0'])
    expect(list({ labelSelector: 'a=b' })).toEqual([])
    expect(of(ComponentStatuses).get({ name: 'etcd-0' }).object).toEqual({
      apiVersion: 'v1',
      kind: 'ComponentStatus',
      metadata: { name: 'etcd-0' },
      conditions: [{ type: 'Healthy', status: 'True', message: 'ok' }],
    })
    const error = await refusal(() => of(ComponentStatuses).get({ name: 'web' }))
    expect(error.toStatus()).toMatchObject({ code: 500, message: 'Component not found: web' })
  })

  test('tell who does not run', async () => {
    await using cluster = await testCluster({ without: ['scheduler'] })
    const health = (name: string) => cluster.client.of(ComponentStatuses).get({ name })
    expect(await health('controller-manager')).toMatchObject({ conditions: [{ status: 'True', message: 'ok' }] })
    expect(await health('scheduler')).toMatchObject({
      conditions: [
        {
          status: 'False',
          error: 'Get "https://127.0.0.1:10259/healthz": dial tcp 127.0.0.1:10259: connect: connection refused',
        },
      ],
    })
  })
})
