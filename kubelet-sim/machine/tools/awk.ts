// awk: patterns and deeds over records; fields, arrays, functions, printf, getline, pipes to and from the shell.

import { openStream } from '../open-stream.ts'
import { Pipe } from '../pipe.ts'
import type { Child, Process, Stream } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Step } from '../wait.ts'
import { type AwkProgram, type Expression, parseAwk, type Redirect, type Statement } from './awk-syntax.ts'
import { formatted } from './date-text.ts'
import { optionsOf } from './options.ts'
import { compiled, literal } from './posix-pattern.ts'
import { numberText, unescaped } from './printf-text.ts'
import { bytesOf, Lines, Output, openInput, readAll, tryOpen } from './text-streams.ts'
import { ToolError, tool, UsageError } from './tool.ts'

export const awk = tool('[OPTIONS] [AWK_PROGRAM] [FILE]...', function* (process) {
  const options = optionsOf(process, '+F:v:f:e:W:', { 'field-separator': 'F', assign: 'v', file: 'f' })
  const words = [...options.words]
  const texts: string[] = []
  for (const name of options.values('f')) {
    const stream = yield* tryOpen(process, name, 'open')
    if (stream === undefined) return 1
    texts.push((yield* readAll(process, stream)).toString('latin1'))
    stream.close()
  }
  texts.push(...options.values('e').map(bytesOf))
  if (texts.length === 0) {
    const first = words.shift()
    if (first === undefined) throw new UsageError('')
    texts.push(bytesOf(first))
  }
  const run = new Run(process, parseAwk(texts.join('\n')), words)
  const separator = options.value('F')
  if (separator !== undefined) {
    run.set('FS', separator === 't' ? '\t' : unescaped(bytesOf(separator), 'printf').text)
  }
  for (const assignment of options.values('v')) run.assign(assignment)
  return yield* run.whole()
})

/** A text of the input: a number where it looks like one. */
class Given {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get isNumber(): boolean {
    return /^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$/.test(this.text)
  }
}

type Value = number | string | Given | undefined
type Cells = Map<string, Value>

class Next extends Error {}
class Break extends Error {}
class Continue extends Error {}
class Exit extends Error {}
class Return extends Error {
  readonly value: Value

  constructor(value: Value) {
    super()
    this.value = value
  }
}

const deepest = 500

class Run {
  readonly #process: Process
  readonly #program: AwkProgram
  readonly #globals = new Map<string, Value | Cells>()
  readonly #output: Output
  readonly #writers = new Map<string, { readonly stream: Stream; readonly output: Output; readonly child?: Child }>()
  readonly #readers = new Map<string, { readonly stream: Stream; readonly lines: Lines; readonly child?: Child }>()
  readonly #ranges = new Set<number>()
  #locals: Map<string, Value | Cells> | undefined
  #record = ''
  #fields: Value[] | undefined
  #words: string[]
  #hasRead = false
  #lines: Lines | undefined
  #stream: Stream | undefined
  #code = 0
  #hasExited = false
  #steps = 0
  #depth = 0

  constructor(process: Process, program: AwkProgram, words: readonly string[]) {
    this.#process = process
    this.#program = program
    this.#output = new Output(process)
    this.#words = [...words]
    const { env, argv } = process
    for (const [name, value] of [
      ['FS', ' '],
      ['OFS', ' '],
      ['ORS', '\n'],
      ['RS', '\n'],
      ['SUBSEP', '\x1c'],
      ['CONVFMT', '%.6g'],
      ['OFMT', '%.6g'],
      ['NR', 0],
      ['FNR', 0],
      ['RSTART', 0],
      ['RLENGTH', -1],
      ['FILENAME', ''],
      ['ARGC', words.length + 1],
    ] as const) {
      this.#globals.set(name, value)
    }
    this.#globals.set('ENVIRON', new Map([...env].map(([key, value]) => [key, new Given(bytesOf(value))])))
    const list = [argv[0] ?? 'awk', ...words]
    this.#globals.set('ARGV', new Map(list.map((word, index) => [String(index), new Given(bytesOf(word))])))
  }

  set(name: string, value: Value): void {
    this.#globals.set(name, value)
  }

  assign(text: string): void {
    const equals = text.indexOf('=')
    if (equals < 1) throw new ToolError(`-v '${text}': Invalid argument`)
    this.set(text.slice(0, equals), new Given(unescaped(bytesOf(text.slice(equals + 1)), 'printf').text))
  }

  *whole(): Step<number> {
    const { rules } = this.#program
    const of = (when: string) => rules.filter(rule => rule.when === when)
    yield* this.#until(Exit, () => this.#all(of('BEGIN').map(({ body }) => body!)))
    const readsInput = rules.some(({ when }) => when !== 'BEGIN')
    if (readsInput && !this.#hasExited) yield* this.#until(Exit, () => this.#records())
    // What follows an exit is END; an exit in END ends it.
    yield* this.#until(Exit, () => this.#all(of('END').map(({ body }) => body!)))
    yield* this.#output.flush()
    for (const name of [...this.#writers.keys()]) yield* this.#close(name)
    for (const name of [...this.#readers.keys()]) yield* this.#close(name)
    return this.#code
  }

  /** Runs it up to a throw of that kind. */
  *#until(kind: new () => Error, run: () => Step<void>): Step<void> {
    try {
      yield* run()
    } catch (error) {
      if (!(error instanceof kind)) throw error
    }
  }

  *#all(bodies: readonly Statement[]): Step<void> {
    for (const body of bodies) yield* this.#do(body)
  }

  *#records(): Step<void> {
    while (yield* this.#nextRecord()) yield* this.#until(Next, () => this.#oneRecord())
  }

  *#oneRecord(): Step<void> {
    for (const [index, { when, from, to, body }] of this.#program.rules.entries()) {
      if (when !== 'record') continue
      if (to === undefined) {
        if (from !== undefined && !truth(yield* this.#value(from))) continue
      } else {
        if (!this.#ranges.has(index) && !truth(yield* this.#value(from!))) continue
        this.#ranges.add(index)
        if (truth(yield* this.#value(to))) this.#ranges.delete(index)
      }
      if (body === undefined) yield* this.#output.put(this.#record + this.#text(this.#globals.get('ORS') as Value))
      else yield* this.#do(body)
    }
  }

  *#nextRecord(): Step<boolean> {
    const record = yield* this.#read()
    if (record === undefined) return false
    this.#setRecord(record)
    return true
  }

  *#read(): Step<string | undefined> {
    while (true) {
      if (this.#lines === undefined && !(yield* this.#openNext())) return undefined
      const record = yield* this.#recordOf(this.#lines!)
      if (record !== undefined) {
        for (const name of ['NR', 'FNR']) this.set(name, this.#number(this.#globals.get(name) as Value) + 1)
        return record
      }
      this.#stream?.close()
      this.#lines = undefined
    }
  }

  *#recordOf(lines: Lines): Step<string | undefined> {
    const separator = this.#text(this.#globals.get('RS') as Value)
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
        this.assign(word)
        continue
      }
      this.#hasRead = true
      this.#stream = yield* tryOpen(this.#process, word ?? '-')
      if (this.#stream === undefined) {
        this.#code = 1
        continue
      }
      this.set('FILENAME', word ?? '')
      this.set('FNR', 0)
      this.#lines = new Lines(this.#process, this.#stream, this.#output)
      return true
    }
  }

  #setRecord(record: string): void {
    this.#record = record
    this.#fields = undefined
  }

  #split(): Value[] {
    this.#fields ??= this.#parts(this.#record, this.#globals.get('FS') as Value).map(part => new Given(part))
    return this.#fields
  }

  #parts(text: string, by: Value | RegExp): readonly string[] {
    if (text === '') return []
    if (by instanceof RegExp) return splitBy(text, by)
    const separator = this.#text(by)
    if (separator === ' ') return text.trim() === '' ? [] : text.trim().split(/[ \t\n]+/)
    const isParagraph = this.#text(this.#globals.get('RS') as Value) === ''
    if (separator === '') return [...text]
    const source = separator.length === 1 ? literal(separator) : compiled(separator, { extended: true }).source
    return splitBy(text, new RegExp(isParagraph ? `${source}|\n` : source))
  }

  #rebuild(): void {
    this.#record = this.#split()
      .map(field => this.#text(field))
      .join(this.#text(this.#globals.get('OFS') as Value))
  }

  // Statements

  *#do(statement: Statement): Step<void> {
    if (++this.#steps % 500 === 0) yield* this.#process.pause()
    switch (statement.kind) {
      case 'block':
        for (const each of statement.of) yield* this.#do(each)
        return
      case 'expression':
        yield* this.#value(statement.of)
        return
      case 'print':
        return yield* this.#print(statement.formatted, statement.items, statement.redirect)
      case 'if':
        if (truth(yield* this.#value(statement.test))) yield* this.#do(statement.yes)
        else if (statement.no) yield* this.#do(statement.no)
        return
      case 'while': {
        if (!statement.first && !(yield* this.#goesOn(statement.body))) return
        while (truth(yield* this.#value(statement.test))) if (!(yield* this.#goesOn(statement.body))) return
        return
      }
      case 'for': {
        if (statement.start) yield* this.#do(statement.start)
        while (statement.test === undefined || truth(yield* this.#value(statement.test))) {
          if (!(yield* this.#goesOn(statement.body))) return
          if (statement.next) yield* this.#do(statement.next)
        }
        return
      }
      case 'each':
        for (const key of [...this.#array(statement.array).keys()]) {
          this.#setVariable(statement.name, new Given(key))
          if (!(yield* this.#goesOn(statement.body))) return
        }
        return
      case 'next':
        throw new Next()
      case 'break':
        throw new Break()
      case 'continue':
        throw new Continue()
      case 'exit':
        if (statement.value) this.#code = this.#number(yield* this.#value(statement.value)) & 255
        this.#hasExited = true
        throw new Exit()
      case 'return':
        throw new Return(statement.value && (yield* this.#value(statement.value)))
      case 'delete':
        if (statement.keys === undefined) this.#array(statement.array).clear()
        else this.#array(statement.array).delete(yield* this.#key(statement.keys))
    }
  }

  *#goesOn(body: Statement): Step<boolean> {
    try {
      if (++this.#steps % 500 === 0) yield* this.#process.pause()
      yield* this.#do(body)
    } catch (error) {
      if (error instanceof Break) return false
      if (!(error instanceof Continue)) throw error
    }
    return true
  }

  *#print(isFormatted: boolean, items: readonly Expression[], redirect: Redirect | undefined): Step<void> {
    const values: Value[] = []
    for (const item of items) values.push(yield* this.#value(item))
    let text: string
    if (isFormatted) text = this.#formatted(values)
    else {
      const parts = values.length === 0 ? [this.#record] : values.map(value => this.#text(value, 'OFMT'))
      text = parts.join(this.#text(this.#globals.get('OFS') as Value)) + this.#text(this.#globals.get('ORS') as Value)
    }
    if (redirect === undefined) return yield* this.#output.put(text)
    const output = yield* this.#writer(redirect.kind, this.#text(yield* this.#value(redirect.to)))
    yield* output.put(text)
  }

  *#writer(kind: Redirect['kind'], name: string): Step<Output> {
    const known = this.#writers.get(name)
    if (known !== undefined) return known.output
    let made: { readonly stream: Stream; readonly output: Output; readonly child?: Child }
    if (kind === '|') {
      yield* this.#output.flush()
      const { readEnd: read, writeEnd: write } = new Pipe()
      const descriptors = sharedOf(this.#process)
      descriptors.get(0)?.close()
      descriptors.set(0, read)
      const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(name)], descriptors })
      made = { stream: write, output: new Output(this.#process, write), child }
    } else {
      const how = kind === '>>' ? { append: true } : { write: true, truncate: true }
      const stream = openStream(this.#process, named(name), { ...how, create: true })
      made = { stream, output: new Output(this.#process, stream) }
    }
    this.#writers.set(name, made)
    return made.output
  }

  *#reader(name: string, isCommand: boolean): Step<Lines | undefined> {
    const known = this.#readers.get(name)
    if (known !== undefined) return known.lines
    try {
      if (!isCommand) {
        const stream = openInput(this.#process, named(name))
        this.#readers.set(name, { stream, lines: new Lines(this.#process, stream) })
      } else {
        yield* this.#output.flush()
        const { readEnd: read, writeEnd: write } = new Pipe()
        const descriptors = sharedOf(this.#process)
        descriptors.get(1)?.close()
        descriptors.set(1, write)
        const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(name)], descriptors })
        this.#readers.set(name, { stream: read, lines: new Lines(this.#process, read), child })
      }
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      return undefined
    }
    return this.#readers.get(name)!.lines
  }

  *#close(name: string): Step<number> {
    const writer = this.#writers.get(name)
    const reader = this.#readers.get(name)
    this.#writers.delete(name)
    this.#readers.delete(name)
    if (writer !== undefined) {
      yield* this.#output.flush()
      yield* writer.output.flush()
      writer.stream.close()
    }
    reader?.stream.close()
    const child = writer?.child ?? reader?.child
    if (child !== undefined) return yield* child.exited()
    return (writer ?? reader) ? 0 : -1
  }

  // Values

  *#value(expression: Expression): Step<Value> {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return expression.value
      case 'regex':
        return expression.pattern.test(this.#record) ? 1 : 0
      case 'variable':
        return this.#variable(expression.name)
      case 'field':
        return this.#field(this.#number(yield* this.#value(expression.index)))
      case 'element': {
        const key = yield* this.#key(expression.keys)
        const array = this.#array(expression.array)
        if (!array.has(key)) {
          array.set(key, undefined)
          this.#process.allocate(64 + key.length)
        }
        return array.get(key)
      }
      case 'in':
        return this.#array(expression.array).has(yield* this.#key(expression.keys)) ? 1 : 0
      case 'group':
        return yield* this.#key(expression.items)
      case 'assign': {
        const value = yield* this.#value(expression.value)
        const { operator, to } = expression
        if (operator === '') {
          yield* this.#put(to, value)
          return value
        }
        const result = arithmetic(operator, this.#number(yield* this.#value(to)), this.#number(value))
        yield* this.#put(to, result)
        return result
      }
      case 'step': {
        const before = this.#number(yield* this.#value(expression.of))
        yield* this.#put(expression.of, before + expression.by)
        return expression.before ? before + expression.by : before
      }
      case 'unary': {
        const value = yield* this.#value(expression.of)
        if (expression.operator === '!') return truth(value) ? 0 : 1
        return expression.operator === '-' ? -this.#number(value) : this.#number(value)
      }
      case 'choice':
        return yield* this.#value(truth(yield* this.#value(expression.test)) ? expression.yes : expression.no)
      case 'binary':
        return yield* this.#binary(expression.operator, expression.left, expression.right)
      case 'getline':
        return yield* this.#getline(expression)
      case 'call':
        return expression.own
          ? yield* this.#call(expression.name, expression.words)
          : yield* this.#builtin(expression.name, expression.words)
    }
  }

  *#binary(operator: string, left: Expression, right: Expression): Step<Value> {
    if (operator === '&&') return truth(yield* this.#value(left)) && truth(yield* this.#value(right)) ? 1 : 0
    if (operator === '||') return truth(yield* this.#value(left)) || truth(yield* this.#value(right)) ? 1 : 0
    const one = yield* this.#value(left)
    if (operator === '~' || operator === '!~') {
      const pattern = yield* this.#pattern(right)
      return pattern.test(this.#text(one)) === (operator === '~') ? 1 : 0
    }
    const other = yield* this.#value(right)
    if (operator === '') return this.#text(one) + this.#text(other)
    if (['<', '<=', '==', '!=', '>=', '>'].includes(operator)) return this.#compare(operator, one, other) ? 1 : 0
    return arithmetic(operator, this.#number(one), this.#number(other))
  }

  #compare(operator: string, one: Value, other: Value): boolean {
    const isNumeric = (value: Value) =>
      value === undefined || typeof value === 'number' || (value instanceof Given && value.isNumber)
    let order: number
    if (isNumeric(one) && isNumeric(other)) order = this.#number(one) - this.#number(other)
    else {
      const [a, b] = [this.#text(one), this.#text(other)]
      order = a < b ? -1 : a > b ? 1 : 0
    }
    switch (operator) {
      case '<':
        return order < 0
      case '<=':
        return order <= 0
      case '==':
        return order === 0
      case '!=':
        return order !== 0
      case '>=':
        return order >= 0
      default:
        return order > 0
    }
  }

  *#pattern(expression: Expression, flags = ''): Step<RegExp> {
    if (expression.kind === 'regex') {
      return flags === '' ? expression.pattern : new RegExp(expression.pattern.source, flags)
    }
    return compiled(this.#text(yield* this.#value(expression)), { extended: true, flags })
  }

  *#put(to: Expression, value: Value): Step<void> {
    if (to.kind === 'variable') this.#setVariable(to.name, value)
    else if (to.kind === 'element') {
      const key = yield* this.#key(to.keys)
      const array = this.#array(to.array)
      if (!array.has(key)) this.#process.allocate(64 + key.length)
      array.set(key, value)
    } else if (to.kind === 'field') {
      const index = this.#number(yield* this.#value(to.index))
      if (index === 0) this.#setRecord(this.#text(value))
      else {
        if (!(index > 0 && index < 100_000)) throw new ToolError('trying to access out of range field')
        const fields = this.#split()
        while (fields.length < index) fields.push('')
        fields[index - 1] = value
        this.#rebuild()
      }
    }
  }

  #field(index: number): Value {
    if (index === 0) return new Given(this.#record)
    if (index < 0) throw new ToolError('trying to access out of range field')
    return this.#split()[Math.trunc(index) - 1]
  }

  #variable(name: string): Value {
    if (name === 'NF') return this.#split().length
    const local = this.#locals?.has(name) ? this.#locals.get(name) : this.#globals.get(name)
    if (local instanceof Map) throw new ToolError('attempt to use array in a scalar context')
    return local
  }

  #setVariable(name: string, value: Value): void {
    if (name === 'NF') {
      const fields = this.#split()
      const count = Math.min(100_000, Math.max(0, Math.trunc(this.#number(value))))
      while (fields.length < count) fields.push('')
      fields.length = count
      this.#rebuild()
      return
    }
    // Fields that were not looked at yet are those of the separator so far.
    if (name === 'FS') this.#split()
    if (this.#locals?.has(name)) this.#locals.set(name, value)
    else this.#globals.set(name, value)
  }

  #array(name: string): Cells {
    const scope = this.#locals?.has(name) ? this.#locals : this.#globals
    let array = scope.get(name)
    if (array === undefined) {
      array = new Map<string, Value>()
      scope.set(name, array)
    }
    if (!(array instanceof Map)) throw new ToolError('attempt to use scalar as array')
    return array
  }

  *#key(keys: readonly Expression[]): Step<string> {
    const parts: string[] = []
    for (const key of keys) parts.push(this.#text(yield* this.#value(key)))
    return parts.join(this.#text(this.#globals.get('SUBSEP') as Value))
  }

  #text(value: Value, format = 'CONVFMT'): string {
    if (value === undefined) return ''
    if (typeof value === 'string') return value
    if (value instanceof Given) return value.text
    if (Number.isInteger(value) && Math.abs(value) < 1e16) return String(value)
    return this.#formatted([this.#globals.get(format) as Value, value])
  }

  #number(value: Value): number {
    if (typeof value === 'number') return value
    if (value === undefined) return 0
    const text = value instanceof Given ? value.text : value
    return Number(/^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?/.exec(text)?.[0] ?? 0)
  }

  #formatted([format, ...values]: readonly Value[]): string {
    let at = 0
    return this.#text(format).replace(
      /%(%|([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+)?)?[hlL]*([diouxXeEfFgGcs]))/g,
      (whole, one: string, flags = '', width?: string, precision?: string, kind = '') => {
        if (one === '%') return '%'
        const star = (text: string | undefined) => (text === '*' ? this.#number(values[at++]) : Number(text ?? 0))
        const wide = width === undefined ? undefined : star(width)
        const places = /\./.test(whole) ? star(precision) : undefined
        const value = values[at++]
        if (kind !== 's' && kind !== 'c') return numberText(kind, flags, wide, places, this.#number(value))
        const isCode = kind === 'c' && (typeof value === 'number' || (value instanceof Given && value.isNumber))
        let text = isCode ? String.fromCharCode(this.#number(value) & 255) : this.#text(value)
        if (kind === 'c') text = text.slice(0, 1)
        if (places !== undefined) text = text.slice(0, places)
        return flags.includes('-') ? text.padEnd(wide ?? 0) : text.padStart(wide ?? 0)
      },
    )
  }

  *#getline({ to, file, command }: Extract<Expression, { kind: 'getline' }>): Step<Value> {
    let line: string | undefined
    if (file === undefined && command === undefined) {
      line = yield* this.#read()
      if (line === undefined) return 0
    } else {
      const name = this.#text(yield* this.#value(command ?? file!))
      const lines = yield* this.#reader(name, command !== undefined)
      if (lines === undefined) return -1
      line = yield* this.#recordOf(lines)
      if (line === undefined) return 0
      if (command !== undefined) this.set('NR', this.#number(this.#globals.get('NR') as Value) + 1)
    }
    if (to === undefined) this.#setRecord(line)
    else yield* this.#put(to, new Given(line))
    return 1
  }

  *#call(name: string, words: readonly Expression[]): Step<Value> {
    const called = this.#program.functions.get(name)
    if (called === undefined) throw new ToolError(`cmd. line:1: Call to undefined function`)
    if (this.#depth >= deepest) throw new ToolError('too deep in functions')
    const locals = new Map<string, Value | Cells>()
    const given: (readonly [string, string])[] = []
    for (const [index, parameter] of called.parameters.entries()) {
      const word = words[index]
      if (word?.kind === 'variable') {
        const scope = this.#locals?.has(word.name) ? this.#locals : this.#globals
        const known = scope.get(word.name)
        locals.set(parameter, known)
        // What is nothing yet may become an array in there.
        if (known === undefined && word.name !== 'NF') given.push([parameter, word.name])
        else if (word.name === 'NF') locals.set(parameter, this.#variable('NF'))
      } else locals.set(parameter, word === undefined ? undefined : yield* this.#value(word))
    }
    const outer = this.#locals
    this.#locals = locals
    this.#depth++
    try {
      yield* this.#do(called.body)
      return undefined
    } catch (error) {
      if (!(error instanceof Return)) throw error
      return error.value
    } finally {
      this.#depth--
      this.#locals = outer
      for (const [parameter, own] of given) {
        const array = locals.get(parameter)
        if (array instanceof Map) (outer?.has(own) ? outer : this.#globals).set(own, array)
      }
    }
  }

  *#builtin(name: string, words: readonly Expression[]): Step<Value> {
    const [first, second, third] = words
    if (name === 'length' && first?.kind === 'variable') {
      const known = this.#locals?.has(first.name) ? this.#locals.get(first.name) : this.#globals.get(first.name)
      if (known instanceof Map) return known.size
    }
    if (name === 'split') return yield* this.#splitInto(first!, second!, third)
    if (name === 'sub' || name === 'gsub') return yield* this.#substitute(name === 'gsub', first!, second!, third)
    if (name === 'match') {
      const found = (yield* this.#pattern(second!)).exec(this.#text(yield* this.#value(first!)))
      this.set('RSTART', found === null ? 0 : found.index + 1)
      this.set('RLENGTH', found === null ? -1 : found[0].length)
      return this.#globals.get('RSTART') as Value
    }
    const values: Value[] = []
    for (const word of words) values.push(yield* this.#value(word))
    const text = (index: number) => this.#text(values[index])
    const number = (index: number) => this.#number(values[index])
    switch (name) {
      case 'length':
        return words.length === 0 ? this.#record.length : text(0).length
      case 'substr': {
        const start = Math.max(0, Math.round(number(1)) - 1)
        const count = values.length > 2 ? Math.max(0, Math.round(number(2))) : Number.POSITIVE_INFINITY
        return text(0).slice(start, start + count)
      }
      case 'index':
        return text(0).indexOf(text(1)) + 1
      case 'sprintf':
        return this.#formatted(values)
      case 'tolower':
        return text(0).replace(/[A-Z]+/g, part => part.toLowerCase())
      case 'toupper':
        return text(0).replace(/[a-z]+/g, part => part.toUpperCase())
      case 'int':
        return Math.trunc(number(0))
      case 'sqrt':
      case 'exp':
      case 'log':
      case 'sin':
      case 'cos':
        return Math[name](number(0))
      case 'atan2':
        return Math.atan2(number(0), number(1))
      case 'rand':
        return this.#process.random.fraction()
      case 'srand':
        return 0
      case 'systime':
        return Math.floor(this.#process.clock.now() / 1000)
      case 'strftime':
        return formatted(
          values.length > 1 ? number(1) * 1000 : this.#process.clock.now(),
          text(0) || '%a %b %e %H:%M:%S %Z %Y',
        )
      case 'and':
        return Number(BigInt(number(0)) & BigInt(number(1)))
      case 'or':
        return Number(BigInt(number(0)) | BigInt(number(1)))
      case 'xor':
        return Number(BigInt(number(0)) ^ BigInt(number(1)))
      case 'lshift':
        return number(0) * 2 ** number(1)
      case 'rshift':
        return Math.floor(number(0) / 2 ** number(1))
      case 'close':
        return yield* this.#close(text(0))
      case 'fflush':
        yield* this.#output.flush()
        for (const { output } of this.#writers.values()) yield* output.flush()
        return 0
      case 'system': {
        yield* this.#output.flush()
        const child = this.#process.spawn({ argv: ['/bin/sh', '-c', named(text(0))] })
        return yield* child.exited()
      }
      default:
        throw new ToolError(`${name}() is not simulated`)
    }
  }

  *#splitInto(of: Expression, into: Expression, by: Expression | undefined): Step<Value> {
    const text = this.#text(yield* this.#value(of))
    const separator =
      by === undefined ? (this.#globals.get('FS') as Value) : by.kind === 'regex' ? by.pattern : yield* this.#value(by)
    if (into.kind !== 'variable') throw new ToolError('cmd. line:1: Unexpected token')
    const parts = this.#parts(text, separator)
    const array = this.#array(into.name)
    array.clear()
    for (const [index, part] of parts.entries()) array.set(String(index + 1), new Given(part))
    return parts.length
  }

  *#substitute(all: boolean, of: Expression, by: Expression, into: Expression | undefined): Step<Value> {
    const pattern = yield* this.#pattern(of, 'g')
    const parts = replacementOf(this.#text(yield* this.#value(by)))
    const target = into ?? ({ kind: 'field', index: { kind: 'number', value: 0 } } as const)
    const text = this.#text(yield* this.#value(target))
    let [count, at, out] = [0, 0, '']
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      const [found] = match
      // Nothing right behind a match is none of its own.
      if (found === '' && count > 0 && match.index === at && at > 0) {
        pattern.lastIndex++
        continue
      }
      count++
      out += text.slice(at, match.index) + parts.map(part => part ?? found).join('')
      at = match.index + found.length
      if (!all) break
      if (found === '') pattern.lastIndex++
    }
    if (count > 0) yield* this.#put(target, out + text.slice(at))
    return count
  }
}

/** undefined: what was found. */
function replacementOf(text: string): readonly (string | undefined)[] {
  const parts: (string | undefined)[] = []
  for (const [part] of text.matchAll(/\\\\&|\\&|&|[^\\&]+|\\/g)) {
    if (part === '&') parts.push(undefined)
    else if (part === '\\\\&') parts.push('\\', undefined)
    else parts.push(part === '\\&' ? '&' : part)
  }
  return parts
}

function splitBy(text: string, pattern: RegExp): readonly string[] {
  const parts: string[] = []
  const used = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`)
  let at = 0
  for (let match = used.exec(text); match !== null; match = used.exec(text)) {
    if (match[0] === '') {
      used.lastIndex++
      continue
    }
    parts.push(text.slice(at, match.index))
    at = match.index + match[0].length
  }
  return [...parts, text.slice(at)]
}

function arithmetic(operator: string, one: number, other: number): number {
  if ((operator === '/' || operator === '%') && other === 0) throw new ToolError('cmd. line:1: Division by zero')
  switch (operator) {
    case '+':
      return one + other
    case '-':
      return one - other
    case '*':
      return one * other
    case '/':
      return one / other
    case '%':
      return one % other
    default:
      return one ** other
  }
}

function truth(value: Value): boolean {
  if (value instanceof Given) return value.isNumber ? Number(value.text) !== 0 : value.text !== ''
  return value !== undefined && value !== 0 && value !== ''
}

/** Words for the system are text again. */
function named(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString()
}

function sharedOf(process: Process): Map<number, Stream> {
  return new Map([...process.descriptors].map(([number, stream]) => [number, stream.share()]))
}
