// printf: its format is used again and again while there are arguments.

import type { Step } from '../../wait.ts'
import type { Shell } from '../shell.ts'
import { unescapeEcho } from './echo.ts'
import type { Builtin } from './index.ts'

const directive = /%(?:%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?(?:hh|h|ll|l|j|z|t|L)?(\([^)]*\)T|[diouxXeEfFgGcsbqa]))/y
const longestField = 10_000

const write: Builtin = function* (shell, args) {
  let at = 1
  let variable: string | undefined
  if (args[at] === '-v' && shell.dialect === 'bash') {
    variable = args[at + 1]
    at += 2
  }
  if (args[at] === '--') at++
  const format = args[at]
  if (format === undefined) {
    yield* shell.complain(
      shell.dialect === 'bash' ? 'usage: printf [-v var] format [arguments]' : 'usage: printf format [arg...]',
      'printf',
    )
    return 2
  }
  const printing = new Printing(format, args.slice(at + 1), shell)
  const text = printing.all()
  for (const fault of printing.faults) {
    yield* shell.process.complain(`${shell.applet}${shell.dialect === 'bash' ? 'printf: ' : ''}${fault}\n`)
  }
  if (variable === undefined) yield* print(shell, text)
  else shell.assign(variable, text)
  return printing.faults.length > 0 ? 1 : 0
}

function* print(shell: Shell, text: string): Step<void> {
  yield* shell.process.print(text)
}

export const printf: Readonly<Record<string, Builtin>> = { printf: write }

class Printing {
  readonly faults: string[] = []
  readonly #format: string
  readonly #args: readonly string[]
  readonly #shell: Shell
  #next = 0
  #stops = false

  constructor(format: string, args: readonly string[], shell: Shell) {
    this.#format = format
    this.#args = args
    this.#shell = shell
  }

  all(): string {
    let out = ''
    do {
      const before = this.#next
      out += this.#once()
      if (this.#next === before) break
    } while (this.#next < this.#args.length && !this.#stops)
    return out
  }

  #once(): string {
    let out = ''
    const format = this.#format
    for (let at = 0; at < format.length && !this.#stops; ) {
      const char = format[at]!
      if (char === '\\') {
        const end = escapeEnd(format, at)
        const { out: text, stops } = unescapeEcho(format.slice(at, end).replace(/^\\"/, '"').replace(/^\\'/, "'"))
        out += text
        this.#stops = stops
        at = end
      } else if (char === '%') {
        directive.lastIndex = at
        const match = directive.exec(format)
        if (match === null) {
          this.faults.push(
            `${format.slice(at, at + 2)}: invalid ${this.#shell.dialect === 'bash' ? 'format character' : 'format'}`,
          )
          this.#stops = true
          break
        }
        out += match[0] === '%%' ? '%' : this.#field(match)
        at = directive.lastIndex
      } else {
        out += char
        at++
      }
    }
    return out
  }

  #take(): string | undefined {
    return this.#args[this.#next++]
  }

  #field([, flags = '', width, precision, kind = 's']: RegExpExecArray): string {
    const wide = width === '*' ? Number(this.#take() ?? 0) : Number(width ?? 0)
    const exact =
      precision === '*' ? Number(this.#take() ?? 0) : precision === undefined ? undefined : Number(precision)
    const isLeft = flags.includes('-') || wide < 0
    const size = Math.min(Math.abs(wide), longestField)
    if (kind.endsWith('T')) return pad(this.#time(kind.slice(1, -2)), size, isLeft, ' ')
    if ('sbqc'.includes(kind)) return pad(this.#text(kind, exact), size, isLeft, ' ')
    const text = 'eEfFgGa'.includes(kind) ? this.#real(kind, exact, flags) : this.#integer(kind, exact, flags)
    const isZero = flags.includes('0') && !isLeft && (exact === undefined || 'eEfFgG'.includes(kind))
    if (!isZero) return pad(text, size, isLeft, ' ')
    const sign = /^[-+ ]|^0[xX]/.exec(text)?.[0] ?? ''
    return sign + pad(text.slice(sign.length), size - sign.length, false, '0')
  }

  #text(kind: string, exact: number | undefined): string {
    const arg = this.#take() ?? ''
    if (kind === 'c') return arg.slice(0, 1)
    if (kind === 'q') return backslashed(arg)
    if (kind === 'b') {
      const { out, stops } = unescapeEcho(arg)
      this.#stops = stops
      return exact === undefined ? out : out.slice(0, exact)
    }
    return exact === undefined ? arg : arg.slice(0, exact)
  }

  #integer(kind: string, exact: number | undefined, flags: string): string {
    const value = this.#number(this.#take())
    const isSigned = kind === 'd' || kind === 'i'
    const whole = isSigned ? value : BigInt.asUintN(64, value)
    const radix = kind === 'o' ? 8 : kind === 'x' || kind === 'X' ? 16 : 10
    let text = (whole < 0n ? -whole : whole).toString(radix)
    if (kind === 'X') text = text.toUpperCase()
    if (exact !== undefined) text = text.padStart(Math.min(exact, longestField), '0')
    if (flags.includes('#') && value !== 0n)
      text = (kind === 'o' ? '0' : kind === 'x' ? '0x' : kind === 'X' ? '0X' : '') + text
    return (
      (whole < 0n ? '-' : isSigned && flags.includes('+') ? '+' : isSigned && flags.includes(' ') ? ' ' : '') + text
    )
  }

  #number(arg: string | undefined): bigint {
    if (arg === undefined || arg === '') return 0n
    if (/^['"]/.test(arg)) return BigInt(arg.codePointAt(1) ?? 0)
    const match = /^\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|\d{1,30})/.exec(arg)
    if (match === null || match[0].length < arg.length) this.#invalid(arg)
    if (match === null) return 0n
    const digits = /^0\d/.test(match[2]!) ? `0o${match[2]!.slice(1)}` : match[2]!
    const value = BigInt(digits)
    return BigInt.asIntN(64, match[1] === '-' ? -value : value)
  }

  #real(kind: string, exact: number | undefined, flags: string): string {
    const arg = this.#take()
    const value = arg === undefined || arg === '' ? 0 : Number(arg)
    if (Number.isNaN(value)) this.#invalid(arg!)
    const places = Math.min(exact ?? 6, 100)
    const text = formatReal(Number.isNaN(value) ? 0 : value, kind, places)
    return value >= 0 && flags.includes('+') ? `+${text}` : text
  }

  #invalid(arg: string): void {
    this.faults.push(this.#shell.dialect === 'bash' ? `${arg}: invalid number` : `invalid number '${arg}'`)
  }

  /** %(…)T: -1 and nothing are now. */
  #time(format: string): string {
    const arg = this.#take()
    const at = new Date(arg === undefined || arg === '-1' ? this.#shell.process.clock.now() : Number(arg) * 1000)
    const two = (value: number) => String(value).padStart(2, '0')
    return (format || '%H:%M:%S').replace(/%([YmdHMSFTs%])/g, (_, letter: string) => {
      switch (letter) {
        case 'Y':
          return String(at.getUTCFullYear())
        case 'm':
          return two(at.getUTCMonth() + 1)
        case 'd':
          return two(at.getUTCDate())
        case 'H':
          return two(at.getUTCHours())
        case 'M':
          return two(at.getUTCMinutes())
        case 'S':
          return two(at.getUTCSeconds())
        case 'F':
          return at.toISOString().slice(0, 10)
        case 'T':
          return at.toISOString().slice(11, 19)
        case 's':
          return String(Math.floor(at.getTime() / 1000))
        default:
          return '%'
      }
    })
  }
}

/** %q: as one would type it. */
function backslashed(text: string): string {
  if (text === '') return "''"
  if (/[\n\t\r]/.test(text)) {
    return `$'${text.replace(/['\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r')}'`
  }
  return text.replace(/[^A-Za-z0-9_@%+=:./-]/g, '\\$&')
}

function formatReal(value: number, kind: string, places: number): string {
  const exponent = (text: string) => text.replace(/e([-+])(\d)$/, 'e$10$2')
  const lower = kind.toLowerCase()
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (lower === 'f') return value.toFixed(places)
  if (lower === 'e')
    return kind === 'E' ? exponent(value.toExponential(places)).toUpperCase() : exponent(value.toExponential(places))
  const precise = value === 0 ? '0' : value.toPrecision(Math.max(1, places))
  const short = precise.includes('e')
    ? exponent(precise.replace(/\.?0+e/, 'e'))
    : precise.includes('.')
      ? precise.replace(/\.?0+$/, '')
      : precise
  return kind === 'G' ? short.toUpperCase() : short
}

function pad(text: string, width: number, isLeft: boolean, by: string): string {
  return isLeft ? text.padEnd(width) : text.padStart(width, by)
}

function escapeEnd(text: string, at: number): number {
  const match = /^\\(?:[0-7]{1,3}|x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|[\s\S])/.exec(text.slice(at, at + 6))
  return at + (match?.[0].length ?? 1)
}
