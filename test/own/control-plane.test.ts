// GET …/control-plane and its events: the stations, and what travels between them, over HTTP.

import { expect, test } from 'vitest'
import { FaultsKind } from '../../src/kinds/index.ts'
import { passing } from '../../src/own/control-plane-events.ts'
import { testCluster } from '../support/cluster.ts'
import { deployment, pod } from '../support/objects.ts'
import { openOwnDoor } from './own-door.ts'

const stationOf = (json: any, name: string) => json.stations.find((each: { name: string }) => each.name === name)

test('the stations: who runs, what each wrote last, how much', async () => {
  await using cluster = await testCluster({ nodes: 2, delays: 0 })
  await cluster.apply(deployment('web', { replicas: 3 }))
  await cluster.settle()
  await using door = await openOwnDoor(cluster)
  const { code, json } = await door.get('control-plane')
  expect([code, json.kind, json.paused]).toEqual([200, 'ControlPlane', false])
  expect(stationOf(json, 'replicaset-controller')).toMatchObject({
    component: 'controllers',
    isRunning: true,
    stoppedBy: [],
    queue: { length: 0 },
    working: [],
    last: { type: 'MODIFIED', object: { resource: 'replicasets.apps' } },
  })
  expect(stationOf(json, 'replicaset-controller').writes).toBeGreaterThan(3)
  expect(stationOf(json, 'kube-scheduler')).toMatchObject({
    component: 'scheduler',
    // Three bindings, each with an Event.
    writes: 6,
    last: { object: { resource: 'pods' } },
  })
  expect(json.kubelets).toEqual({
    count: 2,
    nodes: [
      { name: 'node-1', isRunning: true, pods: expect.any(Number), stoppedBy: [] },
      { name: 'node-2', isRunning: true, pods: expect.any(Number), stoppedBy: [] },
    ],
    notRunning: 0,
  })
  expect(json.clients).toEqual([])
  expect(json.apiserver.watches).toBeGreaterThan(10)
  await door.apply(pod('mine'))
  const [client] = (await door.get('control-plane')).json.clients
  expect(client).toMatchObject({
    user: 'kubernetes-admin',
    writes: 1,
    last: { object: { resource: 'pods', name: 'mine' } },
  })
  expect(json.store.objects).toBeGreaterThan(20)
})

test('what a Fault stops is shown as stopped, with the Fault; what waits at a paused cluster, as queued', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const stop = (name: string) => ({
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Fault',
    metadata: { name: `no-${name}` },
    spec: { component: { name } },
  })
  await cluster.apply(stop('scheduler') as never, stop('replicaset-controller') as never)
  cluster.clock.pause()
  await cluster.apply(deployment('web'))
  await using door = await openOwnDoor(cluster)
  const { json } = await door.get('control-plane')
  expect(json.paused).toBe(true)
  expect(stationOf(json, 'kube-scheduler')).toMatchObject({ isRunning: false, stoppedBy: ['no-scheduler'] })
  expect(stationOf(json, 'replicaset-controller')).toMatchObject({
    isRunning: false,
    stoppedBy: ['no-replicaset-controller'],
  })
  expect(stationOf(json, 'deployment-controller').queue).toMatchObject({ length: 1 })
  await cluster.client.of(FaultsKind).delete({ name: 'no-scheduler' })
  await cluster.env.activity.idle()
  const again = await door.get('control-plane')
  expect(stationOf(again.json, 'kube-scheduler')).toMatchObject({ isRunning: true, stoppedBy: [] })
})

test('a component that is not in this process is shown apart; dead nodes have no kubelet', async () => {
  await using cluster = await testCluster({ nodes: 3, without: ['scheduler'] })
  const dead = { nodes: { names: ['node-2'] } }
  await cluster.apply({
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Fault',
    metadata: { name: 'off' },
    spec: dead,
  } as never)
  await using door = await openOwnDoor(cluster)
  const { json } = await door.get('control-plane')
  expect(stationOf(json, 'scheduler')).toMatchObject({ isRunning: false, isApart: true })
  expect(json.kubelets).toMatchObject({ notRunning: 1 })
  expect(json.kubelets.nodes[1]).toMatchObject({ name: 'node-2', isRunning: false, stoppedBy: ['off'] })
})

/** Lines up to the one that is wanted. */
async function until(lines: AsyncIterator<any>, wanted: (line: any) => boolean): Promise<any[]> {
  const seen: any[] = []
  for (;;) {
    const { done, value } = await lines.next()
    if (done) throw new Error(`it ended after ${JSON.stringify(seen, null, 1)}`)
    seen.push(value)
    if (wanted(value)) return seen
  }
}

test('the way of a Deployment: request, admission, revision, watch, queue, work, done – and then its ReplicaSet', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await using door = await openOwnDoor(cluster)
  await cluster.env.activity.idle()
  const stream = await door.stream('control-plane/events?watch=1&resource=deployments.apps&namespace=default&name=web')
  const begun = await stream.lines.next()
  expect(begun.value).toEqual({
    type: 'BEGIN',
    object: { time: expect.stringMatching(/^2024-01-01T00:00:0/), revision: cluster.cluster.storage.revision },
  })
  await door.apply(deployment('web'))
  const lines = await until(
    stream.lines,
    ({ object: { step, object } }) =>
      step === 'revision' && object.resource === 'pods' && object.name.startsWith('web-'),
  )
  const told = lines.map(({ object: { step, station, object, type } }) =>
    [step, station, type, object?.resource].filter(Boolean).join(' '),
  )
  const from = told.indexOf('request apiserver deployments.apps')
  expect(told.slice(from, from + 3)).toEqual([
    'request apiserver deployments.apps',
    'admission apiserver deployments.apps',
    'revision store ADDED deployments.apps',
  ])
  const order = [
    'watch watch ADDED deployments.apps',
    'queue deployment-controller deployments.apps',
    'work deployment-controller deployments.apps',
    'revision store ADDED replicasets.apps',
    'queue replicaset-controller replicasets.apps',
    'revision store ADDED pods',
  ].map(line => told.indexOf(line))
  expect(order).toEqual([...order].sort((one, other) => one - other))
  expect(order).not.toContain(-1)
  const made = lines.find(
    ({ object: { step, object } }) => step === 'revision' && object.resource === 'replicasets.apps',
  )
  expect(made.object).toMatchObject({
    by: 'deployment-controller',
    cause: { of: { resource: 'deployments.apps', name: 'web' } },
  })
  expect(lines.some(({ object: { object } }) => object?.resource === 'events')).toBe(false)
  stream.close()
})

test('what is refused is told with its words', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await using door = await openOwnDoor(cluster)
  const stream = await door.stream('control-plane/events?watch=1')
  await stream.lines.next()
  await door.apply(pod('web', { containers: [] })).catch(() => {})
  const lines = await until(stream.lines, ({ object }) => object.step === 'refusal')
  expect(lines.at(-1).object).toMatchObject({
    station: 'apiserver',
    user: 'kubernetes-admin',
    verb: 'create',
    code: 422,
    object: { resource: 'pods', namespace: 'default' },
    message: expect.stringContaining('spec.containers: Required value'),
  })
})

test("only a station's own: what is queued for it, what it works, what it writes", async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  await using door = await openOwnDoor(cluster)
  const stream = await door.stream('control-plane/events?watch=1&station=kubelet')
  await stream.lines.next()
  await cluster.apply(pod('web'))
  const lines = await until(stream.lines, ({ object }) => object.step === 'revision')
  const told = lines.map(({ object: { step, station, by, node } }) => ({ step, station, by, node }))
  expect(told.at(-1)).toMatchObject({ step: 'revision', by: 'kubelet' })
  expect(told.every(({ station, by }) => station === 'kubelet' || by === 'kubelet')).toBe(true)
  expect(told.find(({ step }) => step === 'work')).toMatchObject({ node: 'node-1' })
})

test('who reads too slowly is told how much he has missed; who leaves is told nothing more', async () => {
  await using cluster = await testCluster({ nodes: 0, without: ['controllers', 'scheduler', 'kubelet', 'proxy'] })
  const leaving = new AbortController()
  const stream = passing(cluster.cluster, {}, leaving.signal)
  await stream.next()
  for (let count = 0; count < 600; count++) {
    await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `c-${count}` } } as never)
  }
  const { value } = await stream.next()
  const text = value as string
  const lines = text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  // Each write is an admission and a revision.
  expect(lines).toHaveLength(1_001)
  expect(lines.at(-1)).toEqual({ type: 'MISSED', missed: 200 })
  expect(cluster.env.traffic.isWatched).toBe(true)
  leaving.abort()
  expect((await stream.next()).done).toBe(true)
  expect(cluster.env.traffic.isWatched).toBe(false)
})

test('a stream ends with the server, and is refused to whom it is not open', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const door = await openOwnDoor(cluster)
  expect((await door.get('control-plane', 'nobody')).code).toBe(403)
  expect((await door.get('control-plane/events?watch=1', 'nobody')).code).toBe(403)
  expect((await door.get('control-plane/events')).json.message).toBe('events are watched: ?watch=1')
  expect((await door.get('control-plane/nothing')).code).toBe(404)
  const stream = await door.stream('control-plane/events?watch=1')
  await stream.lines.next()
  await door[Symbol.asyncDispose]()
  expect((await stream.lines.next()).done).toBe(true)
  expect(cluster.env.traffic.isWatched).toBe(false)
})
