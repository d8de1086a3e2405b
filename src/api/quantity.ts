// Quantities: `500m`, `2Gi`, `1e3`. Parsed, added, compared and printed exactly as k8s.io/apimachinery/pkg/api/resource
// does it. Called by defaulting and validation (canonical form) and by the scheduler and admission (numbers).
// `milliValue` and `wholeValue` read the everyday forms straight from the text; the rest is exact on BigInt.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export class QuantityError extends Error {}

const wrongForm = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
const wrongSuffix = "unable to parse quantity's suffix"

/** unscaled × 10^exponent, and how it is to be printed. Values are immutable. */
export class Quantity {
  readonly unscaled: bigint
  readonly exponent: number
  readonly format: QuantityFormat
  readonly #text: string | undefined

  constructor(unscaled: bigint, exponent: number, format: QuantityFormat, text?: string) {
    this.unscaled = unscaled
    this.exponent = exponent
    this.format = format
    this.#text = text
  }

  get sign(): -1 | 0 | 1 {
    return this.unscaled === 0n ? 0 : this.unscaled < 0n ? -1 : 1
  }

  /** A sum takes the format of its first part, unless that is zero. */
  add(other: Quantity): Quantity {
    const exponent = Math.min(this.exponent, other.exponent)
    const sum = at(this, exponent) + at(other, exponent)
    return new Quantity(sum, exponent, this.unscaled === 0n ? other.format : this.format)
  }

  subtract(other: Quantity): Quantity {
    return this.add(new Quantity(-other.unscaled, other.exponent, other.format))
  }

  multiply(factor: bigint): Quantity {
    return new Quantity(this.unscaled * factor, this.exponent, this.format)
  }

  compare(other: Quantity): -1 | 0 | 1 {
    if (this.sign !== other.sign) return this.sign < other.sign ? -1 : 1
    if (this.sign === 0) return 0
    // By the number of digits first, so that 1e1000000 is never written out.
    const longer = magnitude(this) - magnitude(other)
    if (longer !== 0) return longer > 0 === this.sign > 0 ? 1 : -1
    const exponent = Math.min(this.exponent, other.exponent)
    const difference = at(this, exponent) - at(other, exponent)
    return difference === 0n ? 0 : difference < 0n ? -1 : 1
  }

  /** This many 10^exponent, rounded away from zero, and kept within 64 bits. */
  scaled(exponent: number): bigint {
    if (this.unscaled === 0n) return 0n
    const shift = this.exponent - exponent
    if (magnitude(this) - exponent > 19) return this.unscaled < 0n ? -int64Max - 1n : int64Max
    if (shift >= 0) return clamped(this.unscaled * power(shift))
    if (magnitude(this) < exponent) return BigInt(this.sign)
    return clamped(dividedUp(this.unscaled, power(-shift)))
  }

  /** Rounded up to a whole number, exact as far as a JavaScript number is. */
  value(): number {
    return Number(this.scaled(0))
  }

  milliValue(): number {
    return Number(this.scaled(-3))
  }

  /** The canonical form; a text that was parsed and is as good as canonical stays as it was, as upstream. */
  toString(): string {
    return this.#text ?? canonical(this)
  }
}

/** Throws QuantityError, whose message is the real server's. */
export function parseQuantity(text: string): Quantity {
  const split = splitQuantity(text)
  const { isNegative, digits, fraction, suffix } = split
  const unit = unitOf(suffix)
  if (unit === undefined) throw new QuantityError(wrongSuffix)
  const shifted = digits + fraction
  const mantissa = BigInt(shifted === '' ? '0' : shifted)
  const signed = isNegative ? -mantissa : mantissa

  if (unit.format === 'BinarySI') {
    const isShort = fraction === '' && digits.length <= 14 - Math.trunc((unit.exponent * 3) / 10)
    if (isShort) {
      const text_ = (mantissa & 7n) !== 0n ? text : undefined
      return new Quantity(signed << BigInt(unit.exponent), 0, 'BinarySI', text_)
    }
    return rounded(signed << BigInt(unit.exponent), -fraction.length, 'BinarySI')
  }
  const exponent = unit.exponent - fraction.length
  if (shifted.length <= 18 && exponent >= -9) {
    const isCanonical = exponent % 3 === 0 && !shifted.endsWith('000') && !shifted.startsWith('0')
    return new Quantity(signed, exponent, unit.format, isCanonical ? text : undefined)
  }
  return rounded(signed, exponent, unit.format)
}

/** Why a text is no quantity, in the real server's words. */
export function quantityFault(text: string): string | undefined {
  try {
    parseQuantity(text)
    return undefined
  } catch (error) {
    if (error instanceof QuantityError) return error.message
    throw error
  }
}

/** As the API server writes it back: `0.5` is `500m`, `1024Mi` is `1Gi`. */
export function canonicalQuantity(text: string): string {
  return isPlain(text) ? text : parseQuantity(text).toString()
}

/** Thousandths, rounded up: CPU. */
export function milliValue(text: string): number {
  const whole = plainNumber(text, 1000)
  return whole ?? parseQuantity(text).milliValue()
}

/** Whole units, rounded up: memory, storage, pods, devices. */
export function wholeValue(text: string): number {
  const whole = plainNumber(text, 1)
  return whole ?? parseQuantity(text).value()
}

export function compareQuantities(one: string, other: string): -1 | 0 | 1 {
  return parseQuantity(one).compare(parseQuantity(other))
}

export function addQuantities(one: string, other: string): string {
  return parseQuantity(one).add(parseQuantity(other)).toString()
}

// ---- text

interface Split {
  readonly isNegative: boolean
  /** Without leading zeros; `0` if there were none but zeros. */
  readonly digits: string
  readonly fraction: string
  readonly suffix: string
}

// Looser than the sentence of the error says, as upstream's scanner is: `.`, `+` and `m` are zeros.
const form = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/

function splitQuantity(text: string): Split {
  const parts = text === '' ? null : form.exec(text)
  if (parts === null) throw new QuantityError(wrongForm)
  return { isNegative: parts[1] === '-', digits: parts[2] || '0', fraction: parts[3] ?? '', suffix: parts[4]! }
}

interface Unit {
  readonly exponent: number
  readonly format: QuantityFormat
}

const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binary: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 }
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const scientific = /^[eE]([+-]?[0-9]+)$/

function unitOf(suffix: string): Unit | undefined {
  if (Object.hasOwn(decimal, suffix)) return { exponent: decimal[suffix]!, format: 'DecimalSI' }
  if (Object.hasOwn(binary, suffix)) return { exponent: binary[suffix]!, format: 'BinarySI' }
  const exponent = Number(scientific.exec(suffix)?.[1] ?? Number.NaN)
  return Math.abs(exponent) < 2 ** 31 ? { exponent, format: 'DecimalExponent' } : undefined
}

const int64Max = 2n ** 63n - 1n

/** More precise than a nano is rounded away from zero; a binary quantity ends at 2^63-1, and below one it prints as decimal. */
function rounded(unscaled: bigint, exponent: number, format: QuantityFormat): Quantity {
  let value = unscaled
  let scale = exponent
  if (scale < -9) {
    const isTiny = magnitude(new Quantity(value, scale, format)) < -9
    value = isTiny ? BigInt(value === 0n ? 0 : value < 0n ? -1 : 1) : dividedUp(value, power(-9 - scale))
    scale = -9
  }
  const result = new Quantity(value, scale, format)
  if (format !== 'BinarySI') return result
  const limit = new Quantity(value < 0n ? -int64Max : int64Max, 0, format)
  if (result.compare(limit) * (value < 0n ? -1 : 1) > 0) return limit
  const one = new Quantity(1n, 0, format)
  return result.sign > 0 && result.compare(one) < 0 ? new Quantity(value, scale, 'DecimalSI') : result
}

function canonical(quantity: Quantity): string {
  const { unscaled, exponent, format } = quantity
  if (unscaled === 0n) return '0'
  if (format === 'BinarySI' && exponent <= 0 && unscaled % power(-exponent) === 0n) {
    let whole = unscaled / power(-exponent)
    if (whole >= 1024n || whole <= -1024n) {
      let step = 0
      while (whole % 1024n === 0n && step < 6) {
        whole /= 1024n
        step++
      }
      return `${whole}${binarySuffixes[step]}`
    }
  }
  let mantissa = unscaled
  let scale = exponent
  while (mantissa % 10n === 0n) {
    mantissa /= 10n
    scale++
  }
  while (scale % 3 !== 0) {
    mantissa *= 10n
    scale--
  }
  if (format === 'DecimalExponent') return scale === 0 ? `${mantissa}` : `${mantissa}e${scale}`
  // Beyond E there is no suffix, and upstream forgets the power; the value is kept here.
  if (scale > 18) return `${mantissa * power(scale - 18)}E`
  return `${mantissa}${decimalSuffixes[scale / 3 + 3]}`
}

// ---- numbers

/** 10^n; n is bounded, since a longer number would be an attack and not a resource. */
function power(n: number): bigint {
  if (n > 10_000) throw new QuantityError('quantity is out of range')
  return 10n ** BigInt(n)
}

function at({ unscaled, exponent }: Quantity, wanted: number): bigint {
  return unscaled === 0n ? 0n : unscaled * power(exponent - wanted)
}

/** The power of ten of the first digit. */
function magnitude({ unscaled, exponent }: Quantity): number {
  return (unscaled < 0n ? -unscaled : unscaled).toString().length - 1 + exponent
}

function dividedUp(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  if (value % divisor === 0n) return quotient
  return value < 0n ? quotient - 1n : quotient + 1n
}

function clamped(value: bigint): bigint {
  return value > int64Max ? int64Max : value < -int64Max - 1n ? -int64Max - 1n : value
}

// ---- the everyday forms: up to nine digits and a common suffix

const zero = 48
const unitFactors: Readonly<Record<string, number>> = {
  '': 1,
  m: 0.001,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
}

/** The value times `per`, when it can be had with numbers and is exact; otherwise undefined. */
function plainNumber(text: string, per: 1 | 1000): number | undefined {
  let value = 0
  let index = 0
  for (; index < text.length; index++) {
    const digit = text.charCodeAt(index) - zero
    if (digit < 0 || digit > 9) break
    if (index === 9) return undefined
    value = value * 10 + digit
  }
  if (index === 0) return undefined
  const suffix = index === text.length ? '' : text.slice(index)
  if (suffix === 'm') return per === 1000 ? value : Math.ceil(value / 1000)
  const factor = unitFactors[suffix]
  if (factor === undefined) return undefined
  const whole = value * factor * per
  return whole <= Number.MAX_SAFE_INTEGER ? whole : undefined
}

/** Surely canonical already: digits that no larger suffix could shorten. */
function isPlain(text: string): boolean {
  if (text === '0') return true
  let value = 0
  let index = 0
  for (; index < text.length; index++) {
    const digit = text.charCodeAt(index) - zero
    if (digit < 0 || digit > 9) break
    if (index === 9 || (index === 0 && digit === 0)) return false
    value = value * 10 + digit
  }
  if (index === 0) return false
  switch (text.slice(index)) {
    case '':
    case 'm':
    case 'M':
    case 'G':
      return value % 1000 !== 0
    case 'Ki':
    case 'Mi':
    case 'Gi':
      return value % 1024 !== 0
    default:
      return false
  }
}
