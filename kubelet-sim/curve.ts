// How much of something a container takes over its life, as users write it: `50m`; `50m..400m over 10m`, from one to the
// other and then staying there; `50m..400m every 10m`, up and down again. In annotations and labels (kubesim.dev/cpu,
// kubesim.dev/memory) and in Images. Pure.

import { parseQuantity, QuantityError } from '../src/api/quantity.ts'
import type { Millis } from '../src/env/clock.ts'
import { parseDuration } from './duration.ts'

/** In thousandths of the unit. */
export interface Curve {
  readonly from: number
  readonly to: number
  readonly over: Millis
  readonly repeats: boolean
}

/** Undefined when it cannot be read. */
export function parseCurve(text: string): Curve | undefined {
  const [, first = '', second, word, span] =
    /^\s*(\S+?)(?:\s*\.\.\s*(\S+)\s+(over|every)\s+(\S+))?\s*$/.exec(text) ?? []
  const from = thousandths(first)
  if (from === undefined) return undefined
  if (second === undefined) return { from, to: from, over: 0, repeats: false }
  const to = thousandths(second)
  const over = parseDuration(span ?? '')
  return to === undefined || !over ? undefined : { from, to, over, repeats: word === 'every' }
}

export function valueAt({ from, to, over, repeats }: Curve, age: Millis): number {
  if (over === 0) return to
  if (!repeats) return from + (to - from) * Math.min(1, Math.max(0, age) / over)
  const phase = ((age % over) + over) % over
  return from + (to - from) * (1 - Math.abs((2 * phase) / over - 1))
}

/** All of it from the start on, in its thousandths times milliseconds. */
export function totalOf(curve: Curve, age: Millis): number {
  const { from, to, over, repeats } = curve
  if (over === 0 || age <= 0) return to * Math.max(0, age)
  const mean = (from + to) / 2
  if (!repeats) return age < over ? ((from + valueAt(curve, age)) / 2) * age : mean * over + to * (age - over)
  const rounds = Math.floor(age / over)
  const rest = age - rounds * over
  const half = Math.min(rest, over / 2)
  const rising = ((from + valueAt(curve, half)) / 2) * half
  const falling = rest > half ? ((to + valueAt(curve, rest)) / 2) * (rest - half) : 0
  return rounds * mean * over + rising + falling
}

/** The most it ever is. */
export const peakOf = ({ from, to }: Curve): number => Math.max(from, to)

/** The age at which it is above a level for the first time; undefined: never. */
export function passes({ from, to, over, repeats }: Curve, level: number): Millis | undefined {
  if (from > level) return 0
  if (to <= level) return undefined
  return Math.floor(((level - from) / (to - from)) * (repeats ? over / 2 : over)) + 1
}

function thousandths(text: string): number | undefined {
  try {
    const value = parseQuantity(text).milliValue()
    return value < 0 ? undefined : value
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error
    return undefined
  }
}
