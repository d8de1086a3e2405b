// When a CronJob's schedule comes round, and what of it was missed. Pure: times go in and come out. Fields and words are
// croner's to read; that hours which a clock skips are skipped, and `@every`, are as github.com/robfig/cron v3 has them.
// Upstream: pkg/controller/cronjob/utils.go (mostRecentScheduleTime, nextScheduleTime).

import { Cron } from 'croner'
import type { Millis } from '../../src/env/clock.ts'

export interface Schedule {
  /** The first time after this one; undefined when it never comes. */
  next(after: Millis): Millis | undefined
}

/** Throws when the text is no schedule; the rules of CronJobs have refused those that can be refused. */
export function parseSchedule(text: string, timeZone = 'UTC'): Schedule {
  const inText = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text)
  const zone = inText?.[1] ?? timeZone
  const pattern = (inText?.[2] ?? text).trim()
  const every = /^@every\s+(.+)$/.exec(pattern)
  if (every !== null) {
    const span = Math.max(1000, Math.floor(spanOf(every[1]!) / 1000) * 1000)
    return { next: after => Math.floor(after / 1000) * 1000 + span }
  }
  // To croner a question mark is the present time, to cron any.
  const cron = new Cron(pattern.replaceAll('?', '*'), { timezone: zone, paused: true, sloppyRanges: true })
  return remembering(after => {
    let found = cron.nextRun(new Date(after))
    // What falls into an hour that the clocks skip is moved by croner; cron leaves it out.
    while (found !== null && !cron.match(found)) found = cron.nextRun(found)
    return found?.getTime()
  })
}

/** So many answers: the last time that came round, the next, and the one after. */
const remembered = 3

/** What was found to come after a time comes after every later one before it, too. */
function remembering(find: Schedule['next']): Schedule {
  const known: { readonly after: Millis; readonly next: Millis }[] = []
  return {
    next(after) {
      const answer = known.find(each => each.after <= after && after < each.next)
      if (answer !== undefined) return answer.next
      const next = find(after)
      if (next === undefined) return undefined
      known.push({ after, next })
      if (known.length > remembered) known.shift()
      return next
    },
  }
}

const units: Readonly<Record<string, Millis>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** A duration as Go writes it: `1h30m`. */
function spanOf(text: string): Millis {
  let span = 0
  for (const [, count, unit] of text.matchAll(/([0-9.]+)(ns|us|µs|μs|ms|s|m|h)/g)) span += Number(count) * units[unit!]!
  return span
}

export interface Due {
  /** The last time that has come; undefined when none has. */
  readonly last: Millis | undefined
  /** How many came, this one and those missed before it. */
  readonly count: number
}

/** What has come round after `since` and until now. Times missed in great number are counted, not gone through. */
export function dueSince(schedule: Schedule, since: Millis, now: Millis): Due {
  const first = schedule.next(since)
  if (first === undefined || first > now) return { last: undefined, count: 0 }
  const second = schedule.next(first)
  if (second === undefined || second > now) return { last: first, count: 1 }
  const between = Math.max(second - first, 1000)
  const count = Math.floor((now - first) / between) + 1
  // A schedule need not be regular: from a little before the end it is followed step by step – from further, if that was past it.
  for (let back = 2; ; back *= 2) {
    const from = first + Math.max(0, count - back) * between - 1
    let last: Millis | undefined
    for (let time = schedule.next(from); time !== undefined && time <= now; time = schedule.next(time)) last = time
    if (last !== undefined) return { last, count }
  }
}
