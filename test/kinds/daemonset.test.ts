// DaemonSets (pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go, pkg/registry/apps/daemonset/strategy.go,
// printDaemonSet).

import { expect, test } from 'vitest'
import type { DaemonSet } from '../../generated/types.ts'
import { DaemonSets } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const labels = { app: 'agent' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'agent:1' }] } }
const of = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'agent', ...metadata },
  spec: { selector: { matchLabels: labels }, template, ...spec },
})
const count = 'deprecated.daemonset.template.generation'

test('is filled up', () => {
  const { object, faults } = create(DaemonSets, of())
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject({
    revisionHistoryLimit: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    template: { spec: { restartPolicy: 'Always' } },
  })
  expect(object.status).toEqual({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  })
})

test('the changes of its template are counted, whatever the user says', () => {
  const { object } = create(DaemonSets, of())
  expect(object.metadata.annotations).toEqual({ [count]: '1' })
  const { object: changed } = update(DaemonSets, object, next => {
    next.spec.template.spec!.containers[0]!.image = 'agent:2'
    next.metadata.annotations = { own: 'yes' }
  })
  expect(changed.metadata.annotations).toEqual({ own: 'yes', [count]: '2' })
  const { object: same } = update(DaemonSets, changed, next => {
    next.spec.minReadySeconds = 3
    next.metadata.annotations = { [count]: '77' }
  })
  expect(same.metadata.annotations).toEqual({ [count]: '2' })
})

test.each<[string, object, string[]]>([
  [
    'no selector',
    { selector: undefined },
    ['spec.template.metadata.labels: Invalid value: {"app":"agent"}: `selector` does not match template `labels`'],
  ],
  [
    'an empty selector',
    { selector: {} },
    ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset'],
  ],
  [
    'a selector of other pods',
    { selector: { matchLabels: { app: 'web' } } },
    ['spec.template.metadata.labels: Invalid value: {"app":"agent"}: `selector` does not match template `labels`'],
  ],
  [
    'pods that end',
    { template: { ...template, spec: { ...template.spec, restartPolicy: 'OnFailure', activeDeadlineSeconds: 1 } } },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "OnFailure": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported',
    ],
  ],
  [
    'neither more nor fewer pods',
    { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } },
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  ],
  [
    'more and fewer pods',
    { updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: '10%' } } },
    [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero',
    ],
  ],
  [
    'more than all',
    { updateStrategy: { rollingUpdate: { maxUnavailable: '101%' } } },
    ['spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
  ],
  [
    'an unknown strategy',
    { updateStrategy: { type: 'Hope' } },
    [
      'spec.updateStrategy: Unsupported value: {"Type":"Hope","RollingUpdate":null}: supported values: "RollingUpdate", "OnDelete"',
    ],
  ],
  [
    'numbers below nothing',
    { minReadySeconds: -1, revisionHistoryLimit: -1 },
    [
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0',
      'spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
])('one with %s', (_name, spec, faults) => {
  expect(create(DaemonSets, of(spec)).faults).toEqual(faults)
})

test('its selector never changes, and its status does not go below nothing', () => {
  const { object } = create(DaemonSets, of())
  const moved = update(DaemonSets, object, next => {
    next.spec.selector = { matchLabels: { app: 'agent', tier: 'node' } }
    next.spec.template.metadata = { labels: { app: 'agent', tier: 'node' } }
  })
  expect(moved.faults).toEqual([
    'spec.selector: Invalid value: {"matchLabels":{"app":"agent","tier":"node"}}: field is immutable',
  ])
  const negative = update(DaemonSets, object, next => (next.status.numberReady = -1), 'status')
  expect(negative.faults).toEqual(['status.numberReady: Invalid value: -1: must be greater than or equal to 0'])
})

test('columns', () => {
  const { object } = create(
    DaemonSets,
    of(
      { template: { ...template, spec: { ...template.spec, nodeSelector: { 'kubernetes.io/os': 'linux' } } } },
      { creationTimestamp: '2024-05-01T11:00:00Z' },
    ),
  )
  const status = {
    desiredNumberScheduled: 5,
    currentNumberScheduled: 4,
    numberReady: 3,
    updatedNumberScheduled: 2,
    numberAvailable: 1,
    numberMisscheduled: 0,
  }
  const shown = { ...object, status } as DaemonSet
  expect(DaemonSets.columns.map(column => cell(DaemonSets, shown, column.name))).toEqual([
    'agent',
    5,
    4,
    3,
    2,
    1,
    'kubernetes.io/os=linux',
    '60m',
    'c',
    'agent:1',
    'app=agent',
  ])
})
