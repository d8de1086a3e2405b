// The rules of PersistentVolumes (ValidatePersistentVolumeSpec, ValidatePersistentVolumeUpdate in
// pkg/apis/core/validation/validation.go): one source each, which never changes. Most sources are those of a pod's volumes.

import type {
  AzureFilePersistentVolumeSource,
  CSIPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  StorageOSPersistentVolumeSource,
  VolumeNodeAffinity,
} from '../../generated/types.ts'
import { jsonEqual } from '../api/json-equal.ts'
import type { Frozen } from '../api/meta.ts'
import { dns1123LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { parseQuantity } from '../api/quantity.ts'
import { accessModeRules, volumeModes } from './claim-spec.ts'
import { csiDriverNameRules } from './csi-driver-name.ts'
import { type Faults, FieldPath } from './field-path.ts'
import { optionalOneOf, unchanged, withoutBacksteps } from './field-rules.ts'
import { nodeSelectorRules } from './scheduling-rules.ts'
import { unifiedDiff } from './unified-diff.ts'
import { volumeSourceRules } from './volume-rules.ts'
import { specPath } from './workload-rules.ts'

type Volume = Frozen<PersistentVolume>
type Spec = Frozen<PersistentVolumeSpec>

export function persistentVolumeRules({ metadata, spec }: Volume, faults: Faults): void {
  if (!spec.accessModes?.length) faults.required(specPath.child('accessModes'))
  accessModeRules(spec.accessModes ?? [], specPath, faults)
  capacityRules(spec, faults)
  const policy = spec.persistentVolumeReclaimPolicy
  if (policy) optionalOneOf(policy, reclaimPolicies, specPath, 'persistentVolumeReclaimPolicy', faults)
  if (spec.nodeAffinity) affinityRules(spec.nodeAffinity, faults)
  sourceRules(spec, metadata.name, faults)
  if (spec.hostPath && /^\/[/.]*$/.test(spec.hostPath.path ?? '') && policy === 'Recycle') {
    const detail = "may not be 'recycle' for a hostPath mount of '/'"
    faults.forbidden(specPath.child('persistentVolumeReclaimPolicy'), detail)
  }
  if (spec.storageClassName) {
    faults.invalids(dns1123SubdomainFaults(spec.storageClassName), spec.storageClassName, specPath, 'storageClassName')
  }
  optionalOneOf(spec.volumeMode, volumeModes, specPath, 'volumeMode', faults)
  attributesClassRules(spec, faults)
}

/** Of a volume that nobody declared, in a VolumeAttachment: access modes and a CSI source, and nothing else. */
export function inlineVolumeRules(spec: Spec, path: FieldPath, faults: Faults): void {
  const refuse = (...names: (keyof Spec)[]): void => {
    for (const name of names) {
      if (spec[name] !== undefined)
        faults.forbidden(path.child(name), 'may not be specified in the context of inline volumes')
    }
  }
  refuse('claimRef')
  if (Object.keys(spec.capacity ?? {}).length > 0) refuse('capacity')
  if (!spec.csi) faults.required(path.child('csi'), 'has to be specified in the context of inline volumes')
  if (!spec.accessModes?.length) faults.required(path.child('accessModes'))
  accessModeRules(spec.accessModes ?? [], path, faults)
  if (spec.persistentVolumeReclaimPolicy) refuse('persistentVolumeReclaimPolicy')
  refuse('nodeAffinity')
  let count = 0
  for (const type of sources) {
    if (spec[type] && count++ > 0) faults.forbidden(path.child(type), 'may not specify more than 1 volume type')
  }
  if (spec.csi) csiRules(spec.csi, path.child('csi'), faults)
  if (count === 0) faults.required(path, 'must specify a volume type')
  if (spec.storageClassName) refuse('storageClassName')
  refuse('volumeMode', 'volumeAttributesClassName')
}

const reclaimPolicies = ['Delete', 'Recycle', 'Retain']

function capacityRules({ capacity = {} }: Spec, faults: Faults): void {
  const at = specPath.child('capacity')
  const names = Object.keys(capacity)
  if (names.length === 0) faults.required(at)
  if (capacity.storage === undefined || names.length > 1) faults.notSupported(at, capacity, ['storage'])
  for (const name of names) {
    const amount = capacity[name]!
    const { sign } = parseQuantity(amount)
    if (sign < 0) faults.invalid(at.key(name), amount, 'must be a valid resource quantity')
    if (sign <= 0) faults.invalid(at.key(name), amount, 'must be greater than zero')
  }
}

function affinityRules({ required }: Frozen<VolumeNodeAffinity>, faults: Faults): void {
  const at = specPath.child('nodeAffinity', 'required')
  if (required) nodeSelectorRules(required, at, faults)
  else faults.required(at, 'must specify required node constraints')
}

/** In upstream's order: the first is judged, each further one refused. */
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const

function sourceRules(spec: Spec, name: string, faults: Faults): void {
  let count = 0
  for (const type of sources) {
    const source = spec[type]
    if (!source) continue
    if (count++ > 0) faults.forbidden(specPath.child(type), 'may not specify more than 1 volume type')
    // Upstream's paths for this one are not its name.
    else
      ownSourceRules(spec, type, name, specPath.child(type === 'gcePersistentDisk' ? 'persistentDisk' : type), faults)
  }
  if (count === 0) faults.required(specPath, 'must specify a volume type')
}

function ownSourceRules(spec: Spec, type: (typeof sources)[number], name: string, at: FieldPath, faults: Faults): void {
  switch (type) {
    case 'local': {
      const path = spec.local?.path
      if (!path) faults.required(at.child('path'))
      else withoutBacksteps(path, at.child('path'), faults)
      if (!spec.nodeAffinity) faults.required(specPath.child('nodeAffinity'), 'Local volume requires node affinity')
      return
    }
    case 'csi':
      csiRules(spec.csi!, at, faults)
      return
    case 'azureFile':
      azureFileRules(spec.azureFile!, at, faults)
      return
    case 'storageos':
      storageOsRules(spec.storageos!, at, faults)
      return
    default:
      // They differ from a pod's only in that their secrets have a namespace.
      volumeSourceRules(type, spec[type] as never, { name }, at, faults)
  }
}

function csiRules(csi: Frozen<CSIPersistentVolumeSource>, at: FieldPath, faults: Faults): void {
  const { driver = '', volumeHandle } = csi
  csiDriverNameRules(driver, at.child('driver'), faults)
  if (!volumeHandle) faults.required(at.child('volumeHandle'))
  for (const field of secrets) {
    const secret = csi[field]
    if (!secret) continue
    const path = at.child(field)
    if (!secret.name) faults.required(path.child('name'))
    else faults.invalids(dns1123SubdomainFaults(secret.name), secret.name, path, 'name')
    if (!secret.namespace) faults.required(path.child('namespace'))
    else faults.invalids(dns1123LabelFaults(secret.namespace), secret.namespace, path, 'namespace')
  }
}

const secrets = [
  'controllerPublishSecretRef',
  'controllerExpandSecretRef',
  'nodePublishSecretRef',
  'nodeExpandSecretRef',
] as const

function azureFileRules(source: Frozen<AzureFilePersistentVolumeSource>, at: FieldPath, faults: Faults): void {
  if (!source.secretName) faults.required(at.child('secretName'))
  if (!source.shareName) faults.required(at.child('shareName'))
  if (source.secretNamespace === '') faults.required(at.child('secretNamespace'))
}

function storageOsRules(source: Frozen<StorageOSPersistentVolumeSource>, at: FieldPath, faults: Faults): void {
  volumeSourceRules('storageos', source as never, { name: '' }, at, faults)
  if (source.secretRef && !source.secretRef.namespace) faults.required(at.child('secretRef', 'namespace'))
}

function attributesClassRules({ volumeAttributesClassName: name, csi }: Spec, faults: Faults): void {
  if (name === undefined) return
  const at = specPath.child('volumeAttributesClassName')
  if (name === '') faults.required(at, 'an empty string is disallowed')
  else faults.invalids(dns1123SubdomainFaults(name), name, at)
  if (!csi) faults.required(specPath.child('csi'), 'has to be specified when using volumeAttributesClassName')
}

/** The oddities of these paths are upstream's. */
export function persistentVolumeUpdateRules(next: Volume, old: Volume, faults: Faults): void {
  const [source, before] = [sourceOf(next.spec), sourceOf(old.spec)]
  // What expands a volume may be told later.
  if (source.csi && before.csi && before.csi.controllerExpandSecretRef === undefined) {
    const { controllerExpandSecretRef: _added, ...csi } = source.csi
    source.csi = csi
  }
  if (!jsonEqual(source, before)) {
    const diff = unifiedDiff(JSON.stringify(before, null, 2), JSON.stringify(source, null, 2))
    const detail = `spec.persistentvolumesource is immutable after creation\n${diff}`
    faults.forbidden(specPath.child('persistentvolumesource'), detail)
  }
  unchanged(next.spec.volumeMode, old.spec.volumeMode, new FieldPath('volumeMode'), faults)
  if (old.spec.nodeAffinity) {
    unchanged(next.spec.nodeAffinity, old.spec.nodeAffinity, new FieldPath('nodeAffinity'), faults)
  }
  if (old.spec.volumeAttributesClassName !== undefined && next.spec.volumeAttributesClassName === undefined) {
    faults.forbidden(specPath.child('volumeAttributesClassName'), 'update from non-nil value to nil is forbidden')
  }
}

function sourceOf(spec: Spec): { -readonly [Type in keyof Spec]?: Spec[Type] } {
  return Object.fromEntries(sources.flatMap(type => (spec[type] ? [[type, spec[type]]] : [])))
}
