// CSIStorageCapacities: how much storage of a class is left for some nodes. Rules: pkg/apis/storage/validation/validation.go.

import type { CSIStorageCapacity } from '../../generated/types.ts'
import { dns1123SubdomainFaults } from '../api/names.ts'
import { canonicalQuantity, parseQuantity } from '../api/quantity.ts'
import { nameColumn } from './columns.ts'
import { Faults, root } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { labelSelectorRules } from './label-selector-rules.ts'

/** Kind `CSIStorageCapacity` of `storage.k8s.io/v1`: `csistoragecapacities`, in namespaces. */
export const CSIStorageCapacities = defineKind<CSIStorageCapacity>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIStorageCapacity',
  plural: 'csistoragecapacities',
  singular: 'csistoragecapacity',
  namespaced: true,
  hasGeneration: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'StorageClassName',
      type: 'string',
      description: 'Of which class the storage is.',
      value: ({ storageClassName }) => storageClassName ?? '',
    },
    {
      name: 'Capacity',
      type: 'string',
      description: 'How much is left.',
      value: ({ capacity }) => capacity ?? '<unset>',
    },
  ],
  defaults(draft) {
    draft.storageClassName ??= ''
    if (draft.capacity !== undefined) draft.capacity = canonicalQuantity(draft.capacity)
    if (draft.maximumVolumeSize !== undefined) draft.maximumVolumeSize = canonicalQuantity(draft.maximumVolumeSize)
  },
  validate(next, old) {
    const faults = new Faults()
    const { storageClassName: name, capacity, nodeTopology } = next
    if (old) {
      unchanged(nodeTopology, old.nodeTopology, root.child('nodeTopology'), faults)
      unchanged(name, old.storageClassName, root.child('storageClassName'), faults)
      return faults.list
    }
    labelSelectorRules(nodeTopology, root.child('nodeTopology'), faults)
    faults.invalids(dns1123SubdomainFaults(name), name, root, 'storageClassName')
    if (capacity !== undefined && parseQuantity(capacity).sign < 0) {
      faults.invalid(root.child('capacity'), capacity, 'must be greater than or equal to 0')
    }
    return faults.list
  },
})
