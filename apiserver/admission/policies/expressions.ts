// What policies need of CEL: expressions compiled once, evaluated over one request. The port; the room cel/ is behind it, and
// server.ts introduces the two.

import type { Frozen, KubeObject } from '../../../src/api/meta.ts'

/** What an expression may speak of, beyond object, oldObject, request and namespaceObject. */
export interface Scope {
  readonly params: boolean
  readonly authorizer: boolean
  /** Variables defined before, by name: `variables.NAME`. */
  readonly variables: readonly string[]
  /** Of which type the result must be. */
  readonly result: 'bool' | 'string' | 'stringOrNull' | 'any' | 'applyConfiguration' | 'jsonPatch'
}

/** The values of one evaluation. */
export interface Bindings {
  readonly object: Frozen<KubeObject> | null
  readonly oldObject: Frozen<KubeObject> | null
  /** As admission.k8s.io/v1 AdmissionRequest, without the objects. */
  readonly request: object
  readonly namespaceObject: object | null
  readonly params?: Frozen<KubeObject> | null
  /** Each is evaluated when it is first asked for. */
  readonly variables?: Readonly<Record<string, () => unknown>>
  readonly authorizer?: unknown
}

export interface Expression {
  /** Throws EvaluationFault. `budget` is shared by all expressions of one policy and request. */
  evaluate(bindings: Bindings, budget: Budget): unknown
}

/** What is left to be spent, in units of CEL's cost model. */
export interface Budget {
  left: number
}

export interface Expressions {
  /** Throws CompilationFault. */
  compile(text: string, scope: Scope): Expression
}

/** The message is upstream's: `compilation failed: ERROR: <input>:1:1: …`. */
export class CompilationFault extends Error {}
/** The message is upstream's: `expression 'x' resulted in error: …`. */
export class EvaluationFault extends Error {}

/** RuntimeCELCostBudget in k8s.io/apiserver/pkg/apis/cel/config.go. */
export const budgetOfPolicy = 10_000_000
