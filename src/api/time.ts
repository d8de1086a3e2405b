// Times of the API: RFC 3339 both ways, and spans as kubectl prints ages. Millis in, text out; no clock is read here.

type Millis = number

/** `2024-05-01T12:00:00Z`: metav1.Time, whole seconds. */
export function rfc3339(at: Millis): string {
  return `${toTheSecond(at)}Z`
}

/** `2024-05-01T12:00:00.123000Z`: metav1.MicroTime, as Leases and events.k8s.io carry it. */
export function rfc3339Micro(at: Millis): string {
  const millis = Math.floor(at) - Math.floor(at / 1000) * 1000
  return `${toTheSecond(at)}.${String(millis).padStart(3, '0')}000Z`
}

/** `2024-05-01T12:00:00.123Z`: for people and for what is not Kubernetes' own. */
export function rfc3339Milli(at: Millis): string {
  return new Date(at).toISOString()
}

/** Worked out by hand, since every write stamps times and toISOString takes ten times as long. */
function toTheSecond(at: Millis): string {
  const seconds = Math.floor(at / 1000)
  const days = Math.floor(seconds / 86_400)
  const ofDay = seconds - days * 86_400
  // Days since 0000-03-01, in eras of 400 years: so that leap days end a year and an era (H. Hinnant, civil_from_days).
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * ofYear + 2) / 153)
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  const hour = Math.floor(ofDay / 3600)
  const minute = Math.floor((ofDay % 3600) / 60)
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(ofDay % 60)}`
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

const pattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/

export function isTime(text: string): boolean {
  return pattern.test(text) && !Number.isNaN(Date.parse(text))
}

/** What stands in a stored object is valid already, so another text is a fault of the caller's. */
export function parseTime(text: string): Millis {
  const at = pattern.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(at)) throw new RangeError(`not an RFC 3339 time: ${JSON.stringify(text)}`)
  return at
}

/** An age in two or three significant figures, as k8s.io/apimachinery/pkg/util/duration.HumanDuration cuts it. */
export function humanDuration(span: Millis): string {
  const seconds = Math.trunc(span / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return withRest(`${minutes}m`, seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return withRest(`${hours}h`, minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return withRest(`${days}d`, hours % 24, 'h')
  if (days < 2 * 365) return `${days}d`
  const years = Math.trunc(days / 365)
  if (years < 8) return withRest(`${years}y`, days % 365, 'd')
  return `${years}y`
}

function withRest(whole: string, rest: number, unit: string): string {
  return rest === 0 ? whole : `${whole}${rest}${unit}`
}
