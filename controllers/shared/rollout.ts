// The arithmetic of a rollout: surge and unavailable, shares when scaling in the middle of one, the hash of a template,
// revisions. Pure. Rules: pkg/controller/deployment/util/deployment_util.go.

import type { Deployment, PodTemplateSpec, ReplicaSet } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'

export const hashLabel = 'pod-template-hash'
export const revisionAnnotation = 'deployment.kubernetes.io/revision'
export const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maximumAnnotation = 'deployment.kubernetes.io/max-replicas'

/** "Never": what kubectl writes for no limit and no deadline (math.MaxInt32). */
const never = 2 ** 31 - 1

// ---- surge and unavailable

/** `25%` of a total, or the number itself. */
export function scaledValue(value: number | string | undefined, total: number, rounding: 'up' | 'down'): number {
  if (value === undefined) return 0
  if (typeof value === 'number') return value
  const percent = Number.parseInt(value, 10)
  const exact = (percent * total) / 100
  return rounding === 'up' ? Math.ceil(exact) : Math.floor(exact)
}

export interface Fence {
  /** How many pods there may be beyond those wanted. */
  readonly surge: number
  /** How many of those wanted may be unavailable. */
  readonly unavailable: number
}

/** Both cannot be nothing, or no rollout could move: then one may be unavailable (ResolveFenceposts). */
export function fence({ spec }: Frozen<Deployment>): Fence {
  const replicas = spec.replicas ?? 1
  if (spec.strategy?.type !== 'RollingUpdate') return { surge: 0, unavailable: 0 }
  const { maxSurge, maxUnavailable } = spec.strategy.rollingUpdate ?? {}
  const surge = scaledValue(maxSurge, replicas, 'up')
  const unavailable = scaledValue(maxUnavailable, replicas, 'down')
  if (surge === 0 && unavailable === 0) return { surge, unavailable: Math.min(1, replicas) }
  return { surge, unavailable: Math.min(unavailable, replicas) }
}

/** To how many the new ReplicaSet may grow now, given how many all of them have been told to have (NewRSNewReplicas). */
export function newReplicas(deployment: Frozen<Deployment>, present: number, ofNew: number): number {
  const replicas = deployment.spec.replicas ?? 1
  if (deployment.spec.strategy?.type !== 'RollingUpdate') return replicas
  const room = replicas + fence(deployment).surge - present
  if (room <= 0) return ofNew
  return ofNew + Math.min(room, replicas - ofNew)
}

// ---- scaling in the middle of a rollout

export interface Share {
  readonly name: string
  readonly replicas: number
  readonly createdAt: string
  /** How many there could be in all when this one was last scaled (its annotation). */
  readonly maximum: number | undefined
}

/**
 * How many each ReplicaSet gets when a Deployment of several is scaled: in proportion to what it has; what is left over
 * goes to the largest. Growing favours the newer of equals, shrinking takes from the older (sync.go, scale).
 */
export function proportionalSizes(
  deployment: Frozen<Deployment>,
  shares: readonly Share[],
): ReadonlyMap<string, number> {
  const replicas = deployment.spec.replicas ?? 1
  const allowed = replicas > 0 ? replicas + fence(deployment).surge : 0
  const present = shares.reduce((sum, share) => sum + share.replicas, 0)
  const toAdd = allowed - present
  const order = [...shares].sort((one, other) => {
    if (one.replicas !== other.replicas) return other.replicas - one.replicas
    const age = one.createdAt < other.createdAt ? -1 : one.createdAt > other.createdAt ? 1 : 0
    const byAge = age !== 0 ? age : one.name < other.name ? -1 : 1
    return toAdd > 0 ? -byAge : byAge
  })
  const sizes = new Map<string, number>()
  let added = 0
  for (const share of order) {
    const part = toAdd === 0 ? 0 : proportion(deployment, share, toAdd, added)
    sizes.set(share.name, share.replicas + part)
    added += part
  }
  const largest = order[0]
  if (largest !== undefined && toAdd !== 0) {
    sizes.set(largest.name, Math.max(0, sizes.get(largest.name)! + toAdd - added))
  }
  return sizes
}

function proportion(deployment: Frozen<Deployment>, share: Share, toAdd: number, added: number): number {
  if (share.replicas === 0 || toAdd === added) return 0
  const part = fraction(deployment, share)
  return toAdd > 0 ? Math.min(part, toAdd - added) : Math.max(part, toAdd - added)
}

function fraction(deployment: Frozen<Deployment>, { replicas: own, maximum }: Share): number {
  const replicas = deployment.spec.replicas ?? 1
  if (replicas === 0) return -own
  const before = maximum || (deployment.status.replicas ?? 0)
  if (before === 0) return 0
  const size = (own * (replicas + fence(deployment).surge)) / before
  return Math.floor(size + 0.5) - own
}

// ---- the hash of a template

const alphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** Names a template: the same for the same one, whatever the order of its members; another after each collision. */
export function templateHash(template: Frozen<PodTemplateSpec>, collisions = 0): string {
  return hashName(template, collisions)
}

export function hashName(template: unknown, collisions: number): string {
  const hash = fnv1a(collisions === 0 ? canonical(template) : `${canonical(template)}#${collisions}`)
  let text = ''
  for (const digit of String(hash)) text += alphabet[digit.charCodeAt(0) % alphabet.length]
  return text
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >> 8), 0x01000193)
  }
  return hash >>> 0
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const members = value as Record<string, unknown>
  const keys = Object.keys(members).filter(key => members[key] !== undefined)
  return `{${keys
    .sort()
    .map(key => `${JSON.stringify(key)}:${canonical(members[key])}`)
    .join(',')}}`
}

/** Two templates that differ in nothing but the hash that was put into one of them. */
export function isSameTemplate(one: Frozen<PodTemplateSpec>, other: Frozen<PodTemplateSpec>): boolean {
  return jsonEqual(withoutHash(one), withoutHash(other))
}

function withoutHash(template: Frozen<PodTemplateSpec>): unknown {
  const { metadata = {}, ...rest } = template
  const { labels = {}, ...others } = metadata
  const { [hashLabel]: _, ...kept } = labels
  return { ...rest, metadata: { ...others, labels: kept } }
}

// ---- revisions

/** Any number of 64 bits: more than a JavaScript number holds. */
export function revisionOf({ metadata }: Frozen<ReplicaSet>): bigint {
  const revision = metadata.annotations?.[revisionAnnotation] ?? ''
  return wholeNumber.test(revision) ? BigInt(revision) : 0n
}

const wholeNumber = /^[+-]?\d+$/

export function maxRevision(sets: readonly Frozen<ReplicaSet>[]): bigint {
  let highest = 0n
  for (const rs of sets) if (revisionOf(rs) > highest) highest = revisionOf(rs)
  return highest
}

export function hasDeadline({ spec }: Frozen<Deployment>): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== never
}

export function hasHistoryLimit({ spec }: Frozen<Deployment>): boolean {
  return spec.revisionHistoryLimit !== undefined && spec.revisionHistoryLimit !== never
}
