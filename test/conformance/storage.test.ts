// Upstream's conformance items of [sig-storage] that are about the API and about binding, by their names
// (test/e2e/storage/{persistent_volumes,csi_inline,csistoragecapacity,csi_node,volume_attachment,volume_attributes_class}.go,
// test/e2e/common/storage/{configmap,secrets}_volume.go).

import { expect, test } from 'vitest'
import {
  ConfigMaps,
  CSIDrivers,
  CSINodes,
  CSIStorageCapacities,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  Secrets,
  VolumeAttachments,
  VolumeAttributesClasses,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { openDoor } from '../http/door.ts'
import { refusal } from '../registry/harness.ts'
import { testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { claim, storageClass, volume } from '../support/storage.ts'
import { json, mergePatch, walkThrough } from './walk-through.ts'

test('[sig-storage] CSIInlineVolumes should run through the lifecycle of a CSIDriver', async () => {
  await using door = await openDoor()
  await walkThrough(door, CSIDrivers)
})

test('[sig-storage] CSIInlineVolumes should support CSIVolumeSource in Pod API', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const csi = { driver: 'inline.example.com', volumeAttributes: { size: '1Gi' }, readOnly: true }
  await cluster.apply(pod('inline', { volumes: [{ name: 'csi', csi }] }))
  expect(cluster.get(Pods, 'inline').spec.volumes![0]).toEqual({ name: 'csi', csi })
  const labels = { 'e2e-test': 'inline' }
  const ref = { name: 'inline', namespace: 'default' }
  await cluster.client.of(Pods).patch(ref, { type: 'merge', body: { metadata: { labels } } })
  expect(cluster.list(Pods, labels)).toHaveLength(1)
  await cluster.client.of(Pods).deleteCollection({ namespace: 'default', labelSelector: 'e2e-test=inline' })
  await cluster.advance('1s')
  expect(cluster.list(Pods)).toEqual([])
})

test('[sig-storage] CSIStorageCapacity  should support CSIStorageCapacities API operations', async () => {
  await using door = await openDoor()
  await walkThrough(door, CSIStorageCapacities)
})

test('[sig-storage] CSINodes CSI Conformance should run through the lifecycle of a csinode', async () => {
  await using door = await openDoor()
  await walkThrough(door, CSINodes)
})

test('[sig-storage] VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment', async () => {
  await using door = await openDoor()
  await walkThrough(door, VolumeAttachments)
})

test('[sig-storage] VolumeAttachment Conformance should apply changes to a volumeattachment status', async () => {
  await using door = await openDoor()
  const spec = { attacher: 'e2e.example.com', nodeName: 'node-1', source: { persistentVolumeName: 'pv' } }
  const object = { apiVersion: VolumeAttachments.apiVersion, kind: 'VolumeAttachment', metadata: { name: 'va' }, spec }
  const post = { method: 'POST', body: JSON.stringify(object), type: json }
  expect((await door.ask(VolumeAttachments.path(), post)).code).toBe(201)
  const path = `${VolumeAttachments.path({ name: 'va' })}/status`
  const patch = { method: 'PATCH', body: JSON.stringify({ status: { attached: true } }), type: mergePatch }
  expect((await door.ask(path, patch)).json.status).toEqual({ attached: true })
  const { json: read } = await door.ask(path)
  read.status.attached = false
  const put = { method: 'PUT', body: JSON.stringify(read), type: json }
  expect((await door.ask(path, put)).json.status).toEqual({ attached: false })
})

test('[sig-storage] VolumeAttributesClass [FeatureGate:VolumeAttributesClass] should run through the lifecycle of a VolumeAttributesClass', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const classes = cluster.client.of(VolumeAttributesClasses)
  const make = (name: string) =>
    classes.create({
      apiVersion: VolumeAttributesClasses.apiVersion,
      kind: 'VolumeAttributesClass',
      metadata: { name, labels: { e2e: 'vac' } },
      driverName: 'e2e.example.com',
      parameters: { iops: '1' },
    })
  await make('one')
  expect((await classes.get({ name: 'one' })).parameters).toEqual({ iops: '1' })
  const patched = await classes.patch({ name: 'one' }, { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
  const updated = await classes.update({
    ...patched,
    metadata: { ...patched.metadata, labels: { e2e: 'vac', a: 'c' } },
  })
  expect(updated.metadata.labels).toEqual({ e2e: 'vac', a: 'c' })
  await classes.delete({ name: 'one' })
  await cluster.advance('1s')
  expect(cluster.list(VolumeAttributesClasses)).toEqual([])
  await make('two')
  await classes.deleteCollection({ labelSelector: 'e2e=vac' })
  await cluster.advance('1s')
  expect(cluster.list(VolumeAttributesClasses)).toEqual([])
})

test('[sig-storage] PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  const labels = { e2e: 'lifecycle' }
  const [claims, volumes] = [cluster.client.of(PersistentVolumeClaims), cluster.client.of(PersistentVolumes)]
  const ref = { name: 'pvc', namespace: 'default' }
  const make = async () => {
    const own = { storageClassName: 'e2e', csi: { driver: 'e2e.example.com', volumeHandle: 'e2e' } }
    await cluster.apply(volume('pv', '1Gi', { ...own, hostPath: undefined as never }, labels))
    const asked = claim('pvc', '1Gi', { storageClassName: 'e2e' })
    await cluster.apply({ ...asked, metadata: { ...asked.metadata, labels } })
  }
  await make()
  expect((await volumes.list({ labelSelector: 'e2e=lifecycle' })).items).toHaveLength(1)
  expect((await claims.list({ labelSelector: 'e2e=lifecycle' })).items).toHaveLength(1)
  expect(cluster.get(PersistentVolumeClaims, 'pvc').status.phase).toBe('Bound')
  const label = (value: string) => ({ type: 'merge' as const, body: { metadata: { labels: { step: value } } } })
  expect((await volumes.patch({ name: 'pv' }, label('patched'))).metadata.labels!.step).toBe('patched')
  expect((await claims.patch(ref, label('patched'))).metadata.labels!.step).toBe('patched')
  expect((await claims.get(ref)).metadata.uid).toBe((await volumes.get({ name: 'pv' })).spec.claimRef!.uid)
  await claims.delete(ref)
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumeClaims)).toEqual([])
  await volumes.delete({ name: 'pv' })
  await cluster.advance('1s')
  expect(cluster.list(PersistentVolumes)).toEqual([])

  await make()
  const [bound, its] = [await claims.get(ref), await volumes.get({ name: 'pv' })]
  const relabelled = { ...bound, metadata: { ...bound.metadata, labels: { ...labels, step: 'updated' } } }
  expect((await claims.update(relabelled)).metadata.labels!.step).toBe('updated')
  const other = { ...its, metadata: { ...its.metadata, labels: { ...labels, step: 'updated' } } }
  expect((await volumes.update(other)).metadata.labels!.step).toBe('updated')
  await claims.deleteCollection({ namespace: 'default', labelSelector: 'step=updated' })
  await volumes.deleteCollection({ labelSelector: 'step=updated' })
  await cluster.advance('1s')
  expect([cluster.list(PersistentVolumeClaims), cluster.list(PersistentVolumes)]).toEqual([[], []])
})

test('[sig-storage] PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await cluster.apply(
    volume('pv', '1Gi', { storageClassName: 'e2e' }),
    claim('pvc', '1Gi', { storageClassName: 'e2e' }),
  )
  const [claims, volumes] = [cluster.client.of(PersistentVolumeClaims), cluster.client.of(PersistentVolumes)]
  const ref = { name: 'pvc', namespace: 'default' }
  const condition = (type: string) => ({ type, status: 'True', reason: 'E2E', message: 'Set from e2e test' })
  const body = { status: { conditions: [condition('StatusPatched')] } }
  const patched = await claims.patch(ref, { type: 'merge', body }, 'status')
  expect(patched.status).toMatchObject({ phase: 'Bound', conditions: [condition('StatusPatched')] })
  const both = [...patched.status.conditions!, condition('StatusUpdated')]
  const updated = await claims.updateStatus({ ...patched, status: { ...patched.status, conditions: both } })
  expect(updated.status.conditions!.map(({ type }) => type)).toEqual(['StatusPatched', 'StatusUpdated'])
  const pv = await volumes.patch(
    { name: 'pv' },
    { type: 'merge', body: { status: { message: 'StatusPatched', reason: 'E2E patchStatus' } } },
    'status',
  )
  expect(pv.status).toMatchObject({ phase: 'Bound', message: 'StatusPatched', reason: 'E2E patchStatus' })
  const next = await volumes.updateStatus({ ...pv, status: { ...pv.status, message: 'StatusUpdated' } })
  expect(next.status).toMatchObject({ phase: 'Bound', message: 'StatusUpdated' })
  await cluster.advance('1m')
  expect(cluster.get(PersistentVolumes, 'pv').status.message).toBe('StatusUpdated')
})

async function isImmutable(kind: Kind<any>): Promise<void> {
  await using cluster = await testCluster({ nodes: 0 })
  const ref = { name: 'fixed', namespace: 'default' }
  const content = kind === ConfigMaps ? { data: { a: '1' } } : { data: { a: 'MQ==' } }
  const change = (body: object) => cluster.client.of(kind).patch(ref, { type: 'merge', body })
  await cluster.apply({ apiVersion: 'v1', kind: kind.kind, metadata: ref, ...content })
  await change({ data: { b: 'Mg==' } })
  await change({ immutable: true })
  const why = 'field is immutable when `immutable` is set'
  expect((await refusal(change({ immutable: false }))).message).toContain(`immutable: Forbidden: ${why}`)
  expect((await refusal(change({ data: { b: 'Mw==' } }))).message).toContain(`data: Forbidden: ${why}`)
  await change({ metadata: { labels: { still: 'changes' } } })
  await cluster.client.of(kind).delete(ref)
  expect(cluster.list(kind).filter(({ metadata }) => metadata.name === 'fixed')).toEqual([])
}

test('[sig-storage] ConfigMap should be immutable if `immutable` field is set', () => isImmutable(ConfigMaps))

test('[sig-storage] Secrets should be immutable if `immutable` field is set', () => isImmutable(Secrets))

test('[sig-storage] EmptyDir wrapper volumes should not cause race condition when used for configmaps [Serial]', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const names = Array.from({ length: 50 }, (_, at) => `racey-${at}`)
  for (const name of names) {
    await cluster.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default' },
      data: { 'data-1': 'value' },
    })
  }
  const volumes = names.map(name => ({ name, configMap: { name, items: [{ key: 'data-1', path: 'data-1' }] } }))
  for (let round = 0; round < 3; round++) {
    const made = Array.from({ length: 5 }, (_, at) =>
      pod(`racey-${round}-${at}`, { volumes, terminationGracePeriodSeconds: 1 }),
    )
    await cluster.apply(...made)
    await cluster.until(() => cluster.pods().every(({ status }) => status.phase === 'Running'), '2m')
    await cluster.client.of(Pods).deleteCollection({ namespace: 'default' })
    await cluster.until(() => cluster.pods().length === 0, '1m')
  }
})

test('a claim that waits for its first pod is bound where the scheduler puts that', async () => {
  await using cluster = await testCluster({ nodes: 3 })
  const waits = { volumeBindingMode: 'WaitForFirstConsumer' }
  await cluster.apply(
    storageClass('waits', 'csi.kubesim.dev', waits),
    claim('data', '1Gi', { storageClassName: 'waits' }),
  )
  await cluster.advance('30s')
  expect(cluster.get(PersistentVolumeClaims, 'data').status.phase).toBe('Pending')
  await cluster.apply(pod('web', { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }))
  await cluster.until(() => cluster.get(Pods, 'web').status.phase === 'Running', '1m')
  const [only] = cluster.list(PersistentVolumes)
  expect(only!.spec.nodeAffinity!.required!.nodeSelectorTerms[0]!.matchExpressions).toEqual([
    { key: 'kubernetes.io/hostname', operator: 'In', values: [cluster.get(Pods, 'web').spec.nodeName] },
  ])
  expect(cluster.events('web').filter(line => line.startsWith('Failed'))).toEqual([])
})
