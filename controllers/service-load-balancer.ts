// Load balancers: a Service of that type gets an address of its own from a pool, and gives it back when it goes or becomes
// of another type – what a cloud's controller does. Upstream: staging/src/k8s.io/cloud-provider/controllers/service.

import type { Service } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import { Services } from '../src/kinds/service.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const finalizer = 'service.kubernetes.io/load-balancer-cleanup'

/** Where the addresses come from: each is one Service's at a time. */
export interface AddressPool {
  /** An address for the owner: the one it has, the one wanted if that is free, or the next; undefined when none is left. */
  take(owner: string, wanted: string | undefined): string | undefined
  giveBack(owner: string): void
}

/** These addresses, in order. Where there is only one, all share it, and their ports tell them apart. */
export function addressPool(addresses: readonly string[]): AddressPool {
  const [only, ...more] = addresses
  if (only === undefined || more.length === 0) {
    return { take: (_owner, wanted) => (wanted === undefined || wanted === only ? only : undefined), giveBack() {} }
  }
  const owners = new Map<string, string>()
  const taken = new Map<string, string>()
  const give = (owner: string, address: string): string => {
    const before = taken.get(owner)
    if (before !== undefined) owners.delete(before)
    taken.set(owner, address)
    owners.set(address, owner)
    return address
  }
  return {
    take(owner, wanted) {
      const own = taken.get(owner)
      if (own !== undefined && (wanted === undefined || wanted === own)) return own
      const isFree = (address: string): boolean => !owners.has(address)
      const found =
        wanted === undefined ? addresses.find(isFree) : addresses.includes(wanted) && isFree(wanted) && wanted
      return found ? give(owner, found) : undefined
    },
    giveBack(owner) {
      const own = taken.get(owner)
      if (own === undefined) return
      taken.delete(owner)
      owners.delete(own)
    },
  }
}

export function serviceLoadBalancerController(pool: AddressPool): ControllerSpec<Service> {
  return defineController<Service>({
    name: 'service-lb-controller',
    source: 'service-controller',
    for: Services,
    concerns: service => wantsBalancer(service) || isKept(service),
    start({ lister }) {
      // Those that have an address keep it, before anybody gets a new one.
      for (const service of lister(Services).list()) {
        const address = service.status.loadBalancer?.ingress?.[0]?.ip
        if (wantsBalancer(service) && address) pool.take(service.metadata.uid!, address)
      }
    },
    async reconcile(service, context) {
      if (service.metadata.deletionTimestamp !== undefined || !wantsBalancer(service)) await takeAway(service, context)
      else await provide(service, context)
    },
  })

  async function provide(service: Frozen<Service>, context: Context): Promise<void> {
    const { spec, status, metadata } = service
    const address = pool.take(metadata.uid!, spec.loadBalancerIP || undefined)
    const ingress = address === undefined ? [] : [{ ip: address, ipMode: 'VIP' }]
    const isDone = isKept(service) && address !== undefined && jsonEqual(status.loadBalancer?.ingress, ingress)
    if (isDone) return
    context.event(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer')
    if (!isKept(service)) await setFinalizers(service, [...(metadata.finalizers ?? []), finalizer], context)
    if (address === undefined) {
      const wanted = spec.loadBalancerIP ? `address ${spec.loadBalancerIP} cannot be had` : 'no address is free'
      const message = `Error syncing load balancer: failed to ensure load balancer: ${wanted}`
      context.event(service, 'Warning', 'SyncLoadBalancerFailed', message)
      throw new Error(message)
    }
    await setIngress(service, ingress, context)
    context.event(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer')
  }

  async function takeAway(service: Frozen<Service>, context: Context): Promise<void> {
    if (!isKept(service)) return
    const { metadata, status } = service
    context.event(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer')
    pool.giveBack(metadata.uid!)
    if (status.loadBalancer?.ingress?.length) await setIngress(service, [], context)
    context.event(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer')
    await setFinalizers(
      service,
      metadata.finalizers!.filter(each => each !== finalizer),
      context,
    )
  }
}

/** One with a class of its own is for another implementation. */
function wantsBalancer({ spec }: Frozen<Service>): boolean {
  return spec.type === 'LoadBalancer' && spec.loadBalancerClass === undefined
}

function isKept({ metadata }: Frozen<KubeObject>): boolean {
  return metadata.finalizers?.includes(finalizer) === true
}

async function setFinalizers(
  service: Frozen<Service>,
  finalizers: readonly string[],
  { client }: Context,
): Promise<void> {
  const body = { metadata: { finalizers: finalizers.length > 0 ? finalizers : null } }
  await client.of(Services).patch(service.metadata, { type: 'merge', body }).catch(ignoreGone)
}

async function setIngress(service: Frozen<Service>, ingress: readonly object[], { client }: Context): Promise<void> {
  const body = { status: { loadBalancer: ingress.length > 0 ? { ingress } : { ingress: null } } }
  await client.of(Services).patch(service.metadata, { type: 'merge', body }, 'status').catch(ignoreGone)
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}
