// read and mapfile: lines of the input into variables. No byte beyond the line is taken from the next reader.

import type { Stream } from '../../process.ts'
import { readLine } from '../../task.ts'
import type { Step, Wait } from '../../wait.ts'
import { either } from '../../waiters.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './index.ts'

interface Wish {
  raw: boolean
  prompt: string | undefined
  timeout: number | undefined
  characters: number | undefined
  delimiter: string
  array: string | undefined
  descriptor: number
  silent: boolean
  names: string[]
}

export const read: Readonly<Record<string, Builtin>> = {
  *read(shell, args) {
    const wish = yield* wishOf(shell, args)
    if (typeof wish === 'number') return wish
    const stream = shell.process.descriptors.get(wish.descriptor)
    if (stream === undefined) {
      yield* shell.complain(
        shell.dialect === 'bash'
          ? `${wish.descriptor}: invalid file descriptor: Bad file descriptor`
          : 'read error: Bad file descriptor',
        'read',
      )
      return 1
    }
    if (wish.prompt !== undefined && stream.terminal !== undefined) yield* shell.process.complain(wish.prompt)
    const mode = stream.terminal?.mode
    if (wish.silent && stream.terminal) stream.terminal.mode = { ...stream.terminal.mode, echo: false }
    let found: { text: string; isWhole: boolean; timedOut: boolean }
    try {
      found = yield* lineOf(shell, stream, wish)
    } finally {
      if (wish.silent && stream.terminal && mode) stream.terminal.mode = mode
    }
    if (wish.array !== undefined) {
      const fields = splitFields(shell, found.text, undefined, wish.raw)
      shell.variables.put(wish.array, { value: new Map(fields.map((field, index) => [index, field])) })
    } else if (wish.names.length === 0) {
      shell.assign(
        'REPLY',
        shell.dialect === 'bash'
          ? unescaped(found.text, wish.raw)
          : (splitFields(shell, found.text, 1, wish.raw)[0] ?? ''),
      )
    } else {
      const fields = splitFields(shell, found.text, wish.names.length, wish.raw)
      for (const [index, name] of wish.names.entries()) shell.assign(name, fields[index] ?? '')
    }
    if (found.timedOut) return shell.dialect === 'bash' ? 142 : 1
    return found.isWhole ? 0 : 1
  },

  mapfile: function* (shell, args) {
    return yield* mapfile(shell, args)
  },
  readarray: function* (shell, args) {
    return yield* mapfile(shell, args)
  },
}

function* mapfile(shell: Shell, args: readonly string[]): Step<number> {
  const strips = args.includes('-t')
  const name = args.slice(1).find(arg => !arg.startsWith('-')) ?? 'MAPFILE'
  const elements = new Map<number, string>()
  const stream = shell.process.descriptors.get(0)
  for (;;) {
    const bytes = stream && (yield* readLine(stream))
    if (bytes === undefined) break
    const text = Buffer.from(bytes).toString()
    elements.set(elements.size, strips ? text.replace(/\n$/, '') : text)
    yield* shell.process.pause()
  }
  shell.variables.put(name, { value: elements })
  return 0
}

function* wishOf(shell: Shell, args: readonly string[]): Step<Wish | number> {
  const wish: Wish = {
    raw: false,
    prompt: undefined,
    timeout: undefined,
    characters: undefined,
    delimiter: '\n',
    array: undefined,
    descriptor: 0,
    silent: false,
    names: [],
  }
  let at = 1
  for (; at < args.length && /^-./.test(args[at]!); at++) {
    if (args[at] === '--') {
      at++
      break
    }
    const bundle = args[at]!
    for (let place = 1; place < bundle.length; place++) {
      const letter = bundle[place]!
      if (letter === 'r') wish.raw = true
      else if (letter === 's') wish.silent = true
      else if (letter === 'e' || letter === 'E') continue
      else {
        const value = place + 1 < bundle.length ? bundle.slice(place + 1) : args[++at]
        if (value === undefined || !'ptnNdaui'.includes(letter)) {
          yield* shell.complain(
            shell.dialect === 'bash' ? `-${letter}: invalid option` : `illegal option -${letter}`,
            'read',
          )
          return 2
        }
        if (letter === 'p') wish.prompt = value
        else if (letter === 't') wish.timeout = Number(value) * 1000
        else if (letter === 'n' || letter === 'N') wish.characters = Number(value)
        else if (letter === 'd') wish.delimiter = value === '' ? '\0' : value[0]!
        else if (letter === 'a') wish.array = value
        else if (letter === 'u') wish.descriptor = Number(value)
        break
      }
    }
  }
  wish.names = args.slice(at)
  if (wish.names.length === 0 && shell.dialect === 'dash') {
    yield* shell.complain('arg count', 'read')
    return 2
  }
  return wish
}

/** The line with its backslashes; a line that ends in one goes on in the next. */
function* lineOf(
  shell: Shell,
  stream: Stream,
  wish: Wish,
): Step<{ text: string; isWhole: boolean; timedOut: boolean }> {
  const until = wish.timeout === undefined ? undefined : shell.process.clock.now() + wish.timeout
  let text = ''
  for (;;) {
    const got = yield* timed(
      shell,
      wish.delimiter === '\n' && wish.characters === undefined ? readLine(stream) : readTo(stream, wish),
      until,
    )
    if (got === 'late') return { text, isWhole: false, timedOut: true }
    if (got === undefined) return { text, isWhole: false, timedOut: false }
    const part = Buffer.from(got).toString()
    if (wish.characters !== undefined && !part.endsWith(wish.delimiter)) {
      return { text: text + part, isWhole: [...part].length >= wish.characters, timedOut: false }
    }
    if (!part.endsWith(wish.delimiter)) return { text: text + part, isWhole: false, timedOut: false }
    const line = part.slice(0, -1)
    if (wish.raw || !/(?:^|[^\\])(?:\\\\)*\\$/.test(line) || wish.delimiter !== '\n')
      return { text: text + line, isWhole: true, timedOut: false }
    text += line.slice(0, -1)
  }
}

function* readTo(stream: Stream, { delimiter, characters }: Wish): Step<Uint8Array | undefined> {
  const bytes: number[] = []
  const end = delimiter.charCodeAt(0)
  while (characters === undefined || Buffer.from(bytes).toString().length < characters) {
    const part = yield* stream.read(1)
    if (part === undefined) break
    bytes.push(part[0]!)
    if (part[0] === end) break
  }
  return bytes.length === 0 ? undefined : Uint8Array.from(bytes)
}

function* timed<T>(shell: Shell, step: Step<T>, until: number | undefined): Step<T | 'late'> {
  if (until === undefined) return yield* step
  const { clock } = shell.process
  const alarm: Wait = { isOver: () => clock.now() >= until, park: wake => clock.after(until - clock.now(), wake) }
  for (;;) {
    const { done, value } = step.next()
    if (done) return value
    while (!value.isOver()) {
      if (alarm.isOver()) {
        step.return(undefined as T)
        return 'late'
      }
      yield either(value, alarm)
    }
  }
}

function unescaped(text: string, raw: boolean): string {
  return raw ? text : text.replace(/\\([\s\S])?/g, (_, char: string | undefined) => char ?? '')
}

/** By IFS into at most `most` fields, the last with all the rest; a backslash keeps a character from splitting. */
function splitFields(shell: Shell, text: string, most: number | undefined, raw: boolean): string[] {
  const ifs = shell.variables.get('IFS') ?? ' \t\n'
  const chars: { char: string; quoted: boolean }[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && !raw) {
      if (++at < text.length) chars.push({ char: text[at]!, quoted: true })
    } else chars.push({ char: text[at]!, quoted: false })
  }
  const isDelimiter = (index: number) =>
    chars[index] !== undefined && !chars[index]!.quoted && ifs.includes(chars[index]!.char)
  const isBlank = (index: number) => isDelimiter(index) && ' \t\n'.includes(chars[index]!.char)
  const fields: string[] = []
  let at = 0
  while (isBlank(at)) at++
  while (at < chars.length) {
    if (most !== undefined && fields.length === most - 1) {
      let end = chars.length
      while (end > at && isBlank(end - 1)) end--
      // One delimiter at the end belongs to the last field only when there is more than one in it.
      if (end > at && isDelimiter(end - 1) && !isBlank(end - 1)) {
        const inner = chars.slice(at, end - 1).some((_, index) => isDelimiter(at + index) && !isBlank(at + index))
        if (!inner) end--
      }
      fields.push(
        chars
          .slice(at, end)
          .map(({ char }) => char)
          .join(''),
      )
      return fields
    }
    let field = ''
    while (at < chars.length && !isDelimiter(at)) field += chars[at++]!.char
    fields.push(field)
    while (isBlank(at)) at++
    if (isDelimiter(at)) {
      at++
      while (isBlank(at)) at++
    }
  }
  return fields
}
