// CEL as Kubernetes has it: compile once against declared variables, evaluate often within a budget. Made once a server by
// createCel (compiler.ts); called by admission policies, webhooks' conditions and the rules of custom resources.

/** Of what type a value is known to be. */
export type CelType =
  | 'dyn'
  | 'bool'
  | 'string'
  | 'int'
  | 'double'
  | 'bytes'
  | 'optional'
  | 'google.protobuf.Timestamp'
  | 'google.protobuf.Duration'
  | 'kubernetes.authorization.Authorizer'
  | { readonly list: CelType }
  | { readonly map: CelType }
  | CelObject

/** An object of declared fields; `name` is how errors call it. */
export interface CelObject {
  readonly name: string
  readonly fields: Readonly<Record<string, CelType>>
}

export interface Declarations {
  readonly variables: Readonly<Record<string, CelType>>
  /** What the result must be; several: one of them. Absent: anything. */
  readonly results?: readonly CelResult[]
  /** `cel.bind` may be said. */
  readonly mayBind?: boolean
}

export type CelResult = 'bool' | 'string' | 'null' | 'object' | 'list'

/** What is left to be spent, in units of CEL's cost model; shared by whatever is evaluated together. */
export interface CelBudget {
  left: number
}

/** How large a value can be: characters, items, members; and what it holds. */
export interface CelSize {
  readonly max: number
  readonly fields?: ReadonlyMap<string, CelSize> | undefined
  /** Of a list's items, or a map's values. */
  readonly elements?: CelSize | undefined
  readonly keys?: CelSize | undefined
}

export interface CelProgram {
  /** What it can cost at most, when every variable is of this size. */
  maxCost(size: CelSize): number
  /** The value, plain again: numbers are numbers, maps are objects. Throws CelFault. */
  evaluate(bindings: Readonly<Record<string, unknown>>, budget: CelBudget): unknown
}

export interface Cel {
  /** What has to be there before anything is compiled. Absent: it is. */
  load?(): Promise<void>
  /** Throws CelFault: `compilation failed: ERROR: <input>:1:5: undeclared reference to 'x' (in container '')…`. */
  compile(text: string, declarations: Declarations): CelProgram
  /** Of what type it is, and all that is wrong with types in it, in cel-go's words. Nothing of it can be run. */
  check(text: string, variables: Declarations['variables']): CelChecked
}

export interface CelChecked {
  /** An object's is dyn. */
  readonly type: CelType
  /** Several are one after another, as they stand in the text. */
  readonly faults?: string | undefined
}

/** The message is upstream's. */
export class CelFault extends Error {
  /** The budget is used up, which ends everything that shares it. */
  readonly isOutOfBudget: boolean

  constructor(message: string, isOutOfBudget = false, cause?: unknown) {
    super(message, { cause })
    this.name = 'CelFault'
    this.isOutOfBudget = isOutOfBudget
  }
}

/** PerCallLimit and RuntimeCELCostBudget of k8s.io/apiserver/pkg/apis/cel/config.go. */
export const costLimits = { perExpression: 1_000_000, perCall: 10_000_000 } as const
