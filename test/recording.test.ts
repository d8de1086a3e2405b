// A recording of all that came from outside, replayed: the same history, byte for byte; and where it is not, where that begins.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConfigMaps, Deployments, Leases, Pods } from '../src/kinds/index.ts'
import { readRecording } from '../src/recording/recording-file.ts'
import { replay } from '../src/recording/replay.ts'
import type { TestCluster } from '../src/testing/cluster.ts'
import { testCluster } from './support/cluster.ts'
import { deployment } from './support/objects.ts'

const configMap = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap' as const,
  metadata: { name, namespace: 'default' },
  data,
})

async function replayed(cluster: TestCluster) {
  const recording = readRecording(await cluster.recording())
  await using again = await replay(recording)
  return { ...again, present: again.env.clock.now(), revision: again.cluster.storage.revision }
}

test('hours of a recorded cluster come again, byte for byte', async () => {
  await using cluster = await testCluster({ nodes: 2, seed: 11, record: true })
  await cluster.apply(deployment('web', { replicas: 3 }))
  await cluster.advance('1m')
  await cluster.client
    .of(Deployments)
    .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 5 } } })
  // Several at once, one of which is refused.
  const outcomes = await Promise.allSettled([
    cluster.client.of(ConfigMaps).create(configMap('one')),
    cluster.client.of(ConfigMaps).create(configMap('one')),
    cluster.client.of(Pods).deleteCollection({ namespace: 'default' }),
    cluster.client.of(Deployments).update({ ...cluster.get(Deployments, 'web') }),
  ])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  await cluster.apply({
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Fault',
    metadata: { name: 'dark' },
    spec: { after: '1m', duration: '20m', nodes: { names: ['node-2'] } },
  })
  await cluster.advance('4h')
  // What is only written for whoever looks.
  await cluster.client.of(Leases).list()
  await cluster.advance('7s')
  const { difference, events, inputs, present, revision } = await replayed(cluster)
  expect(difference).toBeUndefined()
  expect(revision).toBe(cluster.cluster.storage.revision)
  expect(events).toBe(cluster.history.lines().length)
  expect(present).toBe(cluster.env.clock.now())
  expect(inputs).toBe(8)
})

test('a watch of leases is looked on again', async () => {
  await using cluster = await testCluster({ nodes: 1, record: true })
  await cluster.advance('1h')
  const ending = new AbortController()
  const watching = (async () => {
    for await (const _ of cluster.client.of(Leases).watch({ after: '1', signal: ending.signal }));
  })()
  await cluster.advance('1m')
  ending.abort()
  await watching
  await cluster.advance('1h')
  const { difference } = await replayed(cluster)
  expect(difference).toBeUndefined()
  expect(cluster.history.lines('leases').length).toBeGreaterThan(6)
})

test('a recording goes on from a snapshot', async () => {
  await using before = await testCluster({ nodes: 1 })
  await before.apply(deployment('web'))
  await before.advance('130s')
  await using cluster = await testCluster({ from: before.snapshot(), nodes: 1, seed: 3, record: true })
  await cluster.apply(deployment('later'))
  await cluster.advance('5m')
  expect((await replayed(cluster)).difference).toBeUndefined()
})

test('where the histories part is said, and the replay ends there', async () => {
  await using cluster = await testCluster({ nodes: 1, record: true })
  await cluster.apply(configMap('one', { a: '1' }))
  await cluster.apply(configMap('two'))
  const text = await cluster.recording()
  const changed = readRecording(text.replace('"a":"1"', '"a":"2"'))
  await using again = await replay(changed)
  expect(again.difference).toMatchObject({
    time: '2024-01-01T00:00:00.000Z',
    recorded: { type: 'ADDED', key: '/registry/core/configmaps/default/one' },
    replayed: { type: 'ADDED', key: '/registry/core/configmaps/default/one' },
  })
  expect(again.inputs).toBe(1)
  await using fewer = await replay({ ...changed, inputs: changed.inputs.slice(0, 0) })
  expect(fewer.difference).toMatchObject({ replayed: undefined })
})

test('it can be replayed up to a revision or a time', async () => {
  await using cluster = await testCluster({ nodes: 1, record: true })
  for (const name of ['a', 'b', 'c']) {
    await cluster.apply(configMap(name))
    await cluster.advance('1m')
  }
  const recording = readRecording(await cluster.recording())
  const b = cluster.history.lines('configmaps/default/b')[0]!.split(' ')[0]
  await using some = await replay(recording, { until: { revision: Number(b) } })
  expect(some.difference).toBeUndefined()
  expect((await some.cluster.client.of(ConfigMaps).list({ namespace: 'default' })).items).toHaveLength(2)
  await using early = await replay(recording, { until: { time: recording.heading.startAt + 30_000 } })
  expect((await early.cluster.client.of(ConfigMaps).list({ namespace: 'default' })).items).toHaveLength(1)
  expect(early.env.clock.now()).toBe(recording.heading.startAt + 30_000)
})

test('files that are none, damaged or of a newer version are refused in words', async () => {
  await using cluster = await testCluster({ nodes: 0, record: true })
  await cluster.apply(configMap('one'))
  const text = await cluster.recording()
  expect(() => readRecording('{}')).toThrow('it is not a recording of kubesim')
  expect(() => readRecording(text.replace('"format":1', '"format":2'))).toThrow('a newer version')
  expect(() => readRecording(text.replace(/\n\[/, '\nx['))).toThrow('it is damaged at line 2')
  // As a crash leaves it.
  expect(readRecording(text.slice(0, -5)).inputs.length).toBe(readRecording(text).inputs.length - 1)
})

type Deed = { readonly do: string; readonly n: number }
const deed: fc.Arbitrary<Deed> = fc.record({
  do: fc.constantFrom('scale', 'create', 'delete', 'advance', 'evict', 'fault', 'unfault', 'leases', 'both'),
  n: fc.integer({ min: 0, max: 5 }),
})

async function carryOut(cluster: TestCluster, { do: what, n }: Deed): Promise<void> {
  const { client } = cluster
  const anyway = (work: Promise<unknown>) => work.catch(() => {})
  const ref = { name: `web-${n}`, namespace: 'default' }
  const scale = (replicas: number) =>
    anyway(client.of(Deployments).patch(ref, { type: 'merge', body: { spec: { replicas } } }))
  if (what === 'scale') await scale(n)
  if (what === 'create') await anyway(client.of(Deployments).create(deployment(ref.name, { replicas: n % 3 })))
  if (what === 'delete') await anyway(client.of(Deployments).delete(ref))
  if (what === 'advance') await cluster.advance(`${n * n * 7 + 1}s`)
  if (what === 'evict') await anyway(client.of(Pods).deleteCollection({ namespace: 'default' }))
  if (what === 'leases') await anyway(client.of(Leases).list())
  if (what === 'both') await Promise.all([scale(n), scale(n + 1), anyway(client.of(Deployments).delete(ref))])
  const name = `fault-${n % 2}`
  if (what === 'unfault') await anyway(client.of(faults(cluster)).delete({ name }))
  if (what === 'fault') {
    const names = [`node-${(n % 2) + 1}`]
    const spec = [
      { nodes: { names, effect: 'CutOff' } },
      { nodes: { names, effect: 'Gone' }, duration: '4m' },
      { nodes: { names, effect: 'Slow' }, watches: { delay: '7s' } },
      { api: { verbs: ['create', 'patch'], percent: 30, code: 409 } },
      { partition: { between: [{ nodes: names }, { apiServer: true }] }, duration: '90s', every: '3m' },
      { store: {}, duration: '1m' },
    ][n]
    await anyway(cluster.apply({ apiVersion: 'kubesim.dev/v1alpha1', kind: 'Fault', metadata: { name }, spec }))
  }
}

const faults = ({ cluster }: TestCluster) => cluster.server.registry.kinds.find(({ kind }) => kind === 'Fault')!

test('whatever is done, the replay is the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { minLength: 3, maxLength: 12 }), fc.nat(1000), async (deeds, seed) => {
      await using cluster = await testCluster({ nodes: 2, seed, record: true })
      for (const each of deeds) await carryOut(cluster, each)
      await cluster.advance('3s')
      const { difference, events } = await replayed(cluster)
      expect(difference).toBeUndefined()
      expect(events).toBe(cluster.history.lines().length)
    }),
    { numRuns: 10 },
  )
})
