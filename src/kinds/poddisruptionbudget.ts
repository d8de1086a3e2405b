// PodDisruptionBudgets: how many of some pods must stay when others are evicted of one's own will. Rules:
// pkg/registry/policy/poddisruptionbudget/strategy.go, pkg/apis/policy/validation/validation.go.

import type { PodDisruptionBudget } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { conditionsRules } from './condition-rules.ts'
import { Faults } from './field-path.ts'
import { nonNegative, optionalOneOf } from './field-rules.ts'
import { atMostAllRule, intOrPercentRules } from './int-or-percent.ts'
import { defineKind } from './kind.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Budget = Frozen<PodDisruptionBudget>

const counts = ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const

/** Kind `PodDisruptionBudget` of `policy/v1`: `poddisruptionbudgets`, in namespaces. */
export const PodDisruptionBudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  namespaced: true,
  unconditionalUpdate: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Min Available',
      type: 'string',
      description: 'How many pods must stay.',
      value: ({ spec }) => String(spec.minAvailable ?? 'N/A'),
    },
    {
      name: 'Max Unavailable',
      type: 'string',
      description: 'How many pods may be missing.',
      value: ({ spec }) => String(spec.maxUnavailable ?? 'N/A'),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'How many pods may be evicted now.',
      value: ({ status }) => status.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    for (const name of counts) draft.status[name] ??= 0
  },
  prepare(draft, old) {
    if (!old) draft.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') statusRules(next, faults)
    else specRules(next, faults)
    return faults.list
  },
})

function specRules({ spec }: Budget, faults: Faults): void {
  const { minAvailable, maxUnavailable } = spec
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    faults.invalid(specPath, spec, 'minAvailable and maxUnavailable cannot be both set')
  }
  for (const name of ['minAvailable', 'maxUnavailable'] as const) {
    const amount = spec[name]
    if (amount === undefined) continue
    intOrPercentRules(amount, specPath.child(name), faults)
    atMostAllRule(amount, specPath.child(name), faults)
  }
  labelSelectorRules(spec.selector, specPath.child('selector'), faults)
  const policies = ['AlwaysAllow', 'IfHealthyBudget']
  optionalOneOf(spec.unhealthyPodEvictionPolicy, policies, specPath, 'unhealthyPodEvictionPolicy', faults)
}

function statusRules({ status }: Budget, faults: Faults): void {
  conditionsRules(status.conditions, statusPath.child('conditions'), faults)
  for (const name of counts) nonNegative(status[name], statusPath, name, faults)
}
