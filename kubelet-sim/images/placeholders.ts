// Placeholders: `$(hostname)`, `$(nginx-time)`, `$(path)` in what an image prints and answers, filled in at the moment it is
// printed or answered. A name that is not known stays as it stands. Called by the log and by the network, only for texts
// that have `$(` in them.

import type { Millis } from '../../src/env/clock.ts'

export type Facts = Readonly<Record<string, string | undefined>>

const placeholder = /\$\(([a-z][a-z-]*)\)/g

export function hasPlaceholder(text: string): boolean {
  return text.includes('$(')
}

/** The times alone. */
export function fillTimes(text: string, at: Millis): string {
  return text.replace(placeholder, (whole, name: string) =>
    Object.hasOwn(times, name) ? times[name]!(new Date(at)) : whole,
  )
}

/** All but the times. */
export function fillFacts(text: string, facts: Facts): string {
  return text.replace(placeholder, (whole, name: string) =>
    Object.hasOwn(facts, name) ? (facts[name] ?? whole) : whole,
  )
}

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number) => String(value).padStart(2, '0')

const day = (d: Date, between: string) =>
  `${d.getUTCFullYear()}${between}${two(d.getUTCMonth() + 1)}${between}${two(d.getUTCDate())}`
const time = (d: Date) => `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
const millis = (d: Date) => String(d.getUTCMilliseconds()).padStart(3, '0')

/** As each program writes the time in its log, in UTC. */
const times: Readonly<Record<string, (d: Date) => string>> = {
  date: d =>
    `${days[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${String(d.getUTCDate()).padStart(2)} ${time(d)} UTC ${d.getUTCFullYear()}`,
  clock: time,
  'iso-time': d => d.toISOString(),
  'nginx-time': d => `${day(d, '/')} ${time(d)}`,
  'go-time': d => `${day(d, '/')} ${time(d)}`,
  'klog-time': d => `I${two(d.getUTCMonth() + 1)}${two(d.getUTCDate())} ${time(d)}.${millis(d)}000`,
  'apache-time': d =>
    `${days[d.getUTCDay()]} ${months[d.getUTCMonth()]} ${two(d.getUTCDate())} ${time(d)}.${millis(d)}000 ${d.getUTCFullYear()}`,
  'access-time': d => `${two(d.getUTCDate())}/${months[d.getUTCMonth()]}/${d.getUTCFullYear()}:${time(d)} +0000`,
  'redis-time': d => `${two(d.getUTCDate())} ${months[d.getUTCMonth()]} ${d.getUTCFullYear()} ${time(d)}.${millis(d)}`,
  'postgres-time': d => `${day(d, '-')} ${time(d)}.${millis(d)}`,
}
