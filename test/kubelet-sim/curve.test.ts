// How users write what a container takes over its life.

import { expect, test } from 'vitest'
import { parseCurve, passes, valueAt } from '../../kubelet-sim/curve.ts'

const minute = 60_000

test.each([
  ['50m', [50, 50, 50]],
  ['50m..400m over 10m', [50, 225, 400]],
  ['400m..50m over 10m', [400, 225, 50]],
  ['50m..400m every 10m', [50, 400, 50]],
  ['1..2 over 5m', [1000, 2000, 2000]],
])('%s at the beginning, after five minutes and after ten', (text, expected) => {
  const curve = parseCurve(text)!
  expect([0, 5 * minute, 10 * minute].map(age => valueAt(curve, age))).toEqual(expected)
})

test.each(['', 'x', '50m..', '50m..400m', '50m..400m over', '50m..400m over x', '-5m', '50m..400m in 5m'])(
  'what cannot be read is nothing: "%s"',
  text => expect(parseCurve(text)).toBeUndefined(),
)

test('when a level is passed for the first time', () => {
  const at = (text: string, level: string) => passes(parseCurve(text)!, parseCurve(level)!.to)
  expect(at('100Mi', '200Mi')).toBeUndefined()
  expect(at('300Mi', '200Mi')).toBe(0)
  expect(at('100Mi..300Mi over 10m', '200Mi')).toBe(5 * minute + 1)
  expect(at('100Mi..300Mi every 10m', '200Mi')).toBe(2.5 * minute + 1)
  expect(at('100Mi..200Mi over 10m', '200Mi')).toBeUndefined()
})
