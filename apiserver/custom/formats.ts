// The formats that a schema may name, and what they take (kube-openapi pkg/validation/strfmt, apiextensions-apiserver
// pkg/apiserver/validation/formats.go). One that is not known here is none.

import { isIP, isIPv4, isIPv6 } from 'node:net'

/** What is known for a type; undefined for a format that says nothing there. */
export function formatOf(type: string | undefined, format: string | undefined): string | undefined {
  if (!format) return undefined
  switch (type) {
    case undefined:
    case '':
    case 'string':
      return Object.hasOwn(texts, normal(format)) || Object.hasOwn(texts, format) ? format : undefined
    case 'integer':
      return format === 'int32' || format === 'int64' ? format : undefined
    case 'number':
      return format === 'float' || format === 'double' ? format : undefined
    default:
      return undefined
  }
}

export function isOfFormat(format: string, text: string): boolean {
  const test = texts[format] ?? texts[normal(format)]
  return test === undefined || test(text)
}

const normal = (format: string): string => format.replaceAll('-', '')

const matching =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text)

const shortName = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?'
const shortNames = new RegExp(`^${shortName}$`)
const longNames = new RegExp(`^${shortName}(?:\\.${shortName})*$`)

const texts: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matching(/^[0-9a-fA-F]{24}$/),
  uri: isRequestUri,
  email: matching(/^(?:[^<>@]*<)?[^\s@<>()[\],;:\\"]+@[^\s@<>()[\],;:\\"]+>?$/),
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matching(/^(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4,6}[0-9a-f]{2}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3})$/i),
  uuid: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i),
  uuid3: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i),
  uuid4: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  uuid5: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$/i),
  isbn: text => isIsbn10(text) || isIsbn13(text),
  isbn10: isIsbn10,
  isbn13: isIsbn13,
  creditcard: isCreditCard,
  ssn: matching(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matching(/^#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/),
  rgbcolor: isRgbColor,
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/),
  password: () => true,
  date: isDate,
  duration: text => nanosecondsOf(text) !== undefined,
  datetime: isDateTime,
  'k8s-short-name': text => text.length <= 63 && shortNames.test(text),
  'k8s-long-name': text => text.length <= 253 && longNames.test(text),
}

/** net/url.ParseRequestURI: an absolute URI or an absolute path. */
function isRequestUri(text: string): boolean {
  if (text.startsWith('/')) return !/[\s\p{Cc}]|%(?![0-9a-f]{2})/iu.test(text)
  return /^[a-z][a-z0-9+.-]*:[^\s]+$/i.test(text) && !/%(?![0-9a-f]{2})/iu.test(text)
}

/** Each label by itself, since the whole pattern takes its time with what does not match it. */
function isHostname(text: string): boolean {
  if (text.length > 255 || text === '') return false
  const labels = text.split('.')
  const label = /^[a-zA-Z0-9\p{S}\p{L}](?:[a-zA-Z0-9\p{S}\p{L}-]*[a-zA-Z0-9\p{S}\p{L}])?$/u
  if (!labels.every(each => each.length <= 63 && label.test(each))) return false
  return labels.length === 1 || /^[a-zA-Z\p{L}]{2,63}$/u.test(labels.at(-1)!)
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...more] = text.split('/')
  const family = isIP(address)
  return more.length === 0 && family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

function isIsbn10(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^\d{9}[\dX]$/.test(digits)) return false
  const sum = [...digits].reduce((total, digit, at) => total + (digit === 'X' ? 10 : Number(digit)) * (10 - at), 0)
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replace(/[\s-]+/g, '')
  if (!/^\d{13}$/.test(digits)) return false
  return [...digits].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0
}

const cards =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/

function isCreditCard(text: string): boolean {
  const digits = text.replace(/[^0-9]+/g, '')
  if (!cards.test(digits)) return false
  const sum = [...digits].reverse().reduce((total, digit, at) => {
    const twice = Number(digit) * (at % 2 === 0 ? 1 : 2)
    return total + (twice > 9 ? twice - 9 : twice)
  }, 0)
  return sum % 10 === 0
}

function isRgbColor(text: string): boolean {
  const parts = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text)
  return parts?.slice(1).every(part => Number(part) <= 255) ?? false
}

function isDate(text: string): boolean {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? []
  if (year === undefined) return false
  const last = [31, isLeap(Number(year)) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][Number(month) - 1]
  return last !== undefined && Number(day) >= 1 && Number(day) <= last
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0

function isDateTime(text: string): boolean {
  const [date = '', time] = text.toLowerCase().split('t')
  if (time === undefined || !isDate(date)) return false
  const [, hours, minutes, seconds] =
    /^([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})$/.exec(time) ?? []
  return hours !== undefined && hours <= '23' && minutes! <= '59' && seconds! <= '59'
}

const goUnits: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
/** Of each the last may go on: `nanoseconds`, `weeks`. */
const wordUnits: readonly (readonly [bigint, ...string[]])[] = [
  [goUnits.ns!, 'ns', 'nano'],
  [goUnits.us!, 'us', 'µs', 'micro'],
  [goUnits.ms!, 'ms', 'milli'],
  [goUnits.s!, 's', 'sec'],
  [goUnits.m!, 'm', 'min'],
  [goUnits.h!, 'h', 'hr', 'hour'],
  [24n * goUnits.h!, 'd', 'day'],
  [168n * goUnits.h!, 'w', 'wk', 'week'],
]

/** As Go writes it (`1h30m`), or in words (`22 ns`, `3 days`): strfmt.ParseDuration. Undefined: it is none. */
export function nanosecondsOf(text: string): bigint | undefined {
  const go = /^([+-]?)(?:0|((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+))$/.exec(text)
  if (go !== null) {
    let sum = 0
    for (const [, number, unit] of (go[2] ?? '').matchAll(/([\d.]+)([^\d.]+)/g)) {
      sum += Number(number) * Number(goUnits[unit!])
    }
    return BigInt(Math.trunc(go[1] === '-' ? -sum : sum))
  }
  let found: bigint | undefined
  for (const [, count, word] of text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)) {
    const unit = word!.toLowerCase()
    const known = wordUnits.find(([, ...names]) => names.includes(unit) || unit.startsWith(names.at(-1)!))
    if (known !== undefined) found = (found ?? 0n) + BigInt(count!) * known[0]
  }
  return found
}
