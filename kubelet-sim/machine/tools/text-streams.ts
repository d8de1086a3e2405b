// Text in and out of a tool. Text here is bytes: one character for each (latin1), so that nothing is lost whatever the encoding.
// What is printed is kept until there is some of it, or until the tool has to wait for more input.

import { openStream } from '../open-stream.ts'
import type { Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { nameOf } from './tool.ts'

const chunk = 65536

/** Words of a command line as bytes. */
export function bytesOf(text: string): string {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 127) return Buffer.from(text).toString('latin1')
  }
  return text
}

/** Bytes as text for people. */
export function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

export class Output {
  readonly #process: Process
  readonly #stream: Stream | undefined
  #text = ''

  /** Default: standard output. */
  constructor(process: Process, stream = process.descriptors.get(1)) {
    this.#process = process
    this.#stream = stream
  }

  *put(text: string): Step<void> {
    this.#text += text
    if (this.#text.length >= chunk) yield* this.flush()
  }

  *flush(): Step<void> {
    if (this.#text === '') return
    const bytes = Buffer.from(this.#text, 'latin1')
    this.#text = ''
    if (this.#stream === undefined) throw new SystemError('EBADF')
    yield* this.#stream.write(bytes)
    yield* this.#process.pause()
  }
}

/** Lines of a stream, without their ends. */
export class Lines {
  readonly #process: Process
  readonly #stream: Stream
  readonly #output: Output | undefined
  #rest = ''
  #at = 0
  #hasEnded = false
  /** Whether the last line that was given out had its end. */
  isWhole = true

  /** `output` is flushed before it is waited for more. */
  constructor(process: Process, stream: Stream, output?: Output) {
    this.#process = process
    this.#stream = stream
    this.#output = output
  }

  *next(end = '\n'): Step<string | undefined> {
    let from = this.#at
    while (true) {
      const found = this.#rest.indexOf(end, from)
      if (found >= 0) {
        const line = this.#rest.slice(this.#at, found)
        this.#at = found + 1
        this.isWhole = true
        return line
      }
      if (this.#hasEnded) {
        if (this.#at >= this.#rest.length) return undefined
        const line = this.#rest.slice(this.#at)
        this.#at = this.#rest.length
        this.isWhole = false
        return line
      }
      this.#rest = this.#rest.slice(this.#at)
      this.#at = 0
      from = this.#rest.length
      yield* this.#more()
    }
  }

  /** What was read and not asked for goes back to whoever reads next. */
  giveBack(): void {
    if (this.#at < this.#rest.length) this.#stream.unread?.(Buffer.from(this.#rest.slice(this.#at), 'latin1'))
    this.#rest = ''
    this.#at = 0
  }

  *#more(): Step<void> {
    if (this.#output) yield* this.#output.flush()
    const bytes = yield* this.#stream.read(chunk)
    if (bytes === undefined) this.#hasEnded = true
    else this.#rest += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    yield* this.#process.pause()
  }
}

/** A file of the command line, `-` being standard input. Throws a SystemError. */
export function openInput(process: Process, name: string): Stream {
  if (name === '-') {
    const stream = process.descriptors.get(0)
    if (stream === undefined) throw new SystemError('EBADF')
    return stream.share()
  }
  if (name === '') throw new SystemError('ENOENT')
  return openStream(process, name, { read: true })
}

/** Says what is wrong with one of the files and goes on: `name: can't open 'x': No such file or directory`. */
export function* tryOpen(process: Process, name: string, words: 'open' | 'plain' = 'plain'): Step<Stream | undefined> {
  try {
    return openInput(process, name)
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
    const what = words === 'open' ? `can't open '${name}'` : name
    yield* process.complain(`${nameOf(process)}: ${what}: ${error.message}\n`)
    return undefined
  }
}

export function* readAll(process: Process, stream: Stream): Step<Buffer> {
  const parts: Uint8Array[] = []
  while (true) {
    const part = yield* stream.read(chunk)
    if (part === undefined) return Buffer.concat(parts)
    parts.push(part)
    process.allocate(part.length)
    yield* process.pause()
  }
}

export function* copyAll(process: Process, from: Stream, to: Stream): Step<void> {
  while (true) {
    const part = yield* from.read(chunk)
    if (part === undefined) return
    yield* to.write(part)
    yield* process.pause()
  }
}

export function outputOf(process: Process): Stream {
  const stream = process.descriptors.get(1)
  if (stream === undefined) throw new SystemError('EBADF')
  return stream
}
