// What the log tells: who wrote what in answer to what, what was different between two revisions, which revision it was when.

import { expect, test } from 'vitest'
import { MemoryJournal } from '../apiserver/storage/journal.ts'
import { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { ObjectAt } from '../src/api/cause.ts'
import { virtualEnv } from '../src/env/virtual-env.ts'
import { Deployments, Secrets } from '../src/kinds/index.ts'
import { difference, type Happening, revisionOf, timeline } from '../src/timeline.ts'
import { pod } from './contracts/storage.ts'
import { testCluster } from './support/cluster.ts'
import { deployment } from './support/objects.ts'

const short = (name: string) => name.replace(/^web-[a-z0-9]{6,}/, 'web-*').replace(/-[a-z0-9]{5}$/, '-*')
const at = (it: ObjectAt | undefined) => it && `${it.resource} ${short(it.name)}@${it.revision}`
const line = ({ revision, type, object, cause }: Happening) =>
  `${revision} ${type} ${object.resource} ${short(object.name)} by ${cause?.by} of ${at(cause?.of)} woken by ${at(cause?.woken)}`

test('every write of a rollout says who wrote it, for what, and what had woken him', async () => {
  await using cluster = await testCluster({ nodes: 1, delays: 0 })
  const store = cluster.cluster.storage
  const from = store.revision
  await cluster.apply(deployment('web'))
  const { items } = timeline(store, { from })
  const relative = (text: string) => text.replace(/(^|@)(\d+)/g, (_, mark, digits) => `${mark}${Number(digits) - from}`)
  expect(items.map(line).map(relative).slice(0, 9)).toMatchInlineSnapshot(`
    [
      "1 ADDED deployments.apps web by kubesim of undefined woken by undefined",
      "2 ADDED replicasets.apps web-* by deployment-controller of deployments.apps web@1 woken by deployments.apps web@1",
      "3 ADDED pods web-*-* by replicaset-controller of replicasets.apps web-*@2 woken by replicasets.apps web-*@2",
      "5 MODIFIED deployments.apps web by deployment-controller of deployments.apps web@1 woken by deployments.apps web@1",
      "6 MODIFIED pods web-*-* by kube-scheduler of undefined woken by undefined",
      "8 MODIFIED replicasets.apps web-* by replicaset-controller of replicasets.apps web-*@2 woken by replicasets.apps web-*@2",
      "9 MODIFIED pods web-*-* by kubelet of pods web-*-*@6 woken by pods web-*-*@6",
      "11 MODIFIED deployments.apps web by deployment-controller of deployments.apps web@5 woken by replicasets.apps web-*@8",
      "12 MODIFIED replicasets.apps web-* by replicaset-controller of replicasets.apps web-*@8 woken by replicasets.apps web-*@8",
    ]
  `)
  const names = items.map(({ object }) => object.name)
  expect(names).toContain('web')
  expect(items.every(({ time }) => time === '2024-01-01T00:00:00.000Z')).toBe(true)
})

test('a turn that only time brought about was woken by nobody', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(deployment('web'))
  const from = cluster.cluster.storage.revision
  await cluster.advance('20s')
  const started = timeline(cluster.cluster.storage, { from, resource: 'pods' }).items[0]!
  expect([started.cause?.by, started.cause?.woken]).toEqual(['kubelet', undefined])
  expect(started.cause?.of).toMatchObject({ resource: 'pods', name: started.object.name })
})

test('between two revisions only what is different counts, and of Secrets nothing is shown', async () => {
  await using cluster = await testCluster({ nodes: 1, without: ['controllers', 'scheduler', 'kubelet'] })
  const { client } = cluster
  const store = cluster.cluster.storage
  const secret = (password: string) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's', namespace: 'default' },
    stringData: { password },
  })
  await cluster.apply(deployment('web', { replicas: 1 }), deployment('gone'), secret('one') as never)
  const from = store.revision
  await cluster.apply(deployment('web', { replicas: 3 }), deployment('new'), secret('two') as never)
  await cluster.apply(deployment('short'))
  await client.of(Deployments).delete({ name: 'short', namespace: 'default' })
  await client.of(Deployments).delete({ name: 'gone', namespace: 'default' }, { propagationPolicy: 'Background' })
  const told = difference(store, from, store.revision).items
  expect(
    told.map(({ type, object, changes }) => ({ what: `${type} ${object.resource} ${object.name}`, changes })),
  ).toEqual([
    { what: 'DELETED deployments.apps gone', changes: [] },
    { what: 'ADDED deployments.apps new', changes: [] },
    { what: 'MODIFIED deployments.apps web', changes: [{ path: 'spec.replicas', before: 1, after: 3 }] },
    { what: 'MODIFIED secrets s', changes: [{ path: 'data.password', before: '***', after: '***' }] },
  ])
  expect(difference(store, store.revision, store.revision).items).toEqual([])
  expect(cluster.get(Secrets, 's').data).not.toEqual({ password: '***' })
  expect(() => difference(store, store.revision, from)).toThrow('is later than')
})

test('a point in time is a revision, some back, a span ago or a time; what is forgotten is said to be', async () => {
  const env = virtualEnv()
  const store = await RevisionStore.open(env, new MemoryJournal())
  const key = (name: string) => `/registry/core/pods/default/${name}`
  for (const name of ['a', 'b', 'c']) {
    await store.write(key(name), () => ({ put: pod(name) }))
    await env.clock.advance(60_000)
  }
  const which = (words: string) => revisionOf(store, words, env.clock.now())
  expect(
    ['now', '3', 'now-1', '-1', '90s-ago', '1m-ago', '2024-01-01T00:00:59Z', '2024-01-01T00:01:00Z'].map(which),
  ).toEqual([4, 3, 3, 3, 3, 4, 2, 3])
  expect([which('1h-ago'), which('1')]).toEqual([1, 1])
  for (const words of ['', 'soon', '5', '-1.5', '5m', 'ago']) expect(() => which(words)).toThrow()
  await store.compact(3)
  expect(() => which('2')).toThrow('revision 2 is forgotten: history goes back to revision 3')
  expect(() => which('1h-ago')).toThrow('is forgotten')
  expect(which('30s-ago')).toBe(4)
  await store.close()
})
