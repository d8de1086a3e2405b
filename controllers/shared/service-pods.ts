// Which pods are behind which Services, both ways, through indexes: no change of one pod looks at the others. What a pod
// offers there. Rules: staging/src/k8s.io/endpointslice/util/controller_utils.go, pkg/api/v1/pod/util.go (FindPort).

import type { Pod, Service, ServicePort } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { Services } from '../../src/kinds/service.ts'
import type { Context, Wake } from '../../src/runtime/controller.ts'
import { isReady, isTerminal } from './pods.ts'

export const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time'
export const headlessLabel = 'service.kubernetes.io/headless'

const labelIndex = 'label'
const selectorIndex = 'selector'

/** To be called at the start of a controller that asks the questions below. */
export function indexServicePods({ lister }: Context): void {
  lister(Pods).index(labelIndex, ({ metadata: { namespace, labels } }) =>
    labels === undefined ? [] : Object.keys(labels).map(key => `${namespace}/${key}=${labels[key]}`),
  )
  lister(Services).index(selectorIndex, ({ metadata: { namespace }, spec: { selector } }) => {
    const key = selector && Object.keys(selector)[0]
    return key === undefined ? [] : [`${namespace}/${key}=${selector![key]}`]
  })
}

/** Whether its endpoints are made from pods at all. */
export function selectsPods({ spec }: Frozen<Service>): boolean {
  return spec.type !== 'ExternalName' && spec.selector !== undefined && Object.keys(spec.selector).length > 0
}

export function podsOf({ metadata, spec }: Frozen<Service>, { lister }: Context): readonly Frozen<Pod>[] {
  const wanted = Object.entries(spec.selector ?? {})
  let rarest: string | undefined
  let count = Number.POSITIVE_INFINITY
  for (const [key, value] of wanted) {
    const term = `${metadata.namespace}/${key}=${value}`
    const size = lister(Pods).count(labelIndex, term)
    if (size < count) [rarest, count] = [term, size]
  }
  if (rarest === undefined) return []
  const found = lister(Pods).by(labelIndex, rarest)
  return wanted.length === 1 ? found : found.filter(pod => isSelected(pod, wanted))
}

function servicesOf(pod: Frozen<Pod>, { lister }: Context): Frozen<Service>[] {
  const { namespace, labels = {} } = pod.metadata
  return Object.keys(labels)
    .flatMap(key => lister(Services).by(selectorIndex, `${namespace}/${key}=${labels[key]}`))
    .filter(({ spec }) => isSelected(pod, Object.entries(spec.selector ?? {})))
}

function isSelected({ metadata: { labels } }: Frozen<Pod>, wanted: readonly (readonly [string, string])[]): boolean {
  return wanted.every(([key, value]) => labels?.[key] === value)
}

/** The Services whose endpoints a pod's change touches. `delay`: gathers the changes of a while (endpointUpdatesBatchPeriod). */
export function servicePodWake(delay: Millis): Wake<Pod> {
  return {
    kind: Pods,
    keys(now, before, context) {
      if (now && before && !offersDifferently(now, before)) return []
      const services: Frozen<Service>[] = now ? servicesOf(now, context) : []
      if (before !== undefined && !jsonEqual(before.metadata.labels, now?.metadata.labels)) {
        services.push(...servicesOf(before, context))
      }
      const refs: readonly Ref[] = services.map(({ metadata }) => metadata)
      if (delay <= 0) return refs
      for (const ref of refs) context.wake(ref, delay)
      return []
    },
  }
}

function offersDifferently(now: Frozen<Pod>, before: Frozen<Pod>): boolean {
  return (
    isReady(now) !== isReady(before) ||
    isTerminal(now) !== isTerminal(before) ||
    now.metadata.deletionTimestamp !== before.metadata.deletionTimestamp ||
    now.status.podIP !== before.status.podIP ||
    now.spec.nodeName !== before.spec.nodeName ||
    !jsonEqual(now.metadata.labels, before.metadata.labels)
  )
}

/** Whether the pod belongs among the endpoints, ready or not. */
export function isEndpoint(pod: Frozen<Pod>, includeTerminating: boolean): boolean {
  if (isTerminal(pod) || !pod.status.podIP) return false
  return includeTerminating || pod.metadata.deletionTimestamp === undefined
}

/** Of which families a Service's endpoints are, its own first. */
export const familiesOf = ({ spec }: Frozen<Service>): readonly string[] =>
  spec.ipFamilies?.length ? spec.ipFamilies : ['IPv4']

/** The pod's address of that family; undefined: it has none. */
export function addressIn({ status }: Frozen<Pod>, family: string): string | undefined {
  const addresses = status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : [])
  return addresses.find(address => address.includes(':') === (family === 'IPv6'))
}

/** The number of the port behind a Service's: as it is, or as this pod's containers name it; undefined where none does. */
export function targetPortOf(
  { spec }: Frozen<Pod>,
  { targetPort, port, protocol }: Frozen<ServicePort>,
): number | undefined {
  if (targetPort === undefined) return port
  if (typeof targetPort === 'number') return targetPort
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const container of [...spec.containers, ...sidecars]) {
    for (const offered of container.ports ?? []) {
      if (offered.name === targetPort && (offered.protocol ?? 'TCP') === (protocol ?? 'TCP'))
        return offered.containerPort
    }
  }
  return undefined
}

export function isHeadless({ spec }: Frozen<Service>): boolean {
  return spec.clusterIP === 'None' || (spec.clusterIP === '' && spec.type !== 'ExternalName')
}

/** A pod has a name of its own below a headless Service that its subdomain names. */
export function hostnameOf(pod: Frozen<Pod>, service: Frozen<Service>): string | undefined {
  const { hostname, subdomain } = pod.spec
  return hostname && subdomain === service.metadata.name ? hostname : undefined
}

/**
 * Since when the change that a write answers has been true: the earliest of what became so after the last time this was
 * asked – pods becoming ready or unready, and the Service's own creation (endpointslice/trigger_time_tracker.go).
 */
export class TriggerTimes {
  readonly #known = new Map<string, { service: Millis; pods: Map<string, Millis> }>()

  take(service: Frozen<Service>, pods: readonly Frozen<Pod>[]): Millis | undefined {
    const key = `${service.metadata.namespace}/${service.metadata.name}`
    const before = this.#known.get(key)
    const created = parseTime(service.metadata.creationTimestamp!)
    const times = new Map<string, Millis>()
    let earliest: Millis | undefined
    const consider = (at: Millis, last: Millis | undefined): void => {
      if (at > (last ?? 0)) earliest = Math.min(earliest ?? at, at)
    }
    for (const pod of pods) {
      const since = findCondition(pod.status.conditions, 'Ready')?.lastTransitionTime
      if (since === undefined) continue
      const at = parseTime(since)
      times.set(pod.metadata.name, at)
      consider(at, before?.pods.get(pod.metadata.name))
    }
    consider(created, before?.service)
    this.#known.set(key, { service: created, pods: times })
    return earliest
  }

  forget({ namespace, name }: Ref): void {
    this.#known.delete(`${namespace}/${name}`)
  }
}
