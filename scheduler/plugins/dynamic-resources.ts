// DynamicResources: the pod's resource claims have their devices, or get them on the node it is given; allocation and
// reservation are written before the pod is bound (plugins/dynamicresources/dynamicresources.go). What was allocated is not
// taken back here when it turns out to be in the wrong place.

import type { AllocationResult, Pod, ResourceV1ResourceClaim } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { nodeTest } from '../../src/api/node-selection.ts'
import { controllerOf } from '../../src/api/owners.ts'
import { DeviceClasses } from '../../src/kinds/deviceclass.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { ResourceClaims } from '../../src/kinds/resourceclaim.ts'
import { ResourceSlices } from '../../src/kinds/resourceslice.ts'
import { DeviceAllocator, type DeviceSelectors, deviceKey, type ResourceClaim, wishesOf } from '../device-allocation.ts'
import type { Change, Plugin, RefusalReasons, Reservation } from '../plugin.ts'
import type { LiveSnapshot, NodeView, Snapshot } from '../snapshot.ts'

const name = 'DynamicResources'
const finalizer = 'resource.kubernetes.io/delete-protection'
/** So many may share a claim. */
const mostReservations = 256

const elsewhere: RefusalReasons = { reasons: ['resourceclaim not available on the node'], isFinal: true }
const notEnough: RefusalReasons = { reasons: ['cannot allocate all claims'], isFinal: true }

export function dynamicResourcesWith(selectors: DeviceSelectors): Plugin {
  const { matches } = selectors
  return {
    name,
    load: pod => (pod.spec.resourceClaims?.length ? selectors.load() : undefined),
    wakes: [ResourceClaims, ResourceSlices, DeviceClasses, Nodes, Pods],
    helps,
    prepare: (pod, snapshot) => {
      if (!pod.spec.resourceClaims?.length) return {}
      const claims = claimsOf(pod, snapshot)
      if (typeof claims === 'string') return { refuses: { reasons: [claims], isFinal: true } }
      for (const claim of claims) {
        const reason = whyNotUsable(pod, claim, snapshot)
        if (reason !== undefined) return { refuses: { reasons: [reason], isFinal: true } }
      }
      const waiting = claims.filter(({ status }) => status?.allocation === undefined)
      const allocator = waiting.length > 0 ? new DeviceAllocator(waiting, snapshot, matches) : undefined
      const places = claims.flatMap(
        ({ status }) => status?.allocation?.nodeSelector?.nodeSelectorTerms.map(nodeTest) ?? [],
      )
      return {
        filter: node => {
          for (const isThere of places) if (!isThere(node)) return elsewhere
          return allocator === undefined || allocator.allocate(node) ? undefined : notEnough
        },
      }
    },
    reserve: (pod, node, snapshot) => {
      if (!pod.spec.resourceClaims?.length) return undefined
      const claims = claimsOf(pod, snapshot)
      if (typeof claims === 'string') throw new Error(claims)
      return claims.length === 0 ? undefined : reservation(pod, claims, node, snapshot, matches)
    },
    postFilter: pod => ({
      reason: pod.spec.resourceClaims?.length ? 'still not schedulable' : 'no new claims to deallocate',
    }),
  }
}

/** Without a reader of expressions; a device class whose selectors must be read then matches nothing. */
export const dynamicResources: Plugin = dynamicResourcesWith({
  load: () => undefined,
  matches() {
    throw new Error('there is nobody who could read the selectors of devices')
  },
})

/** The claims by their entries in the pod; a text says why one is not there. */
function claimsOf(pod: Frozen<Pod>, snapshot: Snapshot): readonly ResourceClaim[] | string {
  const { namespace } = pod.metadata
  const claims: ResourceClaim[] = []
  for (const { name: entry, resourceClaimName, resourceClaimTemplateName } of pod.spec.resourceClaims ?? []) {
    const made = pod.status.resourceClaimStatuses?.find(each => each.name === entry)
    if (resourceClaimTemplateName && made === undefined) {
      return `pod ${JSON.stringify(`${namespace}/${pod.metadata.name}`)}: ResourceClaim not created yet`
    }
    // An entry may turn out to need no claim.
    const claimName = resourceClaimName ?? made?.resourceClaimName
    if (claimName === undefined) continue
    const claim = snapshot.lister(ResourceClaims).get({ name: claimName, namespace })
    if (claim === undefined) return `resourceclaim.resource.k8s.io ${JSON.stringify(claimName)} not found`
    if (claim.metadata.deletionTimestamp !== undefined) {
      return `resourceclaim ${JSON.stringify(claimName)} is being deleted`
    }
    const owner = controllerOf(claim)
    if (resourceClaimTemplateName && owner?.uid !== pod.metadata.uid) {
      return `ResourceClaim ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
    }
    claims.push(claim)
  }
  return claims
}

function whyNotUsable(pod: Frozen<Pod>, claim: ResourceClaim, snapshot: Snapshot): string | undefined {
  const { reservedFor = [], allocation } = claim.status ?? {}
  if (reservedFor.length >= mostReservations && !isReservedFor(pod, claim)) return 'resourceclaim in use'
  if (allocation !== undefined) return undefined
  if (snapshot.promised(keyOf(claim)) !== undefined) {
    const { namespace, name } = claim.metadata
    return `resource claim ${namespace}/${name} is in the process of being allocated`
  }
  for (const request of claim.spec.devices?.requests ?? []) {
    for (const { name, className } of wishesOf(request)) {
      if (snapshot.lister(DeviceClasses).get({ name: className }) === undefined) {
        return `request ${name}: device class ${className} does not exist`
      }
    }
  }
  return undefined
}

const keyOf = ({ metadata }: ResourceClaim): string => `resource claim ${metadata.namespace}/${metadata.name}`

function isReservedFor({ metadata }: Frozen<Pod>, { status }: ResourceClaim): boolean {
  return status?.reservedFor?.some(({ uid }) => uid === metadata.uid) ?? false
}

function reservation(
  pod: Frozen<Pod>,
  claims: readonly ResourceClaim[],
  node: NodeView,
  snapshot: LiveSnapshot,
  matches: DeviceSelectors['matches'],
): Reservation {
  const waiting = claims.filter(({ status }) => status?.allocation === undefined)
  const allocations = waiting.length > 0 ? new DeviceAllocator(waiting, snapshot, matches).allocate(node) : []
  if (allocations === undefined) throw new Error('claim allocation not found for node')
  const allocated = new Map(waiting.map((claim, index) => [claim, allocations[index]!]))
  const promises: (() => void)[] = []
  for (const [claim, { devices }] of allocated) {
    const to = keyOf(claim)
    promises.push(snapshot.promise(to, pod.metadata.uid ?? ''))
    for (const { driver, pool, device, adminAccess } of devices?.results ?? []) {
      if (!adminAccess) promises.push(snapshot.promise(deviceKey(driver, pool, device), to))
    }
  }
  const unreserved = claims.filter(claim => !isReservedFor(pod, claim))
  return {
    release: () => {
      for (const release of promises) release()
    },
    preBind: async ({ client }) => {
      for (const claim of unreserved) {
        const allocation = allocated.get(claim)
        let { resourceVersion, finalizers = [] } = claim.metadata
        const of = client.of(ResourceClaims)
        if (allocation !== undefined && !finalizers.includes(finalizer)) {
          finalizers = [...finalizers, finalizer]
          const body = { metadata: { resourceVersion, finalizers } }
          resourceVersion = (await of.patch(claim.metadata, { type: 'merge', body })).metadata.resourceVersion
        }
        await of.patch(
          claim.metadata,
          { type: 'merge', body: statusOf(pod, claim, allocation, resourceVersion) },
          'status',
        )
      }
    },
    // The devices are promised until everyone can see whose they are.
    isReady: () =>
      claims.every(claim => {
        const now = snapshot.lister(ResourceClaims).get(claim.metadata)
        if (now === undefined) throw new Error(`running PreBind plugin "${name}": claim ${claim.metadata.name} is gone`)
        return isReservedFor(pod, now)
      }),
    timeout: 60_000,
    timedOut: () => new Error(`running PreBind plugin "${name}": context deadline exceeded`),
  }
}

function statusOf(
  { metadata: { name, uid } }: Frozen<Pod>,
  { status }: ResourceClaim,
  allocation: AllocationResult | undefined,
  resourceVersion: string | undefined,
): object {
  return {
    metadata: { resourceVersion },
    status: {
      ...(allocation && { allocation }),
      reservedFor: [...(status?.reservedFor ?? []), { resource: 'pods', name, uid }],
    },
  }
}

function helps(pod: Frozen<Pod>, { kind, now, before }: Change): boolean {
  if (!pod.spec.resourceClaims?.length) return false
  switch (kind) {
    case ResourceClaims: {
      const [is, was] = [now, before] as [Frozen<ResourceV1ResourceClaim> | undefined, ResourceClaim | undefined]
      // One that goes, or gives back, may free what another waits for.
      if (is === undefined || was === undefined) return true
      return (
        !jsonEqual(is.status, was.status) || !jsonEqual(is.metadata.deletionTimestamp, was.metadata.deletionTimestamp)
      )
    }
    case Pods:
      return (now as Frozen<Pod> | undefined)?.metadata.uid === pod.metadata.uid
    case Nodes:
      return now !== undefined && !jsonEqual(now.metadata.labels, before?.metadata.labels)
    default:
      return now !== undefined
  }
}
