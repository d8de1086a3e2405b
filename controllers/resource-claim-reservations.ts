// Who a resource claim is reserved for: pods that are gone or have ended are taken off, and a claim that nobody uses any more
// loses its devices, and itself when it was made for a pod that will not run.
// Upstream: pkg/controller/resourceclaim/controller.go (syncClaim).

import type { Pod, ResourceV1ResourceClaim } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { controllerOf } from '../src/api/owners.ts'
import { Pods } from '../src/kinds/pod.ts'
import { ResourceClaims } from '../src/kinds/resourceclaim.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { claimNameOf } from './shared/pod-resource-claims.ts'

type Claim = ResourceV1ResourceClaim
type Reservation = NonNullable<NonNullable<Frozen<Claim>['status']>['reservedFor']>[number]

const finalizer = 'resource.kubernetes.io/delete-protection'

export function resourceClaimReservationsController(): ControllerSpec<Claim> {
  return defineController<Claim>({
    name: 'resourceclaim-reservations-controller',
    for: ResourceClaims,
    wakes: [
      {
        kind: Pods,
        keys: (now, before) => {
          const pod: Frozen<Pod> = (now ?? before)!
          if (now !== undefined && !isDone(now)) return []
          return (pod.spec.resourceClaims ?? []).flatMap(wanted => {
            const name = claimNameOf(pod, wanted)
            return name ? [{ namespace: pod.metadata.namespace, name }] : []
          })
        },
      },
    ],
    async reconcile(claim, context) {
      const kept = await released(claim, context)
      if (kept.status?.reservedFor?.length) return
      await deleteUnneeded(kept, context)
    },
  })
}

/** Will never run, or run again. */
function isDone({ metadata, spec, status }: Frozen<Pod>): boolean {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return true
  return metadata.deletionTimestamp !== undefined && !spec.nodeName
}

/** The claim without those that do not use it any more; without devices when that is everybody. */
async function released(claim: Frozen<Claim>, context: Context): Promise<Frozen<Claim>> {
  const claims = context.client.of(ResourceClaims)
  const { reservedFor = [], allocation } = claim.status ?? {}
  const valid: Reservation[] = []
  for (const each of reservedFor) if (await isUsing(claim, each, context)) valid.push(each)
  const isProtected = claim.metadata.finalizers?.includes(finalizer) ?? false
  const isEnding = isProtected && claim.metadata.deletionTimestamp !== undefined && valid.length === 0
  if (valid.length === reservedFor.length && !isEnding) return claim
  let now = claim
  if (valid.length < reservedFor.length || allocation !== undefined) {
    const { allocation: _, reservedFor: __, ...rest } = claim.status ?? {}
    const isFreed = valid.length === 0 && isProtected
    const status = {
      ...rest,
      ...(allocation !== undefined && !isFreed ? { allocation } : {}),
      ...(valid.length > 0 ? { reservedFor: valid } : {}),
    }
    now = await claims.updateStatus({ ...claim, status } as Claim)
  }
  if (!isProtected || now.status?.allocation !== undefined) return now
  const finalizers = now.metadata.finalizers?.filter(each => each !== finalizer) ?? []
  return claims.update({ ...now, metadata: { ...now.metadata, finalizers } } as Claim)
}

async function isUsing(claim: Frozen<Claim>, user: Reservation, { lister, client }: Context): Promise<boolean> {
  if ((user.apiGroup ?? '') !== '' || user.resource !== 'pods') {
    throw new Error(`unsupported ReservedFor entry: ${JSON.stringify(user)}`)
  }
  const ref = { namespace: claim.metadata.namespace, name: user.name }
  const known = lister(Pods).get(ref)
  if (known !== undefined) return known.metadata.uid === user.uid && !isDone(known)
  // The cache may not know it yet: a pod that is just being scheduled must not lose its claim.
  try {
    return (await client.of(Pods).get(ref)).metadata.uid === user.uid
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}

async function deleteUnneeded(claim: Frozen<Claim>, { lister, client }: Context): Promise<void> {
  const owner = controllerOf(claim)
  if (owner?.kind !== 'Pod' || owner.apiVersion !== 'v1' || claim.metadata.deletionTimestamp !== undefined) return
  const pod = lister(Pods).get({ namespace: claim.metadata.namespace, name: owner.name })
  if (pod === undefined || (pod.metadata.uid === owner.uid && !isDone(pod))) return
  try {
    await client.of(ResourceClaims).delete(claim.metadata, { preconditions: { uid: claim.metadata.uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
