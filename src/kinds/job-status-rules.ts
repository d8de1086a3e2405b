// The rules of a Job's status: an end stays an end (validateJobStatus, ValidateJobStatusUpdate in
// pkg/apis/batch/validation/validation.go, with the options of pkg/registry/batch/job/strategy.go).

import type { Job } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { parseTime } from '../api/time.ts'
import type { Faults } from './field-path.ts'
import { nonNegative } from './field-rules.ts'
import { omitted, parseIndexes } from './job-policy-rules.ts'
import { statusPath } from './workload-rules.ts'

type Each = Frozen<Job>

export function hasJobCondition({ status }: Each, type: string): boolean {
  return status.conditions?.some(each => each.type === type && each.status === 'True') ?? false
}

export function jobStatusRules(next: Each, old: Each, faults: Faults): void {
  const { status } = next
  for (const name of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    nonNegative(status[name], statusPath, name, faults)
  }
  conditionRules(next, old, faults)
  timeRules(next, old, faults)
  const completions = next.spec.completions
  if (status.completedIndexes && completions !== undefined && status.completedIndexes !== old.status.completedIndexes) {
    const parsed = parseIndexes(status.completedIndexes, completions)
    const at = statusPath.child('completedIndexes')
    if (typeof parsed === 'string') {
      faults.invalid(at, status.completedIndexes, `error parsing completedIndexes: ${parsed}`)
    }
    if (next.spec.completionMode !== 'Indexed') {
      const detail = 'cannot set non-empty completedIndexes when non-indexed completion mode'
      faults.invalid(at, status.completedIndexes, detail)
    }
  }
  const { failed = 0, succeeded = 0 } = status
  if (failed < (old.status.failed ?? 0)) {
    faults.invalid(statusPath.child('failed'), failed, 'cannot decrease the failed counter')
  }
  const isElastic = next.spec.completionMode === 'Indexed' && completions === next.spec.parallelism
  if (!isElastic && succeeded < (old.status.succeeded ?? 0)) {
    faults.invalid(statusPath.child('succeeded'), succeeded, 'cannot decrease the succeeded counter')
  }
}

function conditionRules(next: Each, old: Each, faults: Faults): void {
  const at = statusPath.child('conditions')
  const [isComplete, isFailed] = [hasJobCondition(next, 'Complete'), hasJobCondition(next, 'Failed')]
  if (isComplete && isFailed) omitted(at, 'cannot set Complete=True and Failed=true conditions', faults)
  if (isComplete && hasJobCondition(next, 'FailureTarget')) {
    omitted(at, 'cannot set Complete=True and FailureTarget=true conditions', faults)
  }
  if (hasJobCondition(next, 'SuccessCriteriaMet')) {
    if (isFailed) omitted(at, 'cannot set SuccessCriteriaMet=True and Failed=true conditions', faults)
    if (hasJobCondition(next, 'FailureTarget')) {
      omitted(at, 'cannot set SuccessCriteriaMet=True and FailureTarget=true conditions', faults)
    }
  }
  for (const type of ['Failed', 'Complete', 'FailureTarget']) {
    if (!hasJobCondition(old, type) || hasJobCondition(next, type)) continue
    omitted(at, `cannot disable the terminal ${type}=True condition`, faults)
  }
  if (hasJobCondition(old, 'SuccessCriteriaMet') && !hasJobCondition(next, 'SuccessCriteriaMet')) {
    omitted(at, 'cannot disable the SuccessCriteriaMet=True condition', faults)
  }
}

function timeRules(next: Each, old: Each, faults: Faults): void {
  const { startTime, completionTime, active = 0 } = next.status
  const isComplete = hasJobCondition(next, 'Complete')
  const isFinished = isComplete || hasJobCondition(next, 'Failed')
  const at = statusPath.child('completionTime')
  if (completionTime !== undefined && !isComplete) {
    faults.invalid(at, completionTime, 'cannot set completionTime when there is no Complete=True condition')
  }
  if (completionTime === undefined && isComplete) {
    faults.required(at, 'completionTime is required for Complete jobs')
  }
  if (startTime !== undefined && completionTime !== undefined && parseTime(completionTime) < parseTime(startTime)) {
    faults.invalid(at, completionTime, 'completionTime cannot be set before startTime')
  }
  if (isFinished && active > 0) {
    faults.invalid(statusPath.child('active'), active, 'active>0 is invalid for finished job')
  }
  if (isFinished && startTime === undefined) {
    faults.required(statusPath.child('startTime'), 'startTime is required for finished job')
  }
  const before = old.status.completionTime
  if (before !== undefined && completionTime !== undefined && before !== completionTime) {
    faults.invalid(at, completionTime, 'completionTime cannot be mutated')
  }
  if (old.status.startTime !== undefined && old.status.startTime !== startTime && !next.spec.suspend) {
    faults.required(statusPath.child('startTime'), 'startTime cannot be removed for unsuspended job')
  }
}
