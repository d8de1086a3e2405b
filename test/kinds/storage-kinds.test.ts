// CSIDrivers, CSINodes, CSIStorageCapacities, VolumeAttachments, VolumeAttributesClasses, LeaseCandidates and
// StorageVersionMigrations (pkg/apis/{storage,coordination,storagemigration}/validation/validation.go and their strategies).

import { expect, test } from 'vitest'
import {
  CSIDrivers,
  CSINodes,
  CSIStorageCapacities,
  LeaseCandidates,
  StorageVersionMigrations,
  VolumeAttachments,
  VolumeAttributesClasses,
} from '../../src/kinds/index.ts'
import { compareVersions, isSemanticVersion } from '../../src/kinds/semantic-version.ts'
import { cell, create, update } from './written.ts'

const named = (name: string, rest: object) => ({ metadata: { name }, ...rest })

test('a driver is filled up, counts its changes, and keeps how it attaches', () => {
  const { object, faults } = create(CSIDrivers, named('a.b', { spec: { tokenRequests: [{ audience: 'x' }] } }))
  expect(faults).toEqual([])
  expect(object.spec).toEqual({
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
    tokenRequests: [{ audience: 'x' }],
  })
  expect(cell(CSIDrivers, object, 'TokenRequests')).toBe('x')
  expect(cell(CSIDrivers, object, 'Modes')).toBe('Persistent')
  const changed = update(CSIDrivers, object, next => {
    next.spec.attachRequired = false
    next.spec.fsGroupPolicy = 'Some'
    next.spec.nodeAllocatableUpdatePeriodSeconds = 1
    next.spec.tokenRequests = [{ audience: '', expirationSeconds: 1 }, { audience: '' }]
  })
  expect(changed.object.metadata.generation).toBe(1)
  expect(changed.faults).toEqual([
    'spec.fsGroupPolicy: Unsupported value: "Some": supported values: "File", "None", "ReadWriteOnceWithFSType"',
    'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
    'spec.tokenRequests[1].audience: Duplicate value: ""',
    'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 1: must be greater than or equal to 10 seconds',
    'spec.attachedRequired: Invalid value: false: field is immutable',
  ])
})

test('the drivers of a node come and go, but do not change, save in how much they hold', () => {
  const drivers = [{ name: 'a.b', nodeID: 'n', allocatable: { count: 3 } }]
  const { object, faults } = create(CSINodes, named('node-1', { spec: { drivers } }))
  expect(faults).toEqual([])
  expect(
    update(CSINodes, object, next => {
      next.spec.drivers[0]!.allocatable = { count: 4 }
    }).faults,
  ).toEqual([])
  expect(
    update(CSINodes, object, next => {
      next.spec.drivers[0]!.nodeID = 'm'
    }).faults,
  ).toEqual(['spec.drivers: Invalid value: {"name":"a.b","nodeID":"m"}: field is immutable'])
  const bad = [{ name: '', nodeID: '', topologyKeys: ['', 'a.b/c', 'a.b/c'], allocatable: { count: -1 } }]
  expect(create(CSINodes, named('node-1', { spec: { drivers: bad } })).faults.map(each => each.slice(0, 60))).toEqual([
    'spec.drivers[0].name: Required value',
    'spec.drivers[0].name: Invalid value: "": a lowercase RFC 112',
    'spec.drivers[0].nodeID: Required value',
    'spec.drivers[0].allocatable.count: Invalid value: -1: must b',
    'spec.drivers[0]: Required value',
    'spec.drivers[0]: Invalid value: "": name part must be non-em',
    'spec.drivers[0]: Invalid value: "": name part must consist o',
    'spec.drivers[0]: Duplicate value: "a.b/c"',
  ])
})

test('what is left of a class is for nodes and a class that stay', () => {
  const { object } = create(CSIStorageCapacities, named('c', { storageClassName: 's', capacity: '1024Mi' }))
  expect(object.capacity).toBe('1Gi')
  expect(
    update(CSIStorageCapacities, object, next => {
      next.storageClassName = 't'
    }).faults,
  ).toEqual(['storageClassName: Invalid value: "t": field is immutable'])
  expect(create(CSIStorageCapacities, named('c', { storageClassName: 's', capacity: '-1' })).faults).toEqual([
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ])
})

test.each<[string, object, string[]]>([
  [
    'no volume',
    { attacher: 'a.b', nodeName: 'n' },
    ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
  ],
  [
    'an inline volume of a disk',
    {
      attacher: 'a.b',
      nodeName: 'n',
      source: { inlineVolumeSpec: { capacity: { storage: '1Gi' }, hostPath: { path: '/a' } } },
    },
    [
      'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
      'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes',
      'spec.source.inlineVolumeSpec.accessModes: Required value',
    ],
  ],
])('an attachment of %s', (_name, spec, faults) => {
  expect(create(VolumeAttachments, named('it', { spec })).faults).toEqual(faults)
})

test('an attachment never changes; whether it holds is told in its status', () => {
  const spec = { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: 'disk' } }
  const { object } = create(VolumeAttachments, named('it', { spec, status: { attached: true } }))
  expect(object.status).toEqual({ attached: false })
  expect(
    update(VolumeAttachments, object, next => {
      next.spec.nodeName = 'm'
    }).faults,
  ).toEqual([
    'spec: Invalid value: {"attacher":"a.b","nodeName":"m","source":{"persistentVolumeName":"disk"}}: field is immutable',
  ])
  const failed = update(
    VolumeAttachments,
    object,
    next => {
      next.status = { attached: false, attachError: { errorCode: -1 } }
    },
    'status',
  )
  expect(failed.faults).toEqual([
    'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
  ])
})

test('a class of attributes has some, which stay', () => {
  expect(create(VolumeAttributesClasses, named('c', {})).faults).toEqual([
    'driverName: Required value',
    'parameters: Required value: must contain at least one key/value pair',
  ])
  const { object } = create(VolumeAttributesClasses, named('c', { driverName: 'a.b', parameters: { iops: '1' } }))
  expect(
    update(VolumeAttributesClasses, object, next => {
      next.parameters = { iops: '2' }
    }).faults,
  ).toEqual(['parameters: Forbidden: updates to parameters are forbidden.'])
})

test('a candidate says how new it is', () => {
  const spec = {
    leaseName: 'l',
    binaryVersion: '1.35.0',
    emulationVersion: '1.36.0',
    strategy: 'OldestEmulationVersion',
  }
  expect(create(LeaseCandidates, named('c', { spec })).faults).toEqual([
    'spec.binaryVersion: Invalid value: "1.35.0": must be greater than or equal to `emulationVersion`',
  ])
  expect(create(LeaseCandidates, named('c', { spec: { binaryVersion: '1.35', strategy: 'Newest' } })).faults).toEqual([
    'spec.leaseName: Required value',
    'spec.binaryVersion: Invalid value: "1.35": must be a valid semantic version',
    'spec.strategy.strategy: Unsupported value: "Newest": supported values: "OldestEmulationVersion"',
  ])
  const { object } = create(LeaseCandidates, named('c', { spec: { ...spec, emulationVersion: '1.35.0' } }))
  expect(
    update(LeaseCandidates, object, next => {
      next.spec.leaseName = 'm'
    }).faults,
  ).toEqual(['spec.leaseName: Invalid value: "m": field is immutable'])
})

test('semantic versions come in the order of semver.org', () => {
  const versions = '1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0 1.2.0 1.10.0'
  const list = versions.split(' ')
  for (const version of list) expect(isSemanticVersion(version)).toBe(true)
  expect([...list].reverse().sort(compareVersions)).toEqual(list)
  for (const text of ['1', '1.2', '01.2.3', '1.2.3-', '1.2.3-01', 'v1.2.3']) expect(isSemanticVersion(text)).toBe(false)
  expect(compareVersions('1.0.0+a', '1.0.0+b')).toBe(0)
})

test('a migration is of a resource, and ends one way', () => {
  expect(create(StorageVersionMigrations, named('m', { spec: { resource: { group: 'A' } } })).faults).toEqual([
    'spec.resource.resource: Required value: resource is required to be set',
    expect.stringContaining('spec.resource.group: Invalid value: "A": a lowercase RFC 1123 subdomain'),
  ])
  const { object } = create(
    StorageVersionMigrations,
    named('m', { spec: { resource: { group: 'apps', resource: 'jobs' } } }),
  )
  expect(cell(StorageVersionMigrations, object, 'Resource')).toBe('jobs.apps')
  const is = (type: string) => ({
    type,
    status: 'True',
    reason: 'R',
    message: '',
    lastTransitionTime: '2024-05-01T12:00:00Z',
  })
  const ended = update(
    StorageVersionMigrations,
    object,
    next => {
      next.status = { resourceVersion: '07', conditions: [is('Succeeded'), is('Running')] }
    },
    'status',
  )
  expect(ended.faults).toEqual([
    'status.resourceVersion: Invalid value: "07": resource version is not well formed: 07',
    expect.stringMatching(/^status.conditions: Invalid value: .*: Running condition cannot be true when success/),
  ])
})
