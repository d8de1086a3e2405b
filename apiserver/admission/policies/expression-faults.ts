// A policy, or a webhook's conditions, whose expressions cannot be compiled is refused when it is written. Called by the plugin
// below, upon the kinds that carry expressions. Upstream: pkg/apis/admissionregistration/validation/validation.go.

import { type FieldError, invalid, invalidValue } from '../../../src/api/errors.ts'
import { jsonEqual } from '../../../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../../../src/api/meta.ts'
import { type Cel, CelFault } from '../../cel/cel.ts'
import { prefixOf } from '../../storage/keys.ts'
import type { Present } from '../../storage/storage.ts'
import type { Admission } from '../admission.ts'
import { type Compiled, type Definitions, PolicyCompiler } from './evaluation.ts'

interface Written {
  readonly variables?: readonly { readonly name: string; readonly expression: string }[]
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[]
  readonly validations?: readonly { readonly expression: string; readonly messageExpression?: string }[]
  readonly auditAnnotations?: readonly { readonly valueExpression: string }[]
  readonly mutations?: readonly {
    readonly applyConfiguration?: { readonly expression?: string }
    readonly jsonPatch?: { readonly expression?: string }
  }[]
  readonly paramKind?: unknown
}

const group = 'admissionregistration.k8s.io'
const policies: ReadonlySet<string> = new Set(['validatingadmissionpolicies', 'mutatingadmissionpolicies'])
const webhooks: ReadonlySet<string> = new Set(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'])

/** Whether there is anything to compile already. */
export function hasExpressions(present: Present): boolean {
  for (const plural of [...policies, ...webhooks]) {
    for (const _ of present.list(prefixOf({ group, plural }))) return true
  }
  return false
}

export function expressionFaults(cel: Cel): Admission {
  return {
    name: 'ExpressionFaults',
    concerns: kind => kind.group === group && (policies.has(kind.plural) || webhooks.has(kind.plural)),
    load: async () => cel.load?.(),
    check(next, { kind, name, operation, old }) {
      if (operation === 'DELETE') return
      const faults = policies.has(kind.plural) ? ofPolicy(cel, next, old) : ofWebhooks(cel, next)
      if (faults.length > 0) throw invalid(kind, name, faults)
    },
  }
}

function ofPolicy(cel: Cel, next: Frozen<KubeObject>, old: Frozen<KubeObject> | undefined): FieldError[] {
  const { spec } = next as unknown as { spec: Written }
  // What is stored already stays, or nothing of it could be changed any more.
  if (old !== undefined && jsonEqual(spec, (old as unknown as { spec: unknown }).spec)) return []
  const compiler = new PolicyCompiler(cel, spec as Definitions)
  const faults: FieldError[] = []
  const note = (path: string, text: string, compiled: Compiled): void => {
    if (compiled instanceof CelFault) faults.push(invalidValue(path, text, compiled.message))
  }
  for (const [index, { expression }] of (spec.variables ?? []).entries()) {
    note(`spec.variables[${index}].expression`, expression, compiler.variables[index]!.expression)
  }
  for (const [index, { expression }] of (spec.matchConditions ?? []).entries()) {
    note(`spec.matchConditions[${index}].expression`, expression, compiler.condition(expression))
  }
  for (const [index, { expression, messageExpression }] of (spec.validations ?? []).entries()) {
    note(`spec.validations[${index}].expression`, expression, compiler.compile(expression, 'bool'))
    if (!messageExpression) continue
    const at = `spec.validations[${index}].messageExpression`
    note(at, messageExpression, compiler.compile(messageExpression, 'string', false))
  }
  for (const [index, { valueExpression }] of (spec.auditAnnotations ?? []).entries()) {
    const compiled = compiler.compile(valueExpression, 'stringOrNull', false)
    note(`spec.auditAnnotations[${index}].valueExpression`, valueExpression, compiled)
  }
  for (const [index, { applyConfiguration, jsonPatch }] of (spec.mutations ?? []).entries()) {
    const at = `spec.mutations[${index}]`
    const [apply, patch] = [applyConfiguration?.expression, jsonPatch?.expression]
    if (apply) note(`${at}.applyConfiguration.expression`, apply, compiler.compile(apply, 'object'))
    if (patch) note(`${at}.jsonPatch.expression`, patch, compiler.compile(patch, 'list'))
  }
  return faults
}

function ofWebhooks(cel: Cel, next: Frozen<KubeObject>): FieldError[] {
  const { webhooks: hooks = [] } = next as unknown as { webhooks?: readonly Written[] }
  const faults: FieldError[] = []
  for (const [at, { matchConditions = [] }] of hooks.entries()) {
    if (matchConditions.length === 0) continue
    const compiler = new PolicyCompiler(cel, {})
    for (const [index, { expression }] of matchConditions.entries()) {
      const compiled = compiler.condition(expression)
      const path = `webhooks[${at}].matchConditions[${index}].expression`
      if (compiled instanceof CelFault) faults.push(invalidValue(path, expression, compiled.message))
    }
  }
  return faults
}
