// StorageObjectInUseProtection: claims, volumes and their attributes classes carry a finalizer from the first, which the controllers of storage
// protection take off once nobody uses them (plugin/pkg/admission/storage/storageobjectinuseprotection/admission.go).

import type { Admission } from './admission.ts'

const finalizers: Readonly<Record<string, string>> = {
  persistentvolumes: 'kubernetes.io/pv-protection',
  persistentvolumeclaims: 'kubernetes.io/pvc-protection',
  'volumeattributesclasses.storage.k8s.io': 'kubernetes.io/vac-protection',
}

export const storageInUse: Admission = {
  name: 'StorageObjectInUseProtection',
  concerns: kind => Object.hasOwn(finalizers, kind.resource),
  admit({ metadata }, { kind, operation, subresource }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const finalizer = finalizers[kind.resource]!
    if (metadata.finalizers?.includes(finalizer)) return
    metadata.finalizers ??= []
    metadata.finalizers.push(finalizer)
  },
}
