// What the library's checker refuses and cel-go takes: `has()` of whatever ends in a field, where the library wants names and
// dots alone (and does not look whether the field can be there); objects that are compared with their like, or with null.
// Called by compiler.ts, of syntax trees, before their types are checked.

import { Optional } from '@marcbachmann/cel-js'

interface Type {
  readonly kind: string
  readonly name: string
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
  readonly meta: { readonly macro?: Macro; check(checker: Checker, node: Node, context: unknown): Type }
}

/** Of every tree. */
export function withPresence(tree: unknown): void {
  eachNode(tree, ({ op, args, meta }) => {
    const isHas = op === 'call' && args[0] === 'has' && meta.macro !== undefined
    if (isHas) Object.assign(meta.macro!, { typeCheck, evaluate })
  })
}

/** Of a tree that is checked and never run: what is compared at last are maps. */
export function withComparedObjects(tree: unknown): void {
  eachNode(tree, node => {
    if (node.op !== '==' && node.op !== '!=') return
    const { check } = node.meta
    node.meta.check = (checker, self, context) => {
      const [left, right] = [checker.check(self.args[0] as Node, context), checker.check(self.args[1] as Node, context)]
      const isAlike = left === right || left.name === 'null' || right.name === 'null'
      const isObject = left.kind === 'message' || right.kind === 'message'
      return isAlike && isObject ? checker.getType('bool') : check(checker, self, context)
    }
  })
}

/**
 * Of a tree that is checked and never run: what is wrong at a place is noted, and what is there is of any type from then on,
 * so that all of it is told and nothing twice, as cel-go does.
 */
export function collectingFaults(tree: unknown): Error[] {
  const faults: Error[] = []
  eachNode(tree, node => {
    const { check } = node.meta
    node.meta.check = (checker, self, context) => {
      try {
        return check.call(node.meta, checker, self, context)
      } catch (error) {
        // cel-go tells of a condition with what it decides between.
        const isCondition = self.op === '?:' && (error as { node?: unknown }).node === self.args[0]
        if (isCondition) {
          for (const each of self.args.slice(1)) checker.check(each as Node, context)
          faults.push(checker.createError('invalid_condition_type', (error as Error).message, self))
        } else faults.push(error as Error)
        return checker.getType('dyn')
      }
    }
  })
  return faults
}

/** Of a tree in which nothing may be bound to a name: only selectors of devices may say `cel.bind` (dynamic-resource-allocation/cel). */
export function withoutBindings(tree: unknown): void {
  eachNode(tree, ({ op, args }) => {
    if (op !== 'rcall' || args[0] !== 'bind') return
    const target = args[1] as (Node & { readonly start: number; readonly end: number }) | undefined
    if (target?.op !== 'id' || (target.args as unknown) !== 'cel') return
    throw Object.assign(new Error('Unknown variable: cel'), { range: { start: target.start, end: target.end } })
  })
}

function eachNode(tree: unknown, visit: (node: Node) => void): void {
  const seen = new Set<object>()
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    const { op, args, meta } = value as Partial<Node>
    if (op !== undefined && args !== undefined && meta !== undefined) visit(value as Node)
    if (meta !== undefined) walk(meta)
    for (const each of Array.isArray(value) ? value : Object.values(value)) walk(each)
  }
  walk(tree)
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
