// sed's language: a script as commands with their addresses. Pure; sed.ts runs it.

import { compiled } from './posix-pattern.ts'
import { ToolError } from './tool.ts'

export type SedAddress =
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'last' }
  | { readonly kind: 'match'; readonly pattern: RegExp | undefined }
  | { readonly kind: 'step'; readonly first: number; readonly step: number }
  /** `addr,+N` */
  | { readonly kind: 'more'; readonly count: number }

export interface SedCommand {
  readonly from: SedAddress | undefined
  readonly to: SedAddress | undefined
  readonly negated: boolean
  readonly name: string
  /** Of a, i, c: the text. Of b, t, T and `:`: the label. Of r, w: the file. Of y: both sets. */
  readonly text: string
  readonly substitution: SedSubstitution | undefined
  /** Of `{`: where its `}` is. */
  end: number
}

export interface SedSubstitution {
  /** undefined: the last one that was used. */
  readonly pattern: RegExp | undefined
  readonly replacement: readonly ReplacementPart[]
  readonly nth: number
  readonly all: boolean
  readonly prints: boolean
  readonly file: string | undefined
}

export type ReplacementPart = string | { readonly group: number } | { readonly turn: 'U' | 'L' | 'u' | 'l' | 'E' }

export function parseSed(script: string, extended: boolean): readonly SedCommand[] {
  return new Parser(script, extended).all()
}

class Parser {
  readonly #text: string
  readonly #extended: boolean
  #at = 0

  constructor(text: string, extended: boolean) {
    this.#text = text
    this.#extended = extended
  }

  all(): readonly SedCommand[] {
    const commands: SedCommand[] = []
    const open: number[] = []
    while (true) {
      while (/[\s;]/.test(this.#peek())) this.#at++
      if (this.#at >= this.#text.length) break
      if (this.#peek() === '#') {
        this.#line()
        continue
      }
      const command = this.#command()
      if (command.name === '{') open.push(commands.length)
      if (command.name === '}') {
        const start = open.pop()
        if (start === undefined) throw new ToolError('unexpected }')
        commands[start]!.end = commands.length
      }
      commands.push(command)
    }
    if (open.length > 0) throw new ToolError('unmatched {')
    return commands
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #blanks(): void {
    while (/[ \t]/.test(this.#peek())) this.#at++
  }

  #command(): SedCommand {
    const from = this.#address()
    this.#blanks()
    let to: SedAddress | undefined
    if (from !== undefined && this.#peek() === ',') {
      this.#at++
      this.#blanks()
      to = this.#address()
      if (to === undefined) throw new ToolError('no address after comma')
      this.#blanks()
    }
    let negated = false
    while (this.#peek() === '!') {
      negated = true
      this.#at++
      this.#blanks()
    }
    const name = this.#peek()
    this.#at++
    if (name === '') throw new ToolError('missing command')
    const [text, substitution] = this.#rest(name)
    return { from, to, negated, name, text, substitution, end: 0 }
  }

  #rest(name: string): readonly [string, SedSubstitution | undefined] {
    if ('{'.includes(name)) return ['', undefined]
    if ('aic'.includes(name)) return [this.#lines(), undefined]
    if (':btTrw'.includes(name)) {
      this.#blanks()
      const start = this.#at
      const ends = name === 'r' || name === 'w' ? /\n/ : /[\n;}]/
      while (this.#peek() !== '' && !ends.test(this.#peek())) this.#at++
      return [this.#text.slice(start, this.#at).trim(), undefined]
    }
    if (name === 's') return ['', this.#substitution()]
    if (name === 'y') {
      const mark = this.#peek()
      this.#at++
      const from = this.#until(mark, false)
      const to = this.#until(mark, false)
      if (from.length !== to.length) throw new ToolError('y/// strings have different lengths')
      return [from + to, undefined]
    }
    if (!'}=dDgGhHlnNpPqQx'.includes(name)) throw new ToolError(`unsupported command ${name}`)
    let text = ''
    if (name === 'q' || name === 'Q') {
      this.#blanks()
      text = /^\d*/.exec(this.#text.slice(this.#at))![0]
      this.#at += text.length
    }
    this.#blanks()
    if (!['', '\n', ';', '}', '#'].includes(this.#peek())) throw new ToolError('extra characters after command')
    return [text, undefined]
  }

  /** Of a, i, c: what is behind it, or the lines after a backslash. */
  #lines(): string {
    this.#blanks()
    if (this.#peek() === '\\') {
      this.#at++
      this.#blanks()
      if (this.#peek() === '\n') this.#at++
    }
    let text = ''
    while (this.#at < this.#text.length && this.#peek() !== '\n') {
      if (this.#peek() === '\\' && this.#at + 1 < this.#text.length) {
        const next = this.#text[this.#at + 1]!
        text += next === 't' ? '\t' : next
        this.#at += 2
      } else {
        text += this.#peek()
        this.#at++
      }
    }
    if (text === '') throw new ToolError("expected \\ after `a', `c' or `i'")
    return `${text}\n`
  }

  #line(): void {
    while (this.#at < this.#text.length && this.#peek() !== '\n') this.#at++
  }

  #address(): SedAddress | undefined {
    const char = this.#peek()
    if (/\d/.test(char)) {
      const line = this.#number()
      if (this.#peek() !== '~') return { kind: 'line', line }
      this.#at++
      return { kind: 'step', first: line, step: this.#number() }
    }
    if (char === '+') {
      this.#at++
      return { kind: 'more', count: this.#number() }
    }
    if (char === '$') {
      this.#at++
      return { kind: 'last' }
    }
    if (char !== '/' && char !== '\\') return undefined
    if (char === '\\') this.#at++
    const mark = this.#peek()
    this.#at++
    const source = this.#until(mark, true)
    const ignoreCase = this.#peek() === 'I'
    if (ignoreCase) this.#at++
    return { kind: 'match', pattern: source === '' ? undefined : this.#pattern(source, ignoreCase, '') }
  }

  #number(): number {
    const digits = /^\d*/.exec(this.#text.slice(this.#at))![0]
    this.#at += digits.length
    return Number(digits)
  }

  #pattern(source: string, ignoreCase: boolean, flags: string): RegExp {
    return compiled(source, { extended: this.#extended, ignoreCase, flags })
  }

  /** Up to the mark; a mark behind a backslash stands for itself. */
  #until(mark: string, isPattern: boolean): string {
    let text = ''
    let isInSet = false
    while (true) {
      const char = this.#peek()
      if (char === '') throw new ToolError(`unmatched '${mark}'`)
      this.#at++
      if (char === '\\') {
        const next = this.#peek()
        this.#at++
        if (next === mark) text += isPattern ? escapedMark(mark) : mark
        else text += next === 'n' && isPattern ? '\n' : `\\${next}`
        continue
      }
      if (isPattern && char === '[' && !isInSet) {
        isInSet = true
        text += char
        if (this.#peek() === '^') text += this.#text[this.#at++]
        if (this.#peek() === ']') text += this.#text[this.#at++]
        continue
      }
      if (isInSet && char === ']') isInSet = false
      if (char === mark && !(isInSet && mark !== '/')) return text
      if (char === mark && !isInSet) return text
      text += char
    }
  }

  #substitution(): SedSubstitution {
    const mark = this.#peek()
    this.#at++
    const source = this.#until(mark, true)
    const replacement = this.#until(mark, false)
    let [nth, all, prints, ignoreCase]: [number, boolean, boolean, boolean] = [1, false, false, false]
    let file: string | undefined
    while (true) {
      const flag = this.#peek()
      if (/\d/.test(flag)) {
        nth = this.#number()
        continue
      }
      if (flag === 'g') all = true
      else if (flag === 'p') prints = true
      else if (flag === 'i' || flag === 'I') ignoreCase = true
      else if (flag === 'w') {
        this.#at++
        const start = this.#at
        this.#line()
        file = this.#text.slice(start, this.#at).trim()
        break
      } else break
      this.#at++
    }
    if (!['', '\n', ';', '}', '#', ' ', '\t'].includes(this.#peek())) throw new ToolError('unknown option to s command')
    return {
      pattern: source === '' ? undefined : this.#pattern(source, ignoreCase, 'g'),
      replacement: partsOf(replacement),
      nth,
      all,
      prints,
      file,
    }
  }
}

/** Marks that mean something in a pattern mean themselves behind a backslash. */
function escapedMark(mark: string): string {
  return /[.*[\]^$+?(){}|]/.test(mark) ? `[${mark}]` : mark
}

function partsOf(text: string): readonly ReplacementPart[] {
  const parts: ReplacementPart[] = []
  let plain = ''
  const flush = () => {
    if (plain !== '') parts.push(plain)
    plain = ''
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!
    if (char === '&') {
      flush()
      parts.push({ group: 0 })
      continue
    }
    if (char !== '\\') {
      plain += char
      continue
    }
    const next = text[++at] ?? ''
    if (/\d/.test(next)) {
      flush()
      parts.push({ group: Number(next) })
    } else if ('ULulE'.includes(next) && next !== '') {
      flush()
      parts.push({ turn: next as 'U' })
    } else plain += next === 'n' ? '\n' : next === 't' ? '\t' : next
  }
  flush()
  return parts
}
