// CSINodes: which drivers of volumes a node has, and how many volumes of each it can hold. Rules:
// pkg/apis/storage/validation/validation.go, pkg/registry/storage/csinode/strategy.go.

import type { CSINode, CSINodeDriver } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { qualifiedNameFaults } from '../api/names.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { csiDriverNameRules } from './csi-driver-name.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { immutable, nonNegative } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { specPath } from './workload-rules.ts'

type CsiNode = Frozen<CSINode>

/** Kind `CSINode` of `storage.k8s.io/v1`: `csinodes`, without a namespace. */
export const CSINodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  hasGeneration: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'Drivers',
      type: 'integer',
      description: 'How many drivers the node has.',
      value: ({ spec }) => spec.drivers?.length ?? 0,
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= { drivers: [] }
    draft.spec.drivers ??= []
  },
  validate(next, old) {
    const faults = new Faults()
    nodeRules(next, faults)
    if (old) updateRules(next, old, faults)
    return faults.list
  },
})

const path = specPath.child('drivers')
/** In bytes. */
const longestId = 256

function nodeRules({ spec }: CsiNode, faults: Faults): void {
  const names = new Set<string>()
  for (const [index, driver] of spec.drivers.entries()) driverRules(driver, names, path.index(index), faults)
}

function driverRules(
  { name = '', nodeID = '', allocatable, topologyKeys }: Frozen<CSINodeDriver>,
  names: Set<string>,
  at: FieldPath,
  faults: Faults,
): void {
  csiDriverNameRules(name, at.child('name'), faults)
  if (nodeID === '') faults.required(at.child('nodeID'))
  if (Buffer.byteLength(nodeID) > longestId) {
    faults.invalid(at.child('nodeID'), nodeID, `must be ${longestId} characters or less`)
  }
  nonNegative(allocatable?.count, at.child('allocatable'), 'count', faults)
  if (names.has(name)) faults.duplicate(at.child('name'), name)
  names.add(name)
  const keys = new Set<string>()
  for (const key of topologyKeys ?? []) {
    if (key === '') faults.required(at)
    if (keys.has(key)) faults.duplicate(at, key)
    keys.add(key)
    faults.invalids(qualifiedNameFaults(key), key, at)
  }
}

/** Drivers come and go, but do not change; how many volumes one holds may. */
function updateRules(next: CsiNode, old: CsiNode, faults: Faults): void {
  for (const before of old.spec.drivers) {
    for (const driver of next.spec.drivers) {
      if (driver.name !== before.name) continue
      const { allocatable: _now, ...shown } = driver
      const { allocatable: _before, ...kept } = before
      if (!jsonEqual(shown, kept)) faults.invalid(path, shown, immutable)
    }
  }
}
