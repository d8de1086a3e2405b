// Between which stations of the picture something travels. Pure.

import type { Passed } from '../../../src/own/control-plane-events.ts'

export type Tone = 'ask' | 'write' | 'watch' | 'wake' | 'bad'

export interface Way {
  readonly from: string
  readonly to: string
  readonly tone: Tone
}

/** Between which stations it travels; undefined where it stays. `isStation`: whether a writer has one of its own. */
export function wayOf(passed: Passed, isStation: (name: string) => boolean): Way | undefined {
  const { step, station, by } = passed
  switch (step) {
    case 'request':
      return { from: 'clients', to: 'apiserver', tone: 'ask' }
    case 'refusal':
      return { from: 'apiserver', to: 'clients', tone: 'bad' }
    case 'admission':
      return by !== undefined && isStation(by) ? { from: by, to: 'apiserver', tone: 'write' } : undefined
    case 'revision':
      return { from: 'apiserver', to: 'store', tone: 'write' }
    case 'watch':
      return { from: 'store', to: 'watch', tone: 'watch' }
    case 'queue':
      return { from: 'watch', to: station, tone: 'wake' }
    default:
      return undefined
  }
}
