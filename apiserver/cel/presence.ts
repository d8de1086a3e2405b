// `has()` of whatever ends in a field, as cel-go takes it: the library's wants names and dots alone, and does not look whether
// the field can be there. Called by compiler.ts, of every syntax tree, before its types are checked.

import { Optional } from '@marcbachmann/cel-js'

interface Type {
  readonly kind: string
  readonly valueType?: Type
  fieldLazy(object: unknown, name: unknown, node: Node, evaluator: Evaluator): unknown
}

interface Checker {
  check(node: Node, context: unknown): Type
  checkAccessOnType(node: Node, context: unknown, type: Type): Type
  getType(name: string): Type
  createError(code: string, message: string, node: Node): Error
}

interface Evaluator {
  run(node: Node, context: unknown): unknown
  debugType(value: unknown): Type
}

interface Macro {
  readonly args: readonly Node[]
  typeCheck(checker: Checker, macro: Macro, context: unknown): Type
  evaluate(evaluator: Evaluator, macro: Macro, context: unknown): unknown
}

interface Node {
  readonly op: string
  readonly args: readonly unknown[]
  readonly meta: { readonly macro?: Macro; readonly alternate?: Node }
}

export function withPresence(tree: unknown): void {
  const seen = new Set<object>()
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    const { op, args, meta } = value as Partial<Node>
    if (op === 'call' && args?.[0] === 'has' && meta?.macro !== undefined) {
      Object.assign(meta.macro, { typeCheck, evaluate })
    }
    if (meta !== undefined) visit(meta)
    for (const each of Array.isArray(value) ? value : Object.values(value)) visit(each)
  }
  visit(tree)
}

function typeCheck(checker: Checker, { args }: Macro, context: unknown): Type {
  const field = args[0]!
  if (field.op !== '.') throw checker.createError('invalid_macro_argument', 'invalid argument to has() macro', field)
  const type = checker.check(field.args[0] as Node, context)
  const holder = type.kind === 'optional' ? type.valueType : type
  if (holder !== undefined && holder.kind !== 'dyn') checker.checkAccessOnType(field, context, holder)
  return checker.getType('bool')
}

function evaluate(evaluator: Evaluator, { args }: Macro, context: unknown): boolean {
  const field = args[0]!
  const found = evaluator.run(field.args[0] as Node, context)
  const holder = found instanceof Optional ? found.orValue(undefined) : found
  if (holder === undefined) return false
  return evaluator.debugType(holder).fieldLazy(holder, field.args[1], field, evaluator) !== undefined
}
