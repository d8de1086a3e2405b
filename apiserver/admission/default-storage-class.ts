// DefaultStorageClass: a claim that names no class gets the one marked as default
// (plugin/pkg/admission/storage/storageclass/setdefault/admission.go; of several, pkg/volume/util/storageclass.go says which).

import type { PersistentVolumeClaim } from '../../generated/types.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { oldClassAnnotation } from '../../src/kinds/storage-text.ts'
import { isDefaultStorageClass, StorageClasses } from '../../src/kinds/storageclass.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Admission } from './admission.ts'

const classes = prefixOf(StorageClasses)

export const defaultStorageClass: Admission = {
  name: 'DefaultStorageClass',
  concerns: kind => kind === PersistentVolumeClaims,
  admit(draft, { operation, subresource, present }) {
    if (operation !== 'CREATE' || subresource !== undefined) return
    const { metadata, spec } = draft as PersistentVolumeClaim
    // An empty name asks for a volume without a class.
    if (spec.storageClassName !== undefined || metadata.annotations?.[oldClassAnnotation] !== undefined) return
    let newest: Frozen<KubeObject> | undefined
    for (const { object } of present.list(classes)) {
      if (isDefaultStorageClass(object) && (newest === undefined || isNewer(object, newest))) newest = object
    }
    if (newest !== undefined) spec.storageClassName = newest.metadata.name
  },
}

/** Of the same age, the first by name; they are seen in that order. */
const isNewer = (one: Frozen<KubeObject>, other: Frozen<KubeObject>): boolean =>
  (one.metadata.creationTimestamp ?? '') > (other.metadata.creationTimestamp ?? '')
