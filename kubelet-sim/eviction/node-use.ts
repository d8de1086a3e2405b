// How much of a resource a node's pods and its own programs take now, and how much they may come to take: what a curve that
// is declared ends at. Read by the eviction manager.

import type { Container, Node, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import { type Curve, peakOf, valueAt } from '../curve.ts'
import type { ImageBook } from '../image-book.ts'
import type { Image } from '../images/image.ts'
import { type Measuring, systemUsage } from '../measuring.ts'
import type { NodeImages } from '../node-images.ts'
import type { NodeTroubles } from '../node-troubles.ts'
import { curveFor, diskAnnotation, memoryAnnotation, memoryCurve, ownCurve, pidsAnnotation, startOf } from '../usage.ts'
import { type Candidate, mostProcesses, type Resource } from './signals.ts'

export interface NodeUse {
  readonly capacity: number
  readonly used: number
  /** What it may come to without anybody doing anything. */
  readonly peak: number
  readonly candidates: readonly Candidate[]
}

const keys: Readonly<Record<Resource, string>> = {
  memory: memoryAnnotation,
  'ephemeral-storage': diskAnnotation,
  pids: pidsAnnotation,
}
const ownUse: Readonly<Record<Resource, number>> = {
  memory: systemUsage.memory,
  'ephemeral-storage': 4 * 1024 ** 3,
  pids: 120,
}

export interface UseNeeds {
  readonly images: ImageBook
  readonly measuring: Measuring
  readonly troubles: NodeTroubles
}

export function useOf(
  resource: Resource,
  node: Frozen<Node>,
  pods: readonly Frozen<Pod>[],
  present: NodeImages,
  at: Millis,
  needs: UseNeeds,
): NodeUse {
  const own = ownCurve(node, keys[resource])
  const age = at - parseTime(node.metadata.creationTimestamp ?? '1970-01-01T00:00:00Z')
  let used = own === undefined ? ownUse[resource] : valueAt(own, age)
  let peak = own === undefined ? ownUse[resource] : peakOf(own)
  if (resource === 'ephemeral-storage') {
    // What fills it is nothing that a kubelet could take away.
    const filling = needs.troubles.of(node.metadata.name).isDiskFull ? capacityOf(node, resource) : 0
    used += present.size + filling
    peak += present.size + filling
  }
  const candidates = pods.map(pod => {
    const containers = runningContainers(pod).map(spec => {
      const curve = curveIn(resource, pod, spec, needs)
      const now = amountOf(resource, pod, spec, curve, at, needs)
      used += now
      const most = curve === undefined ? peakOfImage(resource, spec, needs) : peakOf(curve)
      peak += Math.max(now, most)
      return { spec, used: now }
    })
    return { pod, containers }
  })
  return { capacity: capacityOf(node, resource), used, peak, candidates }
}

/** Whether what it takes was declared at all: who takes the usual little brings no node into need. */
export function declaresUse(pod: Frozen<Pod>, images: ImageBook): boolean {
  const { annotations } = pod.metadata
  const names = Object.values(keys)
  if (annotations !== undefined && names.some(key => annotations[key] !== undefined)) return true
  return pod.spec.containers.some(({ image = '' }) => {
    const known = images.find(image)
    const { labels, usage } = known ?? {}
    if (usage !== undefined && mostOf(usage) >= noticed) return true
    return labels !== undefined && names.some(key => labels[key] !== undefined)
  })
}

/** Whoever takes less brings no node into need. */
const noticed = 64_000_000

function mostOf(usage: NonNullable<Image['usage']>): number {
  return 'memory' in usage ? usage.memory : usage.reduce((most, { memory }) => Math.max(most, memory), 0)
}

function peakOfImage(resource: Resource, { image = '' }: Frozen<Container>, { images }: UseNeeds): number {
  const usage = resource === 'memory' ? images.find(image)?.usage : undefined
  return usage === undefined ? 0 : mostOf(usage)
}

export const declaresOwnUse = ({ metadata: { annotations } }: Frozen<Node>): boolean =>
  annotations !== undefined && Object.values(keys).some(key => annotations[key] !== undefined)

export const ownUseText = ({ metadata: { annotations } }: Frozen<Node>): string =>
  Object.values(keys)
    .map(key => annotations?.[key] ?? '')
    .join()

function amountOf(
  resource: Resource,
  pod: Frozen<Pod>,
  spec: Frozen<Container>,
  curve: Curve | undefined,
  at: Millis,
  { measuring }: UseNeeds,
): number {
  if (resource === 'memory') return measuring.container(pod, spec, at).memory
  if (curve !== undefined) return Math.round(valueAt(curve, at - startOf(pod, spec.name, at)))
  return resource === 'pids' ? 1 : 0
}

function curveIn(
  resource: Resource,
  pod: Frozen<Pod>,
  spec: Frozen<Container>,
  { images }: UseNeeds,
): Curve | undefined {
  const labels = images.find(spec.image ?? '')?.labels
  if (resource === 'memory') return memoryCurve(pod, spec, labels)
  return curveFor(pod, spec, resource === 'pids' ? pidsAnnotation : diskAnnotation, labels)
}

function capacityOf({ status }: Frozen<Node>, resource: Resource): number {
  if (resource === 'pids') return mostProcesses
  const capacity = status.capacity?.[resource]
  return capacity === undefined ? Number.POSITIVE_INFINITY : wholeValue(capacity)
}

function runningContainers({ spec, status }: Frozen<Pod>): readonly Frozen<Container>[] {
  const running = new Set<string>()
  for (const list of [status.initContainerStatuses, status.containerStatuses]) {
    for (const { name, state } of list ?? []) if (state?.running) running.add(name)
  }
  return [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => running.has(name))
}
