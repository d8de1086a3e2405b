// The scheduler at work on a real API server in memory, in virtual time; nodes and pods are made by the test.
import { describe, expect, test } from 'vitest'
import { storageTerms } from '../../apiserver/registry/terms.ts'
import { createApiServer } from '../../apiserver/server.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Pod, PodSpec } from '../../generated/types.ts'
import { builtinScheduler } from '../../scheduler/index.ts'
import { conflict } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, Events, Nodes, Pods, ReplicaSets, Services } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { pod, replicaSet, service } from '../support/objects.ts'

interface Room extends AsyncDisposable {
  readonly client: Client
  addNode(name: string, more?: { cpu?: string; pods?: string; spec?: object; labels?: object }): Promise<void>
  addPod(name: string, spec?: Partial<PodSpec>, labels?: Record<string, string>): Promise<void>
  pod(name: string): Promise<Frozen<Pod>>
  nodeOf(name: string): Promise<string | undefined>
  /** How many pods each node has. */
  spread(): Promise<Record<string, number>>
  events(name: string): Promise<string[]>
  advance(by: number): Promise<void>
  idle(): Promise<void>
}

async function room(wrap: (client: Client) => Client = client => client): Promise<Room> {
  const env = virtualEnv({ seed: 3 })
  const storage = await RevisionStore.open(env, new MemoryJournal(), { terms: storageTerms(builtinKinds) })
  const server = createApiServer(env, storage, builtinKinds, [])
  const { client } = server
  await server.bootstrap({ address: '192.168.49.2', port: 6443 })
  const manager = createManager(env, wrap(client), builtinScheduler(env))
  await manager.start()
  const inDefault = (name: string) => ({ name, namespace: 'default' })
  const read = (name: string) => client.of(Pods).get(inDefault(name))
  return {
    client,
    async addNode(name, { cpu = '2', pods = '110', spec = {}, labels = {} } = {}) {
      await client.of(Nodes).create({
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
        spec,
        status: { capacity: { cpu, memory: '4Gi', pods }, allocatable: { cpu, memory: '4Gi', pods } },
      })
    },
    async addPod(name, spec, labels) {
      await client.of(Pods).create(pod(name, spec, labels))
    },
    pod: read,
    nodeOf: async name => (await read(name)).spec.nodeName,
    async spread() {
      const { items } = await client.of(Pods).list({ namespace: 'default' })
      const counts: Record<string, number> = {}
      for (const { spec } of items) counts[spec.nodeName ?? ''] = (counts[spec.nodeName ?? ''] ?? 0) + 1
      return counts
    },
    async events(name) {
      const { items } = await client.of(Events).list()
      return items
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ type, reason, message, source }) => `${source?.component} ${type} ${reason}: ${message}`)
    },
    advance: by => env.clock.advance(by),
    idle: () => env.activity.idle(),
    async [Symbol.asyncDispose]() {
      await manager.close()
      server.close()
      await storage.close()
    },
  }
}

const requesting = (cpu: string): Partial<PodSpec> => ({
  containers: [{ name: 'main', image: 'nginx', resources: { requests: { cpu } } }],
})
const cannot = 'no new claims to deallocate, preemption: 0/1 nodes are available: 1'

test('a pod is bound, and told so', async () => {
  await using cluster = await room()
  await cluster.addNode('node-1')
  await cluster.addPod('web')
  await cluster.idle()
  const web = await cluster.pod('web')
  expect(web.spec.nodeName).toBe('node-1')
  expect(web.status.conditions).toContainEqual(expect.objectContaining({ type: 'PodScheduled', status: 'True' }))
  expect(await cluster.events('web')).toEqual([
    'default-scheduler Normal Scheduled: Successfully assigned default/web to node-1',
  ])
})

test('pods that were there before the scheduler are bound, those with a node or of another scheduler are left alone', async () => {
  await using cluster = await room()
  await cluster.addPod('mine')
  await cluster.addPod('other', { schedulerName: 'other' })
  await cluster.addPod('bound', { nodeName: 'elsewhere' })
  await cluster.addNode('node-1')
  await cluster.advance(20_000)
  expect(await cluster.nodeOf('mine')).toBe('node-1')
  expect(await cluster.nodeOf('other')).toBeUndefined()
  expect(await cluster.nodeOf('bound')).toBe('elsewhere')
})

describe('a pod that fits nowhere', () => {
  const message = `0/1 nodes are available: 1 Insufficient cpu. ${cannot} No preemption victims found for incoming pod.`

  test('has a condition and an event that say why, and waits', async () => {
    await using cluster = await room()
    await cluster.addNode('node-1')
    await cluster.addPod('first', requesting('1500m'))
    await cluster.addPod('second', requesting('1'))
    await cluster.idle()
    const second = await cluster.pod('second')
    expect(second.spec.nodeName).toBeUndefined()
    expect(second.status.conditions).toEqual([
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }),
    ])
    expect(await cluster.events('second')).toEqual([`default-scheduler Warning FailedScheduling: ${message}`])
    const { resourceVersion } = second.metadata
    await cluster.advance(60_000)
    expect((await cluster.pod('second')).metadata.resourceVersion).toBe(resourceVersion)
  })

  test('is bound when another goes', async () => {
    await using cluster = await room()
    await cluster.addNode('node-1')
    await cluster.addPod('first', requesting('1500m'))
    await cluster.addPod('second', requesting('1'))
    await cluster.idle()
    await cluster.client.of(Pods).delete({ name: 'first', namespace: 'default' }, { gracePeriodSeconds: 0 })
    await cluster.idle()
    expect(await cluster.nodeOf('second')).toBe('node-1')
  })

  test('is bound when another is over', async () => {
    await using cluster = await room()
    await cluster.addNode('node-1')
    await cluster.addPod('first', requesting('1500m'))
    await cluster.addPod('second', requesting('1'))
    await cluster.idle()
    const patch = { type: 'merge', body: { status: { phase: 'Succeeded' } } } as const
    await cluster.client.of(Pods).patch({ name: 'first', namespace: 'default' }, patch, 'status')
    await cluster.idle()
    expect(await cluster.nodeOf('second')).toBe('node-1')
  })

  test('is bound when a node comes that can hold it, or one is uncordoned', async () => {
    await using cluster = await room()
    await cluster.addNode('node-1', { spec: { unschedulable: true } })
    await cluster.addPod('small', requesting('1'))
    await cluster.addPod('large', requesting('4'))
    await cluster.idle()
    expect((await cluster.pod('small')).status.conditions?.[0]?.message).toContain('1 node(s) were unschedulable.')
    await cluster.client.of(Nodes).patch({ name: 'node-1' }, { type: 'merge', body: { spec: { unschedulable: null } } })
    await cluster.idle()
    expect(await cluster.nodeOf('small')).toBe('node-1')
    expect(await cluster.nodeOf('large')).toBeUndefined()
    await cluster.addNode('node-2', { cpu: '8' })
    await cluster.idle()
    expect(await cluster.nodeOf('large')).toBe('node-2')
  })

  test('of a cluster without nodes is told that', async () => {
    await using cluster = await room()
    await cluster.addPod('web')
    await cluster.idle()
    expect((await cluster.pod('web')).status.conditions?.[0]?.message).toBe('no nodes available to schedule pods')
    await cluster.addNode('node-1')
    await cluster.idle()
    expect(await cluster.nodeOf('web')).toBe('node-1')
  })

  test('keeps the time since when it does not fit', async () => {
    await using cluster = await room()
    await cluster.addNode('node-1')
    await cluster.addPod('huge', requesting('64'))
    await cluster.idle()
    const since = (await cluster.pod('huge')).status.conditions?.[0]?.lastTransitionTime
    await cluster.advance(30_000)
    await cluster.addNode('node-2', { cpu: '65', spec: { taints: [{ key: 'x', effect: 'NoSchedule' }] } })
    await cluster.idle()
    const [condition] = (await cluster.pod('huge')).status.conditions ?? []
    expect(condition?.message).toContain('0/2 nodes are available')
    expect(condition?.lastTransitionTime).toBe(since)
  })
})

test('a gated pod says so, and is bound when its gates are gone', async () => {
  await using cluster = await room()
  await cluster.addNode('node-1')
  await cluster.addPod('gated', { schedulingGates: [{ name: 'example.com/wait' }] })
  await cluster.idle()
  const gated = await cluster.pod('gated')
  expect(gated.spec.nodeName).toBeUndefined()
  expect(gated.status.conditions).toEqual([
    expect.objectContaining({
      type: 'PodScheduled',
      status: 'False',
      reason: 'SchedulingGated',
      message: 'Scheduling is blocked due to non-empty scheduling gates',
    }),
  ])
  const patch = { type: 'merge', body: { spec: { schedulingGates: null } } } as const
  await cluster.client.of(Pods).patch({ name: 'gated', namespace: 'default' }, patch)
  await cluster.idle()
  expect(await cluster.nodeOf('gated')).toBe('node-1')
})

test('the more important pod goes first when there is room for one', async () => {
  await using cluster = await room()
  await cluster.addPod('plain', requesting('2'))
  await cluster.addPod('urgent', { ...requesting('2'), priority: 100 })
  await cluster.addNode('node-1')
  await cluster.advance(20_000)
  expect([await cluster.nodeOf('plain'), await cluster.nodeOf('urgent')]).toEqual([undefined, 'node-1'])
})

test('many pods at once never share room that is there once', async () => {
  await using cluster = await room()
  for (const name of ['a', 'b', 'c']) await cluster.addNode(name, { pods: '10' })
  await Promise.all(Array.from({ length: 40 }, (_, index) => cluster.addPod(`p${index}`)))
  await cluster.idle()
  expect(await cluster.spread()).toEqual({ a: 10, b: 10, c: 10, '': 10 })
})

test('pods of one owner, and of one Service, are spread over the nodes', async () => {
  await using cluster = await room()
  for (const name of ['a', 'b', 'c']) await cluster.addNode(name, { cpu: '64' })
  const owner = await cluster.client.of(ReplicaSets).create(replicaSet('web', 6))
  const { apiVersion, kind, metadata } = owner
  const ownerReferences = [{ apiVersion, kind, name: metadata.name, uid: metadata.uid!, controller: true }]
  // The first node is so full that without spreading all would go elsewhere.
  await cluster.addPod('filler', { ...requesting('8'), nodeName: 'a' }, {})
  for (let index = 0; index < 6; index++) {
    const web = pod(`web-${index}`, requesting('10m'), { app: 'web' })
    await cluster.client.of(Pods).create({ ...web, metadata: { ...web.metadata, ownerReferences } })
  }
  await cluster.idle()
  expect(await cluster.spread()).toEqual({ a: 3, b: 2, c: 2 })
  await cluster.client.of(Services).create(service('db', 'db', { clusterIP: '10.96.0.9' }))
  for (let index = 0; index < 3; index++) await cluster.addPod(`db-${index}`, requesting('10m'), { app: 'db' })
  await cluster.idle()
  expect(await cluster.spread()).toEqual({ a: 4, b: 3, c: 3 })
})

test('a pod whose binding is refused once is tried again after its time', async () => {
  let refusals = 1
  await using cluster = await room(client => refusing(client, () => refusals-- > 0))
  await cluster.addNode('node-1')
  await cluster.addPod('web')
  await cluster.idle()
  expect(await cluster.nodeOf('web')).toBeUndefined()
  expect((await cluster.pod('web')).status.conditions?.[0]).toMatchObject({ reason: 'SchedulerError' })
  await cluster.advance(900)
  expect(await cluster.nodeOf('web')).toBeUndefined()
  await cluster.advance(200)
  expect(await cluster.nodeOf('web')).toBe('node-1')
  expect(await cluster.events('web')).toEqual([
    'default-scheduler Warning FailedScheduling: binding rejected: Operation cannot be fulfilled on pods "web": try again',
    'default-scheduler Normal Scheduled: Successfully assigned default/web to node-1',
  ])
})

test('a pod deleted while it waits is forgotten', async () => {
  await using cluster = await room()
  await cluster.addPod('web')
  await cluster.idle()
  await cluster.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await cluster.addPod('web')
  await cluster.addNode('node-1')
  await cluster.advance(20_000)
  expect(await cluster.nodeOf('web')).toBe('node-1')
})

/** The same client, but some bindings fail. */
function refusing(client: Client, refuses: () => boolean): Client {
  return {
    as: component => refusing(client.as(component), refuses),
    of(kind) {
      const real = client.of(kind)
      return new Proxy(real, {
        get(target, member) {
          if (member !== 'act') return Reflect.get(target, member)
          return async (...words: Parameters<typeof real.act>) => {
            if (refuses()) throw conflict({ group: '', plural: 'pods', kind: 'Pod' }, words[0].name, 'try again')
            return target.act(...words)
          }
        },
      })
    },
  }
}
