// A claim that asks for another VolumeAttributesClass: the simulated CSI driver changes its volume while it is in use; a class that
// is not there, or is another driver's, is waited for. Upstream: kubernetes-csi/external-resizer pkg/modifycontroller.

import type { PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../generated/types.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { VolumeAttributesClasses } from '../src/kinds/volumeattributesclass.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { csiDriver } from './shared/volume-simulation.ts'

type Claim = Frozen<PersistentVolumeClaim>

const wantedIndex = 'attributesClass'
const component = `external-resizer ${csiDriver}`

export function volumeModifier(): ControllerSpec<PersistentVolumeClaim> {
  return defineController<PersistentVolumeClaim>({
    name: 'volume-modifier',
    for: PersistentVolumeClaims,
    wakes: [
      {
        kind: VolumeAttributesClasses,
        keys: (now, _before, { lister }) =>
          now === undefined
            ? []
            : lister(PersistentVolumeClaims)
                .by(wantedIndex, now.metadata.name)
                .map(({ metadata }) => metadata),
      },
    ],
    reads: [PersistentVolumes],
    concerns: wantsOther,
    start({ lister }) {
      lister(PersistentVolumeClaims).index(wantedIndex, claim =>
        wantsOther(claim) ? [claim.spec.volumeAttributesClassName!] : [],
      )
    },
    async reconcile(claim, { client, lister, clock, event }) {
      const name = claim.spec.volumeAttributesClassName!
      const volume = lister(PersistentVolumes).get({ name: claim.spec.volumeName! })
      if (volume?.spec.csi?.driver !== csiDriver || volume.spec.claimRef?.uid !== claim.metadata.uid) return
      const say = (reason: string, message: string): void =>
        event(claim, 'Normal', reason, message, undefined, { component })
      const claims = client.of(PersistentVolumeClaims)
      if (lister(VolumeAttributesClasses).get({ name })?.driverName !== csiDriver) {
        const modifyVolumeStatus = { ...claim.status.modifyVolumeStatus, status: 'Pending' }
        if (jsonEqual(modifyVolumeStatus, claim.status.modifyVolumeStatus)) return
        await claims.updateStatus({ ...claim, status: { ...claim.status, modifyVolumeStatus } })
        return
      }
      const begun = await claims.updateStatus({
        ...claim,
        status: {
          ...claim.status,
          modifyVolumeStatus: { status: 'InProgress', targetVolumeAttributesClassName: name },
          conditions: withCondition(claim, {
            type: 'ModifyingVolume',
            status: 'True',
            lastTransitionTime: rfc3339(clock.now()),
            message: 'ModifyVolume operation in progress.',
          }),
        },
      })
      const which = `volume ${claim.metadata.name} with vac ${name}`
      say('VolumeModify', `external resizer is modifying ${which}`)
      // The volume first: a claim that says so must not have a volume that does not.
      if (volume.spec.volumeAttributesClassName !== name) {
        await client
          .of(PersistentVolumes)
          .update({ ...volume, spec: { ...volume.spec, volumeAttributesClassName: name } })
      }
      const { modifyVolumeStatus: _done, ...rest } = begun.status
      const status = { ...rest, currentVolumeAttributesClassName: name, conditions: withCondition(begun) }
      await claims.updateStatus({ ...begun, status })
      say('VolumeModifySuccessful', `external resizer modified ${which} successfully `)
    },
  })
}

function wantsOther({ spec, status }: Claim): boolean {
  const { volumeAttributesClassName: wanted } = spec
  if (status.phase !== 'Bound' || !wanted) return false
  return wanted !== status.currentVolumeAttributesClassName || status.modifyVolumeStatus?.status === 'InProgress'
}

const modifying = ['ModifyingVolume', 'ModifyVolumeError']

function withCondition(
  { status }: Claim,
  next?: PersistentVolumeClaimCondition,
): Frozen<PersistentVolumeClaimCondition>[] {
  const others = (status.conditions ?? []).filter(({ type }) => !modifying.includes(type))
  return next === undefined ? others : [...others, next]
}
