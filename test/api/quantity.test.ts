// Cases after k8s.io/apimachinery/pkg/api/resource/quantity_test.go, in our own words.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  milliValue,
  parseQuantity,
  quantityFault,
  wholeValue,
} from '../../src/api/quantity.ts'

test.each([
  ['0', '0'],
  ['0m', '0'],
  ['0Gi', '0'],
  ['.', '0'],
  ['1', '1'],
  ['100', '100'],
  ['1000', '1k'],
  ['1000m', '1'],
  ['500m', '500m'],
  ['0.5', '500m'],
  ['0.1', '100m'],
  ['.5', '500m'],
  ['1.5', '1500m'],
  ['1.5Gi', '1536Mi'],
  ['1024Mi', '1Gi'],
  ['1000Ki', '1000Ki'],
  ['1000Mi', '1000Mi'],
  ['0.5Ki', '512'],
  ['0.5Mi', '512Ki'],
  ['8Gi', '8Gi'],
  ['128974848', '128974848'],
  ['129e6', '129e6'],
  ['129M', '129M'],
  ['123Mi', '123Mi'],
  ['1e3', '1e3'],
  ['1E3', '1E3'],
  ['1e4', '10e3'],
  ['10e-4', '1e-3'],
  ['12.3e1', '12.3e1'],
  ['1E', '1E'],
  ['1500k', '1500k'],
  ['1000k', '1M'],
  ['100000000', '100M'],
  ['0.0001m', '100n'],
  ['1n', '1n'],
  ['0.1n', '1n'],
  ['1.1n', '2n'],
  ['-1', '-1'],
  ['-0.5', '-500m'],
  ['-1.1n', '-2n'],
  ['-1024Mi', '-1Gi'],
  ['16Ei', '9223372036854775807'],
  ['0.001Ki', '1024m'],
  ['1.500', '1.500'],
  ['+1', '+1'],
])('%s is written back as %s', (text, canonical) => {
  expect(canonicalQuantity(text)).toBe(canonical)
})

test.each([
  ['', 'form'],
  ['abc', 'form'],
  ['1x', 'form'],
  ['1 Gi', 'form'],
  ['1.1.1', 'form'],
  ['1Gi ', 'form'],
  ['--1', 'suffix'],
  ['1i', 'suffix'],
  ['1K', 'suffix'],
  ['1ki', 'suffix'],
  ['1mm', 'suffix'],
  ['1e', 'suffix'],
  ['1e99999999999', 'suffix'],
])('%j is no quantity (%s)', (text, why) => {
  expect(quantityFault(text)).toBe(
    why === 'suffix'
      ? "unable to parse quantity's suffix"
      : "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  )
})

test.each([
  ['1', 1000, 1],
  ['100m', 100, 1],
  ['1500m', 1500, 2],
  ['1m', 1, 1],
  ['1u', 1, 1],
  ['0.1m', 1, 1],
  ['-1500m', -1500, -2],
  ['2Ki', 2_048_000, 2048],
  ['1.5Gi', 1_610_612_736_000, 1_610_612_736],
  ['4G', 4e12, 4e9],
  ['1e3', 1e6, 1000],
  ['0e99999', 0, 0],
])('%s is %d thousandths, %d whole', (text, milli, whole) => {
  expect(milliValue(text)).toBe(milli)
  expect(wholeValue(text)).toBe(whole)
})

test('a number with an absurd exponent is compared by its length, and kept within 64 bits', () => {
  expect(compareQuantities('1e1000000000', '2e1000000000')).toBe(-1)
  expect(compareQuantities('1e1000000000', '1')).toBe(1)
  expect(compareQuantities('-1e1000000000', '1')).toBe(-1)
  expect(parseQuantity('1e1000000000').scaled(0)).toBe(2n ** 63n - 1n)
  expect(() => addQuantities('1e1000000000', '1')).toThrow('out of range')
})

test.each([
  ['1', '500m', '1500m'],
  ['0', '1Gi', '1Gi'],
  ['512Mi', '512Mi', '1Gi'],
  ['1Gi', '1', '1073741825'],
  ['1e3', '1', '1001'],
])('%s + %s = %s', (one, other, sum) => {
  expect(addQuantities(one, other)).toBe(sum)
})

describe('for any quantity', () => {
  const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'T', 'P', 'Ki', 'Mi', 'Gi', 'Ti', 'e3', 'e-3', 'E2')
  const text = fc
    .tuple(fc.constantFrom('', '-'), fc.nat({ max: 999_999 }), fc.option(fc.nat({ max: 9999 })), suffix)
    .map(([sign, whole, fraction, unit]) => `${sign}${whole}${fraction === null ? '' : `.${fraction}`}${unit}`)

  test('the canonical form is worth the same, and is its own canonical form', () => {
    fc.assert(
      fc.property(text, written => {
        const canonical = canonicalQuantity(written)
        expect(compareQuantities(canonical, written)).toBe(0)
        expect(canonicalQuantity(canonical)).toBe(canonical)
      }),
    )
  })

  test('the quick numbers are the exact ones', () => {
    fc.assert(
      fc.property(text, written => {
        const exact = parseQuantity(written)
        expect(milliValue(written)).toBe(exact.milliValue())
        expect(wholeValue(written)).toBe(exact.value())
      }),
    )
  })

  test('sums commute, differences undo them, order is kept', () => {
    fc.assert(
      fc.property(text, text, text, (first, second, third) => {
        const [a, b, c] = [parseQuantity(first), parseQuantity(second), parseQuantity(third)]
        expect(a.add(b).compare(b.add(a))).toBe(0)
        expect(a.add(b).subtract(b).compare(a)).toBe(0)
        expect(
          a
            .add(b)
            .add(c)
            .compare(a.add(b.add(c))),
        ).toBe(0)
        expect(a.compare(b)).toBe(a.subtract(b).sign)
        expect(a.add(c).compare(b.add(c))).toBe(a.compare(b))
      }),
    )
  })
})
