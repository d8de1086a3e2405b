// Quantities: `quantity("1.5Gi").isGreaterThan(quantity("1G"))`. Upstream: k8s.io/apiserver/pkg/cel/library/quantity.go.

import type { Environment } from '@marcbachmann/cel-js'
import { parseQuantity, Quantity, quantityFault } from '../../../src/api/quantity.ts'

const type = 'kubernetes.Quantity'

export function registerQuantities(environment: Environment): void {
  environment
    .registerType(type, Quantity)
    .registerFunction(`quantity(string): ${type}`, parseQuantity)
    .registerFunction('isQuantity(string): bool', (text: string) => quantityFault(text) === undefined)
    .registerFunction(`${type}.sign(): int`, (quantity: Quantity) => BigInt(quantity.sign))
    .registerFunction(`${type}.add(${type}): ${type}`, (one: Quantity, other: Quantity) => one.add(other))
    .registerFunction(`${type}.add(int): ${type}`, (one: Quantity, count: bigint) => one.add(whole(count)))
    .registerFunction(`${type}.sub(${type}): ${type}`, (one: Quantity, other: Quantity) => one.subtract(other))
    .registerFunction(`${type}.sub(int): ${type}`, (one: Quantity, count: bigint) => one.subtract(whole(count)))
    .registerFunction(`${type}.isLessThan(${type}): bool`, (one: Quantity, other: Quantity) => one.compare(other) < 0)
    .registerFunction(
      `${type}.isGreaterThan(${type}): bool`,
      (one: Quantity, other: Quantity) => one.compare(other) > 0,
    )
    .registerFunction(`${type}.compareTo(${type}): int`, (one: Quantity, other: Quantity) => BigInt(one.compare(other)))
    .registerFunction(
      `${type}.asApproximateFloat(): double`,
      (one: Quantity) => Number(one.unscaled) * 10 ** one.exponent,
    )
    .registerFunction(`${type}.asInteger(): int`, (quantity: Quantity) => {
      const integer = integerOf(quantity)
      if (integer === undefined) throw new Error('cannot convert value to integer')
      return integer
    })
    .registerFunction(`${type}.isInteger(): bool`, (quantity: Quantity) => integerOf(quantity) !== undefined)
    .registerFunction(`string(${type}): string`, String)
    .registerOperator(`${type} == ${type}`, (one: Quantity, other: Quantity) => one.compare(other) === 0)
}

const whole = (count: bigint): Quantity => new Quantity(count, 0, 'DecimalSI')

/** Exactly, and within 64 bits. */
function integerOf({ unscaled, exponent }: Quantity): bigint | undefined {
  if (exponent > 18) return unscaled === 0n ? 0n : undefined
  if (exponent >= 0) return within64(unscaled * 10n ** BigInt(exponent))
  const unit = 10n ** BigInt(Math.min(-exponent, 100))
  return unscaled % unit === 0n ? within64(unscaled / unit) : undefined
}

const within64 = (value: bigint): bigint | undefined => (BigInt.asIntN(64, value) === value ? value : undefined)
