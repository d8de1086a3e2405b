// EndpointSlices: up to a thousand endpoints of one address family, several slices a Service.

import type { EndpointSlice } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { ageColumn, firstThree, nameColumn } from './columns.ts'
import { sliceRules } from './endpoint-rules.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'

/** Kind `EndpointSlice` of `discovery.k8s.io/v1`: `endpointslices`, in namespaces. */
export const EndpointSlices = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  singular: 'endpointslice',
  namespaced: true,
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', description: 'IPv4, IPv6 or FQDN.', value: slice => slice.addressType },
    {
      name: 'Ports',
      type: 'string',
      description: 'Ports that every endpoint of the slice has.',
      value: slice =>
        firstThree(
          (slice.ports ?? []).map(port => String(port.port ?? port.name ?? '*')),
          '<unset>',
        ),
    },
    {
      name: 'Endpoints',
      type: 'string',
      description: 'Addresses, the first three.',
      value: slice =>
        firstThree(
          (slice.endpoints ?? []).flatMap(endpoint => endpoint.addresses),
          '<unset>',
        ),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.endpoints ??= []
    for (const port of draft.ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  prepare(draft, old) {
    // Labels count here too (pkg/registry/discovery/endpointslice/strategy.go).
    if (old && !jsonEqual(draft.metadata.labels, old.metadata.labels)) {
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1
    }
  },
  validate(next, old) {
    const faults = new Faults()
    sliceRules(next, old, faults)
    return faults.list
  },
})
