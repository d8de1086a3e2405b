// What a container takes of CPU and memory at a moment: what a program in it says it takes, else what its pod's annotations
// or its image's labels declare, else the little that an idle program takes. Called for metrics, for OOM and for eviction.
//
//   kubesim.dev/cpu: 200m                              every container of the pod
//   kubesim.dev/memory: web=20Mi..200Mi over 10m, log=5Mi
//   kubesim.dev/disk: 1Gi, kubesim.dev/pids: 200       likewise
//   kubesim.dev/cpu-per-request: 5m                    a request takes 5 ms of a core: so much more a second for each

import type { Container, Node, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { milliValue, wholeValue } from '../src/api/quantity.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { type Curve, parseCurve, totalOf, valueAt } from './curve.ts'
import { fingerprint } from './fingerprint.ts'
import { idleUsage, type UsagePoint, usageAt } from './images/usage.ts'

export const cpuAnnotation = 'kubesim.dev/cpu'
export const memoryAnnotation = 'kubesim.dev/memory'
export const diskAnnotation = 'kubesim.dev/disk'
export const pidsAnnotation = 'kubesim.dev/pids'
export const perRequestAnnotation = 'kubesim.dev/cpu-per-request'

export interface Usage {
  /** Millicores; fractions are possible. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
}

export interface UsageFacts {
  /** The image's labels. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** What its image is known to take over its life (images/usage.ts). */
  readonly points?: readonly UsagePoint[] | undefined
  /** What its program says of itself (Machine.use). */
  readonly said?: { readonly cpu?: number | undefined; readonly memory?: number | undefined } | undefined
  /** Requests it answers, in a second. */
  readonly rate?: number | undefined
}

const mebibyte = 1024 * 1024
/** The kernel gives memory by pages. */
const page = 4096

/** Of a container that runs. */
export function usageOf(pod: Frozen<Pod>, container: Frozen<Container>, at: Millis, facts: UsageFacts = {}): Usage {
  const age = at - startOf(pod, container.name, at)
  const ofImage = knownAt(facts.points, age)
  const cpu = facts.said?.cpu ?? valueIn(pod, container, cpuAnnotation, facts, age) ?? ofImage?.cpu ?? idleCpu(pod)
  const served = (facts.rate ?? 0) * (valueIn(pod, container, perRequestAnnotation, facts, age) ?? 1)
  const memory = facts.said?.memory ?? memoryAt(pod, container, age, facts, ofImage)
  const { limits } = container.resources ?? {}
  const most = limits?.cpu === undefined ? Number.POSITIVE_INFINITY : milliValue(limits.cpu)
  return { cpu: Math.min(cpu + served, most), memory: Math.ceil(memory / page) * page }
}

/** How much of the disk (its files and its log, in bytes) or of the process numbers it takes, as a curve. */
export function curveFor(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  key: typeof diskAnnotation | typeof pidsAnnotation,
  labels: Readonly<Record<string, string>> | undefined,
): Curve | undefined {
  const curve = curveOf(pod, container, key, labels)
  return curve && whole(curve)
}

/** What a node's own programs take, as its annotations say. */
export function ownCurve({ metadata }: Frozen<Node>, key: string): Curve | undefined {
  const said = metadata.annotations?.[key]
  const curve = said === undefined ? undefined : parseCurve(said)
  return curve && whole(curve)
}

const whole = (curve: Curve): Curve => ({ ...curve, from: curve.from / 1000, to: curve.to / 1000 })

/** The CPU it has taken since its start, in core-seconds, as far as it is declared. */
export function cpuSeconds(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  at: Millis,
  { labels, points }: UsageFacts,
): number {
  const age = Math.max(0, at - startOf(pod, container.name, at))
  const curve = curveOf(pod, container, cpuAnnotation, labels)
  if (curve !== undefined) return totalOf(curve, age) / 1e6
  if (points === undefined || points === idleUsage) return (idleCpu(pod) * age) / 1e6
  let total = 0
  let from = 0
  for (const { at: point } of [...points, { at: age }]) {
    const to = Math.min(Math.max(point, from), age)
    total += ((usageAt(points, from).cpu + usageAt(points, to).cpu) / 2) * (to - from)
    from = to
  }
  return total / 1e6
}

/** The curve of its memory in bytes, when one is declared. */
export function memoryCurve(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  labels: Readonly<Record<string, string>> | undefined,
): Curve | undefined {
  const curve = curveOf(pod, container, memoryAnnotation, labels)
  return curve && whole(curve)
}

export function memoryLimit({ resources }: Frozen<Container>): number | undefined {
  const limit = resources?.limits?.memory
  return limit === undefined ? undefined : wholeValue(limit)
}

function memoryAt(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  age: Millis,
  { labels }: UsageFacts,
  ofImage: Usage | undefined,
): number {
  const curve = memoryCurve(pod, container, labels)
  if (curve !== undefined) return valueAt(curve, age)
  if (ofImage !== undefined) return ofImage.memory
  const limit = memoryLimit(container) ?? Number.POSITIVE_INFINITY
  return Math.min(idleMemory(pod), limit * 0.8)
}

/** Undefined: nothing is known of its image. */
function knownAt(points: readonly UsagePoint[] | undefined, age: Millis): Usage | undefined {
  return points === undefined || points === idleUsage ? undefined : usageAt(points, age)
}

function valueIn(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  key: string,
  { labels }: UsageFacts,
  age: Millis,
): number | undefined {
  const curve = curveOf(pod, container, key, labels)
  return curve && valueAt(curve, age)
}

function curveOf(
  { metadata }: Frozen<Pod>,
  { name }: Frozen<Container>,
  key: string,
  labels: Readonly<Record<string, string>> | undefined,
): Curve | undefined {
  const said = metadata.annotations?.[key]
  const own = said === undefined ? undefined : declared(said, name)
  const ofImage = own === undefined ? labels?.[key] : undefined
  return own ?? (ofImage === undefined ? undefined : parseCurve(ofImage))
}

/** `name=` before a part makes it that container's alone, and the only one that counts for it. */
function declared(text: string, container: string): Curve | undefined {
  let forAll: Curve | undefined
  for (const part of text.split(',')) {
    const equals = part.indexOf('=')
    if (equals < 0) forAll ??= parseCurve(part)
    else if (part.slice(0, equals).trim() === container) return parseCurve(part.slice(equals + 1))
  }
  return forAll
}

/** Not the same for all, and always the same for one: 1 to 3 millicores, 3 to 9 MiB. */
const idleCpu = ({ metadata }: Frozen<Pod>): number => 1 + (chanceOf(metadata.uid) % 21) / 10
const idleMemory = ({ metadata }: Frozen<Pod>): number => (3 + (chanceOf(metadata.uid) % 61) / 10) * mebibyte
const chanceOf = (uid: string | undefined): number => Number.parseInt(fingerprint(uid ?? '').slice(0, 6), 16)

export function startOf({ status }: Frozen<Pod>, container: string, at: Millis): Millis {
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])]
  const started = all.find(({ name }) => name === container)?.state?.running?.startedAt
  return started === undefined ? at : parseTime(started)
}
