// MutatingAdmissionPolicies: changes in CEL to what is written. A binding says where they are made.

import type { MutatingAdmissionPolicy, Mutation, V1beta1MutatingAdmissionPolicy } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { defaultMatchResources, reinvocationPolicies, staticSuffixWarnings } from './admission-match-rules.ts'
import { paramKindText, policySpecRules } from './admission-policy-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { oneOf } from './field-rules.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { specPath } from './workload-rules.ts'

const common: Omit<KindSpec<MutatingAdmissionPolicy>, 'version'> = {
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicy',
  plural: 'mutatingadmissionpolicies',
  singular: 'mutatingadmissionpolicy',
  categories: ['api-extensions'],
  namespaced: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'Mutations',
      type: 'integer',
      description: 'How many mutations it makes.',
      value: ({ spec }) => spec.mutations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      type: 'string',
      description: 'Of what kind its parameters are.',
      value: ({ spec }) => paramKindText(spec.paramKind),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.spec.failurePolicy ??= 'Fail'
    defaultMatchResources(draft.spec.matchConstraints)
  },
  validate({ spec }) {
    const faults = new Faults()
    policySpecRules(spec, true, specPath, faults)
    const path = specPath.child('mutations')
    if (!spec.mutations?.length) faults.required(path, 'mutations must contain at least one item')
    for (const [index, mutation] of (spec.mutations ?? []).entries()) mutationRules(mutation, path.index(index), faults)
    oneOf(spec.reinvocationPolicy, reinvocationPolicies, specPath, 'reinvocationPolicy', faults)
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
}

/** Kind `MutatingAdmissionPolicy` of `admissionregistration.k8s.io/v1`: `mutatingadmissionpolicies`, without a namespace. */
export const MutatingAdmissionPolicies = defineKind<MutatingAdmissionPolicy>({ ...common, version: 'v1' })

/** The same fields in the older version. */
export const MutatingAdmissionPoliciesV1beta1 = defineKind<V1beta1MutatingAdmissionPolicy>({
  ...common,
  version: 'v1beta1',
  storedAs: sameInVersion(MutatingAdmissionPolicies, 'v1beta1'),
})

const forms = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const

function mutationRules(mutation: Frozen<Mutation>, at: FieldPath, faults: Faults): void {
  const { patchType: type } = mutation
  oneOf(type, Object.keys(forms), at, 'patchType', faults)
  if (type !== 'ApplyConfiguration' && type !== 'JSONPatch') return
  const [own, other] = [forms[type], forms[type === 'JSONPatch' ? 'ApplyConfiguration' : 'JSONPatch']]
  if (!mutation[own]) faults.required(at.child(own), `must be specified when patchType is ${type}`)
  else if (!mutation[own].expression?.trim()) faults.required(at.child(own, 'expression'))
  if (mutation[other]) faults.invalid(at.child(other), `{${other}}`, `must not be specified when patchType is ${type}`)
}
