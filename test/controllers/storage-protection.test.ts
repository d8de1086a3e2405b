// Claims and volumes that are in use stay (pkg/controller/volume/{pvcprotection,pvprotection}).

import { expect, test } from 'vitest'
import { Namespaces, PersistentVolumeClaims, PersistentVolumes, Pods } from '../../src/kinds/index.ts'
import { leastObject } from '../registry/least-objects.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { claim, volume } from '../support/storage.ts'

const ref = { name: 'data', namespace: 'default' }

test('a claim that is deleted goes when the last pod that uses it has gone', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  await cluster.apply(leastObject(PersistentVolumeClaims, 'data') as never, pod('web', { volumes }))
  await cluster.until(() => !!cluster.get(Pods, 'web').spec.nodeName)
  expect(cluster.get(PersistentVolumeClaims, 'data').metadata.finalizers).toEqual(['kubernetes.io/pvc-protection'])
  await cluster.client.of(PersistentVolumeClaims).delete(ref)
  await cluster.advance('1m')
  expect(cluster.get(PersistentVolumeClaims, 'data').metadata.deletionTimestamp).toBeDefined()
  await cluster.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumeClaims)).toEqual([])
})

test('a claim that nobody uses goes at once; so does a volume that is not bound, and one that is, later', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const waiting = pod('web', { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] })
  await cluster.apply(leastObject(PersistentVolumeClaims, 'data') as never, waiting)
  await cluster.client.of(PersistentVolumeClaims).delete(ref)
  // A pod that has no node yet will not start with it.
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumeClaims)).toEqual([])
  const volumes = cluster.client.of(PersistentVolumes)
  await cluster.apply(volume('free'), volume('bound', '2Gi'), claim('data', '2Gi'))
  for (const name of ['free', 'bound']) await volumes.delete({ name })
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumes).map(({ metadata }) => metadata.name)).toEqual(['bound'])
  await cluster.client.of(PersistentVolumeClaims).delete(ref)
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumes)).toEqual([])
})

test('a namespace with claims and volumes in use ends with its pods', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } } as never)
  await cluster.advance('1s')
  const claim = { ...leastObject(PersistentVolumeClaims, 'data', 'team') }
  const web = pod('web', { volumes: [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }] })
  await cluster.apply(claim as never, { ...web, metadata: { name: 'web', namespace: 'team' } })
  await cluster.advance('5s')
  await cluster.client.of(Namespaces).delete({ name: 'team' })
  await cluster.until(() => cluster.list(Namespaces).every(({ metadata }) => metadata.name !== 'team'))
  expect([cluster.list(PersistentVolumeClaims), cluster.list(Pods)]).toEqual([[], []])
})
