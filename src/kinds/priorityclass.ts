// PriorityClasses: names for how important a pod is. The two of the system are there from the start (apiserver/server.ts);
// the plugin Priority (apiserver/admission/priority.ts) gives a pod its class's number.

import type { PriorityClass } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath, root } from './field-path.ts'
import { optionalOneOf, unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'

/** What every cluster has (pkg/apis/scheduling/v1/helpers.go). */
export const systemPriorityClasses: readonly {
  readonly name: string
  readonly value: number
  readonly description: string
}[] = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description:
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

const highestOfUsers = 1_000_000_000
const systemPrefix = 'system-'

/** Kind `PriorityClass` of `scheduling.k8s.io/v1`: `priorityclasses`, without a namespace. */
export const PriorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  singular: 'priorityclass',
  shortNames: ['pc'],
  namespaced: false,
  // Set once, and never counted (pkg/registry/scheduling/priorityclass/strategy.go).
  hasGeneration: 'uncounted',
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', description: 'The priority itself.', value: ({ value }) => value ?? 0 },
    {
      name: 'Global-Default',
      type: 'boolean',
      description: 'Whether pods without a class get this one.',
      value: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    {
      name: 'PreemptionPolicy',
      type: 'string',
      description: 'Whether it may take the place of others.',
      value: ({ preemptionPolicy }) => preemptionPolicy ?? '<unset>',
    },
  ],
  defaults(draft) {
    draft.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  validate(next, old) {
    const faults = new Faults()
    if (old) updateRules(next, old, faults)
    else createRules(next, faults)
    return faults.list
  },
})

function createRules(
  { metadata, value = 0, globalDefault, preemptionPolicy }: Frozen<PriorityClass>,
  faults: Faults,
): void {
  if (metadata.name?.startsWith(systemPrefix)) {
    const why = systemFault(metadata.name, value, globalDefault ?? false)
    if (why !== undefined) {
      const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${why}`
      faults.forbidden(new FieldPath('metadata').child('name'), detail)
    }
  } else if (value > highestOfUsers) {
    const detail = `maximum allowed value of a user defined priority is ${highestOfUsers}`
    faults.forbidden(new FieldPath('value'), detail)
  }
  optionalOneOf(preemptionPolicy, ['PreemptLowerPriority', 'Never'], root, 'preemptionPolicy', faults)
}

function systemFault(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemPriorityClasses.find(each => each.name === name)
  if (!known) return `${name} is not a known system priority class`
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

function updateRules(next: Frozen<PriorityClass>, old: Frozen<PriorityClass>, faults: Faults): void {
  if ((next.value ?? 0) !== (old.value ?? 0))
    faults.forbidden(new FieldPath('value'), 'may not be changed in an update.')
  unchanged(next.preemptionPolicy, old.preemptionPolicy, new FieldPath('preemptionPolicy'), faults)
}
