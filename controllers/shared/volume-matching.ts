// Which volume is for which claim: pure. Rules: k8s.io/component-helpers/storage/volume/pv_helpers.go and
// pkg/controller/volume/persistentvolume/{index,pv_controller}.go. Called by the volume binder and the provisioner.

import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/types.ts'
import { selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { compareQuantities } from '../../src/api/quantity.ts'
import { oldClassAnnotation } from '../../src/kinds/storage-text.ts'

type Volume = Frozen<PersistentVolume>
type Claim = Frozen<PersistentVolumeClaim>

/** The claim has been bound once: from then on its volume is the only one for it. */
export const bindCompleted = 'pv.kubernetes.io/bind-completed'
/** The binding is the controller's work, not what a user wrote. */
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
export const provisionedBy = 'pv.kubernetes.io/provisioned-by'
/** The scheduler has chosen: a claim that waited for its first pod may be provisioned there. */
export const selectedNode = 'volume.kubernetes.io/selected-node'
export const storageProvisioner = 'volume.kubernetes.io/storage-provisioner'
export const oldStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner'

export function classOf({ metadata, spec }: Volume | Claim): string {
  return metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''
}

/** Whether it says anything of its class; an empty name says that it wants none. */
export function namesClass({ metadata, spec }: Claim): boolean {
  return metadata.annotations?.[oldClassAnnotation] !== undefined || spec.storageClassName !== undefined
}

export function hasAnnotation({ metadata }: Volume | Claim, name: string): boolean {
  return metadata.annotations?.[name] !== undefined
}

/** Bound to the claim, or kept for it by whoever made the volume. */
export function isFor({ spec: { claimRef } }: Volume, { metadata }: Claim): boolean {
  if (claimRef === undefined) return false
  if (claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false
  return !claimRef.uid || claimRef.uid === metadata.uid
}

const storageOf = ({ spec }: Volume): string => spec.capacity?.storage ?? '0'
const wantedOf = ({ spec }: Claim): string => spec.resources?.requests?.storage ?? '0'
const modeOf = ({ spec }: Volume | Claim): string => spec.volumeMode ?? 'Filesystem'
const attributesOf = ({ spec }: Volume | Claim): string => spec.volumeAttributesClassName ?? ''

export const hasSameMode = (volume: Volume, claim: Claim): boolean => modeOf(volume) === modeOf(claim)

function hasModes({ spec }: Volume, claim: Claim): boolean {
  return (claim.spec.accessModes ?? []).every(mode => spec.accessModes?.includes(mode))
}

/** Why a volume that the claim asks for by name does not do; undefined when it does. */
export function mismatch(volume: Volume, claim: Claim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined) {
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`
  }
  if (compareQuantities(storageOf(volume), wantedOf(claim)) < 0) return 'requested PV is too small'
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match'
  if (attributesOf(volume) !== attributesOf(claim)) return 'volumeAttributesClassName does not match'
  if (!hasSameMode(volume, claim)) return 'incompatible volumeMode'
  return hasModes(volume, claim) ? undefined : 'incompatible accessMode'
}

/**
 * The best of the candidates: of those with the fewest modes that have all which are asked for, the one that is kept for
 * the claim, else the smallest that is large enough. `waits`: the claim's class waits for a pod, so only a kept one will do.
 */
export function bestMatch(claim: Claim, candidates: readonly Volume[], waits: boolean): Volume | undefined {
  const { selector } = claim.spec
  const selected = selector === undefined ? undefined : selectorFromLabelSelector(selector)
  const groups = new Map<string, Volume[]>()
  for (const volume of candidates) {
    if (!hasModes(volume, claim) || !mayTake(volume, claim)) continue
    if (!isFor(volume, claim)) {
      if (waits || volume.status.phase !== 'Available' || classOf(volume) !== classOf(claim)) continue
      if (selected !== undefined && !selected.matches(volume.metadata.labels)) continue
    }
    const modes = [...(volume.spec.accessModes ?? [])].sort().join()
    const group = groups.get(modes)
    if (group === undefined) groups.set(modes, [volume])
    else group.push(volume)
  }
  const fewest = [...groups.keys()].sort(
    (one, other) => one.split(',').length - other.split(',').length || (one < other ? -1 : 1),
  )[0]
  if (fewest === undefined) return undefined
  const group = groups.get(fewest)!
  return group.find(volume => isFor(volume, claim)) ?? group.reduce(smaller)
}

/** What holds even for a volume that is kept for the claim. */
function mayTake(volume: Volume, claim: Claim): boolean {
  return (
    (volume.spec.claimRef === undefined || isFor(volume, claim)) &&
    volume.metadata.deletionTimestamp === undefined &&
    hasSameMode(volume, claim) &&
    attributesOf(volume) === attributesOf(claim) &&
    compareQuantities(storageOf(volume), wantedOf(claim)) >= 0
  )
}

const smaller = (one: Volume, other: Volume): Volume =>
  compareQuantities(storageOf(other), storageOf(one)) < 0 ? other : one
