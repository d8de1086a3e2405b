// PersistentVolumeClaimResize: a claim grows only once it has its volume, and if its class lets it
// (plugin/pkg/admission/storage/persistentvolume/resize/admission.go).

import type { PersistentVolumeClaim, StorageClass } from '../../generated/types.ts'
import { forbidden } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { compareQuantities } from '../../src/api/quantity.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { storageClassText } from '../../src/kinds/storage-text.ts'
import { StorageClasses } from '../../src/kinds/storageclass.ts'
import { keyOf } from '../storage/keys.ts'
import type { Present } from '../storage/storage.ts'
import type { Admission } from './admission.ts'

type Claim = Frozen<PersistentVolumeClaim>

export const claimResize: Admission = {
  name: 'PersistentVolumeClaimResize',
  concerns: kind => kind === PersistentVolumeClaims,
  check(next, { kind, name, operation, subresource, old, present }) {
    if (operation !== 'UPDATE' || subresource !== undefined) return
    const before = old as Claim
    if (compareQuantities(sizeOf(next as Claim), sizeOf(before)) <= 0) return
    if (before.status.phase !== 'Bound') {
      throw forbidden(kind, name, 'Only bound persistent volume claims can be expanded')
    }
    if (mayGrow(next as Claim, before, present)) return
    const why =
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
    throw forbidden(kind, name, why)
  },
}

const sizeOf = ({ spec }: Claim): string => spec.resources?.requests?.storage ?? '0'

function mayGrow(next: Claim, old: Claim, present: Present): boolean {
  const name = storageClassText(next)
  if (name === '' || name !== storageClassText(old)) return false
  const found = present.get(keyOf(StorageClasses, { name }))?.object as Frozen<KubeObject> | undefined
  return (found as Frozen<StorageClass> | undefined)?.allowVolumeExpansion === true
}
