// CronJobs: jobs made by the clock.

import type { CronJob, CronJobSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { ageColumn, ageText, containerColumns, nameColumn, selectorText } from './columns.ts'
import { scheduleFault, timeZoneFault } from './cron-schedule.ts'
import { Faults, FieldPath } from './field-path.ts'
import { nonNegative, oneOf } from './field-rules.ts'
import { defaultJobTemplates } from './job.ts'
import { jobSpecRules } from './job-rules.ts'
import { defineKind } from './kind.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { specPath } from './workload-rules.ts'

const jobPath = specPath.child('jobTemplate', 'spec')

/** Kind `CronJob` of `batch/v1`: `cronjobs`, in namespaces. */
export const CronJobs = defineKind<CronJob>({
  group: 'batch',
  version: 'v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  singular: 'cronjob',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  columns: [
    nameColumn,
    { name: 'Schedule', type: 'string', description: 'When it runs.', value: ({ spec }) => spec.schedule ?? '' },
    {
      name: 'Timezone',
      type: 'string',
      description: 'By whose clock.',
      value: ({ spec }) => spec.timeZone ?? '<none>',
    },
    {
      name: 'Suspend',
      type: 'boolean',
      description: 'Whether it makes no jobs now.',
      value: ({ spec }) => (spec.suspend ? 'True' : 'False'),
    },
    {
      name: 'Active',
      type: 'integer',
      description: 'Jobs of it that run.',
      value: ({ status }) => status.active?.length ?? 0,
    },
    {
      name: 'Last Schedule',
      type: 'string',
      description: 'Time since it last made a job.',
      value: ({ status }, now) => (status.lastScheduleTime ? ageText(status.lastScheduleTime, now) : '<none>'),
    },
    ageColumn,
    ...containerColumns<CronJob>(job => job.spec.jobTemplate?.spec?.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels the pods are found.',
      value: job => selectorText(job.spec.jobTemplate?.spec?.selector),
    },
  ],
  defaults(draft) {
    draft.spec ??= {} as CronJobSpec
    const { spec } = draft
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    spec.jobTemplate ??= {}
    spec.jobTemplate.metadata ??= {}
    spec.jobTemplate.spec ??= { template: {} }
    defaultJobTemplates(spec.jobTemplate.spec)
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (!old) draft.status = {}
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') return faults.list
    specRules(next.spec, old?.spec, faults)
    // A job's name is this one's and eleven characters more.
    const { name = '' } = next.metadata
    if (!old && name.length > 52) {
      faults.invalid(new FieldPath('metadata').child('name'), name, 'must be no more than 52 characters')
    }
    return faults.list
  },
  warnings(next, old) {
    if (old && old.metadata.generation === next.metadata.generation) return []
    const warnings: string[] = []
    const wrong = old ? [] : dns1123LabelFaults(next.metadata.name)
    if (wrong.length > 0) {
      const why = 'this is used in Pod names and hostnames, which can result in surprising behavior'
      warnings.push(`metadata.name: ${why}; a DNS label is recommended: [${wrong.join(' ')}]`)
    }
    warnings.push(...podTemplateWarnings(next.spec.jobTemplate.spec?.template, jobPath.child('template')))
    return warnings
  },
})

function specRules(spec: Frozen<CronJobSpec>, old: Frozen<CronJobSpec> | undefined, faults: Faults): void {
  scheduleRules(spec, old, faults)
  nonNegative(spec.startingDeadlineSeconds, specPath, 'startingDeadlineSeconds', faults)
  const { timeZone } = spec
  if (timeZone !== undefined && (!old || old.timeZone !== timeZone)) {
    const fault = timeZoneFault(timeZone)
    if (fault !== undefined) faults.invalid(specPath.child('timeZone'), timeZone, fault)
  }
  oneOf(spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], specPath, 'concurrencyPolicy', faults)
  const job = spec.jobTemplate?.spec
  if (job) {
    jobSpecRules(job, jobPath, faults)
    if (job.selector) faults.invalid(jobPath.child('selector'), job.selector, '`selector` will be auto-generated')
    if (job.manualSelector) faults.notSupported(jobPath.child('manualSelector'), true, ['nil', 'false'])
  }
  nonNegative(spec.successfulJobsHistoryLimit, specPath, 'successfulJobsHistoryLimit', faults)
  nonNegative(spec.failedJobsHistoryLimit, specPath, 'failedJobsHistoryLimit', faults)
}

function scheduleRules(
  { schedule, timeZone }: Frozen<CronJobSpec>,
  old: Frozen<CronJobSpec> | undefined,
  faults: Faults,
): void {
  const at = specPath.child('schedule')
  if (!schedule) {
    faults.required(at)
    return
  }
  const fault = scheduleFault(schedule)
  if (fault !== undefined) faults.invalid(at, schedule, fault)
  if (!schedule.includes('TZ')) return
  if (!old?.schedule?.includes('TZ')) {
    faults.invalid(at, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
  } else if (timeZone !== undefined) {
    faults.invalid(at, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule')
  }
}
