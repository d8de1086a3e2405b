// What `kubectl get pods` says of a pod in each of its situations (printPod in pkg/printers/internalversion/printers.go).

import { expect, test } from 'vitest'
import type { ContainerStatus, Pod } from '../../generated/types.ts'
import { Pods } from '../../src/kinds/index.ts'
import { cell, create } from './written.ts'

type State = NonNullable<ContainerStatus['state']>

const status = (name: string, state: State, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: 'x',
  imageID: 'x',
  ready: false,
  restartCount: 0,
  state,
  ...more,
})
const running: State = { running: { startedAt: '2024-05-01T11:00:00Z' } }
const waiting = (reason: string): State => ({ waiting: { reason } })
const ended = (exitCode: number, reason?: string): State => ({
  terminated: { exitCode, ...(reason ? { reason } : {}) },
})
const lastEnded = (finishedAt: string) => ({ lastState: { terminated: { exitCode: 1, finishedAt } } })

interface Situation {
  readonly name: string
  readonly status: Partial<Pod['status']>
  readonly spec?: object
  readonly isDeleted?: boolean
  readonly shows: readonly [ready: string, status: string, restarts: string]
}

const situations: Situation[] = [
  { name: 'just made', status: { phase: 'Pending' }, shows: ['0/1', 'Pending', '0'] },
  {
    name: 'pulling',
    status: { phase: 'Pending', containerStatuses: [status('c', waiting('ContainerCreating'))] },
    shows: ['0/1', 'ContainerCreating', '0'],
  },
  {
    name: 'running and ready',
    status: { phase: 'Running', containerStatuses: [status('c', running, { ready: true })] },
    shows: ['1/1', 'Running', '0'],
  },
  {
    name: 'crashing',
    status: {
      phase: 'Running',
      containerStatuses: [
        status('c', waiting('CrashLoopBackOff'), { restartCount: 3, ...lastEnded('2024-05-01T11:55:00Z') }),
      ],
    },
    shows: ['0/1', 'CrashLoopBackOff', '3 (5m ago)'],
  },
  {
    name: 'done',
    status: { phase: 'Succeeded', containerStatuses: [status('c', ended(0, 'Completed'))] },
    shows: ['0/1', 'Completed', '0'],
  },
  {
    name: 'failed without a word',
    status: { phase: 'Failed', containerStatuses: [status('c', ended(137))] },
    shows: ['0/1', 'ExitCode:137', '0'],
  },
  {
    name: 'killed by a signal',
    status: { phase: 'Failed', containerStatuses: [status('c', { terminated: { exitCode: 137, signal: 9 } })] },
    shows: ['0/1', 'Signal:9', '0'],
  },
  {
    name: 'one done, one running, ready',
    spec: { containers: [{ name: 'c' }, { name: 'd' }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [status('c', ended(0, 'Completed')), status('d', running, { ready: true })],
    },
    shows: ['1/2', 'Running', '0'],
  },
  {
    name: 'one done, one running, not ready as a whole',
    spec: { containers: [{ name: 'c' }, { name: 'd' }] },
    status: {
      phase: 'Running',
      containerStatuses: [status('c', ended(0, 'Completed')), status('d', running, { ready: true })],
    },
    shows: ['1/2', 'NotReady', '0'],
  },
  {
    name: 'one done, one failed',
    spec: { containers: [{ name: 'c' }, { name: 'd' }] },
    status: {
      phase: 'Failed',
      containerStatuses: [status('c', ended(0, 'Completed')), status('d', ended(1, 'Error'))],
    },
    shows: ['0/2', 'Error', '0'],
  },
  {
    name: 'the first of two init containers at work',
    spec: { initContainers: [{ name: 'i' }, { name: 'j' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', running), status('j', waiting('PodInitializing'))],
      containerStatuses: [status('c', waiting('PodInitializing'))],
    },
    shows: ['0/1', 'Init:0/2', '0'],
  },
  {
    name: 'the second of two init containers at work',
    spec: { initContainers: [{ name: 'i' }, { name: 'j' }] },
    status: { phase: 'Pending', initContainerStatuses: [status('i', ended(0)), status('j', running)] },
    shows: ['0/1', 'Init:1/2', '0'],
  },
  {
    name: 'an init container crashing',
    spec: { initContainers: [{ name: 'i' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [
        status('i', waiting('CrashLoopBackOff'), { restartCount: 2, ...lastEnded('2024-05-01T11:59:30Z') }),
      ],
    },
    shows: ['0/1', 'Init:CrashLoopBackOff', '2 (30s ago)'],
  },
  {
    name: 'an init container failed',
    spec: { initContainers: [{ name: 'i' }] },
    status: { phase: 'Failed', initContainerStatuses: [status('i', ended(2, 'Error'))] },
    shows: ['0/1', 'Init:Error', '0'],
  },
  {
    name: 'all initialized, starting',
    spec: { initContainers: [{ name: 'i' }] },
    status: {
      phase: 'Pending',
      initContainerStatuses: [status('i', ended(0, 'Completed'), { restartCount: 4 })],
      containerStatuses: [status('c', waiting('PodInitializing'))],
    },
    shows: ['0/1', 'PodInitializing', '0'],
  },
  {
    name: 'a sidecar counts as a container',
    spec: { initContainers: [{ name: 's', restartPolicy: 'Always' }] },
    status: {
      phase: 'Running',
      initContainerStatuses: [
        status('s', running, { started: true, ready: true, restartCount: 1, ...lastEnded('2024-05-01T10:00:00Z') }),
      ],
      containerStatuses: [status('c', running, { ready: true })],
    },
    shows: ['2/2', 'Running', '1 (120m ago)'],
  },
  {
    name: 'evicted',
    status: { phase: 'Failed', reason: 'Evicted' },
    shows: ['0/1', 'Evicted', '0'],
  },
  {
    name: 'gated',
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    shows: ['0/1', 'SchedulingGated', '0'],
  },
  {
    name: 'going',
    status: { phase: 'Running', containerStatuses: [status('c', running, { ready: true })] },
    isDeleted: true,
    shows: ['1/1', 'Terminating', '0'],
  },
  {
    name: 'going, on a lost node',
    status: { phase: 'Running', reason: 'NodeLost' },
    isDeleted: true,
    shows: ['0/1', 'Unknown', '0'],
  },
  {
    name: 'done, and being removed',
    status: { phase: 'Succeeded', containerStatuses: [status('c', ended(0, 'Completed'))] },
    isDeleted: true,
    shows: ['0/1', 'Completed', '0'],
  },
]

test.each(situations)('$name', ({ status: podStatus, spec, isDeleted, shows }) => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', ...(isDeleted ? { deletionTimestamp: '2024-05-01T12:00:00Z' } : {}) },
    spec: { containers: [{ name: 'c' }], ...spec },
    status: podStatus,
  } as Pod
  expect(['Ready', 'Status', 'Restarts'].map(column => cell(Pods, pod, column))).toEqual(shows)
})

test('the wide columns, empty and full', () => {
  const wide = ['Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates']
  const { object } = create(Pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'x' }] } })
  expect(wide.map(column => cell(Pods, object, column))).toEqual(['<unknown>', '<none>', '<none>', '<none>', '<none>'])
  const full = {
    ...object,
    metadata: { ...object.metadata, creationTimestamp: '2024-05-01T11:58:00Z' },
    spec: { ...object.spec, nodeName: 'node-1', readinessGates: [{ conditionType: 'a' }, { conditionType: 'b' }] },
    status: {
      podIPs: [{ ip: '10.0.0.9' }],
      nominatedNodeName: 'node-2',
      conditions: [
        { type: 'a', status: 'True' },
        { type: 'b', status: 'False' },
      ],
    },
  } as Pod
  expect(wide.map(column => cell(Pods, full, column))).toEqual(['2m', '10.0.0.9', 'node-1', 'node-2', '1/2'])
  expect(Pods.columns.filter(column => column.priority === 1).map(column => column.name)).toEqual(wide.slice(1))
})
