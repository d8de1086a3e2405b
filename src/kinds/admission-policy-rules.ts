// Admission policies and their bindings: the rules that the validating and the mutating ones share, and the cells of their
// tables (pkg/apis/admissionregistration/validation/validation.go, pkg/printers/internalversion/printers.go).

import type {
  LabelSelector,
  MatchCondition,
  MatchResources,
  ParamKind,
  ParamRef,
  Variable,
} from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import {
  failurePolicies,
  matchConditionsRules,
  matchResourcesRules,
  mutatingOperationsRules,
  paramKindRules,
  paramRefRules,
} from './admission-match-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { oneOf } from './field-rules.ts'

interface PolicySpec {
  readonly failurePolicy?: string
  readonly paramKind?: Frozen<ParamKind>
  readonly matchConstraints?: Frozen<MatchResources>
  readonly matchConditions?: readonly Frozen<MatchCondition>[]
  readonly variables?: readonly Frozen<Variable>[]
}

export function policySpecRules(spec: PolicySpec, isMutating: boolean, path: FieldPath, faults: Faults): void {
  oneOf(spec.failurePolicy, failurePolicies, path, 'failurePolicy', faults)
  if (spec.paramKind) paramKindRules(spec.paramKind, path.child('paramKind'), faults)
  const { matchConstraints: match } = spec
  if (!match) faults.required(path.child('matchConstraints'))
  else {
    matchResourcesRules(match, path.child('matchConstraints'), faults)
    if (!match.resourceRules?.length) faults.required(path.child('matchConstraints', 'resourceRules'))
    if (isMutating) mutatingOperationsRules(match, path.child('matchConstraints'), faults)
  }
  matchConditionsRules(spec.matchConditions, path.child('matchConditions'), faults)
  for (const [index, { name, expression }] of (spec.variables ?? []).entries()) {
    const at = path.child('variables').index(index)
    if (!name?.trim()) faults.required(at.child('name'), 'name is not specified')
    else if (!isCelIdentifier(name)) faults.invalid(at.child('name'), name, 'must be a valid CEL identifier')
    if (!expression?.trim()) faults.required(at.child('expression'), 'expression is not specified')
  }
}

const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
)

function isCelIdentifier(name: string): boolean {
  return identifier.test(name) && !reserved.has(name)
}

interface BindingSpec {
  readonly policyName?: string
  readonly paramRef?: Frozen<ParamRef>
  readonly matchResources?: Frozen<MatchResources>
}

export function bindingSpecRules(spec: BindingSpec, path: FieldPath, faults: Faults): void {
  const { policyName: name } = spec
  if (!name) faults.required(path.child('policyName'))
  else faults.invalids(dns1123SubdomainFaults(name), name, path, 'policyName')
  paramRefRules(spec.paramRef, path.child('paramRef'), faults)
  matchResourcesRules(spec.matchResources, path.child('matchResources'), faults)
}

export function paramKindText(param: Frozen<ParamKind> | undefined): string {
  return param ? `${param.apiVersion ?? ''}/${param.kind ?? ''}` : '<unset>'
}

/** Whether a parameter stands in a namespace cannot be told from here: then it is `*`. */
export function paramRefText(ref: Frozen<ParamRef> | undefined): string {
  if (ref?.name) return `${ref.namespace || '*'}/${ref.name}`
  return ref?.selector ? goSelectorText(ref.selector) : '<unset>'
}

/** A selector as its generated String method prints it in Go. */
function goSelectorText({ matchLabels = {}, matchExpressions = [] }: Frozen<LabelSelector>): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map(key => `${key}: ${matchLabels[key]},`)
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) =>
      `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  return `&LabelSelector{MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},}`
}
