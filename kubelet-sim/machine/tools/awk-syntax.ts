// awk's language as POSIX has it: words, then trees. Pure; awk.ts runs them.

import { compiled } from './posix-pattern.ts'
import { unescaped } from './printf-text.ts'
import { ToolError } from './tool.ts'

export type Expression =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'regex'; readonly pattern: RegExp }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'field'; readonly index: Expression }
  | { readonly kind: 'element'; readonly array: string; readonly keys: readonly Expression[] }
  | { readonly kind: 'in'; readonly array: string; readonly keys: readonly Expression[] }
  | { readonly kind: 'group'; readonly items: readonly Expression[] }
  | { readonly kind: 'assign'; readonly operator: string; readonly to: Expression; readonly value: Expression }
  | { readonly kind: 'step'; readonly by: 1 | -1; readonly before: boolean; readonly of: Expression }
  | { readonly kind: 'unary'; readonly operator: string; readonly of: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'choice'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly words: readonly Expression[]; readonly own: boolean }
  | {
      readonly kind: 'getline'
      readonly to: Expression | undefined
      readonly file: Expression | undefined
      readonly command: Expression | undefined
    }

export interface Redirect {
  readonly kind: '>' | '>>' | '|'
  readonly to: Expression
}

export type Statement =
  | { readonly kind: 'expression'; readonly of: Expression }
  | {
      readonly kind: 'print'
      readonly formatted: boolean
      readonly items: readonly Expression[]
      readonly redirect: Redirect | undefined
    }
  | { readonly kind: 'if'; readonly test: Expression; readonly yes: Statement; readonly no: Statement | undefined }
  | { readonly kind: 'while'; readonly test: Expression; readonly body: Statement; readonly first: boolean }
  | {
      readonly kind: 'for'
      readonly start: Statement | undefined
      readonly test: Expression | undefined
      readonly next: Statement | undefined
      readonly body: Statement
    }
  | { readonly kind: 'each'; readonly name: string; readonly array: string; readonly body: Statement }
  | { readonly kind: 'block'; readonly of: readonly Statement[] }
  | { readonly kind: 'next' | 'break' | 'continue' }
  | { readonly kind: 'exit' | 'return'; readonly value: Expression | undefined }
  | { readonly kind: 'delete'; readonly array: string; readonly keys: readonly Expression[] | undefined }

export interface Rule {
  readonly when: 'BEGIN' | 'END' | 'record'
  readonly from: Expression | undefined
  readonly to: Expression | undefined
  /** undefined: print the record. */
  readonly body: Statement | undefined
}

export interface AwkFunction {
  readonly parameters: readonly string[]
  readonly body: Statement
}

export interface AwkProgram {
  readonly rules: readonly Rule[]
  readonly functions: ReadonlyMap<string, AwkFunction>
}

interface Word {
  readonly kind: 'number' | 'string' | 'regex' | 'name' | 'call' | 'operator' | 'line' | 'end'
  readonly text: string
}

const keywords: ReadonlySet<string> = new Set([
  ...['BEGIN', 'END', 'function', 'func', 'if', 'else', 'while', 'for', 'do', 'break', 'continue', 'next', 'exit'],
  ...['return', 'delete', 'in', 'getline', 'print', 'printf'],
])

export const builtins: ReadonlySet<string> = new Set([
  ...['length', 'substr', 'index', 'split', 'sub', 'gsub', 'match', 'sprintf', 'sin', 'cos', 'atan2', 'exp', 'log'],
  ...['sqrt', 'int', 'rand', 'srand', 'tolower', 'toupper', 'system', 'close', 'fflush', 'systime', 'strftime'],
  ...['and', 'or', 'xor', 'lshift', 'rshift', 'compl', 'mktime'],
])

function wordsOf(text: string): readonly Word[] {
  const words: Word[] = []
  let at = 0
  /** Whether a `/` here begins a pattern. */
  const mayBePattern = () => {
    const last = words.at(-1)
    if (last === undefined || last.kind === 'line') return true
    if (last.kind === 'operator') return ![')', ']', '$', '++', '--'].includes(last.text)
    return last.kind === 'name' && keywords.has(last.text)
  }
  while (at < text.length) {
    const rest = text.slice(at)
    const blank = /^(?:[ \t\r]|\\\r?\n|#[^\n]*)+/.exec(rest)
    if (blank !== null) {
      at += blank[0].length
      continue
    }
    const char = rest[0]!
    if (char === '\n') {
      words.push({ kind: 'line', text: '\n' })
      at++
      continue
    }
    const number = /^(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/.exec(rest)
    if (number !== null) {
      words.push({ kind: 'number', text: number[0] })
      at += number[0].length
      continue
    }
    const name = /^[A-Za-z_]\w*/.exec(rest)
    if (name !== null) {
      at += name[0].length
      const isCall = text[at] === '(' && !keywords.has(name[0])
      words.push({ kind: isCall ? 'call' : 'name', text: name[0] })
      continue
    }
    if (char === '"') {
      const string = /^"((?:[^"\\\n]|\\[\s\S])*)"/.exec(rest)
      if (string === null) throw new ToolError(`cmd. line:1: Unexpected end of string`)
      words.push({ kind: 'string', text: escaped(string[1]!) })
      at += string[0].length
      continue
    }
    if (char === '/' && mayBePattern()) {
      const pattern = /^\/((?:[^/\\\n[]|\\.|\[\^?\]?(?:\[:\w+:\]|[^\]\n])*\])*)\//.exec(rest)
      if (pattern === null) throw new ToolError('cmd. line:1: Unexpected end of pattern')
      words.push({ kind: 'regex', text: pattern[1]! })
      at += pattern[0].length
      continue
    }
    const operator =
      /^(?:\*\*=|&&|\|\||>>|\+\+|--|\+=|-=|\*=|\/=|%=|\^=|\*\*|==|<=|>=|!=|!~|[-{}()[\];,+*/%^!<>|?:~$=])/.exec(rest)
    if (operator === null) throw new ToolError(`cmd. line:1: Unexpected token`)
    words.push({ kind: 'operator', text: operator[0] === '**' ? '^' : operator[0] === '**=' ? '^=' : operator[0] })
    at += operator[0].length
  }
  words.push({ kind: 'end', text: '' })
  return words
}

function escaped(text: string): string {
  return unescaped(text.replaceAll('\\"', '"').replaceAll('\\/', '/').replaceAll('\\\n', ''), 'printf').text
}

export function parseAwk(text: string): AwkProgram {
  return new Parser(wordsOf(text)).program()
}

class Parser {
  readonly #words: readonly Word[]
  #at = 0
  /** Inside `print a > b` a `>` is no comparison; inside `for (x in y)` an `in` is. */
  #noGreater = false
  #noIn = false

  constructor(words: readonly Word[]) {
    this.#words = words
  }

  program(): AwkProgram {
    const rules: Rule[] = []
    const functions = new Map<string, AwkFunction>()
    while (true) {
      this.#ends()
      if (this.#word.kind === 'end') return { rules, functions }
      if (this.#tookName('function') || this.#tookName('func')) {
        const { text } = this.#take()
        this.#expect('(')
        const parameters: string[] = []
        while (!this.#took(')')) {
          parameters.push(this.#take().text)
          this.#took(',')
        }
        this.#lines()
        functions.set(text, { parameters, body: this.#block() })
        continue
      }
      if (this.#tookName('BEGIN')) rules.push({ when: 'BEGIN', from: undefined, to: undefined, body: this.#block() })
      else if (this.#tookName('END')) rules.push({ when: 'END', from: undefined, to: undefined, body: this.#block() })
      else {
        let [from, to]: [Expression | undefined, Expression | undefined] = [undefined, undefined]
        if (!this.#is('{')) {
          from = this.#expression()
          if (this.#took(',')) {
            this.#lines()
            to = this.#expression()
          }
        }
        rules.push({ when: 'record', from, to, body: this.#is('{') ? this.#block() : undefined })
      }
    }
  }

  get #word(): Word {
    return this.#words[this.#at]!
  }

  #take(): Word {
    return this.#words[this.#at++]!
  }

  #is(text: string): boolean {
    return this.#word.kind === 'operator' && this.#word.text === text
  }

  #took(text: string): boolean {
    if (!this.#is(text)) return false
    this.#at++
    return true
  }

  #isName(text: string): boolean {
    return this.#word.kind === 'name' && this.#word.text === text
  }

  #tookName(text: string): boolean {
    if (!this.#isName(text)) return false
    this.#at++
    return true
  }

  #expect(text: string): void {
    if (!this.#took(text)) throw new ToolError('cmd. line:1: Unexpected token')
  }

  #lines(): void {
    while (this.#word.kind === 'line') this.#at++
  }

  #ends(): void {
    while (this.#word.kind === 'line' || this.#is(';')) this.#at++
  }

  #block(): Statement {
    this.#expect('{')
    const of: Statement[] = []
    while (true) {
      this.#ends()
      if (this.#took('}')) return { kind: 'block', of }
      of.push(this.#statement())
    }
  }

  #statement(): Statement {
    if (this.#is('{')) return this.#block()
    if (this.#tookName('if')) {
      this.#expect('(')
      const test = this.#expression()
      this.#expect(')')
      this.#lines()
      const yes = this.#is(';') ? this.#empty() : this.#statement()
      const mark = this.#at
      this.#ends()
      if (this.#tookName('else')) {
        this.#lines()
        return { kind: 'if', test, yes, no: this.#statement() }
      }
      this.#at = mark
      return { kind: 'if', test, yes, no: undefined }
    }
    if (this.#tookName('while')) {
      this.#expect('(')
      const test = this.#expression()
      this.#expect(')')
      if (this.#took(';')) return { kind: 'while', test, body: { kind: 'block', of: [] }, first: true }
      this.#lines()
      return { kind: 'while', test, body: this.#statement(), first: true }
    }
    if (this.#tookName('do')) {
      this.#lines()
      const body = this.#statement()
      this.#ends()
      if (!this.#tookName('while')) throw new ToolError('cmd. line:1: Unexpected token')
      this.#expect('(')
      const test = this.#expression()
      this.#expect(')')
      return { kind: 'while', test, body, first: false }
    }
    if (this.#tookName('for')) return this.#for()
    const simple = this.#simple()
    if (!this.#is('}') && this.#word.kind !== 'end' && !this.#took(';')) {
      if (this.#word.kind !== 'line') throw new ToolError('cmd. line:1: Unexpected token')
      this.#at++
    }
    return simple
  }

  #empty(): Statement {
    this.#at++
    return { kind: 'block', of: [] }
  }

  #for(): Statement {
    this.#expect('(')
    const [name, , array] = this.#words.slice(this.#at, this.#at + 3)
    const close = this.#words[this.#at + 3]
    if (name?.kind === 'name' && this.#words[this.#at + 1]?.text === 'in' && close?.text === ')') {
      this.#at += 4
      this.#lines()
      return { kind: 'each', name: name.text, array: array!.text, body: this.#statement() }
    }
    const start = this.#is(';') ? undefined : this.#simple()
    this.#expect(';')
    this.#lines()
    const test = this.#is(';') ? undefined : this.#expression()
    this.#expect(';')
    this.#lines()
    const next = this.#is(')') ? undefined : this.#simple()
    this.#expect(')')
    if (this.#took(';')) return { kind: 'for', start, test, next, body: { kind: 'block', of: [] } }
    this.#lines()
    return { kind: 'for', start, test, next, body: this.#statement() }
  }

  get #isEnd(): boolean {
    return this.#is(';') || this.#is('}') || this.#word.kind === 'line' || this.#word.kind === 'end'
  }

  #simple(): Statement {
    if (this.#isName('print') || this.#isName('printf')) return this.#print(this.#take().text === 'printf')
    for (const kind of ['next', 'break', 'continue'] as const) if (this.#tookName(kind)) return { kind }
    for (const kind of ['exit', 'return'] as const) {
      if (this.#tookName(kind)) return { kind, value: this.#isEnd ? undefined : this.#expression() }
    }
    if (this.#tookName('delete')) {
      const array = this.#take().text
      if (!this.#took('[')) return { kind: 'delete', array, keys: undefined }
      return { kind: 'delete', array, keys: this.#list(']') }
    }
    return { kind: 'expression', of: this.#expression() }
  }

  #print(formatted: boolean): Statement {
    const items: Expression[] = []
    const outer = this.#noGreater
    this.#noGreater = true
    while (!this.#isEnd && !this.#is('>') && !this.#is('>>') && !this.#is('|')) {
      const item = this.#expression()
      if (item.kind === 'group') items.push(...item.items)
      else items.push(item)
      if (!this.#took(',')) break
      this.#lines()
    }
    let redirect: Redirect | undefined
    for (const kind of ['>', '>>', '|'] as const) {
      if (this.#took(kind)) redirect = { kind, to: this.#joined() }
    }
    this.#noGreater = outer
    return { kind: 'print', formatted, items, redirect }
  }

  #list(close: string): readonly Expression[] {
    const items: Expression[] = []
    const [greater, inn] = [this.#noGreater, this.#noIn]
    this.#noGreater = this.#noIn = false
    this.#lines()
    while (!this.#took(close)) {
      items.push(this.#expression())
      this.#lines()
      if (this.#took(',')) this.#lines()
      else if (!this.#is(close)) throw new ToolError('cmd. line:1: Unexpected token')
    }
    this.#noGreater = greater
    this.#noIn = inn
    return items
  }

  #expression(): Expression {
    const left = this.#choice()
    for (const operator of ['=', '+=', '-=', '*=', '/=', '%=', '^=']) {
      if (!this.#is(operator) || !isPlace(left)) continue
      this.#at++
      this.#lines()
      return { kind: 'assign', operator: operator.slice(0, -1), to: left, value: this.#expression() }
    }
    return left
  }

  #choice(): Expression {
    const test = this.#or()
    if (!this.#took('?')) return test
    this.#lines()
    const yes = this.#expression()
    this.#lines()
    this.#expect(':')
    this.#lines()
    return { kind: 'choice', test, yes, no: this.#expression() }
  }

  #binary(operators: readonly string[], next: () => Expression): Expression {
    let left = next()
    while (true) {
      const operator = operators.find(each => this.#is(each))
      if (operator === undefined) return left
      this.#at++
      this.#lines()
      left = { kind: 'binary', operator, left, right: next() }
    }
  }

  #or(): Expression {
    return this.#binary(['||'], () => this.#binary(['&&'], () => this.#membership()))
  }

  #membership(): Expression {
    let left = this.#matched()
    while (!this.#noIn && this.#tookName('in')) {
      const array = this.#take().text
      left = { kind: 'in', array, keys: left.kind === 'group' ? left.items : [left] }
    }
    return left
  }

  #matched(): Expression {
    return this.#binary(['~', '!~'], () => this.#compared())
  }

  #compared(): Expression {
    const left = this.#joined()
    for (const operator of ['<=', '<', '==', '!=', '>=', '>']) {
      if (operator === '>' && this.#noGreater) continue
      if (this.#took(operator)) return { kind: 'binary', operator, left, right: this.#joined() }
    }
    // `command | getline`
    let piped = left
    while (this.#is('|') && this.#words[this.#at + 1]?.text === 'getline') {
      this.#at += 2
      piped = { kind: 'getline', to: this.#place(), file: undefined, command: piped }
    }
    return piped
  }

  #joined(): Expression {
    let left = this.#sum()
    while (this.#startsOperand()) left = { kind: 'binary', operator: '', left, right: this.#sum() }
    return left
  }

  #startsOperand(): boolean {
    const { kind, text } = this.#word
    if (kind === 'number' || kind === 'string' || kind === 'regex' || kind === 'call') return true
    if (kind === 'name') return !keywords.has(text)
    return kind === 'operator' && ['$', '!', '(', '-', '+', '++', '--'].includes(text)
  }

  #sum(): Expression {
    return this.#binary(['+', '-'], () => this.#binary(['*', '/', '%'], () => this.#unary()))
  }

  #unary(): Expression {
    for (const operator of ['!', '-', '+']) {
      if (this.#took(operator)) return { kind: 'unary', operator, of: this.#unary() }
    }
    return this.#power()
  }

  #power(): Expression {
    const left = this.#stepped()
    if (!this.#took('^')) return left
    return { kind: 'binary', operator: '^', left, right: this.#unary() }
  }

  #stepped(): Expression {
    for (const [operator, by] of [
      ['++', 1],
      ['--', -1],
    ] as const) {
      if (this.#took(operator)) return { kind: 'step', by, before: true, of: this.#primary() }
    }
    const of = this.#primary()
    if (isPlace(of)) {
      if (this.#took('++')) return { kind: 'step', by: 1, before: false, of }
      if (this.#took('--')) return { kind: 'step', by: -1, before: false, of }
    }
    return of
  }

  /** Where getline puts what it reads. */
  #place(): Expression | undefined {
    const { kind, text } = this.#word
    if ((kind === 'name' && !keywords.has(text)) || this.#is('$')) return this.#primary()
    return undefined
  }

  #primary(): Expression {
    const word = this.#take()
    switch (word.kind) {
      case 'number':
        return { kind: 'number', value: Number(word.text) }
      case 'string':
        return { kind: 'string', value: word.text }
      case 'regex':
        return { kind: 'regex', pattern: compiled(word.text, { extended: true }) }
      case 'call': {
        this.#expect('(')
        return { kind: 'call', name: word.text, words: this.#list(')'), own: !builtins.has(word.text) }
      }
      case 'name': {
        if (word.text === 'getline') {
          const to = this.#place()
          const file = this.#took('<') ? this.#primary() : undefined
          return { kind: 'getline', to, file, command: undefined }
        }
        if (keywords.has(word.text)) break
        if (this.#took('[')) return { kind: 'element', array: word.text, keys: this.#list(']') }
        if (word.text === 'length') return { kind: 'call', name: 'length', words: [], own: false }
        return { kind: 'variable', name: word.text }
      }
      case 'operator':
        if (word.text === '$') {
          const by = this.#took('++') ? 1 : this.#took('--') ? -1 : undefined
          const index = this.#primary()
          return { kind: 'field', index: by === undefined ? index : { kind: 'step', by, before: true, of: index } }
        }
        if (word.text === '(') {
          const items = this.#list(')')
          // Several in brackets are print's words, or the keys before `in`.
          return items.length === 1 ? items[0]! : { kind: 'group', items }
        }
        if (word.text === '-' || word.text === '!' || word.text === '+') {
          return { kind: 'unary', operator: word.text, of: this.#unary() }
        }
    }
    throw new ToolError('cmd. line:1: Unexpected token')
  }
}

function isPlace({ kind }: Expression): boolean {
  return kind === 'variable' || kind === 'field' || kind === 'element'
}
