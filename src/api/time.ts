// Times of the API: RFC 3339 both ways, and spans as kubectl prints ages. Millis in, text out; no clock is read here.

type Millis = number

/** `2024-05-01T12:00:00Z`: metav1.Time, whole seconds. */
export function rfc3339(at: Millis): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}

/** `2024-05-01T12:00:00.123000Z`: metav1.MicroTime, as Leases and events.k8s.io carry it. */
export function rfc3339Micro(at: Millis): string {
  return `${new Date(at).toISOString().slice(0, 23)}000Z`
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
