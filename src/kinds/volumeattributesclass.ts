// VolumeAttributesClasses: settings of volumes that may be changed while they are in use. Rules:
// pkg/apis/storage/validation/validation.go.

import type { V1beta1VolumeAttributesClass, VolumeAttributesClass } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { defineKind, type KindSpec, sameInVersion } from './kind.ts'
import { parameterRules, provisionerRule } from './storageclass.ts'

const common: Omit<KindSpec<VolumeAttributesClass>, 'version'> = {
  group: 'storage.k8s.io',
  kind: 'VolumeAttributesClass',
  plural: 'volumeattributesclasses',
  singular: 'volumeattributesclass',
  shortNames: ['vac'],
  namespaced: false,
  hasGeneration: false,
  columns: [
    nameColumn,
    {
      name: 'DriverName',
      type: 'string',
      description: 'The driver whose settings these are.',
      value: ({ driverName }) => driverName ?? '',
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.driverName ??= ''
  },
  validate(next, old) {
    const faults = new Faults()
    for (const name of old ? (['driverName', 'parameters'] as const) : []) {
      if (!jsonEqual(next[name], old?.[name])) faults.forbidden(root.child(name), `updates to ${name} are forbidden.`)
    }
    provisionerRule(next.driverName, root.child('driverName'), faults)
    const parameters = next.parameters ?? {}
    parameterRules(parameters, root.child('parameters'), faults)
    if (Object.keys(parameters).length === 0) {
      faults.required(root.child('parameters'), 'must contain at least one key/value pair')
    }
    return faults.list
  },
}

/** Kind `VolumeAttributesClass` of `storage.k8s.io/v1`: `volumeattributesclasses`, without a namespace. */
export const VolumeAttributesClasses = defineKind<VolumeAttributesClass>({ ...common, version: 'v1' })

/** The same fields in the older version. */
export const VolumeAttributesClassesV1beta1 = defineKind<V1beta1VolumeAttributesClass>({
  ...common,
  version: 'v1beta1',
  storedAs: sameInVersion(VolumeAttributesClasses, 'v1beta1'),
})
