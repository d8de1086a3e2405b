// MutatingAdmissionPolicyBindings: where a policy changes what is written, and with which parameters.

import type { MutatingAdmissionPolicyBinding, V1beta1MutatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defaultMatchResources, mutatingOperationsRules, staticSuffixWarnings } from './admission-match-rules.ts'
import { bindingSpecRules, paramRefText } from './admission-policy-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { specPath } from './workload-rules.ts'

const common: Omit<KindSpec<MutatingAdmissionPolicyBinding>, 'version'> = {
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicyBinding',
  plural: 'mutatingadmissionpolicybindings',
  singular: 'mutatingadmissionpolicybinding',
  categories: ['api-extensions'],
  namespaced: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'PolicyName',
      type: 'string',
      description: 'The policy that is bound.',
      value: ({ spec }) => spec.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'Where its parameters are.',
      value: ({ spec }) => paramRefText(spec.paramRef),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    defaultMatchResources(draft.spec.matchResources)
  },
  validate({ spec }) {
    const faults = new Faults()
    bindingSpecRules(spec, specPath, faults)
    if (spec.matchResources) mutatingOperationsRules(spec.matchResources, specPath.child('matchResources'), faults)
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
}

/** Kind `MutatingAdmissionPolicyBinding` of `admissionregistration.k8s.io/v1`: `mutatingadmissionpolicybindings`, without a namespace. */
export const MutatingAdmissionPolicyBindings = defineKind<MutatingAdmissionPolicyBinding>({ ...common, version: 'v1' })

/** The same fields in the older version. */
export const MutatingAdmissionPolicyBindingsV1beta1 = defineKind<V1beta1MutatingAdmissionPolicyBinding>({
  ...common,
  version: 'v1beta1',
  storedAs: sameInVersion(MutatingAdmissionPolicyBindings, 'v1beta1'),
})
