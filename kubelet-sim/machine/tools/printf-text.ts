// printf's formats and the escapes of echo -e. The shell's printf and echo, seq -f, awk's printf and find's -printf use them.
// Text is bytes (text-streams.ts).

export interface Unescaped {
  readonly text: string
  /** `\c`: nothing more is printed. */
  readonly ends: boolean
}

const simple: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** `echo`: octal is \0NNN; `printf`: \NNN. */
export function unescaped(text: string, kind: 'echo' | 'printf'): Unescaped {
  let out = ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char !== '\\') {
      out += char
      continue
    }
    const next = text[at + 1]
    if (next === 'c') return { text: out, ends: true }
    const octal = (kind === 'echo' ? /^0([0-7]{0,3})/ : /^([0-7]{1,3})/).exec(text.slice(at + 1))
    const hex = /^x([0-9a-fA-F]{1,2})/.exec(text.slice(at + 1))
    const number = octal ?? hex
    if (number !== null) {
      out += String.fromCharCode(Number.parseInt(number[1] || '0', octal ? 8 : 16) & 255)
      at += number[0].length
    } else if (next !== undefined && Object.hasOwn(simple, next)) {
      out += simple[next]
      at++
    } else out += '\\'
  }
  return { text: out, ends: false }
}

export interface Printed {
  readonly text: string
  readonly faults: readonly string[]
}

/** The format is used again while there are words left. */
export function printed(format: string, words: readonly string[]): Printed {
  const faults: string[] = []
  let out = ''
  let at = 0
  while (true) {
    const before = at
    const once = formattedOnce(format, () => words[at++], faults)
    out += once.text
    if (once.ends || at >= words.length || at === before) return { text: out, faults }
  }
}

function formattedOnce(format: string, next: () => string | undefined, faults: string[]): Unescaped {
  const spec = /%(%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(?:hh|h|ll|l|L|q|j|z|t)?([diouxXeEfFgGaAcsb]))/y
  let out = ''
  for (let at = 0; at < format.length; ) {
    if (format[at] === '\\') {
      const end = /^\\(?:c|[0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)?/s.exec(format.slice(at))![0]
      const part = unescaped(end === '\\"' ? '"' : end, 'printf')
      out += part.text
      if (part.ends) return { text: out, ends: true }
      at += end.length
      continue
    }
    if (format[at] !== '%') {
      out += format[at++]
      continue
    }
    spec.lastIndex = at
    const match = spec.exec(format)
    if (match === null) {
      faults.push(`${format.slice(at)}: invalid format`)
      return { text: out, ends: true }
    }
    at = spec.lastIndex
    const [whole, one, flags = '', width, precision, kind = ''] = match
    if (one === '%') {
      out += '%'
      continue
    }
    const star = (text: string | undefined) => (text === '*' ? (numeral(next() ?? '0') ?? 0) : Number(text))
    const wide = width === undefined ? undefined : star(width)
    const places = whole.includes('.') ? (precision === undefined ? 0 : star(precision)) : undefined
    const word = next()
    if (kind === 'b') {
      const part = unescaped(word ?? '', 'echo')
      out += fitted(places === undefined ? part.text : part.text.slice(0, places), flags, wide)
      if (part.ends) return { text: out, ends: true }
    } else out += conversion(kind, flags, wide, places, word, faults)
  }
  return { text: out, ends: false }
}

/** One `%…` of one word. */
export function conversion(
  kind: string,
  flags: string,
  width: number | undefined,
  places: number | undefined,
  word: string | undefined,
  faults: string[] = [],
): string {
  if (kind === 's') return fitted(places === undefined ? (word ?? '') : (word ?? '').slice(0, places), flags, width)
  if (kind === 'c') return fitted((word ?? '').slice(0, 1), flags, width)
  let value = numeral(word ?? '0')
  if (value === undefined) {
    if (word !== '') faults.push(`invalid number '${word}'`)
    value = Number.parseFloat(word ?? '') || 0
  }
  return numberText(kind, flags, width, places, value)
}

export function numberText(
  kind: string,
  flags: string,
  width: number | undefined,
  places: number | undefined,
  value: number,
): string {
  const isWhole = 'diouxX'.includes(kind)
  let digits: string
  let sign = ''
  if (isWhole) {
    const whole = Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n
    const unsigned = !'di'.includes(kind) && whole < 0n ? BigInt.asUintN(64, whole) : whole
    const size = unsigned < 0n ? -unsigned : unsigned
    digits = size.toString(kind === 'o' ? 8 : kind.toLowerCase() === 'x' ? 16 : 10)
    if (places !== undefined) digits = digits.padStart(places, '0')
    if (flags.includes('#') && kind.toLowerCase() === 'x' && size !== 0n) digits = `0x${digits}`
    if (flags.includes('#') && kind === 'o') digits = `0${digits}`
    if (unsigned < 0n) sign = '-'
  } else {
    digits = realText(kind, Math.abs(value), places ?? 6, flags.includes('#'))
    if (value < 0 || Object.is(value, -0)) sign = '-'
  }
  if (sign === '') sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
  if (kind === kind.toUpperCase()) digits = digits.toUpperCase()
  const fills = flags.includes('0') && !flags.includes('-') && !(isWhole && places !== undefined)
  if (fills && width !== undefined) digits = digits.padStart(width - sign.length, '0')
  return fitted(sign + digits, flags, width)
}

function realText(kind: string, value: number, places: number, keepsZeros: boolean): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : 'inf'
  const exponential = (digits: number) => value.toExponential(Math.min(digits, 100)).replace(/e([+-])(\d)$/, 'e$10$2')
  switch (kind.toLowerCase()) {
    case 'f':
      return fixed(value, Math.min(places, 100))
    case 'e':
      return exponential(places)
    default: {
      const precision = places || 1
      const exponent = value === 0 ? 0 : Number(value.toExponential(precision - 1).split('e')[1])
      const isSmall = exponent < -4 || exponent >= precision
      const text = isSmall ? exponential(precision - 1) : value.toFixed(Math.max(0, precision - 1 - exponent))
      return keepsZeros || !text.includes('.') ? text : text.replace(/\.?0+(?=e|$)/, '')
    }
  }
}

/** As C rounds: halves to even. */
function fixed(value: number, places: number): string {
  const scaled = value * 10 ** places
  const isHalf = places < 15 && scaled % 1 === 0.5 && scaled / 10 ** places === value
  return isHalf && Math.floor(scaled) % 2 === 0
    ? (Math.floor(scaled) / 10 ** places).toFixed(places)
    : value.toFixed(places)
}

function fitted(text: string, flags: string, width: number | undefined): string {
  if (width === undefined) return text
  return flags.includes('-') || width < 0 ? text.padEnd(Math.abs(width)) : text.padStart(width)
}

/** As strtod and strtol read it, whole; `'x` is the character's code. */
export function numeral(word: string): number | undefined {
  const text = word.trim()
  if (/^['"]/.test(word)) return word.charCodeAt(1) || 0
  if (/^[+-]?0[xX][0-9a-fA-F]+$/.test(text)) {
    const value = Number.parseInt(text.replace(/^[+-]/, ''), 16)
    return text.startsWith('-') ? -value : value
  }
  if (/^[+-]?0[0-7]+$/.test(text)) return Number.parseInt(text, 8)
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
