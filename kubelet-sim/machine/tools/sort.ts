// sort, uniq and shuf.

import { openStream } from '../open-stream.ts'
import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { bytesOf, Lines, Output, openInput, outputOf, tryOpen } from './text-streams.ts'
import { numberOf, ToolError, tool } from './tool.ts'

interface Key {
  readonly from: readonly [field: number, char: number]
  readonly to: readonly [field: number, char: number] | undefined
  readonly flags: string
}

export const sort = tool(
  '[-nrughMcszbdfiokt] [-o FILE] [-k START[.OFS][OPTS][,END[.OFS][OPTS]] [-t CHAR] [FILE]...',
  function* (process) {
    const options = optionsOf(process, 'ngMVucszbdfirhCmo:k:t:S:T:', {
      'numeric-sort': 'n',
      'general-numeric-sort': 'g',
      'human-numeric-sort': 'h',
      'month-sort': 'M',
      'version-sort': 'V',
      unique: 'u',
      check: 'c',
      reverse: 'r',
      'ignore-case': 'f',
      'ignore-leading-blanks': 'b',
      'dictionary-order': 'd',
      stable: 's',
      'zero-terminated': 'z',
      output: 'o',
      key: 'k',
      'field-separator': 't',
    })
    const end = options.has('z') ? '\0' : '\n'
    const separator = options.value('t') === '\\0' ? '\0' : options.value('t')
    if (separator !== undefined && separator.length !== 1) throw new ToolError('bad -t parameter', 2)
    const general = ['n', 'g', 'M', 'V', 'h', 'b', 'd', 'f', 'i', 'r'].filter(letter => options.has(letter)).join('')
    const keys = options.values('k').map(text => keyOf(text, general))
    const lines: string[] = []
    for (const name of filesOr(options.words)) {
      const stream = yield* tryOpen(process, name)
      if (stream === undefined) return 2
      lines.push(...(yield* allLines(process, stream, end)))
      stream.close()
    }
    const plain: Key = { from: [1, 1], to: undefined, flags: general }
    const compare = (one: string, other: string): number => {
      for (const key of keys.length > 0 ? keys : [plain]) {
        const order = byKey(part(one, key, separator), part(other, key, separator), key.flags)
        if (order !== 0) return key.flags.includes('r') ? -order : order
      }
      return 0
    }
    const whole = (one: string, other: string): number => {
      const order = compare(one, other)
      if (order !== 0 || options.has('s') || options.has('u')) return order
      const last = one < other ? -1 : one > other ? 1 : 0
      return options.has('r') ? -last : last
    }
    if (options.has('c') || options.has('C')) {
      for (let index = 1; index < lines.length; index++) {
        const order = compare(lines[index - 1]!, lines[index]!)
        if (order < 0 || (order === 0 && !options.has('u'))) continue
        if (options.has('c')) yield* process.complain(`sort: disorder at line ${index + 1}: ${lines[index]}\n`)
        return 1
      }
      return 0
    }
    lines.sort(whole)
    const target = options.value('o')
    const stream =
      target === undefined
        ? outputOf(process)
        : openStream(process, target, { write: true, create: true, truncate: true })
    const output = new Output(process, stream)
    let last: string | undefined
    for (const line of lines) {
      if (options.has('u') && last !== undefined && compare(last, line) === 0) continue
      last = line
      yield* output.put(line + end)
    }
    yield* output.flush()
    if (target !== undefined) stream.close()
    return 0
  },
  2,
)

function* allLines(process: Process, stream: ReturnType<typeof openInput>, end = '\n'): Step<string[]> {
  const lines = new Lines(process, stream)
  const all: string[] = []
  for (let line = yield* lines.next(end); line !== undefined; line = yield* lines.next(end)) {
    all.push(line)
    process.allocate(line.length)
  }
  return all
}

/** `2,3n`, `1.2`, `3nr`. */
function keyOf(text: string, general: string): Key {
  const match = /^(\d+)(?:\.(\d+))?([a-zA-Z]*)(?:,(\d+)(?:\.(\d+))?([a-zA-Z]*))?$/.exec(text)
  if (match === null || match[1] === '0') throw new ToolError(`bad -k parameter`, 2)
  const [, field, char = '1', flags = '', last, lastChar = '0', more = ''] = match
  const own = flags + more
  return {
    from: [Number(field), Number(char)],
    to: last === undefined ? undefined : [Number(last), Number(lastChar)],
    flags: own === '' ? general : own,
  }
}

function part(line: string, { from, to, flags }: Key, separator: string | undefined): string {
  if (from[0] === 1 && from[1] === 1 && to === undefined) return line
  const starts = fieldStarts(line, separator)
  let start = starts[from[0] - 1] ?? line.length
  if (flags.includes('b') || (separator === undefined && from[1] > 1)) {
    while (start < line.length && /\s/.test(line[start]!)) start++
  }
  start = Math.min(line.length, start + from[1] - 1)
  let end = line.length
  if (to !== undefined) {
    const begin = starts[to[0] - 1] ?? line.length
    const next = starts[to[0]]
    const whole = next === undefined ? line.length : separator === undefined ? next : next - 1
    end = to[1] === 0 ? whole : Math.min(line.length, begin + to[1])
  }
  return line.slice(start, Math.max(start, end))
}

/** Without a separator blanks belong to the field behind them. */
function fieldStarts(line: string, separator: string | undefined): readonly number[] {
  const starts = [0]
  if (separator !== undefined) {
    for (let at = line.indexOf(separator); at >= 0; at = line.indexOf(separator, at + 1)) starts.push(at + 1)
    return starts
  }
  const blanks = /\s+/g
  for (let match = blanks.exec(line); match !== null; match = blanks.exec(line)) {
    if (match.index > 0) starts.push(match.index)
  }
  return starts
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']

function byKey(one: string, other: string, flags: string): number {
  if (flags.includes('n')) return leadingNumber(one) - leadingNumber(other)
  if (flags.includes('g')) return (Number.parseFloat(one) || 0) - (Number.parseFloat(other) || 0)
  if (flags.includes('h')) return humanNumber(one) - humanNumber(other)
  if (flags.includes('M')) return month(one) - month(other)
  if (flags.includes('V')) return versionOrder(one, other)
  let [a, b] = flags.includes('b') ? [one.trimStart(), other.trimStart()] : [one, other]
  if (flags.includes('d')) [a, b] = [a.replace(/[^A-Za-z0-9\s]/g, ''), b.replace(/[^A-Za-z0-9\s]/g, '')]
  if (flags.includes('f')) [a, b] = [a.toUpperCase(), b.toUpperCase()]
  return a < b ? -1 : a > b ? 1 : 0
}

function leadingNumber(text: string): number {
  return Number(/^\s*-?(\d+\.?\d*|\.\d+)/.exec(text)?.[0] ?? 0)
}

function humanNumber(text: string): number {
  const unit = /^\s*-?[\d.]+([kKMGTPE])/.exec(text)?.[1]?.toUpperCase() ?? ''
  return leadingNumber(text) * 1024 ** ('KMGTPE'.indexOf(unit || '-') + 1)
}

function month(text: string): number {
  return months.indexOf(text.trim().slice(0, 3).toUpperCase())
}

function versionOrder(one: string, other: string): number {
  const [a, b] = [one.match(/\d+|\D+/g) ?? [], other.match(/\d+|\D+/g) ?? []]
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index] ?? '', b[index] ?? '']
    if (left === right) continue
    if (/^\d/.test(left) && /^\d/.test(right)) {
      const order = Number(left) - Number(right)
      if (order !== 0) return order
    }
    return left < right ? -1 : 1
  }
  return 0
}

export const uniq = tool('[-cduiz] [-f,s,w N] [FILE [OUTFILE]]', function* (process) {
  const options = optionsOf(process, 'cduizf:s:w:', {
    count: 'c',
    repeated: 'd',
    unique: 'u',
    'ignore-case': 'i',
    'skip-fields': 'f',
    'skip-chars': 's',
    'check-chars': 'w',
  })
  const [name = '-', target] = options.words
  const skip = numberOf(options.value('f') ?? '0')
  const chars = numberOf(options.value('s') ?? '0')
  const width = options.value('w')
  const keyed = (line: string) => {
    let rest = line
    for (let left = skip; left > 0; left--) rest = rest.replace(/^\s*\S+/, '')
    rest = rest.slice(chars)
    if (width !== undefined) rest = rest.slice(0, numberOf(width))
    return options.has('i') ? rest.toUpperCase() : rest
  }
  const input = openInput(process, name)
  const stream =
    target === undefined
      ? outputOf(process)
      : openStream(process, target, { write: true, create: true, truncate: true })
  const output = new Output(process, stream)
  const lines = new Lines(process, input, output)
  let last: string | undefined
  let count = 0
  function* show(): Step<void> {
    if (last === undefined || (options.has('d') && count < 2) || (options.has('u') && count > 1)) return
    yield* output.put(`${options.has('c') ? `${String(count).padStart(7)} ` : ''}${last}\n`)
  }
  for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
    if (last !== undefined && keyed(last) === keyed(line)) {
      count++
      continue
    }
    yield* show()
    last = line
    count = 1
  }
  yield* show()
  yield* output.flush()
  input.close()
  if (target !== undefined) stream.close()
  return 0
})

export const shuf = tool('[-n NUM] [-o FILE] [-e [ARG...] | -i L-H | FILE]', function* (process) {
  const options = optionsOf(process, 'ei:n:o:zr')
  let lines: string[]
  const range = /^(\d+)-(\d+)$/.exec(options.value('i') ?? '')
  if (options.has('i')) {
    if (range === null) throw new ToolError(`bad range '${options.value('i')}'`)
    const first = Number(range[1])
    if (Number(range[2]) - first > 1_000_000) throw new ToolError('memory exhausted')
    lines = Array.from({ length: Number(range[2]) - first + 1 }, (_, index) => String(first + index))
  } else if (options.has('e')) lines = options.words.map(bytesOf)
  else {
    const stream = openInput(process, options.words[0] ?? '-')
    lines = yield* allLines(process, stream)
    stream.close()
  }
  for (let index = lines.length - 1; index > 0; index--) {
    const other = Math.floor(process.random.fraction() * (index + 1))
    ;[lines[index], lines[other]] = [lines[other]!, lines[index]!]
  }
  const output = new Output(process)
  for (const line of lines.slice(0, numberOf(options.value('n') ?? String(lines.length))))
    yield* output.put(`${line}\n`)
  yield* output.flush()
  return 0
})
