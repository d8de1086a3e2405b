// Which devices a node could give to the claims of a pod: those of complete pools that are free, reach the node, have no
// taint in the way, meet the class's and the request's selectors, and together the claim's constraints
// (k8s.io/dynamic-resource-allocation/structured, resource.k8s.io/v1). Called by plugins/dynamic-resources.ts once a cycle for
// what does not depend on the node, then once a node. Pure, but for the expressions, which it is given a reader of.
// Not offered: devices that share counters with others, or that several may have at once.

import type {
  AllocationResult,
  Device,
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceRequestAllocationResult,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  NodeSelector,
  ResourceSlice,
  ResourceV1ResourceClaim,
} from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { nodeTest } from '../src/api/node-selection.ts'
import { DeviceClasses } from '../src/kinds/deviceclass.ts'
import { ResourceClaims } from '../src/kinds/resourceclaim.ts'
import { ResourceSlices } from '../src/kinds/resourceslice.ts'
import type { NodeView, Snapshot } from './snapshot.ts'

export type ResourceClaim = Frozen<ResourceV1ResourceClaim>

export interface DeviceSelectors {
  /** What has to be awaited before `matches` may be called; undefined when there is nothing any more. */
  load(): Promise<void> | undefined
  /** Whether a device meets an expression; throws when that cannot be said. */
  matches(expression: string, driver: string, device: Frozen<Device>): boolean
}

interface Offered {
  /** `driver/pool/name`. */
  readonly key: string
  readonly driver: string
  readonly pool: string
  readonly device: Frozen<Device>
  readonly slice: Frozen<ResourceSlice>
}

interface Wish {
  /** As it stands in the result: `gpu`, or `gpu/large` for one of several alternatives. */
  readonly name: string
  readonly className: string
  readonly selectors: readonly string[]
  readonly count: number
  readonly isAll: boolean
  readonly isAdmin: boolean
  readonly tolerations: readonly Frozen<DeviceToleration>[]
}

export const deviceKey = (driver: string, pool: string, device: string): string => `device ${driver}/${pool}/${device}`

export class DeviceAllocator {
  /** Each claim with its requests, each of these with its alternatives. */
  readonly #claims: readonly { readonly claim: Frozen<DeviceClaim>; readonly requests: readonly (readonly Wish[])[] }[]
  readonly #snapshot: Snapshot
  readonly #matches: DeviceSelectors['matches']
  readonly #offered: readonly Offered[]
  readonly #taken: ReadonlySet<string>
  /** Whether a device meets a wish does not depend on the node. */
  readonly #suits = new Map<Wish, Map<string, boolean>>()

  constructor(claims: readonly ResourceClaim[], snapshot: Snapshot, matches: DeviceSelectors['matches']) {
    this.#claims = claims.map(({ spec: { devices = {} } }) => ({
      claim: devices,
      requests: (devices.requests ?? []).map(wishesOf),
    }))
    this.#snapshot = snapshot
    this.#matches = matches
    this.#offered = offeredBy(snapshot.lister(ResourceSlices).list())
    this.#taken = takenBy(snapshot.lister(ResourceClaims).list())
  }

  /** One result for each claim, or undefined when the node has not enough for all. */
  allocate(node: NodeView): readonly AllocationResult[] | undefined {
    const here = this.#offered.filter(each => reaches(each, node))
    const used = new Set<string>()
    const results: AllocationResult[] = []
    for (const { claim, requests } of this.#claims) {
      const found = this.#forClaim(claim, requests, here, used)
      if (found === undefined) return undefined
      for (const { offered, wish } of found) if (!wish.isAdmin) used.add(offered.key)
      results.push(this.#resultOf(claim, found, node))
    }
    return results
  }

  #forClaim(
    claim: Frozen<DeviceClaim>,
    requests: readonly (readonly Wish[])[],
    here: readonly Offered[],
    used: ReadonlySet<string>,
  ): Chosen[] | undefined {
    const isFree = ({ key }: Offered): boolean =>
      !used.has(key) && !this.#taken.has(key) && this.#snapshot.promised(key) === undefined
    const chosen: Chosen[] = []
    const held = new Set<string>()

    const place = (at: number): boolean => {
      if (at === requests.length) return true
      return requests[at]!.some(wish => {
        const suitable = here.filter(each => (wish.isAdmin || isFree(each)) && this.#suitsWish(each, wish))
        if (!wish.isAll) return pick(wish, suitable, 0, wish.count, at)
        // All that suit, of which none may be another's.
        const all = here.filter(each => this.#suitsWish(each, wish))
        if (all.length === 0 || all.length !== suitable.length) return false
        return pick(wish, all, 0, all.length, at)
      })
    }
    const pick = (wish: Wish, from: readonly Offered[], start: number, left: number, at: number): boolean => {
      if (left === 0) return place(at + 1)
      for (let index = start; index + left <= from.length; index++) {
        const offered = from[index]!
        if (held.has(offered.key) && !wish.isAdmin) continue
        chosen.push({ offered, wish })
        const isNew = !wish.isAdmin && !held.has(offered.key)
        if (isNew) held.add(offered.key)
        if (meetsAll(claim.constraints ?? [], chosen) && pick(wish, from, index + 1, left - 1, at)) return true
        chosen.pop()
        if (isNew) held.delete(offered.key)
      }
      return false
    }
    return place(0) ? chosen : undefined
  }

  #suitsWish({ key, driver, device }: Offered, wish: Wish): boolean {
    let known = this.#suits.get(wish)
    if (known === undefined) {
      known = new Map()
      this.#suits.set(wish, known)
    }
    let suits = known.get(key)
    if (suits === undefined) {
      suits =
        !isTainted(device, wish.tolerations) &&
        [...this.#classSelectors(wish.className), ...wish.selectors].every(each => this.#matches(each, driver, device))
      known.set(key, suits)
    }
    return suits
  }

  #classSelectors(name: string): readonly string[] {
    const selectors = this.#snapshot.lister(DeviceClasses).get({ name })?.spec.selectors ?? []
    return selectors.flatMap(({ cel }) => (cel ? [cel.expression] : []))
  }

  #resultOf(claim: Frozen<DeviceClaim>, chosen: readonly Chosen[], node: NodeView): AllocationResult {
    const results = chosen.map(({ offered, wish }): DeviceRequestAllocationResult => {
      const { driver, pool, device } = offered
      return {
        request: wish.name,
        driver,
        pool,
        device: device.name,
        ...(wish.isAdmin && { adminAccess: true }),
        ...(wish.tolerations.length > 0 && { tolerations: wish.tolerations.map(each => ({ ...each })) }),
      }
    })
    const wishes = new Map(chosen.map(({ wish }) => [wish.name, wish]))
    const ofClasses = [...wishes.values()].flatMap(({ name, className }) => {
      const config = this.#snapshot.lister(DeviceClasses).get({ name: className })?.spec.config ?? []
      return config.map(each => ({ ...each, source: 'FromClass', requests: [name] }))
    })
    const ofClaim = (claim.config ?? [])
      .filter(({ requests = [] }) => requests.length === 0 || requests.some(each => isAmong(each, [...wishes.keys()])))
      .map(each => ({ ...each, source: 'FromClaim' }))
    const config = [...ofClasses, ...ofClaim] as NonNullable<AllocationResult['devices']>['config']
    const nodeSelector = selectorOf(
      chosen.map(({ offered }) => offered),
      node,
    )
    return { devices: { results, ...(config?.length && { config }) }, ...(nodeSelector && { nodeSelector }) }
  }
}

interface Chosen {
  readonly offered: Offered
  readonly wish: Wish
}

/** The alternatives of a request, the preferred one first. */
export function wishesOf({ name, exactly, firstAvailable = [] }: Frozen<DeviceRequest>): readonly Wish[] {
  return exactly ? [wishOf(name, exactly)] : firstAvailable.map(each => wishOf(`${name}/${each.name}`, each))
}

function wishOf(name: string, request: Frozen<ExactDeviceRequest> | Frozen<DeviceSubRequest>): Wish {
  return {
    name,
    className: request.deviceClassName,
    selectors: (request.selectors ?? []).flatMap(({ cel }) => (cel ? [cel.expression] : [])),
    count: request.count ?? 1,
    isAll: request.allocationMode === 'All',
    isAdmin: 'adminAccess' in request && request.adminAccess === true,
    tolerations: request.tolerations ?? [],
  }
}

/** Of each pool its newest generation, when all of its slices are there. */
function offeredBy(slices: readonly Frozen<ResourceSlice>[]): readonly Offered[] {
  const pools = new Map<string, Frozen<ResourceSlice>[]>()
  for (const slice of slices) {
    const { driver, pool } = slice.spec
    const key = `${driver}/${pool.name}`
    const had = pools.get(key)
    const newest = had?.[0]?.spec.pool.generation ?? -1
    if (had === undefined || pool.generation > newest) pools.set(key, [slice])
    else if (pool.generation === newest) had.push(slice)
  }
  const offered: Offered[] = []
  for (const members of pools.values()) {
    if (members.length !== members[0]!.spec.pool.resourceSliceCount) continue
    for (const slice of members) {
      const { driver, pool, devices = [] } = slice.spec
      for (const device of devices) {
        if (device.consumesCounters?.length || device.allowMultipleAllocations) continue
        offered.push({ key: deviceKey(driver, pool.name, device.name), driver, pool: pool.name, device, slice })
      }
    }
  }
  return offered
}

function takenBy(claims: readonly ResourceClaim[]): ReadonlySet<string> {
  const taken = new Set<string>()
  for (const { status } of claims) {
    for (const { driver, pool, device, adminAccess } of status?.allocation?.devices?.results ?? []) {
      if (!adminAccess) taken.add(deviceKey(driver, pool, device))
    }
  }
  return taken
}

/** A slice, or where it says so each device, names its node, all of them, or a selector. */
function placeOf({ slice, device }: Offered): Pick<Frozen<Device>, 'nodeName' | 'allNodes' | 'nodeSelector'> {
  return slice.spec.perDeviceNodeSelection ? device : slice.spec
}

function reaches(offered: Offered, node: NodeView): boolean {
  const { nodeName, allNodes, nodeSelector } = placeOf(offered)
  if (nodeName) return nodeName === node.name
  if (allNodes) return true
  return nodeSelector?.nodeSelectorTerms.some(term => nodeTest(term)(node)) ?? false
}

/** From where the devices can be used: the node itself as soon as one of them is of that node alone. */
function selectorOf(offered: readonly Offered[], node: NodeView): NodeSelector | undefined {
  const places = offered.map(placeOf)
  if (places.some(({ nodeName }) => nodeName)) {
    const fields = [{ key: 'metadata.name', operator: 'In', values: [node.name] }]
    return { nodeSelectorTerms: [{ matchFields: fields }] }
  }
  const terms = places.flatMap(({ nodeSelector }) => nodeSelector?.nodeSelectorTerms ?? [])
  if (terms.length === 0) return undefined
  // Validation lets a slice have one term only, so all of them together are one.
  const matchExpressions = terms.flatMap(each => each.matchExpressions ?? [])
  const matchFields = terms.flatMap(each => each.matchFields ?? [])
  const term = { ...(matchExpressions.length && { matchExpressions }), ...(matchFields.length && { matchFields }) }
  return { nodeSelectorTerms: [structuredClone(term)] } as NodeSelector
}

function isTainted({ taints = [] }: Frozen<Device>, tolerations: readonly Frozen<DeviceToleration>[]): boolean {
  return taints.some(taint => {
    if (taint.effect !== 'NoSchedule' && taint.effect !== 'NoExecute') return false
    return !tolerations.some(
      ({ key, operator = 'Equal', value = '', effect }) =>
        (!effect || effect === taint.effect) &&
        (!key || key === taint.key) &&
        (operator === 'Exists' || value === (taint.value ?? '')),
    )
  })
}

/** A constraint on `gpu` holds for all alternatives of it. */
const isAmong = (request: string, names: readonly string[]): boolean =>
  names.some(name => name === request || name.startsWith(`${request}/`))

function meetsAll(constraints: readonly Frozen<DeviceConstraint>[], chosen: readonly Chosen[]): boolean {
  return constraints.every(({ requests = [], matchAttribute, distinctAttribute }) => {
    const attribute = matchAttribute ?? distinctAttribute
    if (attribute === undefined) return true
    const concerned = chosen.filter(
      ({ wish }) => requests.length === 0 || requests.some(each => isAmong(each, [wish.name])),
    )
    const values = concerned.map(({ offered }) => attributeOf(offered, attribute))
    if (values.includes(undefined)) return false
    const different = new Set(values).size
    return matchAttribute === undefined ? different === values.length : different <= 1
  })
}

/** An attribute without a domain is the driver's own. */
function attributeOf({ driver, device }: Offered, name: string): string | undefined {
  const attributes = device.attributes ?? {}
  const short = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined
  const found = attributes[name] ?? (short === undefined ? undefined : attributes[short])
  return found && JSON.stringify([found.bool, found.int, found.string, found.version])
}
