// CSIDrivers: what is known of a driver of volumes. Rules: pkg/apis/storage/validation/validation.go,
// pkg/apis/storage/v1/defaults.go, pkg/registry/storage/csidriver/strategy.go.

import type { CSIDriver, StorageV1TokenRequest } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, type FieldPath } from './field-path.ts'
import { optionalOneOf, unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { specPath } from './workload-rules.ts'

type Driver = Frozen<CSIDriver>

const unset = '<unset>'

/** Kind `CSIDriver` of `storage.k8s.io/v1`: `csidrivers`, without a namespace. */
export const CSIDrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  // It has none until its first change, which `prepare` counts.
  hasGeneration: false,
  unconditionalUpdate: false,
  columns: [
    nameColumn,
    {
      name: 'AttachRequired',
      type: 'boolean',
      description: 'Whether its volumes are attached to a node first.',
      value: ({ spec }) => spec.attachRequired ?? true,
    },
    {
      name: 'PodInfoOnMount',
      type: 'boolean',
      description: 'Whether it is told of the pod when it mounts.',
      value: ({ spec }) => spec.podInfoOnMount ?? false,
    },
    {
      name: 'StorageCapacity',
      type: 'boolean',
      description: 'Whether it says how much storage is left.',
      value: ({ spec }) => spec.storageCapacity ?? false,
    },
    {
      name: 'TokenRequests',
      type: 'string',
      description: 'For whom it needs tokens of the pod.',
      value: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience ?? '').join(',') ?? unset,
    },
    {
      name: 'RequiresRepublish',
      type: 'boolean',
      description: 'Whether it is asked to publish again and again.',
      value: ({ spec }) => spec.requiresRepublish ?? false,
    },
    {
      name: 'Modes',
      type: 'string',
      description: 'Which volumes it makes.',
      value: ({ spec }) => spec.volumeLifecycleModes?.join(',') || unset,
    },
    ageColumn,
  ],
  defaults(draft) {
    draft.spec ??= {}
    const { spec } = draft
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepare({ metadata, spec }, old) {
    if (old && !jsonEqual(spec, old.spec)) metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  validate(next, old) {
    const faults = new Faults()
    driverRules(next, faults)
    if (old) {
      // The letter too many is upstream's.
      unchanged(next.spec.attachRequired, old.spec.attachRequired, specPath.child('attachedRequired'), faults)
      const modes = specPath.child('volumeLifecycleModes')
      unchanged(next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, modes, faults)
    }
    return faults.list
  },
})

const groupPolicies = ['File', 'None', 'ReadWriteOnceWithFSType']
const lifecycleModes = ['Persistent', 'Ephemeral']
const shortestPeriod = 10

function driverRules({ spec }: Driver, faults: Faults): void {
  optionalOneOf(spec.fsGroupPolicy, groupPolicies, specPath, 'fsGroupPolicy', faults)
  tokenRules(spec.tokenRequests ?? [], specPath.child('tokenRequests'), faults)
  for (const mode of spec.volumeLifecycleModes ?? []) {
    optionalOneOf(mode, lifecycleModes, specPath, 'volumeLifecycleModes', faults)
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < shortestPeriod) {
    const at = specPath.child('nodeAllocatableUpdatePeriodSeconds')
    faults.invalid(at, period, `must be greater than or equal to ${shortestPeriod} seconds`)
  }
}

function tokenRules(requests: readonly Frozen<StorageV1TokenRequest>[], path: FieldPath, faults: Faults): void {
  const audiences = new Set<string>()
  for (const [index, { audience = '', expirationSeconds: seconds }] of requests.entries()) {
    const at = path.index(index)
    if (audiences.has(audience)) {
      faults.duplicate(at.child('audience'), audience)
      continue
    }
    audiences.add(audience)
    if (seconds === undefined) continue
    if (seconds < 600) {
      faults.invalid(at.child('expirationSeconds'), seconds, 'may not specify a duration less than 10 minutes')
    }
    if (seconds > 2 ** 32) {
      faults.invalid(at.child('expirationSeconds'), seconds, 'may not specify a duration larger than 2^32 seconds')
    }
  }
}
