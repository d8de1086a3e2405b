// Keeping so many pods of one template: which pod goes first, how many are made at a time, and the whole reconcile that
// ReplicaSets and ReplicationControllers share. Rules: pkg/controller/replicaset and pkg/controller/controller_utils.go.

import type { Pod, PodTemplateSpec, ReplicaSetCondition, ReplicaSetStatus } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { ApiError, isNotFound } from '../../src/api/errors.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Selector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import { controllerOf, ownerReference } from '../../src/api/owners.ts'
import { parseTime, rfc3339 } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Context, Outcome, Wake } from '../../src/runtime/controller.ts'
import { claim, claimChanged, orphanIndex, ownerRef } from './claims.ts'
import {
  availableAt,
  isActive,
  isReady,
  isTerminal,
  isTerminating,
  maxRestarts,
  podFromTemplate,
  readySince,
} from './pods.ts'

/** So many pods are made or deleted in one turn of a key (replicaset.BurstReplicas). */
const burst = 500

// ---- which pod goes first

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

/** The pods to delete when `surplus` of them are too many: those least missed. `neighbours`: pods of the same work, by node. */
export function podsToDelete(
  pods: readonly Frozen<Pod>[],
  surplus: number,
  neighbours: ReadonlyMap<string, number>,
  now: Millis,
): readonly Frozen<Pod>[] {
  if (surplus >= pods.length) return pods
  const standings = pods.map(pod => standing(pod, neighbours))
  standings.sort((one, other) => compare(one, other, now))
  return standings.slice(0, surplus).map(({ pod }) => pod)
}

interface Standing {
  readonly pod: Frozen<Pod>
  readonly isAssigned: boolean
  readonly phase: number
  readonly isReady: boolean
  readonly cost: number
  readonly neighbours: number
  readonly readySince: Millis | undefined
  readonly restarts: { readonly regular: number; readonly sidecar: number }
  readonly createdAt: Millis | undefined
}

function standing(pod: Frozen<Pod>, neighbours: ReadonlyMap<string, number>): Standing {
  const { creationTimestamp } = pod.metadata
  return {
    pod,
    isAssigned: !!pod.spec.nodeName,
    phase: phaseRank[pod.status.phase ?? ''] ?? 0,
    isReady: isReady(pod),
    cost: deletionCost(pod),
    neighbours: neighbours.get(pod.spec.nodeName ?? '') ?? 0,
    readySince: readySince(pod),
    restarts: maxRestarts(pod),
    createdAt: creationTimestamp === undefined ? undefined : parseTime(creationTimestamp),
  }
}

const integer = /^(?:0|-?[1-9][0-9]*)$/

function deletionCost({ metadata }: Frozen<Pod>): number {
  const text = metadata.annotations?.['controller.kubernetes.io/pod-deletion-cost']
  return text !== undefined && integer.test(text) ? Number(text) : 0
}

/** Negative when `one` goes first (controller.ActivePodsWithRanks.Less). */
function compare(one: Standing, other: Standing, now: Millis): number {
  if (one.isAssigned !== other.isAssigned) return one.isAssigned ? 1 : -1
  if (one.phase !== other.phase) return one.phase - other.phase
  if (one.isReady !== other.isReady) return one.isReady ? 1 : -1
  if (one.cost !== other.cost) return one.cost - other.cost
  if (one.neighbours !== other.neighbours) return other.neighbours - one.neighbours
  if (one.isReady && one.readySince !== other.readySince)
    return younger(one, other, one.readySince, other.readySince, now)
  if (one.restarts.regular !== other.restarts.regular) return other.restarts.regular - one.restarts.regular
  if (one.restarts.sidecar !== other.restarts.sidecar) return other.restarts.sidecar - one.restarts.sidecar
  if (one.createdAt !== other.createdAt) return younger(one, other, one.createdAt, other.createdAt, now)
  return byUid(one, other)
}

/** The younger goes first; ages of the same power of two count as equal, so that the loss is spread over the fleet. */
function younger(
  one: Standing,
  other: Standing,
  oneAt: Millis | undefined,
  otherAt: Millis | undefined,
  now: Millis,
): number {
  if (!oneAt || !otherAt) return oneAt ? 1 : -1
  const difference = magnitude(now - oneAt) - magnitude(now - otherAt)
  return difference === 0 ? byUid(one, other) : difference
}

function magnitude(age: Millis): number {
  return age > 0 ? Math.floor(Math.log2(age * 1_000_000)) : -1
}

function byUid({ pod: one }: Standing, { pod: other }: Standing): number {
  const [left, right] = [one.metadata.uid ?? '', other.metadata.uid ?? '']
  return left < right ? -1 : left > right ? 1 : 0
}

// ---- how many at a time

/**
 * Does `count` things in growing batches – 1, 2, 4, … – and stops after a batch in which one failed, so that a server
 * which refuses all is asked few times. Returns how many were done and the first error (replicaset.slowStartBatch).
 */
export async function slowStart(
  count: number,
  act: () => Promise<void>,
): Promise<{ readonly done: number; readonly error: unknown }> {
  let done = 0
  let left = count
  for (let size = Math.min(left, 1); size > 0; size = Math.min(2 * size, left)) {
    const results = await Promise.allSettled(Array.from({ length: size }, act))
    const failure = results.find(result => result.status === 'rejected')
    done += results.filter(result => result.status === 'fulfilled').length
    if (failure !== undefined) return { done, error: failure.reason }
    left -= size
  }
  return { done, error: undefined }
}

// ---- the reconcile

/** What a set of replicas looks like, whatever its kind. */
export interface ReplicaOwner {
  readonly object: Frozen<KubeObject>
  readonly kind: Kind<any>
  readonly replicas: number
  readonly minReadySeconds: number
  readonly selector: Selector
  readonly template: Frozen<PodTemplateSpec>
  readonly status: Frozen<ReplicaSetStatus>
  /** ReplicaSets know how many of their pods are on their way out. */
  readonly countsTerminating: boolean
  /** Pods of the same work, which one would rather not have together on a node. */
  neighbours(): readonly Frozen<Pod>[]
  writeStatus(status: ReplicaSetStatus): Promise<unknown>
}

export async function reconcileReplicas(owner: ReplicaOwner, context: Context): Promise<Outcome> {
  const { object } = owner
  const pods = await ownPods(owner, context)
  const active = pods.filter(isActive)
  const failure = object.metadata.deletionTimestamp === undefined ? await makeFit(owner, active, context) : undefined
  const now = context.clock.now()
  const status = replicaStatus(owner, pods, active, failure, now)
  if (!jsonEqual(status, owner.status)) await owner.writeStatus(status)
  if (failure !== undefined) throw failure.error
  return nextAvailability(active, owner.minReadySeconds, now)
}

/** The pods of this owner: its own, orphans that its selector finds (adopted), less those it finds no longer (released). */
function ownPods(owner: ReplicaOwner, context: Context): Promise<readonly Frozen<Pod>[]> {
  const { object, kind, selector } = owner
  const lister = context.lister(Pods)
  return claim(
    { owner: object, kind, children: Pods, selector, adopts: pod => isActive(pod) },
    [...lister.by('controller', object.metadata.uid!), ...lister.by(orphanIndex, object.metadata.namespace!)],
    context,
  )
}

interface Failure {
  readonly reason: 'FailedCreate' | 'FailedDelete'
  readonly error: unknown
}

async function makeFit(
  owner: ReplicaOwner,
  active: readonly Frozen<Pod>[],
  context: Context,
): Promise<Failure | undefined> {
  const missing = owner.replicas - active.length
  if (missing > 0) return createPods(owner, Math.min(missing, burst), context)
  if (missing < 0) return deletePods(owner, active, Math.min(-missing, burst), context)
  return undefined
}

async function createPods(owner: ReplicaOwner, count: number, context: Context): Promise<Failure | undefined> {
  const { object, kind, template } = owner
  const { name, namespace } = object.metadata
  const reference = ownerReference(object, kind)
  const { error } = await slowStart(count, async () => {
    try {
      const pod = podFromTemplate(template, { name, namespace: namespace! }, reference)
      const created = await context.client.of(Pods).create(pod)
      context.event(object, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`)
    } catch (error) {
      // In a namespace that ends, nothing more can be made, and trying again would not help.
      if (isNamespaceEnding(error)) return
      context.event(object, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  })
  return error === undefined ? undefined : { reason: 'FailedCreate', error }
}

async function deletePods(
  owner: ReplicaOwner,
  active: readonly Frozen<Pod>[],
  count: number,
  context: Context,
): Promise<Failure | undefined> {
  const neighbours = new Map<string, number>()
  for (const pod of owner.neighbours()) {
    const node = pod.spec.nodeName ?? ''
    if (isActive(pod)) neighbours.set(node, (neighbours.get(node) ?? 0) + 1)
  }
  const chosen = podsToDelete(active, count, neighbours, context.clock.now())
  const results = await Promise.allSettled(chosen.map(pod => deletePod(owner.object, pod, context)))
  const failure = results.find(result => result.status === 'rejected')
  return failure === undefined ? undefined : { reason: 'FailedDelete', error: failure.reason }
}

async function deletePod(owner: Frozen<KubeObject>, pod: Frozen<Pod>, context: Context): Promise<void> {
  const { name, uid } = pod.metadata
  try {
    await context.client.of(Pods).delete(pod.metadata, { preconditions: { uid } })
    context.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
  } catch (error) {
    if (isNotFound(error)) return
    context.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
    throw error
  }
}

export function isNamespaceEnding(error: unknown): boolean {
  return error instanceof ApiError && !!error.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating')
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The status that the pods make true (replicaset.calculateStatus). Counts of zero are left out, as Go's JSON has it. */
function replicaStatus(
  owner: ReplicaOwner,
  pods: readonly Frozen<Pod>[],
  active: readonly Frozen<Pod>[],
  failure: Failure | undefined,
  now: Millis,
): ReplicaSetStatus {
  const { template, minReadySeconds, object, status: old } = owner
  const labels = Object.entries(template.metadata?.labels ?? {})
  let fullyLabeled = 0
  let ready = 0
  let available = 0
  for (const pod of active) {
    if (labels.every(([key, value]) => pod.metadata.labels?.[key] === value)) fullyLabeled++
    if (!isReady(pod)) continue
    ready++
    if (minReadySeconds === 0 || availableAt(pod, minReadySeconds)! <= now) available++
  }
  const conditions = failureConditions(old.conditions ?? [], failure, now)
  const { generation } = object.metadata
  return {
    replicas: active.length,
    ...(fullyLabeled > 0 ? { fullyLabeledReplicas: fullyLabeled } : {}),
    ...(ready > 0 ? { readyReplicas: ready } : {}),
    ...(available > 0 ? { availableReplicas: available } : {}),
    ...(owner.countsTerminating ? { terminatingReplicas: pods.filter(isTerminating).length } : {}),
    ...(generation ? { observedGeneration: generation } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
  }
}

/** A failure is told once and stays as it was told until a turn succeeds. */
function failureConditions(
  old: readonly Frozen<ReplicaSetCondition>[],
  failure: Failure | undefined,
  now: Millis,
): ReplicaSetCondition[] {
  const told = findCondition(old, 'ReplicaFailure')
  if (failure === undefined) return old.filter(({ type }) => type !== 'ReplicaFailure')
  if (told !== undefined) return [...old]
  const message = messageOf(failure.error)
  const { reason } = failure
  return [...old, { type: 'ReplicaFailure', status: 'True', reason, message, lastTransitionTime: rfc3339(now) }]
}

/** When the next pod has been ready for long enough to count as available. */
export function nextAvailability(active: readonly Frozen<Pod>[], minReadySeconds: number, now: Millis): Outcome {
  if (minReadySeconds === 0) return undefined
  let next = Number.POSITIVE_INFINITY
  for (const pod of active) {
    const at = availableAt(pod, minReadySeconds)
    if (at !== undefined && at > now) next = Math.min(next, at)
  }
  return Number.isFinite(next) ? { again: next - now } : undefined
}

/** The change of a pod wakes who counts it – its owner, or, when it is nobody's, those who might adopt it. */
export function podWake(
  kind: Kind<any>,
  adopters: (pod: Frozen<Pod>, context: Context) => readonly Ref[],
  differs: (now: Frozen<Pod>, before: Frozen<Pod>) => boolean = countsDifferently,
): Wake<Pod> {
  return {
    kind: Pods,
    keys(now, before, context) {
      if (now && before && !differs(now, before)) return []
      const owner = now && ownerRef(kind, now)
      const old = before && ownerRef(kind, before)
      for (const ref of old === undefined || old.name === owner?.name ? [owner] : [owner, old]) {
        if (ref !== undefined) context.wake(ref, gatheringTime(kind, ref, context))
      }
      const isOrphan = now !== undefined && controllerOf(now) === undefined && isActive(now)
      return isOrphan && (before === undefined || claimChanged(now, before)) ? adopters(now, context) : []
    },
  }
}

/**
 * A turn costs as much as its pods are many, so of many the changes are gathered for a moment: 50 ms of a thousand, none of
 * a few. Else a thousand pods that become ready one by one would be a million looks at a pod.
 */
function gatheringTime(kind: Kind<any>, ref: Ref, { lister }: Context): Millis {
  const uid = lister(kind).get(ref)?.metadata.uid
  return uid === undefined ? 0 : Math.floor(lister(Pods).count('controller', uid) / 20)
}

/** The `patience` of a controller that counts pods: the status it wrote itself is no news, another's can wait a moment. */
export function replicasPatience(kind: Kind<any>) {
  return (now: Frozen<KubeObject>, before: Frozen<KubeObject>, context: Context): Millis => {
    const isStatusOnly =
      now.metadata.generation === before.metadata.generation &&
      now.metadata.deletionTimestamp === before.metadata.deletionTimestamp
    return isStatusOnly ? gatheringTime(kind, now.metadata, context) : 0
  }
}

const readyTime = ({ status }: Frozen<Pod>): string | undefined =>
  findCondition(status.conditions, 'Ready')?.lastTransitionTime

/** A binding or a new container status matters to nobody who counts. */
export function countsDifferently(now: Frozen<Pod>, before: Frozen<Pod>): boolean {
  return (
    isReady(now) !== isReady(before) ||
    isTerminal(now) !== isTerminal(before) ||
    now.metadata.deletionTimestamp !== before.metadata.deletionTimestamp ||
    readyTime(now) !== readyTime(before) ||
    claimChanged(now, before)
  )
}
