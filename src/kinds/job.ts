// Jobs: pods that shall end, so many of them with success.

import type { Job, JobSpec } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { humanDuration, parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'
import { ageColumn, containerColumns, nameColumn, selectorText } from './columns.ts'
import { Faults } from './field-path.ts'
import { controllerUidLabels, jobNameLabels } from './job-labels.ts'
import { jobRules, jobUpdateRules } from './job-rules.ts'
import { hasJobCondition, jobStatusRules } from './job-status-rules.ts'
import { defineKind } from './kind.ts'
import { defaultPodTemplate } from './pod-template.ts'
import { podTemplateWarnings } from './pod-warnings.ts'
import { specPath } from './workload-rules.ts'

/** Kind `Job` of `batch/v1`: `jobs`, in namespaces. */
export const Jobs = defineKind<Job>({
  group: 'batch',
  version: 'v1',
  kind: 'Job',
  plural: 'jobs',
  singular: 'job',
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  // pkg/registry/batch/job/strategy.go, DefaultGarbageCollectionPolicy of v1.
  defaultPropagation: 'Orphan',
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'How far it has come.', value: statusText },
    { name: 'Completions', type: 'string', description: 'Pods that succeeded, of how many.', value: completionsText },
    { name: 'Duration', type: 'string', description: 'From its start to its end.', value: durationText },
    ageColumn,
    ...containerColumns<Job>(job => job.spec.template?.spec?.containers),
    {
      name: 'Selector',
      type: 'string',
      priority: 1,
      description: 'By which labels its pods are found.',
      value: job => selectorText(job.spec.selector),
    },
  ],
  fields: { 'status.successful': job => String(job.status.succeeded ?? 0) },
  defaults(draft) {
    draft.spec ??= {} as JobSpec
    const { spec } = draft
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
    spec.parallelism ??= 1
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2147483647
    spec.completionMode ??= 'NonIndexed'
    spec.suspend ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    spec.manualSelector ??= false
    defaultJobTemplates(spec)
    labelAsTemplate(draft)
    draft.status ??= {}
  },
  prepare(draft, old) {
    if (old) return
    draft.status = {}
    if (!draft.spec.manualSelector) generateSelector(draft)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') jobStatusRules(next, old, faults)
    else {
      jobRules(next, faults)
      if (old) jobUpdateRules(next, old, faults)
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
    warnings.push(...podTemplateWarnings(next.spec.template, specPath.child('template')))
    return warnings
  },
})

/** What Jobs and the templates of CronJobs are both given: the rest of a template is filled up when its job is made. */
export function defaultJobTemplates(spec: JobSpec): void {
  spec.template ??= {}
  defaultPodTemplate(spec.template)
  for (const rule of spec.podFailurePolicy?.rules ?? []) {
    for (const pattern of rule.onPodConditions ?? []) pattern.status ||= 'True'
  }
}

function labelAsTemplate({ metadata, spec }: Job): void {
  const labels = spec.template.metadata?.labels
  if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
}

/** Labels given by hand stay, to be refused if they are of another job (generateSelector in job/strategy.go). */
function generateSelector(draft: Job): void {
  const { metadata, spec } = draft
  const uid = metadata.uid ?? ''
  spec.template.metadata ??= {}
  spec.template.metadata.labels ??= {}
  const { labels } = spec.template.metadata
  for (const label of jobNameLabels) labels[label] ??= metadata.name ?? ''
  for (const label of controllerUidLabels) labels[label] ??= uid
  spec.selector ??= {}
  spec.selector.matchLabels ??= {}
  spec.selector.matchLabels[controllerUidLabels[0]] ??= uid
  // Upstream does so when it next reads the job, for by then the template has labels.
  labelAsTemplate(draft)
}

function statusText(job: Frozen<Job>): string {
  if (hasJobCondition(job, 'Complete')) return 'Complete'
  if (hasJobCondition(job, 'Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (hasJobCondition(job, 'Suspended')) return 'Suspended'
  return hasJobCondition(job, 'FailureTarget') ? 'FailureTarget' : 'Running'
}

function completionsText({ spec, status }: Frozen<Job>): string {
  const done = status.succeeded ?? 0
  if (spec.completions !== undefined) return `${done}/${spec.completions}`
  const pods = spec.parallelism ?? 0
  return pods > 1 ? `${done}/1 of ${pods}` : `${done}/1`
}

function durationText({ status }: Frozen<Job>, now: Millis): string {
  if (!status.startTime) return ''
  const end = status.completionTime ? parseTime(status.completionTime) : now
  return humanDuration(end - parseTime(status.startTime))
}
