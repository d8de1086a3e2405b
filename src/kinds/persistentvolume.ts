// PersistentVolumes: storage that is there, and who has claimed it. Not in any namespace.

import type { PersistentVolume } from '../../generated/types.ts'
import { rfc3339 } from '../api/time.ts'
import { ageColumn, nameColumn } from './columns.ts'
import { Faults } from './field-path.ts'
import { defineKind } from './kind.ts'
import { persistentVolumeRules, persistentVolumeUpdateRules } from './persistentvolume-rules.ts'
import { canonicalResources } from './resources.ts'
import { accessModesText, oldClassWarnings, phaseText, storageClassText } from './storage-text.ts'

/** Kind `PersistentVolume` of `v1`: `persistentvolumes`, without a namespace. */
export const PersistentVolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  hasGeneration: false,
  subresources: ['status'],
  columns: [
    nameColumn,
    {
      name: 'Capacity',
      type: 'string',
      description: 'What it holds.',
      value: ({ spec }) => spec.capacity?.storage ?? '0',
    },
    {
      name: 'Access Modes',
      type: 'string',
      description: 'By how many it can be used, and how.',
      value: ({ spec }) => accessModesText(spec.accessModes),
    },
    {
      name: 'Reclaim Policy',
      type: 'string',
      description: 'What becomes of it without its claim.',
      value: ({ spec }) => spec.persistentVolumeReclaimPolicy ?? '',
    },
    { name: 'Status', type: 'string', description: 'Whether it is claimed.', value: phaseText },
    {
      name: 'Claim',
      type: 'string',
      description: 'The claim that has it.',
      value: ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace ?? ''}/${claimRef.name ?? ''}` : ''),
    },
    { name: 'StorageClass', type: 'string', description: 'What kind of storage it is.', value: storageClassText },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'Which settings of that storage it has.',
      value: ({ spec }) => spec.volumeAttributesClassName ?? '<unset>',
    },
    {
      name: 'Reason',
      type: 'string',
      description: 'Why it is in its status.',
      value: ({ status }) => status.reason ?? '',
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
    const { spec } = draft
    spec.persistentVolumeReclaimPolicy ||= 'Retain'
    spec.volumeMode ??= 'Filesystem'
    if (spec.capacity) canonicalResources(spec.capacity)
    defaultSource(spec)
    draft.status ??= {}
    draft.status.phase ||= 'Pending'
  },
  prepare(draft, old, { now, subresource }) {
    if (!old) draft.status = { phase: 'Pending', lastPhaseTransitionTime: rfc3339(now) }
    else if (subresource === 'status' && draft.status.phase !== old.status.phase) {
      // Given by whoever changes it, or else now (pkg/registry/core/persistentvolume/strategy.go).
      if (draft.status.lastPhaseTransitionTime === old.status.lastPhaseTransitionTime) {
        draft.status.lastPhaseTransitionTime = rfc3339(now)
      }
    }
  },
  validate(next, old, { subresource }) {
    const faults = new Faults()
    if (old && subresource === 'status') return faults.list
    persistentVolumeRules(next, faults)
    if (old) persistentVolumeUpdateRules(next, old, faults)
    return faults.list
  },
  warnings(next) {
    const warnings = [...oldClassWarnings(next)]
    if (next.spec.persistentVolumeReclaimPolicy === 'Recycle') {
      const why =
        'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.'
      warnings.push(`spec.persistentVolumeReclaimPolicy: ${why}`)
    }
    return warnings
  },
})

/** pkg/apis/core/v1/defaults.go. */
function defaultSource(spec: PersistentVolume['spec']): void {
  if (spec.hostPath) spec.hostPath.type ??= ''
  if (spec.iscsi) spec.iscsi.iscsiInterface ||= 'default'
  if (spec.rbd) {
    spec.rbd.pool ||= 'rbd'
    spec.rbd.user ||= 'admin'
    spec.rbd.keyring ||= '/etc/ceph/keyring'
  }
  if (spec.azureDisk) {
    spec.azureDisk.cachingMode ??= 'ReadWrite'
    spec.azureDisk.fsType ??= 'ext4'
    spec.azureDisk.readOnly ??= false
    spec.azureDisk.kind ??= 'Shared'
  }
  if (spec.scaleIO) {
    spec.scaleIO.storageMode ||= 'ThinProvisioned'
    spec.scaleIO.fsType ||= 'xfs'
  }
}
