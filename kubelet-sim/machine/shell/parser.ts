// Parser: a script's text as commands, one complete line at a time, as a shell reads it: what comes before a syntax error is
// run. Throws nothing but SyntaxFault. The words in it are read by word-reader.ts.

import {
  type Assignment,
  type CaseBranch,
  type Chain,
  type Command,
  type Compound,
  type Condition,
  type Dialect,
  type List,
  type ListItem,
  type Pipeline,
  type Redirect,
  type RedirectOperator,
  SyntaxFault,
  type Word,
} from './syntax.ts'
import { textWord, WordReader, wordOf } from './word-reader.ts'

const operators = /^(?:;;&|;;|;&|&&|&>>|&>|\|\||\|&|<<<|<<-|<<|<&|<>|>>|>&|>\||[;&|<>()\n])/
const reserved: ReadonlySet<string> = new Set([
  ...['if', 'then', 'elif', 'else', 'fi', 'for', 'while', 'until', 'do', 'done', 'case', 'esac', '{', '}', '!', 'in'],
])
const opening: ReadonlySet<string> = new Set([
  'if',
  'for',
  'while',
  'until',
  'case',
  '{',
  '!',
  '(',
  'function',
  'time',
  'select',
  '[[',
])
const redirect = /^(\d*)(&>>|&>|<<<|<<-|<<|<&|<>|>>|>&|>\||<|>)/
const assignment = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[([^\]\n]*)\])?(\+?)=/
const declaring: ReadonlySet<string> = new Set(['export', 'local', 'declare', 'typeset', 'readonly'])

interface PendingDocument {
  readonly delimiter: string
  readonly isQuoted: boolean
  readonly stripsTabs: boolean
  set(word: Word): void
}

export class Parser extends WordReader {
  #documents: PendingDocument[] = []
  #end: ')' | '`' | undefined

  /** The commands of the next line, or of as many as they take; undefined at the end. */
  next(): List | undefined {
    for (;;) {
      this.skipBlanks()
      if (this.char !== '\n') break
      this.skip(1)
    }
    if (this.isAtEnd) return undefined
    const list = this.#list(true)
    if (list.items.length === 0) throw this.#unexpected()
    this.skipBlanks()
    if (this.char === '\n') this.#newline()
    else if (!this.isAtEnd) throw this.#unexpected()
    return list
  }

  protected override listUntil(end: ')' | '`'): List {
    const outer = this.#end
    this.#end = end
    const list = this.#list(false)
    this.#end = outer
    this.#blankLines()
    if (end === '`') {
      if (!this.isAtEnd) throw this.#unexpected()
    } else if (this.char !== end)
      throw this.isAtEnd ? this.unterminated(`unexpected end of file (expecting ")")`) : this.#unexpected()
    return list
  }

  protected override inside(text: string): WordReader {
    const inner = new Parser(text, this.dialect)
    inner.line = this.line
    return inner
  }

  /** Commands, up to a word or operator that is not one's beginning; `oneLine`: or to the end of the line. */
  #list(oneLine: boolean): List {
    const items: ListItem[] = []
    for (;;) {
      if (!oneLine || items.length === 0) this.#blankLines()
      else this.skipBlanks()
      if (this.isAtEnd || this.char === '\n' || !this.#startsCommand()) break
      const from = this.at
      const chain = this.nested(() => this.#chain())
      const text = this.text.slice(from, this.at).trim()
      this.skipBlanks()
      const operator = this.#operator()
      const isBackground = operator === '&'
      items.push({ chain, isBackground, text })
      if (operator === ';' || operator === '&') this.skip(1)
      else if (operator !== '\n' || oneLine) break
    }
    return { items }
  }

  #startsCommand(): boolean {
    const operator = this.#operator()
    if (operator !== undefined && operator !== '(') return /^[<>]|^&>/.test(operator)
    const word = this.#peekWord()
    return !reserved.has(word) || opening.has(word)
  }

  #chain(): Chain {
    const first = this.#pipeline()
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = []
    for (;;) {
      this.skipBlanks()
      const operator = this.#operator()
      if (operator !== '&&' && operator !== '||') return { first, rest }
      this.skip(2)
      this.#blankLines()
      rest.push({ operator, pipeline: this.#pipeline() })
    }
  }

  #pipeline(): Pipeline {
    let isNegated = false
    let timed: Pipeline['timed']
    this.skipBlanks()
    if (this.#peekWord() === 'time' && this.dialect !== 'dash') {
      this.skip(4)
      this.skipBlanks()
      timed = 'plain'
      if (this.#peekWord() === '-p') {
        this.skip(2)
        timed = 'posix'
      }
      this.skipBlanks()
    }
    while (this.#peekWord() === '!') {
      this.skip(1)
      this.skipBlanks()
      isNegated = !isNegated
    }
    const commands: Command[] = []
    if (timed !== undefined && (this.isAtEnd || !this.#startsCommand())) return { isNegated, timed, commands }
    for (;;) {
      commands.push(this.#command())
      this.skipBlanks()
      const operator = this.#operator()
      if (operator !== '|' && operator !== '|&') return { isNegated, timed, commands }
      this.skip(operator.length)
      if (operator === '|&') {
        const last = commands.pop()! as Command & { redirects: readonly Redirect[] }
        const both: Redirect = { descriptor: 2, operator: '>&', target: textWord('1') }
        commands.push({ ...last, redirects: [...(last.redirects ?? []), both] } as Command)
      }
      this.#blankLines()
    }
  }

  #command(): Command {
    this.skipBlanks()
    const line = this.line
    const compound = this.#compound()
    if (compound !== undefined) {
      return 'line' in compound ? compound : { ...compound, redirects: this.#redirects(), line }
    }
    return this.#simple(line)
  }

  #compound(): Compound | Extract<Command, { kind: 'function' }> | undefined {
    if (this.char === '(') {
      if (this.startsWith('((') && this.dialect === 'bash') {
        const end = this.arithmeticEnd(this.at + 2)
        if (end !== undefined) {
          const expression = this.quotedText(this.text.slice(this.at + 2, end), false)
          this.skip(end + 2 - this.at)
          return { kind: 'arithmetic', expression }
        }
      }
      this.skip(1)
      const body = this.#required(this.#inBrackets(), ')')
      this.#expectChar(')')
      return { kind: 'subshell', body }
    }
    switch (this.#peekWord()) {
      case '{': {
        this.skip(1)
        const body = this.#required(this.#inner(), '}')
        this.#expect('}')
        return { kind: 'group', body }
      }
      case 'if':
        return this.#if()
      case 'while':
      case 'until': {
        const isUntil = this.#peekWord() === 'until'
        this.skip(5)
        const test = this.#required(this.#inner(), 'do')
        return { kind: 'loop', isUntil, test, body: this.#doGroup() }
      }
      case 'for':
        return this.#for()
      case 'select':
        return this.dialect === 'bash' ? this.#select() : undefined
      case 'case':
        return this.#case()
      case '[[': {
        if (this.dialect === 'dash') return undefined
        this.skip(2)
        const expression = this.#or()
        this.#expect(']]')
        return { kind: 'condition', expression }
      }
      case 'function': {
        if (this.dialect === 'dash') return undefined
        this.skip(8)
        this.skipBlanks()
        const name = this.word()?.literal
        if (name === undefined) throw this.#unexpected()
        this.skipBlanks()
        if (this.char === '(') {
          this.skip(1)
          this.skipBlanks()
          this.#expectChar(')')
        }
        return this.#function(name)
      }
      default: {
        const match = /^([^\s;&|<>()'"\\$`=]+)[ \t]*\([ \t]*\)/.exec(this.text.slice(this.at, this.at + 200))
        if (!match || reserved.has(match[1]!)) return undefined
        this.skip(match[0].length)
        return this.#function(match[1]!)
      }
    }
  }

  #function(name: string): Extract<Command, { kind: 'function' }> {
    const line = this.line
    this.#blankLines()
    const compound = this.#compound()
    if (compound === undefined || 'line' in compound) throw this.#unexpected()
    return { kind: 'function', name, body: { ...compound, redirects: this.#redirects(), line }, line }
  }

  #if(): Compound {
    const branches: { test: List; body: List }[] = []
    let otherwise: List | undefined
    this.skip(2)
    for (;;) {
      const test = this.#required(this.#inner(), 'then')
      this.#expect('then')
      branches.push({ test, body: this.#required(this.#inner(), 'fi') })
      const word = this.#peekWord()
      if (word === 'elif') {
        this.skip(4)
        continue
      }
      if (word === 'else') {
        this.skip(4)
        otherwise = this.#required(this.#inner(), 'fi')
      }
      this.#expect('fi')
      return { kind: 'if', branches, otherwise }
    }
  }

  #for(): Compound {
    this.skip(3)
    this.skipBlanks()
    if (this.startsWith('((') && this.dialect === 'bash') return this.#count()
    const { name, words } = this.#forHead()
    return { kind: 'for', name, words, body: this.#doGroup() }
  }

  #select(): Compound {
    this.skip(6)
    const { name, words } = this.#forHead()
    return { kind: 'select', name, words, body: this.#doGroup() }
  }

  #forHead(): { name: string; words: readonly Word[] | undefined } {
    this.skipBlanks()
    const name = this.word()?.literal
    if (name === undefined || !this.isName(name)) {
      throw name === undefined ? this.#unexpected() : new SyntaxFault('bad for loop variable', this.line, name)
    }
    this.#blankLines()
    let words: Word[] | undefined
    if (this.#peekWord() === 'in') {
      this.skip(2)
      words = []
      for (;;) {
        this.skipBlanks()
        const word = this.word()
        if (word === undefined) break
        words.push(word)
      }
    }
    this.skipBlanks()
    if (this.char === ';') this.skip(1)
    this.#blankLines()
    return { name, words }
  }

  #count(): Compound {
    const end = this.arithmeticEnd(this.at + 2)
    if (end === undefined) throw this.isAtEnd ? this.#unexpected() : this.unterminated('unexpected end of file')
    const texts = this.text.slice(this.at + 2, end).split(';')
    if (texts.length !== 3) throw new SyntaxFault('arithmetic expression required', this.line, '((')
    const [start, test, step] = texts.map(text => this.quotedText(text, false)) as [Word, Word, Word]
    this.skip(end + 2 - this.at)
    this.skipBlanks()
    if (this.char === ';') this.skip(1)
    this.#blankLines()
    const body = this.#peekWord() === '{' ? this.#braceGroup() : this.#doGroup()
    return { kind: 'count', start, test, step, body }
  }

  #braceGroup(): List {
    this.#expect('{')
    const body = this.#required(this.#inner(), '}')
    this.#expect('}')
    return body
  }

  #doGroup(): List {
    this.#blankLines()
    this.#expect('do')
    const body = this.#required(this.#inner(), 'done')
    this.#expect('done')
    return body
  }

  #case(): Compound {
    this.skip(4)
    this.skipBlanks()
    const subject = this.word()
    if (subject === undefined) throw this.#unexpected()
    this.#blankLines()
    this.#expect('in')
    const branches: CaseBranch[] = []
    for (;;) {
      this.#blankLines()
      if (this.#peekWord() === 'esac') {
        this.skip(4)
        return { kind: 'case', subject, branches }
      }
      if (this.char === '(') this.skip(1)
      const patterns: Word[] = []
      for (;;) {
        this.skipBlanks()
        const pattern = this.word()
        if (pattern === undefined) throw this.#unexpected('esac')
        patterns.push(pattern)
        this.skipBlanks()
        if (this.char !== '|') break
        this.skip(1)
      }
      this.#expectChar(')')
      const body = this.#inner()
      this.#blankLines()
      const operator = this.#operator()
      if (operator === ';;' || operator === ';&' || operator === ';;&') {
        this.skip(operator.length)
        branches.push({ patterns, body, end: operator })
        continue
      }
      branches.push({ patterns, body, end: ';;' })
      this.#expect('esac')
      return { kind: 'case', subject, branches }
    }
  }

  #simple(line: number): Command {
    const assignments: Assignment[] = []
    const words: Word[] = []
    const redirects: Redirect[] = []
    let declarations: Map<number, Assignment> | undefined
    for (;;) {
      this.skipBlanks()
      const own = this.#redirect()
      if (own !== undefined) {
        redirects.push(own)
        continue
      }
      const isDeclaring = words.length > 0 && declaring.has(words[0]!.literal ?? '')
      if (words.length === 0 || isDeclaring) {
        const found = this.#assignment()
        if (found !== undefined && words.length === 0) {
          assignments.push(found)
          continue
        }
        if (found !== undefined) {
          declarations ??= new Map()
          declarations.set(words.length, found)
          words.push(textWord(found.name))
          continue
        }
      }
      const word = this.word()
      if (word === undefined) break
      words.push(word)
    }
    if (words.length + assignments.length + redirects.length === 0) throw this.#unexpected()
    if (this.char === '(' && words.length > 0) throw this.#unexpected()
    return { kind: 'simple', assignments, words, declarations, redirects, line }
  }

  #assignment(): Assignment | undefined {
    const match = assignment.exec(this.text.slice(this.at, this.at + 300))
    if (!match || (this.dialect !== 'bash' && (match[2] !== undefined || match[3] === '+'))) return undefined
    this.skip(match[0].length)
    const subscript = match[2] === undefined ? undefined : this.quotedText(match[2], true)
    const base = { name: match[1]!, subscript, append: match[3] === '+' }
    if (this.char === '(' && this.dialect === 'bash') return { ...base, value: this.arrayElements() }
    return { ...base, value: this.word() ?? wordOf([]) }
  }

  #redirects(): Redirect[] {
    const redirects: Redirect[] = []
    for (;;) {
      this.skipBlanks()
      const own = this.#redirect()
      if (own === undefined) return redirects
      redirects.push(own)
    }
  }

  #redirect(): Redirect | undefined {
    const match = redirect.exec(this.text.slice(this.at, this.at + 12))
    if (!match) return undefined
    const operator = match[2]!
    if (/^[<>]$/.test(operator) && this.text[this.at + match[0].length] === '(' && this.dialect === 'bash')
      return undefined
    if (operator.startsWith('&>') && this.dialect === 'dash') return undefined
    this.skip(match[0].length)
    this.skipBlanks()
    const descriptor = match[1] === '' ? undefined : Number(match[1])
    const target = this.word()
    if (target === undefined) throw this.#unexpected()
    if (operator !== '<<' && operator !== '<<-') return { descriptor, operator: operator as RedirectOperator, target }
    const made = { descriptor, operator: '<<' as const, target: wordOf([]) }
    const texts = target.parts.map(part =>
      part.kind === 'text' ? part.text : part.kind === 'parameter' ? `$${part.name}` : '',
    )
    this.#documents.push({
      delimiter: texts.join(''),
      isQuoted: target.parts.some(part => part.quoted),
      stripsTabs: operator === '<<-',
      set: word => {
        made.target = word
      },
    })
    return made
  }

  /** The end of a line; the here-documents that it announced follow. */
  #newline(): void {
    this.skip(1)
    const documents = this.#documents
    this.#documents = []
    for (const { delimiter, isQuoted, stripsTabs, set } of documents) {
      let body = ''
      for (;;) {
        if (this.isAtEnd) {
          // A script may end in the middle of one; whoever types has more to come.
          this.#unfinished = true
          break
        }
        const end = this.text.indexOf('\n', this.at)
        let line = this.text.slice(this.at, end < 0 ? undefined : end)
        this.skip(end < 0 ? line.length : line.length + 1)
        if (stripsTabs) line = line.replace(/^\t+/, '')
        if (line === delimiter) break
        body += `${line}\n`
      }
      set(isQuoted ? textWord(body) : this.quotedText(body, true))
    }
  }

  #unfinished = false
  /** A here-document was not ended. */
  get isUnfinished(): boolean {
    return this.#unfinished || this.#documents.length > 0
  }

  #blankLines(): void {
    for (;;) {
      this.skipBlanks()
      if (this.char !== '\n') return
      this.#newline()
    }
  }

  #inner(): List {
    return this.#list(false)
  }

  #inBrackets(): List {
    const outer = this.#end
    this.#end = ')'
    const list = this.#list(false)
    this.#end = outer
    return list
  }

  #required(list: List, expected: string): List {
    this.#blankLines()
    if (list.items.length === 0) throw this.isAtEnd ? this.#unexpected(expected) : this.#unexpected()
    return list
  }

  #expect(word: string): void {
    this.#blankLines()
    if (this.#peekWord() !== word) throw this.#unexpected(word)
    this.skip(word.length)
  }

  #expectChar(char: string): void {
    this.#blankLines()
    if (this.char !== char) throw this.#unexpected(char)
    this.skip(1)
  }

  #operator(): string | undefined {
    return operators.exec(this.text.slice(this.at, this.at + 3))?.[0]
  }

  /** The unquoted text up to the next metacharacter. */
  #peekWord(): string {
    let at = this.at
    while (at < this.text.length && !/[\s;&|<>()'"\\$`]/.test(this.text[at]!)) at++
    return /['"\\$`]/.test(this.text[at] ?? '') ? '' : this.text.slice(this.at, at)
  }

  #unexpected(expected?: string): SyntaxFault {
    this.skipBlanks()
    const expecting = expected === undefined ? '' : ` (expecting "${expected}")`
    if (this.isAtEnd) return new SyntaxFault(`unexpected end of file${expecting}`, this.line, undefined, true)
    const operator = this.#operator()
    const found = operator === '\n' ? 'newline' : (operator ?? (this.#peekWord() || this.char))
    const quoted =
      operator === '\n' ? 'newline' : operator === undefined && !reserved.has(found) ? 'word' : `"${found}"`
    return new SyntaxFault(`unexpected ${quoted}${expecting}`, this.line, found)
  }

  #or(): Condition {
    let left = this.#and()
    for (;;) {
      this.#blankLines()
      if (!this.startsWith('||')) return left
      this.skip(2)
      left = { kind: 'or', left, right: this.#and() }
    }
  }

  #and(): Condition {
    let left = this.#not()
    for (;;) {
      this.#blankLines()
      if (!this.startsWith('&&')) return left
      this.skip(2)
      left = { kind: 'and', left, right: this.#not() }
    }
  }

  #not(): Condition {
    this.#blankLines()
    if (this.#peekWord() === '!') {
      this.skip(1)
      return { kind: 'not', operand: this.nested(() => this.#not()) }
    }
    if (this.char === '(') {
      this.skip(1)
      const inner = this.nested(() => this.#or())
      this.#expectChar(')')
      return inner
    }
    return this.#primary()
  }

  #primary(): Condition {
    const left = this.word()
    if (left === undefined) throw this.#unexpected(']]')
    this.skipBlanks()
    if (
      /^-[a-zA-Z]$/.test(left.literal ?? '') &&
      !this.startsWith(']]') &&
      !/^(?:&&|\|\|)/.test(this.text.slice(this.at, this.at + 2))
    ) {
      const operand = this.word()
      if (operand !== undefined) return { kind: 'unary', operator: left.literal!, operand }
    }
    const match = /^(?:==|=~|=|!=|<|>|-(?:eq|ne|lt|le|gt|ge|nt|ot|ef)(?=\s))/.exec(
      this.text.slice(this.at, this.at + 4),
    )
    if (!match) return { kind: 'unary', operator: '-n', operand: left }
    this.skip(match[0].length)
    this.skipBlanks()
    const right = match[0] === '=~' ? this.#regularExpression() : this.word()
    if (right === undefined) throw this.#unexpected(']]')
    return { kind: 'binary', operator: match[0], left, right }
  }

  /** In it brackets and bars are no operators of the shell. */
  #regularExpression(): Word | undefined {
    const parts: Word['parts'][number][] = []
    let depth = 0
    while (!this.isAtEnd && !(/\s/.test(this.char) && depth === 0)) {
      if (/[()|<>&;\s]/.test(this.char)) {
        if (this.char === '(') depth++
        if (this.char === ')') depth--
        parts.push({ kind: 'text', text: this.char, quoted: false })
        this.skip(1)
        continue
      }
      if (this.char === '\\') {
        // A backslash of the expression stays one.
        parts.push({ kind: 'text', text: this.text.slice(this.at, this.at + 2), quoted: false })
        this.skip(Math.min(2, this.text.length - this.at))
        continue
      }
      const word = this.word()
      if (word === undefined) break
      parts.push(...word.parts)
    }
    return parts.length === 0 ? undefined : { parts }
  }
}

export function parseAll(text: string, dialect: Dialect): List {
  const parser = new Parser(text, dialect)
  const items: ListItem[] = []
  for (let list = parser.next(); list !== undefined; list = parser.next()) items.push(...list.items)
  return { items }
}
