// How many replicas a metric asks for. Pure; values in thousandths. Rules and sentences:
// pkg/controller/podautoscaler/replica_calculator.go and metrics/utilization.go.

import type { Pod } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { milliValue } from '../../src/api/quantity.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { PodSample, PodSamples } from './metrics-source.ts'
import { isReady } from './pods.ts'

/** So far from its target a metric may be before anything happens. */
export interface Tolerances {
  readonly down: number
  readonly up: number
}

const isWithin = ({ down, up }: Tolerances, ratio: number): boolean => 1 - down <= ratio && ratio <= 1 + up

/** A pod's first readings count only once it is ready and was so for a whole window. */
const initialization = 5 * 60_000
const initialReadinessDelay = 30_000

export interface Proposal {
  readonly replicas: number
  /** What is used, on average of the pods or in all. */
  readonly usage: number
  /** In percent of the requests. */
  readonly utilization?: number
}

export interface PodsAt {
  readonly pods: readonly Frozen<Pod>[]
  readonly now: Millis
}

/** By the percentage of what the pods request that they use. */
export function byUtilization(
  current: number,
  target: number,
  resource: string,
  container: string | undefined,
  samples: PodSamples,
  { pods, now }: PodsAt,
  tolerances: Tolerances,
): Proposal {
  const requests = requestsOf(pods, resource, container)
  return proposed(current, samples, { pods, now }, resource, tolerances, {
    measure: values => utilizationOf(values, requests(), target),
    missing: name => (requests().get(name)! * Math.max(100, target)) / 100,
  })
}

/** By a value that the pods should have on average. `resource`: which, when it is one. */
export function byAverage(
  current: number,
  target: number,
  resource: string | undefined,
  samples: PodSamples,
  at: PodsAt,
  tolerances: Tolerances,
): Proposal {
  return proposed(current, samples, at, resource, tolerances, {
    measure: values => averageOf(values, target),
    missing: () => target,
  })
}

interface Measured {
  readonly ratio: number
  readonly usage: number
  readonly utilization?: number
}
interface Way {
  measure(values: ReadonlyMap<string, number>): Measured
  /** What a pod is taken to use of which nothing is known, so that it is not scaled down too far. */
  missing(pod: string): number
}

function proposed(
  current: number,
  samples: PodSamples,
  { pods, now }: PodsAt,
  resource: string | undefined,
  tolerances: Tolerances,
  way: Way,
): Proposal {
  if (pods.length === 0) throw new Error('no pods returned by selector while calculating replica count')
  const { ready, unready, missing, ignored } = grouped(pods, samples, resource, now)
  const values = new Map<string, number>()
  for (const [name, { value }] of samples) if (!ignored.has(name) && !unready.has(name)) values.set(name, value)
  if (values.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)')

  const { ratio, ...seen } = way.measure(values)
  const growsWithUnready = unready.size > 0 && ratio > 1
  if (!growsWithUnready && missing.size === 0) {
    return { replicas: isWithin(tolerances, ratio) ? current : Math.ceil(ratio * ready), ...seen }
  }
  // What is not known is taken to speak against a change.
  if (ratio < 1) for (const name of missing) values.set(name, Math.trunc(way.missing(name)))
  else if (ratio > 1) for (const name of missing) values.set(name, 0)
  if (growsWithUnready) for (const name of unready) values.set(name, 0)

  const { ratio: cautious } = way.measure(values)
  const turns = (ratio < 1 && cautious > 1) || (ratio > 1 && cautious < 1)
  if (isWithin(tolerances, cautious) || turns) return { replicas: current, ...seen }
  const replicas = Math.ceil(cautious * values.size)
  const contradicts = (cautious < 1 && replicas > current) || (cautious > 1 && replicas < current)
  return { replicas: contradicts ? current : replicas, ...seen }
}

/** By one value for all: of an object, or from outside. None running: as many as the value is times its target. */
export function byTotal(
  current: number,
  total: number,
  target: number,
  pods: readonly Frozen<Pod>[],
  tolerances: Tolerances,
): number {
  const ratio = total / target
  if (current === 0) return Math.ceil(ratio)
  if (isWithin(tolerances, ratio)) return current
  if (pods.length === 0) {
    throw new Error('unable to calculate ready pods: no pods returned by selector while calculating replica count')
  }
  return Math.ceil(ratio * pods.filter(pod => pod.status.phase === 'Running' && isReady(pod)).length)
}

/** By one value for all, of which each pod should have so much. */
export function byShare(present: number, total: number, target: number, tolerances: Tolerances): Proposal {
  const isRight = isWithin(tolerances, total / (target * present))
  return { replicas: isRight ? present : Math.ceil(total / target), usage: Math.ceil(total / present) }
}

// ---- which pods count

function grouped(pods: readonly Frozen<Pod>[], samples: PodSamples, resource: string | undefined, now: Millis) {
  const unready = new Set<string>()
  const missing = new Set<string>()
  const ignored = new Set<string>()
  let ready = 0
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const sample = samples.get(name)
    if (deletionTimestamp !== undefined || pod.status.phase === 'Failed') ignored.add(name)
    else if (pod.status.phase === 'Pending') unready.add(name)
    else if (sample === undefined) missing.add(name)
    else if (resource === 'cpu' && isStarting(pod, sample, now)) unready.add(name)
    else ready++
  }
  return { ready, unready, missing, ignored }
}

/** Of a pod that only begins, what it uses says little. */
function isStarting({ status }: Frozen<Pod>, sample: PodSample, now: Millis): boolean {
  const condition = findCondition(status.conditions, 'Ready')
  if (condition === undefined || status.startTime === undefined) return true
  const started = parseTime(status.startTime)
  const since = condition.lastTransitionTime === undefined ? 0 : parseTime(condition.lastTransitionTime)
  const isUnready = condition.status === 'False'
  if (started + initialization > now) return isUnready || sample.at < since + sample.window
  return isUnready && started + initialReadinessDelay > since
}

// ---- arithmetic

/** Looked at only when it is needed: a missing request is an error. */
function requestsOf(
  pods: readonly Frozen<Pod>[],
  resource: string,
  container: string | undefined,
): () => ReadonlyMap<string, number> {
  let made: Map<string, number> | undefined
  return () => {
    made ??= new Map(pods.map(pod => [pod.metadata.name, requestOf(pod, resource, container)]))
    return made
  }
}

function requestOf({ metadata, spec }: Frozen<Pod>, resource: string, container: string | undefined): number {
  const ofPod = container === undefined ? spec.resources?.requests?.[resource] : undefined
  if (ofPod !== undefined) return milliValue(ofPod)
  let sum = 0
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always')
  for (const { name, resources } of [...spec.containers, ...sidecars]) {
    if (container !== undefined && container !== name) continue
    const request = resources?.requests?.[resource]
    if (request === undefined) {
      throw new Error(`missing request for ${resource} in container ${name} of Pod ${metadata.name}`)
    }
    sum += milliValue(request)
  }
  return sum
}

function utilizationOf(
  values: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
  target: number,
): Measured {
  let [used, requested, count] = [0, 0, 0]
  for (const [name, value] of values) {
    const request = requests.get(name)
    if (request === undefined) continue
    used += value
    requested += request
    count++
  }
  if (requested === 0) throw new Error('no metrics returned matched known pods')
  const utilization = Math.trunc((used * 100) / requested)
  return { ratio: utilization / target, usage: Math.trunc(used / count), utilization }
}

function averageOf(values: ReadonlyMap<string, number>, target: number): Measured {
  const total = [...values.values()].reduce((sum, value) => sum + value, 0)
  const usage = Math.trunc(total / values.size)
  return { ratio: usage / target, usage }
}
