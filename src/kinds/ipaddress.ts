// IPAddresses: that an address is taken, and by whom. Rules: pkg/apis/networking/validation/validation.go.

import type { IPAddress, V1beta1IPAddress } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123SubdomainFaults, pathSegmentFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { canonicalIpFaults } from './ip-address.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { specPath } from './workload-rules.ts'

const common: Omit<KindSpec<IPAddress>, 'version'> = {
  group: 'networking.k8s.io',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  hasGeneration: false,
  nameRule: canonicalIpFaults,
  columns: [
    nameColumn,
    { name: 'ParentRef', type: 'string', description: 'To whom the address belongs.', value: parentText },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {} as IPAddress['spec']
  },
  validate(next, old) {
    const faults = new Faults()
    if (old) unchanged(next.spec.parentRef, old.spec.parentRef, specPath.child('parentRef'), faults)
    else parentRules(next, faults)
    return faults.list
  },
}

/** Kind `IPAddress` of `networking.k8s.io/v1`: `ipaddresses`, without a namespace. */
export const IPAddresses = defineKind<IPAddress>({ ...common, version: 'v1' })

/** The same fields in the older version. */
export const IPAddressesV1beta1 = defineKind<V1beta1IPAddress>({
  ...common,
  version: 'v1beta1',
  storedAs: sameInVersion(IPAddresses, 'v1beta1'),
})

function parentRules({ spec: { parentRef } }: Frozen<IPAddress>, faults: Faults): void {
  const path = specPath.child('parentRef')
  if (!parentRef) {
    faults.required(path)
    return
  }
  const { group, resource, name, namespace } = parentRef
  if (group) faults.invalids(dns1123SubdomainFaults(group), group, path, 'group')
  if (!resource) faults.required(path.child('resource'))
  else faults.invalids(pathSegmentFaults(resource), resource, path, 'resource')
  if (!name) faults.required(path.child('name'))
  else faults.invalids(pathSegmentFaults(name), name, path, 'name')
  if (namespace) faults.invalids(pathSegmentFaults(namespace), namespace, path, 'namespace')
}

/** `services/default/web`; with a group `pods.example.com/…` (printIPAddress). */
function parentText({ spec: { parentRef } }: Frozen<IPAddress>): string {
  if (!parentRef) return '<none>'
  const { group, resource = '', name = '', namespace } = parentRef
  const words = [(group ? `${resource}.${group}` : resource).toLowerCase(), ...(namespace ? [namespace] : []), name]
  return words.join('/')
}
