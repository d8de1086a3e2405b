// pkg/controller/volume/attachdetach and pkg/volume/csi: CSI volumes are attached to the nodes of the pods that use them.

import { expect, test } from 'vitest'
import type { PersistentVolumeClaimSpec } from '../../generated/types.ts'
import {
  CSIDrivers,
  CSINodes,
  Nodes,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  VolumeAttachments,
} from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod } from '../support/objects.ts'
import { claim, storageClass, volume } from '../support/storage.ts'

const on = (node: string) => ({
  nodeName: node,
  terminationGracePeriodSeconds: 1,
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
})
async function world(spec: Partial<PersistentVolumeClaimSpec> = {}) {
  const cluster = await testCluster({ nodes: 2 })
  await cluster.apply(
    storageClass('csi', 'csi.kubesim.dev'),
    claim('data', '1Gi', { storageClassName: 'csi', ...spec }),
  )
  return cluster
}
const attachments = (cluster: TestCluster) =>
  cluster
    .list(VolumeAttachments)
    .map(({ spec, status }) => `${spec.attacher} ${spec.nodeName} ${status.attached}`)
    .sort()
const ofNode = (cluster: TestCluster, node: string) => {
  const { volumesAttached = [], volumesInUse = [] } = cluster.get(Nodes, node).status
  return { attached: volumesAttached.map(({ name }) => name), inUse: volumesInUse }
}
const remove = (cluster: TestCluster, name: string) => cluster.client.of(Pods).delete({ name, namespace: 'default' })

test('a volume is attached before its pod starts, and detached when the last pod has gone', async () => {
  await using cluster = await world()
  expect(attachments(cluster)).toEqual([])
  await cluster.apply(pod('web', on('node-1')), pod('too', on('node-1')))
  await cluster.advance('5s')
  const name = cluster.get(PersistentVolumeClaims, 'data').spec.volumeName!
  expect(attachments(cluster)).toEqual(['csi.kubesim.dev node-1 true'])
  const attachment = cluster.list(VolumeAttachments)[0]!
  expect(attachment.metadata.name).toMatch(/^csi-[0-9a-f]{64}$/)
  expect(attachment.spec.source).toEqual({ persistentVolumeName: name })
  const unique = `kubernetes.io/csi/csi.kubesim.dev^${name}`
  expect(ofNode(cluster, 'node-1')).toEqual({ attached: [unique], inUse: [unique] })
  expect(ofNode(cluster, 'node-2')).toEqual({ attached: [], inUse: [] })
  expect(cluster.get(Pods, 'web').status.phase).toBe('Running')
  expect(cluster.events('web')).toContain(`SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "${name}" `)
  // What a node reports of itself leaves it there.
  await cluster.advance('6m')
  expect(ofNode(cluster, 'node-1').attached).toEqual([unique])
  await remove(cluster, 'web')
  await cluster.advance('5s')
  expect(attachments(cluster)).toEqual(['csi.kubesim.dev node-1 true'])
  await remove(cluster, 'too')
  await cluster.advance('5s')
  expect([attachments(cluster), ofNode(cluster, 'node-1')]).toEqual([[], { attached: [], inUse: [] }])
})

test('one that only one node may have is waited for by a pod on another', async () => {
  await using cluster = await world()
  await cluster.apply(pod('first', on('node-1')))
  await cluster.advance('5s')
  await cluster.apply(pod('second', on('node-2')))
  await cluster.advance('1m')
  const name = cluster.get(PersistentVolumeClaims, 'data').spec.volumeName!
  expect(cluster.get(Pods, 'second').status.containerStatuses![0]!.state!.waiting!.reason).toBe('ContainerCreating')
  expect(cluster.events('second')).toContain(
    `FailedAttachVolume: Multi-Attach error for volume "${name}" Volume is already used by pod(s) first`,
  )
  await remove(cluster, 'first')
  await cluster.advance('10s')
  expect(attachments(cluster)).toEqual(['csi.kubesim.dev node-2 true'])
  expect(cluster.get(Pods, 'second').status.phase).toBe('Running')
})

test('one for many nodes is attached to each', async () => {
  await using cluster = await world({ accessModes: ['ReadWriteMany'] })
  await cluster.apply(pod('first', on('node-1')), pod('second', on('node-2')))
  await cluster.advance('5s')
  expect(attachments(cluster)).toEqual(['csi.kubesim.dev node-1 true', 'csi.kubesim.dev node-2 true'])
})

test('a silent node keeps what it used for six minutes after its pods are gone', async () => {
  await using cluster = await world()
  await cluster.apply(pod('web', on('node-1')))
  await cluster.advance('5s')
  cluster.cluster.nodes.silence('node-1')
  await cluster.advance('1m')
  await cluster.client.of(Pods).delete({ name: 'web', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await cluster.advance('5m')
  expect(attachments(cluster)).toEqual(['csi.kubesim.dev node-1 true'])
  await cluster.advance('90s')
  expect(attachments(cluster)).toEqual([])
})

test('one that is out of service gives up its pods and volumes at once, for another node', async () => {
  await using cluster = await world()
  await cluster.apply(pod('web', { ...on('node-1'), terminationGracePeriodSeconds: 30 }))
  await cluster.advance('5s')
  cluster.cluster.nodes.silence('node-1')
  await cluster.advance('1m')
  await remove(cluster, 'web')
  await cluster.advance('2m')
  expect(cluster.pods()).toHaveLength(1)
  const { taints = [] } = cluster.get(Nodes, 'node-1').spec
  const added = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' }
  await cluster.client
    .of(Nodes)
    .patch({ name: 'node-1' }, { type: 'merge', body: { spec: { taints: [...taints, added] } } })
  await cluster.advance('1s')
  expect([cluster.pods(), attachments(cluster)]).toEqual([[], []])
  await cluster.apply(pod('web', on('node-2')))
  await cluster.advance('5s')
  expect(cluster.get(Pods, 'web').status.phase).toBe('Running')
})

test('whenever the controllers are stopped and come back, each volume ends at the node of its pod', async () => {
  await using cluster = await testCluster({ nodes: 2 })
  await cluster.apply(storageClass('csi', 'csi.kubesim.dev'))
  for (let at = 0; at < 4; at++) {
    const volumes = [{ name: 'd', persistentVolumeClaim: { claimName: `data-${at}` } }]
    await cluster.client.of(PersistentVolumeClaims).create(claim(`data-${at}`, '1Gi', { storageClassName: 'csi' }))
    await cluster.client.of(Pods).create(pod(`web-${at}`, { nodeName: `node-${(at % 2) + 1}`, volumes }))
    await cluster.cluster.stopComponent('controllers')
    await cluster.cluster.startComponent('controllers')
  }
  await cluster.advance('1m')
  expect(cluster.pods().map(({ status }) => status.phase)).toEqual(Array(4).fill('Running'))
  expect(attachments(cluster)).toEqual([
    'csi.kubesim.dev node-1 true',
    'csi.kubesim.dev node-1 true',
    'csi.kubesim.dev node-2 true',
    'csi.kubesim.dev node-2 true',
  ])
  expect(cluster.list(PersistentVolumes)).toHaveLength(4)
  expect(ofNode(cluster, 'node-1').attached).toHaveLength(2)
})

test('a driver without attacher is waited for and told of, one that does not attach is not', async () => {
  await using cluster = await testCluster({ nodes: 1 })
  const csi = (driver: string) => ({ csi: { driver, volumeHandle: 'h' }, hostPath: undefined as never })
  await cluster.apply(
    { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: 'b.io' }, spec: { attachRequired: false } },
    volume('theirs', '1Gi', csi('a.io')),
    claim('data'),
    pod('web', on('node-1')),
  )
  await cluster.advance('121s')
  expect(attachments(cluster)).toEqual(['a.io node-1 false'])
  expect(cluster.events('web')).toContain(
    'FailedAttachVolume: AttachVolume.Attach failed for volume "theirs" : timed out waiting for external-attacher of a.io ' +
      'CSI driver to attach volume h',
  )
  expect(cluster.get(CSIDrivers, 'b.io').spec.attachRequired).toBe(false)
  const other = { ...on('node-1'), volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'other' } }] }
  await cluster.apply(volume('unattached', '2Gi', csi('b.io')), claim('other', '2Gi'), pod('app', other))
  await cluster.advance('10s')
  expect(attachments(cluster)).toEqual(['a.io node-1 false'])
  expect(cluster.events('app')).toContainEqual(
    expect.stringContaining('driver name b.io not found in the list of registered CSI drivers'),
  )
})

test('an ephemeral volume is a claim of the pod, and ends with it', async () => {
  await using cluster = await world()
  const volumeClaimTemplate = {
    metadata: { labels: { of: 'web' } },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'csi', resources: { requests: { storage: '1Gi' } } },
  }
  const scratch = {
    terminationGracePeriodSeconds: 1,
    volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }],
  }
  await cluster.apply(claim('app-scratch'), pod('web', scratch), pod('app', scratch))
  await cluster.until(() => cluster.get(Pods, 'web').status.phase === 'Running', '30s')
  const own = cluster.get(PersistentVolumeClaims, 'web-scratch')
  expect([own.metadata.labels, own.status.phase]).toEqual([{ of: 'web' }, 'Bound'])
  expect(own.metadata.ownerReferences![0]).toMatchObject({ kind: 'Pod', name: 'web', controller: true })
  expect(cluster.events('app')).toContain(
    'FailedBinding: ephemeral volume scratch: PVC default/app-scratch was not created for pod default/app (pod is not owner)',
  )
  await remove(cluster, 'web')
  await cluster.advance('10s')
  expect(cluster.list(PersistentVolumeClaims).map(({ metadata }) => metadata.name)).toEqual(['app-scratch', 'data'])
  expect(cluster.list(PersistentVolumes).map(({ spec }) => spec.claimRef!.name)).toEqual(['data'])
})

test('each node says that it has the driver, again when somebody took that away, until the node goes', async () => {
  await using cluster = await world()
  const drivers = () => cluster.list(CSINodes).map(({ metadata, spec }) => [metadata.name, ...spec.drivers])
  const ours = (node: string) => [node, { name: 'csi.kubesim.dev', nodeID: node }]
  expect(drivers()).toEqual([ours('node-1'), ours('node-2')])
  const theirs = { name: 'their.example.com', nodeID: 'x' }
  const nodes = cluster.client.of(CSINodes)
  await nodes.update({ ...cluster.get(CSINodes, 'node-1'), spec: { drivers: [theirs] } })
  await nodes.delete({ name: 'node-2' })
  await cluster.advance('1s')
  expect(drivers()).toEqual([['node-1', theirs, ours('node-1')[1]], ours('node-2')])
  await cluster.client.of(Nodes).delete({ name: 'node-2' })
  await cluster.advance('1m')
  expect(drivers().map(([name]) => name)).toEqual(['node-1'])
})
