// Jobs on simulated nodes: what is made, what is counted, how it ends. Rules: pkg/controller/job/job_controller_test.go.

import { describe, expect, test } from 'vitest'
import type { Job, JobSpec, Pod, PodSpec } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { Jobs, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'

type Wanted = Partial<JobSpec> & { readonly run?: string; readonly pod?: Partial<PodSpec> }

function job(name: string, { run = 'sleep 5', pod = {}, ...spec }: Wanted = {}): NewObject<Job> {
  const container = { name: 'main', image: 'busybox', command: ['sh', '-c', run] }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: 'default' },
    spec: { template: { spec: { restartPolicy: 'Never', containers: [container], ...pod } }, ...spec },
  } as unknown as NewObject<Job>
}

const jobNow = (cluster: TestCluster, name = 'work'): Frozen<Job> => cluster.get(Jobs, name)
const conditions = (cluster: TestCluster, name = 'work'): string[] =>
  (jobNow(cluster, name).status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
const isOver =
  (cluster: TestCluster, name = 'work') =>
  () =>
    conditions(cluster, name).some(text => /^(Complete|Failed)=True/.test(text))
const has = (cluster: TestCluster, phase: string): Frozen<Pod>[] =>
  cluster.pods().filter(({ status }) => status.phase === phase)
const indexes = (pods: readonly Frozen<Pod>[]): string[] =>
  pods.map(({ metadata }) => metadata.annotations!['batch.kubernetes.io/job-completion-index']!).sort()
const patch = (cluster: TestCluster, body: object) =>
  cluster.client.of(Jobs).patch({ name: 'work', namespace: 'default' }, { type: 'merge', body })

test('a job runs one pod to its end', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work'))
  expect(cluster.pods()).toMatchObject([
    {
      metadata: {
        name: expect.stringMatching(/^work-.{5}$/),
        finalizers: ['batch.kubernetes.io/job-tracking'],
        labels: { 'batch.kubernetes.io/job-name': 'work' },
      },
    },
  ])
  await cluster.until(() => has(cluster, 'Running').length === 1)
  await cluster.advance('1s')
  expect(jobNow(cluster).status).toMatchObject({ active: 1, ready: 1, terminating: 0, uncountedTerminatedPods: {} })
  await cluster.until(isOver(cluster))
  const { status } = jobNow(cluster)
  expect(status).toMatchObject({ succeeded: 1, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
  expect(status.active).toBeUndefined()
  expect(status.completionTime).toBe(status.conditions!.at(-1)!.lastTransitionTime)
  expect(conditions(cluster)).toEqual([
    'SuccessCriteriaMet=True CompletionsReached',
    'Complete=True CompletionsReached',
  ])
  expect(has(cluster, 'Succeeded')[0]!.metadata.finalizers).toBeUndefined()
  expect(cluster.events('work')).toEqual([
    expect.stringMatching(/^SuccessfulCreate: Created pod: work-/),
    'Completed: Job completed',
  ])
})

test('so many at a time until so many are done', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { completions: 5, parallelism: 2 }))
  let most = 0
  await cluster.until(() => {
    most = Math.max(most, has(cluster, 'Running').length + has(cluster, 'Pending').length)
    return isOver(cluster)()
  })
  expect(most).toBe(2)
  expect(jobNow(cluster).status.succeeded).toBe(5)
  expect(cluster.pods()).toHaveLength(5)
})

test('without a number of completions, the first success is the last to begin', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { parallelism: 3 }))
  await cluster.until(isOver(cluster))
  expect(jobNow(cluster).status.succeeded).toBe(3)
  expect(cluster.pods()).toHaveLength(3)
})

describe('failures', () => {
  test('are tried again, later each time, up to the limit', async () => {
    await using cluster = await testCluster({ delays: 0 })
    await cluster.apply(job('work', { run: 'exit 3', backoffLimit: 3 }))
    await cluster.until(isOver(cluster), '30m')
    expect(jobNow(cluster).status.failed).toBe(4)
    expect(conditions(cluster)).toEqual(['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
    const made = cluster
      .pods()
      .map(({ metadata }) => Date.parse(metadata.creationTimestamp!))
      .sort()
    const gaps = made.slice(1).map((time, index) => (time - made[index]!) / 1000)
    expect(gaps.map(gap => [10, 20, 40].findIndex(least => gap >= least && gap < least * 1.5))).toEqual([0, 1, 2])
    expect(cluster.events('work').at(-1)).toBe('BackoffLimitExceeded: Job has reached the specified backoff limit')
  })

  test('within a pod that goes on count too', async () => {
    await using cluster = await testCluster({ delays: 0 })
    await cluster.apply(job('work', { run: 'exit 1', backoffLimit: 2, pod: { restartPolicy: 'OnFailure' } }))
    await cluster.until(isOver(cluster), '30m')
    expect(conditions(cluster)[0]).toBe('FailureTarget=True BackoffLimitExceeded')
    expect(has(cluster, 'Running')).toEqual([])
  })

  test('a policy may end the job at once, or look away', async () => {
    await using cluster = await testCluster({ delays: 0 })
    const policy = (action: string) => ({
      rules: [{ action, onExitCodes: { operator: 'In', values: [42] } }],
    })
    await cluster.apply(job('work', { run: 'exit 42', podFailurePolicy: policy('FailJob') }))
    await cluster.until(isOver(cluster))
    const [target] = jobNow(cluster).status.conditions!
    expect(target).toMatchObject({ type: 'FailureTarget', reason: 'PodFailurePolicy' })
    expect(target!.message).toMatch(
      /^Container main for pod default\/work-.{5} failed with exit code 42 matching FailJob rule at index 0$/,
    )
    await cluster.apply(job('calm', { run: 'exit 42', backoffLimit: 0, podFailurePolicy: policy('Ignore') }))
    await cluster.advance('2m')
    expect(jobNow(cluster, 'calm').status.failed).toBeUndefined()
    expect(cluster.pods({ 'job-name': 'calm' }).length).toBeGreaterThan(1)
  })

  test('a job has only so much time', async () => {
    await using cluster = await testCluster()
    await cluster.apply(job('work', { run: 'sleep 600', activeDeadlineSeconds: 30, parallelism: 2, completions: 2 }))
    await cluster.advance('29s')
    expect(isOver(cluster)()).toBe(false)
    await cluster.until(isOver(cluster), '2m')
    expect(conditions(cluster)).toEqual(['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded'])
    expect(jobNow(cluster).status.failed).toBe(2)
    expect(has(cluster, 'Running')).toEqual([])
  })

  test('a pod that somebody deletes counts as failed, and is replaced', async () => {
    await using cluster = await testCluster()
    await cluster.apply(job('work', { run: 'sleep 120' }))
    await cluster.until(() => has(cluster, 'Running').length === 1)
    const [first] = cluster.pods()
    await cluster.client.of(Pods).delete(first!.metadata)
    await cluster.until(isOver(cluster), '10m')
    expect(jobNow(cluster).status).toMatchObject({ failed: 1, succeeded: 1 })
    expect(cluster.pods().map(({ metadata }) => metadata.name)).not.toContain(first!.metadata.name)
  })
})

describe('an indexed job', () => {
  test('does each index once, in order, and tells each pod which it is', async () => {
    await using cluster = await testCluster()
    await cluster.apply(job('work', { completionMode: 'Indexed', completions: 4, parallelism: 2 }))
    expect(indexes(cluster.pods())).toEqual(['0', '1'])
    const [first] = cluster.pods()
    expect(first!.metadata.name).toMatch(/^work-0-.{5}$/)
    expect(first!.metadata.labels).toMatchObject({ 'batch.kubernetes.io/job-completion-index': '0' })
    expect(first!.spec).toMatchObject({
      hostname: 'work-0',
      containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }],
    })
    await cluster.until(isOver(cluster))
    expect(jobNow(cluster).status).toMatchObject({ completedIndexes: '0-3', succeeded: 4 })
    expect(indexes(cluster.pods())).toEqual(['0', '1', '2', '3'])
  })

  test('may end when enough of its indexes succeeded', async () => {
    await using cluster = await testCluster()
    const successPolicy = { rules: [{ succeededIndexes: '0', succeededCount: 1 }] }
    await cluster.apply(
      job('work', { run: 'sleep 20', completionMode: 'Indexed', completions: 3, parallelism: 1, successPolicy }),
    )
    await cluster.until(isOver(cluster))
    expect(conditions(cluster)).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
    expect(jobNow(cluster).status.completedIndexes).toBe('0')
  })

  test('counts the failures of each index on its own', async () => {
    await using cluster = await testCluster({ delays: 0 })
    const limits = { backoffLimitPerIndex: 1, maxFailedIndexes: 2 }
    await cluster.apply(
      job('work', { run: 'exit 1', completionMode: 'Indexed', completions: 2, parallelism: 2, ...limits }),
    )
    await cluster.until(isOver(cluster), '30m')
    expect(conditions(cluster)).toEqual(['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'])
    expect(jobNow(cluster).status).toMatchObject({ failedIndexes: '0,1', failed: 4 })
    const failures = cluster
      .pods()
      .map(({ metadata }) => metadata.annotations!['batch.kubernetes.io/job-index-failure-count'])
    expect(failures.sort()).toEqual(['0', '0', '1', '1'])
  })
})

test('a suspended job has no pods; resumed, it has all its time', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { run: 'sleep 60', suspend: true }))
  expect(cluster.pods()).toEqual([])
  expect(conditions(cluster)).toEqual(['Suspended=True JobSuspended'])
  expect(jobNow(cluster).status.startTime).toBeUndefined()
  await cluster.advance('1m')
  await patch(cluster, { spec: { suspend: false } })
  await cluster.until(() => has(cluster, 'Running').length === 1)
  expect(conditions(cluster)).toEqual(['Suspended=False JobResumed'])
  expect(Date.parse(jobNow(cluster).status.startTime!)).toBeGreaterThanOrEqual(
    Date.parse(jobNow(cluster).metadata.creationTimestamp!) + 60_000,
  )
  await patch(cluster, { spec: { suspend: true } })
  await cluster.until(() => cluster.pods().length === 0)
  expect(jobNow(cluster).status.failed).toBeUndefined()
  expect(cluster.events('work')).toContain('Resumed: Job resumed')
})

test('fewer at a time: those too many go', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { run: 'sleep 300', parallelism: 4, completions: 8 }))
  await cluster.until(() => has(cluster, 'Running').length === 4)
  await patch(cluster, { spec: { parallelism: 1 } })
  await cluster.until(() => cluster.pods().length === 1)
  expect(jobNow(cluster).status.active).toBe(1)
})

test('a job that is deleted takes its pods along; orphaned, they stay and are held by nothing', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { run: 'sleep 300', parallelism: 2, completions: 2 }))
  await cluster.until(() => has(cluster, 'Running').length === 2)
  await cluster.client.of(Jobs).delete({ name: 'work', namespace: 'default' }, { propagationPolicy: 'Background' })
  await cluster.until(() => cluster.pods().length === 0)
  await cluster.apply(job('work', { run: 'sleep 300' }))
  await cluster.until(() => has(cluster, 'Running').length === 1)
  await cluster.client.of(Jobs).delete({ name: 'work', namespace: 'default' }, { propagationPolicy: 'Orphan' })
  await cluster.until(() => cluster.list(Jobs).length === 0)
  await cluster.advance('1s')
  expect(cluster.pods().map(({ metadata }) => [metadata.ownerReferences ?? [], metadata.finalizers])).toEqual([
    [[], undefined],
  ])
})

test("somebody else's job is left alone", async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { managedBy: 'example.com/theirs' }))
  expect(cluster.pods()).toEqual([])
  expect(jobNow(cluster).status).toEqual({})
})

test('a job that has ended goes when its time is up', async () => {
  await using cluster = await testCluster()
  await cluster.apply(job('work', { ttlSecondsAfterFinished: 60 }))
  await cluster.until(isOver(cluster))
  await cluster.advance('58s')
  expect(cluster.list(Jobs)).toHaveLength(1)
  await cluster.advance('5s')
  expect(cluster.list(Jobs)).toEqual([])
  expect(cluster.pods()).toEqual([])
})
