// When a fault is at work: from some time after its creation, for a time, again and again. Pure.

import type { V1alpha1Fault } from '../../generated/types.ts'
import { parseDuration } from '../api/duration.ts'
import type { Frozen } from '../api/meta.ts'
import { parseTime } from '../api/time.ts'
import type { Millis } from '../env/clock.ts'

export interface Window {
  readonly phase: 'Waiting' | 'Active' | 'Over'
  /** Of the time at hand, or the last there was. */
  readonly from: Millis | undefined
  readonly to: Millis | undefined
  /** When that changes; undefined: never. */
  readonly next: Millis | undefined
  /** How often it has begun. */
  readonly times: number
}

export function windowOf({ metadata, spec }: Frozen<V1alpha1Fault>, now: Millis): Window {
  const span = (text: string | undefined): Millis | undefined => (text === undefined ? undefined : parseDuration(text))
  const begin = parseTime(metadata.creationTimestamp!) + (span(spec.after) ?? 0)
  const lasts = span(spec.duration)
  const every = span(spec.every)
  if (now < begin) return { phase: 'Waiting', from: undefined, to: undefined, next: begin, times: 0 }
  if (lasts === undefined) return { phase: 'Active', from: begin, to: undefined, next: undefined, times: 1 }
  const turn = every === undefined ? 0 : Math.floor((now - begin) / every)
  const from = begin + turn * (every ?? 0)
  const to = from + lasts
  if (now < to) return { phase: 'Active', from, to, next: to, times: turn + 1 }
  if (every === undefined) return { phase: 'Over', from, to, next: undefined, times: 1 }
  return { phase: 'Waiting', from, to, next: from + every, times: turn + 1 }
}
