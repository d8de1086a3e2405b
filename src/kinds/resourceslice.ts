// ResourceSlices: devices that a driver offers, on one node or on several. Kept as v1.

import type {
  DeviceTaint,
  ResourceSlice,
  ResourceSliceSpec,
  V1beta1ResourceSlice,
  V1beta2ResourceSlice,
} from '../../generated/types.ts'
import { canonicalQuantity } from '../api/quantity.ts'
import { rfc3339 } from '../api/time.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { canonicalCapacity } from './device-capacity-rules.ts'
import { olderVersion, sliceFromV1beta1, sliceToV1beta1 } from './device-versions.ts'
import { Faults } from './field-path.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { resourceSliceRules } from './resource-slice-rules.ts'

const spec: KindSpec<ResourceSlice> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  singular: 'resourceslice',
  namespaced: false,
  columns: [
    nameColumn,
    { name: 'Node', type: 'string', description: 'Whose devices they are.', value: ({ spec }) => spec.nodeName ?? '' },
    { name: 'Driver', type: 'string', description: 'Who offers them.', value: ({ spec }) => spec.driver ?? '' },
    { name: 'Pool', type: 'string', description: 'The pool they are of.', value: ({ spec }) => spec.pool?.name ?? '' },
    ageColumn,
  ],
  fields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.driver': ({ spec }) => spec.driver ?? '',
  },
  defaults(draft) {
    draft.spec ??= {} as ResourceSliceSpec
    draft.spec.pool ??= {} as ResourceSliceSpec['pool']
    for (const device of draft.spec.devices ?? []) {
      for (const capacity of Object.values(device.capacity ?? {})) canonicalCapacity(capacity)
      for (const { counters } of device.consumesCounters ?? []) canonicalCounters(counters)
    }
    for (const { counters } of draft.spec.sharedCounters ?? []) canonicalCounters(counters)
  },
  prepare(draft, _, { now }) {
    for (const device of draft.spec.devices ?? []) {
      for (const taint of device.taints ?? []) stampTaint(taint, now)
      // Behind gates that are off by default.
      delete device.nodeAllocatableResourceMappings
      for (const attribute of Object.values(device.attributes ?? {})) {
        for (const list of ['bools', 'ints', 'strings', 'versions'] as const) delete attribute[list]
      }
    }
  },
  validate(next, old) {
    const faults = new Faults()
    resourceSliceRules(next.spec, old?.spec, faults)
    return faults.list
  },
}

/** Upstream's default of a taint's time. */
export function stampTaint(taint: DeviceTaint, now: number): void {
  taint.timeAdded ||= rfc3339(now)
}

function canonicalCounters(counters: Record<string, { value: string }> | undefined): void {
  for (const counter of Object.values(counters ?? {})) counter.value = canonicalQuantity(counter.value ?? '0')
}

/** Kind `ResourceSlice` of `resource.k8s.io/v1`: `resourceslices`, without a namespace. */
export const ResourceSlices = defineKind(spec)

/** Kind `ResourceSlice` of `resource.k8s.io/v1beta2`: `resourceslices`, without a namespace. */
export const ResourceSlicesV1beta2 = defineKind<V1beta2ResourceSlice>({
  ...(spec as unknown as KindSpec<V1beta2ResourceSlice>),
  version: 'v1beta2',
  storedAs: sameInVersion(ResourceSlices, 'v1beta2'),
})

/** Kind `ResourceSlice` of `resource.k8s.io/v1beta1`: `resourceslices`, without a namespace. */
export const ResourceSlicesV1beta1 = defineKind<V1beta1ResourceSlice>({
  ...olderVersion(spec, 'v1beta1', sliceFromV1beta1, sliceToV1beta1),
  storedAs: { kind: ResourceSlices, fromStored: sliceToV1beta1, toStored: sliceFromV1beta1 },
})
