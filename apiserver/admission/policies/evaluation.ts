// One policy compiled, and its values for one request: conditions first, variables when they are asked for. Called by both
// plugins. Upstream: k8s.io/apiserver/pkg/admission/plugin/cel/{condition,composition}.go, plugin/webhook/matchconditions.

import type { MatchCondition, Variable } from '../../../generated/types.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import { Namespaces } from '../../../src/kinds/namespace.ts'
import { type Cel, type CelBudget, CelFault } from '../../cel/cel.ts'
import { keyOf } from '../../storage/keys.ts'
import type { AdmissionRequest } from '../admission.ts'
import { requestOfReview } from '../webhooks/admission-review.ts'
import type { Resource } from '../webhooks/matching.ts'
import { type Bindings, compileExpression, contextOf, type Expression, type Scope } from './expressions.ts'

export interface Definitions {
  readonly variables?: readonly Frozen<Variable>[] | undefined
  readonly matchConditions?: readonly Frozen<MatchCondition>[] | undefined
  readonly paramKind?: unknown
}

/** An expression, or why there is none. */
export type Compiled = Expression | CelFault

/** Compiles the expressions of one policy, each after the variables that are defined before it. */
export class PolicyCompiler {
  readonly #cel: Cel
  readonly #hasParams: boolean
  readonly variables: readonly { readonly name: string; readonly expression: Compiled }[]

  constructor(cel: Cel, { variables = [], paramKind }: Definitions) {
    this.#cel = cel
    this.#hasParams = paramKind !== undefined
    const names: string[] = []
    this.variables = variables.map(({ name, expression }) => {
      const compiled = this.#try(expression, { ...this.#scope('any', true), variables: [...names] })
      names.push(name)
      return { name, expression: compiled }
    })
  }

  compile(text: string, result: Scope['result'], authorizer = true): Compiled {
    return this.#try(text, { ...this.#scope(result, authorizer), variables: this.variables.map(({ name }) => name) })
  }

  condition(text: string): Compiled {
    return this.#try(text, { ...this.#scope('bool', true), variables: undefined })
  }

  #scope(result: Scope['result'], authorizer: boolean): Omit<Scope, 'variables'> {
    return { result, authorizer, params: this.#hasParams }
  }

  #try(text: string, scope: Scope): Compiled {
    try {
      return compileExpression(this.#cel, text, scope)
    } catch (error) {
      if (error instanceof CelFault) return error
      throw error
    }
  }
}

/** What a policy is judged by: one parameter and one request. */
export class Evaluation {
  readonly budget: CelBudget
  readonly #context: Readonly<Record<string, unknown>>

  constructor(
    compiler: PolicyCompiler,
    meant: Resource,
    next: Frozen<KubeObject> | undefined,
    old: Frozen<KubeObject> | undefined,
    request: AdmissionRequest,
    params: Frozen<KubeObject> | null,
    authorizer: unknown,
    budget: CelBudget,
  ) {
    this.budget = budget
    const bindings: Bindings = {
      object: next ?? null,
      oldObject: old ?? null,
      request: requestOfReview(request, meant, next ?? old),
      namespaceObject: namespaceOf(request),
      params,
      variables: new Map(compiler.variables.map(({ name, expression }) => [name, once(() => this.value(expression))])),
      authorizer,
    }
    this.#context = contextOf(bindings)
  }

  /** Throws CelFault, also for an expression that could not be compiled. */
  value(expression: Compiled): unknown {
    if (expression instanceof CelFault) throw expression
    return expression.evaluate(this.#context, this.budget)
  }

  /** Whether all conditions hold; one that is false outweighs those that fail. Throws CelFault. */
  meets(conditions: readonly Compiled[]): boolean {
    let fault: unknown
    for (const condition of conditions) {
      try {
        if (this.value(condition) !== true) return false
      } catch (error) {
        if (!(error instanceof CelFault)) throw error
        fault ??= error
      }
    }
    if (fault !== undefined) throw fault
    return true
  }
}

function once(make: () => unknown): () => unknown {
  let made: { readonly value: unknown } | { readonly fault: unknown } | undefined
  return () => {
    if (made === undefined) {
      try {
        made = { value: make() }
      } catch (fault) {
        made = { fault }
      }
    }
    if ('fault' in made) throw made.fault
    return made.value
  }
}

/** What of a namespace is shown to expressions (cel.CreateNamespaceObject). */
function namespaceOf({ kind, namespace, present }: AdmissionRequest): object | null {
  if (!kind.namespaced || !namespace) return null
  const found = present.get(keyOf(Namespaces, { name: namespace }))?.object
  if (found === undefined) return null
  const { managedFields: _, ownerReferences: __, selfLink: ___, ...metadata } = found.metadata
  const { spec, status } = found as { spec?: object; status?: object }
  return { metadata, ...(spec ? { spec } : {}), ...(status ? { status } : {}) }
}
