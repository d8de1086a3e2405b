// What a device of a ResourceSlice is and has: attributes, and capacities of which several may take a part
// (pkg/apis/resource/validation/validation.go).

import type { CapacityRequestPolicy, DeviceAttribute, DeviceCapacity } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { addQuantities, canonicalQuantity, compareQuantities, wholeValue } from '../api/quantity.ts'
import { each } from './device-field-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { textSize } from './keyed-data-rules.ts'

/** semver.org, as upstream's own expression has it: no more than the form is judged. */
const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/

export function deviceAttributeRules(attribute: Frozen<DeviceAttribute>, at: FieldPath, faults: Faults): void {
  const { bool, int, string, version } = attribute
  if (string !== undefined && textSize(string) > 64) faults.tooLong(at.child('string'), 64)
  if (version !== undefined) {
    if (!semver.test(version)) {
      faults.invalid(at.child('version'), version, 'must be a string compatible with semver.org spec 2.0.0')
    }
    if (textSize(version) > 64) faults.tooLong(at.child('version'), 64)
  }
  const count = [bool, int, string, version].filter(value => value !== undefined).length
  if (count !== 1) faults.invalid(at, count === 0 ? '' : attribute, 'exactly one value must be specified')
}

export function canonicalCapacity(capacity: DeviceCapacity): void {
  capacity.value = canonicalQuantity(capacity.value ?? '0')
  const { requestPolicy: policy } = capacity
  if (!policy) return
  if (policy.default !== undefined) policy.default = canonicalQuantity(policy.default)
  if (policy.validValues) policy.validValues = policy.validValues.map(canonicalQuantity)
  const { validRange: range } = policy
  for (const end of ['min', 'max', 'step'] as const) {
    if (range?.[end] !== undefined) range[end] = canonicalQuantity(range[end])
  }
}

export function deviceCapacityRules(
  { value, requestPolicy: policy }: Frozen<DeviceCapacity>,
  isShared: boolean,
  at: FieldPath,
  faults: Faults,
): void {
  if (!policy) return
  const path = at.child('requestPolicy')
  if (!isShared) {
    faults.forbidden(path, 'allowMultipleAllocations must be true')
    return
  }
  const { validValues, validRange } = policy
  if (validValues?.length && validRange) {
    const why = 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'
    faults.forbidden(path, why)
  } else if (validValues?.length) {
    if (policy.default === undefined) faults.required(path.child('default'), 'required when validValues is defined')
    else valuesRules(policy.default, value, validValues, path.child('validValues'), faults)
  } else if (validRange) {
    if (policy.default === undefined) faults.required(path.child('default'), 'required when validRange is defined')
    else rangeRules(policy.default, value, validRange, path.child('validRange'), faults)
  }
}

function valuesRules(usual: string, most: string, values: readonly string[], path: FieldPath, faults: Faults): void {
  for (const [index, value] of values.entries()) {
    const next = values[index + 1]
    if (next !== undefined && compareQuantities(value, next) > 0) {
      faults.invalid(path.index(index + 1), next, 'values must be sorted in ascending order')
    }
  }
  let hasUsual = false
  const isFew = each(values, 10, path, faults, (value, at) => {
    if (compareQuantities(value, most) > 0) faults.invalid(at, value, `option is larger than capacity value: ${most}`)
    if (compareQuantities(value, usual) === 0) hasUsual = true
  })
  const seen = new Set<number>()
  for (const [index, value] of isFew ? values.entries() : []) {
    const whole = wholeValue(value)
    if (seen.has(whole)) faults.duplicate(path.index(index), String(whole))
    seen.add(whole)
  }
  if (!hasUsual) faults.invalid(path, usual, 'default value is not valid according to the requestPolicy')
}

function rangeRules(
  usual: string,
  capacity: string,
  { min, max, step }: Frozen<NonNullable<CapacityRequestPolicy['validRange']>>,
  path: FieldPath,
  faults: Faults,
): void {
  if (min === undefined) {
    faults.required(path.child('min'), 'required when validRange is defined')
    return
  }
  const isMore = (one: string, other: string) => compareQuantities(one, other) > 0
  const fault = (field: string, value: string, why: string) => faults.invalid(path.child(field), value, why)
  if (isMore(min, capacity)) fault('min', min, `min is larger than capacity value: ${capacity}`)
  if (isMore(min, usual)) fault('min', usual, `default is less than min: ${min}`)
  if (max !== undefined) {
    if (isMore(min, max)) fault('max', min, `min is larger than max: ${max}`)
    if (isMore(max, capacity)) fault('max', max, `max is larger than capacity value: ${capacity}`)
    if (isMore(usual, max)) fault('max', usual, `default is more than max: ${max}`)
  }
  if (step === undefined) return
  const next = addQuantities(min, step)
  if (isMore(next, capacity)) fault('step', step, `one step ${next} is larger than capacity value: ${capacity}`)
  for (const value of max === undefined ? [usual] : [usual, max]) {
    // A step of nothing leads nowhere; upstream divides by it.
    if (wholeValue(step) !== 0 && (wholeValue(value) - wholeValue(min)) % wholeValue(step) === 0) continue
    fault('step', value, `value is not a multiple of a given step (${step}) from (${min})`)
  }
}
