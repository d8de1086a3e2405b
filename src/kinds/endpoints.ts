// Endpoints: the older list of a Service's addresses, one object a Service. Named EndpointsKind because the kind's own
// name is a plural already.

import type { Endpoints } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { subsetRules } from './endpoint-rules.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'

/** Kind `Endpoints` of `v1`: `endpoints`, in namespaces. */
export const EndpointsKind = defineKind<Endpoints>({
  group: '',
  version: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  singular: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  createOnUpdate: true,
  hasGeneration: false,
  deprecation: 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
  columns: [
    nameColumn,
    {
      name: 'Endpoints',
      type: 'string',
      description: 'Ready addresses with their ports, the first three.',
      value: endpointsText,
    },
    ageColumn,
  ],
  defaults(draft) {
    for (const subset of draft.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP'
  },
  validate(next, old) {
    const faults = new Faults()
    subsetRules(next.subsets, old?.subsets, faults)
    return faults.list
  },
})

function endpointsText(endpoints: Frozen<Endpoints>): string {
  if (!endpoints.subsets?.length) return '<none>'
  const shown: string[] = []
  let count = 0
  for (const subset of endpoints.subsets) {
    const addresses = subset.addresses ?? []
    for (const port of subset.ports?.length ? subset.ports : [undefined]) {
      count += addresses.length
      for (const { ip } of addresses) {
        if (shown.length === 3) break
        shown.push(port === undefined ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${port.port}`)
      }
    }
  }
  return count > 3 ? `${shown.join(',')} + ${count - 3} more...` : shown.join(',')
}
