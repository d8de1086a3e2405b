// How far a heap may grow before it is collected.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { growthOf } from '../../src/env/memory.ts'

const mega = 1024 * 1024

test('a small heap may double, a large one grow by a fifth', () => {
  expect(growthOf(24 * mega)).toBe(100)
  expect(growthOf(96 * mega)).toBe(50)
  expect(growthOf(400 * mega)).toBe(20)
})

test('the more is alive, the less in proportion and the more in all it may grow by', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 4_000 }))
  fc.assert(
    fc.property(sizes, ([one, other]) => {
      const [small, large] = [Math.min(one, other), Math.max(one, other)]
      expect(growthOf(small * mega)).toBeGreaterThanOrEqual(growthOf(large * mega))
      // To within the rounding of a percent.
      expect((growthOf(small * mega) / 100) * small).toBeLessThanOrEqual(
        (growthOf(large * mega) / 100) * large + large / 100,
      )
    }),
  )
})
