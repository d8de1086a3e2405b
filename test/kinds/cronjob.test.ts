// CronJobs (pkg/apis/batch/v1/defaults.go, pkg/apis/batch/validation/validation.go, robfig/cron v3 parser.go, printCronJob).

import { expect, test } from 'vitest'
import { CronJobs } from '../../src/kinds/index.ts'
import { cell, create } from './written.ts'

const job = { template: { spec: { restartPolicy: 'OnFailure', containers: [{ name: 'c', image: 'busybox:1' }] } } }
const of = (spec: object = {}, name = 'nightly') => ({
  metadata: { name },
  spec: { schedule: '0 3 * * mon-fri', jobTemplate: { spec: job }, ...spec },
})

test('is filled up; its job is not, until it is made', () => {
  const { object, faults, warnings } = create(CronJobs, of())
  expect(faults).toEqual([])
  expect(warnings).toEqual([])
  expect(object.spec).toMatchObject({
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  })
  expect(object.spec.jobTemplate.spec).not.toHaveProperty('backoffLimit')
  expect(CronJobs.columns.map(column => cell(CronJobs, object, column.name))).toEqual([
    'nightly',
    '0 3 * * mon-fri',
    '<none>',
    'False',
    0,
    '<none>',
    '<unknown>',
    'c',
    'busybox:1',
    '<none>',
  ])
})

test.each(['*/5 * * * *', '@hourly', '@every 1h30m', '0,30 9-17/2 1 JAN,dec ?', '5/15 * * * 0'])('%s', schedule => {
  expect(create(CronJobs, of({ schedule })).faults).toEqual([])
})

test.each([
  ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['9-5 * * * *', 'beginning of range (9) beyond end of range (5): 9-5'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
  ['TZ=UTC * * * * *', 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
])('%s is no schedule', (schedule, why) => {
  expect(create(CronJobs, of({ schedule })).faults).toEqual([
    `spec.schedule: Invalid value: ${JSON.stringify(schedule)}: ${why}`,
  ])
})

test('time zones are those of the IANA', () => {
  const fault = (timeZone: string) => create(CronJobs, of({ timeZone })).faults.map(text => text.split(': ').pop())
  for (const zone of ['UTC', 'Europe/Berlin', 'US/Pacific']) expect(fault(zone)).toEqual([])
  for (const zone of ['Mars/Base', '+0100', 'europe/berlin', '../x'])
    expect(fault(zone)).toEqual([`unknown time zone ${zone}`])
  expect(fault('')).toEqual(['timeZone must be nil or non-empty string'])
  expect(fault('Local')[0]).toContain('must be an explicit time zone')
})

test('what else there is to refuse', () => {
  const spec = {
    schedule: undefined,
    concurrencyPolicy: 'Perhaps',
    startingDeadlineSeconds: -1,
    failedJobsHistoryLimit: -1,
    jobTemplate: { spec: { ...job, selector: { matchLabels: { a: 'b' } }, manualSelector: true, parallelism: -1 } },
  }
  expect(create(CronJobs, of(spec, 'n'.repeat(53))).faults).toEqual([
    'spec.schedule: Required value',
    'spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0',
    'spec.concurrencyPolicy: Unsupported value: "Perhaps": supported values: "Allow", "Forbid", "Replace"',
    'spec.jobTemplate.spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
    'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
    'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
    'spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0',
    `metadata.name: Invalid value: "${'n'.repeat(53)}": must be no more than 52 characters`,
  ])
})
