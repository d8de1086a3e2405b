// What an expression comes to, for a row of a table: comparisons with SQL's nothing, functions, and those over all rows.

import { type Expression, SqlFault, type Value } from './statement.ts'
import { type Column, indexOf, type ResultColumn, type Session } from './tables.ts'

export interface Scope {
  readonly table: { readonly columns: readonly Column[] }
  readonly row: readonly Value[]
  readonly session: Session
  /** For functions over all of them. */
  readonly all?: readonly (readonly Value[])[]
}

const overAll: ReadonlySet<string> = new Set(['count', 'sum', 'min', 'max', 'avg'])

export function isAggregate(of: Expression): boolean {
  switch (of.is) {
    case 'call':
      return overAll.has(of.name) || of.args.some(isAggregate)
    case 'binary':
      return isAggregate(of.left) || isAggregate(of.right)
    case 'not':
    case 'minus':
    case 'null':
    case 'in':
      return isAggregate(of.of)
    default:
      return false
  }
}

export function evaluate(of: Expression, scope: Scope): Value {
  switch (of.is) {
    case 'value':
      return of.value
    case 'column':
      return scope.row[indexOf(scope.table, of.name, '')] ?? null
    case 'variable': {
      const value = scope.session.constant(`@@${of.name}`, [])
      if (value === undefined) throw new SqlFault({ kind: 'missing', what: `@@${of.name}` })
      return value
    }
    case 'not': {
      const value = evaluate(of.of, scope)
      return value === null ? null : !value
    }
    case 'minus': {
      const value = evaluate(of.of, scope)
      return value === null ? null : -Number(value)
    }
    case 'null':
      return (evaluate(of.of, scope) === null) !== of.not
    case 'in': {
      const value = evaluate(of.of, scope)
      return value === null ? null : of.list.some(each => isSame(value, evaluate(each, scope))) !== of.not
    }
    case 'binary':
      return binary(of.operator, evaluate(of.left, scope), () => evaluate(of.right, scope))
    case 'call':
      return overAll.has(of.name)
        ? overRows(of, scope)
        : called(
            of.name,
            of.args.map(each => evaluate(each, scope)),
            scope,
          )
  }
}

const isSame = (one: Value, other: Value): boolean =>
  typeof one === 'number' || typeof other === 'number' ? Number(one) === Number(other) && other !== null : one === other

function binary(operator: string, left: Value, rightOf: () => Value): Value {
  const right = rightOf()
  if (operator === 'and')
    return left === false || right === false ? false : left === null || right === null ? null : Boolean(left && right)
  if (operator === 'or')
    return left === true || right === true ? true : left === null || right === null ? null : Boolean(left || right)
  if (left === null || right === null) return null
  const [one, other] =
    typeof left === 'number' || typeof right === 'number' ? [Number(left), Number(right)] : [left, right]
  switch (operator) {
    case '=':
      return isSame(left, right)
    case '<>':
    case '!=':
      return !isSame(left, right)
    case '<':
      return one < other
    case '<=':
      return one <= other
    case '>':
      return one > other
    case '>=':
      return one >= other
    case 'like':
    case 'ilike':
      return like(String(left), String(right), operator === 'ilike')
    case '||':
      return `${left}${right}`
    case '+':
      return Number(left) + Number(right)
    case '-':
      return Number(left) - Number(right)
    case '*':
      return Number(left) * Number(right)
    default: {
      if (Number(right) === 0) throw new SqlFault({ kind: 'zero' })
      const value = operator === '%' ? Number(left) % Number(right) : Number(left) / Number(right)
      return Number.isInteger(left) && Number.isInteger(right) ? Math.trunc(value) : value
    }
  }
}

/** `%` and `_`. */
export function like(text: string, pattern: string, ignoresCase: boolean): boolean {
  const source = pattern
    .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('%', '.*')
    .replaceAll('_', '.')
  return new RegExp(`^${source}$`, ignoresCase ? 'is' : 's').test(text)
}

function overRows({ name, args, star }: Extract<Expression, { is: 'call' }>, scope: Scope): Value {
  const rows = scope.all ?? []
  if (star) return rows.length
  const values = rows.map(row => evaluate(args[0]!, { ...scope, row })).filter(value => value !== null)
  if (name === 'count') return values.length
  if (values.length === 0) return null
  if (name === 'min' || name === 'max') {
    return values.reduce((best, each) => ((name === 'min' ? each < best : each > best) ? each : best))
  }
  const sum = values.reduce<number>((total, each) => total + Number(each), 0)
  return name === 'sum' ? sum : sum / values.length
}

function called(name: string, args: readonly Value[], { session }: Scope): Value {
  const [first = null] = args
  const text = String(first)
  const own = session.constant(name, args)
  if (own !== undefined) return own
  switch (name) {
    case 'lower':
    case 'lcase':
      return first === null ? null : text.toLowerCase()
    case 'upper':
    case 'ucase':
      return first === null ? null : text.toUpperCase()
    case 'length':
    case 'char_length':
      return first === null ? null : text.length
    case 'concat':
      return args.map(each => each ?? '').join('')
    case 'coalesce':
    case 'ifnull':
      return args.find(each => each !== null) ?? null
    case 'abs':
      return first === null ? null : Math.abs(Number(first))
    case 'round':
      return first === null ? null : Math.round(Number(first))
    default:
      throw new SqlFault({ kind: 'no function', name })
  }
}

/** By which a client aligns it. */
export function resultType(of: Expression, columns: readonly Column[]): ResultColumn['type'] {
  switch (of.is) {
    case 'value':
      return typeof of.value === 'number' ? 'number' : typeof of.value === 'boolean' ? 'boolean' : 'text'
    case 'column': {
      const type = columns.find(({ name }) => name.toLowerCase() === of.name.toLowerCase())?.type ?? ''
      if (/^bool/.test(type)) return 'boolean'
      return /int|serial|numeric|decimal|real|double|float/.test(type) ? 'number' : 'text'
    }
    case 'call':
      return /^(count|sum|avg|length|char_length|abs|round|connection_id|last_insert_id)$/.test(of.name)
        ? 'number'
        : 'text'
    case 'minus':
      return 'number'
    case 'binary':
      return ['+', '-', '*', '/', '%'].includes(of.operator) ? 'number' : of.operator === '||' ? 'text' : 'boolean'
    case 'variable':
      return 'text'
    default:
      return 'boolean'
  }
}
