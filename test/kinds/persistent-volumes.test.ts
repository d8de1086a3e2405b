// PersistentVolumes and -Claims (pkg/apis/core/v1/defaults.go, pkg/apis/core/validation/validation.go,
// pkg/api/persistentvolumeclaim/util.go, printPersistentVolume and printPersistentVolumeClaim).

import { expect, test } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { PersistentVolumeClaims, PersistentVolumes } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const claim = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'data', ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } }, ...spec },
})
const volume = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'disk', ...metadata },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '10Gi' }, hostPath: { path: '/data' }, ...spec },
})
const bound = (spec: object = {}, capacity = '1Gi'): Frozen<PersistentVolumeClaim> => ({
  ...create(PersistentVolumeClaims, claim({ volumeName: 'disk', ...spec })).object,
  status: { phase: 'Bound', capacity: { storage: capacity }, accessModes: ['ReadWriteOnce'] },
})

test('a claim is filled up, and says twice where its data comes from', () => {
  const dataSource = { kind: 'PersistentVolumeClaim', name: 'other' }
  const { object, faults, warnings } = create(PersistentVolumeClaims, {
    ...claim({ dataSource }),
    status: { phase: 'Bound' },
  })
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    volumeMode: 'Filesystem',
    dataSource,
    dataSourceRef: dataSource,
  })
  expect(object.status).toEqual({ phase: 'Pending' })
  expect(warnings).toEqual([])
  const unknown = create(PersistentVolumeClaims, claim({ dataSource: { apiGroup: 'a.b', kind: 'C', name: 'd' } }))
  expect(unknown.object.spec.dataSource).toBeUndefined()
})

test.each<[string, object, string[]]>([
  [
    'nothing asked for',
    { accessModes: [], resources: {} },
    ['spec.accessModes: Required value: at least 1 access mode is required', 'spec.resources[storage]: Required value'],
  ],
  [
    'modes that are none, and that exclude each other',
    { accessModes: ['ReadSometimes', 'ReadWriteOncePod', 'ReadOnlyMany'] },
    [
      'spec.accessModes: Unsupported value: "ReadSometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
    ],
  ],
  [
    'no storage at all',
    { resources: { requests: { storage: '0' } }, volumeMode: 'Tape' },
    [
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
  ],
  [
    'sources that differ',
    {
      dataSource: { kind: 'PersistentVolumeClaim', name: 'a' },
      dataSourceRef: { apiGroup: 'x.y', kind: 'Z', name: 'b' },
    },
    ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
  ],
])('a claim with %s', (_name, spec, faults) => {
  expect(create(PersistentVolumeClaims, claim(spec)).faults).toEqual(faults)
})

test('a claim never changes, but may grow once it has its volume', () => {
  const pending = create(PersistentVolumeClaims, claim()).object
  const grow = (storage: string) => (next: PersistentVolumeClaim) => {
    next.spec.resources = { requests: { storage } }
  }
  const immutable =
    'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
  const early = update(PersistentVolumeClaims, pending, grow('2Gi')).faults
  expect(early.map(fault => fault.split('\n')[0])).toEqual([immutable])
  expect(early[0]).toContain('"storage": "2Gi"')
  expect(update(PersistentVolumeClaims, bound(), grow('2Gi')).faults).toEqual([])
  // An expansion that failed may be taken back, but not below what is there.
  const grown = bound({ resources: { requests: { storage: '8Gi' } } }, '4Gi')
  expect(update(PersistentVolumeClaims, grown, grow('6Gi')).faults).toEqual([])
  expect(update(PersistentVolumeClaims, grown, grow('4Gi')).faults).toEqual([
    'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
  ])
  const moved = update(PersistentVolumeClaims, bound(), next => (next.spec.accessModes = ['ReadWriteMany'])).faults
  expect(moved.map(fault => fault.split('\n')[0])).toEqual([immutable])
})

test('a volume and a class are given once', () => {
  const pending = create(PersistentVolumeClaims, claim()).object
  const given = update(PersistentVolumeClaims, pending, next => {
    next.spec.volumeName = 'disk'
    next.spec.storageClassName = 'fast'
  })
  expect(given.faults).toEqual([])
  const other = update(PersistentVolumeClaims, given.object, next => (next.spec.storageClassName = 'slow'))
  expect(other.faults).toHaveLength(1)
  expect(update(PersistentVolumeClaims, given.object, next => delete next.spec.volumeName).faults).toHaveLength(1)
})

test('a status is not below nothing', () => {
  const { faults } = update(
    PersistentVolumeClaims,
    bound(),
    next => (next.status.capacity = { storage: '-1' }),
    'status',
  )
  expect(faults).toEqual(['status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity'])
})

test('a volume is filled up', () => {
  const { object, faults, warnings } = create(PersistentVolumes, volume({ persistentVolumeReclaimPolicy: 'Recycle' }))
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject({ volumeMode: 'Filesystem', hostPath: { path: '/data', type: '' } })
  expect(object.status).toEqual({ phase: 'Pending', lastPhaseTransitionTime: '2024-05-01T12:00:00Z' })
  expect(create(PersistentVolumes, volume()).object.spec.persistentVolumeReclaimPolicy).toBe('Retain')
  expect(warnings).toEqual([
    'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
  ])
})

test.each<[string, object, string[]]>([
  ['no source', { hostPath: undefined }, ['spec: Required value: must specify a volume type']],
  [
    'two sources',
    { nfs: { server: 's', path: '/' } },
    ['spec.nfs: Forbidden: may not specify more than 1 volume type'],
  ],
  [
    'neither modes nor capacity',
    { accessModes: [], capacity: {} },
    [
      'spec.accessModes: Required value',
      'spec.capacity: Required value',
      'spec.capacity: Unsupported value: {}: supported values: "storage"',
    ],
  ],
  [
    'a policy that is none',
    { persistentVolumeReclaimPolicy: 'Burn' },
    ['spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"'],
  ],
  [
    'the root to be recycled',
    { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
    ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
  ],
  [
    'a disk of no node',
    { hostPath: undefined, local: { path: '/mnt/../x' } },
    [
      'spec.local.path: Invalid value: "/mnt/../x": must not contain \'..\'',
      'spec.nodeAffinity: Required value: Local volume requires node affinity',
    ],
  ],
  [
    'a driver without a name',
    { hostPath: undefined, csi: { driver: 'a.b', nodePublishSecretRef: { name: 's' } } },
    ['spec.csi.volumeHandle: Required value', 'spec.csi.nodePublishSecretRef.namespace: Required value'],
  ],
])('a volume with %s', (_name, spec, faults) => {
  expect(create(PersistentVolumes, volume(spec)).faults).toEqual(faults)
})

test('what a volume is never changes, whose it is may', () => {
  const { object } = create(PersistentVolumes, volume())
  const claimed = update(PersistentVolumes, object, next => (next.spec.claimRef = { namespace: 'n', name: 'c' }))
  expect(claimed.faults).toEqual([])
  const { faults } = update(PersistentVolumes, object, next => (next.spec.hostPath = { path: '/other' }))
  expect(faults[0]?.split('\n')[0]).toBe(
    'spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation',
  )
})

test('columns', () => {
  expect(PersistentVolumeClaims.columns.map(column => cell(PersistentVolumeClaims, bound(), column.name))).toEqual([
    'data',
    'Bound',
    'disk',
    '1Gi',
    'RWO',
    '',
    '<unset>',
    '<unknown>',
    'Filesystem',
  ])
  const { object } = create(
    PersistentVolumes,
    volume({ storageClassName: 'fast', accessModes: ['ReadWriteMany', 'ReadWriteOnce'] }),
  )
  const shown = {
    ...object,
    metadata: { ...object.metadata, creationTimestamp: '2024-05-01T11:00:00Z' },
    spec: { ...object.spec, claimRef: { namespace: 'default', name: 'data' } },
    status: { phase: 'Bound' },
  } as PersistentVolume
  expect(PersistentVolumes.columns.map(column => cell(PersistentVolumes, shown, column.name))).toEqual([
    'disk',
    '10Gi',
    'RWO,RWX',
    'Retain',
    'Bound',
    'default/data',
    'fast',
    '<unset>',
    '',
    '60m',
    'Filesystem',
  ])
})
