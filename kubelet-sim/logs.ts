// Logs: what containers print. What an image prints by itself follows from when it was started, and is worked out when
// somebody reads; only what comes from outside (requests) is kept, in a ring of bounded length. So a container whose log
// nobody asks for, and whom nobody calls, costs nothing.

import type { Cancel, Millis } from '../src/env/clock.ts'
import type { Loop, Script } from './command.ts'
import { fillTimes, hasPlaceholder } from './images/placeholders.ts'

export interface LogLine {
  readonly at: Millis
  readonly text: string
  /** No line end follows it. */
  readonly isPartial?: boolean
}

const ringSize = 1000
/** What lines more than that may lie there until they are cut off, and how many characters at most. */
const slack = 250
const ringLength = 1024 * 1024

export class Logs {
  private readonly rings = new Map<string, Map<string, Ring>>()
  private readonly readers = new Map<string, Set<() => void>>()

  /** A line that a container prints because something runs in it, or because of something outside of it. */
  print(uid: string, container: string, restart: number, at: Millis, text: string, isPartial = false): void {
    let rings = this.rings.get(uid)
    if (!rings) {
      rings = new Map()
      this.rings.set(uid, rings)
    }
    let ring = rings.get(container)
    if (!ring) {
      ring = { lines: [], length: 0, restart, previous: [] }
      rings.set(container, ring)
    }
    if (ring.restart !== restart) {
      ring.previous = ring.restart === restart - 1 ? ring.lines : []
      ring.lines = []
      ring.length = 0
      ring.restart = restart
    }
    ring.lines.push(isPartial ? { at, text, isPartial } : { at, text })
    ring.length += text.length
    if (ring.lines.length > ringSize + slack || ring.length > ringLength) cut(ring)
    this.moved(uid)
  }

  /** What a run of a container has printed up to `now`, oldest first, from `from` on. */
  lines(uid: string, container: string, run: LoggedRun, from: Millis, now: Millis): LogLine[] {
    const until = Math.min(now, run.until ?? now)
    const printed = scripted(run.script, run.startedAt, Math.max(from, run.startedAt), until)
    const ring = this.rings.get(uid)?.get(container)
    const kept =
      ring === undefined
        ? []
        : ring.restart === run.restart
          ? ring.lines
          : ring.restart === run.restart + 1
            ? ring.previous
            : []
    const called = kept.filter(line => line.at >= from && line.at <= until)
    return [...printed, ...called].sort((a, b) => a.at - b.at).slice(-ringSize)
  }

  /** Whether a run of a container has printed anything in this process. */
  has(uid: string, container: string, restart: number): boolean {
    const ring = this.rings.get(uid)?.get(container)
    return (
      ring !== undefined && (ring.restart === restart || (ring.restart === restart + 1 && ring.previous.length > 0))
    )
  }

  /** Something happened to a pod: its readers look again. */
  moved(uid: string): void {
    for (const wake of this.readers.get(uid) ?? []) wake()
  }

  onMove(uid: string, wake: () => void): Cancel {
    let set = this.readers.get(uid)
    if (!set) {
      set = new Set()
      this.readers.set(uid, set)
    }
    set.add(wake)
    return () => {
      set.delete(wake)
      if (set.size === 0 && this.readers.get(uid) === set) this.readers.delete(uid)
    }
  }

  forget(uid: string): void {
    this.moved(uid)
    this.rings.delete(uid)
  }
}

function cut(ring: Ring): void {
  let from = Math.max(0, ring.lines.length - ringSize)
  let length = 0
  for (let at = ring.lines.length - 1; at >= from; at--) {
    length += ring.lines[at]!.text.length
    // One line may be as long as it likes.
    if (length > ringLength / 2 && at < ring.lines.length - 1) from = at + 1
  }
  ring.lines = ring.lines.slice(from)
  ring.length = ring.lines.reduce((sum, { text }) => sum + text.length, 0)
}

interface Ring {
  lines: LogLine[]
  /** Characters. */
  length: number
  restart: number
  previous: LogLine[]
}

/** One life of a container, from a start to an end. */
export interface LoggedRun {
  readonly script: Script
  readonly startedAt: Millis
  readonly until: Millis | undefined
  readonly restart: number
}

/** Lines printed in [from, until]; of a loop the last thousand at most. */
export function scripted(script: Script, start: Millis, from: Millis, until: Millis): LogLine[] {
  const found: LogLine[] = []
  for (const { at, text } of script.lines) {
    if (start + at >= from && start + at <= until) found.push(dated(start + at, text))
  }
  for (const loop of loopsOf(script)) {
    const begin = start + loop.from
    const last = Math.floor((until - begin) / loop.period)
    const earliest = Math.max(
      0,
      Math.floor((from - begin) / loop.period),
      last - Math.ceil(ringSize / loop.lines.length),
    )
    for (let round = earliest; round <= last; round++) {
      for (const { at, text } of loop.lines) {
        const when = begin + round * loop.period + at
        if (when >= from && when <= until) found.push(dated(when, text))
      }
    }
  }
  return found
}

function loopsOf({ loop, loops = none }: Script): readonly Loop[] {
  const all = loop === undefined ? loops : [loop, ...loops]
  return all.filter(({ lines }) => lines.length > 0)
}

const none: readonly Loop[] = Object.freeze([])

/** When the script prints next after `after`; undefined: never again. */
export function nextLine(script: Script, start: Millis, after: Millis): Millis | undefined {
  let soonest: Millis | undefined
  const consider = (at: Millis) => {
    if (at > after && (soonest === undefined || at < soonest)) soonest = at
  }
  for (const { at } of script.lines) consider(start + at)
  for (const loop of loopsOf(script)) {
    const round = Math.max(0, Math.floor((after - start - loop.from) / loop.period))
    for (const { at } of loop.lines) {
      consider(start + loop.from + round * loop.period + at)
      consider(start + loop.from + (round + 1) * loop.period + at)
    }
  }
  return soonest
}

function dated(at: Millis, text: string): LogLine {
  return { at, text: hasPlaceholder(text) ? fillTimes(text, at) : text }
}
