// test and [: POSIX' rules by the number of arguments, then the operators -a, -o, ! and brackets.

import { compareNumbers, fileTest, unaryTest, unaryTests } from '../file-tests.ts'
import type { Shell } from '../shell.ts'
import type { Builtin } from './index.ts'

class TestFault extends Error {
  override readonly name = 'TestFault'
}

const binaryTests: ReadonlySet<string> = new Set([
  ...['=', '==', '!=', '<', '>', '-eq', '-ne', '-lt', '-le', '-gt', '-ge', '-nt', '-ot', '-ef'],
])

const judge: Builtin = function* (shell, args) {
  let words = args.slice(1)
  if (args[0] === '[') {
    if (words.at(-1) !== ']') {
      yield* shell.process.complain(
        shell.dialect === 'bash'
          ? `${shell.prefix('[')}missing \`]'
`
          : `${shell.applet}missing ]
`,
      )
      return 2
    }
    words = words.slice(0, -1)
  }
  try {
    return new Test(shell, words).whole() ? 0 : 1
  } catch (error) {
    if (!(error instanceof TestFault)) throw error
    yield* shell.process.complain(
      `${shell.dialect === 'bash' ? shell.prefix(args[0]) : shell.applet}${error.message}\n`,
    )
    return 2
  }
}

export const test: Readonly<Record<string, Builtin>> = { test: judge, '[': judge }

class Test {
  readonly #shell: Shell
  readonly #words: readonly string[]
  #at = 0

  constructor(shell: Shell, words: readonly string[]) {
    this.#shell = shell
    this.#words = words
  }

  whole(): boolean {
    const [one, two, three, four] = this.#words
    switch (this.#words.length) {
      case 0:
        return false
      case 1:
        return one !== ''
      case 2:
        if (one === '!') return two === ''
        if (unaryTests.has(one!)) return unaryTest(this.#shell, one!, two!)
        throw new TestFault(
          this.#shell.dialect === 'bash' ? `${one}: unary operator expected` : `${one}: unknown operand`,
        )
      case 3:
        if (binaryTests.has(two!)) return this.#binary(one!, two!, three!)
        if (one === '!') return !new Test(this.#shell, [two!, three!]).whole()
        if (one === '(' && three === ')') return two !== ''
        break
      case 4:
        if (one === '!') return !new Test(this.#shell, [two!, three!, four!]).whole()
    }
    const result = this.#or(0)
    if (this.#at < this.#words.length) throw this.#unexpected()
    return result
  }

  #or(depth: number): boolean {
    if (depth > 200) throw new TestFault('too deeply nested')
    let result = this.#and(depth)
    while (this.#words[this.#at] === '-o') {
      this.#at++
      const right = this.#and(depth)
      result ||= right
    }
    return result
  }

  #and(depth: number): boolean {
    let result = this.#not(depth)
    while (this.#words[this.#at] === '-a') {
      this.#at++
      const right = this.#not(depth)
      result &&= right
    }
    return result
  }

  #not(depth: number): boolean {
    if (depth > 200) throw new TestFault('too deeply nested')
    if (
      this.#words[this.#at] === '!' &&
      this.#words[this.#at + 1] !== undefined &&
      !binaryTests.has(this.#words[this.#at + 1]!)
    ) {
      this.#at++
      return !this.#not(depth + 1)
    }
    return this.#primary(depth)
  }

  #primary(depth: number): boolean {
    const word = this.#words[this.#at]
    const next = this.#words[this.#at + 1]
    if (word === undefined) throw new TestFault('argument expected')
    if (next !== undefined && binaryTests.has(next) && this.#at + 2 < this.#words.length) {
      const right = this.#words[this.#at + 2]!
      this.#at += 3
      return this.#binary(word, next, right)
    }
    if (word === '(') {
      this.#at++
      const inner = this.#or(depth + 1)
      if (this.#words[this.#at] !== ')') throw new TestFault('closing paren expected')
      this.#at++
      return inner
    }
    if (unaryTests.has(word) && next !== undefined && next !== '-a' && next !== '-o') {
      this.#at += 2
      return unaryTest(this.#shell, word, next)
    }
    this.#at++
    return word !== ''
  }

  #binary(left: string, operator: string, right: string): boolean {
    switch (operator) {
      case '=':
      case '==':
        return left === right
      case '!=':
        return left !== right
      case '<':
        return left < right
      case '>':
        return left > right
      case '-nt':
      case '-ot':
      case '-ef':
        return fileTest(this.#shell, left, operator, right)
      default:
        return compareNumbers(this.#number(left), operator, this.#number(right))
    }
  }

  #number(text: string): bigint {
    if (/^\s*[-+]?\d{1,30}\s*$/.test(text)) return BigInt(text.trim().replace(/^\+/, ''))
    const { dialect } = this.#shell
    throw new TestFault(
      dialect === 'bash'
        ? `${text}: integer expression expected`
        : dialect === 'dash'
          ? `Illegal number: ${text}`
          : text === ''
            ? `bad number`
            : `${text}: bad number`,
    )
  }

  #unexpected(): TestFault {
    const word = this.#words[this.#at] ?? ''
    if (this.#shell.dialect === 'bash') return new TestFault('too many arguments')
    return new TestFault(`${word}: unknown operand`)
  }
}
