// EndpointSlices: where a Service's traffic can go, in slices of at most a hundred, written as little as possible. Rules:
// pkg/controller/endpointslice and staging/src/k8s.io/endpointslice (reconciler.go, utils.go).

import type {
  DiscoveryV1EndpointPort,
  Endpoint,
  EndpointHints,
  EndpointSlice,
  Pod,
  Service,
} from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { ownerReference } from '../src/api/owners.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { EndpointSlices } from '../src/kinds/endpointslice.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { Services } from '../src/kinds/service.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isReady } from './shared/pods.ts'
import { isNamespaceEnding, messageOf } from './shared/replicas.ts'
import {
  addressIn,
  familiesOf,
  headlessLabel,
  hostnameOf,
  indexServicePods,
  isEndpoint,
  isHeadless,
  podsOf,
  selectsPods,
  servicePodWake,
  TriggerTimes,
  targetPortOf,
  triggerAnnotation,
} from './shared/service-pods.ts'
import { hintsFor, sharesDiffer, wantsHints, zoneShares } from './shared/topology-hints.ts'

const nameLabel = 'kubernetes.io/service-name'
const managerLabel = 'endpointslice.kubernetes.io/managed-by'
const manager = 'endpointslice-controller.k8s.io'
const zoneLabel = 'topology.kubernetes.io/zone'
const sliceIndex = 'service'
const hintedIndex = 'hinted'

export interface EndpointSliceOptions {
  /** Endpoints in a slice; 100 as upstream's default. */
  readonly maxPerSlice?: number | undefined
  /** How long changes of pods are gathered before they are written; 0 as upstream's default. */
  readonly batchPeriod?: Millis | undefined
}

export function endpointSliceController(options: EndpointSliceOptions = {}): ControllerSpec<Service> {
  const { maxPerSlice = 100, batchPeriod = 0 } = options
  let times = new TriggerTimes()
  /** The Services whose endpoints have hints by their annotation: news of it are told once. */
  const hinted = new Set<string>()
  return defineController<Service>({
    name: 'endpointslice-controller',
    source: 'endpoint-slice-controller',
    for: Services,
    owns: [EndpointSlices],
    wakes: [
      servicePodWake(batchPeriod),
      {
        kind: Nodes,
        keys: (now, before, { lister }) =>
          sharesDiffer(now, before)
            ? lister(Services)
                .by(hintedIndex, 'all')
                .map(({ metadata }) => metadata)
            : [],
      },
    ],
    reads: [Pods],
    workers: 5,
    concerns: selectsPods,
    start(context) {
      times = new TriggerTimes()
      hinted.clear()
      indexServicePods(context)
      context
        .lister(Services)
        .index(hintedIndex, service => (wantsHints(service) && selectsPods(service) ? ['all'] : []))
      context.lister(EndpointSlices).index(sliceIndex, ({ metadata: { namespace, labels } }) => {
        const isOurs = labels?.[managerLabel] === manager && labels[nameLabel] !== undefined
        return isOurs ? [`${namespace}/${labels[nameLabel]}`] : []
      })
    },
    async reconcile(service, context) {
      if (service.metadata.deletionTimestamp !== undefined) return
      const { namespace, name } = service.metadata
      const pods = podsOf(service, context)
      const trigger = times.take(service, pods)
      const present = context.lister(EndpointSlices).by(sliceIndex, `${namespace}/${name}`)
      const alive = present.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      const families = familiesOf(service)
      const plans = families.map(family => {
        const own = alive.filter(({ addressType }) => addressType === family)
        const groups = desiredGroups(service, pods, family, context)
        addHints(service, groups, own, family, hinted, context)
        return planSlices(own, groups, labelsOf(service), maxPerSlice)
      })
      const foreign = alive.filter(({ addressType }) => !families.includes(addressType))
      try {
        for (const [at, plan] of plans.entries()) await carryOut(plan, service, families[at]!, trigger, context)
        if (foreign.length > 0) {
          await carryOut({ labels: {}, writes: [], deletes: foreign }, service, families[0]!, trigger, context)
        }
      } catch (error) {
        if (isNamespaceEnding(error)) return
        const message = `Error updating Endpoint Slices for Service ${namespace}/${name}: ${messageOf(error)}`
        context.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message)
        throw error
      }
    },
    async gone(ref) {
      times.forget(ref)
      for (const family of ['IPv4', 'IPv6']) hinted.delete(`${ref.namespace}/${ref.name} ${family}`)
    },
  })
}

/** By the annotation, which counts more than trafficDistribution. */
function addHints(
  service: Frozen<Service>,
  groups: ReadonlyMap<string, Group>,
  present: readonly Frozen<EndpointSlice>[],
  family: string,
  hinted: Set<string>,
  { lister, event }: Context,
): void {
  const key = `${service.metadata.namespace}/${service.metadata.name} ${family}`
  const say = (type: 'Normal' | 'Warning', what: 'Enabled' | 'Disabled', message: string): void =>
    event(service, type, `TopologyAwareHints${what}`, `${message}, addressType: ${family}`)
  if (!wantsHints(service)) {
    if (hinted.delete(key)) say('Warning', 'Disabled', 'Topology Aware Hints has been disabled')
    return
  }
  const zones = new Map<string, string>()
  for (const { endpoints = [] } of present) {
    for (const { addresses, hints } of endpoints) {
      const zone = hints?.forZones?.[0]?.name
      if (zone !== undefined) zones.set(addresses[0] ?? '', zone)
    }
  }
  const endpoints = [...groups.values()].flatMap(group => [...group.endpoints.values()])
  const hints = hintsFor(endpoints, zoneShares(lister(Nodes).list()), address => zones.get(address))
  if (!(hints instanceof Map)) {
    say('Warning', 'Disabled', (hints as { fault: string }).fault)
    hinted.delete(key)
    return
  }
  for (const [endpoint, zone] of hints) endpoint.hints = { forZones: [{ name: zone }] }
  if (!hinted.has(key)) say('Normal', 'Enabled', 'Topology Aware Hints has been enabled')
  hinted.add(key)
}

/** Endpoints that have the same ports; only they can share a slice. */
interface Group {
  readonly ports: readonly DiscoveryV1EndpointPort[]
  readonly endpoints: Map<string, Endpoint>
}

function desiredGroups(
  service: Frozen<Service>,
  pods: readonly Frozen<Pod>[],
  family: string,
  { lister }: Context,
): Map<string, Group> {
  const groups = new Map<string, Group>()
  const publishesAll = service.spec.publishNotReadyAddresses === true
  for (const pod of pods) {
    const address = addressIn(pod, family)
    if (!isEndpoint(pod, true) || address === undefined) continue
    const { nodeName } = pod.spec
    const node = nodeName ? lister(Nodes).get({ name: nodeName }) : undefined
    // A pod on a node that is gone will go, too; traffic does not wait for that.
    if (nodeName && node === undefined && !publishesAll) continue
    const ports = portsOf(service, pod)
    const key = portsKey(ports)
    let group = groups.get(key)
    if (group === undefined) {
      group = { ports, endpoints: new Map() }
      groups.set(key, group)
    }
    const isServing = isReady(pod)
    const isTerminating = pod.metadata.deletionTimestamp !== undefined
    const hostname = hostnameOf(pod, service)
    const zone = node?.metadata.labels?.[zoneLabel]
    const ready = publishesAll || (isServing && !isTerminating)
    const hints = ready ? nearHints(service, zone, nodeName) : undefined
    const { namespace, name, uid } = pod.metadata
    group.endpoints.set(address, {
      addresses: [address],
      conditions: {
        ready,
        serving: isServing,
        terminating: isTerminating,
      },
      ...(hostname ? { hostname } : {}),
      targetRef: { kind: 'Pod', namespace: namespace!, name, uid: uid! },
      ...(nodeName ? { nodeName } : {}),
      ...(zone ? { zone } : {}),
      ...(hints ? { hints } : {}),
    })
  }
  return groups
}

/** For whom an endpoint is, when a Service's traffic is to stay near (endpointslice/trafficdist). */
function nearHints(
  service: Frozen<Service>,
  zone: string | undefined,
  node: string | undefined,
): EndpointHints | undefined {
  const near = service.spec.trafficDistribution
  if (near === undefined || zone === undefined || wantsHints(service)) return undefined
  const forZones = [{ name: zone }]
  if (near === 'PreferClose' || near === 'PreferSameZone') return { forZones }
  return near === 'PreferSameNode' && node ? { forZones, forNodes: [{ name: node }] } : undefined
}

function portsOf({ spec }: Frozen<Service>, pod: Frozen<Pod>): DiscoveryV1EndpointPort[] {
  const ports: DiscoveryV1EndpointPort[] = []
  for (const port of spec.ports ?? []) {
    const number = targetPortOf(pod, port)
    if (number === undefined) continue
    const { appProtocol, name = '', protocol = 'TCP' } = port
    ports.push({ name, port: number, protocol, ...(appProtocol ? { appProtocol } : {}) })
  }
  return ports
}

function portsKey(ports: readonly Frozen<DiscoveryV1EndpointPort>[]): string {
  return ports
    .map(({ name, port, protocol, appProtocol }) => `${name ?? ''}/${port}/${protocol}/${appProtocol ?? ''}`)
    .sort()
    .join()
}

function labelsOf(service: Frozen<Service>): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {}
  return {
    ...labels,
    [nameLabel]: service.metadata.name,
    [managerLabel]: manager,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  }
}

interface Draft {
  /** What is there now; absent for a slice to be created. */
  readonly slice?: Frozen<EndpointSlice>
  readonly ports: readonly Frozen<DiscoveryV1EndpointPort>[]
  readonly endpoints: Endpoint[]
}

interface Plan {
  readonly labels: Readonly<Record<string, string>>
  readonly writes: readonly Draft[]
  readonly deletes: readonly Frozen<EndpointSlice>[]
}

/** The fewest writes that make the slices say what is desired; which endpoints share one does not matter. */
export function planSlices(
  present: readonly Frozen<EndpointSlice>[],
  groups: ReadonlyMap<string, Group>,
  labels: Readonly<Record<string, string>>,
  maxPerSlice: number,
): Plan {
  const writes: Draft[] = []
  const deletes: Frozen<EndpointSlice>[] = []
  const byPorts = new Map<string, Frozen<EndpointSlice>[]>()
  for (const slice of present) {
    const key = portsKey(slice.ports ?? [])
    byPorts.set(key, [...(byPorts.get(key) ?? []), slice])
  }
  for (const [key, slices] of byPorts) if (!groups.has(key)) deletes.push(...slices)
  for (const [key, group] of groups) planGroup(byPorts.get(key) ?? [], group, labels, maxPerSlice, writes, deletes)

  if (writes.every(({ slice }) => slice) && deletes.length === present.length) {
    // A Service without endpoints keeps one empty slice, to tell those who watch that there are none.
    const only = deletes.length === 1 ? deletes[0]! : undefined
    const isThere = only && !only.ports?.length && !only.endpoints?.length && jsonEqual(only.metadata.labels, labels)
    if (isThere) deletes.pop()
    else writes.push({ ports: [], endpoints: [] })
  }
  return recycled({ labels, writes, deletes })
}

function planGroup(
  present: readonly Frozen<EndpointSlice>[],
  { ports, endpoints }: Group,
  labels: Readonly<Record<string, string>>,
  maxPerSlice: number,
  writes: Draft[],
  deletes: Frozen<EndpointSlice>[],
): void {
  const missing = new Map(endpoints)
  const changed: Draft[] = []
  const unchanged: Draft[] = []
  for (const slice of present) {
    const kept: Endpoint[] = []
    let isSame = jsonEqual(slice.metadata.labels, labels)
    for (const old of slice.endpoints ?? []) {
      const next = missing.get(old.addresses[0] ?? '')
      if (next !== undefined) {
        missing.delete(old.addresses[0]!)
        kept.push(next)
      }
      isSame &&= next !== undefined && jsonEqual(next, old)
    }
    if (kept.length === 0) deletes.push(slice)
    else (isSame ? unchanged : changed).push({ slice, ports: slice.ports ?? [], endpoints: kept })
  }
  const fill = (draft: Draft): void => {
    for (const [address, endpoint] of missing) {
      if (draft.endpoints.length >= maxPerSlice) return
      draft.endpoints.push(endpoint)
      missing.delete(address)
    }
  }
  // First what is written anyway, the fullest first; then one that can take all the rest; then new ones.
  const byFullness = (one: Draft, other: Draft): number => other.endpoints.length - one.endpoints.length
  for (const draft of [...changed].sort(byFullness)) fill(draft)
  const roomy = [...unchanged].sort(byFullness)
  while (missing.size > 0) {
    const at = roomy.findIndex(({ endpoints: own }) => own.length + missing.size <= maxPerSlice)
    const draft: Draft = at < 0 ? { ports, endpoints: [] } : roomy.splice(at, 1)[0]!
    fill(draft)
    changed.push(draft)
  }
  writes.push(...changed)
}

/** Instead of deleting one slice and creating another, the one becomes the other. */
function recycled({ labels, writes, deletes }: Plan): Plan {
  const spare = [...deletes]
  const reused = writes.map(draft => {
    const slice = draft.slice === undefined ? spare.shift() : draft.slice
    return slice === undefined ? draft : { ...draft, slice }
  })
  return { labels, writes: reused, deletes: spare }
}

async function carryOut(
  { labels, writes, deletes }: Plan,
  service: Frozen<Service>,
  family: string,
  trigger: Millis | undefined,
  { client }: Context,
): Promise<void> {
  const slices = client.of(EndpointSlices)
  for (const { slice, ports, endpoints } of writes) {
    const { [triggerAnnotation]: _, ...annotations } = { ...slice?.metadata.annotations }
    if (trigger !== undefined) annotations[triggerAnnotation] = rfc3339(trigger)
    const content = { addressType: family, endpoints, ports: [...ports] }
    if (slice !== undefined) {
      const metadata = { ...slice.metadata, labels, annotations }
      await slices.update({ ...slice, ...content, metadata } as Frozen<EndpointSlice>)
      continue
    }
    const { name, namespace } = service.metadata
    await slices.create({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: `${name}-`,
        namespace: namespace!,
        labels,
        ...(trigger === undefined ? {} : { annotations }),
        ownerReferences: [ownerReference(service, Services)],
      },
      ...content,
    } as NewObject<EndpointSlice>)
  }
  for (const { metadata } of deletes) {
    try {
      await slices.delete(metadata)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
