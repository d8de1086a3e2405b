// What travels, as it comes from the API server, and played to the view at the pace that is chosen: at once, or so many a second,
// since a control plane is done before one could look. What is missed on either side is counted.

import { useEffect, useEffectEvent } from 'react'
import type { Passed } from '../../../src/own/control-plane-events.ts'
import { lines } from '../../api/lines.ts'
import { reachable } from '../../api/reachable.ts'
import { send } from '../../api/requests.ts'

/** Numbered in the order in which it came, for lists. */
export interface Numbered extends Passed {
  readonly number: number
}

export interface Batch {
  readonly passed: readonly Numbered[]
  /** So many were lost before these. */
  readonly missed: number
  /** So many wait to be played. */
  readonly behind: number
}

type Line =
  | { readonly type: 'BEGIN' }
  | { readonly type: 'EVENT'; readonly object: Passed }
  | { readonly type: 'MISSED'; readonly missed: number }

const mostBehind = 400
const pause = 1_000

/** `path` with its query; undefined: nothing is asked for. `perSecond` 0: as it happens. */
export function usePassing(path: string | undefined, perSecond: number, hear: (batch: Batch) => void): void {
  const tell = useEffectEvent(hear)
  useEffect(() => {
    if (path === undefined) return
    const leaving = new AbortController()
    const playback = new Playback(perSecond, batch => tell(batch))
    void follow(path, playback, leaving.signal)
    return () => {
      leaving.abort()
      playback.stop()
    }
  }, [path, perSecond])
}

async function follow(path: string, playback: Playback, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const text of lines(await send(path, { signal }))) {
        const line = JSON.parse(text) as Line
        if (line.type === 'EVENT') playback.add(line.object)
        else if (line.type === 'MISSED') playback.miss(line.missed)
      }
    } catch {
      if (signal.aborted) return
    }
    await new Promise(resolve => setTimeout(resolve, pause))
    await reachable.again(signal)
  }
}

class Playback {
  readonly #perSecond: number
  readonly #hear: (batch: Batch) => void
  #waiting: Numbered[] = []
  #missed = 0
  #number = 0
  #timer: number | undefined

  constructor(perSecond: number, hear: (batch: Batch) => void) {
    this.#perSecond = perSecond
    this.#hear = hear
  }

  add(passed: Passed): void {
    if (this.#waiting.length >= mostBehind) this.#missed++
    else this.#waiting.push({ ...passed, number: this.#number++ })
    // At once means: what has come within a frame or two goes together.
    this.#timer ??= window.setTimeout(() => this.#play(), this.#perSecond === 0 ? 40 : 0)
  }

  miss(count: number): void {
    this.#missed += count
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  #play(): void {
    this.#timer = undefined
    const passed = this.#perSecond === 0 ? this.#waiting.splice(0) : this.#waiting.splice(0, 1)
    if (this.#waiting.length > 0) this.#timer = window.setTimeout(() => this.#play(), 1_000 / this.#perSecond)
    const missed = this.#missed
    this.#missed = 0
    this.#hear({ passed, missed, behind: this.#waiting.length })
  }
}
