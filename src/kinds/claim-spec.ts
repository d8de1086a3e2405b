// What a claim asks of a volume: its defaults and its rules, be it a PersistentVolumeClaim, a template of a StatefulSet or an
// ephemeral volume of a pod (SetDefaults_PersistentVolumeClaimSpec, ValidatePersistentVolumeClaimSpec in pkg/apis/core).

import type { PersistentVolumeClaimSpec, TypedObjectReference } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { milliValue, parseQuantity } from '../api/quantity.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { optionalOneOf } from './field-rules.ts'
import { labelSelectorRules } from './label-selector-rules.ts'
import { canonicalResources } from './resources.ts'

export const volumeModes = ['Block', 'Filesystem']
const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ??= 'Filesystem'
  spec.resources ??= {}
  if (spec.resources.limits) canonicalResources(spec.resources.limits)
  if (spec.resources.requests) canonicalResources(spec.resources.requests)
}

export function accessModeRules(modes: readonly string[], path: FieldPath, faults: Faults): void {
  for (const mode of modes) {
    if (!accessModes.includes(mode)) faults.notSupported(path.child('accessModes'), mode, accessModes)
  }
  const others = modes.filter(mode => mode !== 'ReadWriteOncePod' && accessModes.includes(mode))
  if (others.length > 0 && modes.includes('ReadWriteOncePod')) {
    faults.forbidden(path.child('accessModes'), 'may not use ReadWriteOncePod with other access modes')
  }
}

export function claimSpecRules(spec: Frozen<PersistentVolumeClaimSpec>, path: FieldPath, faults: Faults): void {
  const modes = spec.accessModes ?? []
  if (modes.length === 0) faults.required(path.child('accessModes'), 'at least 1 access mode is required')
  labelSelectorRules(spec.selector, path.child('selector'), faults)
  accessModeRules(modes, path, faults)
  const storage = spec.resources?.requests?.storage
  // Upstream leaves `requests` out of this path.
  const at = path.child('resources').key('storage')
  if (storage === undefined) faults.required(at)
  else if (parseQuantity(storage).sign <= 0) faults.invalid(at, storage, 'must be greater than zero')
  if (spec.storageClassName) {
    faults.invalids(dns1123SubdomainFaults(spec.storageClassName), spec.storageClassName, path, 'storageClassName')
  }
  optionalOneOf(spec.volumeMode, volumeModes, path, 'volumeMode', faults)
  sourceRules(spec, path, faults)
  const className = spec.volumeAttributesClassName
  if (className) faults.invalids(dns1123SubdomainFaults(className), className, path, 'volumeAttributesClassName')
}

function sourceRules(spec: Frozen<PersistentVolumeClaimSpec>, path: FieldPath, faults: Faults): void {
  const { dataSource: source, dataSourceRef: reference } = spec
  if (source) referenceRules(source, path.child('dataSource'), faults)
  if (!reference) return
  const { namespace } = reference
  referenceRules(reference, path.child('dataSourceRef'), faults)
  if (namespace) faults.invalids(dns1123LabelFaults(namespace), namespace, path, 'dataSourceRef.namespace')
  if (!source) return
  const value = `${path.child('dataSource')}`
  if (namespace) faults.invalid(path, value, 'may not be specified when dataSourceRef.namespace is specified')
  else if (source.apiGroup !== reference.apiGroup || source.kind !== reference.kind || source.name !== reference.name) {
    faults.invalid(path, value, 'must match dataSourceRef')
  }
}

type Reference = Frozen<Pick<TypedObjectReference, 'apiGroup' | 'kind' | 'name'>>

function referenceRules({ apiGroup, kind, name }: Reference, at: FieldPath, faults: Faults): void {
  if (!name) faults.required(at.child('name'))
  if (!kind) faults.required(at.child('kind'))
  if (apiGroup) faults.invalids(dns1123SubdomainFaults(apiGroup), apiGroup, at, 'apiGroup')
  else if (kind !== 'PersistentVolumeClaim') {
    faults.invalid(at, kind ?? '', "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
  }
}

/** pkg/api/persistentvolumeclaim/util.go. */
export function claimSpecWarnings({ resources }: Frozen<PersistentVolumeClaimSpec>, path: FieldPath): string[] {
  const storage = resources?.requests?.storage
  if (storage === undefined || milliValue(storage) % 1000 === 0) return []
  const at = path.child('resources', 'requests').key('storage')
  return [`${at}: fractional byte value ${JSON.stringify(storage)} is invalid, must be an integer`]
}
