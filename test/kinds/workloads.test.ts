// Deployments, ReplicaSets, ReplicationControllers and PodTemplates (pkg/apis/apps/v1/defaults.go,
// pkg/apis/apps/validation/validation.go, pkg/apis/core/validation/validation.go, printDeployment and its like).

import { expect, test } from 'vitest'
import type { Deployment, ReplicaSet } from '../../generated/types.ts'
import { Deployments, PodTemplates, ReplicaSets, ReplicationControllers } from '../../src/kinds/index.ts'
import { cell, create, update } from './written.ts'

const labels = { app: 'web' }
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx:1' }] } }
const of = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'web', ...metadata },
  spec: { selector: { matchLabels: labels }, template, ...spec },
})

test('a deployment is filled up', () => {
  const { object, faults } = create(Deployments, of())
  expect(faults).toEqual([])
  expect(object.spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
    template: { spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30 } },
  })
  expect(object.status).toEqual({})
  expect(create(Deployments, of({ strategy: { type: 'Recreate' } })).object.spec.strategy).toEqual({ type: 'Recreate' })
})

test.each<[string, object, string[]]>([
  [
    'a selector that does not find its own pods',
    { selector: { matchLabels: { app: 'api' } } },
    ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'],
  ],
  [
    'no selector',
    { selector: undefined },
    [
      'spec.selector: Required value',
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  ],
  [
    'a selector of everything',
    { selector: {} },
    ['spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
  ],
  [
    'a selector that is none',
    { selector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
    [
      'spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator',
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Like"}]}: invalid label selector',
    ],
  ],
  [
    'pods that end',
    { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } },
    [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
    ],
  ],
  [
    'numbers below nothing',
    { replicas: -1, minReadySeconds: -2, revisionHistoryLimit: -3 },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0',
      'spec.revisionHistoryLimit: Invalid value: -3: must be greater than or equal to 0',
    ],
  ],
  [
    'neither more nor fewer pods while rolling',
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '0%' } } },
    ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
  ],
  [
    'amounts that are none',
    { strategy: { rollingUpdate: { maxSurge: 'half', maxUnavailable: '120%' } } },
    [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "120%": must not be greater than 100%',
    ],
  ],
  [
    'recreate, rolling',
    { strategy: { type: 'Recreate', rollingUpdate: {} } },
    ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"],
  ],
  [
    'an unknown strategy',
    { strategy: { type: 'Hope' } },
    [
      'spec.strategy: Unsupported value: {"Type":"Hope","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"',
    ],
  ],
  [
    'a deadline before ready',
    { minReadySeconds: 600 },
    ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds'],
  ],
  [
    'faults inside the template keep their path',
    { template: { metadata: { labels }, spec: { containers: [{ name: 'c' }] } } },
    ['spec.template.spec.containers[0].image: Required value'],
  ],
  [
    'no template',
    { template: undefined, selector: { matchLabels: labels } },
    [
      'spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`',
      'spec.template.spec.containers: Required value',
    ],
  ],
])('a deployment with %s', (_name, spec, faults) => {
  expect(create(Deployments, of(spec)).faults).toEqual(faults)
})

test('a selector never changes', () => {
  const { object } = create(Deployments, of())
  const { faults } = update(Deployments, object, next => {
    next.spec.selector = { matchLabels: { app: 'web', tier: 'front' } }
    next.spec.template.metadata = { labels: { app: 'web', tier: 'front' } }
  })
  expect(faults).toEqual([
    'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
  ])
})

test('a status adds up', () => {
  const { object } = create(Deployments, of())
  const { faults } = update(
    Deployments,
    { ...object, status: { collisionCount: 2 } } as Deployment,
    next => {
      next.status = { replicas: 1, readyReplicas: 2, availableReplicas: 3, collisionCount: 1 }
    },
    'status',
  )
  expect(faults).toEqual([
    'status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas',
    'status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas',
    'status.collisionCount: Invalid value: 1: cannot be decremented',
  ])
})

test('annotations of a deployment raise its generation, those of a replica set do not', () => {
  const deployment = create(Deployments, of({}, { generation: 4 })).object
  const annotate = (next: { metadata: { annotations?: Record<string, string> } }) => {
    next.metadata.annotations = { a: 'b' }
  }
  expect(update(Deployments, deployment, annotate).object.metadata.generation).toBe(5)
  const set = create(ReplicaSets, of({}, { generation: 4 })).object
  expect(update(ReplicaSets, set, annotate).object.metadata.generation).toBe(4)
})

test('a replication controller takes its labels and selector from its template', () => {
  const { object, faults } = create(ReplicationControllers, { metadata: { name: 'web' }, spec: { template } })
  expect(faults).toEqual([])
  expect(object.metadata.labels).toEqual(labels)
  expect(object.spec).toMatchObject({ replicas: 1, selector: labels })
  expect(ReplicationControllers.scale?.selector(object)).toBe('app=web')
  expect(create(ReplicationControllers, { metadata: { name: 'web' }, spec: {} }).faults).toEqual([
    'spec.selector: Required value',
    'spec.template: Required value',
  ])
})

test('a pod template has no ephemeral containers', () => {
  const { faults } = create(PodTemplates, {
    metadata: { name: 't' },
    template: { spec: { ...template.spec, ephemeralContainers: [{ name: 'e', image: 'x' }] } },
  })
  expect(faults).toEqual([
    'template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template',
  ])
})

test('columns', () => {
  const set = create(ReplicaSets, of({ replicas: 3 }, { creationTimestamp: '2024-05-01T11:00:00Z' })).object
  const shown = { ...set, status: { replicas: 2, readyReplicas: 1 } } as ReplicaSet
  expect(ReplicaSets.columns.map(column => cell(ReplicaSets, shown, column.name))).toEqual([
    'web',
    3,
    2,
    1,
    '60m',
    'c',
    'nginx:1',
    'app=web',
  ])
  const deployment = create(Deployments, of({ replicas: 3 })).object
  const rolled = { ...deployment, status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } } as Deployment
  expect(Deployments.columns.map(column => cell(Deployments, rolled, column.name))).toEqual([
    'web',
    '2/3',
    '3',
    '1',
    '<unknown>',
    'c',
    'nginx:1',
    'app=web',
  ])
})

test('scaling changes the count and nothing else', () => {
  const { object } = create(Deployments, of())
  const { object: scaled } = update(Deployments, object, next => Deployments.scale?.setReplicas(next, 5))
  expect(scaled.spec).toEqual({ ...object.spec, replicas: 5 })
  expect(Deployments.scale?.selector(object)).toBe('app=web')
})
