// ServiceCIDRs: from which ranges Services get their addresses. The first, `kubernetes`, is there from the start
// (apiserver/server.ts) and is the one that admission/service-addresses.ts gives from. Rules:
// pkg/apis/networking/validation/validation.go.

import type { ServiceCIDR, V1beta1ServiceCIDR } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { immutable } from './field-rules.ts'
import { canonicalCidrRule, parseCidr } from './ip-address.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { notActedUpon } from './not-acted-upon.ts'
import { keepMetadata } from './object-meta.ts'
import { specPath } from './workload-rules.ts'

/** The name of the range that the cluster was made with (pkg/controlplane/controller/defaultservicecidr). */
export const defaultServiceCidr = 'kubernetes'

const common: Omit<KindSpec<ServiceCIDR>, 'version'> = {
  group: 'networking.k8s.io',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  namespaced: false,
  hasGeneration: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'CIDRs',
      type: 'string',
      description: 'The ranges, at most one of each family.',
      value: ({ spec }) => (spec.cidrs ?? []).join(','),
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
  },
  prepare(draft, old, { subresource }) {
    if (old && subresource === 'status') keepMetadata(draft, old)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (!old) rangeRules(next, faults)
    else if (subresource === undefined) updateRules(next, old, faults)
    return faults.list
  },
  warnings: (next, old) => (next.metadata.name === defaultServiceCidr ? [] : notActedUpon('further ServiceCIDRs', old)),
}

/** Kind `ServiceCIDR` of `networking.k8s.io/v1`: `servicecidrs`, without a namespace. */
export const ServiceCIDRs = defineKind<ServiceCIDR>({ ...common, version: 'v1' })

/** The same fields in the older version. */
export const ServiceCIDRsV1beta1 = defineKind<V1beta1ServiceCIDR>({
  ...common,
  version: 'v1beta1',
  storedAs: sameInVersion(ServiceCIDRs, 'v1beta1'),
})

const path = specPath.child('cidrs')

function rangeRules({ spec }: Frozen<ServiceCIDR>, faults: Faults): void {
  const cidrs = spec.cidrs ?? []
  if (cidrs.length === 0) {
    faults.required(path, 'at least one CIDR required')
    return
  }
  if (cidrs.length > 2) {
    faults.invalid(path, spec, 'may only hold up to 2 values')
    return
  }
  for (const [index, cidr] of cidrs.entries()) canonicalCidrRule(cidr, path.index(index), faults)
  const [one, other] = cidrs.map(cidr => parseCidr(cidr)?.bytes.length)
  if (one !== undefined && one === other) {
    const example = 'i.e 192.168.0.0/24 and 2001:db8::/64'
    faults.invalid(path, cidrs, `may specify no more than one IP for each IP family, ${example}`)
  }
}

/** A range never changes, but one of the other family may be added (ValidateServiceCIDRUpdate). */
function updateRules(next: Frozen<ServiceCIDR>, old: Frozen<ServiceCIDR>, faults: Faults): void {
  const [cidrs, before] = [next.spec.cidrs ?? [], old.spec.cidrs ?? []]
  const isGrown = before.length === 1 && cidrs.length === 2
  if (cidrs.length !== before.length && !isGrown) {
    faults.invalid(path, cidrs, immutable)
    return
  }
  for (const [index, cidr] of before.entries()) {
    if (cidrs[index] !== cidr) faults.invalid(path.index(index), cidrs[index], immutable)
  }
  if (isGrown) rangeRules(next, faults)
}
