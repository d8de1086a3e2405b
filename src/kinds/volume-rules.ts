// The rules of a pod's volumes (ValidateVolumes, validateVolumeSource in pkg/apis/core/validation/validation.go). One
// source each: `sources` has a row for every type. Projected volumes are in projected-volume-rules.ts.

import type { KeyToPath, ObjectMeta, Volume } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { between, dns1123LabelFaults, dns1123SubdomainFaults } from '../api/names.ts'
import { parseQuantity } from '../api/quantity.ts'
import { claimSpecRules } from './claim-spec.ts'
import { pullPolicies } from './container-rules.ts'
import type { Faults, FieldPath } from './field-path.ts'
import { descendingPath, fileMode, nonReservedPath, oneOf, optionalOneOf, withoutBacksteps } from './field-rules.ts'
import { validateTemplateMeta } from './object-meta.ts'
import { downwardFileRules, projectedRules } from './projected-volume-rules.ts'

/** The valid volumes by name; true for one that is a claim, and so may be a block device. */
export type VolumeNames = ReadonlyMap<string, boolean>
export const noVolumes: VolumeNames = new Map()

export interface PodOfVolume {
  /** Absent for templates, whose pods have no names yet. */
  readonly meta: Frozen<ObjectMeta> | undefined
}

export function volumeRules(
  volumes: readonly Frozen<Volume>[],
  pod: PodOfVolume,
  path: FieldPath,
  faults: Faults,
): VolumeNames {
  const names = new Map<string, boolean>()
  const podName = pod.meta?.name
  const created = new Set<string>()
  if (podName) for (const each of volumes) if (each.ephemeral) created.add(`${podName}-${each.name}`)
  for (const [index, volume] of volumes.entries()) {
    const at = path.index(index)
    const before = faults.count
    sourceRules(volume, pod, at, faults)
    if (volume.name) faults.invalids(dns1123LabelFaults(volume.name), volume.name, at, 'name')
    else faults.required(at.child('name'))
    if (names.has(volume.name)) faults.duplicate(at.child('name'), volume.name)
    if (faults.count === before) {
      names.set(volume.name, Boolean(volume.persistentVolumeClaim || volume.ephemeral))
    }
    const claim = volume.persistentVolumeClaim?.claimName
    if (claim !== undefined && created.has(claim)) {
      faults.invalid(
        at.child('persistentVolumeClaim', 'claimName'),
        claim,
        'must not reference a PVC that gets created for an ephemeral volume',
      )
    }
  }
  return names
}

function sourceRules(volume: Frozen<Volume>, pod: PodOfVolume, path: FieldPath, faults: Faults): void {
  let count = 0
  for (const type in volume) {
    if (type === 'name' || !volume[type as keyof Volume]) continue
    const rules = sources[type as keyof typeof sources]
    if (!rules) continue
    if (count++ > 0) faults.forbidden(path.child(type), 'may not specify more than 1 volume type')
    else rules(volume[type as keyof Volume] as never, path.child(type), faults, volume, pod)
  }
  if (count === 0) faults.required(path, 'must specify a volume type')
}

type Rules<Type extends keyof Volume> = (
  source: Frozen<NonNullable<Volume[Type]>>,
  path: FieldPath,
  faults: Faults,
  volume: Frozen<Volume>,
  pod: PodOfVolume,
) => void

/** Names of text fields that must be there. */
function needs<Type extends keyof Volume>(...fields: (keyof NonNullable<Volume[Type]> & string)[]): Rules<Type> {
  return (source, path, faults) => {
    for (const field of fields) {
      const value: unknown = source[field as keyof typeof source]
      if (!value || (Array.isArray(value) && value.length === 0)) faults.required(path.child(field))
    }
  }
}

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]

const sources: { readonly [Type in Exclude<keyof Volume, 'name'>]?: Rules<Type> } = {
  emptyDir({ sizeLimit }, path, faults) {
    if (sizeLimit !== undefined && parseQuantity(String(sizeLimit)).sign < 0) {
      faults.forbidden(path.child('sizeLimit'), 'SizeLimit field must be a valid resource quantity')
    }
  },
  hostPath(source, path, faults) {
    if (!source.path) {
      faults.required(path.child('path'))
      return
    }
    withoutBacksteps(source.path, path.child('path'), faults)
    optionalOneOf(source.type, hostPathTypes, path, 'type', faults)
  },
  secret({ secretName, defaultMode, items }, path, faults) {
    if (!secretName) faults.required(path.child('secretName'))
    fileMode(defaultMode, path, 'defaultMode', faults)
    if (items) keyRules(items, path.child('items'), faults)
  },
  configMap({ name, defaultMode, items }, path, faults) {
    if (!name) faults.required(path.child('name'))
    fileMode(defaultMode, path, 'defaultMode', faults)
    if (items) keyRules(items, path.child('items'), faults)
  },
  downwardAPI({ defaultMode, items }, path, faults) {
    fileMode(defaultMode, path, 'defaultMode', faults)
    for (const file of items ?? []) downwardFileRules(file, path, faults)
  },
  projected: projectedRules,
  persistentVolumeClaim: needs<'persistentVolumeClaim'>('claimName'),
  ephemeral({ volumeClaimTemplate }, path, faults, volume, { meta }) {
    if (!volumeClaimTemplate) faults.required(path.child('volumeClaimTemplate'))
    else {
      const at = path.child('volumeClaimTemplate')
      if (volumeClaimTemplate.metadata) validateTemplateMeta(volumeClaimTemplate.metadata, at.child('metadata'), faults)
      claimSpecRules(volumeClaimTemplate.spec ?? {}, at.child('spec'), faults)
    }
    if (!meta?.name || !volume.name) return
    const claim = `${meta.name}-${volume.name}`
    for (const sentence of dns1123SubdomainFaults(claim)) {
      faults.invalid(path.child('name'), volume.name, `PVC name ${JSON.stringify(claim)}: ${sentence}`)
    }
  },
  csi({ driver, nodePublishSecretRef }, path, faults) {
    if (!driver) faults.required(path.child('driver'))
    else {
      if (driver.length > 63) faults.tooLong(path.child('driver'), 63)
      faults.invalids(dns1123SubdomainFaults(driver.toLowerCase()), driver, path, 'driver')
    }
    if (!nodePublishSecretRef) return
    const { name } = nodePublishSecretRef
    if (name) faults.invalids(dns1123SubdomainFaults(name), name, path, 'name')
    else faults.required(path.child('nodePublishSecretRef', 'name'))
  },
  image({ pullPolicy, reference }, path, faults, _volume, { meta }) {
    if (meta && !reference) faults.required(path.child('reference'))
    oneOf(pullPolicy, pullPolicies, path, 'pullPolicy', faults)
  },
  gitRepo({ repository, directory }, path, faults) {
    if (!repository) faults.required(path.child('repository'))
    if (directory) descendingPath(directory, path.child('directory'), faults)
  },
  nfs(source, path, faults) {
    if (!source.server) faults.required(path.child('server'))
    if (!source.path) faults.required(path.child('path'))
    if (!source.path?.startsWith('/')) faults.invalid(path.child('path'), source.path ?? '', 'must be an absolute path')
  },
  gcePersistentDisk({ pdName, partition }, path, faults) {
    if (!pdName) faults.required(path.child('pdName'))
    partitionRule(partition, path, faults)
  },
  awsElasticBlockStore({ volumeID, partition }, path, faults) {
    if (!volumeID) faults.required(path.child('volumeID'))
    partitionRule(partition, path, faults)
  },
  iscsi(source, path, faults, volume) {
    if (!source.targetPortal) faults.required(path.child('targetPortal'))
    if (source.iqn) initiatorRule(source.iqn, path.child('iqn'), faults)
    else faults.required(path.child('iqn'))
    lunRule(source.lun, path, faults)
    if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) {
      faults.required(path.child('secretRef'))
    }
    if (source.initiatorName === undefined) return
    initiatorRule(source.initiatorName, path.child('initiatorname'), faults)
    if (`${volume.name}:${source.targetPortal}`.length > 64) {
      const detail =
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.'
      faults.invalid(path.child('name'), volume.name, detail)
    }
  },
  fc({ targetWWNs, wwids, lun }, path, faults) {
    const at = path.child('targetWWNs')
    if (!targetWWNs?.length && !wwids?.length) {
      faults.required(at, 'must specify either targetWWNs or wwids, but not both')
    }
    if (!targetWWNs?.length) return
    if (wwids?.length) faults.invalid(at, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously')
    if (lun === undefined) faults.required(path.child('lun'), 'lun is required if targetWWNs is specified')
    else lunRule(lun, path, faults)
  },
  flexVolume({ driver, options }, path, faults) {
    if (!driver) faults.required(path.child('driver'))
    for (const key of Object.keys(options ?? {})) {
      const namespace = `.${key.split('/')[0]!.toLowerCase()}`
      if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) {
        faults.invalid(path.child('options').key(key), key, 'kubernetes.io and k8s.io namespaces are reserved')
      }
    }
  },
  flocker({ datasetName, datasetUUID }, path, faults) {
    if (!datasetName && !datasetUUID) faults.required(path, 'one of datasetName and datasetUUID is required')
    if (datasetName && datasetUUID) {
      faults.invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously')
    }
    if (datasetName?.includes('/')) faults.invalid(path.child('datasetName'), datasetName, "must not contain '/'")
  },
  azureDisk({ diskName, diskURI, cachingMode, kind }, path, faults) {
    if (!diskName) faults.required(path.child('diskName'))
    if (!diskURI) faults.required(path.child('diskURI'))
    optionalOneOf(cachingMode, ['None', 'ReadOnly', 'ReadWrite'], path, 'cachingMode', faults)
    optionalOneOf(kind, ['Dedicated', 'Managed', 'Shared'], path, 'kind', faults)
    const managed = '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}'
    const blob = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd'
    if (kind === 'Managed' && !diskURI?.startsWith('/subscriptions/')) {
      faults.notSupported(path.child('diskURI'), diskURI, [managed])
    } else if (kind !== undefined && kind !== 'Managed' && !diskURI?.startsWith('https://')) {
      faults.notSupported(path.child('diskURI'), diskURI, [blob])
    }
  },
  quobyte({ registry, tenant, volume }, path, faults) {
    const pairs = 'must be a host:port pair or multiple pairs separated by commas'
    if (!registry) faults.required(path.child('registry'), pairs)
    else if ((tenant?.length ?? 0) >= 65) {
      faults.required(path.child('tenant'), 'must be a UUID and may not exceed a length of 64 characters')
    } else {
      for (const pair of registry.split(',')) {
        if (!/^([^:[\]]*|\[[^[\]]*\]):[^:]*$/.test(pair)) faults.invalid(path.child('registry'), registry, pairs)
      }
    }
    if (!volume) faults.required(path.child('volume'))
  },
  storageos({ volumeName, volumeNamespace, secretRef }, path, faults) {
    if (volumeName) faults.invalids(dns1123LabelFaults(volumeName), volumeName, path, 'volumeName')
    else faults.required(path.child('volumeName'))
    if (volumeNamespace) faults.invalids(dns1123LabelFaults(volumeNamespace), volumeNamespace, path, 'volumeNamespace')
    if (secretRef && !secretRef.name) faults.required(path.child('secretRef', 'name'))
  },
  cinder({ volumeID, secretRef }, path, faults) {
    if (!volumeID) faults.required(path.child('volumeID'))
    if (secretRef && !secretRef.name) faults.required(path.child('secretRef', 'name'))
  },
  glusterfs: needs<'glusterfs'>('endpoints', 'path'),
  rbd: needs<'rbd'>('monitors', 'image'),
  cephfs: needs<'cephfs'>('monitors'),
  azureFile: needs<'azureFile'>('secretName', 'shareName'),
  vsphereVolume: needs<'vsphereVolume'>('volumePath'),
  photonPersistentDisk: needs<'photonPersistentDisk'>('pdID'),
  portworxVolume: needs<'portworxVolume'>('volumeID'),
  scaleIO: needs<'scaleIO'>('gateway', 'system', 'volumeName'),
}

/** A source that a PersistentVolume has too; `name` is that of the volume. */
export function volumeSourceRules<Type extends keyof typeof sources>(
  type: Type,
  source: Frozen<NonNullable<Volume[Type]>>,
  volume: Frozen<Volume>,
  path: FieldPath,
  faults: Faults,
): void {
  sources[type]?.(source as never, path, faults, volume, { meta: undefined })
}

export function keyRules(items: readonly Frozen<KeyToPath>[], path: FieldPath, faults: Faults): void {
  for (const [index, item] of items.entries()) {
    const at = path.index(index)
    if (!item.key) faults.required(at.child('key'))
    if (!item.path) faults.required(at.child('path'))
    else nonReservedPath(item.path, at.child('path'), faults)
    fileMode(item.mode, at, 'mode', faults)
  }
}

function partitionRule(partition: number | undefined, path: FieldPath, faults: Faults): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) {
    faults.invalid(path.child('partition'), partition, between(1, 255))
  }
}

function lunRule(lun: number, path: FieldPath, faults: Faults): void {
  if (lun < 0 || lun > 255) faults.invalid(path.child('lun'), lun, between(0, 255))
}

const initiators: Readonly<Record<string, RegExp>> = {
  iqn: /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]+)(:[^,;*&$|\s]+)$/,
  eui: /^eui.[a-zA-Z0-9]{16}$/,
  naa: /^naa.[a-zA-Z0-9]{32}$/,
}

function initiatorRule(name: string, path: FieldPath, faults: Faults): void {
  const form = initiators[name.slice(0, 3)]
  if (!form) faults.invalid(path, name, 'must be valid format starting with iqn, eui, or naa')
  else if (!form.test(name)) faults.invalid(path, name, 'must be valid format')
}
