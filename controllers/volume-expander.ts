// Claims that ask for more than they have: who can give it is told that he is waited for; of the volumes that are simulated
// it is ours to give. A volume with a file system has grown only when a node has seen to that (kubelet-sim/node-expansion.ts).
// Upstream: pkg/controller/volume/expand/expand_controller.go; kubernetes-csi/external-resizer pkg/controller.

import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimCondition } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { compareQuantities } from '../src/api/quantity.ts'
import { rfc3339 } from '../src/api/time.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { provisionedBy } from './shared/volume-matching.ts'
import { isSimulatedProvisioner } from './shared/volume-simulation.ts'

type Claim = Frozen<PersistentVolumeClaim>
type Volume = Frozen<PersistentVolume>

export function volumeExpander(): ControllerSpec<PersistentVolumeClaim> {
  return defineController<PersistentVolumeClaim>({
    name: 'persistentvolume-expander-controller',
    source: 'volume_expand',
    for: PersistentVolumeClaims,
    reads: [PersistentVolumes],
    concerns: wantsMore,
    async reconcile(claim, context) {
      const volume = context.lister(PersistentVolumes).get({ name: claim.spec.volumeName! })
      if (volume === undefined || volume.spec.claimRef?.uid !== claim.metadata.uid) return
      const resizer = volume.metadata.annotations?.[provisionedBy]
      const isOurs = isSimulatedProvisioner(resizer)
      if (isOurs && stepOf(claim) === 'NodeResizePending' && isLargeEnough(volume, claim)) return
      // Each turn of ours writes, and so wakes the next: he is told once for each size.
      if (!isOurs || stepOf(claim) === undefined) {
        const message = 'waiting for an external controller to expand this PVC'
        context.event(claim, 'Normal', 'ExternalExpanding', message)
      }
      if (isOurs) await resize(claim, volume, `external-resizer ${resizer}`, context)
    },
  })
}

const wantedOf = ({ spec }: Claim): string => spec.resources?.requests?.storage ?? '0'
const stepOf = ({ status }: Claim): string | undefined => status.allocatedResourceStatuses?.storage

function wantsMore(claim: Claim): boolean {
  return claim.status.phase === 'Bound' && compareQuantities(wantedOf(claim), claim.status.capacity?.storage ?? '0') > 0
}

const isLargeEnough = ({ spec }: Volume, claim: Claim): boolean =>
  compareQuantities(spec.capacity?.storage ?? '0', wantedOf(claim)) >= 0

async function resize(claim: Claim, volume: Volume, component: string, context: Context): Promise<void> {
  const { client, clock } = context
  const say = (reason: string, message: string): void =>
    context.event(claim, 'Normal', reason, message, undefined, { component })
  const storage = wantedOf(claim)
  const now = rfc3339(clock.now())
  const begun = await client.of(PersistentVolumeClaims).updateStatus({
    ...claim,
    status: {
      ...claim.status,
      allocatedResources: { ...claim.status.allocatedResources, storage },
      allocatedResourceStatuses: { ...claim.status.allocatedResourceStatuses, storage: 'ControllerResizeInProgress' },
      conditions: withCondition(claim, { type: 'Resizing', status: 'True', lastTransitionTime: now }),
    },
  })
  say('Resizing', `External resizer is resizing volume ${volume.metadata.name}`)
  if (!isLargeEnough(volume, claim)) {
    const spec = { ...volume.spec, capacity: { ...volume.spec.capacity, storage } }
    await client.of(PersistentVolumes).update({ ...volume, spec })
  }
  if (volume.spec.csi && volume.spec.volumeMode !== 'Block') {
    const message = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.'
    const pending = { type: 'FileSystemResizePending', status: 'True', lastTransitionTime: now, message }
    const allocatedResourceStatuses = { ...begun.status.allocatedResourceStatuses, storage: 'NodeResizePending' }
    const status = { ...begun.status, allocatedResourceStatuses, conditions: withCondition(begun, pending) }
    await client.of(PersistentVolumeClaims).updateStatus({ ...begun, status })
    say('FileSystemResizeRequired', 'Require file system resize of volume on node')
    return
  }
  const { allocatedResourceStatuses, ...rest } = begun.status
  const { storage: _done, ...statuses } = allocatedResourceStatuses ?? {}
  const status = { ...rest, capacity: { ...rest.capacity, storage }, conditions: withCondition(begun) }
  await client.of(PersistentVolumeClaims).updateStatus({
    ...begun,
    status: Object.keys(statuses).length > 0 ? { ...status, allocatedResourceStatuses: statuses } : status,
  })
  say('VolumeResizeSuccessful', 'Resize volume succeeded')
}

const resizing = ['Resizing', 'FileSystemResizePending']

/** What else is said of the claim stays. */
function withCondition(
  { status }: Claim,
  next?: PersistentVolumeClaimCondition,
): Frozen<PersistentVolumeClaimCondition>[] {
  const others = (status.conditions ?? []).filter(({ type }) => !resizing.includes(type))
  return next === undefined ? others : [...others, next]
}
