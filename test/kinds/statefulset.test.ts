// StatefulSets (pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go, pkg/registry/apps/statefulset/strategy.go,
// printStatefulSet).

import { expect, test } from 'vitest'
import type { StatefulSet } from '../../generated/types.ts'
import { StatefulSets } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const labels = { app: 'db' }
const containers = [{ name: 'c', image: 'postgres:17', volumeMounts: [{ name: 'data', mountPath: '/data' }] }]
const template = { metadata: { labels }, spec: { containers } }
const claim = (spec: object = {}) => ({
  metadata: { name: 'data' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } }, ...spec },
})
const of = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'db', ...metadata },
  spec: {
    selector: { matchLabels: labels },
    serviceName: 'db',
    template,
    volumeClaimTemplates: [claim()],
    ...spec,
  },
})

test('is filled up, and its claims with it', () => {
  const { object, faults } = create(StatefulSets, of({}, {}))
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject({
    replicas: 1,
    podManagementPolicy: 'OrderedReady',
    revisionHistoryLimit: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
    template: { spec: { restartPolicy: 'Always' } },
  })
  expect(object.spec.volumeClaimTemplates).toEqual([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeMode: 'Filesystem',
      },
      status: { phase: 'Pending' },
    },
  ])
  expect(object.status).toEqual({ replicas: 0, availableReplicas: 0 })
  expect(create(StatefulSets, of({ updateStrategy: { type: 'OnDelete' } })).object.spec.updateStrategy).toEqual({
    type: 'OnDelete',
  })
})

test('more than one pod unavailable is behind a gate that is off', () => {
  const { object } = create(StatefulSets, of({ updateStrategy: { rollingUpdate: { maxUnavailable: 2 } } }))
  expect(object.spec.updateStrategy?.rollingUpdate).toEqual({ partition: 0 })
})

test.each<[string, object, string[]]>([
  [
    'no selector',
    { selector: undefined },
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"db"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'an empty selector',
    { selector: {} },
    ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset'],
  ],
  [
    'a selector of other pods',
    { selector: { matchLabels: { app: 'web' } } },
    ['spec.template.metadata.labels: Invalid value: {"app":"db"}: `selector` does not match template `labels`'],
  ],
  [
    'a selector that is none',
    { selector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
    [
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Like"}]}',
    ],
  ],
  [
    'pods that end',
    { template: { metadata: { labels }, spec: { containers, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported',
    ],
  ],
  [
    'a mount of a claim that is not there',
    { volumeClaimTemplates: [] },
    ['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'],
  ],
  [
    'policies that are none',
    { podManagementPolicy: 'Random', persistentVolumeClaimRetentionPolicy: { whenScaled: 'Keep' } },
    [
      "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
      'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Keep": supported values: "Retain", "Delete"',
    ],
  ],
  [
    'an unknown strategy',
    { updateStrategy: { type: 'Hope' } },
    [
      'spec.updateStrategy: Invalid value: {"Type":"Hope","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
    ],
  ],
  [
    'rolling on delete',
    { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } },
    [
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  ],
  [
    'numbers below nothing',
    {
      replicas: -1,
      minReadySeconds: -1,
      ordinals: { start: -1 },
      updateStrategy: { rollingUpdate: { partition: -1 } },
    },
    [
      'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0',
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  [
    'claims for nothing',
    { volumeClaimTemplates: [claim({ accessModes: [], resources: {} })] },
    [
      'spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required',
      'spec.volumeClaimTemplates[0].spec.resources[storage]: Required value',
    ],
  ],
])('one with %s', (_name, spec, faults) => {
  expect(create(StatefulSets, of(spec)).faults).toEqual(faults)
})

test('its name and that of its Service are DNS labels', () => {
  const { faults } = create(StatefulSets, of({ serviceName: 'A' }, { name: 'a.b' }))
  expect(faults.map(fault => fault.split(': ').slice(0, 3).join(': '))).toEqual([
    'metadata.name: Invalid value: "a.b"',
    'spec.serviceName: Invalid value: "A"',
  ])
})

test('only some of it may change', () => {
  const { object } = create(StatefulSets, of())
  const allowed = update(StatefulSets, object, next => {
    next.spec.replicas = 3
    next.spec.revisionHistoryLimit = 3
    next.spec.template.spec!.containers[0]!.image = 'postgres:18'
    next.spec.ordinals = { start: 1 }
  })
  expect(allowed.faults).toEqual([])
  const refused = update(StatefulSets, object, next => (next.spec.serviceName = 'other'))
  expect(refused.faults).toEqual([
    "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
  ])
})

test('a status adds up', () => {
  const { object } = create(StatefulSets, of())
  const { faults } = update(
    StatefulSets,
    object,
    next => {
      next.status = { replicas: 1, readyReplicas: 1, currentReplicas: 2, availableReplicas: 1, updatedReplicas: -1 }
    },
    'status',
  )
  expect(faults).toEqual([
    'status.updatedReplicas: Invalid value: -1: must be greater than or equal to 0',
    'status.currentReplicas: Invalid value: 2: cannot be greater than status.replicas',
  ])
})

test('columns, and its scale', () => {
  const { object } = create(StatefulSets, of({ replicas: 3 }, { creationTimestamp: '2024-05-01T11:00:00Z' }))
  const shown = { ...object, status: { replicas: 2, readyReplicas: 1 } } as StatefulSet
  expect(StatefulSets.columns.map(column => cell(StatefulSets, shown, column.name))).toEqual([
    'db',
    '1/3',
    '60m',
    'c',
    'postgres:17',
  ])
  expect(StatefulSets.scale?.selector(object)).toBe('app=db')
  expect(StatefulSets.scale?.statusReplicas(shown)).toBe(2)
})
