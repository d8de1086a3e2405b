// PersistentVolumeClaims: what somebody needs of a volume, and the volume that was found for it.

import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { compareQuantities, parseQuantity } from '../api/quantity.ts'
import { claimSpecRules, claimSpecWarnings, defaultClaimSpec } from './claim-spec.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults, FieldPath } from './field-path.ts'
import { unchanged } from './field-rules.ts'
import { defineKind } from './kind.ts'
import { canonicalResources } from './resources.ts'
import { accessModesText, oldClassAnnotation, oldClassWarnings, phaseText, storageClassText } from './storage-text.ts'
import { unifiedDiff } from './unified-diff.ts'
import { specPath, statusPath } from './workload-rules.ts'

type Claim = Frozen<PersistentVolumeClaim>
type Spec = Frozen<PersistentVolumeClaimSpec>

/** Kind `PersistentVolumeClaim` of `v1`: `persistentvolumeclaims`, in namespaces. */
export const PersistentVolumeClaims = defineKind<PersistentVolumeClaim>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  singular: 'persistentvolumeclaim',
  shortNames: ['pvc'],
  namespaced: true,
  hasGeneration: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', description: 'Whether it has a volume.', value: phaseText },
    { name: 'Volume', type: 'string', description: 'The volume it has.', value: ({ spec }) => spec.volumeName ?? '' },
    {
      name: 'Capacity',
      type: 'string',
      description: 'What the volume holds.',
      value: ({ spec, status }) => (spec.volumeName ? (status.capacity?.storage ?? '0') : ''),
    },
    {
      name: 'Access Modes',
      type: 'string',
      description: 'By how many the volume can be used, and how.',
      value: ({ spec, status }) => (spec.volumeName ? accessModesText(status.accessModes) : ''),
    },
    { name: 'StorageClass', type: 'string', description: 'What kind of storage it asks for.', value: storageClassText },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'Which settings of that storage it asks for.',
      value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    ageColumn,
    {
      name: 'VolumeMode',
      type: 'string',
      priority: 1,
      description: 'A file system or a block device.',
      value: ({ spec }) => spec.volumeMode ?? '<unset>',
    },
  ],
  defaults(draft) {
    draft.spec ??= {}
    defaultClaimSpec(draft.spec)
    draft.status ??= {}
    draft.status.phase ||= 'Pending'
    if (draft.status.capacity) canonicalResources(draft.status.capacity)
    if (draft.status.allocatedResources) canonicalResources(draft.status.allocatedResources)
  },
  prepare(draft, old, { subresource }) {
    if (!old) draft.status = { phase: 'Pending' }
    if (subresource !== 'status') normalizeSources(draft.spec)
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') statusRules(next, faults)
    else {
      claimSpecRules(next.spec, specPath, faults)
      if (old) updateRules(next, old, faults)
    }
    return faults.list
  },
  warnings: next => [...oldClassWarnings(next), ...claimSpecWarnings(next.spec, specPath)],
})

const snapshots = 'snapshot.storage.k8s.io'

/** `dataSource` is the older word, for claims and snapshots alone (pkg/api/persistentvolumeclaim/util.go). */
function normalizeSources(spec: PersistentVolumeClaimSpec): void {
  const { dataSource } = spec
  if (dataSource) {
    const { apiGroup, kind } = dataSource
    const isKnown = kind === 'PersistentVolumeClaim' ? !apiGroup : kind === 'VolumeSnapshot' && apiGroup === snapshots
    // Without a kind it is kept, to be refused.
    if (kind && !isKnown) delete spec.dataSource
  }
  // Across namespaces is behind a gate that is off by default.
  if (spec.dataSourceRef?.namespace) delete spec.dataSourceRef
  if (spec.dataSource && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource }
  else if (spec.dataSourceRef && !spec.dataSource) spec.dataSource = { ...spec.dataSourceRef }
}

const storageOf = ({ resources }: Spec): string | undefined => resources?.requests?.storage

/** ValidatePersistentVolumeClaimUpdate. */
function updateRules(next: Claim, old: Claim, faults: Faults): void {
  const [annotation, before] = [next, old].map(({ metadata }) => metadata.annotations?.[oldClassAnnotation])
  const movesClass = before !== undefined && old.spec.storageClassName === undefined
  const isMoved =
    movesClass && next.spec.storageClassName === before && (annotation === undefined || annotation === before)
  if (!isMoved && annotation !== before) {
    const at = new FieldPath('metadata').child('annotations').key(oldClassAnnotation)
    faults.invalid(at, annotation ?? '', 'field is immutable')
  }
  specChangeRules(next, old, faults)
  sizeRules(next, old, faults)
  // Upstream leaves `spec` out of this path.
  unchanged(next.spec.volumeMode, old.spec.volumeMode, new FieldPath('volumeMode'), faults)
  const [name, named] = [next.spec.volumeAttributesClassName, old.spec.volumeAttributesClassName]
  const at = specPath.child('volumeAttributesClassName')
  if (named !== undefined && name === undefined) faults.forbidden(at, 'update from non-nil value to nil is forbidden')
  else if (named && name === '') faults.forbidden(at, 'update from non-nil value to an empty string is forbidden')
}

function specChangeRules(next: Claim, old: Claim, faults: Faults): void {
  const allowed: PersistentVolumeClaimSpec = { ...(next.spec as PersistentVolumeClaimSpec) }
  const keep = (name: 'storageClassName' | 'volumeAttributesClassName'): void => {
    if (old.spec[name] === undefined) delete allowed[name]
    else allowed[name] = old.spec[name]
  }
  if (!old.spec.volumeName) delete allowed.volumeName
  // A class may be given where there was none; the other annotation, if any, must say the same.
  const before = old.metadata.annotations?.[oldClassAnnotation]
  const isGiven = old.spec.storageClassName === undefined && next.spec.storageClassName !== undefined
  if (isGiven && (before === undefined || before === next.spec.storageClassName)) keep('storageClassName')
  keep('volumeAttributesClassName')
  const storage = storageOf(old.spec)
  if (next.status.phase === 'Bound' && allowed.resources?.requests && storage !== undefined) {
    allowed.resources = { ...allowed.resources, requests: { ...allowed.resources.requests, storage } }
  }
  const kept: PersistentVolumeClaimSpec = { ...(old.spec as PersistentVolumeClaimSpec) }
  if (!kept.volumeName) delete kept.volumeName
  if (jsonEqual(allowed, kept)) return
  const detail =
    'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'
  faults.forbidden(specPath, `${detail}\n${unifiedDiff(pretty(kept), pretty(allowed))}`)
}

/** A claim may shrink again as long as it has not grown: to win back from an expansion that failed. */
function sizeRules(next: Claim, old: Claim, faults: Faults): void {
  const [size, before] = [storageOf(next.spec) ?? '0', storageOf(old.spec) ?? '0']
  if (compareQuantities(size, before) >= 0) return
  if (compareQuantities(size, old.status.capacity?.storage ?? '0') > 0) return
  const at = specPath.child('resources', 'requests', 'storage')
  faults.forbidden(at, 'field can not be less than status.capacity')
}

function statusRules({ spec, status }: Claim, faults: Faults): void {
  // The capital is upstream's.
  if (!spec.accessModes?.length) faults.required(new FieldPath('Spec').child('accessModes'))
  for (const [name, amount] of Object.entries(status.capacity ?? {})) {
    if (parseQuantity(amount).sign >= 0) continue
    faults.invalid(statusPath.child('capacity').key(name), amount, 'must be a valid resource quantity')
  }
}

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)
