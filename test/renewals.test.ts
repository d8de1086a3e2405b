// Nodes' leases in a whole cluster: renewed in writing only for whoever looks, and nobody can tell.

import { expect, test } from 'vitest'
import { findCondition } from '../src/api/conditions.ts'
import { FaultsKind, Leases, Nodes, ValidatingWebhookConfigurations } from '../src/kinds/index.ts'
import type { TestCluster } from '../src/testing/cluster.ts'
import { testCluster } from './support/cluster.ts'

const namespace = 'kube-node-lease'
const ref = { name: 'node-1', namespace }
const leaseWrites = ({ cluster }: TestCluster) =>
  cluster.storage.events(1).filter(({ key, type }) => key.includes('/kube-node-lease/') && type === 'MODIFIED').length
const renewTime = async ({ client }: TestCluster) => (await client.of(Leases).get(ref)).spec.renewTime
const ready = (cluster: TestCluster, name = 'node-1') =>
  findCondition(cluster.get(Nodes, name).status.conditions, 'Ready')!

test('a day goes by without a lease being written; who reads one finds it renewed when it would have been', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  await cluster.advance('1d')
  expect(leaseWrites(cluster)).toBe(0)
  expect(ready(cluster)).toMatchObject({ status: 'True', lastHeartbeatTime: '2024-01-02T00:00:00Z' })
  await cluster.advance('13s')
  expect(await renewTime(cluster)).toBe('2024-01-02T00:00:10.000000Z')
  expect(await renewTime(cluster)).toBe('2024-01-02T00:00:10.000000Z')
  expect(leaseWrites(cluster)).toBe(1)
  const { items } = await cluster.client.of(Leases).list()
  expect(items.map(({ spec }) => spec.renewTime)).toEqual(Array(3).fill('2024-01-02T00:00:10.000000Z'))
  // A lease of others, such as a component's that wants to lead.
  await cluster.advance('1m')
  await cluster.client.of(Leases).list({ namespace: 'kube-system' })
  expect(leaseWrites(cluster)).toBe(3)
})

test('who watches sees every renewal, and first those that were not written', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.advance('1h')
  const { resourceVersion } = await cluster.client.of(Leases).list()
  await cluster.advance('25s')
  const ending = new AbortController()
  const seen: string[] = []
  const watching = (async () => {
    for await (const event of cluster.client
      .of(Leases)
      .watch({ namespace, after: resourceVersion, signal: ending.signal })) {
      if (event.type === 'MODIFIED') seen.push(event.object.spec.renewTime!.slice(11, 19))
    }
  })()
  await cluster.advance('30s')
  ending.abort()
  await watching
  expect(seen).toEqual(['01:00:20', '01:00:30', '01:00:40', '01:00:50'])
  const written = leaseWrites(cluster)
  await cluster.advance('1h')
  expect(leaseWrites(cluster)).toBe(written)
})

test('a node that falls silent is found after the grace, to the second, whether or not somebody watches', async () => {
  const found: string[] = []
  for (const isWatched of [false, true]) {
    await using cluster = await testCluster({ nodes: 3 })
    const ending = new AbortController()
    let seen = 0
    const watch = async () => {
      for await (const _ of cluster.client.of(Leases).watch({ namespace, after: '1', signal: ending.signal })) seen++
    }
    const watching = isWatched ? watch() : undefined
    await cluster.apply({
      apiVersion: 'kubesim.dev/v1alpha1',
      kind: 'Fault',
      metadata: { name: 'dark' },
      spec: { after: '1h7s', duration: '5m', nodes: { names: ['node-2'] } },
    })
    await cluster.advance('62m')
    const { status, lastTransitionTime } = ready(cluster, 'node-2')
    expect(status).toBe('Unknown')
    expect(ready(cluster, 'node-3').status).toBe('True')
    found.push(lastTransitionTime!)
    await cluster.advance('10m')
    expect(ready(cluster, 'node-2').status).toBe('True')
    ending.abort()
    await watching
    expect(seen > 1000).toBe(isWatched)
  }
  // Last heard of at 01:00:00.
  expect(found).toEqual(['2024-01-01T01:00:50Z', '2024-01-01T01:00:50Z'])
})

test('what it has renewed before it fell silent can be read after', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.advance('65s')
  cluster.cluster.nodes.silence('node-1')
  await cluster.advance('5m')
  expect(await renewTime(cluster)).toBe('2024-01-01T00:01:00.000000Z')
  cluster.cluster.nodes.revive('node-1')
  await cluster.advance('1m')
  expect(await renewTime(cluster)).toBe('2024-01-01T00:07:00.000000Z')
})

test('a kubelet that is stopped is silent', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.advance('1h')
  await cluster.cluster.stopComponent('kubelet')
  await cluster.advance('1m')
  expect(ready(cluster).status).toBe('Unknown')
  await cluster.cluster.startComponent('kubelet')
  await cluster.advance('1s')
  expect(ready(cluster).status).toBe('True')
})

test('a lease that somebody deletes is there again', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.client.of(Leases).delete(ref)
  await expect(renewTime(cluster)).rejects.toThrow('not found')
  await cluster.advance('10s')
  expect(await renewTime(cluster)).toBe('2024-01-01T00:00:10.000000Z')
})

test('a fault that refuses renewals makes the nodes unknown', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.advance('1h')
  await cluster.apply({
    apiVersion: 'kubesim.dev/v1alpha1',
    kind: 'Fault',
    metadata: { name: 'no-leases' },
    spec: { duration: '2m', api: { verbs: ['patch'], resources: ['leases.coordination.k8s.io'], code: 500 } },
  })
  await cluster.advance('1m')
  expect(ready(cluster).status).toBe('Unknown')
  expect(cluster.get(FaultsKind, { name: 'no-leases' }).status!.struck).toBeGreaterThan(1)
  await cluster.advance('2m')
  expect(ready(cluster).status).toBe('True')
})

test('a webhook that nobody answers and that asks for leases too makes the nodes unknown', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.advance('1h')
  await cluster.client.of(ValidatingWebhookConfigurations).create({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: 'all' },
    webhooks: [
      {
        name: 'all.example.com',
        rules: [{ apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['leases'] }],
        clientConfig: { service: { name: 'absent', namespace: 'default' } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
      },
    ],
  })
  await cluster.advance('1m')
  expect(ready(cluster).status).toBe('Unknown')
  await cluster.client.of(ValidatingWebhookConfigurations).delete({ name: 'all' })
  await cluster.advance('1m')
  expect(ready(cluster).status).toBe('True')
})

test('time that passes in parts leaves the same history as time that passes at once', async () => {
  const histories: string[] = []
  for (const parts of [['1h'], ['1s', '29m59s', '30m'], Array(60).fill('1m')]) {
    await using cluster = await testCluster({ nodes: 2, seed: 5 })
    await cluster.apply(`apiVersion: batch/v1
kind: CronJob
metadata: { name: often }
spec:
  schedule: "*/10 * * * *"
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: c, image: busybox, command: ["true"] }] } } } }
`)
    for (const part of parts) await cluster.advance(part)
    histories.push(cluster.history.exact())
  }
  expect(histories[1]).toBe(histories[0])
  expect(histories[2]).toBe(histories[0])
})
