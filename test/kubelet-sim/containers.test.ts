// Phase and conditions, by table (pkg/kubelet/kubelet_pods_test.go TestPodPhase…, status/generate_test.go).

import { describe, expect, test } from 'vitest'
import type { ContainerState, ContainerStatus, Pod, PodStatus } from '../../generated/types.ts'
import { phaseOf, setPodConditions, started, terminated, waiting } from '../../kubelet-sim/containers.ts'
import { begin, podOf } from './live.ts'

const state: Record<string, [state: ContainerState, lastState?: ContainerState]> = {
  running: [{ running: { startedAt: '2024-01-01T00:00:00Z' } }],
  succeeded: [{ terminated: { exitCode: 0 } }],
  failed: [{ terminated: { exitCode: 1 } }],
  waiting: [{ waiting: { reason: 'ContainerCreating' } }],
  crashLoop: [{ waiting: { reason: 'CrashLoopBackOff' } }, { terminated: { exitCode: 1 } }],
}
const statusOf = (name: string, word: string): ContainerStatus => ({
  name,
  image: 'x',
  imageID: '',
  restartCount: 0,
  ready: name.startsWith('init') ? word === 'succeeded' : word === 'running',
  started: word === 'running',
  state: state[word]![0],
  lastState: state[word]![1] ?? {},
})

function world(
  policy: string,
  words: readonly string[],
  init: readonly string[] = [],
  sidecars: readonly string[] = [],
): { pod: Pod; status: PodStatus } {
  const named = (prefix: string, list: readonly string[]) => list.map((_, at) => `${prefix}${at}`)
  const pod = podOf({
    restartPolicy: policy,
    containers: named('c', words).map(name => ({ name, image: 'x' })),
    initContainers: [
      ...named('init', init).map(name => ({ name, image: 'x' })),
      ...named('side', sidecars).map(name => ({ name, image: 'x', restartPolicy: 'Always' })),
    ],
  })
  const status: PodStatus = {
    phase: 'Pending',
    podIP: '10.244.1.2',
    containerStatuses: words.map((word, at) => statusOf(`c${at}`, word)),
    initContainerStatuses: [
      ...init.map((word, at) => statusOf(`init${at}`, word)),
      ...sidecars.map((word, at) => statusOf(`side${at}`, word)),
    ],
  }
  return { pod, status }
}

describe('phase', () => {
  test.each([
    ['Always', ['running', 'running'], [], [], 'Running'],
    ['Always', ['running', 'waiting'], [], [], 'Pending'],
    ['Always', ['running', 'crashLoop'], [], [], 'Running'],
    ['Always', ['succeeded', 'succeeded'], [], [], 'Running'],
    ['Always', ['crashLoop'], [], [], 'Running'],
    ['OnFailure', ['succeeded', 'succeeded'], [], [], 'Succeeded'],
    ['OnFailure', ['succeeded', 'failed'], [], [], 'Running'],
    ['OnFailure', ['running', 'failed'], [], [], 'Running'],
    ['Never', ['succeeded'], [], [], 'Succeeded'],
    ['Never', ['succeeded', 'failed'], [], [], 'Failed'],
    ['Never', ['running', 'failed'], [], [], 'Running'],
    ['Never', ['waiting'], ['running'], [], 'Pending'],
    ['Never', ['waiting'], ['failed'], [], 'Failed'],
    ['Always', ['waiting'], ['failed'], [], 'Pending'],
    ['Always', ['running'], ['succeeded'], [], 'Running'],
    ['Always', ['waiting'], [], ['waiting'], 'Pending'],
    ['Never', ['succeeded'], [], ['running'], 'Running'],
    ['Never', ['succeeded'], [], ['succeeded'], 'Succeeded'],
  ])('%s %j init %j sidecars %j is %s', (policy, words, init, sidecars, phase) => {
    const { pod, status } = world(policy, words, init, sidecars)
    expect(phaseOf(pod.spec, status)).toBe(phase)
  })
})

describe('conditions', () => {
  const conditions = (policy: string, words: string[], init: string[] = [], phase = 'Running') => {
    const { pod, status } = world(policy, words, init)
    status.phase = phase
    setPodConditions(pod, status, begin)
    return Object.fromEntries(
      status.conditions!.map(each => [each.type, `${each.status} ${each.reason ?? ''} ${each.message ?? ''}`.trim()]),
    )
  }

  test('all well', () => {
    expect(conditions('Always', ['running'])).toEqual({
      PodReadyToStartContainers: 'True',
      Initialized: 'True',
      Ready: 'True',
      ContainersReady: 'True',
    })
  })
  test('one not ready', () => {
    expect(conditions('Always', ['running', 'crashLoop'])).toMatchObject({
      Ready: 'False ContainersNotReady containers with unready status: [c1]',
    })
  })
  test('not initialized', () => {
    expect(conditions('Always', ['waiting'], ['running', 'waiting'], 'Pending')).toMatchObject({
      Initialized: 'False ContainersNotInitialized containers with incomplete status: [init0 init1]',
      Ready: 'False ContainersNotReady containers with unready status: [c0]',
    })
  })
  test('ended', () => {
    expect(conditions('Never', ['succeeded'], [], 'Succeeded')).toEqual({
      PodReadyToStartContainers: 'False',
      Initialized: 'True PodCompleted',
      Ready: 'False PodCompleted',
      ContainersReady: 'False PodCompleted',
    })
    expect(conditions('Never', ['failed'], [], 'Failed')).toMatchObject({ Ready: 'False PodFailed' })
  })
  test('the time of a transition moves only with the status', () => {
    const { pod, status } = world('Always', ['running'])
    expect(setPodConditions(pod, status, begin)).toBe(true)
    expect(setPodConditions(pod, status, begin + 60_000)).toBe(false)
    status.containerStatuses![0]!.ready = false
    expect(setPodConditions(pod, status, begin + 90_000)).toBe(true)
    expect(
      status.conditions!.map(({ type, lastTransitionTime }) => `${type} ${lastTransitionTime?.slice(14, 19)}`),
    ).toEqual(['PodReadyToStartContainers 00:00', 'Initialized 00:00', 'Ready 01:30', 'ContainersReady 01:30'])
  })
})

test('a restart counts, gets a new id, and remembers what was before', () => {
  const pod = podOf({ containers: [{ name: 'c', image: 'nginx' }] })
  const spec = pod.spec.containers[0]!
  const first = started(pod, spec, waiting(spec, 'ContainerCreating'), begin)
  const ended = terminated(first, 1, begin + 5000)
  const second = started(pod, spec, ended, begin + 9000)
  expect([first.restartCount, second.restartCount]).toEqual([0, 1])
  expect(second.containerID).not.toBe(first.containerID)
  expect(second.lastState).toEqual({
    terminated: {
      containerID: first.containerID,
      exitCode: 1,
      reason: 'Error',
      startedAt: '2024-01-01T00:00:00Z',
      finishedAt: '2024-01-01T00:00:05Z',
    },
  })
})
