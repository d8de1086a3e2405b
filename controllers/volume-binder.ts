// Binds claims to volumes and volumes to claims, and says of both how they stand. A claim's key has a namespace, a volume's
// has none: both are worked one at a time, so that no volume is promised twice. Upstream:
// pkg/controller/volume/persistentvolume/pv_controller.go, whose periodic look at every claim is `resync` here.

import type { ObjectReference, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { compareQuantities } from '../src/api/quantity.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../src/kinds/pod.ts'
import { podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { isDefaultStorageClass, StorageClasses } from '../src/kinds/storageclass.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'
import {
  bestMatch,
  bindCompleted,
  boundByController,
  classOf,
  hasAnnotation,
  hasSameMode,
  isFor,
  mismatch,
  namesClass,
  oldStorageProvisioner,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from './shared/volume-matching.ts'
import { reclaim, recycledBy } from './shared/volume-reclaim.ts'

type Volume = Frozen<PersistentVolume>
type Claim = Frozen<PersistentVolumeClaim>

/** PVClaimBinderSyncPeriod. */
const resync = 15_000

/** Volumes by the claim they are bound to or kept for; free ones by class; claims that wait, by class or by the volume named. */
const ofClaimIndex = 'claim'
const freeIndex = 'free'
const waitingIndex = 'waiting'
/** Not a name that a class could have. */
const noClass = '/'
const namedKey = (volume: string): string => `volume/${volume}`

const keyOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`

export function volumeBinder(): ControllerSpec {
  /** Claims that a free volume has called, and that have not had their turn yet. */
  const called = new Set<string>()
  return defineController({
    name: 'persistentvolume-binder-controller',
    source: 'persistentvolume-controller',
    wakes: [
      {
        kind: PersistentVolumeClaims,
        keys: (now: Claim | undefined, before: Claim | undefined, { lister }) =>
          now
            ? isOnlyAsked(now, before)
              ? []
              : [now.metadata]
            : lister(PersistentVolumes)
                .by(ofClaimIndex, keyOf(before!.metadata))
                .map(({ metadata }) => metadata),
      },
      {
        kind: PersistentVolumes,
        keys(now: Volume | undefined, before: Volume | undefined, context) {
          const { claimRef } = (now ?? before!).spec
          const claim = claimRef?.namespace ? [{ namespace: claimRef.namespace, name: claimRef.name! }] : []
          if (now === undefined) return claim
          const isNewlyFree = isFree(now) && !(before && isFree(before))
          return [...claim, now.metadata, ...(isNewlyFree ? waitingFor(now, called, context) : [])]
        },
      },
      {
        kind: StorageClasses,
        keys(now: Frozen<StorageClass> | undefined, _before, { lister }) {
          if (now === undefined) return []
          const waiting = [
            ...lister(PersistentVolumeClaims).by(waitingIndex, now.metadata.name),
            ...(isDefaultStorageClass(now) ? lister(PersistentVolumeClaims).by(waitingIndex, noClass) : []),
          ]
          return waiting.map(({ metadata }) => metadata)
        },
      },
      { kind: Pods, keys: (now, before) => recycledBy((now ?? before)!) },
    ],
    start({ lister }) {
      called.clear()
      lister(PersistentVolumes).index(ofClaimIndex, ({ spec: { claimRef } }) =>
        claimRef?.namespace ? [`${claimRef.namespace}/${claimRef.name}`] : [],
      )
      lister(PersistentVolumes).index(freeIndex, volume => (isFree(volume) ? [classOf(volume) || noClass] : []))
      lister(PersistentVolumeClaims).index(waitingIndex, claim => {
        if (hasAnnotation(claim, bindCompleted)) return []
        return [claim.spec.volumeName ? namedKey(claim.spec.volumeName) : classOf(claim) || noClass]
      })
      lister(Pods).index(podClaimIndex, podClaimKeys)
    },
    async work(ref, context): Promise<Outcome> {
      if (ref.namespace === undefined) {
        const volume = context.lister(PersistentVolumes).get(ref)
        return volume && syncVolume(volume, context)
      }
      called.delete(keyOf(ref))
      const claim = context.lister(PersistentVolumeClaims).get(ref)
      if (claim === undefined) return undefined
      return hasAnnotation(claim, bindCompleted) ? syncBoundClaim(claim, context) : syncUnboundClaim(claim, context)
    },
  })
}

const isFree = ({ spec, status }: Volume): boolean => spec.claimRef === undefined && status.phase === 'Available'

/**
 * The claims that name the volume which has become free, and one that it would do for: the first that was not called yet, so that
 * many volumes call as many claims. Whoever is passed over looks by himself before long.
 */
function waitingFor(volume: Volume, called: Set<string>, { lister }: Context): Ref[] {
  const claims = lister(PersistentVolumeClaims)
  const naming = claims.by(waitingIndex, namedKey(volume.metadata.name)).map(({ metadata }) => metadata)
  const fitting = claims
    .by(waitingIndex, classOf(volume) || noClass)
    .find(claim => !called.has(keyOf(claim.metadata)) && bestMatch(claim, [volume], false) !== undefined)
  if (fitting === undefined) return naming
  called.add(keyOf(fitting.metadata))
  return [...naming, fitting.metadata]
}

/** Our own word to the provisioner, which needs no second look. */
function isOnlyAsked({ metadata }: Claim, before: Claim | undefined): boolean {
  return (
    before !== undefined &&
    before.metadata.annotations?.[storageProvisioner] !== metadata.annotations?.[storageProvisioner]
  )
}

// ---- claims

async function syncUnboundClaim(claim: Claim, context: Context): Promise<Outcome> {
  const { volumeName } = claim.spec
  if (volumeName) return syncClaimOfVolume(claim, volumeName, context)
  const { lister } = context
  const className = classOf(claim)
  const storageClass = className === '' ? undefined : lister(StorageClasses).get({ name: className })
  const waits = storageClass?.volumeBindingMode === 'WaitForFirstConsumer'
  const candidates = [
    ...lister(PersistentVolumes).by(ofClaimIndex, keyOf(claim.metadata)),
    ...(waits ? [] : lister(PersistentVolumes).by(freeIndex, className || noClass)),
  ]
  const volume = bestMatch(claim, candidates, waits)
  if (volume !== undefined) return bind(volume, claim, context)
  if (await assignDefaultClass(claim, context)) return undefined
  if (waits && !hasAnnotation(claim, selectedNode)) sayWhatItWaitsFor(claim, context)
  else if (className !== '') {
    await askForVolume(claim, storageClass, context)
    return { again: resync }
  } else {
    const message = 'no persistent volumes available for this claim and no storage class is set'
    context.event(claim, 'Normal', 'FailedBinding', message)
  }
  await setClaimStatus(claim, 'Pending', undefined, context)
  return { again: resync }
}

/** It asks for one volume by name. */
async function syncClaimOfVolume(claim: Claim, name: string, context: Context): Promise<Outcome> {
  const volume = context.lister(PersistentVolumes).get({ name })
  if (volume !== undefined) {
    if (isFor(volume, claim)) return bind(volume, claim, context)
    if (volume.spec.claimRef === undefined) {
      const fault = mismatch(volume, claim)
      if (fault === undefined) return bind(volume, claim, context)
      const message = `Cannot bind to requested volume ${JSON.stringify(name)}: ${fault}`
      context.event(claim, 'Warning', 'VolumeMismatch', message)
    } else {
      const message = `volume ${JSON.stringify(name)} already bound to a different claim.`
      context.event(claim, 'Warning', 'FailedBinding', message)
    }
  }
  await setClaimStatus(claim, 'Pending', undefined, context)
  return { again: resync }
}

async function syncBoundClaim(claim: Claim, context: Context): Promise<Outcome> {
  const { volumeName } = claim.spec
  if (!volumeName) {
    const message = 'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!'
    return loseClaim(claim, 'ClaimLost', message, context)
  }
  const volume = context.lister(PersistentVolumes).get({ name: volumeName })
  if (volume === undefined) {
    const message = 'Bound claim has lost its PersistentVolume. Data on the volume is lost!'
    return loseClaim(claim, 'ClaimLost', message, context)
  }
  const { claimRef } = volume.spec
  if (claimRef === undefined || claimRef.uid === claim.metadata.uid) return bind(volume, claim, context)
  const message = 'Two claims are bound to the same volume, this one is bound incorrectly'
  return loseClaim(claim, 'ClaimMisbound', message, context)
}

async function loseClaim(claim: Claim, reason: string, message: string, context: Context): Promise<void> {
  if (claim.status.phase === 'Lost') return
  const lost = await setClaimStatus(claim, 'Lost', undefined, context)
  context.event(lost, 'Warning', reason, message)
}

/** A claim that says nothing of its class gets the default, also when that came after it. */
async function assignDefaultClass(claim: Claim, { lister, client }: Context): Promise<boolean> {
  if (namesClass(claim)) return false
  const made = ({ metadata }: Frozen<StorageClass>): string => metadata.creationTimestamp ?? ''
  let newest: Frozen<StorageClass> | undefined
  for (const each of lister(StorageClasses).list()) {
    if (isDefaultStorageClass(each) && (newest === undefined || made(each) > made(newest))) newest = each
  }
  if (newest === undefined) return false
  const spec = { ...claim.spec, storageClassName: newest.metadata.name }
  await client.of(PersistentVolumeClaims).update({ ...claim, spec })
  return true
}

function sayWhatItWaitsFor(claim: Claim, { lister, event }: Context): void {
  const pods = lister(Pods)
    .by(podClaimIndex, keyOf(claim.metadata))
    .filter(pod => !isTerminal(pod) && !pod.spec.nodeName)
    .map(({ metadata }) => metadata.name)
  if (pods.length === 0) {
    event(claim, 'Normal', 'WaitForFirstConsumer', 'waiting for first consumer to be created before binding')
  } else {
    const whom = pods.length > 1 ? `pods ${pods.join(',')}` : `pod ${pods[0]}`
    event(claim, 'Normal', 'WaitForPodScheduled', `waiting for ${whom} to be scheduled`)
  }
}

/** Tells the provisioner of the class that a volume is wanted; whether there is one, nobody knows. */
async function askForVolume(
  claim: Claim,
  storageClass: Frozen<StorageClass> | undefined,
  { client, event }: Context,
): Promise<void> {
  if (storageClass === undefined) {
    const message = `storageclass.storage.k8s.io ${JSON.stringify(classOf(claim))} not found`
    event(claim, 'Warning', 'ProvisioningFailed', message)
    return
  }
  const { provisioner } = storageClass
  if (provisioner.startsWith('kubernetes.io/')) {
    event(claim, 'Warning', 'ProvisioningFailed', `no volume plugin matched name: ${provisioner}`)
    return
  }
  const { annotations } = claim.metadata
  let asked = claim
  if (annotations?.[storageProvisioner] !== provisioner) {
    const added = { [oldStorageProvisioner]: provisioner, [storageProvisioner]: provisioner }
    const metadata = { ...claim.metadata, annotations: { ...annotations, ...added } }
    asked = await client.of(PersistentVolumeClaims).update({ ...claim, metadata })
  }
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system ` +
    'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.'
  event(asked, 'Normal', 'ExternalProvisioning', message)
}

async function setClaimStatus(
  claim: Claim,
  phase: string,
  volume: Volume | undefined,
  { client }: Context,
): Promise<Claim> {
  const { accessModes: _modes, capacity: _capacity, ...rest } = claim.status
  const status: Claim['status'] =
    volume === undefined ? { ...rest, phase } : { ...claim.status, phase, ...ofVolume(claim, phase, volume) }
  if (jsonEqual(status, claim.status)) return claim
  return client.of(PersistentVolumeClaims).updateStatus({ ...claim, status })
}

function ofVolume({ status }: Claim, phase: string, { spec }: Volume): Claim['status'] {
  const { accessModes, capacity, volumeAttributesClassName: name } = spec
  const [now, before] = [capacity?.storage ?? '0', status.capacity?.storage]
  // Of a claim that is bound already the file system may be smaller than the volume.
  const isNews = status.phase !== phase && (before === undefined || compareQuantities(now, before) !== 0)
  return {
    ...(accessModes ? { accessModes } : {}),
    ...(isNews && capacity ? { capacity } : {}),
    ...(name && status.phase !== phase && status.currentVolumeAttributesClassName === undefined
      ? { currentVolumeAttributesClassName: name }
      : {}),
  }
}

// ---- both

/** The volume first: what is promised in it counts, and whoever fails half-way goes on from there. */
async function bind(volume: Volume, claim: Claim, context: Context): Promise<void> {
  const promised = await bindVolume(volume, claim, context)
  const bound = await setVolumePhase(promised, 'Bound', context)
  await setClaimStatus(await bindClaim(claim, bound, context), 'Bound', bound, context)
}

async function bindVolume(volume: Volume, claim: Claim, { client }: Context): Promise<Volume> {
  const { claimRef } = volume.spec
  const { name, namespace, uid } = claim.metadata
  if (isFor(volume, claim) && claimRef?.uid === uid) return volume
  const metadata = isFor(volume, claim) ? volume.metadata : marked(volume)
  return client.of(PersistentVolumes).update({
    ...volume,
    metadata,
    spec: { ...volume.spec, claimRef: referenceTo(claim, name, namespace!) },
  })
}

function referenceTo({ metadata }: Claim, name: string, namespace: string): ObjectReference {
  const { uid, resourceVersion } = metadata
  return {
    kind: 'PersistentVolumeClaim',
    apiVersion: 'v1',
    name,
    namespace,
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
  }
}

async function bindClaim(claim: Claim, { metadata: { name } }: Volume, { client }: Context): Promise<Claim> {
  const isNamed = claim.spec.volumeName === name
  if (isNamed && hasAnnotation(claim, bindCompleted)) return claim
  const own = isNamed ? claim.metadata : marked(claim)
  const metadata = { ...own, annotations: { ...own.annotations, [bindCompleted]: 'yes' } }
  return client.of(PersistentVolumeClaims).update({ ...claim, metadata, spec: { ...claim.spec, volumeName: name } })
}

function marked<T extends Volume | Claim>({ metadata }: T): T['metadata'] {
  return { ...metadata, annotations: { ...metadata.annotations, [boundByController]: 'yes' } }
}

// ---- volumes

async function syncVolume(volume: Volume, context: Context): Promise<void> {
  const { claimRef } = volume.spec
  if (!claimRef?.uid) {
    await setVolumePhase(volume, 'Available', context)
    return
  }
  const claim = await claimOf(claimRef, context)
  if (claim === undefined) return release(volume, context)
  const { volumeName } = claim.spec
  if (volumeName === volume.metadata.name) await setVolumePhase(volume, 'Bound', context)
  else if (!volumeName) checkMode(volume, claim, context)
  else if (hasAnnotation(volume, provisionedBy) && volume.spec.persistentVolumeReclaimPolicy === 'Delete') {
    await release(volume, context)
  } else await unbind(volume, context)
}

/** The very claim; asked of the server itself before anybody says that it is gone. */
async function claimOf(
  { namespace, name, uid }: Frozen<ObjectReference>,
  context: Context,
): Promise<Claim | undefined> {
  const ref = { namespace, name: name! }
  const known = context.lister(PersistentVolumeClaims).get(ref)
  if (known?.metadata.uid === uid) return known
  try {
    const fresh = await context.client.of(PersistentVolumeClaims).get(ref)
    return fresh.metadata.uid === uid ? fresh : undefined
  } catch (error) {
    if (!isNotFound(error)) throw error
    return undefined
  }
}

/** The claim's own turn will bind the two; unless it cannot, and both are told. */
function checkMode(volume: Volume, claim: Claim, { event }: Context): void {
  if (hasSameMode(volume, claim)) return
  const claimName = JSON.stringify(claim.metadata.name)
  const because = 'due to incompatible volumeMode.'
  const onVolume = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${claimName} ${because}`
  event(volume, 'Warning', 'VolumeMismatch', onVolume)
  const volumeName = JSON.stringify(volume.metadata.name)
  const onClaim = `Cannot bind PersistentVolume ${volumeName} to requested PersistentVolumeClaim ${because}`
  event(claim, 'Warning', 'VolumeMismatch', onClaim)
}

async function release(volume: Volume, context: Context): Promise<void> {
  const { phase } = volume.status
  const released =
    phase === 'Released' || phase === 'Failed' ? volume : await setVolumePhase(volume, 'Released', context)
  const outcome = await reclaim(released, context)
  if (outcome === 'free') await unbind(released, context)
  else if (outcome !== undefined && phase !== 'Failed') {
    await setVolumePhase(released, 'Failed', context, outcome.message)
    context.event(released, 'Warning', outcome.reason, outcome.message)
  }
}

/** Back to how it was before the controller bound it: free, or kept for whom its maker meant. */
async function unbind(volume: Volume, context: Context): Promise<void> {
  const { claimRef, ...spec } = volume.spec
  let next: Volume
  if (hasAnnotation(volume, boundByController)) {
    const { [boundByController]: _mark, ...annotations } = volume.metadata.annotations ?? {}
    const { annotations: _all, ...metadata } = volume.metadata
    const kept = Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata
    next = { ...volume, metadata: kept, spec }
  } else {
    const { uid: _uid, ...kept } = claimRef ?? {}
    next = { ...volume, spec: { ...spec, claimRef: kept } }
  }
  await setVolumePhase(await context.client.of(PersistentVolumes).update(next), 'Available', context)
}

async function setVolumePhase(volume: Volume, phase: string, { client }: Context, message?: string): Promise<Volume> {
  if (volume.status.phase === phase) return volume
  const { message: _before, ...rest } = volume.status
  const status = { ...rest, phase, ...(message ? { message } : {}) }
  return client.of(PersistentVolumes).updateStatus({ ...volume, status })
}
