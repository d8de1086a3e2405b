// WordReader: reads words of a script: quotes, expansions, here-documents. The parser (parser.ts) is one, and reads commands
// with it; so does whatever is in $(…).

import {
  type ArrayElement,
  type Dialect,
  type List,
  type Part,
  SyntaxFault,
  type TextPart,
  type Word,
} from './syntax.ts'

const blank = /[ \t]/
const metacharacter = /[\s;&|<>()]/
const nameStart = /[A-Za-z_]/
const namePart = /[A-Za-z0-9_]/
const special = /[@*#?$!0-9-]/
const deepest = 200

export abstract class WordReader {
  readonly text: string
  readonly dialect: Dialect
  at = 0
  line = 1
  #depth = 0

  constructor(text: string, dialect: Dialect) {
    this.text = text
    this.dialect = dialect
  }

  /** Commands up to an unquoted `end`, which is left where it is. */
  protected abstract listUntil(end: ')' | '`'): List

  get char(): string {
    return this.text[this.at] ?? ''
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.at)
  }

  /** Goes on by so many characters, and counts lines. */
  skip(count: number): void {
    for (let left = count; left > 0; left--) {
      if (this.text[this.at] === '\n') this.line++
      this.at++
    }
  }

  skipBlanks(): void {
    for (;;) {
      if (blank.test(this.char)) this.at++
      else if (this.startsWith('\\\n')) this.skip(2)
      else if (this.startsWith('\r\n')) this.at++
      else break
    }
    if (this.char === '#') while (!this.isAtEnd && this.text[this.at] !== '\n') this.at++
  }

  /** Guards against a script that nests without end: it is a syntax error, not the end of us. */
  nested<T>(read: () => T): T {
    if (++this.#depth > deepest) throw new SyntaxFault('too deeply nested', this.line, this.char)
    try {
      return read()
    } finally {
      this.#depth--
    }
  }

  unterminated(what: string): SyntaxFault {
    return new SyntaxFault(what, this.line, undefined, true)
  }

  /** A word up to the next metacharacter; undefined when there is none. */
  word(): Word | undefined {
    const parts: Part[] = []
    while (!this.isAtEnd && (!metacharacter.test(this.char) || this.#isProcessSubstitution())) {
      if (this.char === '#' && parts.length === 0) break
      this.#part(parts, undefined)
    }
    return parts.length === 0 ? undefined : wordOf(parts)
  }

  /** The text of a here-document or of an arithmetic expression: as in double quotes, but `"` is nothing special. */
  quotedText(text: string, isHereDocument: boolean): Word {
    const inner = this.inside(text)
    const parts: Part[] = []
    while (!inner.isAtEnd) inner.quotedPart(parts, isHereDocument ? '' : '"', isHereDocument)
    return wordOf(parts)
  }

  /** Another reader of the same kind, for a text within. */
  protected abstract inside(text: string): WordReader

  protected isName(text: string): boolean {
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)
  }

  /** `(a b [3]=c)`: the elements, when what follows is an opening bracket. */
  protected arrayElements(): ArrayElement[] {
    this.skip(1)
    const elements: ArrayElement[] = []
    for (;;) {
      this.skipBlanks()
      if (this.char === '\n') this.skip(1)
      else if (this.char === ')') {
        this.skip(1)
        return elements
      } else if (this.isAtEnd) throw this.unterminated('unexpected end of file (expecting ")")')
      else {
        const subscript = this.#elementSubscript()
        const value = this.word()
        if (value === undefined && subscript === undefined) {
          throw new SyntaxFault(`unexpected "${this.char}"`, this.line, this.char)
        }
        elements.push({ subscript, value: value ?? wordOf([]) })
      }
    }
  }

  #elementSubscript(): Word | undefined {
    if (this.char !== '[') return undefined
    const match = /^\[([^\]\n]*)\]=/.exec(this.text.slice(this.at, this.at + 200))
    if (!match) return undefined
    this.skip(match[0].length)
    return this.quotedText(match[1]!, true)
  }

  #isProcessSubstitution(): boolean {
    return this.dialect === 'bash' && (this.startsWith('<(') || this.startsWith('>('))
  }

  /** One more part of an unquoted word; within `${…}`, `end` closes it. */
  #part(parts: Part[], end: string | undefined): void {
    switch (this.char) {
      case "'":
        parts.push({ kind: 'text', quoted: true, text: this.#singleQuoted() })
        return
      case '"':
        this.#doubleQuoted(parts)
        return
      case '\\':
        if (this.startsWith('\\\n')) this.skip(2)
        else if (this.at + 1 >= this.text.length) {
          this.skip(1)
          add(parts, '\\', false)
        } else {
          const text = this.text[this.at + 1]!
          this.skip(2)
          parts.push({ kind: 'text', quoted: true, text })
        }
        return
      case '$':
        this.#dollar(parts, false)
        return
      case '`':
        parts.push(this.#backquoted(false))
        return
      case '<':
      case '>':
        if (this.#isProcessSubstitution()) {
          const direction = this.char as '<' | '>'
          this.skip(2)
          const body = this.nested(() => this.listUntil(')'))
          this.skip(1)
          parts.push({ kind: 'process', quoted: false, direction, body })
          return
        }
        add(parts, this.char, false)
        this.skip(1)
        return
      default: {
        const from = this.at
        do this.at++
        while (!this.isAtEnd && !/[\s;&|<>()'"\\$`]/.test(this.char) && this.char !== end)
        add(parts, this.text.slice(from, this.at), false)
        if (this.text[from] === '\n') this.line++
      }
    }
  }

  #singleQuoted(): string {
    const close = this.text.indexOf("'", this.at + 1)
    if (close < 0) throw this.unterminated('unterminated quoted string')
    const text = this.text.slice(this.at + 1, close)
    this.skip(close + 1 - this.at)
    return text
  }

  #doubleQuoted(parts: Part[]): void {
    this.skip(1)
    const from = parts.length
    while (this.char !== '"') {
      if (this.isAtEnd) throw this.unterminated('unterminated quoted string')
      this.quotedPart(parts, '"', false)
    }
    this.skip(1)
    if (parts.length === from) parts.push({ kind: 'text', quoted: true, text: '' })
  }

  /** One more part within double quotes, a here-document, or the word of a quoted `${…}`. */
  quotedPart(parts: Part[], end: string, isHereDocument: boolean): void {
    if (this.char === '$') {
      this.#dollar(parts, true)
      return
    }
    if (this.char === '`') {
      parts.push(this.#backquoted(true))
      return
    }
    if (this.char === '\\') {
      const next = this.text[this.at + 1]
      if (next === '\n') {
        this.skip(2)
        return
      }
      if (
        next !== undefined &&
        ('$`\\'.includes(next) || (next === '"' && !isHereDocument) || (end !== '' && next === end))
      ) {
        this.skip(2)
        add(parts, next, true)
        return
      }
      this.skip(1)
      add(parts, '\\', true)
      return
    }
    const from = this.at
    while (!this.isAtEnd && !'$`\\'.includes(this.char) && (end === '' || this.char !== end)) this.skip(1)
    if (this.at === from) {
      // What ends it elsewhere is an ordinary character here.
      this.skip(1)
    }
    add(parts, this.text.slice(from, this.at), true)
  }

  #dollar(parts: Part[], quoted: boolean): void {
    const next = this.text[this.at + 1] ?? ''
    if (next === '(') {
      if (this.text[this.at + 2] === '(') {
        const arithmetic = this.#arithmetic(quoted)
        if (arithmetic !== undefined) {
          parts.push(arithmetic)
          return
        }
      }
      this.skip(2)
      const body = this.nested(() => this.listUntil(')'))
      this.skip(1)
      parts.push({ kind: 'substitution', quoted, body })
    } else if (next === '{') parts.push(this.nested(() => this.#braced(quoted)))
    else if (next === "'" && !quoted && this.dialect !== 'dash') {
      this.skip(1)
      parts.push({ kind: 'text', quoted: true, text: this.#ansiQuoted() })
    } else if (next === '"' && !quoted && this.dialect === 'bash') this.skip(1)
    else if (nameStart.test(next)) {
      this.skip(1)
      parts.push({ kind: 'parameter', quoted, name: this.#name() })
    } else if (special.test(next)) {
      this.skip(2)
      parts.push({ kind: 'parameter', quoted, name: next })
    } else {
      this.skip(1)
      add(parts, '$', quoted)
    }
  }

  #name(): string {
    const from = this.at
    while (!this.isAtEnd && namePart.test(this.char)) this.at++
    return this.text.slice(from, this.at)
  }

  /** `$((…))`; undefined when it is a substitution that begins with a subshell. */
  #arithmetic(quoted: boolean): Part | undefined {
    const end = this.arithmeticEnd(this.at + 3)
    if (end === undefined) return undefined
    const expression = this.quotedText(this.text.slice(this.at + 3, end), false)
    this.skip(end + 2 - this.at)
    return { kind: 'arithmetic', quoted, expression }
  }

  /** Where the `))` is that closes it. */
  protected arithmeticEnd(from: number): number | undefined {
    let depth = 0
    for (let at = from; at < this.text.length; at++) {
      const char = this.text[at]
      if (char === '(') depth++
      else if (char === ')') {
        if (depth === 0) return this.text[at + 1] === ')' ? at : undefined
        depth--
      } else if (char === '\\') at++
    }
    return undefined
  }

  #backquoted(quoted: boolean): Part {
    const line = this.line
    let inner = ''
    this.skip(1)
    while (this.char !== '`') {
      if (this.isAtEnd) throw this.unterminated('EOF in backquote substitution')
      const next = this.text[this.at + 1]
      if (this.char === '\\' && next !== undefined && ('$`\\'.includes(next) || (quoted && next === '"'))) this.skip(1)
      inner += this.char
      this.skip(1)
    }
    this.skip(1)
    return this.nested(() => {
      const reader = this.inside(inner)
      reader.line = line
      reader.#depth = this.#depth
      return { kind: 'substitution', quoted, body: reader.listUntil('`') }
    })
  }

  #braced(quoted: boolean): Part {
    this.skip(2)
    const parameter = { kind: 'parameter' as const, quoted }
    let [isLength, isIndirect] = [false, false]
    if (this.char === '#' && !/^#(?:\}|[-:=?+%]|#\})/.test(this.text.slice(this.at, this.at + 3))) {
      isLength = true
      this.skip(1)
    } else if (
      this.char === '!' &&
      this.dialect === 'bash' &&
      /^![A-Za-z_0-9@*#]/.test(this.text.slice(this.at, this.at + 2))
    ) {
      isIndirect = true
      this.skip(1)
    }
    const name = nameStart.test(this.char) ? this.#name() : /[0-9]/.test(this.char) ? this.#digits() : this.#special()
    if (isIndirect && /^[*@]\}/.test(this.text.slice(this.at, this.at + 2))) {
      this.skip(2)
      return { ...parameter, name, isPrefix: true }
    }
    const subscript = this.char === '[' && this.dialect === 'bash' ? this.#subscript() : undefined
    const whole = { ...parameter, name, subscript, isLength, isIndirect }
    if (this.char === '}') {
      this.skip(1)
      return whole
    }
    if (this.isAtEnd) throw this.unterminated('missing "}"')
    const operator = this.#operator()
    if (operator === undefined || isLength) throw new SyntaxFault('bad substitution', this.line, this.char)
    this.skip(operator.length)
    const isText = /^:?[-=?+]$/.test(operator)
    const word = this.#until(operator === ':' ? ':}' : operator.startsWith('/') ? '/}' : '}', quoted && isText)
    let second: Word | undefined
    if (this.char !== '}') {
      this.skip(1)
      second = this.#until('}', false)
    }
    this.skip(1)
    return { ...whole, operator, word, second }
  }

  #digits(): string {
    const from = this.at
    while (/[0-9]/.test(this.char)) this.at++
    return this.text.slice(from, this.at)
  }

  #special(): string {
    const name = this.char
    if (!special.test(name))
      throw this.isAtEnd ? this.unterminated('missing "}"') : new SyntaxFault('bad substitution', this.line, name)
    this.skip(1)
    return name
  }

  #subscript(): Word {
    const from = this.at + 1
    let depth = 0
    for (let at = from; at < this.text.length; at++) {
      if (this.text[at] === '[') depth++
      else if (this.text[at] === ']' && depth-- === 0) {
        this.skip(at + 1 - this.at)
        return this.quotedText(this.text.slice(from, at), true)
      }
    }
    throw this.unterminated('missing "]"')
  }

  #operator(): string | undefined {
    const rest = this.text.slice(this.at, this.at + 2)
    const known =
      this.dialect === 'dash' ? /^(?::[-=?+]|[-=?+]|##|#|%%|%)/ : /^(?::[-=?+]|[-=?+]|##|#|%%|%|\/\/|\/#|\/%|\/|:)/
    return (known.exec(rest) ?? (this.dialect === 'bash' ? /^(?:\^\^|\^|,,|,|@)/.exec(rest) : undefined))?.[0]
  }

  /** The word within `${…}`, up to one of the characters, at the same depth. */
  #until(ends: string, quoted: boolean): Word {
    const parts: Part[] = []
    while (!ends.includes(this.char) || this.isAtEnd) {
      if (this.isAtEnd) throw this.unterminated('missing "}"')
      if (quoted && this.char === '"') this.#doubleQuoted(parts)
      else if (quoted) this.quotedPart(parts, this.char === '}' ? '' : '}', false)
      else if (/[\s;&|<>()]/.test(this.char)) {
        add(parts, this.char, false)
        this.skip(1)
      } else this.#partUntil(parts, ends)
    }
    return wordOf(parts)
  }

  #partUntil(parts: Part[], ends: string): void {
    if (`'"\\$\``.includes(this.char)) {
      this.#part(parts, undefined)
      return
    }
    const from = this.at
    while (!this.isAtEnd && !ends.includes(this.char) && !/[\s;&|<>()'"\\$`]/.test(this.char)) this.at++
    add(parts, this.text.slice(from, this.at), false)
  }

  /** $'…': escapes as printf's. */
  #ansiQuoted(): string {
    let text = ''
    this.skip(1)
    while (this.char !== "'") {
      if (this.isAtEnd) throw this.unterminated('unterminated quoted string')
      if (this.char !== '\\') {
        text += this.char
        this.skip(1)
        continue
      }
      const match = /^\\(?:x[0-9a-fA-F]{1,2}|u[0-9a-fA-F]{1,4}|U[0-9a-fA-F]{1,6}|[0-7]{1,3}|[\s\S])/.exec(
        this.text.slice(this.at, this.at + 10),
      )
      if (!match) throw this.unterminated('unterminated quoted string')
      this.skip(match[0].length)
      text += ansiEscape(match[0])
    }
    this.skip(1)
    return text
  }
}

const letters: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  E: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
}

function ansiEscape(text: string): string {
  const rest = text.slice(1)
  if (/^[xuU]./.test(rest)) {
    const code = Number.parseInt(rest.slice(1), 16)
    return code > 0x10ffff ? '\ufffd' : String.fromCodePoint(code)
  }
  if (/^[0-7]/.test(rest)) return String.fromCharCode(Number.parseInt(rest, 8) & 255)
  return letters[rest] ?? text
}

function add(parts: Part[], text: string, quoted: boolean): void {
  const last = parts.at(-1)
  if (last?.kind === 'text' && last.quoted === quoted) (last as { text: string } & TextPart).text = last.text + text
  else if (text !== '' || quoted) parts.push({ kind: 'text', text, quoted })
}

/** Whether an unquoted text means itself: no pattern, tilde or brace. */
const plain = /^[^*?[\]~{}\\]*$/

export function wordOf(parts: readonly Part[]): Word {
  const isLiteral = parts.every(part => part.kind === 'text' && (part.quoted || plain.test(part.text)))
  return isLiteral ? { parts, literal: parts.map(part => (part as TextPart).text).join('') } : { parts }
}

export const textWord = (text: string): Word => wordOf([{ kind: 'text', text, quoted: true }])
