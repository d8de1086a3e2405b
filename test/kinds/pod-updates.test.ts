// What may change of a pod once it exists (ValidatePodUpdate, ValidatePodStatusUpdate in
// pkg/apis/core/validation/validation.go; podStatusStrategy in pkg/registry/core/pod/strategy.go).

import { expect, test } from 'vitest'
import type { Pod } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/index.ts'
import { unifiedDiff } from '../../src/kinds/unified-diff.ts'
import { create, update } from './written.ts'

const existing = (spec: object = {}, metadata: object = {}) =>
  create(Pods, {
    metadata: { name: 'p', labels: { app: 'web' }, ...metadata },
    spec: { containers: [{ name: 'c', image: 'nginx:1' }], ...spec },
  }).object

const allowed =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

test.each<[string, object, (pod: Pod) => void]>([
  ['the image', {}, pod => (pod.spec.containers[0]!.image = 'nginx:2')],
  ['labels', {}, pod => (pod.metadata.labels = { app: 'api' })],
  ['a deadline', {}, pod => (pod.spec.activeDeadlineSeconds = 60)],
  ['a shorter deadline', { activeDeadlineSeconds: 60 }, pod => (pod.spec.activeDeadlineSeconds = 30)],
  [
    'one more toleration',
    { tolerations: [{ key: 'a', operator: 'Exists' }] },
    pod => pod.spec.tolerations!.push({ key: 'b', operator: 'Exists' }),
  ],
  [
    'how long a toleration holds',
    { tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 }] },
    pod => (pod.spec.tolerations![0]!.tolerationSeconds = 6),
  ],
  [
    'a negative grace set right',
    { terminationGracePeriodSeconds: -1 },
    pod => (pod.spec.terminationGracePeriodSeconds = 1),
  ],
  ['a gate lifted', { schedulingGates: [{ name: 'a/b' }] }, pod => delete pod.spec.schedulingGates],
  [
    'a gated pod narrowed',
    { schedulingGates: [{ name: 'a/b' }], nodeSelector: { a: '1' } },
    pod => (pod.spec.nodeSelector = { a: '1', b: '2' }),
  ],
])('%s may change', (_name, spec, edit) => {
  expect(update(Pods, existing(spec), edit).faults).toEqual([])
})

test('anything else may not, and the difference is shown', () => {
  const { faults } = update(Pods, existing(), pod => {
    pod.spec.containers[0]!.command = ['sleep']
  })
  expect(faults).toEqual([
    [
      allowed,
      '@@ -1,6 +1,9 @@',
      ' {',
      '  "containers": [',
      '   {',
      '+   "command": [',
      '+    "sleep"',
      '+   ],',
      '    "image": "nginx:1",',
      '    "imagePullPolicy": "IfNotPresent",',
      '    "name": "c",',
      '',
    ].join('\n'),
  ])
})

test.each<[string, object, (pod: Pod) => void, string[]]>([
  [
    'a container more',
    {},
    pod => pod.spec.containers.push({ name: 'd', image: 'x' }),
    ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  ],
  [
    'a longer deadline',
    { activeDeadlineSeconds: 60 },
    pod => (pod.spec.activeDeadlineSeconds = 90),
    ['spec.activeDeadlineSeconds: Invalid value: 90: must be less than or equal to previous value'],
  ],
  [
    'no deadline any more',
    { activeDeadlineSeconds: 60 },
    pod => delete pod.spec.activeDeadlineSeconds,
    ['spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
  ],
  [
    'a toleration less',
    { tolerations: [{ key: 'a', operator: 'Exists' }] },
    pod => (pod.spec.tolerations = []),
    ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
  ],
  [
    'a gate more',
    { schedulingGates: [{ name: 'a/b' }] },
    pod => pod.spec.schedulingGates!.push({ name: 'c/d' }),
    ["spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'c/d'"],
  ],
  [
    'a gated pod widened',
    { schedulingGates: [{ name: 'a/b' }], nodeSelector: { a: '1' } },
    pod => (pod.spec.nodeSelector = { b: '2' }),
    [
      'spec.nodeSelector: Invalid value: {"b":"2"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)',
    ],
  ],
])('%s is refused', (_name, spec, edit, faults) => {
  expect(update(Pods, existing(spec), edit).faults).toEqual(faults)
})

test('a deadline and a new owner of the name are not the pod s to choose', () => {
  const { faults } = update(Pods, existing({}, { uid: 'u1' }), pod => {
    pod.metadata.uid = 'u2'
  })
  expect(faults).toEqual(['metadata.uid: Invalid value: "u2": field is immutable'])
})

test('a status keeps what the server decided, and observed generations', () => {
  const old = {
    ...existing(),
    status: {
      qosClass: 'BestEffort',
      observedGeneration: 3,
      conditions: [{ type: 'Ready', status: 'False', observedGeneration: 2 }],
    },
  } as Pod
  const { object, faults } = update(
    Pods,
    old,
    pod => {
      pod.status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
    },
    'status',
  )
  expect(faults).toEqual([])
  expect(object.status).toEqual({
    phase: 'Running',
    qosClass: 'BestEffort',
    observedGeneration: 3,
    conditions: [{ type: 'Ready', status: 'True', observedGeneration: 2 }],
  })
})

const ended = {
  name: 'c',
  image: 'x',
  imageID: 'x',
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode: 1 } },
}

test.each<[string, object, string[]]>([
  ['Always', { restartPolicy: 'Always' }, []],
  ['OnFailure', { restartPolicy: 'OnFailure' }, []],
  [
    'Never',
    { restartPolicy: 'Never' },
    ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'],
  ],
  [
    'Never, but a rule of the container says otherwise',
    {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'c',
          image: 'x',
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [1] } }],
        },
      ],
    },
    [],
  ],
])('a container that ended comes back as its pod restarts: %s', (_name, spec, faults) => {
  const old = { ...existing(spec), status: { qosClass: 'BestEffort', containerStatuses: [ended] } } as Pod
  const written = update(
    Pods,
    old,
    pod => {
      pod.status.containerStatuses = [{ ...ended, state: { running: {} } }]
    },
    'status',
  )
  expect(written.faults).toEqual(faults)
})

test('addresses of a pod are one of a family', () => {
  const { faults } = update(
    Pods,
    existing(),
    pod => {
      pod.status.podIPs = [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }]
      pod.status.hostIP = '1.1.1.1'
      pod.status.hostIPs = [{ ip: '1.1.1.2' }]
    },
    'status',
  )
  expect(faults).toEqual([
    'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for each IP family',
    'status.hostIPs[0].ip: Invalid value: "1.1.1.2": must be equal to `hostIP`',
  ])
})

test('a difference shows three lines around each change, as diff -u does', () => {
  const lines = Array.from({ length: 20 }, (_each, index) => `line ${index}`)
  const changed = lines.map(line => (line === 'line 2' ? 'line two' : line)).filter(line => line !== 'line 15')
  expect(unifiedDiff(lines.join('\n'), changed.join('\n'))).toBe(
    [
      '@@ -1,6 +1,6 @@',
      ' line 0',
      ' line 1',
      '-line 2',
      '+line two',
      ' line 3',
      ' line 4',
      ' line 5',
      '@@ -13,7 +13,6 @@',
      ' line 12',
      ' line 13',
      ' line 14',
      '-line 15',
      ' line 16',
      ' line 17',
      ' line 18',
      '',
    ].join('\n'),
  )
  expect(unifiedDiff('a', 'a')).toBe('')
})
