// What cel-go's optional values have and the library lacks: optMap, optFlatMap, ofNonZeroValue, unwrap, first and last, and that
// they can be compared. Upstream: github.com/google/cel-go/cel/library.go (OptionalTypes).

import { type Environment, Optional } from '@marcbachmann/cel-js'
import { typeWords } from '../words.ts'
import { isSame } from './comparing.ts'
import { type Checker, type Evaluator, type MacroCall, type Node, type Scope, simpleName, type Type } from './macros.ts'

export function registerOptionals(environment: Environment): void {
  environment
    .registerFunction('OptionalNamespace.ofNonZeroValue(dyn): optional', (_: unknown, value: unknown) =>
      isZero(value) ? Optional.none() : Optional.of(value),
    )
    .registerFunction('OptionalNamespace.unwrap(list): list', (_: unknown, list: readonly unknown[]) => unwrapped(list))
    .registerFunction('list.unwrapOpt(): list', unwrapped)
    .registerFunction('list.first(): optional', (list: readonly unknown[]) => optionalOf(list[0]))
    .registerFunction('list.last(): optional', (list: readonly unknown[]) => optionalOf(list.at(-1)))
    .registerFunction('optional.optMap(ast, ast): optional', mapping(false) as never)
    .registerFunction('optional.optFlatMap(ast, ast): optional', mapping(true) as never)
    .registerOperator('optional == optional', isSameOptional)
}

const optionalOf = (value: unknown): Optional => (value === undefined ? Optional.none() : Optional.of(value))

const unwrapped = (list: readonly unknown[]): readonly unknown[] =>
  list.flatMap(each => {
    if (!(each instanceof Optional)) throw new Error('no such overload')
    return each.hasValue() ? [each.value()] : []
  })

function isSameOptional(one: Optional, other: Optional): boolean {
  if (!one.hasValue() || !other.hasValue()) return one.hasValue() === other.hasValue()
  return isSame(one.value(), other.value())
}

function isZero(value: unknown): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true
  if (value instanceof Map) return value.size === 0
  if (value instanceof Date) return false
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  return (
    typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0
  )
}

interface OptionalMacro {
  inner: Scope | undefined
  typeCheck(checker: Checker, macro: OptionalMacro, scope: Scope): Type
  evaluate(evaluator: Evaluator, macro: OptionalMacro, scope: Scope): Optional
}

/** `isFlat`: what it gives is an optional already. */
function mapping(isFlat: boolean): (call: MacroCall) => OptionalMacro & { readonly body: Node } {
  return ({ args, receiver }) => {
    const name = simpleName(args[0]!)
    const body = args[1]!
    return {
      body,
      inner: undefined,
      typeCheck(checker, macro, scope) {
        const target = checker.check(receiver, scope)
        const dyn = checker.getType('dyn')
        macro.inner = scope.forkWithVariable(name, target.kind === 'optional' ? (target.valueType ?? dyn) : dyn)
        const made = checker.check(body, macro.inner)
        if (!isFlat) return checker.getType(`optional<${checker.formatType(made)}>`)
        if (made.kind === 'optional' || made.kind === 'dyn') return made
        const words = `found no matching overload for '_?_:_' applied to '(bool, ${typeWords(checker.formatType(made))}, optional_type(dyn))'`
        throw checker.createError('no_such_overload', words, body)
      },
      evaluate(evaluator, macro, scope) {
        const value = evaluator.run(receiver, scope)
        if (!(value instanceof Optional)) throw new Error('no such overload')
        if (!value.hasValue()) return value
        const made = evaluator.run(body, macro.inner!.reuse(scope).setIterValue(value.value(), evaluator))
        if (!isFlat) return Optional.of(made)
        if (!(made instanceof Optional)) throw new Error('no such overload')
        return made
      },
    }
  }
}
