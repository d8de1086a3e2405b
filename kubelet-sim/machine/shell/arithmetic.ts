// Arithmetic of the shell: 64-bit integers, C's operators, variables by name. The text comes expanded.

export class ArithmeticFault extends Error {
  override readonly name = 'ArithmeticFault'
}

export interface Numbers {
  get(name: string, index: string | undefined): string | undefined
  set(name: string, index: string | undefined, value: string): void
}

const token =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+#[0-9A-Za-z@_]+|\d+)|([A-Za-z_]\w*)|(<<=|>>=|\*\*|\+\+|--|&&|\|\||<<|>>|<=|>=|==|!=|[-+*/%&^|]=|[-+*/%&^|<>=!~?:,()[\]]))/y

const binary: Readonly<Record<string, number>> = {
  '||': 1,
  '&&': 2,
  '|': 3,
  '^': 4,
  '&': 5,
  '==': 6,
  '!=': 6,
  '<': 7,
  '>': 7,
  '<=': 7,
  '>=': 7,
  '<<': 8,
  '>>': 8,
  '+': 9,
  '-': 9,
  '*': 10,
  '/': 10,
  '%': 10,
  '**': 11,
}
const assigning = /^(?:=|[-+*/%&^|]=|<<=|>>=)$/
const deepest = 100

interface Place {
  readonly name: string
  readonly index: string | undefined
}

export function evaluate(text: string, numbers: Numbers, depth = 0): bigint {
  if (depth > deepest) throw new ArithmeticFault('expression recursion level exceeded')
  const tokens: string[] = []
  token.lastIndex = 0
  const whole = text.trimEnd()
  while (token.lastIndex < whole.length) {
    const from = token.lastIndex
    const match = token.exec(whole)
    if (!match) throw new ArithmeticFault(`arithmetic syntax error`)
    tokens.push(match[0].trimStart())
    if (token.lastIndex === from) break
  }
  if (tokens.length === 0) return 0n
  return new Evaluation(tokens, numbers, depth).whole()
}

class Evaluation {
  readonly #tokens: readonly string[]
  readonly #numbers: Numbers
  readonly #depth: number
  #at = 0
  #nesting = 0
  /** Above 0 what is read is not meant: the other side of `?:`, `&&`, `||`. */
  #skipping = 0

  constructor(tokens: readonly string[], numbers: Numbers, depth: number) {
    this.#tokens = tokens
    this.#numbers = numbers
    this.#depth = depth
  }

  whole(): bigint {
    const value = this.#comma()
    if (this.#at < this.#tokens.length) throw new ArithmeticFault('arithmetic syntax error')
    return value
  }

  get #next(): string | undefined {
    return this.#tokens[this.#at]
  }

  #take(wanted: string): boolean {
    if (this.#next !== wanted) return false
    this.#at++
    return true
  }

  #expect(wanted: string): void {
    if (!this.#take(wanted)) throw new ArithmeticFault('arithmetic syntax error')
  }

  #comma(): bigint {
    if (++this.#nesting > deepest) throw new ArithmeticFault('expression recursion level exceeded')
    let value = this.#assignment()
    while (this.#take(',')) value = this.#assignment()
    this.#nesting--
    return value
  }

  #assignment(): bigint {
    const from = this.#at
    const place = this.#place()
    const operator = this.#next
    if (place !== undefined && operator !== undefined && assigning.test(operator)) {
      this.#at++
      const value = this.#assignment()
      const result = operator === '=' ? value : this.#combine(operator.slice(0, -1), this.#valueOf(place), value)
      this.#store(place, result)
      return result
    }
    this.#at = from
    return this.#conditional()
  }

  #conditional(): bigint {
    const test = this.#binary(1)
    if (!this.#take('?')) return test
    const yes = this.#skippingWhen(test === 0n, () => this.#assignment())
    this.#expect(':')
    const no = this.#skippingWhen(test !== 0n, () => this.#assignment())
    return test === 0n ? no : yes
  }

  #binary(least: number): bigint {
    let left = this.#unary()
    for (;;) {
      const operator = this.#next ?? ''
      const strength = binary[operator]
      if (strength === undefined || strength < least) return left
      this.#at++
      const skips = (operator === '&&' && left === 0n) || (operator === '||' && left !== 0n)
      const right = this.#skippingWhen(skips, () => this.#binary(operator === '**' ? strength : strength + 1))
      left = this.#combine(operator, left, right)
    }
  }

  #skippingWhen(isSkipped: boolean, read: () => bigint): bigint {
    if (!isSkipped) return read()
    this.#skipping++
    try {
      return read()
    } finally {
      this.#skipping--
    }
  }

  #unary(): bigint {
    if (++this.#nesting > deepest) throw new ArithmeticFault('expression recursion level exceeded')
    try {
      const operator = this.#next
      if (operator === '++' || operator === '--') {
        const from = this.#at++
        const place = this.#place()
        if (place !== undefined) {
          const value = wrap(this.#valueOf(place) + (operator === '++' ? 1n : -1n))
          this.#store(place, value)
          return value
        }
        this.#at = from + 1
        return operator === '++' ? this.#unary() : this.#unary()
      }
      if (this.#take('-')) return wrap(-this.#unary())
      if (this.#take('+')) return this.#unary()
      if (this.#take('!')) return this.#unary() === 0n ? 1n : 0n
      if (this.#take('~')) return wrap(~this.#unary())
      return this.#primary()
    } finally {
      this.#nesting--
    }
  }

  #primary(): bigint {
    if (this.#take('(')) {
      const value = this.#comma()
      this.#expect(')')
      return value
    }
    const place = this.#place()
    if (place !== undefined) {
      const value = this.#valueOf(place)
      if (this.#next === '++' || this.#next === '--') {
        this.#store(place, wrap(value + (this.#next === '++' ? 1n : -1n)))
        this.#at++
      }
      return value
    }
    const text = this.#next
    if (text === undefined || !/^\d/.test(text)) throw new ArithmeticFault('arithmetic syntax error')
    this.#at++
    return numberOf(text)
  }

  #place(): Place | undefined {
    const name = this.#next
    if (name === undefined || !/^[A-Za-z_]/.test(name)) return undefined
    this.#at++
    if (!this.#take('[')) return { name, index: undefined }
    const index = this.#comma()
    this.#expect(']')
    return { name, index: String(index) }
  }

  #valueOf({ name, index }: Place): bigint {
    const text = this.#numbers.get(name, index)?.trim() ?? ''
    if (text === '') return 0n
    if (/^[-+]?\d+$/.test(text) && !/^[-+]?0\d/.test(text)) return wrap(BigInt(text))
    return evaluate(text, this.#numbers, this.#depth + 1)
  }

  #store({ name, index }: Place, value: bigint): void {
    if (this.#skipping === 0) this.#numbers.set(name, index, String(value))
  }

  #combine(operator: string, left: bigint, right: bigint): bigint {
    switch (operator) {
      case '||':
        return left !== 0n || right !== 0n ? 1n : 0n
      case '&&':
        return left !== 0n && right !== 0n ? 1n : 0n
      case '|':
        return left | right
      case '^':
        return left ^ right
      case '&':
        return left & right
      case '==':
        return left === right ? 1n : 0n
      case '!=':
        return left !== right ? 1n : 0n
      case '<':
        return left < right ? 1n : 0n
      case '>':
        return left > right ? 1n : 0n
      case '<=':
        return left <= right ? 1n : 0n
      case '>=':
        return left >= right ? 1n : 0n
      case '<<':
        return wrap(left << (right & 63n))
      case '>>':
        return left >> (right & 63n)
      case '+':
        return wrap(left + right)
      case '-':
        return wrap(left - right)
      case '*':
        return wrap(left * right)
      case '**':
        if (right < 0n) throw new ArithmeticFault('exponent less than 0')
        return power(left, right)
      default:
        if (right === 0n) {
          if (this.#skipping > 0) return 0n
          throw new ArithmeticFault('divide by zero')
        }
        return operator === '/' ? wrap(left / right) : left % right
    }
  }
}

function numberOf(text: string): bigint {
  const based = /^(\d+)#(.+)$/.exec(text)
  if (based) {
    const base = Number(based[1])
    if (base < 2 || base > 64) throw new ArithmeticFault('invalid arithmetic base')
    let value = 0n
    for (const digit of based[2]!) {
      const worth = digits.indexOf(base <= 36 ? digit.toLowerCase() : digit)
      if (worth < 0 || worth >= base) throw new ArithmeticFault('value too great for base')
      value = wrap(value * BigInt(base) + BigInt(worth))
    }
    return value
  }
  if (/^0[xX]/.test(text)) return wrap(BigInt(text))
  if (/^0\d/.test(text)) {
    if (/[89]/.test(text)) throw new ArithmeticFault('arithmetic syntax error')
    return wrap(BigInt(`0o${text.slice(1)}`))
  }
  return wrap(BigInt(text))
}

const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ@_'

function wrap(value: bigint): bigint {
  return BigInt.asIntN(64, value)
}

/** Never more than 64 bits on the way. */
function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base]
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = wrap(result * square)
    square = wrap(square * square)
  }
  return result
}
