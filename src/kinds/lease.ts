// Leases: who holds something, and until when. Nodes renew theirs as heartbeats; components elect leaders by them.

import type { Lease } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { defineKind } from './kind.ts'

/** Kind `Lease` of `coordination.k8s.io/v1`: `leases`, in namespaces. */
export const Leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  createOnUpdate: true,
  hasGeneration: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'Holder',
      type: 'string',
      description: 'Who holds the lease now.',
      value: lease => lease.spec.holderIdentity ?? '',
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
  },
  prepare({ spec }, old) {
    // Coordinated leader election is behind a gate that is off by default.
    if (old?.spec.strategy === undefined) delete spec.strategy
    if (old?.spec.preferredHolder === undefined) delete spec.preferredHolder
  },
  validate({ spec }) {
    const faults = new Faults()
    const path = new FieldPath('spec')
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec
    if (duration !== undefined && duration <= 0) {
      faults.invalid(path.child('leaseDurationSeconds'), duration, 'must be greater than 0')
    }
    if (transitions !== undefined && transitions < 0) {
      faults.invalid(path.child('leaseTransitions'), transitions, 'must be greater than or equal to 0')
    }
    if (spec.strategy !== undefined && spec.strategy !== 'OldestEmulationVersion') {
      faults.notSupported(path.child('strategy'), spec.strategy, ['OldestEmulationVersion'])
    }
    if (spec.preferredHolder && !spec.strategy) {
      faults.forbidden(path.child('preferredHolder'), 'may only be specified if `strategy` is defined')
    }
    return faults.list
  },
})
