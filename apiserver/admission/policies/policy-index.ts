// The policies of one sort with their bindings, kept as they are stored, and which of them a request meets. Called by both
// plugins. Upstream: k8s.io/apiserver/pkg/admission/plugin/policy/{generic/policy_source.go,matching/matching.go}.

import type { MatchResources, NamedRuleWithOperations, ParamRef } from '../../../generated/types.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import type { Cel } from '../../cel/cel.ts'
import { prefixOf } from '../../storage/keys.ts'
import type { Storage } from '../../storage/storage.ts'
import type { AdmissionRequest } from '../admission.ts'
import { matchNamespace, matchObject, matchRules, type Resource } from '../webhooks/matching.ts'

export interface PolicyOptions {
  readonly storage: Storage
  readonly cel: Cel
  /** Every kind that is served: among them are those of parameters. */
  readonly kinds: () => readonly Kind<any>[]
  readonly equivalents: (kind: Kind<any>) => readonly Kind<any>[]
  /** What `authorizer` is for the user of a request. */
  readonly authorizerFor: (request: AdmissionRequest) => unknown
}

export type Policy = Frozen<KubeObject & { spec: { matchConstraints?: MatchResources } }>
export type Binding = Frozen<
  KubeObject & {
    spec: { policyName?: string; matchResources?: MatchResources; paramRef?: ParamRef; validationActions?: string[] }
  }
>

/** A policy that is bound, with what was compiled of it. */
export interface Bound<P extends Policy, C> {
  readonly policy: P
  readonly bindings: readonly Binding[]
  readonly compiled: C
}

const group = 'admissionregistration.k8s.io'

export class PolicyIndex<P extends Policy, C> {
  /** By name. What nobody has bound has no effect. */
  bound: readonly Bound<P, C>[] = []
  readonly close: Cancel
  readonly #compiled = new WeakMap<P, C>()
  readonly #compile: (policy: P) => C

  constructor(storage: Storage, policies: string, bindings: string, compile: (policy: P) => C) {
    this.#compile = compile
    const prefixes = [policies, bindings].map(plural => prefixOf({ group, plural }))
    const read = (): void => {
      const bound = storage.list(prefixes[1]!).map(({ object }) => object as Binding)
      this.bound = storage.list(prefixes[0]!).flatMap(({ object }) => {
        const policy = object as P
        const own = bound.filter(({ spec }) => spec.policyName === policy.metadata.name)
        if (own.length === 0) return []
        // When somebody first asks: at a start, what compiles is not loaded yet.
        const compiled = (): C => this.#of(policy)
        return {
          policy,
          bindings: own,
          get compiled() {
            return compiled()
          },
        }
      })
    }
    read()
    const stops = prefixes.map(prefix => storage.subscribe(prefix, storage.revision, read))
    this.close = () => {
      for (const stop of stops) stop()
    }
  }

  #of(policy: P): C {
    let compiled = this.#compiled.get(policy)
    if (compiled === undefined) {
      compiled = this.#compile(policy)
      this.#compiled.set(policy, compiled)
    }
    return compiled
  }
}

/** The resource by which the constraints mean the request; undefined when they do not. */
export function matchResources(
  constraints: Frozen<MatchResources> | undefined,
  request: AdmissionRequest,
  next: Frozen<KubeObject> | undefined,
  equivalents: readonly Kind<any>[],
): Resource | undefined {
  if (constraints === undefined) return { kind: request.kind, subresource: request.subresource ?? '' }
  if (!matchNamespace(constraints, request, next) || !matchObject(constraints, next, request.old)) return undefined
  const { matchPolicy, excludeResourceRules, resourceRules } = constraints
  const meets = (rules: readonly Frozen<NamedRuleWithOperations>[] | undefined): Resource | undefined => {
    const named = rules?.filter(({ resourceNames }) => !resourceNames?.length || resourceNames.includes(request.name))
    return named?.length ? matchRules({ rules: named, matchPolicy } as never, request, equivalents) : undefined
  }
  if (meets(excludeResourceRules) !== undefined) return undefined
  // Nothing said: everything is meant, as in a binding that narrows nothing.
  if (!resourceRules?.length) return { kind: request.kind, subresource: request.subresource ?? '' }
  return meets(resourceRules)
}
