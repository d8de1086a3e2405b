// Upstream's conformance items about Jobs and CronJobs, by their names (test/e2e/apps/{job,cronjob}.go).

import { expect, test } from 'vitest'
import type { CronJob, CronJobSpec, Job, JobSpec, Pod } from '../../generated/types.ts'
import { draft } from '../../src/api/freeze.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { CronJobs, Jobs, Pods } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { walkStatus } from './walks.ts'

const inDefault = (name: string) => ({ name, namespace: 'default' })
const merge = (body: object) => ({ type: 'merge', body }) as const

type Wanted = Partial<JobSpec> & { run?: string; restartPolicy?: string }

const template = (run: string, restartPolicy: string) => ({
  spec: { restartPolicy, containers: [{ name: 'c', image: 'busybox', command: ['sh', '-c', run] }] },
})
const job = ({ run = 'sleep 5', restartPolicy = 'Never', ...spec }: Wanted = {}): NewObject<Job> =>
  ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: inDefault('work'),
    spec: { parallelism: 2, completions: 4, template: template(run, restartPolicy), ...spec },
  }) as unknown as NewObject<Job>

const cronJob = ({ run = 'sleep 300', ...spec }: Partial<CronJobSpec> & { run?: string } = {}): NewObject<CronJob> =>
  ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { ...inDefault('tick'), labels: { special: 'yes' } },
    spec: { schedule: '*/1 * * * *', jobTemplate: { spec: { template: template(run, 'OnFailure') } }, ...spec },
  }) as unknown as NewObject<CronJob>

const now = (it: TestCluster): Frozen<Job> => it.get(Jobs, 'work')
const conditions = (it: TestCluster): string[] =>
  (now(it).status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`)
const isOver = (it: TestCluster) => () => conditions(it).some(text => /^(Complete|Failed)=True/.test(text))
const active = (it: TestCluster): readonly Frozen<Pod>[] =>
  it
    .pods()
    .filter(
      ({ metadata, status }) =>
        metadata.deletionTimestamp === undefined && !/Succeeded|Failed/.test(status.phase ?? ''),
    )
const patchJob = (it: TestCluster, body: object) => it.client.of(Jobs).patch(inDefault('work'), merge(body))

test('[sig-apps] Job should run a job to completion when tasks sometimes fail and are locally restarted', async () => {
  await using it = await testCluster({ delays: 0 })
  await it.apply(job({ restartPolicy: 'OnFailure', backoffLimit: 20, run: 'exit 1' }))
  await it.until(() => it.pods().some(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) > 0))
  // The second time the task finds what it looks for.
  for (const { metadata } of it.pods()) {
    await it.client
      .of(Pods)
      .patch(
        metadata,
        merge({ metadata: { annotations: { 'kubesim.dev/exit-code': '0', 'kubesim.dev/exit-after': '1s' } } }),
      )
  }
  await it.until(() => it.pods().filter(({ status }) => status.phase === 'Succeeded').length === 2)
  expect(it.pods().every(({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) < 6)).toBe(true)
})

test('[sig-apps] Job should create pods for an Indexed job with completion indexes and specified hostname', async () => {
  await using it = await testCluster()
  await it.apply(job({ completionMode: 'Indexed' }))
  await it.until(isOver(it))
  expect(now(it).status).toMatchObject({ completedIndexes: '0-3', succeeded: 4 })
  const indexes = it.pods().map(({ metadata }) => metadata.annotations!['batch.kubernetes.io/job-completion-index']!)
  expect(indexes.sort()).toEqual(['0', '1', '2', '3'])
  for (const { metadata, spec } of it.pods()) {
    expect(spec.hostname).toBe(`work-${metadata.annotations!['batch.kubernetes.io/job-completion-index']}`)
    expect(spec.containers[0]!.env).toMatchObject([{ name: 'JOB_COMPLETION_INDEX' }])
  }
})

test('[sig-apps] Job should delete a job', async () => {
  await using it = await testCluster()
  await it.apply(job({ run: 'sleep 1000' }))
  await it.until(() => active(it).length === 2 && active(it).every(({ status }) => status.phase === 'Running'))
  await it.client.of(Jobs).delete(inDefault('work'), { propagationPolicy: 'Background' })
  await it.until(() => it.list(Jobs).length === 0 && it.pods().length === 0)
})

test('[sig-apps] Job should adopt matching orphans and release non-matching pods', async () => {
  await using it = await testCluster()
  await it.apply(job({ run: 'sleep 1000' }))
  await it.until(() => active(it).length === 2)
  const { name, labels } = it.pods()[0]!.metadata
  await it.client.of(Pods).patch(inDefault(name), merge({ metadata: { ownerReferences: null } }))
  await it.until(() => controllerOf(it.get(Pods, name))?.name === 'work')
  const taken = Object.fromEntries(Object.keys(labels ?? {}).map(key => [key, null]))
  await it.client.of(Pods).patch(inDefault(name), merge({ metadata: { labels: taken } }))
  await it.until(() => controllerOf(it.get(Pods, name)) === undefined)
})

test('[sig-apps] Job should apply changes to a job status', async () => {
  await using it = await testCluster()
  await it.apply(job({ run: 'sleep 1000' }))
  await it.until(() => now(it).status.ready === 2)
  await it.client
    .of(Jobs)
    .patch(inDefault('work'), merge({ metadata: { annotations: { patchedstatus: 'true' } } }), 'status')
  expect(now(it).metadata.annotations).toMatchObject({ patchedstatus: 'true' })
  await walkStatus(it, Jobs, 'work')
})

test('[sig-apps] Job should manage the lifecycle of a job', async () => {
  await using it = await testCluster()
  await it.apply(job({ suspend: true, parallelism: 1, completions: 2 }))
  expect(it.pods()).toEqual([])
  await patchJob(it, { metadata: { labels: { e2e: 'work' } } })
  const client = it.client.of(Jobs)
  const next = draft<Job>(await client.get(inDefault('work')))
  next.spec.suspend = false
  next.metadata.annotations = { updated: 'true' }
  await client.update(next)
  await it.until(() => active(it).length === 1)
  expect((await client.list({ labelSelector: 'e2e=work' })).items[0]!.metadata.annotations).toMatchObject({
    updated: 'true',
  })
  await it.until(isOver(it))
  await client.deleteCollection(
    { namespace: 'default', labelSelector: 'e2e=work' },
    { propagationPolicy: 'Background' },
  )
  await it.until(() => it.list(Jobs).length === 0 && it.pods().length === 0)
})

const failing = (values: number[]) => ({ onExitCodes: { operator: 'In', values } })

test('[sig-apps] Job should allow to use the pod failure policy on exit code to fail the job early', async () => {
  await using it = await testCluster({ delays: 0 })
  const rules = [{ action: 'FailJob', ...failing([42]) }]
  await it.apply(job({ run: 'exit 42', parallelism: 2, completions: 4, podFailurePolicy: { rules } }))
  await it.until(isOver(it))
  expect(conditions(it)).toEqual(['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy'])
})

test('[sig-apps] Job should allow to use a pod failure policy to ignore failure matching on DisruptionTarget condition', async () => {
  await using it = await testCluster({ delays: 0 })
  const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }]
  await it.apply(job({ run: 'sleep 60', parallelism: 2, completions: 2, backoffLimit: 0, podFailurePolicy: { rules } }))
  await it.until(() => active(it).filter(({ status }) => status.phase === 'Running').length === 2)
  const { name } = it.pods()[0]!.metadata
  await it.client
    .of(Pods)
    .act(inDefault(name), 'eviction', { apiVersion: 'policy/v1', kind: 'Eviction', metadata: inDefault(name) })
  await it.until(isOver(it), '10m')
  expect(conditions(it).at(-1)).toBe('Complete=True CompletionsReached')
  expect(now(it).status.failed).toBeUndefined()
})

/** The task of some indexes fails, by what their pods are told once they are made. */
async function failIndexes(it: TestCluster, isBad: (index: number) => boolean): Promise<void> {
  const told = new Set<string>()
  for (let round = 0; round < 60 && !isOver(it)(); round++) {
    for (const { metadata } of active(it)) {
      if (told.has(metadata.uid!)) continue
      told.add(metadata.uid!)
      const code = isBad(Number(metadata.annotations!['batch.kubernetes.io/job-completion-index'])) ? '1' : '0'
      const annotations = { 'kubesim.dev/exit-code': code, 'kubesim.dev/exit-after': '3s' }
      await it.client.of(Pods).patch(metadata, merge({ metadata: { annotations } }))
    }
    await it.advance('5s')
  }
}
const indexed = (spec: Wanted) => job({ run: 'sleep 1000', completionMode: 'Indexed', ...spec })

test('[sig-apps] Job should execute all indexes despite some failing when using backoffLimitPerIndex', async () => {
  await using it = await testCluster()
  await it.apply(indexed({ parallelism: 2, completions: 4, backoffLimitPerIndex: 1 }))
  await failIndexes(it, index => index % 2 === 0)
  expect(now(it).status).toMatchObject({ failedIndexes: '0,2', completedIndexes: '1,3', failed: 4, succeeded: 2 })
  expect(conditions(it).at(-1)).toBe('Failed=True FailedIndexes')
})

test('[sig-apps] Job should terminate job execution when the number of failed indexes exceeds maxFailedIndexes', async () => {
  await using it = await testCluster()
  await it.apply(indexed({ parallelism: 5, completions: 5, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }))
  await failIndexes(it, index => index % 2 === 0)
  expect(conditions(it).at(-1)).toBe('Failed=True MaxFailedIndexesExceeded')
})

test('[sig-apps] Job should mark indexes as failed when the FailIndex action is matched in podFailurePolicy', async () => {
  await using it = await testCluster()
  const rules = [{ action: 'FailIndex', ...failing([1]) }]
  await it.apply(indexed({ parallelism: 2, completions: 2, backoffLimitPerIndex: 1, podFailurePolicy: { rules } }))
  await failIndexes(it, index => index === 0)
  expect(now(it).status).toMatchObject({ failedIndexes: '0', completedIndexes: '1', failed: 1, succeeded: 1 })
  expect(conditions(it).at(-1)).toBe('Failed=True FailedIndexes')
})

test('[sig-apps] Job with successPolicy should succeeded when all indexes succeeded', async () => {
  await using it = await testCluster()
  const successPolicy = { rules: [{ succeededIndexes: '0-1' }] }
  await it.apply(indexed({ parallelism: 2, completions: 2, successPolicy }))
  await failIndexes(it, () => false)
  expect(conditions(it)).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
  expect(now(it).status.completedIndexes).toBe('0,1')
})

test('[sig-apps] Job with successPolicy succeededCount rule should succeeded even when some indexes remain pending', async () => {
  await using it = await testCluster()
  await it.apply(indexed({ parallelism: 2, completions: 5, successPolicy: { rules: [{ succeededCount: 1 }] } }))
  await tellOnly(it, '0')
  expect(conditions(it)).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
  expect(now(it).status.completedIndexes).toBe('0')
})

test('[sig-apps] Job with successPolicy succeededIndexes rule should succeeded even when some indexes remain pending', async () => {
  await using it = await testCluster()
  await it.apply(indexed({ parallelism: 2, completions: 5, successPolicy: { rules: [{ succeededIndexes: '1' }] } }))
  await tellOnly(it, '1')
  expect(conditions(it)).toEqual(['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
  expect(now(it).status.completedIndexes).toBe('1')
})

/** Only the pod of this index ends, the others would run for long. */
async function tellOnly(it: TestCluster, index: string): Promise<void> {
  await it.until(() => active(it).filter(({ status }) => status.phase === 'Running').length === 2)
  const chosen = it
    .pods()
    .find(({ metadata }) => metadata.annotations!['batch.kubernetes.io/job-completion-index'] === index)!
  const annotations = { 'kubesim.dev/exit-code': '0', 'kubesim.dev/exit-after': '3s' }
  await it.client.of(Pods).patch(chosen.metadata, merge({ metadata: { annotations } }))
  await it.until(isOver(it))
  expect(active(it)).toEqual([])
}

// ---- CronJobs

const jobs = (it: TestCluster): string[] => it.list(Jobs).map(({ metadata }) => metadata.name)
const activeJobs = (it: TestCluster) => it.get(CronJobs, 'tick').status.active ?? []

test('[sig-apps] CronJob should schedule multiple jobs concurrently', async () => {
  await using it = await testCluster()
  await it.apply(cronJob({ concurrencyPolicy: 'Allow' }))
  await it.advance('2m5s')
  expect(activeJobs(it)).toHaveLength(2)
  await it.until(() => it.pods().filter(({ status }) => status.phase === 'Running').length >= 2)
})

test('[sig-apps] CronJob should not schedule jobs when suspended [Slow]', async () => {
  await using it = await testCluster()
  await it.apply(cronJob({ suspend: true }))
  await it.advance('5m')
  expect(jobs(it)).toEqual([])
})

test('[sig-apps] CronJob should not schedule new jobs when ForbidConcurrent [Slow]', async () => {
  await using it = await testCluster()
  await it.apply(cronJob({ concurrencyPolicy: 'Forbid' }))
  await it.advance('1m5s')
  const [first] = jobs(it)
  await it.advance('3m')
  expect(jobs(it)).toEqual([first])
  expect(activeJobs(it)).toHaveLength(1)
})

test('[sig-apps] CronJob should replace jobs when ReplaceConcurrent', async () => {
  await using it = await testCluster()
  await it.apply(cronJob({ concurrencyPolicy: 'Replace' }))
  await it.advance('1m5s')
  const [first] = jobs(it)
  await it.advance('2m')
  expect(jobs(it)).not.toContain(first)
  expect(activeJobs(it)).toHaveLength(1)
})

test('[sig-apps] CronJob should support CronJob API operations', async () => {
  await using it = await testCluster()
  await it.apply(cronJob())
  const client = it.client.of(CronJobs)
  expect((await client.list({ labelSelector: 'special=yes' })).items).toHaveLength(1)
  await client.patch(inDefault('tick'), merge({ metadata: { annotations: { patched: 'true' } } }))
  const next = draft<CronJob>(await client.get(inDefault('tick')))
  next.metadata.annotations = { ...next.metadata.annotations, updated: 'true' }
  expect((await client.update(next)).metadata.annotations).toMatchObject({ patched: 'true', updated: 'true' })
  const body = merge({
    metadata: { annotations: { patchedstatus: 'true' } },
    status: { lastScheduleTime: '2023-12-31T00:00:00Z' },
  })
  expect((await client.patch(inDefault('tick'), body, 'status')).status.lastScheduleTime).toBe('2023-12-31T00:00:00Z')
  const status = { ...(await client.get(inDefault('tick'))), status: { lastScheduleTime: '2023-12-31T01:00:00Z' } }
  expect((await client.updateStatus(status)).status.lastScheduleTime).toBe('2023-12-31T01:00:00Z')
  await client.delete(inDefault('tick'))
  await it.apply(cronJob())
  await client.deleteCollection({ namespace: 'default', labelSelector: 'special=yes' })
  await it.until(() => it.list(CronJobs).length === 0)
})
