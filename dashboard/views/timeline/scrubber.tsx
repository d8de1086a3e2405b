// The handle of time: dragged, or moved with the arrows, one write at a time; its right end is the present. What it stands at is what
// the whole page shows, once it has come to rest for a moment.

import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { indexAt, type Scale } from './lanes.ts'

interface ScrubberProps {
  readonly scale: Scale
  readonly at: number | undefined
  readonly timeOf: (revision: number) => string
  readonly move: (revision: number | undefined) => void
}

/** Steps of the handle from end to end. */
const fine = 10_000
const rest = 120

export function Scrubber({ scale, at, timeOf, move }: ScrubberProps) {
  const { revisions } = scale
  const now = revisions.length
  const [held, setHeld] = useState<number>()
  const timer = useRef<number>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  const index = held ?? (at === undefined ? now : Math.min(indexAt(revisions, at), now))
  const shown = index >= now ? 'now' : `revision ${revisions[index]}, ${timeOf(revisions[index]!)}`
  const hold = (to: number): void => {
    setHeld(to)
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => {
      setHeld(undefined)
      move(to >= now ? undefined : revisions[to])
    }, rest)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = steps[event.key]
    if (by === undefined) return
    event.preventDefault()
    const writes = Math.abs(by) === 1 ? by : Math.round(by * now)
    hold(Math.max(0, Math.min(now, index + writes)))
  }
  return (
    <div className="scrubber">
      <span className="scrubber-says" aria-hidden="true">
        {shown}
      </span>
      <input
        type="range"
        min={0}
        max={fine}
        step={1}
        value={Math.round((index >= now ? 1 : scale.at(revisions[index]!)) * fine)}
        aria-label="As of"
        aria-valuetext={shown}
        onKeyDown={onKeyDown}
        onChange={event => hold(nearest(scale, Number(event.target.value) / fine))}
      />
    </div>
  )
}

/** By how many writes; more than one: as a part of all of them. */
const steps: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -0.1,
  PageUp: 0.1,
  Home: -2,
  End: 2,
}

/** The last that stands no further than there. */
function nearest({ revisions, at }: Scale, place: number): number {
  if (place >= 1) return revisions.length
  let low = 0
  let high = revisions.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (at(revisions[middle]!) <= place) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
