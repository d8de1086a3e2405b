// ConfigMaps: text and bytes by key, at most 1 MiB in all.

import type { ConfigMap } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { base64Size, dataLimit, dataRules, immutableDataRules, textSize } from './keyed-data-rules.ts'
import { defineKind } from './kind.ts'

/** Kind `ConfigMap` of `v1`: `configmaps`, in namespaces. */
export const ConfigMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  singular: 'configmap',
  shortNames: ['cm'],
  namespaced: true,
  hasGeneration: false,
  columns: [
    nameColumn,
    {
      name: 'Data',
      type: 'string',
      description: 'Number of keys, text and binary.',
      // A number though the column says string: as printConfigMap has it.
      value: map => Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length,
    },
    ageColumn,
  ],
  validate(next, old) {
    const faults = new Faults()
    if (old) immutableDataRules(next, old, faults)
    const size = dataRules(next.data, 'data', textSize, faults)
    for (const key in next.data) {
      if (next.binaryData && key in next.binaryData) {
        faults.invalid(root.child('data').key(key), key, 'duplicate of key present in binaryData')
      }
    }
    if (size + dataRules(next.binaryData, 'binaryData', base64Size, faults) > dataLimit) {
      faults.tooLong(root, dataLimit)
    }
    return faults.list
  },
})
