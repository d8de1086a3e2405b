// ResourceUsage, as the kubelets of the fake nodes measure it: every quarter of a minute by the clock, though only when
// somebody asks. A pod is measured once all its containers run and were there for the whole of the last span.

import type { Container, Node, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { NodeUsage, PodUsage, ResourceUsage } from '../src/client/resource-usage.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import type { ImageBook } from './image-book.ts'
import { behaviourOf, type Overrides } from './images.ts'
import { type Load, span } from './load.ts'
import { isSimulated } from './nodes.ts'
import { cpuSeconds, type Usage, type UsageFacts, usageOf } from './usage.ts'

export interface MeasuringNeeds {
  readonly env: Env
  readonly images: ImageBook
  readonly load: Load
  podsOn(node: string): readonly Frozen<Pod>[]
  isDead(node: string): boolean
  /** What the program in a container says it takes. */
  said?(pod: Frozen<Pod>, container: string): UsageFacts['said']
}

/** What the node's own programs take: the kubelet, the runtime, the system. */
export const systemUsage: Usage = { cpu: 42, memory: 380 * 1024 * 1024 }

export interface Measuring extends ResourceUsage {
  pod(pod: Frozen<Pod>): PodUsage | undefined
  node(node: Frozen<Node>): NodeUsage | undefined
  /** Core-seconds since its start. */
  cpuSeconds(pod: Frozen<Pod>, container: Frozen<Container>, at: Millis): number
  /** At this very moment. */
  container(pod: Frozen<Pod>, container: Frozen<Container>, at: Millis): Usage
}

export function createMeasuring(needs: MeasuringNeeds): Measuring {
  const lastTick = (): Millis => Math.floor(needs.env.clock.now() / span) * span
  const known = (pod: Frozen<Pod>, spec: Frozen<Container>) => {
    const image = needs.images.find(spec.image ?? '')
    const { usage } = behaviourOf(spec, image, (pod.metadata.annotations ?? {}) as Overrides, pod.metadata.name)
    return { labels: image?.labels, points: usage }
  }
  const container = (pod: Frozen<Pod>, spec: Frozen<Container>, at: Millis): Usage =>
    usageOf(pod, spec, at, {
      ...known(pod, spec),
      said: needs.said?.(pod, spec.name),
      rate: needs.load.rate(pod.metadata.uid ?? '', spec.name, at),
    })
  return {
    container,
    cpuSeconds: (pod, spec, at) => cpuSeconds(pod, spec, at, known(pod, spec)),
    pod(pod) {
      const { nodeName } = pod.spec
      const at = lastTick()
      const running = runningIn(pod)
      if (!nodeName || needs.isDead(nodeName) || running === undefined) return undefined
      if (running.some(({ since }) => since > at)) return undefined
      return {
        at,
        window: span,
        containers: running.map(({ spec }) => {
          const { cpu, memory } = container(pod, spec, at)
          return { name: spec.name, cpu: Math.round(cpu * 1e6), memory }
        }),
      }
    },
    node(node) {
      if (!isSimulated(node) || needs.isDead(node.metadata.name)) return undefined
      const at = lastTick()
      let { cpu, memory } = systemUsage
      for (const pod of needs.podsOn(node.metadata.name)) {
        for (const { spec } of runningIn(pod) ?? []) {
          const usage = container(pod, spec, at)
          cpu += usage.cpu
          memory += usage.memory
        }
      }
      return { at, window: span, cpu: Math.round(cpu * 1e6), memory }
    },
  }
}

interface Running {
  readonly spec: Frozen<Container>
  readonly since: Millis
}

/** Its containers that run, sidecars first; undefined while a main one does not. */
export function runningIn({ spec, status }: Frozen<Pod>): readonly Running[] | undefined {
  if (status.phase !== 'Running') return undefined
  const running: Running[] = []
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const since = status.initContainerStatuses?.[index]?.state?.running?.startedAt
    if (since !== undefined) running.push({ spec: container, since: parseTime(since) })
  }
  for (const [index, container] of spec.containers.entries()) {
    const since = status.containerStatuses?.[index]?.state?.running?.startedAt
    if (since === undefined) return undefined
    running.push({ spec: container, since: parseTime(since) })
  }
  return running
}
