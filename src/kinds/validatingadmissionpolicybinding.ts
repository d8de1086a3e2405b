// ValidatingAdmissionPolicyBindings: where a policy holds, with which parameters, and what happens when it is not met.

import type { ValidatingAdmissionPolicyBinding } from '../../generated/types.ts'
import { defaultMatchResources, staticSuffixWarnings } from './admission-match-rules.ts'
import { bindingSpecRules, paramRefText } from './admission-policy-rules.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { specPath } from './workload-rules.ts'

/** Kind `ValidatingAdmissionPolicyBinding` of `admissionregistration.k8s.io/v1`: `validatingadmissionpolicybindings`, without a namespace. */
export const ValidatingAdmissionPolicyBindings = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
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
    draft.spec ??= {} as ValidatingAdmissionPolicyBinding['spec']
    defaultMatchResources(draft.spec.matchResources)
  },
  validate({ spec }) {
    const faults = new Faults()
    bindingSpecRules(spec, specPath, faults)
    actionsRules(spec.validationActions ?? [], faults)
    return faults.list
  },
  warnings: next => staticSuffixWarnings(next.metadata.name),
})

const known = ['Audit', 'Deny', 'Warn']

function actionsRules(actions: readonly string[], faults: Faults): void {
  const path = specPath.child('validationActions')
  const seen = new Set<string>()
  for (const [index, action] of actions.entries()) {
    if (!known.includes(action)) faults.notSupported(path.index(index), action, known)
    if (seen.has(action)) faults.duplicate(path.index(index), action)
    seen.add(action)
  }
  if (seen.has('Deny') && seen.has('Warn')) {
    const why =
      'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)'
    faults.invalid(path, actions, why)
  }
  if (seen.size === 0) faults.required(path, 'at least one validation action is required')
}
