// Dates as text and back: strftime's formats, and what `date -d` and `touch -d` take. The time zone is UTC everywhere.

import { ToolError } from './tool.ts'

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
]

export function formatted(at: number, format: string): string {
  const date = new Date(at)
  const two = (number: number, fill = '0') => String(number).padStart(2, fill)
  const start = Date.UTC(date.getUTCFullYear(), 0, 1)
  const dayOfYear = Math.floor((at - start) / 86_400_000)
  const hour12 = date.getUTCHours() % 12 || 12
  const part = (letter: string): string | undefined => {
    switch (letter) {
      case 'a':
        return days[date.getUTCDay()]!.slice(0, 3)
      case 'A':
        return days[date.getUTCDay()]!
      case 'b':
      case 'h':
        return months[date.getUTCMonth()]!.slice(0, 3)
      case 'B':
        return months[date.getUTCMonth()]!
      case 'c':
        return formatted(at, '%a %b %e %H:%M:%S %Y')
      case 'C':
        return two(Math.floor(date.getUTCFullYear() / 100))
      case 'd':
        return two(date.getUTCDate())
      case 'D':
        return formatted(at, '%m/%d/%y')
      case 'e':
        return two(date.getUTCDate(), ' ')
      case 'F':
        return formatted(at, '%Y-%m-%d')
      case 'g':
        return two(isoWeek(date).year % 100)
      case 'G':
        return String(isoWeek(date).year)
      case 'H':
        return two(date.getUTCHours())
      case 'I':
        return two(hour12)
      case 'j':
        return String(dayOfYear + 1).padStart(3, '0')
      case 'k':
        return two(date.getUTCHours(), ' ')
      case 'l':
        return two(hour12, ' ')
      case 'm':
        return two(date.getUTCMonth() + 1)
      case 'M':
        return two(date.getUTCMinutes())
      case 'n':
        return '\n'
      case 'N':
        return `${String(date.getUTCMilliseconds()).padStart(3, '0')}000000`
      case 'p':
        return date.getUTCHours() < 12 ? 'AM' : 'PM'
      case 'P':
        return date.getUTCHours() < 12 ? 'am' : 'pm'
      case 'r':
        return formatted(at, '%I:%M:%S %p')
      case 'R':
        return formatted(at, '%H:%M')
      case 's':
        return String(Math.floor(at / 1000))
      case 'S':
        return two(date.getUTCSeconds())
      case 't':
        return '\t'
      case 'T':
      case 'X':
        return formatted(at, '%H:%M:%S')
      case 'u':
        return String(date.getUTCDay() || 7)
      case 'U':
        return two(Math.floor((dayOfYear + 7 - date.getUTCDay()) / 7))
      case 'V':
        return two(isoWeek(date).week)
      case 'w':
        return String(date.getUTCDay())
      case 'W':
        return two(Math.floor((dayOfYear + 7 - ((date.getUTCDay() + 6) % 7)) / 7))
      case 'x':
        return formatted(at, '%m/%d/%y')
      case 'y':
        return two(date.getUTCFullYear() % 100)
      case 'Y':
        return String(date.getUTCFullYear())
      case 'z':
        return '+0000'
      case 'Z':
        return 'UTC'
      case '%':
        return '%'
      default:
        return undefined
    }
  }
  return format.replace(/%([-_0^#]?)(\d*)([A-Za-z%])/g, (whole, flag: string, digits: string, letter: string) => {
    const text = part(letter)
    if (text === undefined) return whole
    if (letter === 'N' && digits !== '') return text.slice(0, Number(digits))
    if (flag === '-') return text.replace(/^[0 ]+(?=.)/, '')
    if (flag === '_') return text.replace(/^0+(?=.)/, zeros => ' '.repeat(zeros.length))
    return flag === '^' ? text.toUpperCase() : text
  })
}

/** `@N`, `YYYY-MM-DD [hh:mm[:ss]]`, RFC 3339, `hh:mm[:ss]`, `[[[[[YY]YY]MM]DD]hh]mm[.ss]`, `now`, `1 hour ago`. */
export function dateOf(text: string, now: number): number {
  const wrong = new ToolError(`invalid date '${text}'`)
  const trimmed = text.trim()
  const seconds = /^@(-?\d+)(?:\.\d+)?$/.exec(trimmed)
  if (seconds) return Number(seconds[1]) * 1000
  const iso = /^(\d{4})-(\d\d?)-(\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d))?(?:\.\d+)?)? ?(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(
    trimmed,
  )
  if (iso) {
    const [, year, month, day, hour = 0, minute = 0, second = 0, zone = 'Z'] = iso
    const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))
    const offset = /^([+-])(\d\d):?(\d\d)$/.exec(zone)
    const minutes = offset ? (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1) : 0
    if (Number(month) > 12 || Number(day) > 31 || Number(hour) > 24) throw wrong
    return at - minutes * 60_000
  }
  const today = new Date(now)
  const midnight = Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate())
  const clock = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(trimmed)
  if (clock) return midnight + (Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3] ?? 0)) * 1000
  const digits = /^(\d{4,12})(?:\.(\d\d))?$/.exec(trimmed)
  if (digits && digits[1]!.length % 2 === 0) return packed(digits[1]!, Number(digits[2] ?? 0), today)
  return relative(trimmed, now, midnight) ?? raise(wrong)
}

function packed(digits: string, seconds: number, today: Date): number {
  const pairs = digits.match(/../g)!.map(Number)
  const [hour, minute] = pairs.slice(-2) as [number, number]
  const day = pairs.at(-3) ?? today.getUTCDate()
  const month = (pairs.at(-4) ?? today.getUTCMonth() + 1) - 1
  const year =
    pairs.length === 6 ? pairs[0]! * 100 + pairs[1]! : pairs.length === 5 ? 2000 + pairs[0]! : today.getUTCFullYear()
  return Date.UTC(year, month, day, hour, minute, seconds)
}

function relative(text: string, now: number, midnight: number): number | undefined {
  const named: Readonly<Record<string, number>> = {
    now,
    today: now,
    yesterday: now - 86_400_000,
    tomorrow: now + 86_400_000,
    midnight,
  }
  if (Object.hasOwn(named, text)) return named[text]
  const match = /^([+-]?\d+) ?(sec|second|min|minute|hour|day|week)s?( ago)?$/.exec(text)
  if (match === null) return undefined
  const unit = { sec: 1, second: 1, min: 60, minute: 60, hour: 3600, day: 86_400, week: 604_800 }[match[2]!]!
  return now + Number(match[1]) * unit * 1000 * (match[3] ? -1 : 1)
}

function isoWeek(date: Date): { week: number; year: number } {
  const thursday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()))
  thursday.setUTCDate(thursday.getUTCDate() + 4 - (thursday.getUTCDay() || 7))
  const year = thursday.getUTCFullYear()
  return { week: Math.ceil(((thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 + 1) / 7), year }
}

function raise(error: Error): never {
  throw error
}
