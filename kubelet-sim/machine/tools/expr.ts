// expr, and test as a program of its own.

import { compiled } from './posix-pattern.ts'
import { became } from './process-tools.ts'
import { bytesOf } from './text-streams.ts'
import { ToolError, tool, UsageError } from './tool.ts'

/** /bin/test and /bin/[: what the shell has built in, asked of the shell. */
export const test = tool('EXPRESSION', function* (process) {
  const [name = 'test', ...words] = process.argv
  const called = name.endsWith('[') ? '[' : 'test'
  return yield* became(process, ['/bin/sh', '-c', `${called} "$@"`, called, ...words])
})

export const expr = tool(
  'EXPRESSION',
  function* (process) {
    const words = process.argv.slice(1).map(bytesOf)
    if (words.length === 0) throw new UsageError('too few arguments')
    const reader = new Reader(words)
    const value = reader.or()
    if (!reader.isAtEnd) throw new ToolError('syntax error', 2)
    yield* process.print(Buffer.from(`${value}\n`, 'latin1'))
    return value === '' || /^-?0+$/.test(value) ? 1 : 0
  },
  2,
)

class Reader {
  readonly #words: readonly string[]
  #at = 0

  constructor(words: readonly string[]) {
    this.#words = words
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#words.length
  }

  or(): string {
    let left = this.#and()
    while (this.#took('|')) {
      const right = this.#and()
      left = isTrue(left) ? left : isTrue(right) ? right : '0'
    }
    return left
  }

  #and(): string {
    let left = this.#compared()
    while (this.#took('&')) {
      const right = this.#compared()
      left = isTrue(left) && isTrue(right) ? left : '0'
    }
    return left
  }

  #compared(): string {
    let left = this.#sum()
    for (let operator = this.#one('<', '<=', '=', '==', '!=', '>=', '>'); operator; operator = this.#one('=', '!=')) {
      const right = this.#sum()
      const order = isNumber(left) && isNumber(right) ? sign(BigInt(left) - BigInt(right)) : textOrder(left, right)
      const holds =
        { '<': order < 0, '<=': order <= 0, '=': order === 0, '==': order === 0 }[operator] ??
        { '!=': order !== 0, '>=': order >= 0, '>': order > 0 }[operator]
      left = holds ? '1' : '0'
    }
    return left
  }

  #sum(): string {
    let left = this.#product()
    for (let operator = this.#one('+', '-'); operator; operator = this.#one('+', '-')) {
      const right = number(this.#product())
      left = String(operator === '+' ? number(left) + right : number(left) - right)
    }
    return left
  }

  #product(): string {
    let left = this.#matched()
    for (let operator = this.#one('*', '/', '%'); operator; operator = this.#one('*', '/', '%')) {
      const right = number(this.#matched())
      if (operator !== '*' && right === 0n) throw new ToolError('division by zero', 2)
      const value = number(left)
      left = String(operator === '*' ? value * right : operator === '/' ? value / right : value % right)
    }
    return left
  }

  #matched(): string {
    let left = this.#primary()
    while (this.#took(':')) left = match(left, this.#primary())
    return left
  }

  #primary(): string {
    const word = this.#words[this.#at++]
    if (word === undefined) throw new ToolError('syntax error', 2)
    if (word === '(') {
      const value = this.or()
      if (!this.#took(')')) throw new ToolError('syntax error', 2)
      return value
    }
    if (this.isAtEnd) return word
    switch (word) {
      case 'length':
        return String(this.#primary().length)
      case 'match':
        return match(this.#primary(), this.#primary())
      case 'index': {
        const [text, chars] = [this.#primary(), this.#primary()]
        return String([...text].findIndex(char => chars.includes(char)) + 1)
      }
      case 'substr': {
        const [text, from, count] = [this.#primary(), Number(this.#primary()), Number(this.#primary())]
        return from > 0 && count > 0 ? text.slice(from - 1, from - 1 + count) : ''
      }
      default:
        return word
    }
  }

  #took(word: string): boolean {
    if (this.#words[this.#at] !== word) return false
    this.#at++
    return true
  }

  #one(...words: readonly string[]): string | undefined {
    return words.find(word => this.#took(word))
  }
}

function match(text: string, pattern: string): string {
  const found = new RegExp(`^(?:${compiled(pattern, { extended: false }).source})`).exec(text)
  const hasGroup = /\\\(/.test(pattern)
  if (hasGroup) return found?.[1] ?? ''
  return String(found?.[0].length ?? 0)
}

const isNumber = (text: string): boolean => /^-?\d+$/.test(text)
const isTrue = (text: string): boolean => text !== '' && !/^-?0+$/.test(text)
const sign = (value: bigint): number => (value < 0n ? -1 : value > 0n ? 1 : 0)
const textOrder = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

function number(text: string): bigint {
  if (!isNumber(text)) throw new ToolError('non-numeric argument', 2)
  return BigInt(text)
}
