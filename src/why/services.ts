// Why a Service leads nowhere.

import type { EndpointSlice, Pod, Service } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { EndpointSlices, Pods } from '../kinds/index.ts'
import { absent, type Finding, type Scene } from './finding.ts'
import { podFindings } from './pods.ts'

export function serviceFindings(scene: Scene, service: Frozen<Service>): Finding[] {
  const { metadata, spec } = service
  if (metadata.deletionTimestamp !== undefined || spec.type === 'ExternalName') return []
  const about = `service/${metadata.name}`
  const slices = scene
    .list<EndpointSlice>(EndpointSlices, metadata.namespace)
    .filter(({ metadata: { labels } }) => labels?.['kubernetes.io/service-name'] === metadata.name)
  const ready = slices
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
  const ports = slices.some(({ ports }) => (ports ?? []).length > 0)
  const what = 'no endpoints'
  if (ready.length > 0 && (ports || (spec.ports ?? []).length === 0)) return []
  const selector = Object.entries(spec.selector ?? {})
  if (selector.length === 0) {
    const waitsFor = 'somebody to write its EndpointSlices: it has no selector'
    return [{ what, about, waitsFor, remedy: 'give it a selector, or create an EndpointSlice for it' }]
  }
  const missing = absent(scene, 'controllers', what, about)
  if (missing.length > 0) return missing
  const pods = scene.list<Pod>(Pods, metadata.namespace)
  const has = ({ metadata: { labels } }: Frozen<Pod>, [key, value]: readonly [string, string]): boolean =>
    labels?.[key] === value
  const matching = pods.filter(pod => selector.every(each => has(pod, each)))
  const words = selector.map(([key, value]) => `${key}=${value}`).join(',')
  if (matching.length === 0) return [{ what, about, waitsFor: `a pod with ${words}`, remedy: closest(pods, selector) }]
  const live = matching.filter(({ metadata: { deletionTimestamp } }) => deletionTimestamp === undefined)
  const unready = live.flatMap(pod => podFindings(scene, pod)).slice(0, 3)
  if (ready.length === 0 && unready.length > 0) {
    const waitsFor = `one of its ${matching.length} pods to be ready`
    return [{ what, about, waitsFor, remedy: 'see below' }, ...unready]
  }
  const named = (spec.ports ?? []).find(({ targetPort }) => typeof targetPort === 'string')
  if (named !== undefined) {
    const waitsFor = `a container with a port named "${String(named.targetPort)}"`
    return [{ what, about, waitsFor, remedy: 'name the port so in the pods, or put its number into targetPort' }]
  }
  return [{ what, about, waitsFor: 'the endpoint slice controller', remedy: 'nothing: it comes by itself' }]
}

/** The labels of pods that have the same keys: most often it is a slip of the pen. */
function closest(pods: readonly Frozen<Pod>[], selector: readonly (readonly [string, string])[]): string {
  const found = new Set<string>()
  for (const { metadata } of pods) {
    const labels = selector.map(([key]) => [key, metadata.labels?.[key]] as const)
    if (labels.every(([, value]) => value !== undefined))
      found.add(labels.map(([key, value]) => `${key}=${value}`).join(','))
  }
  if (found.size === 0)
    return `create pods with these labels: none in the namespace has ${selector.map(([key]) => key).join(', ')}`
  return `there are pods with ${[...found].slice(0, 3).join('; ')}: was one of those meant?`
}
