// What a macro is to the CEL library: it is given its arguments unread, and says of what type it is and what it comes to. Only as
// much of the library's own shapes as comprehensions.ts and optionals.ts need.

export interface Node {
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
}

export interface Type {
  /** `param`: of an empty literal nobody knows what it holds. */
  readonly kind: string
  readonly name: string
  readonly keyType?: Type
  readonly valueType?: Type
  isDynOrBool(): boolean
}

/** Variables by name; one more for each fork. */
export interface Scope {
  forkWithVariable(name: string, type: Type): Scope
  reuse(parent: Scope): Scope
  setIterValue(value: unknown, evaluator: Evaluator): Scope
}

export interface Checker {
  readonly registry: { getListType(of: Type): Type; getMapType(key: Type, value: Type): Type }
  check(node: Node, scope: Scope): Type
  getType(name: string): Type
  formatType(type: Type): string
  createError(code: string, message: string, node: Node): Error
}

export interface Evaluator {
  run(node: Node, scope: Scope): unknown
}

export interface MacroCall {
  readonly args: readonly Node[]
  readonly receiver: Node
}

/** A macro's variable. Throws what compiler.ts tells with its place. */
export function simpleName({ op, args, start, end }: Node): string {
  if (op === 'id') return args as string
  throw Object.assign(new Error('argument must be a simple name'), { range: { start, end } })
}
