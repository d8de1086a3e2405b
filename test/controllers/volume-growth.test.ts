// pkg/controller/volume/expand, kubernetes-csi/external-resizer, and the node's part: MountVolume.NodeExpandVolume.

import { expect, test } from 'vitest'
import { PersistentVolumeClaims, PersistentVolumes, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { claim, storageClass, volume } from '../support/storage.ts'

const grow = (cluster: TestCluster, size: string) => cluster.apply(claim('data', size, { storageClassName: 'growing' }))
const status = (cluster: TestCluster) => cluster.get(PersistentVolumeClaims, 'data').status
const capacity = (cluster: TestCluster) => cluster.list(PersistentVolumes)[0]!.spec.capacity!.storage
const growth = /^(ExternalExpanding|Resizing|FileSystem|VolumeResize)/
const said = (cluster: TestCluster) =>
  cluster
    .events('data')
    .filter(line => growth.test(line))
    .sort()

async function world(provisioner: string) {
  const cluster = await testCluster({ nodes: 1 })
  await cluster.apply(storageClass('growing', provisioner, { allowVolumeExpansion: true }))
  await grow(cluster, '1Gi')
  expect(status(cluster).capacity).toEqual({ storage: '1Gi' })
  return cluster
}

test('a host-path volume grows at once', async () => {
  await using cluster = await world('kubesim.dev/simulated')
  await grow(cluster, '3Gi')
  expect(capacity(cluster)).toBe('3Gi')
  expect(status(cluster)).toEqual({
    phase: 'Bound',
    accessModes: ['ReadWriteOnce'],
    capacity: { storage: '3Gi' },
    allocatedResources: { storage: '3Gi' },
  })
  const name = cluster.get(PersistentVolumeClaims, 'data').spec.volumeName
  expect(said(cluster)).toEqual([
    'ExternalExpanding: waiting for an external controller to expand this PVC',
    `Resizing: External resizer is resizing volume ${name}`,
    'VolumeResizeSuccessful: Resize volume succeeded',
  ])
})

test('the file system of a CSI volume grows when a pod uses it', async () => {
  await using cluster = await world('csi.kubesim.dev')
  await grow(cluster, '2Gi')
  expect(capacity(cluster)).toBe('2Gi')
  expect(status(cluster)).toMatchObject({
    capacity: { storage: '1Gi' },
    allocatedResources: { storage: '2Gi' },
    allocatedResourceStatuses: { storage: 'NodeResizePending' },
    conditions: [
      {
        type: 'FileSystemResizePending',
        status: 'True',
        message: 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.',
      },
    ],
  })
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }]
  await cluster.apply(pod('web', { volumes }))
  await cluster.until(() => status(cluster).capacity!.storage === '2Gi', '10s')
  expect(status(cluster).conditions).toBeUndefined()
  expect(status(cluster).allocatedResourceStatuses).toBeUndefined()
  const name = cluster.get(PersistentVolumeClaims, 'data').spec.volumeName
  const done = `FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "${name}" node-1`
  expect(said(cluster)).toEqual([
    'ExternalExpanding: waiting for an external controller to expand this PVC',
    'FileSystemResizeRequired: Require file system resize of volume on node',
    done,
    `Resizing: External resizer is resizing volume ${name}`,
  ])
  expect(cluster.events('web')).toContain(done)
  // While it runs, it grows under it.
  await cluster.until(() => cluster.get(Pods, 'web').status.phase === 'Running', '30s')
  await grow(cluster, '5Gi')
  expect([capacity(cluster), status(cluster).capacity!.storage]).toEqual(['5Gi', '5Gi'])
  expect(cluster.get(Pods, 'web').status.phase).toBe('Running')
})

test('what others made, others expand', async () => {
  await using cluster = await testCluster({ nodes: 0 })
  await cluster.apply(storageClass('growing', 'ebs.csi.aws.com', { allowVolumeExpansion: true }))
  const source = { csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' }, storageClassName: 'growing' }
  await cluster.apply(volume('theirs', '1Gi', { ...source, hostPath: undefined as never }))
  await grow(cluster, '1Gi')
  await grow(cluster, '2Gi')
  await cluster.advance('1m')
  expect([capacity(cluster), status(cluster).capacity]).toEqual(['1Gi', { storage: '1Gi' }])
  expect(said(cluster)).toEqual(['ExternalExpanding: waiting for an external controller to expand this PVC'])
})

test('another attributes class is given to a volume in use, once there is one of its driver', async () => {
  await using cluster = await world('csi.kubesim.dev')
  const attributes = (name: string, driverName: string) => ({
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttributesClass',
    metadata: { name },
    driverName,
    parameters: { iops: '3000' },
  })
  const ask = (name: string) =>
    cluster.client
      .of(PersistentVolumeClaims)
      .patch(
        { name: 'data', namespace: 'default' },
        { type: 'merge', body: { spec: { volumeAttributesClassName: name } } },
      )
  await cluster.apply(attributes('theirs', 'other.example.com'))
  await ask('fast')
  await cluster.advance('1s')
  expect(status(cluster).modifyVolumeStatus).toEqual({ status: 'Pending' })
  await cluster.apply(attributes('fast', 'csi.kubesim.dev'))
  expect(status(cluster).currentVolumeAttributesClassName).toBe('fast')
  expect([status(cluster).modifyVolumeStatus, status(cluster).conditions]).toEqual([undefined, undefined])
  expect(cluster.list(PersistentVolumes)[0]!.spec.volumeAttributesClassName).toBe('fast')
  expect(cluster.events('data').filter(line => line.startsWith('VolumeModify'))).toEqual([
    'VolumeModify: external resizer is modifying volume data with vac fast',
    'VolumeModifySuccessful: external resizer modified volume data with vac fast successfully ',
  ])
  await ask('theirs')
  await cluster.advance('1m')
  expect(status(cluster)).toMatchObject({
    currentVolumeAttributesClassName: 'fast',
    modifyVolumeStatus: { status: 'Pending' },
  })
})
