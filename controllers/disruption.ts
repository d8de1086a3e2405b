// PodDisruptionBudgets: counts how many of their pods are healthy and how many may be evicted. The evictions themselves are
// the API server's (apiserver/registry/eviction.ts), which notes here whom it took. Upstream:
// pkg/controller/disruption/disruption.go.

import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus, Scale } from '../generated/types.ts'
import { findCondition, setCondition } from '../src/api/conditions.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, KubeObject, OwnerReference, Ref } from '../src/api/meta.ts'
import { controllerOf } from '../src/api/owners.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { Deployments } from '../src/kinds/deployment.ts'
import { setDisruptionAllowed, updateDisruptionAllowed } from '../src/kinds/disruption-allowed.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Pods } from '../src/kinds/pod.ts'
import { PodDisruptionBudgets } from '../src/kinds/poddisruptionbudget.ts'
import { ReplicaSets } from '../src/kinds/replicaset.ts'
import { ReplicationControllers } from '../src/kinds/replicationcontroller.ts'
import { StatefulSets } from '../src/kinds/statefulset.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { claimChanged } from './shared/claims.ts'
import { isReady, isTerminal } from './shared/pods.ts'
import { messageOf } from './shared/replicas.ts'
import { scaledValue } from './shared/rollout.ts'
import { type KindFinder, scalableKinds } from './shared/scalable.ts'
import { type SelectorOf, selectorAsGo, selectorsOf } from './shared/selectors.ts'

type Budget = Frozen<PodDisruptionBudget>

/** So long an evicted pod that is not seen to go counts as going. */
const deletionTimeout = 2 * 60_000

export function disruptionController(kinds: readonly Kind<any>[]): ControllerSpec<PodDisruptionBudget> {
  const selectorOf = selectorsOf<PodDisruptionBudget>(({ spec }) => spec.selector)
  const findKind = scalableKinds(kinds)
  return defineController<PodDisruptionBudget>({
    name: 'disruption-controller',
    source: 'controllermanager',
    for: PodDisruptionBudgets,
    wakes: [
      {
        kind: Pods,
        keys(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined, context) {
          const budgets = context.lister(PodDisruptionBudgets).by('namespace', (now ?? before)!.metadata.namespace!)
          if (budgets.length === 0 || (now && before && !countsForBudget(now, before))) return []
          for (const budget of budgets) {
            const selector = selectorOf(budget)
            if (![now, before].some(pod => pod !== undefined && selector.matches(pod.metadata.labels))) continue
            context.wake(budget.metadata, gatheringTime(budget, context))
          }
          return []
        },
      },
      ...[Deployments, ReplicaSets, ReplicationControllers, StatefulSets].map(kind => ({
        kind: kind as Kind<any>,
        keys: (now: Frozen<Scaled> | undefined, before: Frozen<Scaled> | undefined, { lister }: Context) =>
          now?.spec.replicas === before?.spec.replicas
            ? []
            : lister(PodDisruptionBudgets)
                .by('namespace', (now ?? before)!.metadata.namespace!)
                .map(({ metadata }) => metadata),
      })),
    ],
    async reconcile(budget, context) {
      try {
        return await count(budget, selectorOf, findKind, context)
      } catch (error) {
        // Of one that cannot be counted nothing may be taken.
        if (isConflict(error)) throw error
        await failSafe(budget, messageOf(error), context)
        return undefined
      }
    },
  })
}

/** A turn looks at every pod of the namespace, so of many the changes are gathered for a moment: 50 ms of a thousand. */
const gatheringTime = ({ metadata }: Budget, { lister }: Context): Millis =>
  Math.floor(lister(Pods).count('namespace', metadata.namespace!) / 20)

interface Scaled extends KubeObject {
  spec: { replicas?: number }
}

function countsForBudget(now: Frozen<Pod>, before: Frozen<Pod>): boolean {
  return (
    isReady(now) !== isReady(before) ||
    now.metadata.deletionTimestamp !== before.metadata.deletionTimestamp ||
    claimChanged(now, before)
  )
}

async function count(
  budget: Budget,
  selectorOf: SelectorOf<PodDisruptionBudget>,
  findKind: KindFinder,
  context: Context,
): Promise<Outcome> {
  const selector = selectorOf(budget)
  const { namespace } = budget.metadata
  const pods = context.lister(Pods).list({ namespace, matches: labels => selector.matches(labels) })
  if (pods.length === 0) context.event(budget, 'Normal', 'NoPods', 'No matching pods found')
  const { expected, desired } = await expectation(budget, pods, findKind, context)
  const now = context.clock.now()
  const { disrupted, again } = stillDisrupted(budget, pods, now, context)
  const healthy = pods.filter(
    pod => pod.metadata.deletionTimestamp === undefined && !(pod.metadata.name in disrupted) && isReady(pod),
  ).length

  const { generation } = budget.metadata
  const { conditions } = draft<PodDisruptionBudgetStatus>(budget.status)
  const status: PodDisruptionBudgetStatus = {
    currentHealthy: healthy,
    desiredHealthy: desired,
    // Of a budget whose pods are only coming, nothing may be taken before it has been looked at again.
    disruptionsAllowed: expected > 0 ? Math.max(0, healthy - desired) : 0,
    expectedPods: expected,
    ...(generation ? { observedGeneration: generation } : {}),
    ...(Object.keys(disrupted).length > 0 ? { disruptedPods: disrupted } : {}),
    ...(conditions ? { conditions } : {}),
  }
  updateDisruptionAllowed(status, now)
  if (!jsonEqual(status, budget.status)) {
    await context.client.of(PodDisruptionBudgets).updateStatus({ ...budget, status })
  }
  return again === undefined ? undefined : { again }
}

async function failSafe(budget: Budget, message: string, context: Context): Promise<void> {
  const status = draft<PodDisruptionBudgetStatus>(budget.status)
  status.disruptionsAllowed = 0
  setDisruptionAllowed(status, false, 'SyncFailed', message, context.clock.now())
  if (jsonEqual(status, budget.status)) return
  await context.client.of(PodDisruptionBudgets).updateStatus({ ...budget, status })
}

/** Those whom an eviction took and who are not on their way yet. */
function stillDisrupted(
  budget: Budget,
  pods: readonly Frozen<Pod>[],
  now: Millis,
  context: Context,
): { readonly disrupted: Record<string, string>; readonly again: Millis | undefined } {
  const disrupted: Record<string, string> = {}
  let again: Millis | undefined
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata
    const since = budget.status.disruptedPods?.[name]
    if (since === undefined || deletionTimestamp !== undefined) continue
    const due = parseTime(since) + deletionTimeout
    if (due < now) {
      const { namespace } = budget.metadata
      // Upstream names the namespace twice where the budget's name should be.
      const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`
      context.event(pod, 'Warning', 'NotDeleted', message)
    } else {
      disrupted[name] = since
      again = Math.min(again ?? Number.POSITIVE_INFINITY, due - now + 1)
    }
  }
  return { disrupted, again }
}

// ---- how many there should be

async function expectation(
  budget: Budget,
  pods: readonly Frozen<Pod>[],
  findKind: KindFinder,
  context: Context,
): Promise<{ readonly expected: number; readonly desired: number }> {
  const { maxUnavailable, minAvailable } = budget.spec
  if (maxUnavailable === undefined && typeof minAvailable === 'number') {
    return { expected: pods.length, desired: minAvailable }
  }
  if (maxUnavailable === undefined && minAvailable === undefined) return { expected: 0, desired: 0 }
  let expected: number
  try {
    expected = await scaleOf(budget, pods, findKind, context)
  } catch (error) {
    const message = `Failed to calculate the number of expected pods: ${messageOf(error)}`
    context.event(budget, 'Warning', 'CalculateExpectedPodCountFailed', message)
    throw error
  }
  if (maxUnavailable === undefined) return { expected, desired: scaledValue(minAvailable, expected, 'up') }
  return { expected, desired: Math.max(0, expected - scaledValue(maxUnavailable, expected, 'up')) }
}

/** How many pods those who control the pods are told to have, in all. */
async function scaleOf(
  budget: Budget,
  pods: readonly Frozen<Pod>[],
  findKind: KindFinder,
  context: Context,
): Promise<number> {
  const scales = new Map<string, number>()
  const seen = new Set<string>()
  let isUnmanaged = false
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (owner === undefined) isUnmanaged = true
    if (owner === undefined || seen.has(owner.uid)) continue
    seen.add(owner.uid)
    const found = await ownersScale(owner, pod.metadata.namespace!, findKind, context)
    if (found === undefined) throw new Error(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`)
    scales.set(found.uid, found.replicas)
  }
  if (isUnmanaged) {
    const selector = selectorAsGo(budget.spec.selector)
    const message =
      `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the ` +
      'status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these ' +
      'pods please set ".spec.minAvailable" field of the PDB to an integer value.'
    context.event(budget, 'Warning', 'UnmanagedPods', message)
  }
  return [...scales.values()].reduce((sum, replicas) => sum + replicas, 0)
}

interface OwnersScale {
  readonly uid: string
  readonly replicas: number
}

async function ownersScale(
  owner: Frozen<OwnerReference>,
  namespace: string,
  findKind: KindFinder,
  context: Context,
): Promise<OwnersScale | undefined> {
  const ref = { name: owner.name, namespace }
  for (const kind of [ReplicationControllers, ReplicaSets, StatefulSets] as readonly Kind<any>[]) {
    if (owner.kind !== kind.kind || groupOf(owner.apiVersion) !== kind.group) continue
    const found: Frozen<Scaled> | undefined = context.lister(kind).get(ref)
    if (found === undefined || found.metadata.uid !== owner.uid) return undefined
    const above = kind === ReplicaSets ? controllerOf(found) : undefined
    if (above?.kind !== Deployments.kind) return { uid: owner.uid, replicas: found.spec.replicas ?? 1 }
    const deployment = context.lister(Deployments).get({ name: above.name, namespace })
    if (deployment?.metadata.uid !== above.uid) return undefined
    return { uid: above.uid, replicas: deployment.spec.replicas ?? 1 }
  }
  return foreignScale(owner, ref, findKind, context)
}

/** Of any other kind, by its scale subresource. */
async function foreignScale(
  owner: Frozen<OwnerReference>,
  ref: Ref,
  findKind: KindFinder,
  { client }: Context,
): Promise<OwnersScale | undefined> {
  const found = await findKind(owner.apiVersion, owner.kind, client)
  if (found === undefined) {
    throw new Error(`no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`)
  }
  const { kind, isScalable } = found
  if (!isScalable) throw new Error(`${kind.resource} does not implement the scale subresource`)
  try {
    const scale = await client.of(kind).read<Scale>(ref, 'scale')
    if (scale.metadata?.uid !== owner.uid) return undefined
    return { uid: owner.uid, replicas: scale.spec?.replicas ?? 0 }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.split('/')[0]! : '')

// ---- pods that were told to go and did not

/** So long a pod may carry a DisruptionTarget condition without going. */
const staleAfter = 2 * 60_000

/** Takes back the word that a pod is disrupted when nobody deletes it. */
export function staleDisruptionController(): ControllerSpec<Pod> {
  return defineController<Pod>({
    name: 'disruption-controller-stale-pods',
    source: 'controllermanager',
    for: Pods,
    concerns: hasDisruption,
    async reconcile(pod, { client, clock }) {
      const condition = findCondition(pod.status.conditions, 'DisruptionTarget')
      const since = condition?.lastTransitionTime
      const left = since === undefined ? 0 : parseTime(since) + staleAfter - clock.now()
      if (left > 0) return { again: left }
      const next = draft<Pod>(pod)
      setCondition(next.status.conditions!, { type: 'DisruptionTarget', status: 'False' }, clock.now())
      await client.of(Pods).updateStatus(next)
      return undefined
    },
  })
}

function hasDisruption(pod: Frozen<Pod>): boolean {
  if (pod.metadata.deletionTimestamp !== undefined || isTerminal(pod)) return false
  const condition = findCondition(pod.status.conditions, 'DisruptionTarget')
  return condition?.status === 'True' && condition.reason !== 'TerminationByKubelet'
}
