// od, hexdump, xxd, strings: bytes as they are.

import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { openInput, readAll, tryOpen } from './text-streams.ts'
import { nameOf, numberOf, ToolError, tool } from './tool.ts'

function* allOf(process: Process, names: readonly string[]): Step<Buffer> {
  const parts: Buffer[] = []
  for (const name of filesOr(names)) {
    const stream = openInput(process, name)
    parts.push(yield* readAll(process, stream))
    stream.close()
  }
  return Buffer.concat(parts)
}

function* rowsOf(bytes: Buffer, width: number): Iterable<readonly [offset: number, row: Buffer]> {
  for (let at = 0; at < bytes.length; at += width) yield [at, bytes.subarray(at, at + width)]
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')
const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')
const shown = (row: Buffer): string =>
  [...row].map(byte => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')

export const hexdump = tool('[-bcdoxC] [-n LEN] [-s OFS] [FILE]...', function* (process) {
  const options = optionsOf(process, 'bcdoxCvn:s:')
  const skip = numberOf(options.value('s') ?? '0', { suffixes: true })
  const most = options.value('n')
  const whole = yield* allOf(process, options.words)
  const bytes = whole.subarray(skip, most === undefined ? undefined : skip + numberOf(most, { suffixes: true }))
  const canonical = options.has('C') || nameOf(process) === 'hd'
  const digits = canonical ? 8 : 7
  const lines: string[] = []
  let last: Buffer | undefined
  let isStar = false
  for (const [at, row] of rowsOf(bytes, 16)) {
    if (last !== undefined && !options.has('v') && row.length === 16 && row.equals(last)) {
      if (!isStar) lines.push('*')
      isStar = true
      continue
    }
    last = row
    isStar = false
    const offset = hex(at + skip, digits)
    if (canonical) {
      const parts = [row.subarray(0, 8), row.subarray(8)].map(half => [...half].map(byte => hex(byte, 2)).join(' '))
      lines.push(`${offset}  ${parts.join('  ').padEnd(48)}  |${shown(row)}|`)
    } else if (options.has('b') || options.has('c')) {
      const cells = [...row].map(byte => (options.has('b') ? octal(byte, 3) : character(byte).padStart(3)))
      lines.push(`${offset} ${cells.join(' ').padEnd(63)}`)
    } else
      lines.push(
        `${offset} ${pairs(row, word => hex(word, 4))
          .join(' ')
          .padEnd(39)}`,
      )
  }
  if (bytes.length > 0) lines.push(hex(skip + bytes.length, digits))
  yield* process.print(lines.map(line => `${line}\n`).join(''))
  return 0
})

/** Two bytes each, the second first. */
function pairs(row: Buffer, show: (word: number) => string): readonly string[] {
  const words: string[] = []
  for (let at = 0; at < row.length; at += 2) words.push(show(row[at]! + (row[at + 1] ?? 0) * 256))
  return words
}

const named: Readonly<Record<number, string>> = {
  0: '\\0',
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
}

function character(byte: number): string {
  return named[byte] ?? (byte > 31 && byte < 127 ? String.fromCharCode(byte) : octal(byte, 3))
}

export const od = tool(
  '[-abcdfhilovxs] [-t TYPE] [-A RADIX] [-N SIZE] [-j SKIP] [-w[N]] [FILE]...',
  function* (process) {
    const options = optionsOf(process, 'abcdhiovxst:A:N:j:w::', {
      'address-radix': 'A',
      format: 't',
      'read-bytes': 'N',
    })
    const skip = numberOf(options.value('j') ?? '0', { suffixes: true })
    const most = options.value('N')
    const whole = yield* allOf(process, options.words)
    const bytes = whole.subarray(skip, most === undefined ? undefined : skip + numberOf(most, { suffixes: true }))
    const type = options.value('t') ?? { c: 'c', b: 'o1', x: 'x2', h: 'x2', d: 'u2' }[lastOf(options.given)] ?? 'o2'
    const match = /^([acdoux])(\d*)/.exec(type)
    if (match === null) throw new ToolError(`invalid type string '${type}'`)
    const size = match[2] === '' ? (match[1] === 'c' || match[1] === 'a' ? 1 : 4) : Number(match[2])
    const radix = options.value('A') ?? 'o'
    const address = (at: number) =>
      radix === 'n' ? '' : radix === 'd' ? String(at).padStart(7, '0') : radix === 'x' ? hex(at, 6) : octal(at, 7)
    const width = Number(options.value('w') ?? 16)
    const cell = (row: Buffer, at: number) => {
      if (match[1] === 'c' || match[1] === 'a') return character(row[at]!).padStart(4)
      let value = 0n
      for (let byte = size - 1; byte >= 0; byte--) value = value * 256n + BigInt(row[at + byte] ?? 0)
      if (match[1] === 'x') return ` ${value.toString(16).padStart(size * 2, '0')}`
      if (match[1] === 'o') return ` ${value.toString(8).padStart(Math.ceil((size * 8) / 3), '0')}`
      const signed = match[1] === 'd' ? BigInt.asIntN(size * 8, value) : value
      const widths = match[1] === 'd' ? { 1: 4, 2: 6, 4: 11, 8: 20 } : { 1: 3, 2: 5, 4: 10, 8: 20 }
      return ` ${signed.toString().padStart(widths[size as 1] ?? 11)}`
    }
    const lines: string[] = []
    let last: Buffer | undefined
    for (const [at, row] of rowsOf(bytes, width)) {
      if (last !== undefined && !options.has('v') && row.length === width && row.equals(last)) {
        if (lines.at(-1) !== '*') lines.push('*')
        continue
      }
      last = row
      const cells: string[] = []
      for (let each = 0; each < row.length; each += size) cells.push(cell(row, each))
      lines.push(address(at + skip) + cells.join(''))
    }
    if (radix !== 'n') lines.push(address(skip + bytes.length))
    yield* process.print(lines.map(line => `${line}\n`).join(''))
    return 0
  },
)

function lastOf(given: readonly { readonly letter: string }[]): string {
  return given.findLast(({ letter }) => 'cbxhd'.includes(letter))?.letter ?? ''
}

export const xxd = tool('[-pri] [-g N] [-c N] [-l LEN] [-s OFS] [FILE]', function* (process) {
  const options = optionsOf(process, 'prig:c:l:s:u')
  const whole = yield* allOf(process, options.words.slice(0, 1))
  if (options.has('r')) {
    const text = whole.toString('latin1')
    const digits = options.has('p')
      ? text
      : text
          .split('\n')
          .map(line => line.replace(/^[0-9a-f]+: /i, '').replace(/ {2}.*$/, ''))
          .join('')
    yield* process.print(Buffer.from(digits.replace(/[^0-9a-fA-F]/g, ''), 'hex'))
    return 0
  }
  const skip = numberOf(options.value('s') ?? '0')
  const most = options.value('l')
  const bytes = whole.subarray(skip, most === undefined ? undefined : skip + numberOf(most))
  const plain = options.has('p')
  const width = numberOf(options.value('c') ?? (plain ? '30' : '16'))
  const group = numberOf(options.value('g') ?? '2') || width
  const lines: string[] = []
  for (const [at, row] of rowsOf(bytes, width)) {
    const digits = [...row].map(byte => hex(byte, 2))
    if (plain) lines.push(digits.join(''))
    else {
      const groups: string[] = []
      for (let each = 0; each < digits.length; each += group) groups.push(digits.slice(each, each + group).join(''))
      const full = width * 2 + Math.ceil(width / group) - 1
      lines.push(`${hex(at + skip, 8)}: ${groups.join(' ').padEnd(full)}  ${shown(row)}`)
    }
  }
  yield* process.print(lines.map(line => `${line}\n`).join(''))
  return 0
})

export const strings = tool('[-fo] [-t o|d|x] [-n LEN] [FILE]...', function* (process) {
  const options = optionsOf(process, 'afon:t:')
  const least = numberOf(options.value('n') ?? '4')
  let code = 0
  for (const name of filesOr(options.words)) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const text = (yield* readAll(process, stream)).toString('latin1')
    stream.close()
    const found = text.match(new RegExp(`[\\t\\x20-\\x7e]{${least},}`, 'g')) ?? []
    yield* process.print(found.map(each => `${options.has('f') ? `${name}: ` : ''}${each}\n`).join(''))
  }
  return code
})
