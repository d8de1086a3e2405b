// The status of a Deployment: counts from its ReplicaSets, and what its conditions say of the rollout. Pure. Rules, reasons
// and sentences: pkg/controller/deployment/{sync,progress}.go and util/deployment_util.go.

import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { parseTime, rfc3339 } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import { fence, hasDeadline } from './rollout.ts'

type Sets = readonly Frozen<ReplicaSet>[]
type NewCondition = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>

/** Sets a condition unless it says the same already; the one that changed comes last. */
export function withCondition(
  conditions: readonly DeploymentCondition[],
  next: NewCondition,
  now: Millis,
): DeploymentCondition[] {
  const old = findCondition(conditions, next.type)
  if (old !== undefined && old.status === next.status && old.reason === next.reason) return [...conditions]
  return renewed(conditions, next, now)
}

export function withoutCondition(conditions: readonly DeploymentCondition[], type: string): DeploymentCondition[] {
  return conditions.filter(condition => condition.type !== type)
}

/** Sets a condition even if it says the same already: its lastUpdateTime is the time of the last progress. */
function renewed(conditions: readonly DeploymentCondition[], next: NewCondition, now: Millis): DeploymentCondition[] {
  const old = findCondition(conditions, next.type)
  const since = old !== undefined && old.status === next.status ? old.lastTransitionTime : undefined
  const lastTransitionTime = since ?? rfc3339(now)
  return [...withoutCondition(conditions, next.type), { ...next, lastUpdateTime: rfc3339(now), lastTransitionTime }]
}

/** Counts, and whether enough is available. Counts of zero are left out, as Go's JSON has it. */
export function countedStatus(
  deployment: Frozen<Deployment>,
  newSet: Frozen<ReplicaSet> | undefined,
  all: Sets,
  conditions: readonly DeploymentCondition[],
  collisionCount: number | undefined,
  now: Millis,
): DeploymentStatus {
  const available = sum(all, rs => rs.status.availableReplicas)
  const unavailable = Math.max(0, sum(all, rs => rs.spec.replicas) - available)
  const isEnough = available >= (deployment.spec.replicas ?? 1) - fence(deployment).unavailable
  const terminating = all.every(rs => rs.status.terminatingReplicas !== undefined)
    ? sum(all, rs => rs.status.terminatingReplicas)
    : undefined
  return {
    ...counted('observedGeneration', deployment.metadata.generation ?? 0),
    ...counted(
      'replicas',
      sum(all, rs => rs.status.replicas),
    ),
    ...counted('updatedReplicas', newSet?.status.replicas ?? 0),
    ...counted(
      'readyReplicas',
      sum(all, rs => rs.status.readyReplicas),
    ),
    ...counted('availableReplicas', available),
    ...counted('unavailableReplicas', unavailable),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, isEnough ? enough : tooFew, now),
  }
}

const enough: NewCondition = {
  type: 'Available',
  status: 'True',
  reason: 'MinimumReplicasAvailable',
  message: 'Deployment has minimum availability.',
}
const tooFew: NewCondition = {
  type: 'Available',
  status: 'False',
  reason: 'MinimumReplicasUnavailable',
  message: 'Deployment does not have minimum availability.',
}

function counted<Name extends keyof DeploymentStatus>(name: Name, count: number): Partial<DeploymentStatus> {
  return count === 0 ? {} : { [name]: count }
}

/** The status in a rollout: the counts, and how the rollout is getting on. */
export function rolloutStatus(
  deployment: Frozen<Deployment>,
  newSet: Frozen<ReplicaSet> | undefined,
  all: Sets,
  before: readonly DeploymentCondition[],
  collisionCount: number | undefined,
  now: Millis,
): DeploymentStatus {
  const status = countedStatus(deployment, newSet, all, before, collisionCount, now)
  let conditions = status.conditions ?? []
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, 'Progressing')
  else conditions = progress(deployment, status, conditions, newSet, now)
  const failure =
    findCondition(newSet?.status.conditions, 'ReplicaFailure') ??
    all.map(rs => findCondition(rs.status.conditions, 'ReplicaFailure')).find(found => found !== undefined)
  if (failure === undefined) conditions = withoutCondition(conditions, 'ReplicaFailure')
  else conditions = withCondition(conditions, { ...failure }, now)
  return { ...status, conditions }
}

function progress(
  deployment: Frozen<Deployment>,
  status: DeploymentStatus,
  conditions: DeploymentCondition[],
  newSet: Frozen<ReplicaSet> | undefined,
  now: Millis,
): DeploymentCondition[] {
  const current = findCondition(conditions, 'Progressing')
  const isOver =
    (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
  if (isOver) return conditions
  const who = newSet
    ? `ReplicaSet ${JSON.stringify(newSet.metadata.name)}`
    : `Deployment ${JSON.stringify(deployment.metadata.name)}`
  const type = 'Progressing'
  if (isComplete(deployment, status)) {
    const message = `${who} has successfully progressed.`
    return withCondition(conditions, { type, status: 'True', reason: 'NewReplicaSetAvailable', message }, now)
  }
  if (isProgressing(deployment.status, status)) {
    const message = `${who} is progressing.`
    return renewed(conditions, { type, status: 'True', reason: 'ReplicaSetUpdated', message }, now)
  }
  if (isTimedOut(deployment, current, now)) {
    const message = `${who} has timed out progressing.`
    return withCondition(conditions, { type, status: 'False', reason: 'ProgressDeadlineExceeded', message }, now)
  }
  return conditions
}

/** Every pod is of the present template and available, and there are no others (DeploymentComplete). */
export function isComplete({ spec, metadata }: Frozen<Deployment>, status: Frozen<DeploymentStatus>): boolean {
  const replicas = spec.replicas ?? 1
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  )
}

function isProgressing(old: Frozen<DeploymentStatus>, next: DeploymentStatus): boolean {
  const outdated = (status: Frozen<DeploymentStatus>): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (next.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(next) < outdated(old) ||
    (next.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (next.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

function isTimedOut({ spec }: Frozen<Deployment>, current: DeploymentCondition | undefined, now: Millis): boolean {
  if (current === undefined || current.reason === 'NewReplicaSetAvailable') return false
  if (current.reason === 'ProgressDeadlineExceeded') return true
  return parseTime(current.lastUpdateTime!) + spec.progressDeadlineSeconds! * 1000 < now
}

/** How long until a rollout that shows no progress has to be looked at again, if at all (requeueStuckDeployment). */
export function untilTimeout(
  deployment: Frozen<Deployment>,
  status: DeploymentStatus,
  now: Millis,
): Millis | undefined {
  const current = findCondition(status.conditions, 'Progressing')
  if (!hasDeadline(deployment) || current === undefined) return undefined
  if (isComplete(deployment, status) || current.reason === 'ProgressDeadlineExceeded') return undefined
  const due = parseTime(current.lastUpdateTime!) + deployment.spec.progressDeadlineSeconds! * 1000
  // A second more, because the time in the status has no fraction.
  return Math.max(0, due - now) + 1000
}

export function sum(sets: Sets, count: (rs: Frozen<ReplicaSet>) => number | undefined): number {
  return sets.reduce((total, rs) => total + (count(rs) ?? 0), 0)
}
