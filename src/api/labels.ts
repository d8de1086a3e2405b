// Label selectors: parsed from the text of a request or made from an object's own selector, matched, printed.
// Called by the registry (lists and watches), controllers, kube-proxy and the scheduler. Grammar and every sentence of an
// error are those of k8s.io/apimachinery/pkg/labels/selector.go.

import { aggregate, badRequest, type FieldError, invalidValue, notSupported } from './errors.ts'
import { labelValueFaults, qualifiedNameFaults } from './names.ts'

export type Labels = Readonly<Record<string, string>>

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

export interface LabelRequirement {
  readonly key: string
  readonly operator: LabelOperator
  /** Sorted, each once. */
  readonly values: readonly string[]
}

/** All requirements hold together; they stand in order of key. */
export interface Selector {
  readonly requirements: readonly LabelRequirement[]
  /** Matches everything: there is nothing to filter by. */
  readonly isEmpty: boolean
  matches(labels: Labels | undefined): boolean
  /** The value that a label must have, when the selector allows one only. */
  exactly(key: string): string | undefined
  toString(): string
}

/** metav1.LabelSelector. */
export interface LabelSelectorLike {
  readonly matchLabels?: Labels | undefined
  readonly matchExpressions?:
    | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
    | undefined
}

/** `app=web,tier in (a,b),!canary`. Throws ApiError BadRequest in the words of a real server. */
export function parseLabelSelector(text: string): Selector {
  if (text === '') return everything
  return selectorOf(new Parser(text).parse())
}

/** An absent selector selects nothing, an empty one everything (metav1.LabelSelectorAsSelector). */
export function selectorFromLabelSelector(selector: LabelSelectorLike | undefined): Selector {
  if (selector === undefined) return nothing
  const { matchLabels = {}, matchExpressions = [] } = selector
  const requirements = Object.keys(matchLabels).map(key => requirement(key, '=', [matchLabels[key]!]))
  for (const { key, operator, values } of matchExpressions) {
    const known = Object.hasOwn(expressionOperators, operator)
    if (!known) throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`)
    requirements.push(
      requirement(key, expressionOperators[operator as keyof typeof expressionOperators], [...(values ?? [])].sort()),
    )
  }
  return selectorOf(requirements)
}

const expressionOperators = { In: 'in', NotIn: 'notin', Exists: 'exists', DoesNotExist: '!' } as const

/** A plain map, as Services and ReplicationControllers select with; unchecked, since validation has seen it. */
export function selectorFromLabels(labels: Labels | undefined): Selector {
  if (labels === undefined) return everything
  return selectorOf(
    Object.keys(labels).map((key): LabelRequirement => ({ key, operator: '=', values: [labels[key]!] })),
  )
}

class Requirements implements Selector {
  readonly requirements: readonly LabelRequirement[]

  constructor(requirements: readonly LabelRequirement[]) {
    this.requirements = requirements
  }

  get isEmpty(): boolean {
    return this.requirements.length === 0
  }

  matches(labels: Labels | undefined): boolean {
    for (const each of this.requirements) if (!meets(each, labels)) return false
    return true
  }

  exactly(key: string): string | undefined {
    for (const { key: own, operator, values } of this.requirements) {
      if (own !== key) continue
      if (operator === '=' || operator === '==' || operator === 'in') return values.length === 1 ? values[0] : undefined
      return undefined
    }
    return undefined
  }

  toString(): string {
    return this.requirements.map(shown).join(',')
  }
}

/** Selects every object. */
export const everything: Selector = Object.freeze(new Requirements(Object.freeze([])))

/** Selects no object; has no text form, as upstream. */
export const nothing: Selector = Object.freeze({
  requirements: Object.freeze([]),
  isEmpty: false,
  matches: () => false,
  exactly: () => undefined,
  toString: () => '',
})

function selectorOf(requirements: LabelRequirement[]): Selector {
  if (requirements.length === 0) return everything
  requirements.sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : 0))
  return new Requirements(requirements)
}

/** Whether labels meet one requirement; node affinity asks it too. */
export function meets({ key, operator, values }: LabelRequirement, labels: Labels | undefined): boolean {
  // A label is a string: whatever else is found under the key comes from Object.prototype.
  const found: unknown = labels?.[key]
  const value = typeof found === 'string' ? found : undefined
  switch (operator) {
    case '=':
    case '==':
      return value !== undefined && value === values[0]
    case 'in':
      return value !== undefined && values.includes(value)
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value)
    case 'exists':
      return value !== undefined
    case '!':
      return value === undefined
    case 'gt':
    case 'lt': {
      const actual = value === undefined ? undefined : int64(value)
      const bound = values.length === 1 ? int64(values[0]!) : undefined
      if (actual === undefined || bound === undefined) return false
      return operator === 'gt' ? actual > bound : actual < bound
    }
  }
}

const integer = /^[+-]?[0-9]+$/

function int64(text: string): bigint | undefined {
  if (!integer.test(text)) return undefined
  const value = BigInt(text.startsWith('+') ? text.slice(1) : text)
  return value === BigInt.asIntN(64, value) ? value : undefined
}

function shown({ key, operator, values }: LabelRequirement): string {
  switch (operator) {
    case 'exists':
      return key
    case '!':
      return `!${key}`
    case 'in':
    case 'notin':
      return `${key} ${operator} (${values.join(',')})`
    case 'gt':
      return `${key}>${values.join(',')}`
    case 'lt':
      return `${key}<${values.join(',')}`
    default:
      return `${key}${operator}${values.join(',')}`
  }
}

const operators = ['in', 'notin', '=', '==', '!=', 'gt', 'lt', 'exists', '!'] as const

/** A checked requirement (labels.NewRequirement); the text parser has no path, which upstream prints as `values[0][key]`. */
function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const faults: FieldError[] = []
  keyFault(key, 'key', faults)
  switch (operator) {
    case 'in':
    case 'notin':
      if (values.length === 0) {
        faults.push(invalidValue('values', values, "for 'in', 'notin' operators, values set can't be empty"))
      }
      break
    case '=':
    case '==':
    case '!=':
      if (values.length !== 1) {
        faults.push(invalidValue('values', values, 'exact-match compatibility requires one single value'))
      }
      break
    case 'exists':
    case '!':
      if (values.length !== 0) {
        faults.push(invalidValue('values', values, 'values set must be empty for exists and does not exist'))
      }
      break
    case 'gt':
    case 'lt':
      if (values.length !== 1) {
        faults.push(invalidValue('values', values, "for 'Gt', 'Lt' operators, exactly one value is required"))
      }
      values.forEach((value, index) => {
        if (int64(value) !== undefined) return
        faults.push(invalidValue(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer"))
      })
      break
    default:
      faults.push(notSupported('operator', operator, operators))
  }
  for (let index = 0; index < values.length; index++) {
    const wrong = labelValueFaults(values[index]!)
    if (wrong.length > 0) faults.push(invalidValue(`values[${index}][${key}]`, values[index], wrong.join('; ')))
  }
  if (faults.length > 0) throw badRequest(aggregate(faults))
  return { key, operator, values }
}

function keyFault(key: string, path: string, into: FieldError[]): void {
  const wrong = qualifiedNameFaults(key)
  if (wrong.length > 0) into.push(invalidValue(path, key, wrong.join('; ')))
}

// ---- the text form

type TokenType = 'word' | 'in' | 'notin' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'end'

interface Token {
  readonly type: TokenType
  readonly text: string
}

const symbols: Readonly<Record<string, TokenType>> = {
  ')': ')',
  ',': ',',
  '!': '!',
  '==': '==',
  '=': '=',
  '>': '>',
  '<': '<',
  '!=': '!=',
  '(': '(',
}

const isSymbol = (char: string): boolean => '=!(),><'.includes(char)
const isSpace = (char: string): boolean => char === ' ' || char === '\t' || char === '\r' || char === '\n'

function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  while (at < text.length) {
    const char = text[at]!
    if (isSpace(char)) {
      at++
    } else if (isSymbol(char)) {
      const token = symbolAt(text, at)
      at += token.text.length
      found.push(token)
    } else {
      const start = at
      while (at < text.length && !isSymbol(text[at]!) && !isSpace(text[at]!)) at++
      const word = text.slice(start, at)
      found.push({ type: word === 'in' || word === 'notin' ? word : 'word', text: word })
    }
  }
  found.push({ type: 'end', text: '' })
  return found
}

/** The longest symbol that begins here; every single character but none of `=!` pairs beyond `==` and `!=` is one itself. */
function symbolAt(text: string, at: number): Token {
  const two = text.slice(at, at + 2)
  if (Object.hasOwn(symbols, two)) return { type: symbols[two]!, text: two }
  const one = text[at]!
  return { type: symbols[one]!, text: one }
}

const unexpected = (token: Token, wanted: string): Error => badRequest(`found '${token.text}', expected: ${wanted}`)

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(text: string) {
    this.#tokens = tokens(text)
  }

  parse(): LabelRequirement[] {
    const requirements: LabelRequirement[] = []
    for (;;) {
      const next = this.#peek()
      if (next.type === 'end') return requirements
      if (next.type !== 'word' && next.type !== '!') throw unexpected(next, "!, identifier, or 'end of string'")
      requirements.push(this.#requirement())
      const after = this.#take()
      if (after.type === 'end') return requirements
      if (after.type !== ',') throw unexpected(after, "',' or 'end of string'")
      const following = this.#peek()
      if (following.type !== 'word' && following.type !== '!') throw unexpected(following, "identifier after ','")
    }
  }

  #requirement(): LabelRequirement {
    try {
      return this.#unwrapped()
    } catch (error) {
      throw badRequest(`unable to parse requirement: ${(error as Error).message}`)
    }
  }

  #unwrapped(): LabelRequirement {
    let token = this.#take()
    const isNegated = token.type === '!'
    if (isNegated) token = this.#take()
    if (token.type !== 'word') throw unexpected(token, 'identifier')
    const key = token.text
    const faults: FieldError[] = []
    keyFault(key, '<nil>', faults)
    if (faults.length > 0) throw badRequest(aggregate(faults))
    const next = this.#peek().type
    if (isNegated) return requirement(key, '!', [])
    if (next === 'end' || next === ',') return requirement(key, 'exists', [])
    const operator = this.#operator()
    const values = operator === 'in' || operator === 'notin' ? this.#valueSet() : this.#exactValue()
    return requirement(key, operator, values)
  }

  #operator(): LabelOperator {
    const token = this.#tokens[this.#at++]!
    switch (token.type) {
      case 'in':
      case 'notin':
      case '=':
      case '==':
      case '!=':
        return token.type
      case '>':
        return 'gt'
      case '<':
        return 'lt'
      default:
        throw unexpected(token, 'in, notin, =, ==, !=, gt, lt')
    }
  }

  #valueSet(): string[] {
    const open = this.#take()
    if (open.type !== '(') throw badRequest(`found '${open.text}' expected: '('`)
    const first = this.#peek()
    if (first.type === ')') {
      this.#take()
      return ['']
    }
    if (first.type !== 'word' && first.type !== ',') throw unexpected(first, "',', ')' or identifier")
    const values = new Set<string>()
    for (;;) {
      const token = this.#take()
      if (token.type === 'word') {
        values.add(token.text)
        const next = this.#peek()
        if (next.type === ')') break
        if (next.type !== ',') throw unexpected(next, "',' or ')'")
      } else if (token.type === ',') {
        if (values.size === 0) values.add('')
        const next = this.#peek()
        if (next.type === ')' || next.type === ',') values.add('')
        if (next.type === ')') break
      } else {
        throw unexpected(token, "',', or identifier")
      }
    }
    this.#take()
    return [...values].sort()
  }

  #exactValue(): string[] {
    const next = this.#peek()
    if (next.type === 'end' || next.type === ',') return ['']
    const token = this.#take()
    if (token.type !== 'word') throw unexpected(token, 'identifier')
    return [token.text]
  }

  /** Where a key or a value may stand, `in` and `notin` are words like any other. */
  #peek(): Token {
    return asWord(this.#tokens[this.#at] ?? end)
  }

  #take(): Token {
    return asWord(this.#tokens[this.#at++] ?? end)
  }
}

const end: Token = { type: 'end', text: '' }

function asWord(token: Token): Token {
  return token.type === 'in' || token.type === 'notin' ? { type: 'word', text: token.text } : token
}
