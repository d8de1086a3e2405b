// VolumeAttributesClasses that are being deleted stay while a claim or a volume names them: the finalizer that admission gave
// them goes then. Upstream: pkg/controller/volume/vacprotection/vac_protection_controller.go.

import type { PersistentVolume, PersistentVolumeClaim, VolumeAttributesClass } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { VolumeAttributesClasses } from '../src/kinds/volumeattributesclass.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const finalizer = 'kubernetes.io/vac-protection'

export function attributesClassProtectionController(): ControllerSpec<VolumeAttributesClass> {
  return defineController<VolumeAttributesClass>({
    name: 'volumeattributesclass-protection-controller',
    for: VolumeAttributesClasses,
    wakes: [
      { kind: PersistentVolumeClaims, keys: (now, before) => left(before && ofClaim(before), now && ofClaim(now)) },
      { kind: PersistentVolumes, keys: (now, before) => left(before && ofVolume(before), now && ofVolume(now)) },
    ],
    concerns: ({ metadata }) =>
      metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false),
    async reconcile({ metadata }, { client }) {
      const { name, uid, resourceVersion } = metadata
      const claims = await client.of(PersistentVolumeClaims).list()
      if (claims.items.some(claim => ofClaim(claim).includes(name))) return
      const volumes = await client.of(PersistentVolumes).list()
      if (volumes.items.some(volume => ofVolume(volume).includes(name))) return
      const finalizers = metadata.finalizers!.filter(each => each !== finalizer)
      try {
        const body = { metadata: { uid, resourceVersion, finalizers } }
        await client.of(VolumeAttributesClasses).patch(metadata, { type: 'merge', body })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

const none: readonly string[] = Object.freeze([])

function ofClaim({ spec, status }: Frozen<PersistentVolumeClaim>): readonly string[] {
  const target = status.modifyVolumeStatus?.targetVolumeAttributesClassName
  const names = [spec.volumeAttributesClassName, status.currentVolumeAttributesClassName, target]
  return names.filter((name): name is string => !!name)
}

const ofVolume = ({ spec }: Frozen<PersistentVolume>): readonly string[] =>
  spec.volumeAttributesClassName ? [spec.volumeAttributesClassName] : none

/** Classes that are named no more. */
function left(before: readonly string[] = none, now: readonly string[] = none): readonly Ref[] {
  return before.filter(name => !now.includes(name)).map(name => ({ name }))
}
