// Endpoints: the older list of where a Service's traffic can go, one object a Service, ready and not ready apart. Rules:
// pkg/controller/endpoint/endpoints_controller.go and pkg/api/v1/endpoints/util.go (how subsets are packed).

import type {
  CoreV1EndpointPort,
  EndpointAddress,
  EndpointSubset,
  Endpoints,
  Pod,
  Service,
} from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { EndpointsKind } from '../src/kinds/endpoints.ts'
import { Pods } from '../src/kinds/pod.ts'
import { Services } from '../src/kinds/service.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
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

const managerLabel = 'endpoints.kubernetes.io/managed-by'
const manager = 'endpoint-controller'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
/** Beyond so many addresses the rest is left out, and an annotation says so. */
const capacity = 1000

export function endpointsController({
  batchPeriod = 0,
}: {
  batchPeriod?: Millis | undefined
} = {}): ControllerSpec<Service> {
  let times = new TriggerTimes()
  return defineController<Service>({
    name: 'endpoints-controller',
    source: 'endpoint-controller',
    for: Services,
    wakes: [
      servicePodWake(batchPeriod),
      {
        kind: EndpointsKind,
        // Gone, or left over from a Service that went while nobody looked.
        keys: (now, before) => (now && before ? [] : [(now ?? before)!.metadata]),
      },
    ],
    reads: [Pods],
    workers: 5,
    start(context) {
      times = new TriggerTimes()
      indexServicePods(context)
    },
    async reconcile(service, context) {
      if (!selectsPods(service) || service.metadata.deletionTimestamp !== undefined) return
      const pods = podsOf(service, context)
      const trigger = times.take(service, pods)
      const present = context.lister(EndpointsKind).get(service.metadata)
      const { subsets, isTruncated } = truncated(subsetsOf(service, pods))
      const labels = labelsOf(service)
      const isSame = present && jsonEqual(present.subsets ?? [], subsets) && jsonEqual(present.metadata.labels, labels)
      if (isSame && isTruncated === (present.metadata.annotations?.[overCapacity] !== undefined)) return

      const { [triggerAnnotation]: _, [overCapacity]: __, ...annotations } = { ...present?.metadata.annotations }
      if (trigger !== undefined) annotations[triggerAnnotation] = rfc3339(trigger)
      if (isTruncated) annotations[overCapacity] = 'truncated'
      const content = subsets.length > 0 ? { subsets } : {}
      const { name, namespace } = service.metadata
      try {
        if (present === undefined) {
          const metadata = { name, namespace: namespace!, labels, annotations }
          const body: NewObject<Endpoints> = { apiVersion: 'v1', kind: 'Endpoints', metadata, ...content }
          await context.client.of(EndpointsKind).create(body)
        } else {
          const { apiVersion, kind, metadata } = present
          const next = { apiVersion, kind, metadata: { ...metadata, labels, annotations }, ...content }
          await context.client.of(EndpointsKind).update(next as Frozen<Endpoints>)
        }
      } catch (error) {
        if (isNamespaceEnding(error)) return
        const [reason, deed] = present ? ['FailedToUpdateEndpoint', 'update'] : ['FailedToCreateEndpoint', 'create']
        const message = `Failed to ${deed} endpoint ${namespace}/${name}: ${messageOf(error)}`
        context.event(present ?? service, 'Warning', reason!, message)
        throw error
      }
    },
    async gone(ref, { client, lister }) {
      times.forget(ref)
      const left = lister(EndpointsKind).get(ref)
      // Endpoints that somebody keeps by hand have no Service, and stay.
      if (left?.metadata.labels?.[managerLabel] !== manager) return
      try {
        await client.of(EndpointsKind).delete(ref, { preconditions: { uid: left.metadata.uid } })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

function labelsOf(service: Frozen<Service>): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {}
  return { ...labels, [managerLabel]: manager, ...(isHeadless(service) ? { [headlessLabel]: '' } : {}) }
}

interface Gathering {
  readonly ports: CoreV1EndpointPort[]
  readonly ready: EndpointAddress[]
  readonly notReady: EndpointAddress[]
}

/** Addresses with the same ports together; subsets, addresses and ports in an order that does not depend on the pods'. */
function subsetsOf(service: Frozen<Service>, pods: readonly Frozen<Pod>[]): EndpointSubset[] {
  const publishesAll = service.spec.publishNotReadyAddresses === true
  const byPorts = new Map<string, Gathering>()
  for (const pod of pods) {
    if (!isEndpoint(pod, publishesAll)) continue
    const address = addressIn(pod, familiesOf(service)[0]!)
    if (address === undefined) continue
    const ports = portsOf(service, pod)
    if (ports.length === 0 && service.spec.ports?.length) continue
    const key = JSON.stringify(ports)
    let gathering = byPorts.get(key)
    if (gathering === undefined) {
      gathering = { ports, ready: [], notReady: [] }
      byPorts.set(key, gathering)
    }
    const isIn = publishesAll || isReady(pod)
    ;(isIn ? gathering.ready : gathering.notReady).push(addressOf(pod, address, service))
  }
  return [...byPorts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length > 0 ? { addresses: ready.sort(byAddress) } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady.sort(byAddress) } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    }))
}

function portsOf({ spec }: Frozen<Service>, pod: Frozen<Pod>): CoreV1EndpointPort[] {
  const ports: CoreV1EndpointPort[] = []
  for (const port of spec.ports ?? []) {
    const number = targetPortOf(pod, port)
    if (number === undefined) continue
    const { name, protocol = 'TCP', appProtocol } = port
    ports.push({ ...(name ? { name } : {}), port: number, protocol, ...(appProtocol ? { appProtocol } : {}) })
  }
  return ports.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1))
}

function addressOf(pod: Frozen<Pod>, ip: string, service: Frozen<Service>): EndpointAddress {
  const { namespace, name, uid } = pod.metadata
  const { nodeName } = pod.spec
  const hostname = hostnameOf(pod, service)
  return {
    ip,
    ...(hostname ? { hostname } : {}),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', namespace: namespace!, name, uid: uid! },
  }
}

function byAddress(one: EndpointAddress, other: EndpointAddress): number {
  return one.ip < other.ip ? -1 : one.ip > other.ip ? 1 : 0
}

/** The ready come first when not all have room. */
function truncated(subsets: EndpointSubset[]): { readonly subsets: EndpointSubset[]; readonly isTruncated: boolean } {
  const count = (list: readonly unknown[] | undefined): number => list?.length ?? 0
  const total = subsets.reduce((sum, subset) => sum + count(subset.addresses) + count(subset.notReadyAddresses), 0)
  if (total <= capacity) return { subsets, isTruncated: false }
  let room = capacity
  const cut = (list: EndpointAddress[] | undefined): EndpointAddress[] => {
    const part = (list ?? []).slice(0, room)
    room -= part.length
    return part
  }
  const ready = subsets.map(subset => cut(subset.addresses))
  const notReady = subsets.map(subset => cut(subset.notReadyAddresses))
  const parts = subsets.map((subset, at) => ({
    ...(ready[at]!.length > 0 ? { addresses: ready[at]! } : {}),
    ...(notReady[at]!.length > 0 ? { notReadyAddresses: notReady[at]! } : {}),
    ...(subset.ports ? { ports: subset.ports } : {}),
  }))
  return { subsets: parts.filter(part => 'addresses' in part || 'notReadyAddresses' in part), isTruncated: true }
}
