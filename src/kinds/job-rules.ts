// The rules of Jobs, and of the jobs in a CronJob (pkg/apis/batch/validation/validation.go). What a job makes of failed and
// succeeded pods is in job-policy-rules.ts, its status in job-status-rules.ts.

import type { Job, JobSpec, PodTemplateSpec } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { selectorFromLabelSelector } from '../api/labels.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults } from '../api/names.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { domainPrefixedPath, nonNegative, unchanged } from './field-rules.ts'
import { controllerUidLabels, jobNameLabels } from './job-labels.ts'
import { failurePolicyRules, successPolicyRules } from './job-policy-rules.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { podTemplateRules } from './pod-template.ts'
import { isParsedSelector, specPath } from './workload-rules.ts'

const most = { indexed: 100_000, completions: 100_000, ofManyCompletions: 10_000 }
const counts = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const

export function jobRules(job: Frozen<Job>, faults: Faults): void {
  generatedSelectorRules(job, faults)
  const { spec, metadata } = job
  jobSpecRules(spec, specPath, faults)
  const at = specPath.child('selector')
  if (!spec.selector) faults.required(at)
  else {
    labelSelectorRules(spec.selector, at, faults)
    if (isParsedSelector(spec.selector) && !isSelected(spec)) {
      const detail = '`selector` does not match template `labels`'
      faults.invalid(specPath.child('template', 'metadata', 'labels'), spec.template?.metadata?.labels ?? null, detail)
    }
  }
  if (spec.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return
  const longest = `${metadata.name}-${spec.completions - 1}`
  if (dns1123LabelFaults(longest).length > 0) {
    const detail = `will not able to create pod with invalid DNS label: ${longest}`
    faults.invalid(new FieldPath('metadata').child('name'), metadata.name, detail)
  }
}

function isSelected({ selector, template }: Frozen<JobSpec>): boolean {
  return selectorFromLabelSelector(selector ?? {}).matches(template?.metadata?.labels)
}

/** A job that chose its selector itself may still have been given the labels of another (validateGeneratedSelector). */
function generatedSelectorRules({ metadata, spec }: Frozen<Job>, faults: Faults): void {
  if (spec.manualSelector || !spec.selector) return
  const { uid = '', name = '' } = metadata
  if (!uid) faults.required(new FieldPath('metadata').child('uid'))
  const labels = spec.template?.metadata?.labels ?? {}
  const wanted: Record<string, string> = {}
  for (const [index, label] of controllerUidLabels.entries()) {
    wanted[label] = uid
    wanted[jobNameLabels[index]!] = name
  }
  for (const [label, value] of Object.entries(wanted)) {
    if (labels[label] === value) continue
    const at = specPath.child('template', 'metadata', 'labels').key(label)
    if (labels[label] === undefined) faults.required(at, `must be '${value}'`)
    else faults.invalid(at, labels, `must be '${value}'`)
  }
  if (isParsedSelector(spec.selector) && !selectorFromLabelSelector(spec.selector).matches(wanted)) {
    faults.invalid(specPath.child('selector'), spec.selector, '`selector` not auto-generated')
  }
}

/** Also of the template in a CronJob, whose selector comes later. */
export function jobSpecRules(spec: Frozen<JobSpec>, path: FieldPath, faults: Faults): void {
  for (const name of counts) nonNegative(spec[name], path, name, faults)
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    faults.required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified')
  }
  if (spec.managedBy !== undefined) {
    const at = path.child('managedBy')
    domainPrefixedPath(spec.managedBy, at, faults)
    if (spec.managedBy.length > 63) faults.tooLong(at, 63)
  }
  modeRules(spec, path, faults)
  if (spec.podFailurePolicy) failurePolicyRules(spec, path.child('podFailurePolicy'), faults)
  if (spec.successPolicy) successPolicyRules(spec, path.child('successPolicy'), faults)
  replacementRules(spec, path, faults)
  podTemplateRules(spec.template ?? {}, path.child('template'), faults)
  restartRules(spec, path.child('template', 'spec', 'restartPolicy'), faults)
}

function modeRules(spec: Frozen<JobSpec>, path: FieldPath, faults: Faults): void {
  const { completionMode: mode, completions, parallelism, maxFailedIndexes: failed, backoffLimitPerIndex: limit } = spec
  if (mode !== undefined && mode !== 'NonIndexed' && mode !== 'Indexed') {
    faults.notSupported(path.child('completionMode'), mode, ['NonIndexed', 'Indexed'])
  }
  if (mode === undefined || mode === 'NonIndexed') {
    const detail = 'requires indexed completion mode'
    if (limit !== undefined) faults.invalid(path.child('backoffLimitPerIndex'), limit, detail)
    if (failed !== undefined) faults.invalid(path.child('maxFailedIndexes'), failed, detail)
  }
  if (mode !== 'Indexed') return
  const atMost = (name: 'parallelism' | 'maxFailedIndexes', limit: number, why: string): void => {
    const value = spec[name]
    if (value !== undefined && value > limit) {
      faults.invalid(path.child(name), value, `must be less than or equal to ${limit}${why}`)
    }
  }
  if (completions === undefined) faults.required(path.child('completions'), 'when completion mode is Indexed')
  atMost('parallelism', most.indexed, ' when completion mode is Indexed')
  if (completions !== undefined && failed !== undefined && failed > completions) {
    faults.invalid(path.child('maxFailedIndexes'), failed, 'must be less than or equal to completions')
  }
  atMost('maxFailedIndexes', most.indexed, '')
  if (completions === undefined || completions <= most.completions || limit === undefined) return
  if (failed === undefined) {
    faults.required(path.child('maxFailedIndexes'), `must be specified when completions is above ${most.completions}`)
  }
  const why = ` when completions are above ${most.completions} and used with backoff limit per index`
  if (parallelism !== undefined) atMost('parallelism', most.ofManyCompletions, why)
  atMost('maxFailedIndexes', most.ofManyCompletions, why)
}

function replacementRules(
  { podReplacementPolicy: policy, podFailurePolicy }: Frozen<JobSpec>,
  path: FieldPath,
  faults: Faults,
) {
  if (policy === undefined) return
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed']
  if (!supported.includes(policy)) faults.notSupported(path.child('podReplacementPolicy'), policy, supported)
}

/** What was left out has been defaulted to `Always` by then, so upstream calls that missing. */
function restartRules({ template, podFailurePolicy }: Frozen<JobSpec>, at: FieldPath, faults: Faults): void {
  const policy = template?.spec?.restartPolicy
  if (!policy || policy === 'Always') faults.required(at, 'valid values: "OnFailure", "Never"')
  else if (policy !== 'OnFailure' && policy !== 'Never') faults.notSupported(at, policy, ['OnFailure', 'Never'])
  else if (podFailurePolicy && policy !== 'Never') {
    faults.invalid(at, policy, 'only "Never" is supported when podFailurePolicy is specified')
  }
}

export function jobUpdateRules(next: Frozen<Job>, old: Frozen<Job>, faults: Faults): void {
  completionsRule(next.spec, old.spec, faults)
  unchanged(next.spec.selector, old.spec.selector, specPath.child('selector'), faults)
  templateUpdateRule(next.spec, old, faults)
  for (const name of fixed) unchanged(next.spec[name], old.spec[name], specPath.child(name), faults)
}

const fixed = ['completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy'] as const

/** An indexed job may be scaled, to as many completions as pods. */
function completionsRule(next: Frozen<JobSpec>, old: Frozen<JobSpec>, faults: Faults): void {
  const at = specPath.child('completions')
  if (next.completionMode !== 'Indexed') unchanged(next.completions, old.completions, at, faults)
  else if (next.completions !== undefined && next.completions !== old.completions) {
    if (next.completions === next.parallelism) return
    // The root of a path is its first step, which upstream forgets here.
    faults.invalid(at, next.completions, 'can only be modified in tandem with spec.parallelism')
  }
}

/** Where a job that has never run shall run may be changed while it is suspended. */
function templateUpdateRule(next: Frozen<JobSpec>, { spec, status }: Frozen<Job>, faults: Faults): void {
  const isMovable = spec.suspend === true && status.startTime === undefined
  const [template, old] = isMovable
    ? [withoutDirectives(next.template), withoutDirectives(spec.template)]
    : [next.template, spec.template]
  if (!jsonEqual(template, old)) faults.invalid(specPath.child('template'), next.template, 'field is immutable')
}

function withoutDirectives(template: Frozen<PodTemplateSpec>): unknown {
  const { labels: _labels, annotations: _annotations, ...metadata } = template.metadata ?? {}
  const {
    affinity,
    nodeSelector: _selector,
    tolerations: _tolerations,
    schedulingGates: _gates,
    ...spec
  } = template.spec ?? { containers: [] }
  const { nodeAffinity: _nodes, ...others } = affinity ?? {}
  return { metadata, spec: { ...spec, ...(Object.keys(others).length > 0 ? { affinity: others } : {}) } }
}
