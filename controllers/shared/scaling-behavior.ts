// From what the metrics ask for to what an autoscaler does: the bounds, the rates of its behavior, and the memory that keeps
// it from going up and down. Pure but for the memory, which the controller keeps for each autoscaler. Rules and sentences:
// pkg/controller/podautoscaler/horizontal.go.

import type { V2HorizontalPodAutoscaler, V2HPAScalingRules } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import type { Millis } from '../../src/env/clock.ts'

interface Recommendation {
  readonly replicas: number
  readonly at: Millis
}

/** What was recommended and done lately. */
export interface ScalingMemory {
  recommendations: readonly Recommendation[]
  ups: readonly Recommendation[]
  downs: readonly Recommendation[]
}

export interface Said {
  readonly reason: string
  readonly message: string
}
export interface Decision {
  readonly replicas: number
  readonly stabilized: Said & { readonly isStabilized: boolean }
  readonly limited: Said & { readonly isLimited: boolean }
}

/** How long a scale-down waits for others, when the autoscaler does not say. */
const downscaleStabilization = 5 * 60_000

const downStabilized = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
}
const upStabilized = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
}
const ready = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
const withinRange = {
  reason: 'DesiredWithinRange',
  message: 'the desired count is within the acceptable range',
}
const tooMany = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
}
const tooFew = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
}
const tooFast = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
}
const tooFastDown = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
}

export function decide(
  { spec }: Frozen<V2HorizontalPodAutoscaler>,
  current: number,
  desired: number,
  memory: ScalingMemory,
  now: Millis,
): Decision {
  const stable = spec.behavior
    ? stabilizedBy(spec.behavior, current, desired, memory, now)
    : { replicas: highest(desired, memory, now), ...downStabilized }
  const isStabilized = stable.replicas !== desired
  const { reason, message } = stable
  const bounds = { least: spec.minReplicas ?? 1, most: spec.maxReplicas }
  const limit = spec.behavior
    ? limitedBy(spec.behavior, current, stable.replicas, bounds, memory, now)
    : limited(current, stable.replicas, bounds)
  return {
    replicas: limit.replicas,
    stabilized: { isStabilized, ...(isStabilized ? { reason, message } : ready) },
    limited: { isLimited: limit.replicas !== stable.replicas, reason: limit.reason, message: limit.message },
  }
}

// ---- stabilization

function highest(desired: number, memory: ScalingMemory, now: Millis): number {
  const recent = memory.recommendations.filter(({ at }) => at >= now - downscaleStabilization)
  memory.recommendations = [...recent, { replicas: desired, at: now }]
  return Math.max(desired, ...recent.map(({ replicas }) => replicas))
}

type Behavior = NonNullable<Frozen<V2HorizontalPodAutoscaler>['spec']['behavior']>

const windowOf = (rules: Frozen<V2HPAScalingRules> | undefined, given: Millis): Millis =>
  rules?.stabilizationWindowSeconds === undefined ? given : rules.stabilizationWindowSeconds * 1000

/** Not above what was recommended all through one window, nor below what was all through the other. */
function stabilizedBy(
  { scaleUp, scaleDown }: Behavior,
  current: number,
  desired: number,
  memory: ScalingMemory,
  now: Millis,
): Said & { readonly replicas: number } {
  const [up, down] = [windowOf(scaleUp, 0), windowOf(scaleDown, downscaleStabilization)]
  const since = (window: Millis): number[] =>
    memory.recommendations.filter(({ at }) => at > now - window).map(({ replicas }) => replicas)
  const least = Math.min(desired, ...since(up))
  const most = Math.max(desired, ...since(down))
  const kept = memory.recommendations.filter(({ at }) => at >= now - Math.max(up, down))
  memory.recommendations = [...kept, { replicas: desired, at: now }]
  const replicas = Math.min(Math.max(current, least), most)
  return { replicas, ...(desired >= current ? upStabilized : downStabilized) }
}

// ---- bounds and rates

interface Bounds {
  readonly least: number
  readonly most: number
}
type Limited = Said & { readonly replicas: number }

/** Without a behavior: twice as many at a time, or four. */
function limited(current: number, desired: number, { least, most }: Bounds): Limited {
  if (desired < least) return { replicas: least, ...tooFew }
  const fastest = Math.max(2 * current, 4)
  const bound = Math.min(most, fastest)
  if (desired > bound) return { replicas: bound, ...(most > fastest ? tooFast : tooMany) }
  return { replicas: desired, ...withinRange }
}

function limitedBy(
  { scaleUp, scaleDown }: Behavior,
  current: number,
  desired: number,
  { least, most }: Bounds,
  memory: ScalingMemory,
  now: Millis,
): Limited {
  if (desired > current) {
    const fastest = Math.max(current, upLimit(current, scaleUp, memory, now))
    const bound = Math.min(most, fastest)
    if (desired > bound) return { replicas: bound, ...(most > fastest ? tooFast : tooMany) }
  } else if (desired < current) {
    const fastest = Math.min(current, downLimit(current, scaleDown, memory, now))
    const bound = Math.max(least, fastest)
    if (desired < bound) return { replicas: bound, ...(least < fastest ? tooFastDown : tooFew) }
  }
  return { replicas: desired, ...withinRange }
}

type Policies = NonNullable<Frozen<V2HPAScalingRules>['policies']>

const defaultUp: Policies = [
  { type: 'Pods', value: 4, periodSeconds: 15 },
  { type: 'Percent', value: 100, periodSeconds: 15 },
]
const defaultDown: Policies = [{ type: 'Percent', value: 100, periodSeconds: 15 }]

/** How many there were when a policy's period began. */
function before(current: number, periodSeconds: number, { ups, downs }: ScalingMemory, now: Millis): number {
  const changed = (events: readonly Recommendation[]): number =>
    events.filter(({ at }) => at > now - periodSeconds * 1000).reduce((sum, { replicas }) => sum + replicas, 0)
  return current - changed(ups) + changed(downs)
}

function upLimit(
  current: number,
  rules: Frozen<V2HPAScalingRules> | undefined,
  memory: ScalingMemory,
  now: Millis,
): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const proposals = (rules?.policies ?? defaultUp).map(({ type, value, periodSeconds }) => {
    const start = before(current, periodSeconds, memory, now)
    return type === 'Pods' ? start + value : Math.ceil(start * (1 + value / 100))
  })
  return rules?.selectPolicy === 'Min' ? Math.min(...proposals) : Math.max(...proposals)
}

function downLimit(
  current: number,
  rules: Frozen<V2HPAScalingRules> | undefined,
  memory: ScalingMemory,
  now: Millis,
): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const proposals = (rules?.policies ?? defaultDown).map(({ type, value, periodSeconds }) => {
    const start = before(current, periodSeconds, memory, now)
    return type === 'Pods' ? start - value : Math.trunc(start * (1 - value / 100))
  })
  return rules?.selectPolicy === 'Min' ? Math.max(...proposals) : Math.min(...proposals)
}

/** Notes that something was done, for the rates. */
export function remember(
  { spec }: Frozen<V2HorizontalPodAutoscaler>,
  from: number,
  to: number,
  memory: ScalingMemory,
  now: Millis,
): void {
  if (!spec.behavior) return
  const longest = (policies: Policies): Millis => Math.max(...policies.map(({ periodSeconds }) => periodSeconds)) * 1000
  const added = (events: readonly Recommendation[], period: Millis): readonly Recommendation[] => [
    ...events.filter(({ at }) => at >= now - period),
    { replicas: Math.abs(to - from), at: now },
  ]
  if (to > from) memory.ups = added(memory.ups, longest(spec.behavior.scaleUp?.policies ?? defaultUp))
  else memory.downs = added(memory.downs, longest(spec.behavior.scaleDown?.policies ?? defaultDown))
}
