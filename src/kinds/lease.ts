// Leases: who holds something, and until when. Nodes renew theirs as heartbeats; components elect leaders by them.

import type { Lease } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

export const Leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  singular: 'lease',
  namespaced: true,
  hasGeneration: false,
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
})
