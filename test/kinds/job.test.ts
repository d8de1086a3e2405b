// Jobs (pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go, pkg/registry/batch/job/strategy.go, printJob).

import { expect, test } from 'vitest'
import type { Job } from '../../generated/types.ts'
import { Jobs } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox:1' }] } }
const of = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'pi', uid: 'u-1', ...metadata },
  spec: { template, ...spec },
})
const generated = {
  'batch.kubernetes.io/controller-uid': 'u-1',
  'batch.kubernetes.io/job-name': 'pi',
  'controller-uid': 'u-1',
  'job-name': 'pi',
}

test('is filled up, and its pods are given labels of their own', () => {
  const { object, faults, warnings } = create(Jobs, of())
  expect(faults).toEqual([])
  expect(warnings).toEqual([])
  expect(object.spec).toMatchObject({
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u-1' } },
  })
  expect(object.spec.template.metadata?.labels).toEqual(generated)
  expect(object.metadata.labels).toEqual(generated)
  expect(create(Jobs, of({ parallelism: 3 })).object.spec.completions).toBeUndefined()
})

const indexed = { completionMode: 'Indexed', completions: 3 }

test.each<[string, object, string[]]>([
  [
    'pods that never end',
    { template: { spec: { ...template.spec, restartPolicy: undefined } } },
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
  [
    'numbers below nothing',
    { parallelism: -1, completions: -1, backoffLimit: -1, activeDeadlineSeconds: -1, ttlSecondsAfterFinished: -1 },
    ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'].map(
      name => `spec.${name}: Invalid value: -1: must be greater than or equal to 0`,
    ),
  ],
  [
    'the labels of another',
    { template: { ...template, metadata: { labels: { 'job-name': 'e' } } } },
    ['spec.template.metadata.labels[job-name]: Invalid value'],
  ],
  [
    'a selector of its own',
    { selector: { matchLabels: { a: 'b' } } },
    ['spec.selector: Invalid value', 'spec.template.metadata.labels: Invalid value'],
  ],
  [
    'indexes without end',
    { completionMode: 'Indexed', parallelism: 1 },
    ['spec.completions: Required value: when completion mode is Indexed'],
  ],
  [
    'too many at a time',
    { ...indexed, parallelism: 100001 },
    ['spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed'],
  ],
  [
    'limits of indexes that are not',
    { backoffLimitPerIndex: 1, maxFailedIndexes: 1 },
    [
      'spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode',
      'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
    ],
  ],
  [
    'an unknown mode',
    { completionMode: 'Odd' },
    ['spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"'],
  ],
  [
    'a failure policy that says nothing',
    {
      podFailurePolicy: {
        rules: [{ action: 'FailIndex' }, { action: 'Ignore', onExitCodes: { operator: 'In', values: [3, 0] } }],
      },
    },
    [
      'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
      'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      'spec.podFailurePolicy.rules[1].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
      'spec.podFailurePolicy.rules[1].onExitCodes.values: Invalid value: [3,0]: must be ordered',
    ],
  ],
  [
    'successes there cannot be',
    {
      ...indexed,
      successPolicy: { rules: [{ succeededIndexes: '0-1,1' }, { succeededIndexes: '7' }, { succeededCount: 4 }] },
    },
    [
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-1,1": error parsing succeededIndexes: non-increasing order, previous: 1, current: 1',
      'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "7": error parsing succeededIndexes: too large index: "7"',
      'spec.successPolicy.rules[2].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)',
    ],
  ],
  [
    'a manager without a domain',
    { managedBy: 'me' },
    ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
  ],
])('one with %s', (_name, spec, faults) => {
  const found = create(Jobs, of(spec)).faults
  expect(found.map((fault, index) => fault.slice(0, faults[index]?.length))).toEqual(faults)
})

test('a selector by hand is left alone', () => {
  const labelled = { ...template, metadata: { labels: { a: 'b' } } }
  const { object, faults } = create(
    Jobs,
    of({ manualSelector: true, selector: { matchLabels: { a: 'b' } }, template: labelled }),
  )
  expect(faults).toEqual([])
  expect(object.spec.template.metadata?.labels).toEqual({ a: 'b' })
})

test('its template is fixed, unless it is suspended and has never run; indexes may be scaled', () => {
  const toNode = (next: Job) => (next.spec.template.spec!.nodeSelector = { disk: 'ssd' })
  const running = create(Jobs, of()).object
  expect(update(Jobs, running, toNode).faults).toEqual([
    expect.stringMatching(/^spec\.template: .*field is immutable$/),
  ])
  expect(update(Jobs, create(Jobs, of({ suspend: true })).object, toNode).faults).toEqual([])
  expect(update(Jobs, running, next => (next.spec.completions = 2)).faults).toEqual([
    'spec.completions: Invalid value: 2: field is immutable',
  ])
  const elastic = create(Jobs, of({ ...indexed, parallelism: 3 })).object
  expect(update(Jobs, elastic, next => (next.spec.completions = 2)).faults).toEqual([
    'spec.completions: Invalid value: 2: can only be modified in tandem with spec.parallelism',
  ])
  expect(update(Jobs, elastic, next => (next.spec.completions = next.spec.parallelism = 2)).faults).toEqual([])
})

test('an end stays an end', () => {
  const times = { startTime: '2024-05-01T11:00:00Z', completionTime: '2024-05-01T11:00:30Z' }
  const complete = [{ type: 'Complete', status: 'True' }]
  const { object } = create(Jobs, of())
  const { object: done, faults } = update(
    Jobs,
    object,
    next => (next.status = { ...times, conditions: complete }),
    'status',
  )
  expect(faults).toEqual([])
  expect(update(Jobs, done, next => (next.status = times), 'status').faults).toEqual([
    'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
    'status.completionTime: Invalid value: "2024-05-01T11:00:30Z": cannot set completionTime when there is no Complete=True condition',
  ])
  const columns = Jobs.columns.map(column => cell(Jobs, done, column.name))
  expect(columns).toEqual([
    'pi',
    'Complete',
    '0/1',
    '30s',
    '<unknown>',
    'c',
    'busybox:1',
    'batch.kubernetes.io/controller-uid=u-1',
  ])
})
