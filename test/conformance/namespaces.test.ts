// Upstream's conformance items about namespaces, by their names (test/e2e/apimachinery/namespace.go).

import { expect, test } from 'vitest'
import type { Namespace } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import { Namespaces, Nodes, Pods, Services } from '../../src/kinds/index.ts'
import { testCluster } from '../support/cluster.ts'
import { pod, service } from '../support/objects.ts'

const team = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } } as const
const inTeam = <T extends { metadata: object }>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, namespace: 'team' },
})

async function cluster() {
  const it = await testCluster()
  await it.apply(team)
  return Object.assign(it, {
    namespaces: it.client.of(Namespaces),
    team: () => it.get(Namespaces, { name: 'team' }),
    isGone: () => !it.list(Namespaces).some(({ metadata }) => metadata.name === 'team'),
  })
}

test('[sig-api-machinery] Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted', async () => {
  await using it = await cluster()
  await it.apply(inTeam(pod('web')))
  await it.until(() => it.list(Pods).some(({ status }) => status.phase === 'Running'))
  await it.namespaces.delete({ name: 'team' })
  await it.until(() => it.isGone())
  await it.apply(team)
  expect(it.list(Pods)).toEqual([])
})

test('[sig-api-machinery] Namespaces [Serial] should ensure that all services are removed when a namespace is deleted', async () => {
  await using it = await cluster()
  await it.apply(inTeam(service('web', 'web')))
  await it.namespaces.delete({ name: 'team' })
  await it.until(() => it.isGone())
  await it.apply(team)
  expect(it.list(Services).map(({ metadata }) => metadata.name)).toEqual(['kubernetes', 'kube-dns'])
})

test('[sig-api-machinery] Namespaces [Serial] should patch a Namespace', async () => {
  await using it = await cluster()
  await it.namespaces.patch(
    { name: 'team' },
    { type: 'merge', body: { metadata: { labels: { testLabel: 'testValue' } } } },
  )
  expect(it.team().metadata.labels).toEqual({ testLabel: 'testValue', 'kubernetes.io/metadata.name': 'team' })
})

test('[sig-api-machinery] Namespaces [Serial] should apply an update to a Namespace', async () => {
  await using it = await cluster()
  const changed = draft<Namespace>(it.team())
  changed.metadata.labels = { ...changed.metadata.labels, updated: 'yes' }
  await it.namespaces.update(changed)
  expect(it.team().metadata.labels).toMatchObject({ updated: 'yes' })
})

test('[sig-api-machinery] Namespaces [Serial] should apply changes to a namespace status', async () => {
  await using it = await cluster()
  expect(it.team().status.phase).toBe('Active')
  const condition = { type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by an e2e test' }
  await it.namespaces.patch(
    { name: 'team' },
    { type: 'merge', body: { status: { conditions: [condition] } } },
    'status',
  )
  expect(it.team().status.conditions).toMatchObject([condition])
  const changed = draft<Namespace>(it.team())
  changed.status.conditions!.push({ ...condition, type: 'StatusUpdate', message: 'Updated by an e2e test' })
  await it.namespaces.updateStatus(changed)
  expect(it.team().status.conditions?.map(({ type }) => type)).toEqual(['StatusPatch', 'StatusUpdate'])
})

test('[sig-api-machinery] Namespaces [Serial] should apply a finalizer to a Namespace', async () => {
  await using it = await cluster()
  const finalize = async (finalizers: string[]) => {
    const changed = draft<Namespace>(it.team())
    changed.spec.finalizers = finalizers
    await it.namespaces.act({ name: 'team' }, 'finalize', changed, 'PUT')
  }
  await finalize(['kubernetes', 'e2e.example.com/fakeFinalizer'])
  expect(it.team().spec.finalizers).toEqual(['kubernetes', 'e2e.example.com/fakeFinalizer'])
  await finalize(['kubernetes'])
  expect(it.team().spec.finalizers).toEqual(['kubernetes'])
})

test('[sig-api-machinery] OrderedNamespaceDeletion namespace deletion should delete pod first', async () => {
  await using it = await cluster()
  const held = {
    ...inTeam(pod('web')),
    metadata: { ...inTeam(pod('web')).metadata, finalizers: ['e2e.example.com/finalizer'] },
  }
  await it.apply(held, inTeam(service('web', 'web')))
  await it.until(() => it.list(Pods).some(({ status }) => status.phase === 'Running'))
  await it.namespaces.delete({ name: 'team' })
  await it.advance('1m')
  // As long as a pod is there, all else is.
  expect(it.list(Services).map(({ metadata }) => metadata.namespace)).toEqual(['default', 'kube-system', 'team'])
  await it.client
    .of(Pods)
    .patch({ name: 'web', namespace: 'team' }, { type: 'merge', body: { metadata: { finalizers: null } } })
  await it.until(() => it.isGone())
})

test('[sig-architecture] Conformance Tests should have at least two untainted nodes', async () => {
  await using it = await cluster()
  expect(it.list(Nodes).filter(({ spec }) => !spec.taints?.length).length).toBeGreaterThanOrEqual(2)
})
