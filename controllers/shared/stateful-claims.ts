// Who owns a claim that a StatefulSet made, by its persistentVolumeClaimRetentionPolicy: with the set's reference it goes
// when the set goes, with the pod's when the pod is scaled away. Pure. Rules: isClaimOwnerUpToDate and
// updateClaimOwnerRefForSetAndPod in pkg/controller/statefulset/stateful_set_utils.go.

import type { PersistentVolumeClaim, Pod, StatefulSet } from '../../generated/types.ts'
import type { Frozen, KubeObject, OwnerReference } from '../../src/api/meta.ts'
import { isOwnedBy, ownerReference } from '../../src/api/owners.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { StatefulSets } from '../../src/kinds/statefulset.ts'
import { isInRange, ordinalOf } from './stateful-pods.ts'

type Claim = Frozen<PersistentVolumeClaim>
type Set = Frozen<StatefulSet>

/** A pod that is there, or one about to be made, which has no uid yet. */
type Owner = Frozen<KubeObject>

const named = (reference: Frozen<OwnerReference>, owner: Owner, kind: Kind<any>): boolean =>
  reference.apiVersion === kind.apiVersion && reference.kind === kind.kind && reference.name === owner.metadata.name

/** It carries the reference of an earlier object of that name, which is or will be gone: the claim goes with it. */
export function isStale(claim: Claim, owner: Owner, kind: Kind<any>): boolean {
  const reference = claim.metadata.ownerReferences?.find(each => named(each, owner, kind))
  return reference !== undefined && reference.uid !== owner.metadata.uid
}

/** Another than the set or the pod rules over the claim: then the policy is not followed. */
export function hasOtherController(claim: Claim, set: Set, pod: Frozen<Pod>): boolean {
  if (!mayDelete(set)) return false
  for (const reference of claim.metadata.ownerReferences ?? []) {
    if (named(reference, set, StatefulSets)) {
      if (reference.uid !== set.metadata.uid) return true
    } else if (named(reference, pod, Pods)) {
      if (reference.uid !== pod.metadata.uid) return true
    } else if (reference.controller) return true
  }
  return false
}

function mayDelete({ spec }: Set): boolean {
  const { whenScaled, whenDeleted } = spec.persistentVolumeClaimRetentionPolicy ?? {}
  return whenScaled === 'Delete' || whenDeleted === 'Delete'
}

/** Which of the two references the policy asks for. */
function wanted(set: Set, pod: Frozen<Pod>): { readonly set: boolean; readonly pod: boolean } {
  const { whenScaled, whenDeleted } = set.spec.persistentVolumeClaimRetentionPolicy ?? {}
  const isScaledAway = whenScaled === 'Delete' && !isInRange(set, ordinalOf(pod))
  return { set: whenDeleted === 'Delete' && !isScaledAway, pod: isScaledAway }
}

export function ownersAreRight(claim: Claim, set: Set, pod: Frozen<Pod>): boolean {
  // One that is managed for an earlier set or pod of that name is not touched.
  if (isStale(claim, set, StatefulSets) || isStale(claim, pod, Pods)) return true
  const [bySet, byPod] = [isOwnedBy(claim, set), isOwnedBy(claim, pod)]
  if (hasOtherController(claim, set, pod)) return !bySet && !byPod
  const ofUs = [set.metadata.uid, pod.metadata.uid]
  if (claim.metadata.ownerReferences?.some(({ uid, controller }) => ofUs.includes(uid) && !controller)) return false
  const should = wanted(set, pod)
  return bySet === should.set && byPod === should.pod
}

/** The claim's references with ours as the policy asks for them. */
export function rightOwners(claim: Claim, set: Set, pod: Frozen<Pod>): OwnerReference[] {
  const others = (claim.metadata.ownerReferences ?? []).filter(
    reference => !named(reference, set, StatefulSets) && !named(reference, pod, Pods),
  )
  if (hasOtherController(claim, set, pod)) return others
  const should = wanted(set, pod)
  return [
    ...others,
    ...(should.pod && pod.metadata.uid !== undefined ? [ownerReference(pod, Pods)] : []),
    ...(should.set ? [ownerReference(set, StatefulSets)] : []),
  ]
}
