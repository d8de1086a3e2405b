// kubesim/testing as a user of the library has it: apply, expect, settle, snapshots, a controller of one's own, a door.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import { createHttpClient } from '../../src/client/http-client.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { ConfigMaps, Deployments, Pods, Services } from '../../src/kinds/index.ts'
import { defineController } from '../../src/runtime/controller.ts'
import { fillJournal, readSnapshot } from '../../src/snapshot-file.ts'
import { testCluster } from '../../src/testing/cluster.ts'
import { kubectlFor, noKubectl } from '../support/kubectl.ts'

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: c, image: nginx }] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ port: 80 }] }
`

test('YAML, files, folders and objects are applied; settle waits for what comes of it', async () => {
  await using cluster = await testCluster({ nodes: 2, seed: 7 })
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-testing-'))
  try {
    writeFileSync(join(folder, 'b.yaml'), web)
    writeFileSync(
      join(folder, 'a.json'),
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}',
    )
    writeFileSync(join(folder, 'notes.txt'), 'none')
    await cluster.apply(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
  await cluster.apply(web.replace('replicas: 2', 'replicas: 3'), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'b' },
  })
  await cluster.settle()
  cluster.expect(Deployments, 'web', { spec: { replicas: 3 }, status: { readyReplicas: 3 } })
  cluster.expect(ConfigMaps, { name: 'a', namespace: 'default' }, { data: { k: 'v' } })
  expect(cluster.get(Services, 'web').spec.clusterIP).toMatch(/^10\./)
  await expect(cluster.apply('kind: Pod\nmetadata: {}')).rejects.toThrow('a document without apiVersion or kind')
})

test('what is not as expected is told with what it waits for and what happened to it', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(web.replace('nginx', 'example.com/does-not-exist'))
  await cluster.settle().catch(() => {})
  const failure = (() => {
    try {
      cluster.expect(Deployments, 'web', { status: { readyReplicas: 2, replicas: 2 } })
    } catch (error) {
      return (error as Error).message
    }
    return ''
  })()
  expect(failure).toMatch(/^Deployment web is not as expected:\n {2}status\.readyReplicas: undefined, not 2\npod\/web-/)
  expect(failure).toContain('waits for ImagePullBackOff')
  expect(failure).toMatch(/what happened to it:\n.*created.* by kubesim\n/)
  expect(cluster.whyNot(Deployments, 'web').findings[0]!.what).toBe('not running')
  expect(cluster.timeline({ resource: 'deployments' }).items[0]).toMatchObject({ type: 'ADDED' })
})

test('a controller of one’s own, of a kind of one’s own, runs in the same virtual time', async () => {
  const labels = defineController({
    name: 'marker',
    for: ConfigMaps,
    concerns: ({ metadata }) => metadata.name === 'mark',
    async reconcile(map, { client, clock }) {
      if (map.data?.at !== undefined) return
      if (clock.now() < Date.parse('2024-01-01T01:00:00Z')) return { again: 3_600_000 }
      await client.of(ConfigMaps).patch(map.metadata, { type: 'merge', body: { data: { at: String(clock.now()) } } })
      return
    },
  })
  await using cluster = await testCluster({ nodes: 0, controllers: [labels] })
  await cluster.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'mark' } })
  await cluster.advance('59m')
  expect(cluster.get(ConfigMaps, 'mark').data).toBeUndefined()
  await cluster.advance('2m')
  expect(cluster.get(ConfigMaps, 'mark').data).toEqual({ at: String(Date.parse('2024-01-01T01:00:00Z')) })
  expect(cluster.timeline({ name: 'mark' }).items.at(-1)!.cause).toMatchObject({ by: 'marker' })
})

test('a snapshot goes on where it was, with its history; also when it is taken again', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(web)
  await cluster.settle()
  const snapshot = cluster.snapshot()
  await using later = await testCluster({ nodes: 2, from: snapshot })
  later.expect(Deployments, 'web', { status: { readyReplicas: 2 } })
  expect(later.env.clock.now()).toBeGreaterThanOrEqual(cluster.env.clock.now() - 10_000)
  const born = (each: typeof cluster) => each.timeline({ resource: 'deployments', name: 'web' }).items[0]
  expect(born(later)).toEqual(born(cluster))
  await later.client
    .of(Deployments)
    .patch({ name: 'web', namespace: 'default' }, { type: 'merge', body: { spec: { replicas: 3 } } })
  await later.settle()
  expect([later.pods().length, cluster.pods().length]).toEqual([3, 2])
  expect(cluster.snapshot()).toBe(snapshot)
})

test('a snapshot that is none, cut off or damaged is refused, saying where', async () => {
  await using cluster = await testCluster({ nodes: 0, without: ['controllers', 'scheduler', 'kubelet', 'proxy'] })
  const lines = cluster.snapshot().split('\n')
  expect(() => readSnapshot('{}')).toThrow('it is not a snapshot of kubesim')
  expect(() => readSnapshot('what?')).toThrow('it is not a snapshot of kubesim')
  expect(() => readSnapshot(lines.slice(0, -3).join('\n'))).toThrow('it is cut off')
  expect(() => readSnapshot([...lines.slice(0, 3), ...lines.slice(4)].join('\n'))).toThrow('it is damaged at line 4')
  expect(() => readSnapshot([...lines.slice(0, 3), 'x'].join('\n'))).toThrow('it is damaged at line 4')
  expect(() => readSnapshot(lines.join('\n').replace('"format":1', '"format":2'))).toThrow('a newer version')
  const journal = new MemoryJournal()
  await fillJournal(journal, readSnapshot(lines.join('\n')))
  await expect(fillJournal(journal, readSnapshot(lines.join('\n')))).rejects.toThrow('there is a cluster already')
  const store = await RevisionStore.open(virtualEnv(), journal)
  expect(store.revision).toBe(cluster.cluster.storage.revision)
  await store.close()
})

test('of a store that has forgotten, what is there and the history that is left', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply(web)
  await cluster.settle()
  await cluster.cluster.storage.compact(cluster.cluster.storage.revision - 5)
  const journal = new MemoryJournal()
  await fillJournal(journal, readSnapshot(cluster.snapshot()))
  const store = await RevisionStore.open(virtualEnv(), journal)
  const shown = (each: RevisionStore) => each.list('').map(({ key, revision, bytes }) => `${key} ${revision} ${bytes}`)
  expect(shown(store)).toEqual(shown(cluster.cluster.storage))
  expect([store.compacted, store.events().length]).toEqual([cluster.cluster.storage.compacted, 5])
  await store.close()
})

test('listening, it is spoken to over HTTPS while its time stays in the test’s hands', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const door = await cluster.listen()
  const connection = createHttpClient(door.access)
  try {
    await connection.client.of(ConfigMaps).create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'default' },
    })
    expect(cluster.get(ConfigMaps, 'a').metadata.creationTimestamp).toBe('2024-01-01T00:00:00Z')
    await cluster.apply(web)
    expect((await connection.get<{ kind: string }>('/kubesim/v1alpha1/clock')).kind).toBe('Clock')
    await connection.post('/kubesim/v1alpha1/clock/advance', { by: '1m' })
    const pods = await connection.client.of(Pods).list({ namespace: 'default' })
    expect(pods.items.map(({ status }) => status.phase)).toEqual(['Running', 'Running'])
  } finally {
    connection.close()
  }
})

test.skipIf(noKubectl)('listening, kubectl reads it by the kubeconfig it gives', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const { kubeconfig } = await cluster.listen()
  const folder = mkdtempSync(join(tmpdir(), 'kubesim-testing-'))
  try {
    writeFileSync(join(folder, 'config'), kubeconfig)
    expect(await kubectlFor(join(folder, 'config'))('get', 'nodes')).toMatch(/node-1 +Ready/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
