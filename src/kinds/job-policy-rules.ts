// What a job makes of pods that failed, and when enough have succeeded (validatePodFailurePolicy, validateSuccessPolicy and
// validateIndexesFormat in pkg/apis/batch/validation/validation.go).

import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { nonNegative } from './field-rules.ts'

type Spec = Frozen<JobSpec>
const mostRules = 20
const mostExitCodes = 255
const mostIndexesText = 64 * 1024

export function failurePolicyRules(spec: Spec, path: FieldPath, faults: Faults): void {
  const rules = spec.podFailurePolicy?.rules ?? []
  const at = path.child('rules')
  if (rules.length > mostRules) faults.tooMany(at, rules.length, mostRules)
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {}
  const names = new Set([...containers, ...initContainers].map(each => each.name))
  for (const [index, rule] of rules.entries()) failureRule(rule, spec, names, at.index(index), faults)
}

function failureRule(
  { action, onExitCodes, onPodConditions }: Frozen<PodFailurePolicyRule>,
  spec: Spec,
  names: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  if (action === 'FailIndex') {
    if (spec.backoffLimitPerIndex === undefined) {
      faults.invalid(path.child('action'), action, 'requires the backoffLimitPerIndex to be set')
    }
  } else choice(action, ['Count', 'FailIndex', 'FailJob', 'Ignore'], path.child('action'), faults)
  if (onExitCodes) exitCodeRules(onExitCodes, names, path.child('onExitCodes'), faults)
  if (onPodConditions?.length) conditionRules(onPodConditions, path.child('onPodConditions'), faults)
  if (onExitCodes && onPodConditions?.length) {
    omitted(path, 'specifying both OnExitCodes and OnPodConditions is not supported', faults)
  } else if (!onExitCodes && !onPodConditions?.length) {
    omitted(path, 'specifying one of OnExitCodes and OnPodConditions is required', faults)
  }
}

function exitCodeRules(
  { operator, containerName, values = [] }: Frozen<PodFailurePolicyOnExitCodesRequirement>,
  names: ReadonlySet<string>,
  path: FieldPath,
  faults: Faults,
): void {
  choice(operator, ['In', 'NotIn'], path.child('operator'), faults)
  if (containerName !== undefined && !names.has(containerName)) {
    const detail = 'must be one of the container or initContainer names in the pod template'
    faults.invalid(path.child('containerName'), containerName, detail)
  }
  const at = path.child('values')
  if (values.length === 0) faults.invalid(at, values, 'at least one value is required')
  else if (values.length > mostExitCodes) faults.tooMany(at, values.length, mostExitCodes)
  const seen = new Set<number>()
  for (const [index, code] of values.entries()) {
    if (operator === 'In' && code === 0) faults.invalid(at.index(index), code, 'must not be 0 for the In operator')
    if (seen.has(code)) faults.duplicate(at.index(index), code)
    seen.add(code)
  }
  if (values.some((code, index) => index > 0 && values[index - 1]! > code)) {
    faults.invalid(at, values, 'must be ordered')
  }
}

function conditionRules(
  patterns: readonly Frozen<PodFailurePolicyOnPodConditionsPattern>[],
  path: FieldPath,
  faults: Faults,
): void {
  if (patterns.length > mostRules) faults.tooMany(path, patterns.length, mostRules)
  for (const [index, { type, status }] of patterns.entries()) {
    const at = path.index(index)
    faults.invalids(qualifiedNameFaults(type ?? ''), type ?? '', at, 'type')
    choice(status, ['False', 'True', 'Unknown'], at.child('status'), faults)
  }
}

/** Upstream lists the choices as Go prints a slice when there is none. */
function choice(value: string | undefined, supported: readonly string[], at: FieldPath, faults: Faults): void {
  if (!value) faults.required(at, `valid values: [${supported.map(each => JSON.stringify(each)).join(' ')}]`)
  else if (!supported.includes(value)) faults.notSupported(at, value, supported)
}

/** The value is not shown: it would be the whole of the job (field.OmitValueType). */
export function omitted(path: FieldPath, detail: string, faults: Faults): void {
  faults.add({ type: 'FieldValueInvalid', field: `${path}`, message: `Invalid value: ${detail}` })
}

export function successPolicyRules(spec: Spec, path: FieldPath, faults: Faults): void {
  if (spec.completionMode !== 'Indexed') {
    faults.invalid(path, spec.successPolicy, 'requires indexed completion mode')
    return
  }
  const rules = spec.successPolicy?.rules ?? []
  const at = path.child('rules')
  if (rules.length === 0) {
    faults.required(at, 'at least one rules must be specified when the successPolicy is specified')
  }
  if (rules.length > mostRules) faults.tooMany(at, rules.length, mostRules)
  for (const [index, rule] of rules.entries()) successRule(rule, spec.completions ?? 0, at.index(index), faults)
}

function successRule(
  { succeededCount: count, succeededIndexes: indexes }: Frozen<SuccessPolicyRule>,
  completions: number,
  path: FieldPath,
  faults: Faults,
): void {
  if (count === undefined && indexes === undefined) {
    faults.required(path, 'at least one of succeededCount or succeededIndexes must be specified')
  }
  let total = 0
  if (indexes !== undefined) {
    const at = path.child('succeededIndexes')
    if (indexes.length > mostIndexesText) faults.tooLong(at, mostIndexesText)
    const parsed = parseIndexes(indexes, completions)
    if (typeof parsed === 'string') faults.invalid(at, indexes, `error parsing succeededIndexes: ${parsed}`)
    else total = parsed.reduce((sum, [first, last]) => sum + last - first + 1, 0)
  }
  if (count === undefined) return
  nonNegative(count, path, 'succeededCount', faults)
  const most = (limit: number, what: string): void => {
    if (count <= limit) return
    faults.invalid(path.child('succeededCount'), count, `must be less than or equal to ${limit} (${what})`)
  }
  most(completions, 'the number of specified completions')
  if (indexes !== undefined) most(total, 'the number of indexes in the specified succeededIndexes field')
}

/** `1,3-5` as intervals, both ends included; or why it is none. */
export function parseIndexes(text: string, completions: number): [first: number, last: number][] | string {
  const intervals: [number, number][] = []
  if (text === '') return intervals
  for (const fragment of text.split(',')) {
    const ends = fragment.split('-')
    if (ends.length > 2) {
      return `the fragment ${JSON.stringify(fragment)} violates the requirement that an index interval can have at most two parts separated by '-'`
    }
    for (const end of ends) {
      if (!/^[+]?[0-9]+$/.test(end)) return `cannot convert string to integer for index: ${JSON.stringify(end)}`
      if (Number(end) >= completions) return `too large index: ${JSON.stringify(end)}`
    }
    const [first, last = first] = ends.map(Number) as [number, number?]
    const before = intervals.at(-1)?.[1]
    if (ends.length === 2 && first >= last) return `non-increasing order, previous: ${first}, current: ${last}`
    if (before !== undefined && before >= first) return `non-increasing order, previous: ${before}, current: ${first}`
    intervals.push([first, last])
  }
  return intervals
}
