// awk: patterns and deeds over records; fields, arrays, functions, printf, getline, pipes to and from the shell.

import type { Process } from '../process.ts'
import type { Step } from '../wait.ts'
import { plainFunction } from './awk-functions.ts'
import { Records } from './awk-records.ts'
import { Streams } from './awk-streams.ts'
import { type AwkProgram, type Expression, parseAwk, type Redirect, type Statement } from './awk-syntax.ts'
import {
  arithmetic,
  type Cells,
  compare,
  formattedText,
  Given,
  numberOf,
  replacementOf,
  truth,
  type Value,
} from './awk-values.ts'
import { optionsOf } from './options.ts'
import { compiled } from './posix-pattern.ts'
import { unescaped } from './printf-text.ts'
import { bytesOf, Output, readAll, tryOpen } from './text-streams.ts'
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
  readonly #streams: Streams
  readonly #records: Records
  readonly #ranges = new Set<number>()
  #locals: Map<string, Value | Cells> | undefined
  #code = 0
  #hasExited = false
  #steps = 0
  #depth = 0

  constructor(process: Process, program: AwkProgram, words: readonly string[]) {
    this.#process = process
    this.#program = program
    this.#output = new Output(process)
    this.#streams = new Streams(process, this.#output)
    this.#records = new Records(process, this.#output, words, {
      get: name => this.#globals.get(name) as Value,
      set: (name, value) => this.set(name, value),
      text: name => this.#text(this.#globals.get(name) as Value),
      textOf: value => this.#text(value),
      assign: word => this.assign(word),
      fail: () => {
        this.#code = 1
      },
    })
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
    if (readsInput && !this.#hasExited) yield* this.#until(Exit, () => this.#allRecords())
    // What follows an exit is END; an exit in END ends it.
    yield* this.#until(Exit, () => this.#all(of('END').map(({ body }) => body!)))
    yield* this.#output.flush()
    yield* this.#streams.closeAll()
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

  *#allRecords(): Step<void> {
    while (yield* this.#records.nextRecord()) yield* this.#until(Next, () => this.#oneRecord())
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
      if (body === undefined)
        yield* this.#output.put(this.#records.record + this.#text(this.#globals.get('ORS') as Value))
      else yield* this.#do(body)
    }
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
        if (statement.value) this.#code = numberOf(yield* this.#value(statement.value)) & 255
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
      const parts = values.length === 0 ? [this.#records.record] : values.map(value => this.#text(value, 'OFMT'))
      text = parts.join(this.#text(this.#globals.get('OFS') as Value)) + this.#text(this.#globals.get('ORS') as Value)
    }
    if (redirect === undefined) return yield* this.#output.put(text)
    const output = yield* this.#streams.writer(redirect.kind, this.#text(yield* this.#value(redirect.to)))
    yield* output.put(text)
  }

  // Values

  *#value(expression: Expression): Step<Value> {
    switch (expression.kind) {
      case 'number':
      case 'string':
        return expression.value
      case 'regex':
        return expression.pattern.test(this.#records.record) ? 1 : 0
      case 'variable':
        return this.#variable(expression.name)
      case 'field':
        return this.#field(numberOf(yield* this.#value(expression.index)))
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
        const result = arithmetic(operator, numberOf(yield* this.#value(to)), numberOf(value))
        yield* this.#put(to, result)
        return result
      }
      case 'step': {
        const before = numberOf(yield* this.#value(expression.of))
        yield* this.#put(expression.of, before + expression.by)
        return expression.before ? before + expression.by : before
      }
      case 'unary': {
        const value = yield* this.#value(expression.of)
        if (expression.operator === '!') return truth(value) ? 0 : 1
        return expression.operator === '-' ? -numberOf(value) : numberOf(value)
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
    if (['<', '<=', '==', '!=', '>=', '>'].includes(operator))
      return compare(operator, one, other, value => this.#text(value)) ? 1 : 0
    return arithmetic(operator, numberOf(one), numberOf(other))
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
      const index = numberOf(yield* this.#value(to.index))
      if (index === 0) this.#records.setRecord(this.#text(value))
      else {
        if (!(index > 0 && index < 100_000)) throw new ToolError('trying to access out of range field')
        const fields = this.#records.split()
        while (fields.length < index) fields.push('')
        fields[index - 1] = value
        this.#records.rebuild()
      }
    }
  }

  #field(index: number): Value {
    if (index === 0) return new Given(this.#records.record)
    if (index < 0) throw new ToolError('trying to access out of range field')
    return this.#records.split()[Math.trunc(index) - 1]
  }

  #variable(name: string): Value {
    if (name === 'NF') return this.#records.split().length
    const local = this.#locals?.has(name) ? this.#locals.get(name) : this.#globals.get(name)
    if (local instanceof Map) throw new ToolError('attempt to use array in a scalar context')
    return local
  }

  #setVariable(name: string, value: Value): void {
    if (name === 'NF') {
      const fields = this.#records.split()
      const count = Math.min(100_000, Math.max(0, Math.trunc(numberOf(value))))
      while (fields.length < count) fields.push('')
      fields.length = count
      this.#records.rebuild()
      return
    }
    // Fields that were not looked at yet are those of the separator so far.
    if (name === 'FS') this.#records.split()
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

  #formatted(values: readonly Value[]): string {
    return formattedText(values, value => this.#text(value))
  }

  *#getline({ to, file, command }: Extract<Expression, { kind: 'getline' }>): Step<Value> {
    let line: string | undefined
    if (file === undefined && command === undefined) {
      line = yield* this.#records.read()
      if (line === undefined) return 0
    } else {
      const name = this.#text(yield* this.#value(command ?? file!))
      const lines = yield* this.#streams.reader(name, command !== undefined)
      if (lines === undefined) return -1
      line = yield* this.#records.recordOf(lines)
      if (line === undefined) return 0
      if (command !== undefined) this.set('NR', numberOf(this.#globals.get('NR') as Value) + 1)
    }
    if (to === undefined) this.#records.setRecord(line)
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
    switch (name) {
      case 'length':
        return words.length === 0 ? this.#records.record.length : text(0).length
      case 'sprintf':
        return this.#formatted(values)
      case 'close':
        return yield* this.#streams.close(text(0))
      case 'fflush':
        yield* this.#streams.flush()
        return 0
      case 'system':
        return yield* this.#streams.system(text(0))
    }
    return plainFunction(name, values, text, this.#process)
  }

  *#splitInto(of: Expression, into: Expression, by: Expression | undefined): Step<Value> {
    const text = this.#text(yield* this.#value(of))
    const separator =
      by === undefined ? (this.#globals.get('FS') as Value) : by.kind === 'regex' ? by.pattern : yield* this.#value(by)
    if (into.kind !== 'variable') throw new ToolError('cmd. line:1: Unexpected token')
    const parts = this.#records.parts(text, separator)
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
