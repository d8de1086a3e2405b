// Profiles and extenders at work (pkg/scheduler/extender.go): a scheduler on a real API server in memory, and an extender on
// the loopback.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { storageTerms } from '../../apiserver/registry/terms.ts'
import { createApiServer } from '../../apiserver/server.ts'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { Pod } from '../../generated/types.ts'
import { readSchedulerConfiguration } from '../../scheduler/configuration.ts'
import { DecisionBook } from '../../scheduler/decisions.ts'
import { createExtenderCalls } from '../../scheduler/extender-http.ts'
import { builtinScheduler } from '../../scheduler/index.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { builtinKinds, Events, Nodes, Pods } from '../../src/kinds/index.ts'
import { createManager } from '../../src/runtime/manager.ts'
import { pod } from '../support/objects.ts'

const header = { apiVersion: 'kubescheduler.config.k8s.io/v1', kind: 'KubeSchedulerConfiguration' }
type Answer = (verb: string, body: any) => unknown

async function room(configuration: object, answer: Answer = () => ({})) {
  const env = virtualEnv({ seed: 3 })
  const storage = await RevisionStore.open(env, new MemoryJournal(), { terms: storageTerms(builtinKinds) })
  const server = createApiServer(env, storage, builtinKinds, [])
  const { client } = server
  await server.bootstrap({ address: '192.168.49.2', port: 6443 })
  const asked: { verb: string; body: any }[] = []
  const decisions = new DecisionBook()
  const scheduler = builtinScheduler(env, {
    configuration: readSchedulerConfiguration({ ...header, ...configuration }),
    decisions,
    askExtender: async ({ url, body }) => {
      const verb = url.slice(url.lastIndexOf('/') + 1)
      const seen = JSON.parse(JSON.stringify(body))
      asked.push({ verb, body: seen })
      return answer(verb, seen)
    },
  })
  const manager = createManager(env, client, scheduler)
  await manager.start()
  for (const name of ['a', 'b', 'c']) {
    const size = { cpu: '4', memory: '4Gi', pods: '110' }
    await client.of(Nodes).create({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name },
      spec: {},
      status: { capacity: size, allocatable: size },
    })
  }
  return {
    env,
    client,
    asked,
    decisions,
    async add(name: string, spec: Partial<Pod['spec']> = {}): Promise<Frozen<Pod>> {
      await client.of(Pods).create(pod(name, spec))
      await env.activity.idle()
      return client.of(Pods).get({ name, namespace: 'default' })
    },
    async events(name: string): Promise<string[]> {
      const { items } = await client.of(Events).list()
      return items
        .filter(({ involvedObject }) => involvedObject.name === name)
        .map(({ reason, message, source }) => `${source?.component} ${reason}: ${message}`)
    },
    async [Symbol.asyncDispose]() {
      await manager.close()
      server.close()
      await storage.close()
    },
  }
}

test('each pod is placed by the profile it names; one that names another waits for that', async () => {
  await using cluster = await room({
    profiles: [
      { schedulerName: 'default-scheduler' },
      {
        schedulerName: 'packer',
        pluginConfig: [{ name: 'NodeResourcesFit', args: { scoringStrategy: { type: 'MostAllocated' } } }],
      },
    ],
  })
  const container = [{ name: 'main', image: 'x', resources: { requests: { cpu: '500m' } } }]
  const packed = []
  for (const name of ['p1', 'p2', 'p3']) {
    packed.push((await cluster.add(name, { schedulerName: 'packer', containers: container })).spec.nodeName)
  }
  expect(new Set(packed).size).toBe(1)
  const spread = []
  for (const name of ['q1', 'q2']) spread.push((await cluster.add(name, { containers: container })).spec.nodeName)
  expect(new Set([...spread, packed[0]]).size).toBe(3)
  expect((await cluster.add('other', { schedulerName: 'elsewhere' })).spec.nodeName).toBeUndefined()
  expect(await cluster.events('p1')).toEqual([`packer Scheduled: Successfully assigned default/p1 to ${packed[0]}`])
  expect(cluster.decisions.get({ namespace: 'default', name: 'p1' })).toMatchObject({
    scheduler: 'packer',
    node: packed[0],
    attempt: 1,
  })
})

const extender = (more: object = {}) => ({
  extenders: [
    {
      urlPrefix: 'http://127.0.0.1:1/scheduler',
      filterVerb: 'filter',
      prioritizeVerb: 'prioritize',
      weight: 5,
      ...more,
    },
  ],
})

test('an extender leaves out nodes and weighs the rest', async () => {
  await using cluster = await room(extender(), (verb, { Nodes: nodes }) =>
    verb === 'filter'
      ? {
          Nodes: { items: nodes.items.filter((node: any) => node.metadata.name !== 'a') },
          FailedNodes: { a: 'too far away' },
        }
      : [
          { Host: 'b', Score: 1 },
          { Host: 'c', Score: 10 },
        ],
  )
  expect((await cluster.add('web')).spec.nodeName).toBe('c')
  expect(cluster.asked.map(({ verb }) => verb)).toEqual(['filter', 'prioritize'])
  expect(cluster.asked[0]!.body.Pod.metadata.name).toBe('web')
  expect(cluster.asked[1]!.body.Nodes.items.map((node: any) => node.metadata.name).sort()).toEqual(['b', 'c'])
  expect(cluster.decisions.get({ namespace: 'default', name: 'web' })?.refused).toEqual([
    { node: 'a', plugin: 'Extender', reasons: ['too far away'], isFinal: false },
  ])
})

test('one that leaves none says why; with node names only when it knows the nodes itself', async () => {
  await using cluster = await room(extender({ nodeCacheCapable: true }), () => ({
    NodeNames: [],
    FailedNodes: { a: 'too far away', b: 'too far away' },
    FailedAndUnresolvableNodes: { c: 'never' },
  }))
  const web = await cluster.add('web')
  expect(web.status.conditions?.[0]?.message).toBe(
    '0/3 nodes are available: 1 never, 2 too far away. no new claims to deallocate, preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
  )
  expect(cluster.asked[0]!.body.Nodes).toBeNull()
  expect([...cluster.asked[0]!.body.NodeNames].sort()).toEqual(['a', 'b', 'c'])
})

test('an extender that fails holds the pod up, unless it may be ignored', async () => {
  const broken: Answer = () => {
    throw new Error('Post "http://127.0.0.1:1/scheduler/filter": connect ECONNREFUSED')
  }
  await using cluster = await room(extender(), broken)
  const web = await cluster.add('web')
  expect(web.spec.nodeName).toBeUndefined()
  expect(web.status.conditions?.[0]).toMatchObject({
    reason: 'SchedulerError',
    message: expect.stringMatching(/ECONNREFUSED/),
  })
  await using other = await room(extender({ ignorable: true }), broken)
  expect((await other.add('web')).spec.nodeName).toBeDefined()
})

test('one that manages a resource is asked only about pods that want it', async () => {
  const managedResources = [{ name: 'example.com/gpu', ignoredByScheduler: true }]
  await using cluster = await room(extender({ managedResources }), (verb, { Nodes: nodes }) =>
    verb === 'filter' ? { Nodes: nodes } : [],
  )
  await cluster.add('plain')
  expect(cluster.asked).toEqual([])
  const resources = { requests: { 'example.com/gpu': '1' }, limits: { 'example.com/gpu': '1' } }
  expect(
    (await cluster.add('gpu', { containers: [{ name: 'main', image: 'x', resources }] })).spec.nodeName,
  ).toBeDefined()
  expect(cluster.asked.map(({ verb }) => verb)).toEqual(['filter', 'prioritize'])
})

test('an extender may bind', async () => {
  const bound: any[] = []
  await using cluster = await room(
    { extenders: [{ urlPrefix: 'http://127.0.0.1:1', bindVerb: 'bind' }] },
    (_, body) => {
      bound.push(body)
      return {}
    },
  )
  const web = await cluster.add('web')
  expect(bound).toEqual([
    { PodName: 'web', PodNamespace: 'default', PodUID: web.metadata.uid, Node: expect.any(String) },
  ])
})

test('it is asked over HTTP: the body and the answer are JSON, a refusal and a silence are failures', async () => {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      if (request.url === '/s/slow') return
      response.writeHead(request.url === '/s/filter' ? 200 : 500)
      response.end(JSON.stringify({ seen: JSON.parse(Buffer.concat(chunks).toString()) }))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const prefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}/s`
  const ask = createExtenderCalls()
  try {
    expect(await ask({ url: `${prefix}/filter`, body: { a: 1 }, timeout: 5000 })).toEqual({ seen: { a: 1 } })
    await expect(ask({ url: `${prefix}/broken`, body: {}, timeout: 5000 })).rejects.toThrow(
      `failed broken with extender at URL ${prefix}, code 500`,
    )
    await expect(ask({ url: `${prefix}/slow`, body: {}, timeout: 50 })).rejects.toThrow('context deadline exceeded')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a pod held up by an error is tried again after the back-off of the configuration', async () => {
  let isBroken = true
  await using cluster = await room({ ...extender(), podInitialBackoffSeconds: 20, podMaxBackoffSeconds: 30 }, verb => {
    if (isBroken) throw new Error('broken')
    return verb === 'filter' ? { Error: 'still broken' } : []
  })
  await cluster.add('web')
  isBroken = false
  await cluster.env.clock.advance(19_000)
  expect(cluster.asked.length).toBe(1)
  await cluster.env.clock.advance(2000)
  expect(cluster.asked.length).toBe(2)
  await cluster.env.clock.advance(28_000)
  expect(cluster.asked.length).toBe(2)
  await cluster.env.clock.advance(2000)
  expect(cluster.asked.length).toBe(3)
})
