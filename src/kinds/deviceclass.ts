// DeviceClasses: sorts of devices, by an administrator or a vendor, that claims ask for by name.

import type { DeviceClass, V1beta1DeviceClass, V1beta2DeviceClass } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { each, opaqueRules, selectorsRules } from './device-field-rules.ts'
import { Faults } from './field-path.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { isExtended } from './resources.ts'
import { specPath } from './workload-rules.ts'

const spec: KindSpec<DeviceClass> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  columns: [nameColumn, ageColumn],
  defaults(draft) {
    draft.spec ??= {}
  },
  validate({ spec }, old) {
    const faults = new Faults()
    selectorsRules(spec.selectors, specPath.child('selectors'), faults)
    const isStored = old !== undefined && jsonEqual(old.spec.config, spec.config)
    each(spec.config, 32, specPath.child('config'), faults, ({ opaque }, at) =>
      opaqueRules(opaque, isStored, at, faults),
    )
    const { extendedResourceName: name } = spec
    if (name !== undefined && !isExtended(name)) {
      faults.invalid(specPath.child('extendedResourceName'), name, 'must be a valid extended resource name')
    }
    return faults.list
  },
}

/** Kind `DeviceClass` of `resource.k8s.io/v1`: `deviceclasses`, without a namespace. */
export const DeviceClasses = defineKind(spec)

/** The same fields in the older versions. */
export const DeviceClassesV1beta2 = defineKind<V1beta2DeviceClass>({
  ...(spec as unknown as KindSpec<V1beta2DeviceClass>),
  version: 'v1beta2',
  storedAs: sameInVersion(DeviceClasses, 'v1beta2'),
})
/** Kind `DeviceClass` of `resource.k8s.io/v1beta1`: `deviceclasses`, without a namespace. */
export const DeviceClassesV1beta1 = defineKind<V1beta1DeviceClass>({
  ...(spec as unknown as KindSpec<V1beta1DeviceClass>),
  version: 'v1beta1',
  storedAs: sameInVersion(DeviceClasses, 'v1beta1'),
})
