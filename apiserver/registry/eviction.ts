// Eviction: a delete of a pod that its PodDisruptionBudget may refuse. Called by registry.ts. Rules and sentences:
// pkg/registry/core/pod/storage/eviction.go. The budget's count is taken in a turn of its own, so that two evictions can
// never take the same one; the pod is told why it goes before it does.

import type { Eviction, Pod, PodDisruptionBudget } from '../../generated/types.ts'
import { setCondition } from '../../src/api/conditions.ts'
import { ApiError, badRequest, forbidden, isConflict, notFound } from '../../src/api/errors.ts'
import { draft as thaw } from '../../src/api/freeze.ts'
import { selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen, Ref } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { DeleteOptions, WriteOptions } from '../../src/client/client.ts'
import { disruptionAllowed, updateDisruptionAllowed } from '../../src/kinds/disruption-allowed.ts'
import { PodDisruptionBudgets } from '../../src/kinds/poddisruptionbudget.ts'
import { keyOf, prefixOf } from '../storage/keys.ts'
import { admitted } from './acting.ts'
import type { Collection } from './collection.ts'
import { checkPreconditions, remove } from './delete.ts'
import type { RequestInfo, Wrote } from './registry.ts'
import { done } from './subresources.ts'
import { decodeBody } from './validate.ts'

type Budget = Frozen<PodDisruptionBudget>

const evictionKind = { group: 'policy', version: 'v1', kind: 'Eviction' }
const budgets = { group: 'policy', plural: 'poddisruptionbudget', kind: 'PodDisruptionBudget' }
const mostDisrupted = 2000
const mostTries = 20

export async function evict(
  collection: Collection,
  ref: Ref,
  body: unknown,
  options: WriteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const sent = decodeBody(evictionKind, body, options.fieldValidation ?? 'Warn', info.warn) as unknown as Eviction
  const eviction = await admitted(collection, ref, 'eviction', sent, options, info)
  if (eviction.metadata.name !== ref.name) throw badRequest('name in URL does not match name in Eviction object')
  const asked = (eviction.deleteOptions ?? {}) as Omit<DeleteOptions, 'dryRun'> & { dryRun?: readonly string[] }
  const dryRun = options.dryRun || asked.dryRun?.includes('All') === true
  const how = { ...asked, dryRun } as DeleteOptions
  const pod = await withoutBudget(collection, ref, how, info)
  if (pod !== undefined) await withinBudget(collection, pod, how, info)
  return done()
}

/** Deletes a pod that nobody misses; the pod, when it is one of which a budget has to be asked. */
async function withoutBudget(
  collection: Collection,
  ref: Ref,
  options: DeleteOptions,
  info: RequestInfo,
): Promise<Frozen<Pod> | undefined> {
  for (let attempt = 1; ; attempt++) {
    const pod = collection.storage.get(collection.keyOf(ref))?.object as Frozen<Pod> | undefined
    if (pod === undefined) throw notFound(collection.kind, ref.name)
    const { phase } = pod.status
    const hasEnded = phase === 'Succeeded' || phase === 'Failed' || pod.metadata.deletionTimestamp !== undefined
    if (!hasEnded && phase !== 'Pending') return pod
    // One that has not begun may begin meanwhile: then its budget has to be asked.
    const isFixed = options.preconditions?.resourceVersion !== undefined
    try {
      await markAndDelete(collection, ref, hasEnded || isFixed ? options : asItIs(options, pod), info)
      return undefined
    } catch (error) {
      if (!isConflict(error) || isFixed || attempt === mostTries) throw error
    }
  }
}

async function withinBudget(
  collection: Collection,
  pod: Frozen<Pod>,
  options: DeleteOptions,
  info: RequestInfo,
): Promise<void> {
  const { name, namespace } = pod.metadata
  const ref = { name, namespace }
  const [budget, another] = budgetsOf(collection, pod)
  if (another !== undefined) {
    const what = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw ApiError.plain(what)
  }
  if (budget === undefined) return markAndDelete(collection, ref, options, info)
  if (!mayGoUnasked(pod, budget)) {
    await takeOne(collection, pod, budget, options.dryRun === true, info)
    return markAndDelete(collection, ref, options, info)
  }
  // It counts for nothing as long as it is not ready: it must not have become so meanwhile.
  const isFixed = options.preconditions?.resourceVersion !== undefined
  try {
    await markAndDelete(collection, ref, asItIs(options, pod), info)
  } catch (error) {
    if (isConflict(error) && !isFixed) throw stillProcessed(budget.metadata.name)
    throw error
  }
}

/** One that is not ready does not count as healthy: it may go when the others are enough, or when the budget says so. */
function mayGoUnasked({ status }: Frozen<Pod>, { spec, status: budget }: Budget): boolean {
  const isReady = status.conditions?.some(each => each.type === 'Ready' && each.status === 'True') === true
  if (isReady) return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = budget
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

function budgetsOf({ storage }: Collection, { metadata }: Frozen<Pod>): Budget[] {
  const found: Budget[] = []
  for (const { object } of storage.list(`${prefixOf(PodDisruptionBudgets)}${metadata.namespace}/`)) {
    const budget = object as unknown as Budget
    if (selectorFromLabelSelector(budget.spec.selector).matches(metadata.labels)) found.push(budget)
  }
  return found
}

/** Takes one of the disruptions that the budget allows, or refuses (checkAndDecrement). */
async function takeOne(
  { storage, env }: Collection,
  pod: Frozen<Pod>,
  budget: Budget,
  dryRun: boolean,
  { cause }: RequestInfo,
): Promise<void> {
  const key = keyOf(PodDisruptionBudgets, budget.metadata)
  await storage.write(
    key,
    current => {
      if (current === undefined) throw notFound(PodDisruptionBudgets, budget.metadata.name)
      const now = current.object as unknown as Budget
      checkBudget(now)
      if (dryRun) return { keep: true }
      const next = thaw<PodDisruptionBudget>(now)
      next.status.disruptionsAllowed = next.status.disruptionsAllowed! - 1
      if (next.status.disruptionsAllowed === 0) updateDisruptionAllowed(next.status, env.clock.now())
      // Until the pod is seen to go, it does not count as healthy any more.
      next.status.disruptedPods = { ...next.status.disruptedPods, [pod.metadata.name]: rfc3339(env.clock.now()) }
      return { put: next }
    },
    cause,
  )
}

const refusal = "Cannot evict pod as it would violate the pod's disruption budget."

function checkBudget({ metadata, status }: Budget): void {
  const { name, generation = 0 } = metadata
  if ((status.observedGeneration ?? 0) < generation) throw stillProcessed(name)
  const { disruptionsAllowed = 0 } = status
  if (disruptionsAllowed < 0) throw forbidden(budgets, name, 'pdb disruptions allowed is negative')
  if (Object.keys(status.disruptedPods ?? {}).length > mostDisrupted) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller'
    throw forbidden(budgets, name, why)
  }
  if (disruptionsAllowed > 0) return
  const causes = [{ reason: 'DisruptionBudget', message: `The disruption budget ${name} ${whyNone(status)}` }]
  throw new ApiError('TooManyRequests', refusal, { causes })
}

function whyNone(status: Budget['status']): string {
  const { status: isAllowed, reason, message } = disruptionAllowed(status) ?? {}
  const says = isAllowed === 'False' && message ? message : undefined
  const none = 'does not allow evicting pods currently'
  if (says !== undefined && reason === 'SyncFailed') return `${none} because it failed sync: ${says}`
  const { currentHealthy = 0, desiredHealthy = 0 } = status
  if (currentHealthy <= desiredHealthy) {
    return `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  }
  return says === undefined ? none : `${none} (${reason}): ${says}`
}

function stillProcessed(name: string): ApiError {
  const message = `The disruption budget ${name} is still being processed by the server.`
  const causes = [{ reason: 'DisruptionBudget', message }]
  return new ApiError('TooManyRequests', refusal, { causes, retryAfterSeconds: 10 })
}

const asItIs = (options: DeleteOptions, { metadata }: Frozen<Pod>): DeleteOptions => ({
  ...options,
  preconditions: { ...options.preconditions, resourceVersion: metadata.resourceVersion },
})

/** Writes onto the pod why it goes, and deletes it (addConditionAndDeletePod). */
async function markAndDelete(
  collection: Collection,
  ref: Ref,
  options: DeleteOptions,
  info: RequestInfo,
): Promise<void> {
  if (options.dryRun) return void (await remove(collection, ref, options, info))
  const { stored } = await collection.storage.write(
    collection.keyOf(ref),
    current => {
      if (current === undefined) throw notFound(collection.kind, ref.name)
      checkPreconditions(collection, current, options)
      const pod = thaw(current.object as Frozen<Pod>) as Pod
      pod.status.conditions ??= []
      const { generation } = pod.metadata
      const condition = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
        ...(generation ? { observedGeneration: generation } : {}),
      }
      return setCondition(pod.status.conditions, condition, collection.env.clock.now()) ? { put: pod } : { keep: true }
    },
    info.cause,
  )
  const { preconditions } = options
  const marked =
    preconditions?.resourceVersion === undefined
      ? options
      : { ...options, preconditions: { ...preconditions, resourceVersion: stored.object.metadata.resourceVersion } }
  await remove(collection, ref, marked, info)
}
