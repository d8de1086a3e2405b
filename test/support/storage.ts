// Claims, volumes and classes as tests of storage need them: the least, overridden by what a test is about.

import type {
  PersistentVolume,
  PersistentVolumeClaim,
  PersistentVolumeClaimSpec,
  PersistentVolumeSpec,
  StorageClass,
} from '../../generated/types.ts'
import type { NewObject } from '../../src/api/meta.ts'

/** Of no class, so that nobody makes a volume for it. */
export function claim(
  name: string,
  size = '1Gi',
  spec: Partial<PersistentVolumeClaimSpec> = {},
): NewObject<PersistentVolumeClaim> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: '',
      resources: { requests: { storage: size } },
      ...spec,
    },
  } as NewObject<PersistentVolumeClaim>
}

export function volume(
  name: string,
  size = '1Gi',
  spec: Partial<PersistentVolumeSpec> = {},
  labels: Record<string, string> = {},
): NewObject<PersistentVolume> {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, labels },
    spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: size }, hostPath: { path: '/tmp/data' }, ...spec },
  } as NewObject<PersistentVolume>
}

export function storageClass(
  name: string,
  provisioner: string,
  fields: Partial<Omit<StorageClass, 'metadata'>> = {},
  annotations: Record<string, string> = {},
): NewObject<StorageClass> {
  return {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name, annotations },
    provisioner,
    ...fields,
  } as NewObject<StorageClass>
}
