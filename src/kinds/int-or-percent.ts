// How many pods at a time: a count or a share of all of them (ValidatePositiveIntOrPercent, IsNotMoreThan100Percent and
// getIntOrPercentValue in pkg/apis/apps/validation/validation.go). Called by the rules of every kind that rolls out.

import { percentFaults } from '../api/names.ts'
import type { Faults, FieldPath } from './field-path.ts'

export type IntOrPercent = number | string

export function intOrPercentRules(amount: IntOrPercent, path: FieldPath, faults: Faults): void {
  if (typeof amount === 'string') faults.invalids(percentFaults(amount), amount, path)
  else if (amount < 0) faults.invalid(path, amount, 'must be greater than or equal to 0')
}

export function atMostAllRule(amount: IntOrPercent, path: FieldPath, faults: Faults): void {
  if (typeof amount === 'string' && intOrPercentValue(amount) > 100) {
    faults.invalid(path, amount, 'must not be greater than 100%')
  }
}

/** A number, or the number before the percent sign; what is neither counts as nothing (intstr.IntValue). */
export function intOrPercentValue(amount: IntOrPercent): number {
  if (typeof amount === 'number') return amount
  if (percentFaults(amount).length === 0) return Number(amount.slice(0, -1))
  return /^[+-]?[0-9]+$/.test(amount) ? Number(amount) : 0
}
