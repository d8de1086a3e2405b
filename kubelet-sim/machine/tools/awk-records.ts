// What awk reads: its input, word by word of the command line, record by record, and the fields of the one at hand. Called by awk.ts.

import type { Process, Stream } from '../process.ts'
import type { Step } from '../wait.ts'
import { Given, numberOf, splitBy, type Value } from './awk-values.ts'
import { compiled, literal } from './posix-pattern.ts'
import { Lines, type Output, tryOpen } from './text-streams.ts'
import { ToolError } from './tool.ts'

/** The program's, as far as they say how input is read, and are told of it. */
export interface InputVariables {
  get(name: string): Value
  set(name: string, value: Value): void
  text(name: string): string
  textOf(value: Value): string
  /** `name=value` among the words. */
  assign(word: string): void
  /** A file cannot be read: the program goes on, and will have failed. */
  fail(): void
}

export class Records {
  record = ''
  readonly #process: Process
  readonly #output: Output
  readonly #variables: InputVariables
  readonly #words: string[]
  #fields: Value[] | undefined
  #hasRead = false
  #lines: Lines | undefined
  #stream: Stream | undefined

  constructor(process: Process, output: Output, words: readonly string[], variables: InputVariables) {
    this.#process = process
    this.#output = output
    this.#words = [...words]
    this.#variables = variables
  }

  *nextRecord(): Step<boolean> {
    const record = yield* this.read()
    if (record === undefined) return false
    this.setRecord(record)
    return true
  }

  *read(): Step<string | undefined> {
    while (true) {
      if (this.#lines === undefined && !(yield* this.#openNext())) return undefined
      const record = yield* this.recordOf(this.#lines!)
      if (record !== undefined) {
        for (const name of ['NR', 'FNR']) this.#variables.set(name, numberOf(this.#variables.get(name)) + 1)
        return record
      }
      this.#stream?.close()
      this.#lines = undefined
    }
  }

  *recordOf(lines: Lines): Step<string | undefined> {
    const separator = this.#variables.text('RS')
    if (separator.length === 1) {
      return yield* lines.next(separator)
    }
    if (separator !== '') throw new ToolError('RS of several characters is not simulated')
    // Paragraphs: parted by empty lines.
    let record: string | undefined
    for (let line = yield* lines.next(); line !== undefined; line = yield* lines.next()) {
      if (line !== '') record = record === undefined ? line : `${record}\n${line}`
      else if (record !== undefined) break
    }
    return record
  }

  *#openNext(): Step<boolean> {
    while (true) {
      const word = this.#words.shift()
      if (word === undefined && this.#hasRead) return false
      if (word !== undefined && /^[A-Za-z_]\w*=/.test(word)) {
        this.#variables.assign(word)
        continue
      }
      this.#hasRead = true
      this.#stream = yield* tryOpen(this.#process, word ?? '-')
      if (this.#stream === undefined) {
        this.#variables.fail()
        continue
      }
      this.#variables.set('FILENAME', word ?? '')
      this.#variables.set('FNR', 0)
      this.#lines = new Lines(this.#process, this.#stream, this.#output)
      return true
    }
  }

  setRecord(record: string): void {
    this.record = record
    this.#fields = undefined
  }

  split(): Value[] {
    this.#fields ??= this.parts(this.record, this.#variables.get('FS')).map(part => new Given(part))
    return this.#fields
  }

  parts(text: string, by: Value | RegExp): readonly string[] {
    if (text === '') return []
    if (by instanceof RegExp) return splitBy(text, by)
    const separator = this.#variables.textOf(by)
    if (separator === ' ') return text.trim() === '' ? [] : text.trim().split(/[ \t\n]+/)
    const isParagraph = this.#variables.text('RS') === ''
    if (separator === '') return [...text]
    const source = separator.length === 1 ? literal(separator) : compiled(separator, { extended: true }).source
    return splitBy(text, new RegExp(isParagraph ? `${source}|\n` : source))
  }

  rebuild(): void {
    this.record = this.split()
      .map(field => this.#variables.textOf(field))
      .join(this.#variables.text('OFS'))
  }
}
