// MutatingAdmissionPolicy: changes in CEL, as apply configurations or JSON patches, made to the draft in the turn. Upstream:
// k8s.io/apiserver/pkg/admission/plugin/policy/mutating/{dispatcher.go,patch}, policy/generic/policy_dispatcher.go.

import type { MutatingAdmissionPolicy, Mutation } from '../../../generated/types.ts'
import { ApiError, forbidden } from '../../../src/api/errors.ts'
import { draft as thaw } from '../../../src/api/freeze.ts'
import { jsonEqual } from '../../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import { schemaNodeOf } from '../../../src/kinds/schemas.ts'
import { type Cel, CelFault } from '../../cel/cel.ts'
import { applyJsonPatch } from '../../patch/json-patch.ts'
import { AtomicFault, mergeConfiguration } from '../../patch/merge-configuration.ts'
import type { Admission, AdmissionRequest } from '../admission.ts'
import { convert, isExempt, type Resource } from '../webhooks/matching.ts'
import { type Compiled, Evaluation, PolicyCompiler } from './evaluation.ts'
import { budgetOfPolicy, plainOf } from './expressions.ts'
import { collectParams, ParamsFault } from './params.ts'
import { type Binding, type Bound, matchResources, PolicyIndex, type PolicyOptions } from './policy-index.ts'

type Policy = Frozen<MutatingAdmissionPolicy>

interface CompiledPolicy {
  readonly compiler: PolicyCompiler
  readonly conditions: readonly Compiled[]
  readonly mutations: readonly { readonly source: Frozen<Mutation>; readonly expression: Compiled }[]
}

interface Failure {
  readonly policy: Policy
  readonly binding: Binding
  readonly message: string
}

/** `before`: the plugins that have completed the draft already; what a policy changes they see again. */
export function mutatingPolicies(
  options: PolicyOptions,
  before: readonly Admission[],
): Admission & { readonly close: Cancel } {
  const index = new PolicyIndex<Policy, CompiledPolicy>(
    options.storage,
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    policy => compileMutating(options.cel, policy),
  )
  return {
    name: 'MutatingAdmissionPolicy',
    admit(draft, request) {
      if (index.bound.length === 0 || isExempt(request)) return
      const round = new MutatingRound(options, draft, request)
      const given = thaw(draft)
      const again = round.run(index.bound, () => true)
      if (!jsonEqual(given, draft)) {
        for (const plugin of before) if (plugin.concerns?.(request.kind) !== false) plugin.admit?.(draft, request)
      }
      // Who asked for it is asked once more when somebody after it changed the object.
      if (again.size > 0) round.run(index.bound, key => again.has(key))
      round.finish()
    },
    close: index.close,
  }
}

export function compileMutating(cel: Cel, { spec }: Policy): CompiledPolicy {
  const compiler = new PolicyCompiler(cel, spec)
  return {
    compiler,
    conditions: (spec.matchConditions ?? []).map(({ expression }) => compiler.condition(expression)),
    mutations: (spec.mutations ?? []).map(source => ({
      source,
      expression:
        source.patchType === 'JSONPatch'
          ? compiler.compile(source.jsonPatch?.expression ?? '', 'list')
          : compiler.compile(source.applyConfiguration?.expression ?? '', 'object'),
    })),
  }
}

class MutatingRound {
  readonly #options: PolicyOptions
  readonly #draft: KubeObject
  readonly #request: AdmissionRequest
  readonly #failures: Failure[] = []

  constructor(options: PolicyOptions, draft: KubeObject, request: AdmissionRequest) {
    this.#options = options
    this.#draft = draft
    this.#request = request
  }

  /** The keys of those to be asked again. */
  run(all: readonly Bound<Policy, CompiledPolicy>[], isAsked: (key: string) => boolean): ReadonlySet<string> {
    const again = new Set<string>()
    const before: string[] = []
    for (const bound of all) {
      for (const { key, binding, meant, param } of this.#invocations(bound)) {
        if (!isAsked(key)) continue
        if (this.#invoke(bound, binding, meant, param)) for (const each of before) again.add(each)
        if (bound.policy.spec.reinvocationPolicy === 'IfNeeded') before.push(key)
      }
    }
    return again
  }

  *#invocations({ policy, bindings }: Bound<Policy, CompiledPolicy>): Iterable<{
    readonly key: string
    readonly binding: Binding
    readonly meant: Resource
    readonly param: Frozen<KubeObject> | null
  }> {
    const { kinds, equivalents } = this.#options
    const { kind, namespace, present } = this.#request
    const next = this.#draft as Frozen<KubeObject>
    const meant = matchResources(policy.spec.matchConstraints, this.#request, next, equivalents(kind))
    if (meant === undefined) return
    for (const binding of bindings) {
      if (matchResources(binding.spec.matchResources, this.#request, next, equivalents(kind)) === undefined) continue
      try {
        const params = collectParams(policy.spec.paramKind, binding.spec.paramRef, namespace, kinds(), present)
        for (const param of params) {
          const of = param === null ? '' : `${param.metadata.namespace ?? ''}/${param.metadata.name}`
          yield { key: `${policy.metadata.name} ${binding.metadata.name} ${of}`, binding, meant, param }
        }
      } catch (error) {
        if (!(error instanceof ParamsFault)) throw error
        this.#fail(policy, binding, `failed to configure binding: ${error.message}`)
      }
    }
  }

  /** Whether it changed the draft. */
  #invoke(
    { policy, compiled }: Bound<Policy, CompiledPolicy>,
    binding: Binding,
    meant: Resource,
    param: Frozen<KubeObject> | null,
  ): boolean {
    const { kind, old } = this.#request
    const before = thaw(this.#draft)
    const budget = budgetOfPolicy()
    const evaluation = (): Evaluation =>
      new Evaluation(
        compiled.compiler,
        meant,
        convert(thaw(this.#draft) as Frozen<KubeObject>, kind, meant.kind) as Frozen<KubeObject>,
        old && (convert(old, kind, meant.kind) as Frozen<KubeObject>),
        this.#request,
        param,
        this.#options.authorizerFor(this.#request),
        budget,
      )
    try {
      if (!evaluation().meets(compiled.conditions)) return false
      for (const { source, expression } of compiled.mutations) {
        // Each sees what the one before it made.
        const value = evaluation().value(expression)
        const shown = convert(this.#draft as Frozen<KubeObject>, kind, meant.kind)
        const patched = source.patchType === 'JSONPatch' ? patchedBy(shown, value) : mergedWith(shown, value, meant)
        this.#replace(convert(patched as Frozen<KubeObject>, meant.kind, kind))
      }
    } catch (error) {
      if (!(error instanceof CelFault || error instanceof AtomicFault)) throw error
      this.#fail(policy, binding, error.message)
    }
    return !jsonEqual(before, this.#draft)
  }

  /** The draft stays the same object for whoever holds it. */
  #replace(next: KubeObject): void {
    const made = thaw(next as Frozen<KubeObject>) as KubeObject
    this.#request.kind.defaults?.(made)
    for (const name of Object.keys(this.#draft)) delete (this.#draft as unknown as Record<string, unknown>)[name]
    Object.assign(this.#draft, made)
  }

  #fail(policy: Policy, binding: Binding, message: string): void {
    if (policy.spec.failurePolicy !== 'Ignore') this.#failures.push({ policy, binding, message })
  }

  finish(): void {
    if (this.#failures.length === 0) return
    const sentences = this.#failures.map(
      ({ policy, binding, message }) =>
        `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${message}`,
    )
    const { kind, name } = this.#request
    const { details } = forbidden(kind, name, '')
    throw new ApiError('Invalid', sentences[0]!, { ...details, causes: sentences.map(message => ({ message })) }, 403)
  }
}

function mergedWith(shown: KubeObject, value: unknown, { kind }: Resource): KubeObject {
  try {
    return mergeConfiguration(shown, plainOf(value), schemaNodeOf(kind))
  } catch (error) {
    if (error instanceof AtomicFault)
      throw new CelFault(`error applying patch: invalid ApplyConfiguration: ${error.message}`)
    throw error
  }
}

/** A test that fails leaves the object as it is. */
function patchedBy(shown: KubeObject, value: unknown): KubeObject {
  const operations = (Array.isArray(value) ? value : []).map(each => {
    const operation = plainOf(each, 'JSONPatch') as Record<string, unknown>
    return operation
  })
  try {
    return applyJsonPatch<KubeObject>(shown as Frozen<KubeObject>, operations)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    const cause = error.cause instanceof Error ? error.cause.message : error.message
    if (operations.some(({ op }) => op === 'test') && /test/i.test(cause)) return shown
    throw new CelFault(`JSON Patch: ${cause}`)
  }
}
