// The rules about volumes (plugins/{volumebinding,volumezone,volumerestrictions,nodevolumelimits}, 1.36), alone and in a
// whole cluster, where the binder and the provisioner do their part.
import { describe, expect, test } from 'vitest'
import { isReady } from '../../controllers/shared/pods.ts'
import type { RefusalReasons } from '../../scheduler/plugin.ts'
import { nodeVolumeLimits } from '../../scheduler/plugins/node-volume-limits.ts'
import { volumeBinding } from '../../scheduler/plugins/volume-binding.ts'
import { volumeRestrictions } from '../../scheduler/plugins/volume-restrictions.ts'
import { volumeZone } from '../../scheduler/plugins/volume-zone.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import {
  CSIDrivers,
  CSINodes,
  CSIStorageCapacities,
  Nodes,
  PersistentVolumeClaims,
  PersistentVolumes,
  StorageClasses,
} from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { pod as podObject } from '../support/objects.ts'
import { claim, storageClass, volume } from '../support/storage.ts'
import { cycle, listerOf, node, pod, verdicts, world } from './world.ts'

type Objects = readonly (readonly [Kind<any>, ...object[]])[]
const zoneKey = 'topology.kubernetes.io/zone'
const nodes = [node('a', { labels: { [zoneKey]: 'za' } }), node('b', { labels: { [zoneKey]: 'zb' } })]

/** A snapshot of these nodes among these other objects. */
function among(objects: Objects, placed: Parameters<typeof world>[1] = []) {
  const lister = (kind: Kind<any>) =>
    listerOf<KubeObject>((objects.find(([of]) => of === kind)?.slice(1) ?? []) as KubeObject[])
  return world(nodes, placed, { lister: lister as never })
}
const using = (name: string, ...claims: string[]) =>
  pod(name, {
    spec: { volumes: claims.map(claimName => ({ name: claimName, persistentVolumeClaim: { claimName } })) },
  })
const made = (name: string, more: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace: 'default', uid: `claim-${name}`, ...metadata },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'slow',
    ...more,
  },
  status: { phase: 'Pending' },
})
const bound = (name: string, volumeName: string, more: object = {}) =>
  made(name, { volumeName, ...more }, { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } })
const disk = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name, ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, storageClassName: 'slow', ...spec },
  status: { phase: 'Available' },
})
const at = (zone: string) => ({
  nodeAffinity: {
    required: { nodeSelectorTerms: [{ matchExpressions: [{ key: zoneKey, operator: 'In', values: [zone] }] }] },
  },
})
const slow = (more: object = {}) => ({
  metadata: { name: 'slow' },
  provisioner: 'kubernetes.io/no-provisioner',
  volumeBindingMode: 'WaitForFirstConsumer',
  ...more,
})
const dynamic = (more: object = {}) => slow({ provisioner: 'csi.example.com', ...more })

describe('VolumeBinding', () => {
  const says = (objects: Objects, wanted = using('p', 'data')) => {
    const snapshot = among(objects)
    const { refuses } = volumeBinding.prepare(wanted, snapshot)
    if (refuses !== undefined) return (refuses as RefusalReasons).reasons.join()
    return verdicts(volumeBinding, wanted, snapshot)
  }
  const unreachable = "node(s) didn't match PersistentVolume's node affinity (final)"
  const noneToBind = "node(s) didn't find available persistent volumes to bind (final)"

  test.each<[string, object | undefined, string]>([
    ['is not there', undefined, 'persistentvolumeclaim "data" not found'],
    [
      'is lost',
      { ...bound('data', 'gone'), status: { phase: 'Lost' } },
      'persistentvolumeclaim "data" bound to non-existent persistentvolume "gone"',
    ],
    [
      'is going',
      made('data', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      'persistentvolumeclaim "data" is being deleted',
    ],
    [
      'is of a class that does not wait',
      made('data', { storageClassName: 'fast' }),
      'pod has unbound immediate PersistentVolumeClaims',
    ],
    [
      'has a volume but is not bound yet',
      made('data', { volumeName: 'v' }),
      'pod has unbound immediate PersistentVolumeClaims',
    ],
  ])('a pod whose claim %s waits', (_, data, message) => {
    expect(
      says([
        [PersistentVolumeClaims, ...(data ? [data] : [])],
        [StorageClasses, slow()],
      ]),
    ).toBe(message)
  })

  test('a pod waits for the claim made of its own template, and takes no other of that name', () => {
    const wanted = pod('p', { spec: { volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: {} } }] } })
    expect(says([], wanted)).toBe(
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "p-scratch"',
    )
    expect(says([[PersistentVolumeClaims, made('p-scratch')]], wanted)).toBe(
      'PVC default/p-scratch was not created for pod default/p (pod is not owner)',
    )
  })

  test('a bound volume must be reachable, and there', () => {
    const claims = [PersistentVolumeClaims, bound('data', 'v')] as const
    expect(says([claims, [PersistentVolumes, disk('v', at('zb'))]])).toEqual({ a: unreachable, b: 'fits' })
    const missing = 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s) (final)'
    expect(says([claims])).toEqual({ a: missing, b: missing })
  })

  test('for a claim that waits there must be a volume: large enough, of its class, modes and labels, and free', () => {
    const volumes = (...some: object[]): Objects => [
      [PersistentVolumeClaims, made('data', { selector: { matchLabels: { tier: 'x' } } })],
      [StorageClasses, slow()],
      [PersistentVolumes, ...some],
    ]
    const tier = { labels: { tier: 'x' } }
    expect(says(volumes(disk('v', at('zb'), tier)))).toEqual({ a: noneToBind, b: 'fits' })
    for (const wrong of [
      disk('v', { capacity: { storage: '1Mi' } }, tier),
      disk('v', { storageClassName: 'other' }, tier),
      disk('v', { accessModes: ['ReadOnlyMany'] }, tier),
      disk('v', { volumeMode: 'Block' }, tier),
      disk('v', { claimRef: { namespace: 'default', name: 'other' } }, tier),
      { ...disk('v', {}, tier), status: { phase: 'Released' } },
      disk('v'),
    ]) {
      expect(says(volumes(wrong))).toEqual({ a: noneToBind, b: noneToBind })
    }
    const kept = disk('v', { claimRef: { namespace: 'default', name: 'data' }, ...at('za') })
    expect(says(volumes(kept))).toEqual({ a: 'fits', b: noneToBind })
  })

  test('or one that can be made there: by topology, capacity, and where it was asked for already', () => {
    const objects = (storageClass: object, ...more: Objects): Objects => [
      [PersistentVolumeClaims, made('data')],
      [StorageClasses, storageClass],
      ...more,
    ]
    expect(says(objects(dynamic()))).toEqual({ a: 'fits', b: 'fits' })
    const allowedTopologies = [{ matchLabelExpressions: [{ key: zoneKey, values: ['za'] }] }]
    expect(says(objects(dynamic({ allowedTopologies })))).toEqual({ a: 'fits', b: noneToBind })
    const driver = [CSIDrivers, { metadata: { name: 'csi.example.com' }, spec: { storageCapacity: true } }] as const
    const room = (capacity: string, zone: string) => ({
      metadata: { name: `${zone}-room`, namespace: 'default' },
      storageClassName: 'slow',
      capacity,
      nodeTopology: { matchLabels: { [zoneKey]: zone } },
    })
    const tooLittle = 'node(s) did not have enough free storage (final)'
    expect(says(objects(dynamic(), driver, [CSIStorageCapacities, room('1Gi', 'za'), room('1Mi', 'zb')]))).toEqual({
      a: 'fits',
      b: tooLittle,
    })
    const asked = made('data', {}, { annotations: { 'volume.kubernetes.io/selected-node': 'b' } })
    expect(
      says([
        [PersistentVolumeClaims, asked],
        [StorageClasses, dynamic()],
      ]),
    ).toEqual({ a: noneToBind, b: 'fits' })
  })

  test('two claims of one pod never get the same volume, nor do two pods', () => {
    const objects: Objects = [
      [PersistentVolumeClaims, made('one'), made('two')],
      [StorageClasses, slow()],
      [PersistentVolumes, disk('v')],
    ]
    expect(says(objects, using('p', 'one', 'two'))).toEqual({ a: noneToBind, b: noneToBind })
    const snapshot = among(objects)
    const reservation = volumeBinding.reserve!(using('p', 'one'), snapshot.node('a')!, snapshot)!
    expect(verdicts(volumeBinding, using('q', 'two'), snapshot)).toEqual({ a: noneToBind, b: noneToBind })
    reservation.release()
    expect(verdicts(volumeBinding, using('q', 'two'), snapshot)).toEqual({ a: 'fits', b: 'fits' })
  })

  test('the message names the claim, not the nodes, when no node is to blame', () => {
    expect(cycle(using('p', 'data'), among([])).message).toBe(
      '0/2 nodes are available: persistentvolumeclaim "data" not found. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    )
  })
})

describe('VolumeZone', () => {
  const conflict = 'node(s) had no available volume zone (final)'
  test.each<[Record<string, string>, string, string]>([
    [{ [zoneKey]: 'za' }, 'fits', conflict],
    [{ [zoneKey]: 'za__zb' }, 'fits', 'fits'],
    [{ 'failure-domain.beta.kubernetes.io/zone': 'zb' }, conflict, 'fits'],
    [{ 'topology.kubernetes.io/region': 'r' }, conflict, conflict],
    [{}, 'fits', 'fits'],
  ])('a volume labelled %j: a %s, b %s', (labels, a, b) => {
    const objects: Objects = [
      [PersistentVolumeClaims, bound('data', 'v')],
      [PersistentVolumes, disk('v', {}, { labels })],
    ]
    expect(verdicts(volumeZone, using('p', 'data'), among(objects))).toEqual({ a, b })
  })
  test('nodes without any zone take every volume', () => {
    const objects: Objects = [
      [PersistentVolumeClaims, bound('data', 'v')],
      [PersistentVolumes, disk('v', {}, { labels: { [zoneKey]: 'za' } })],
    ]
    const snapshot = among(objects)
    snapshot.setNode(node('c'))
    expect(verdicts(volumeZone, using('p', 'data'), snapshot).c).toBe('fits')
  })
})

describe('VolumeRestrictions', () => {
  const objects: Objects = [[PersistentVolumeClaims, made('data', { accessModes: ['ReadWriteOncePod'] })]]
  const taken = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'
  test('a claim of mode ReadWriteOncePod is used by one pod, wherever', () => {
    expect(verdicts(volumeRestrictions, using('p', 'data'), among(objects))).toEqual({ a: 'fits', b: 'fits' })
    const snapshot = among(objects, [['a', using('q', 'data')]])
    expect(verdicts(volumeRestrictions, using('p', 'data'), snapshot)).toEqual({ a: taken, b: taken })
  })
  test('a more important pod takes the claim from a lesser one', () => {
    const lesser = using('q', 'data')
    const snapshot = among(
      [
        [PersistentVolumeClaims, bound('data', 'v', { accessModes: ['ReadWriteOncePod'] })],
        [PersistentVolumes, disk('v')],
      ],
      [['a', lesser]],
    )
    const urgent = { ...using('p', 'data'), spec: { ...using('p', 'data').spec, priority: 10 } }
    expect(cycle(urgent, snapshot).nomination).toMatchObject({ node: 'a', victims: [lesser] })
  })
  test.each<[string, object, object, boolean]>([
    [
      'a GCE disk, written',
      { gcePersistentDisk: { pdName: 'd' } },
      { gcePersistentDisk: { pdName: 'd', readOnly: true } },
      true,
    ],
    [
      'a GCE disk, only read',
      { gcePersistentDisk: { pdName: 'd', readOnly: true } },
      { gcePersistentDisk: { pdName: 'd', readOnly: true } },
      false,
    ],
    ['two GCE disks', { gcePersistentDisk: { pdName: 'd' } }, { gcePersistentDisk: { pdName: 'e' } }, false],
    [
      'an EBS volume, only read',
      { awsElasticBlockStore: { volumeID: 'v', readOnly: true } },
      { awsElasticBlockStore: { volumeID: 'v', readOnly: true } },
      true,
    ],
    [
      'an iSCSI target',
      { iscsi: { iqn: 'i', lun: 0, targetPortal: 'x' } },
      { iscsi: { iqn: 'i', lun: 1, targetPortal: 'y' } },
      true,
    ],
    [
      'an RBD image by a monitor of both',
      { rbd: { monitors: ['a', 'b'], pool: 'p', image: 'i' } },
      { rbd: { monitors: ['b'], pool: 'p', image: 'i' } },
      true,
    ],
    [
      'an RBD image of different pools',
      { rbd: { monitors: ['a'], pool: 'p', image: 'i' } },
      { rbd: { monitors: ['a'], pool: 'q', image: 'i' } },
      false,
    ],
  ])('%s', (_, mine, other, clashes) => {
    const with_ = (name: string, source: object) => pod(name, { spec: { volumes: [{ name: 'v', ...source }] } })
    const snapshot = among([], [['a', with_('q', other)]])
    expect(verdicts(volumeRestrictions, with_('p', mine), snapshot)).toEqual({
      a: clashes ? 'node(s) had no available disk' : 'fits',
      b: 'fits',
    })
  })
})

test('NodeVolumeLimits: a driver attaches so many volumes to a node, each counted once', () => {
  const csi = (name: string) => disk(name, { csi: { driver: 'csi.example.com', volumeHandle: name } })
  const objects: Objects = [
    [PersistentVolumeClaims, bound('one', 'v1'), bound('again', 'v1'), bound('two', 'v2'), made('three')],
    [PersistentVolumes, csi('v1'), csi('v2')],
    [StorageClasses, dynamic()],
    [
      CSINodes,
      {
        metadata: { name: 'a' },
        spec: { drivers: [{ name: 'csi.example.com', nodeID: 'a', allocatable: { count: 1 } }] },
      },
      {
        metadata: { name: 'b' },
        spec: { drivers: [{ name: 'other.example.com', nodeID: 'b', allocatable: { count: 0 } }] },
      },
    ],
  ]
  const snapshot = among(objects, [['a', using('q', 'one')]])
  const full = 'node(s) exceed max volume count'
  expect(verdicts(nodeVolumeLimits, using('p', 'again'), snapshot)).toEqual({ a: 'fits', b: 'fits' })
  expect(verdicts(nodeVolumeLimits, using('p', 'two'), snapshot)).toEqual({ a: full, b: 'fits' })
  expect(verdicts(nodeVolumeLimits, using('p', 'three'), snapshot)).toEqual({ a: full, b: 'fits' })
  expect(verdicts(nodeVolumeLimits, pod('p'), snapshot)).toEqual({ a: 'fits', b: 'fits' })
})

describe('in a cluster', () => {
  const mounting = (name: string, claimName: string, more: object = {}) =>
    podObject(name, { volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }], ...more })
  const running = (cluster: TestCluster) =>
    Object.fromEntries(cluster.pods().map(each => [each.metadata.name, isReady(each) ? each.spec.nodeName : 'waits']))
  const reason = (cluster: TestCluster, name: string) =>
    cluster
      .pods()
      .find(({ metadata }) => metadata.name === name)
      ?.status.conditions?.find(({ type }) => type === 'PodScheduled')
  const waiting = { volumeBindingMode: 'WaitForFirstConsumer' as const }

  test('a pod waits for a claim of a class that provisions at once', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(mounting('p', 'data'))
    expect(reason(cluster, 'p')?.message).toMatch(
      /^0\/1 nodes are available: persistentvolumeclaim "data" not found\. /,
    )
    await cluster.apply(claim('data', '1Gi', { storageClassName: 'standard' }))
    await cluster.advance('1m')
    expect(cluster.get(PersistentVolumeClaims, 'data').status?.phase).toBe('Bound')
    expect(running(cluster)).toEqual({ p: cluster.list(Nodes)[0]!.metadata.name })
  })

  test('for a class that waits, the volume is made on the node the pod is given', async () => {
    await using cluster = await testCluster({ nodes: 3 })
    const [, second] = cluster.list(Nodes)
    await cluster.apply(
      storageClass('late', cluster.list(StorageClasses)[0]!.provisioner, waiting),
      claim('data', '1Gi', { storageClassName: 'late' }),
    )
    await cluster.advance('10s')
    expect(cluster.get(PersistentVolumeClaims, 'data').status?.phase).toBe('Pending')
    await cluster.apply(mounting('p', 'data', { nodeSelector: { 'kubernetes.io/hostname': second!.metadata.name } }))
    await cluster.advance('1m')
    expect(running(cluster)).toEqual({ p: second!.metadata.name })
    const data = cluster.get(PersistentVolumeClaims, 'data')
    expect(data.metadata.annotations?.['volume.kubernetes.io/selected-node']).toBe(second!.metadata.name)
    // A second pod of the claim has to go where the volume is.
    await cluster.apply(mounting('q', 'data'))
    await cluster.advance('1m')
    expect(running(cluster)).toEqual({ p: second!.metadata.name, q: second!.metadata.name })
  })

  test('local volumes: each of two pods gets the node where its volume is, and a third waits for one', async () => {
    await using cluster = await testCluster({ nodes: 2 })
    const names = cluster.list(Nodes).map(({ metadata }) => metadata.name)
    const local = (name: string, node: string) =>
      volume(name, '1Gi', {
        storageClassName: 'local',
        hostPath: undefined,
        local: { path: '/mnt' },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
            ],
          },
        },
      } as never)
    await cluster.apply(
      storageClass('local', 'kubernetes.io/no-provisioner', waiting),
      ...names.map((name, index) => local(`v${index}`, name)),
      ...['c1', 'c2', 'c3'].map(name => claim(name, '1Gi', { storageClassName: 'local' })),
    )
    await cluster.apply(mounting('p1', 'c1'), mounting('p2', 'c2'), mounting('p3', 'c3'))
    await cluster.advance('1m')
    const { p1, p2, p3 } = running(cluster)
    expect([p1, p2].sort()).toEqual(names)
    expect(p3).toBe('waits')
    expect(reason(cluster, 'p3')?.message).toMatch(
      /^0\/2 nodes are available: 2 node\(s\) didn't find available persistent volumes to bind\. /,
    )
    await cluster.apply(local('v3', names[0]!))
    await cluster.advance('1m')
    expect(running(cluster).p3).toBe(names[0])
  })

  test('a volume that never comes is given up after ten minutes, and the pod is tried again', async () => {
    await using cluster = await testCluster({ nodes: 1 })
    await cluster.apply(
      storageClass('never', 'nobody.example.com', waiting),
      claim('data', '1Gi', { storageClassName: 'never' }),
      mounting('p', 'data'),
    )
    await cluster.advance('9m')
    expect(cluster.events('p')).toEqual([])
    await cluster.advance('2m')
    expect(cluster.events('p')[0]).toBe(
      'FailedScheduling: running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
    )
    expect(running(cluster)).toEqual({ p: 'waits' })
  })
})
