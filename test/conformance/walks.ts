// What upstream's tests do with every kind of workload alike: walk through its status and its scale, list and delete many.

import { expect } from 'vitest'
import type { Scale } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject, NewObject } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { TestCluster } from '../support/cluster.ts'

interface Workload extends KubeObject {
  spec: { replicas?: number }
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] }
}

const inDefault = (name: string) => ({ name, namespace: 'default' })

/** Updates and patches the status; each is seen by the next read and by a watch. */
export async function walkStatus(cluster: TestCluster, kind: Kind<any>, name: string): Promise<void> {
  const client = cluster.client.of(kind as Kind<Workload>)
  const ref = inDefault(name)
  const ending = new AbortController()
  const { resourceVersion } = await client.list({ namespace: 'default' })
  const watch = client.watch({ namespace: 'default', after: resourceVersion, signal: ending.signal })
  const next = draft<Workload>(await client.get(ref))
  next.status.conditions = [
    ...(next.status.conditions ?? []),
    { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Set from e2e test' },
  ]
  await client.updateStatus(next)
  for await (const event of watch) {
    const { status } = (event as { object: Frozen<Workload> }).object
    if (status.conditions?.some(condition => condition.type === 'StatusUpdate')) break
  }
  ending.abort()
  const body = { status: { conditions: [{ type: 'StatusPatched', status: 'True' }] } }
  const patched = await client.patch(ref, { type: 'merge', body }, 'status')
  expect(patched.status.conditions).toEqual([expect.objectContaining({ type: 'StatusPatched', status: 'True' })])
  const { status } = await client.get(ref)
  expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'StatusPatched', status: 'True' }))
}

/** Gets, updates and patches the scale; the workload follows. */
export async function walkScale(cluster: TestCluster, kind: Kind<any>, name: string): Promise<void> {
  const client = cluster.client.of(kind as Kind<Workload>)
  const ref = inDefault(name)
  const pods = (): number => cluster.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined).length
  const scale = await client.read<Scale>(ref, 'scale')
  expect(scale).toMatchObject({ kind: 'Scale', apiVersion: 'autoscaling/v1', spec: { replicas: 1 } })
  await client.act(ref, 'scale', { ...scale, spec: { replicas: 2 } }, 'PUT')
  expect((await client.get(ref)).spec.replicas).toBe(2)
  await cluster.until(() => pods() === 2)
  await client.patch(ref, { type: 'merge', body: { spec: { replicas: 4 } } }, 'scale')
  expect((await client.get(ref)).spec.replicas).toBe(4)
  await cluster.until(() => pods() === 4)
}

/** Makes three of it with a label, lists them by it, and deletes them all by it. */
export async function walkCollection(cluster: TestCluster, kind: Kind<any>, object: NewObject<any>): Promise<void> {
  const client = cluster.client.of(kind as Kind<Workload>)
  const labels = { e2e: 'collection' }
  for (const number of [1, 2, 3]) {
    const metadata = { ...object.metadata, name: `${object.metadata.name}-${number}`, labels }
    await cluster.apply({ ...object, metadata })
  }
  const labelSelector = 'e2e=collection'
  expect((await client.list({ labelSelector })).items).toHaveLength(3)
  await client.deleteCollection({ namespace: 'default', labelSelector })
  await cluster.until(() => cluster.list(kind).length === 0)
}
