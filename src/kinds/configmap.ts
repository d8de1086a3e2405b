// ConfigMaps: text and bytes by key, at most 1 MiB in all.

import type { ConfigMap } from '../../generated/types.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { defineKind } from './kind.ts'

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
      value: map => String(Object.keys(map.data ?? {}).length + Object.keys(map.binaryData ?? {}).length),
    },
    ageColumn,
  ],
})
