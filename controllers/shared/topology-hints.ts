// For which zone each endpoint is, when a Service asks that traffic stays near: as many for each zone as it has of the CPU of all
// nodes. Pure. Rules and words: staging/src/k8s.io/endpointslice/topologycache/{topologycache,utils,event}.go.

import type { Endpoint, Node, Service } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { milliValue } from '../../src/api/quantity.ts'
import { isNodeReady } from './taints.ts'

const zoneLabel = 'topology.kubernetes.io/zone'
const excluded = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master']
/** A zone may have so much less than its share. */
const overloadThreshold = 0.2

export function wantsHints({ metadata: { annotations } }: Frozen<Service>): boolean {
  const mode =
    annotations?.['service.kubernetes.io/topology-aware-hints'] ?? annotations?.['service.kubernetes.io/topology-mode']
  return mode === 'Auto' || mode === 'auto'
}

/** Whether a change of a node can change the shares. */
export function sharesDiffer(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined): boolean {
  if (now === undefined || before === undefined) return true
  return (
    isNodeReady(now) !== isNodeReady(before) ||
    now.metadata.labels?.[zoneLabel] !== before.metadata.labels?.[zoneLabel] ||
    now.status.allocatable?.cpu !== before.status.allocatable?.cpu
  )
}

/** What each zone has of all CPU; undefined when that cannot be told. */
export function zoneShares(nodes: readonly Frozen<Node>[]): ReadonlyMap<string, number> | undefined {
  const byZone = new Map<string, number>()
  let total = 0
  for (const node of nodes) {
    const labels = node.metadata.labels ?? {}
    if (excluded.some(label => labels[label] !== undefined) || !isNodeReady(node)) continue
    const zone = labels[zoneLabel]
    const cpu = milliValue(node.status.allocatable?.cpu ?? '0')
    if (!zone || cpu === 0) return undefined
    byZone.set(zone, (byZone.get(zone) ?? 0) + cpu)
    total += cpu
  }
  if (total === 0 || byZone.size < 2) return undefined
  return new Map([...byZone].sort(([one], [other]) => (one < other ? -1 : 1)).map(([zone, cpu]) => [zone, cpu / total]))
}

/** By endpoint: the zone it is for. Or why nobody gets a hint. */
export type Hints = ReadonlyMap<Endpoint, string> | { readonly fault: string }

/** `before`: the zone an address was for so far; who is for another zone already is the first to be so again. */
export function hintsFor(
  endpoints: readonly Endpoint[],
  shares: ReadonlyMap<string, number> | undefined,
  before: (address: string) => string | undefined,
): Hints {
  const ready = endpoints.filter(({ conditions }) => conditions?.ready)
  const wanted = allocations(ready.length, shares)
  if (!(wanted instanceof Map)) return wanted
  const hints = new Map<Endpoint, string>()
  const counts = new Map<string, number>()
  for (const endpoint of ready) {
    if (!endpoint.zone) return { fault: 'One or more endpoints do not have a zone specified' }
    hints.set(endpoint, endpoint.zone)
    counts.set(endpoint.zone, (counts.get(endpoint.zone) ?? 0) + 1)
  }
  const { giving, receiving } = transfers(wanted, counts)
  const wasFor = (endpoint: Endpoint): string | undefined => before(endpoint.addresses[0] ?? '')
  const movesAlready = ready.filter(endpoint => (receiving.get(wasFor(endpoint) ?? '') ?? 0) > 0)
  for (const endpoint of [...movesAlready, ...ready]) {
    if (hints.get(endpoint) !== endpoint.zone || !take(giving, endpoint.zone!, false)) continue
    const old = wasFor(endpoint)
    const to =
      old !== undefined && (receiving.get(old) ?? 0) > 0 ? old : [...receiving].find(([, left]) => left > 0)?.[0]
    if (to === undefined) break
    take(giving, endpoint.zone!, true)
    take(receiving, to, true)
    hints.set(endpoint, to)
  }
  return hints
}

function take(zones: Map<string, number>, zone: string, really: boolean): boolean {
  const left = zones.get(zone) ?? 0
  if (left > 0 && really) zones.set(zone, left - 1)
  return left > 0
}

/** How many endpoints each zone should have; not a whole number. */
function allocations(
  count: number,
  shares: ReadonlyMap<string, number> | undefined,
): Map<string, number> | { readonly fault: string } {
  if (shares === undefined) {
    return { fault: 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes' }
  }
  const numbers = `(${count} endpoints, ${shares.size} zones)`
  if (shares.size > count) return { fault: `Insufficient number of endpoints ${numbers}` }
  const desired = new Map<string, number>()
  let left = count
  for (const [zone, share] of shares) {
    const least = Math.ceil(share * count * (1 / (1 + overloadThreshold)))
    desired.set(zone, Math.max(share * count, least))
    left -= least
    if (left >= 0) continue
    const why = 'Unable to allocate minimum required endpoints to each zone without exceeding overload threshold'
    return { fault: `${why} ${numbers}` }
  }
  return desired
}

/** How many endpoints each zone gives to others, and how many it gets. */
function transfers(wanted: ReadonlyMap<string, number>, counts: ReadonlyMap<string, number>) {
  const spare = new Map<string, number>()
  const short = new Map<string, number>()
  for (const [zone, target] of wanted) {
    const has = counts.get(zone) ?? 0
    if (has > target) spare.set(zone, has - target)
    else if (has < target) short.set(zone, target - has)
  }
  const giving = new Map<string, number>()
  const receiving = new Map<string, number>()
  const add = (zones: Map<string, number>, zone: string, by: number): void => {
    zones.set(zone, (zones.get(zone) ?? 0) + by)
  }
  for (;;) {
    const [from, toGive] = most(spare)
    const [to, toReceive] = most(short)
    if (from === '' || to === '' || (toGive < 1 && toReceive < 1) || toGive < 0.5 || toReceive < 0.5) break
    add(giving, from, 1)
    add(spare, from, -1)
    add(receiving, to, 1)
    add(short, to, -1)
  }
  return { giving, receiving }
}

function most(zones: ReadonlyMap<string, number>): readonly [zone: string, count: number] {
  let found: readonly [string, number] = ['', 0]
  for (const entry of zones) if (entry[1] > found[1]) found = entry
  return found
}
