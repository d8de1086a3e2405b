// The commands of a lesson: a small part of the shell's language, the same on every system, so that a page's text may be run
// without handing it to a shell. Programs by name, words, quotes, $NAME, NAME=$(…), a backslash before a line's end, comments,
// and & behind what goes on beside the rest. What else a shell knows is refused by name. Read by parse.ts, run by run-command.ts.

import { LessonError } from './lesson.ts'

export interface Command {
  /** As it stands in the page. */
  readonly text: string
  readonly words: readonly Word[]
  /** `NAME=$(…)` keeps what it prints under this name. */
  readonly keeps?: string
  readonly isBeside: boolean
}

/** Its pieces, put together without blanks between. */
export type Word = readonly Piece[]
export type Piece = { readonly text: string } | { readonly name: string }

/** What a page may run. */
export const programs = ['kubectl', 'kubesim', 'curl', 'node'] as const
export type Program = (typeof programs)[number]

/** Throws LessonError; `line` is that of the text's first. */
export function parseCommands(text: string, line = 1): Command[] {
  const commands: Command[] = []
  const reader = new Reader(text, line)
  while (reader.skipToCommand()) commands.push(reader.command())
  return commands
}

const refused: Readonly<Record<string, string>> = {
  '|': 'a pipe',
  ';': 'a semicolon',
  '<': 'a redirection',
  '>': 'a redirection',
  '`': 'a backquote',
  '(': 'a parenthesis',
  ')': 'a parenthesis',
  '*': 'an asterisk outside of quotes',
  '?': 'a question mark outside of quotes',
  '[': 'a bracket outside of quotes',
}

class Reader {
  readonly #text: string
  readonly #firstLine: number
  #at = 0

  constructor(text: string, firstLine: number) {
    this.#text = text
    this.#firstLine = firstLine
  }

  /** False at the end. */
  skipToCommand(): boolean {
    this.#match(/(?:\s|\\\n|#[^\n]*)*/y)
    return this.#at < this.#text.length
  }

  command(): Command {
    const begin = this.#at
    const keeps = this.#match(/([A-Za-z_][A-Za-z0-9_]*)=\$\(/y)?.[1]
    const words = this.#words(keeps !== undefined)
    const isBeside = this.#match(/&/y) !== undefined
    const text = this.#text.slice(begin, this.#at).trim()
    this.#match(/[^\S\n]*(?:#[^\n]*)?/y)
    if (this.#at < this.#text.length && this.#text[this.#at] !== '\n')
      this.#fail(isBeside ? 'nothing can follow an &' : 'nothing can follow the closing parenthesis')
    const program = this.#programOf(words, begin)
    if (isBeside && keeps !== undefined) this.#fail('what goes on beside the rest cannot be kept in a variable', begin)
    if (isBeside && program !== 'node') this.#fail(`only "node" can go on beside the rest, not "${program}"`, begin)
    return { text, words, ...(keeps === undefined ? {} : { keeps }), isBeside }
  }

  #words(isInside: boolean): Word[] {
    const words: Word[] = []
    for (;;) {
      this.#match(/(?:[^\S\n]|\\\n)*/y)
      const char = this.#text[this.#at]
      if (isInside && char === ')') {
        this.#at++
        return words
      }
      if (char === undefined || char === '\n') {
        if (isInside) this.#fail('$( is not closed on its line')
        return words
      }
      if (char === '&' && !isInside) return words
      if (char === ')' || char === '&')
        this.#fail(`${char === ')' ? 'a parenthesis' : 'an &'} is not part of what stands here`)
      if (char === '#') {
        this.#match(/#[^\n]*/y)
        continue
      }
      words.push(this.#word())
    }
  }

  #word(): Word {
    const pieces: Piece[] = []
    for (;;) {
      const plain = this.#match(/(?:[^\s'"\\$|;&<>`()*?[]|\\[^\n])+/y)?.[0]
      if (plain !== undefined) {
        pieces.push({ text: plain.replace(/\\(.)/g, '$1') })
        continue
      }
      const char = this.#text[this.#at]
      if (this.#match(/\\\n/y)) continue
      if (char === undefined || /[\s)&]/.test(char)) return pieces
      if (char === "'") pieces.push({ text: this.#match(/'([^']*)'/y)?.[1] ?? this.#fail('a quote is not closed') })
      else if (char === '"') this.#quoted(pieces)
      else if (char === '$') pieces.push(this.#variable())
      else this.#fail(`${refused[char] ?? `"${char}"`} is not part of a lesson's commands`)
    }
  }

  #quoted(pieces: Piece[]): void {
    const begin = this.#at++
    // "" is a word, too.
    pieces.push({ text: '' })
    for (;;) {
      const plain = this.#match(/(?:[^"\\$`]|\\[\s\S])+/y)?.[0]
      if (plain !== undefined) pieces.push({ text: plain.replace(/\\(["\\$`])/g, '$1').replaceAll('\\\n', '') })
      else if (this.#match(/"/y)) return
      else if (this.#text[this.#at] === '$') pieces.push(this.#variable())
      else if (this.#text[this.#at] === '`') this.#fail("a backquote is not part of a lesson's commands")
      else this.#fail('a quote is not closed', begin)
    }
  }

  #variable(): Piece {
    const name = this.#match(/\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/y)
    if (name === undefined) {
      if (this.#text.startsWith('$(', this.#at))
        this.#fail("$( ) stands only behind a variable's name: NAME=$(…), then $NAME")
      this.#fail('a $ is followed by a name, or stands in single quotes')
    }
    return { name: (name[1] ?? name[2])! }
  }

  #programOf(words: readonly Word[], begin: number): Program {
    const [first] = words
    const name = first?.length === 1 && 'text' in first[0]! ? first[0].text : ''
    const program = programs.find(each => each === name)
    if (program === undefined) this.#fail(`a command begins with ${programs.join(', ')}, not "${name}"`, begin)
    return program
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.#at = pattern.lastIndex
    return found
  }

  #fail(what: string, at = this.#at): never {
    throw new LessonError(this.#firstLine + (this.#text.slice(0, at).split('\n').length - 1), what)
  }
}
