// cut, tr, paste, nl, fold, tee: what changes lines on their way.

import { openStream } from '../open-stream.ts'
import type { Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { filesOr } from './cat.ts'
import { optionsOf } from './options.ts'
import { unescaped } from './printf-text.ts'
import { bytesOf, Lines, Output, openInput, tryOpen } from './text-streams.ts'
import { numberOf, ToolError, tool, UsageError } from './tool.ts'

/** Each line of each file through `change`; undefined leaves it out. */
function* changedLines(
  process: Process,
  names: readonly string[],
  change: (line: string) => string | undefined,
): Step<number> {
  const output = new Output(process)
  let code = 0
  for (const name of filesOr(names)) {
    const stream = yield* tryOpen(process, name)
    if (stream === undefined) {
      code = 1
      continue
    }
    const lines = new Lines(process, stream, output)
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
      const changed = change(line)
      if (changed !== undefined) yield* output.put(`${changed}\n`)
    }
    stream.close()
  }
  yield* output.flush()
  return code
}

export const cut = tool('{-b|c LIST | -f LIST [-d SEP] [-s]} [-D] [-O SEP] [FILE]...', function* (process) {
  const options = optionsOf(process, 'b:c:f:d:sO:nDF:', {
    bytes: 'b',
    characters: 'c',
    fields: 'f',
    delimiter: 'd',
    'only-delimited': 's',
    'output-delimiter': 'O',
  })
  const list = options.value('b') ?? options.value('c') ?? options.value('f')
  if (list === undefined) throw new UsageError('expected a list of bytes, characters, or fields')
  const ranges = rangesOf(list)
  const isFields = options.has('f')
  if (options.has('d') && !isFields) throw new UsageError('-d DELIM makes sense only with -f')
  const delimiter = bytesOf(options.value('d') ?? '\t').slice(0, 1)
  const joiner = bytesOf(options.value('O') ?? (isFields ? delimiter : ''))
  const has = (number: number) => ranges.some(([from, to]) => number >= from && number <= to)
  return yield* changedLines(process, options.words, line => {
    if (!isFields) return [...line].filter((_, index) => has(index + 1)).join('')
    const fields = line.split(delimiter)
    if (fields.length === 1) return options.has('s') ? undefined : line
    return fields.filter((_, index) => has(index + 1)).join(joiner)
  })
})

function rangesOf(list: string): readonly (readonly [number, number])[] {
  return list.split(/[,\s]/).map(text => {
    const match = /^(\d*)(-?)(\d*)$/.exec(text)
    if (match === null || (match[1] === '' && match[3] === '')) throw new ToolError(`invalid range '${text}'`)
    const from = match[1] === '' ? 1 : Number(match[1])
    const to = match[2] === '' ? from : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3])
    if (from === 0 || to < from) throw new ToolError(`invalid range '${text}'`)
    return [from, to] as const
  })
}

export const tr = tool('[-cds] STRING1 [STRING2]', function* (process) {
  const options = optionsOf(process, '+cCds')
  const [first, second] = options.words
  if (first === undefined || (second === undefined && !options.has('d') && !options.has('s'))) throw new UsageError('')
  let from = setOf(bytesOf(first))
  if (options.has('c') || options.has('C')) {
    const named = new Set(from)
    from = Array.from({ length: 256 }, (_, code) => code).filter(code => !named.has(code))
  }
  const to = second === undefined ? undefined : setOf(bytesOf(second))
  const map = new Int16Array(256).map((_, code) => code)
  if (options.has('d')) for (const code of from) map[code] = -1
  else if (to !== undefined && to.length > 0) {
    for (const [index, code] of from.entries()) map[code] = to[Math.min(index, to.length - 1)]!
  }
  const squeezed = new Set(options.has('s') ? (to ?? from) : [])
  let last = -1
  const input = openInput(process, '-')
  for (let part = yield* input.read(65536); part !== undefined; part = yield* input.read(65536)) {
    const bytes = new Uint8Array(part.length)
    let length = 0
    for (const byte of part) {
      const next = map[byte]!
      if (next < 0 || (next === last && squeezed.has(next))) continue
      bytes[length++] = next
      last = next
    }
    yield* process.print(bytes.subarray(0, length))
    yield* process.pause()
  }
  input.close()
  return 0
})

/** Whether a byte below 128 is of the class. */
const classes: Readonly<Record<string, (char: string) => boolean>> = {
  alnum: char => /[A-Za-z0-9]/.test(char),
  alpha: char => /[A-Za-z]/.test(char),
  blank: char => char === ' ' || char === '\t',
  cntrl: char => char < ' ' || char === '\x7f',
  digit: char => /[0-9]/.test(char),
  graph: char => char > ' ' && char < '\x7f',
  lower: char => /[a-z]/.test(char),
  print: char => char >= ' ' && char < '\x7f',
  punct: char => char > ' ' && char < '\x7f' && !/[A-Za-z0-9]/.test(char),
  space: char => char === ' ' || (char >= '\t' && char <= '\r'),
  upper: char => /[A-Z]/.test(char),
  xdigit: char => /[0-9A-Fa-f]/.test(char),
}

function setOf(text: string): readonly number[] {
  const codes: number[] = []
  for (let at = 0; at < text.length; ) {
    const named = /^\[:(\w+):\]/.exec(text.slice(at))
    if (named !== null) {
      const isOf = classes[named[1]!]
      if (isOf === undefined) throw new ToolError(`invalid character class '${named[1]}'`)
      for (let code = 0; code < 128; code++) if (isOf(String.fromCharCode(code))) codes.push(code)
      at += named[0].length
      continue
    }
    const [code, length] = oneOf(text, at)
    at += length
    if (text[at] === '-' && at + 1 < text.length) {
      const [last, more] = oneOf(text, at + 1)
      if (last >= code) {
        for (let each = code; each <= last; each++) codes.push(each)
        at += 1 + more
        continue
      }
    }
    codes.push(code)
  }
  return codes
}

function oneOf(text: string, at: number): readonly [code: number, length: number] {
  if (text[at] !== '\\') return [text.charCodeAt(at), 1]
  const sequence = /^\\(?:[0-7]{1,3}|[abfnrtv\\])/.exec(text.slice(at))?.[0]
  if (sequence === undefined) return at + 1 < text.length ? [text.charCodeAt(at + 1), 2] : [92, 1]
  return [unescaped(sequence, 'printf').text.charCodeAt(0), sequence.length]
}

export const paste = tool('[-d LIST] [-s] [FILE]...', function* (process) {
  const options = optionsOf(process, 'd:s', { delimiters: 'd', serial: 's' })
  const delimiters = [...unescaped(bytesOf(options.value('d') ?? '\t'), 'printf').text]
  const separator = (index: number) => delimiters[index % delimiters.length] ?? ''
  const streams = filesOr(options.words).map(name => openInput(process, name))
  const inputs = streams.map(stream => new Lines(process, stream))
  const output = new Output(process)
  if (options.has('s')) {
    for (const input of inputs) {
      let index = 0
      for (let line = yield* input.next(); line !== undefined; line = yield* input.next()) {
        yield* output.put(`${index > 0 ? separator(index - 1) : ''}${line}`)
        index++
      }
      yield* output.put('\n')
    }
  } else {
    while (true) {
      const line: (string | undefined)[] = []
      for (const input of inputs) line.push(yield* input.next())
      if (line.every(part => part === undefined)) break
      yield* output.put(
        `${line.map((part, index) => (index > 0 ? separator(index - 1) : '') + (part ?? '')).join('')}\n`,
      )
    }
  }
  yield* output.flush()
  for (const stream of streams) stream.close()
  return 0
})

export const nl = tool('[-biswvl] [FILE]...', function* (process) {
  const options = optionsOf(process, 'b:i:s:w:v:l:', {
    'body-numbering': 'b',
    'number-width': 'w',
    'number-separator': 's',
  })
  const style = options.value('b') ?? 't'
  const width = numberOf(options.value('w') ?? '6')
  const separator = bytesOf(options.value('s') ?? '\t')
  const step = numberOf(options.value('i') ?? '1')
  let number = numberOf(options.value('v') ?? '1')
  return yield* changedLines(process, options.words, line => {
    if (style === 'n' || (style === 't' && line === '')) return `${' '.repeat(width + separator.length)}${line}`
    const text = `${String(number).padStart(width)}${separator}${line}`
    number += step
    return text
  })
})

export const fold = tool('[-bs] [-w WIDTH] [FILE]...', function* (process) {
  const argv = process.argv.map(word => (/^-\d+$/.test(word) ? `-w${word.slice(1)}` : word))
  const options = optionsOf({ argv }, 'bsw:', { width: 'w', spaces: 's' })
  const width = Math.max(1, numberOf(options.value('w') ?? '80'))
  return yield* changedLines(process, options.words, line => {
    const parts: string[] = []
    let rest = line
    while (rest.length > width) {
      const space = options.has('s') ? rest.slice(0, width).lastIndexOf(' ') : -1
      const end = space >= 0 ? space + 1 : width
      parts.push(rest.slice(0, end))
      rest = rest.slice(end)
    }
    return [...parts, rest].join('\n')
  })
})

export const tee = tool('[-ai] [FILE]...', function* (process) {
  const options = optionsOf(process, 'ai', { append: 'a', 'ignore-interrupts': 'i' })
  if (options.has('i')) process.onSignal('INT', 'ignore')
  const outputs: Stream[] = []
  let code = 0
  for (const name of options.words) {
    try {
      const how = options.has('a') ? { append: true } : { write: true, truncate: true }
      outputs.push(openStream(process, name, { ...how, create: true }))
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      yield* process.complain(`tee: ${name}: ${error.message}\n`)
      code = 1
    }
  }
  const input = openInput(process, '-')
  for (let part = yield* input.read(65536); part !== undefined; part = yield* input.read(65536)) {
    yield* process.print(part)
    for (const output of outputs) yield* output.write(part)
    yield* process.pause()
  }
  input.close()
  for (const output of outputs) output.close()
  return code
})
