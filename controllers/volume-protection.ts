// PersistentVolumes that are being deleted stay while they are bound: the finalizer that admission gave them goes then.
// Upstream: pkg/controller/volume/pvprotection/pv_protection_controller.go.

import type { PersistentVolume } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const finalizer = 'kubernetes.io/pv-protection'

export function volumeProtectionController(): ControllerSpec<PersistentVolume> {
  return defineController<PersistentVolume>({
    name: 'persistentvolume-protection-controller',
    for: PersistentVolumes,
    concerns: ({ metadata, status }) =>
      metadata.deletionTimestamp !== undefined &&
      (metadata.finalizers?.includes(finalizer) ?? false) &&
      status.phase !== 'Bound',
    async reconcile({ metadata }, { client }) {
      const { uid, resourceVersion } = metadata
      const finalizers = metadata.finalizers!.filter(each => each !== finalizer)
      try {
        const body = { metadata: { uid, resourceVersion, finalizers } }
        await client.of(PersistentVolumes).patch(metadata, { type: 'merge', body })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}
