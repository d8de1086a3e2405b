// When a CronJob runs, as a text: five fields or a word (ParseStandard of github.com/robfig/cron v3, whose sentences these are).
// Called by the rules of CronJobs; what is not a schedule is told why.

interface Field {
  readonly least: number
  readonly most: number
  readonly names?: readonly string[]
}

const fields: readonly Field[] = [
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  {
    least: 1,
    most: 12,
    names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { least: 0, most: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
]
const words = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])
const every = '@every '
const duration = /^[+-]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$/

export function scheduleFault(text: string): string | undefined {
  const schedule = text.replace(/^(CRON_)?TZ=\S*\s+/, '').trim()
  if (schedule.startsWith('@')) {
    if (words.has(schedule)) return undefined
    if (!schedule.startsWith(every)) return `unrecognized descriptor: ${schedule}`
    const span = schedule.slice(every.length)
    if (duration.test(span)) return undefined
    return `failed to parse duration ${schedule}: time: invalid duration ${JSON.stringify(span)}`
  }
  const parts = schedule.split(/\s+/).filter(part => part !== '')
  if (parts.length !== fields.length) {
    return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(' ')}]`
  }
  for (const [index, part] of parts.entries()) {
    for (const range of part.split(',')) {
      // Nothing between two commas is overlooked.
      const fault = range === '' ? undefined : rangeFault(range, fields[index]!)
      if (fault !== undefined) return fault
    }
  }
  return undefined
}

function rangeFault(text: string, { least, most, names }: Field): string | undefined {
  const [range = '', step, ...steps] = text.split('/')
  const ends = range.split('-')
  let [start, end] = [least, most]
  if (ends[0] !== '*' && ends[0] !== '?') {
    if (ends.length > 2) return `too many hyphens: ${text}`
    const numbers = ends.map(each => numberOf(each, names))
    for (const number of numbers) if (typeof number === 'string') return number
    ;[start, end = start] = numbers as [number, number?]
  }
  if (steps.length > 0) return `too many slashes: ${text}`
  if (step !== undefined) {
    const size = numberOf(step, undefined)
    if (typeof size === 'string') return size
    // `5/15` goes on to the end.
    if (ends.length === 1) end = most
    if (size === 0) return `step of range should be a positive number: ${text}`
  }
  if (start < least) return `beginning of range (${start}) below minimum (${least}): ${text}`
  if (end > most) return `end of range (${end}) above maximum (${most}): ${text}`
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`
  return undefined
}

/** A number, or why it is none. */
function numberOf(text: string, names: readonly string[] | undefined): number | string {
  const named = text === '' ? -1 : (names?.indexOf(text.toLowerCase()) ?? -1)
  if (named >= 0) return named
  if (/^[+]?[0-9]+$/.test(text)) return Number(text)
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`
}

const zonePart = /^[A-Za-z.\-_0-9+]{1,14}$/

/** Why a text is no time zone of the IANA's, by the zones that the JavaScript engine knows (validateTimeZone). */
export function timeZoneFault(zone: string): string | undefined {
  if (zone === '') return 'timeZone must be nil or non-empty string'
  const unknown = `unknown time zone ${zone}`
  for (const part of zone.split('/')) {
    if (part === '.' || part === '..' || part.startsWith('-') || !zonePart.test(part)) return unknown
  }
  if (zone.toLowerCase() === 'local') {
    return 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'
  }
  // An offset is a zone to JavaScript, and to Go none.
  if (!/^[A-Za-z]/.test(zone)) return unknown
  try {
    const known = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone
    return known !== zone && known.toLowerCase() === zone.toLowerCase() ? unknown : undefined
  } catch {
    return unknown
  }
}
