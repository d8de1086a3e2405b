// ResourceClaims: devices that someone asks for, and those that the scheduler allocated. Kept as v1; the older versions
// convert without losing a field.

import type { ResourceV1ResourceClaim, V1beta1ResourceClaim, V1beta2ResourceClaim } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { claimSpecDevicesRules, defaultDeviceClaim } from './device-claim-rules.ts'
import { claimStatusRules, dropReportsOfFreed } from './device-claim-status-rules.ts'
import { claimFromV1beta1, claimToV1beta1, defaultV1beta1Requests, olderVersion } from './device-versions.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { canonicalResources } from './resources.ts'
import { specPath } from './workload-rules.ts'

const spec: KindSpec<ResourceV1ResourceClaim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  plural: 'resourceclaims',
  singular: 'resourceclaim',
  namespaced: true,
  hasGeneration: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    { name: 'State', type: 'string', description: 'Whether it is pending, allocated, reserved.', value: stateText },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    defaultDeviceClaim(draft.spec)
    draft.status ??= {}
    for (const { tolerations, consumedCapacity } of draft.status.allocation?.devices?.results ?? []) {
      if (consumedCapacity) canonicalResources(consumedCapacity)
      for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal'
    }
  },
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = {}
    else if (subresource === 'status') dropReportsOfFreed(draft.status, old.status)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') claimStatusRules(next, old, faults)
    else {
      if (old) unchanged(next.spec, old.spec, specPath, faults)
      claimSpecDevicesRules(next.spec, old !== undefined, specPath, faults)
    }
    return faults.list
  },
}

/** `allocated,reserved` (resourceClaimState). */
function stateText({ metadata, status }: Frozen<ResourceV1ResourceClaim>): string {
  const isDeleted = metadata.deletionTimestamp !== undefined
  const states = isDeleted ? ['deleted'] : []
  if (status.allocation) states.push('allocated')
  else if (!isDeleted) states.push('pending')
  if (status.allocation && status.reservedFor?.length) states.push('reserved')
  return states.join(',')
}

/** Kind `ResourceClaim` of `resource.k8s.io/v1`: `resourceclaims`, in namespaces. */
export const ResourceClaims = defineKind(spec)

/** Kind `ResourceClaim` of `resource.k8s.io/v1beta2`: `resourceclaims`, in namespaces. */
export const ResourceClaimsV1beta2 = defineKind<V1beta2ResourceClaim>({
  ...(spec as unknown as KindSpec<V1beta2ResourceClaim>),
  version: 'v1beta2',
  storedAs: sameInVersion(ResourceClaims, 'v1beta2'),
})

/** Kind `ResourceClaim` of `resource.k8s.io/v1beta1`: `resourceclaims`, in namespaces. */
export const ResourceClaimsV1beta1 = defineKind<V1beta1ResourceClaim>({
  ...olderVersion(spec, 'v1beta1', claimFromV1beta1, claimToV1beta1, draft => defaultV1beta1Requests(draft.spec)),
  storedAs: { kind: ResourceClaims, fromStored: claimToV1beta1, toStored: claimFromV1beta1 },
})
