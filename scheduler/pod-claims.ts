// A pod's volumes as claims and volumes of the cluster: which are bound, which wait for the pod's node, which volume would do
// for one (k8s.io/component-helpers/storage/{volume,ephemeral}, pkg/scheduler/framework/plugins/volumebinding/binder.go).
// Called by the rules about volumes.

import type {
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../generated/types.ts'
import { selectorFromLabelSelector } from '../src/api/labels.ts'
import type { Frozen } from '../src/api/meta.ts'
import { nodeTest } from '../src/api/node-selection.ts'
import { controllerOf } from '../src/api/owners.ts'
import { compareQuantities } from '../src/api/quantity.ts'
import { CSIDrivers } from '../src/kinds/csidriver.ts'
import { CSIStorageCapacities } from '../src/kinds/csistoragecapacity.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { claimOfVolume } from '../src/kinds/pod-claims.ts'
import { oldClassAnnotation } from '../src/kinds/storage-text.ts'
import { StorageClasses } from '../src/kinds/storageclass.ts'
import type { NodeView, Snapshot } from './snapshot.ts'

export type Claim = Frozen<PersistentVolumeClaim>
export type Volume = Frozen<PersistentVolume>

export const selectedNode = 'volume.kubernetes.io/selected-node'
export const boundByController = 'pv.kubernetes.io/bound-by-controller'
const bindCompleted = 'pv.kubernetes.io/bind-completed'

export interface ClaimName {
  readonly name: string
  /** Made for this pod alone, of a template in the pod itself. */
  readonly isEphemeral: boolean
}

export function claimNamesOf(pod: Frozen<Pod>): readonly ClaimName[] {
  const { volumes } = pod.spec
  if (volumes === undefined) return noClaims
  const names: ClaimName[] = []
  for (const volume of volumes) {
    const name = claimOfVolume(pod, volume)
    if (name !== undefined) names.push({ name, isEphemeral: volume.ephemeral !== undefined })
  }
  return names.length > 0 ? names : noClaims
}

const noClaims: readonly ClaimName[] = Object.freeze([])

export function claimOf(pod: Frozen<Pod>, name: string, snapshot: Snapshot): Claim | undefined {
  return snapshot.lister(PersistentVolumeClaims).get({ name, namespace: pod.metadata.namespace })
}

export function isFullyBound({ metadata, spec }: Claim): boolean {
  return !!spec.volumeName && metadata.annotations?.[bindCompleted] !== undefined
}

export function classNameOf({ metadata, spec }: Claim | Volume): string {
  return metadata.annotations?.[oldClassAnnotation] ?? spec.storageClassName ?? ''
}

export function classOf(claim: Claim, snapshot: Snapshot): Frozen<StorageClass> | undefined {
  const name = classNameOf(claim)
  return name === '' ? undefined : snapshot.lister(StorageClasses).get({ name })
}

export function waitsForPod(claim: Claim, snapshot: Snapshot): boolean {
  return classOf(claim, snapshot)?.volumeBindingMode === 'WaitForFirstConsumer'
}

/** Why a pod with such claims cannot run anywhere yet (podHasPVCs in volume_binding.go). */
export function whyNotUsable(
  pod: Frozen<Pod>,
  { name, isEphemeral }: ClaimName,
  snapshot: Snapshot,
): string | undefined {
  const claim = claimOf(pod, name, snapshot)
  const quoted = JSON.stringify(name)
  if (claim === undefined) {
    return isEphemeral
      ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${quoted}`
      : `persistentvolumeclaim ${quoted} not found`
  }
  if (claim.status?.phase === 'Lost') {
    const volume = JSON.stringify(claim.spec.volumeName ?? '')
    return `persistentvolumeclaim ${quoted} bound to non-existent persistentvolume ${volume}`
  }
  if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim ${quoted} is being deleted`
  if (isEphemeral && controllerOf(claim)?.uid !== pod.metadata.uid) {
    const { namespace } = claim.metadata
    return `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
  }
  return undefined
}

/** Whether the volume can be reached from the node. */
export function isReachable({ spec }: Volume, node: NodeView): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms
  return terms === undefined || terms.some(term => nodeTest(term)(node))
}

/** What is to be done that the pod's claims are bound when it runs on a node. */
export interface VolumePlan {
  readonly bindings: readonly { readonly claim: Claim; readonly volume: Volume }[]
  readonly provisions: readonly Claim[]
}

export type Conflict =
  | "node(s) didn't match PersistentVolume's node affinity"
  | "node(s) didn't find available persistent volumes to bind"
  | 'node(s) did not have enough free storage'
  | 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'

export const noVolumeToBind: Conflict = "node(s) didn't find available persistent volumes to bind"

/** FindPodVolumes for claims that wait for the pod. */
export function planFor(claims: readonly Claim[], node: NodeView, snapshot: Snapshot): VolumePlan | Conflict {
  const provisions: Claim[] = []
  const toMatch: Claim[] = []
  for (const claim of claims) {
    const chosen = claim.metadata.annotations?.[selectedNode] ?? snapshot.promised(claimKey(claim))
    if (chosen === undefined) toMatch.push(claim)
    else if (chosen === node.name) provisions.push(claim)
    else return noVolumeToBind
  }
  const bindings: { claim: Claim; volume: Volume }[] = []
  const taken = new Set<string>()
  const size = ({ spec }: Claim): string => spec.resources?.requests?.storage ?? '0'
  for (const claim of toMatch.sort((one, other) => compareQuantities(size(one), size(other)))) {
    const volume = bestVolume(claim, size(claim), node, snapshot, taken)
    if (volume === undefined) provisions.push(claim)
    else {
      taken.add(volume.metadata.name)
      bindings.push({ claim, volume })
    }
  }
  for (const claim of provisions) {
    const storageClass = classOf(claim, snapshot)
    if (storageClass === undefined || !canProvision(storageClass, node)) return noVolumeToBind
    if (!hasCapacity(storageClass, size(claim), node, snapshot)) return 'node(s) did not have enough free storage'
  }
  return { bindings, provisions }
}

export const claimKey = ({ metadata }: Claim): string => `claim ${metadata.namespace}/${metadata.name}`
export const volumeKey = ({ metadata }: Volume): string => `volume ${metadata.name}`

/** The smallest that does, or the one that is kept for the claim (volume.FindMatchingVolume). */
function bestVolume(
  claim: Claim,
  size: string,
  node: NodeView,
  snapshot: Snapshot,
  taken: ReadonlySet<string>,
): Volume | undefined {
  const { accessModes = [], volumeMode = 'Filesystem', volumeAttributesClassName = '' } = claim.spec
  const selector = claim.spec.selector && selectorFromLabelSelector(claim.spec.selector)
  let best: Volume | undefined
  for (const volume of snapshot.lister(PersistentVolumes).list()) {
    const { metadata, spec, status } = volume
    if (taken.has(metadata.name) || metadata.deletionTimestamp !== undefined) continue
    const holder = snapshot.promised(volumeKey(volume))
    if (holder !== undefined && holder !== claimKey(claim)) continue
    const capacity = spec.capacity?.storage ?? '0'
    if (compareQuantities(capacity, size) < 0 || (spec.volumeMode ?? 'Filesystem') !== volumeMode) continue
    if ((spec.volumeAttributesClassName ?? '') !== volumeAttributesClassName) continue
    const isKept = isFor(volume, claim)
    if (spec.claimRef !== undefined && !isKept) continue
    const canReach = isReachable(volume, node)
    if (isKept) return canReach ? volume : undefined
    if (status?.phase !== 'Available' || !canReach || classNameOf(volume) !== classNameOf(claim)) continue
    if (selector !== undefined && !selector.matches(metadata.labels)) continue
    if (!accessModes.every(mode => spec.accessModes?.includes(mode))) continue
    if (best === undefined || compareQuantities(capacity, best.spec.capacity?.storage ?? '0') < 0) best = volume
  }
  return best
}

function isFor({ spec: { claimRef } }: Volume, { metadata }: Claim): boolean {
  return (
    claimRef?.name === metadata.name &&
    claimRef.namespace === metadata.namespace &&
    (!claimRef.uid || claimRef.uid === metadata.uid)
  )
}

function canProvision({ provisioner, allowedTopologies = [] }: Frozen<StorageClass>, { labels }: NodeView): boolean {
  if (provisioner === '' || provisioner === 'kubernetes.io/no-provisioner') return false
  if (allowedTopologies.length === 0) return true
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => labels[key] !== undefined && values.includes(labels[key])),
  )
}

/** Asked only of drivers that say how much they have where. */
function hasCapacity(
  { metadata: { name }, provisioner }: Frozen<StorageClass>,
  size: string,
  node: NodeView,
  snapshot: Snapshot,
): boolean {
  if (!snapshot.lister(CSIDrivers).get({ name: provisioner })?.spec.storageCapacity) return true
  return snapshot
    .lister(CSIStorageCapacities)
    .list()
    .some(capacity => {
      if (capacity.storageClassName !== name || capacity.nodeTopology === undefined) return false
      const limit = limitOf(capacity)
      return (
        limit !== undefined &&
        compareQuantities(limit, size) >= 0 &&
        selectorFromLabelSelector(capacity.nodeTopology).matches(node.labels)
      )
    })
}

export function limitOf({ maximumVolumeSize, capacity }: Frozen<CSIStorageCapacity>): string | undefined {
  return maximumVolumeSize ?? capacity
}
