// ValidatingAdmissionPolicy: rules in CEL, bound to what they are for, judged in the turn. Upstream:
// k8s.io/apiserver/pkg/admission/plugin/policy/validating/{dispatcher,validator}.go.

import type { ValidatingAdmissionPolicy, Validation } from '../../../generated/types.ts'
import { ApiError, forbidden, type Reason } from '../../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import { type Cel, CelFault } from '../../cel/cel.ts'
import type { Admission, AdmissionRequest } from '../admission.ts'
import { convert, isExempt, type Resource } from '../webhooks/matching.ts'
import { type Compiled, Evaluation, PolicyCompiler } from './evaluation.ts'
import { budgetOfPolicy } from './expressions.ts'
import { collectParams, ParamsFault } from './params.ts'
import { type Binding, type Bound, matchResources, PolicyIndex, type PolicyOptions } from './policy-index.ts'

type Policy = Frozen<ValidatingAdmissionPolicy>

interface CompiledPolicy {
  readonly compiler: PolicyCompiler
  readonly conditions: readonly Compiled[]
  readonly validations: readonly {
    readonly source: Frozen<Validation>
    readonly rule: Compiled
    readonly message: Compiled | undefined
  }[]
  readonly annotations: readonly { readonly key: string; readonly text: string; readonly value: Compiled }[]
}

interface Denial {
  readonly policy: Policy
  readonly binding: Binding | undefined
  readonly message: string
  readonly reason?: string | undefined
}

export function validatingPolicies(options: PolicyOptions): Admission & { readonly close: Cancel } {
  const index = new PolicyIndex<Policy, CompiledPolicy>(
    options.storage,
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    policy => compile(options.cel, policy),
  )
  return {
    name: 'ValidatingAdmissionPolicy',
    connects: true,
    check(next, request) {
      if (index.bound.length === 0 || isExempt(request)) return
      const object = request.operation === 'DELETE' ? undefined : next
      const denials: Denial[] = []
      for (const bound of index.bound) judge(options, bound, object, request, denials)
      if (denials.length > 0) throw refusal(denials[0]!, request)
    },
    close: index.close,
  }
}

export function compile(cel: Cel, { spec }: Policy): CompiledPolicy {
  const compiler = new PolicyCompiler(cel, spec)
  return {
    compiler,
    conditions: (spec.matchConditions ?? []).map(({ expression }) => compiler.condition(expression)),
    validations: (spec.validations ?? []).map(source => ({
      source,
      rule: compiler.compile(source.expression, 'bool'),
      message: source.messageExpression ? compiler.compile(source.messageExpression, 'string', false) : undefined,
    })),
    annotations: (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      text: valueExpression,
      value: compiler.compile(valueExpression, 'stringOrNull', false),
    })),
  }
}

function judge(
  options: PolicyOptions,
  bound: Bound<Policy, CompiledPolicy>,
  next: Frozen<KubeObject> | undefined,
  request: AdmissionRequest,
  denials: Denial[],
): void {
  const { policy, bindings } = bound
  const equivalents = options.equivalents(request.kind)
  const fails = policy.spec.failurePolicy !== 'Ignore'
  const meant = matchResources(policy.spec.matchConstraints, request, next, equivalents)
  if (meant === undefined) return
  const told: Told = new Map()
  for (const binding of bindings) {
    if (matchResources(binding.spec.matchResources, request, next, equivalents) === undefined) continue
    let params: readonly (Frozen<KubeObject> | null)[]
    try {
      const { paramKind } = policy.spec
      params = collectParams(paramKind, binding.spec.paramRef, request.namespace, options.kinds(), request.present)
    } catch (error) {
      if (!(error instanceof ParamsFault)) throw error
      if (fails) denials.push({ policy, binding, message: `failed to configure binding: ${error.message}` })
      continue
    }
    for (const param of params) apply(options, bound, binding, meant, param, next, request, denials, told)
  }
  for (const [key, values] of told) request.annotate?.(`${policy.metadata.name}/${key}`, [...values].join(', '))
}

function apply(
  options: PolicyOptions,
  { policy, compiled }: Bound<Policy, CompiledPolicy>,
  binding: Binding,
  meant: Resource,
  param: Frozen<KubeObject> | null,
  next: Frozen<KubeObject> | undefined,
  request: AdmissionRequest,
  denials: Denial[],
  told: Told,
): void {
  const shown = (object: Frozen<KubeObject> | undefined): Frozen<KubeObject> | undefined =>
    object && (convert(object, request.kind, meant.kind) as Frozen<KubeObject>)
  const evaluation = new Evaluation(
    compiled.compiler,
    meant,
    shown(next),
    shown(request.old),
    request,
    param,
    options.authorizerFor(request),
    budgetOfPolicy(),
  )
  const fails = policy.spec.failurePolicy !== 'Ignore'
  const act = (message: string, index: number, reason?: string): void => {
    for (const action of binding.spec.validationActions ?? []) {
      if (action === 'Deny') denials.push({ policy, binding, message, reason })
      if (action === 'Audit') request.annotate?.(failureKey, failureText(binding, index, message))
      if (action === 'Warn') {
        const { name } = policy.metadata
        request.warn(
          `Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${binding.metadata.name}': ${message}`,
        )
      }
    }
  }
  const guarded = <T>(index: number, run: () => T): T | undefined => {
    try {
      return run()
    } catch (error) {
      if (!(error instanceof CelFault)) throw error
      if (fails) act(error.message, index)
      return undefined
    }
  }
  if (guarded(0, () => evaluation.meets(compiled.conditions)) !== true) return
  for (const [index, { source, rule, message }] of compiled.validations.entries()) {
    const holds = guarded(index, () => evaluation.value(rule))
    if (holds === undefined || holds === true) continue
    act(messageOf(source, message, evaluation), index, source.reason ?? 'Invalid')
  }
  // What they say goes into an audit log only; that they can be said is judged all the same.
  for (const { key, text, value } of compiled.annotations) {
    try {
      const said = evaluation.value(value)
      if (typeof said === 'string') {
        const shown = said.trim().slice(0, longestAnnotation)
        if (shown !== '') told.set(key, (told.get(key) ?? new Set()).add(shown))
        continue
      }
      if (said === null) continue
      throw new CelFault(
        `valueExpression '${text}' resulted in unsupported return type: ${typeof said}. Return type must be either string or null.`,
      )
    } catch (error) {
      if (!(error instanceof CelFault)) throw error
      if (fails) denials.push({ policy, binding, message: error.message })
    }
  }
}

/** What the policy's audit annotations came to, by their keys; of several bindings and params each value once. */
type Told = Map<string, Set<string>>

const failureKey = 'validation.policy.admission.k8s.io/validation_failure'

function failureText({ metadata, spec }: Binding, index: number, message: string): string {
  const { policyName: policy, validationActions } = spec
  return JSON.stringify([{ message, policy, binding: metadata.name, expressionIndex: index, validationActions }])
}

const longestAnnotation = 10 * 1024
const longestMessage = 5 * 1024

function messageOf(source: Frozen<Validation>, message: Compiled | undefined, evaluation: Evaluation): string {
  const told = message && said(message, evaluation)
  return told || source.message?.trim() || `failed expression: ${source.expression.trim()}`
}

/** Nothing when it fails, is too long or has several lines. */
function said(message: Compiled, evaluation: Evaluation): string | undefined {
  try {
    const text = evaluation.value(message)
    if (typeof text !== 'string') return undefined
    const line = text.trim()
    return line.includes('\n') || Buffer.byteLength(line) > longestMessage ? undefined : line
  } catch (error) {
    if (error instanceof CelFault) return undefined
    throw error
  }
}

const codes: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 }

function refusal({ policy, binding, message, reason = 'Invalid' }: Denial, { kind, name }: AdmissionRequest): ApiError {
  const by = binding === undefined ? '' : ` with binding '${binding.metadata.name}'`
  const sentence = `ValidatingAdmissionPolicy '${policy.metadata.name}'${by} denied request: ${message}`
  const { message: whole, details } = forbidden(kind, name, sentence)
  return new ApiError(reason as Reason, whole, { ...details, causes: [{ message: sentence }] }, codes[reason] ?? 422)
}
