// CronJobs: a week in a moment. Rules: pkg/controller/cronjob/cronjob_controllerv2_test.go.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dueSince, parseSchedule } from '../../controllers/shared/schedule.ts'
import type { CronJob, CronJobSpec } from '../../generated/types.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { CronJobs, Jobs } from '../../src/kinds/index.ts'
import { type TestCluster, testCluster } from '../support/cluster.ts'
import { isOverHttp, runs } from '../support/over-http.ts'

/** Of days and years, timer by timer: once is enough. */
const whole = test.skipIf(isOverHttp)

function cronJob(
  schedule: string,
  { run = 'sleep 5', ...spec }: Partial<CronJobSpec> & { run?: string } = {},
): NewObject<CronJob> {
  const container = { name: 'main', image: 'busybox', command: ['sh', '-c', run] }
  const template = { spec: { restartPolicy: 'Never', containers: [container] } }
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'tick', namespace: 'default' },
    spec: { schedule, jobTemplate: { spec: { template, backoffLimit: 0 } }, ...spec },
  } as unknown as NewObject<CronJob>
}

const tick = (cluster: TestCluster): Frozen<CronJob> => cluster.get(CronJobs, 'tick')
const jobNames = (cluster: TestCluster): string[] => cluster.list(Jobs).map(({ metadata }) => metadata.name)
const minuteOf = (time: string): number => Date.parse(time) / 60_000

test('a job each time the schedule comes round, named by the minute; of the old ones three are kept', async () => {
  await using cluster = await testCluster()
  await cluster.apply(cronJob('*/5 * * * *'))
  expect(jobNames(cluster)).toEqual([])
  await cluster.advance('5m1s')
  expect(jobNames(cluster)).toEqual([`tick-${minuteOf('2024-01-01T00:05:00Z')}`])
  expect(tick(cluster).status).toMatchObject({
    active: [{ kind: 'Job', name: jobNames(cluster)[0] }],
    lastScheduleTime: '2024-01-01T00:05:00Z',
  })
  const [job] = cluster.list(Jobs)
  expect(job!.metadata.annotations).toEqual({
    'batch.kubernetes.io/cronjob-scheduled-timestamp': '2024-01-01T00:05:00Z',
  })
  await cluster.advance('1m')
  expect(tick(cluster).status.active).toBeUndefined()
  expect(tick(cluster).status.lastSuccessfulTime).toMatch(/^2024-01-01T00:05:/)
  expect(cluster.events('tick')).toEqual([
    `SuccessfulCreate: Created job tick-${minuteOf('2024-01-01T00:05:00Z')}`,
    `SawCompletedJob: Saw completed job: tick-${minuteOf('2024-01-01T00:05:00Z')}, condition: Complete`,
  ])
  await cluster.advance('1h')
  expect(jobNames(cluster)).toEqual(
    ['00:55', '01:00', '01:05'].map(time => `tick-${minuteOf(`2024-01-01T${time}:00Z`)}`),
  )
})

whole('by the clock of its time zone', async () => {
  await using cluster = await testCluster()
  await cluster.apply(cronJob('0 9 * * *', { timeZone: 'Asia/Tokyo' }))
  await cluster.advance('25h')
  expect(tick(cluster).status.lastScheduleTime).toBe('2024-01-02T00:00:00Z')
  expect(cluster.list(Jobs)[0]!.metadata.annotations).toEqual({
    'batch.kubernetes.io/cronjob-scheduled-timestamp': '2024-01-02T09:00:00+09:00',
  })
})

describe('while the last one still runs', () => {
  const long = { run: 'sleep 150' }
  test.each<[string, number, RegExp]>([
    ['Allow', 2, /Created job/],
    ['Forbid', 1, /^JobAlreadyActive: Not starting job because prior execution is running/],
    ['Replace', 1, /^SuccessfulDelete: Deleted job tick-/],
  ])('%s', async (concurrencyPolicy, running, event) => {
    await using cluster = await testCluster()
    await cluster.apply(cronJob('* * * * *', { ...long, concurrencyPolicy }))
    await cluster.advance('2m5s')
    expect(tick(cluster).status.active).toHaveLength(running)
    expect(cluster.events('tick')).toContainEqual(expect.stringMatching(event))
  })
})

test('suspended, nothing begins; afterwards only what is not too late', async () => {
  await using cluster = await testCluster()
  await cluster.apply(cronJob('0 * * * *', { suspend: true, startingDeadlineSeconds: 60 }))
  const suspend = (is: boolean) =>
    cluster.client
      .of(CronJobs)
      .patch({ name: 'tick', namespace: 'default' }, { type: 'merge', body: { spec: { suspend: is } } })
  await cluster.advance('1h30m')
  expect(jobNames(cluster)).toEqual([])
  await suspend(false)
  await cluster.advance('1m')
  expect(jobNames(cluster)).toEqual([])
  await cluster.advance('30m')
  expect(jobNames(cluster)).toEqual([`tick-${minuteOf('2024-01-01T02:00:00Z')}`])
})

test('without a deadline, of what was missed the latest is made up for', async () => {
  await using cluster = await testCluster()
  await cluster.apply(cronJob('0 * * * *'))
  await cluster.cluster.stopComponent('controllers')
  await cluster.advance('5h30m')
  await cluster.cluster.startComponent('controllers')
  await cluster.advance('1s')
  expect(jobNames(cluster)).toEqual([`tick-${minuteOf('2024-01-01T05:00:00Z')}`])
})

test('a failed job is kept once', async () => {
  await using cluster = await testCluster()
  await cluster.apply(cronJob('* * * * *', { run: 'exit 1' }))
  await cluster.advance('5m30s')
  expect(
    cluster.list(Jobs).filter(({ status }) => status.conditions?.some(({ type }) => type === 'Failed')),
  ).toHaveLength(1)
  expect(tick(cluster).status.lastSuccessfulTime).toBeUndefined()
})

whole('a day goes by: an hourly job ran at every hour', async () => {
  await using cluster = await testCluster({ delays: 0, nodes: 1 })
  await cluster.apply(cronJob('0 * * * *', { run: 'true' }))
  await cluster.advance('24h1m')
  const made = cluster.history.lines('ADDED batch/jobs/')
  expect(made).toHaveLength(24)
})

describe('schedules', () => {
  const at = (text: string): number => Date.parse(text)
  const following = (schedule: string, zone: string, from: string, count: number): string[] => {
    const { next } = parseSchedule(schedule, zone)
    const times: string[] = []
    for (let time = next(at(from)); time !== undefined && times.length < count; time = next(time)) {
      times.push(new Date(time).toISOString().slice(0, 16))
    }
    return times
  }

  test('day of month and day of week: one of them is enough', () => {
    expect(following('0 0 13 * fri', 'UTC', '2024-09-01T00:00:00Z', 4)).toEqual([
      '2024-09-06T00:00',
      '2024-09-13T00:00',
      '2024-09-20T00:00',
      '2024-09-27T00:00',
    ])
  })

  test('an hour that the clocks skip is left out', () => {
    expect(following('30 2 * * *', 'America/New_York', '2024-03-09T12:00:00Z', 2)).toEqual([
      '2024-03-11T06:30',
      '2024-03-12T06:30',
    ])
  })

  test('every so often, a question mark, and a day that never comes', () => {
    expect(following('@every 1h30m', 'UTC', '2024-01-01T00:00:10Z', 2)).toEqual([
      '2024-01-01T01:30',
      '2024-01-01T03:00',
    ])
    expect(following('0 12 ? * *', 'UTC', '2024-01-01T00:00:00Z', 1)).toEqual(['2024-01-01T12:00'])
    expect(following('0 0 31 2 *', 'UTC', '2024-01-01T00:00:00Z', 1)).toEqual([])
  })

  test('what is due is the last time that has come, found as if each had been gone through', () => {
    const schedules = fc.constantFrom('* * * * *', '*/7 * * * *', '0 */5 * * *', '15 10 1,15 * *', '@daily')
    const minutes = fc.integer({ min: 0, max: 60 * 24 * 40 })
    fc.assert(
      fc.property(schedules, minutes, fc.integer({ min: 0, max: 60 * 30 }), (text, start, span) => {
        const schedule = parseSchedule(text)
        const since = at('2024-01-01T00:00:00Z') + start * 60_000
        const now = since + span * 60_000
        let last: number | undefined
        for (let time = schedule.next(since); time !== undefined && time <= now; time = schedule.next(time)) last = time
        expect(dueSince(schedule, since, now).last).toBe(last)
      }),
      { numRuns: runs(40) },
    )
  })
})
