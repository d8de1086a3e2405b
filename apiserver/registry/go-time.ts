// Reads a time as Go's time.Parse does with the layouts of metav1.Time and MicroTime, and says what is wrong in its words
// (go/src/time/format.go). Called by go-decoder.ts for a text that is not in the server's own form already.

export type GoTime = { readonly text: string } | { readonly fault: string }

interface Reader {
  rest: string
}

/** The text the server would write of it: in UTC, whole seconds, or exactly six decimals. */
export function readGoTime(value: string, isMicro: boolean): GoTime {
  const layout = isMicro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00'
  const cannot = (rest: string, element: string): GoTime => ({
    fault: `parsing time ${quoted(value)} as ${quoted(layout)}: cannot parse ${quoted(rest)} as ${quoted(element)}`,
  })
  const outside = (what: string): GoTime => ({ fault: `parsing time ${quoted(value)}: ${what} out of range` })

  const reader: Reader = { rest: value }
  const parts: number[] = []
  for (const { before, element, width, isFixed, name, from, to } of elements) {
    if (!reader.rest.startsWith(before)) return cannot(reader.rest, before)
    reader.rest = reader.rest.slice(before.length)
    const digits = /^\d*/.exec(reader.rest)![0].length
    if (digits < (isFixed ? width : 1)) return cannot(reader.rest, element)
    const number = Number(reader.rest.slice(0, Math.min(width, digits)))
    reader.rest = reader.rest.slice(Math.min(width, digits))
    if (name !== undefined && (number < from || number > to)) return outside(name)
    parts.push(number)
  }

  let micros = 0
  const fraction = /^[.,]\d+/.exec(reader.rest)?.[0]
  if (isMicro) {
    if (fraction === undefined || fraction.length < 7) return cannot(reader.rest, '.000000')
    micros = Number(fraction.slice(1, 7))
    reader.rest = reader.rest.slice(7)
  } else if (fraction !== undefined) {
    reader.rest = reader.rest.slice(fraction.length)
  }

  let minutesEast = 0
  if (reader.rest.startsWith('Z')) {
    reader.rest = reader.rest.slice(1)
  } else {
    const zone = /^([+-])(\d\d):(\d\d)/.exec(reader.rest)
    if (zone === null) return cannot(reader.rest, 'Z07:00')
    if (Number(zone[2]) > 24) return outside('time zone offset hour')
    if (Number(zone[3]) > 60) return outside('time zone offset minute')
    minutesEast = (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3]))
    reader.rest = reader.rest.slice(6)
  }
  if (reader.rest !== '') return { fault: `parsing time ${quoted(value)}: extra text: ${quoted(reader.rest)}` }

  const [year, month, day, hour, minute, second] = parts as [number, number, number, number, number, number]
  if (day < 1 || day > daysIn(year, month)) return outside('day')
  const at = new Date(0)
  at.setUTCFullYear(year, month - 1, day)
  at.setUTCHours(hour, minute - minutesEast, second)
  const seconds = at.toISOString().slice(0, -5)
  return { text: isMicro ? `${seconds}.${String(micros).padStart(6, '0')}Z` : `${seconds}Z` }
}

const elements: readonly {
  before: string
  element: string
  width: number
  isFixed: boolean
  /** As a number out of range is reported; the year has no range, and the day's is known only with its month. */
  name?: string
  from: number
  to: number
}[] = [
  { before: '', element: '2006', width: 4, isFixed: true, from: 0, to: 9999 },
  { before: '-', element: '01', width: 2, isFixed: true, name: 'month', from: 1, to: 12 },
  { before: '-', element: '02', width: 2, isFixed: true, from: 0, to: 99 },
  { before: 'T', element: '15', width: 2, isFixed: false, name: 'hour', from: 0, to: 23 },
  { before: ':', element: '04', width: 2, isFixed: true, name: 'minute', from: 0, to: 59 },
  { before: ':', element: '05', width: 2, isFixed: true, name: 'second', from: 0, to: 59 },
]

function daysIn(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (month === 2) return isLeap ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
