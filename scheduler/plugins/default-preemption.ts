// DefaultPreemption: when no node is left, which less important pods would have to go from where, and with the least harm
// (pkg/scheduler/framework/preemption/preemption.go, plugins/defaultpreemption/default_preemption.go). It only thinks: the
// victims are evicted by the scheduler.

import type { Pod, PodDisruptionBudget } from '../../generated/types.ts'
import { findCondition } from '../../src/api/conditions.ts'
import { selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { PodDisruptionBudgets } from '../../src/kinds/poddisruptionbudget.ts'
import { count, summary } from '../fit-error.ts'
import type { Failure, Judge, Plugin, Rescue, WayOut } from '../plugin.ts'
import type { Round } from '../round.ts'
import type { NodeView } from '../snapshot.ts'

export interface DefaultPreemptionArgs {
  /** How many nodes are thought through at least: of a hundred that come into question, and at all. */
  readonly minCandidateNodesPercentage?: number
  readonly minCandidateNodesAbsolute?: number
}

const nothingToSay: Judge = Object.freeze({})

export function defaultPreemptionWith(args: DefaultPreemptionArgs): Plugin {
  return {
    name: 'DefaultPreemption',
    prepare: () => nothingToSay,
    postFilter: (pod, failure) => {
      const { reason, nomination } = preempt(pod, failure, args)
      const said = reason === undefined ? undefined : `preemption: ${reason}`
      return nomination === undefined ? { reason: said } : { reason: said, nomination }
    },
  }
}

export const defaultPreemption: Plugin = defaultPreemptionWith({})

function preempt(pod: Frozen<Pod>, failure: Failure, args: DefaultPreemptionArgs): Rescue {
  const { round, refused, refusal, fraction, consider } = failure
  const ineligible = whyIneligible(pod, failure)
  if (ineligible !== undefined) return { reason: ineligible }
  const { nodes } = round.snapshot
  const potential: NodeView[] =
    refusal === undefined
      ? refused.flatMap(({ node, isFinal }) => (isFinal ? [] : [round.snapshot.node(node)!]))
      : refusal.isFinal
        ? []
        : [...nodes]
  const reasons = new Map<string, number>()
  const candidates = potential.length === 0 ? [] : dryRun(round, potential, reasons, fraction, args)
  if (candidates.length === 0) {
    count(reasons, 'Preemption is not helpful for scheduling', nodes.length - potential.length)
    return { reason: summary(nodes.length, reasons), nomination: { node: '', victims: [] } }
  }
  if (consider !== undefined) candidates.forEach(consider)
  const { node, victims } = leastHarm(candidates)
  return { reason: undefined, nomination: { node, victims } }
}

function whyIneligible(pod: Frozen<Pod>, { round, refused }: Failure): string | undefined {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.'
  const nominated = round.snapshot.nominationOf(pod)
  const node = nominated === undefined ? undefined : round.snapshot.node(nominated)
  if (node === undefined || refused.some(each => each.node === nominated && each.isFinal)) return undefined
  for (const other of node.pods) {
    if (priorityOf(other) < priorityOf(pod) && isBeingPreempted(other)) {
      return 'not eligible due to a terminating pod on the nominated node.'
    }
  }
  return undefined
}

function isBeingPreempted({ metadata, status }: Frozen<Pod>): boolean {
  if (metadata.deletionTimestamp === undefined) return false
  const condition = findCondition(status.conditions, 'DisruptionTarget')
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler'
}

/** Node by node from a random one on, until there are enough ways, one of which breaks no budget. */
function dryRun(
  round: Round,
  potential: readonly NodeView[],
  reasons: Map<string, number>,
  fraction: () => number,
  { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 }: DefaultPreemptionArgs,
): readonly WayOut[] {
  const share = Math.floor((potential.length * minCandidateNodesPercentage) / 100)
  const enough = Math.min(potential.length, Math.max(share, minCandidateNodesAbsolute))
  const offset = Math.floor(fraction() * potential.length)
  const budgets = round.snapshot.lister(PodDisruptionBudgets).list()
  const harmless: WayOut[] = []
  const harmful: WayOut[] = []
  for (let index = 0; index < potential.length; index++) {
    const candidate = victimsOn(potential[(offset + index) % potential.length]!, round, budgets)
    if (!('victims' in candidate)) for (const reason of candidate.reasons) count(reasons, reason)
    else if (candidate.brokenBudgets === 0) harmless.push(candidate)
    else harmful.push(candidate)
    if (harmless.length > 0 && harmless.length + harmful.length >= enough) break
  }
  return [...harmless, ...harmful]
}

/** The fewest pods that have to go: first all that may, then one after the other is let back in, the important ones first. */
function victimsOn(
  node: NodeView,
  round: Round,
  budgets: readonly Frozen<PodDisruptionBudget>[],
): WayOut | { readonly reasons: readonly string[] } {
  const lesser = [...node.pods].filter(each => priorityOf(each) < priorityOf(round.pod))
  if (lesser.length === 0) return { reasons: ['No preemption victims found for incoming pod'] }
  const absent = new Map(lesser.map(each => [each, round.without(each, node)]))
  try {
    const refusal = round.verdict(node)
    if (refusal !== undefined) return refusal
    lesser.sort(byImportance)
    const { breaking, others } = byBudgets(lesser, budgets)
    const victims: Frozen<Pod>[] = []
    let brokenBudgets = 0
    for (const [index, each] of [...breaking, ...others].entries()) {
      absent.get(each)!()
      absent.delete(each)
      if (round.verdict(node) === undefined) continue
      absent.set(each, round.without(each, node))
      victims.push(each)
      if (index < breaking.length) brokenBudgets++
    }
    return { node: node.name, victims: victims.sort(byImportance), brokenBudgets }
  } finally {
    for (const back of absent.values()) back()
  }
}

const priorityOf = ({ spec }: Frozen<Pod>): number => spec.priority ?? 0

/** What has not started yet is taken to start now. */
function startOf({ status }: Frozen<Pod>): number {
  return status.startTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(status.startTime)
}

/** The higher priority, then the longer running (util.MoreImportantPod). */
function byImportance(one: Frozen<Pod>, other: Frozen<Pod>): number {
  if (priorityOf(one) !== priorityOf(other)) return priorityOf(other) - priorityOf(one)
  const [first, second] = [startOf(one), startOf(other)]
  return first === second ? 0 : first - second
}

/** Pods whose eviction some budget does not allow any more, given that those before them go (filterPodsWithPDBViolation). */
function byBudgets(
  pods: readonly Frozen<Pod>[],
  budgets: readonly Frozen<PodDisruptionBudget>[],
): { readonly breaking: readonly Frozen<Pod>[]; readonly others: readonly Frozen<Pod>[] } {
  if (budgets.length === 0) return { breaking: [], others: pods }
  const states = budgets.map(({ metadata, spec, status }) => ({
    namespace: metadata.namespace,
    selector: selectorFromLabelSelector(spec.selector),
    disrupted: status?.disruptedPods ?? {},
    allowed: status?.disruptionsAllowed ?? 0,
  }))
  const breaking: Frozen<Pod>[] = []
  const others: Frozen<Pod>[] = []
  for (const pod of pods) {
    const { namespace, name, labels } = pod.metadata
    let isBreaking = false
    if (labels !== undefined && Object.keys(labels).length > 0) {
      for (const state of states) {
        if (state.namespace !== namespace || state.selector.isEmpty || !state.selector.matches(labels)) continue
        // The API server has counted it already.
        if (Object.hasOwn(state.disrupted, name)) continue
        if (--state.allowed < 0) isBreaking = true
      }
    }
    if (isBreaking) breaking.push(pod)
    else others.push(pod)
  }
  return { breaking, others }
}

/**
 * Fewest broken budgets; then the least important among the most important victims; the smallest sum of priorities; the
 * fewest victims; the latest start of the most important ones; the first found (pickOneNodeForPreemption).
 */
function leastHarm(candidates: readonly WayOut[]): WayOut {
  const offset = 2 ** 31
  const measures: ((candidate: WayOut) => number)[] = [
    ({ brokenBudgets }) => brokenBudgets,
    ({ victims }) => priorityOf(victims[0]!),
    ({ victims }) => victims.reduce((sum, victim) => sum + priorityOf(victim) + offset, 0),
    ({ victims }) => victims.length,
    ({ victims }) => -earliestStart(victims),
  ]
  let left = candidates
  for (const measure of measures) {
    if (left.length === 1) break
    const values = left.map(measure)
    const least = Math.min(...values)
    left = left.filter((_, index) => values[index] === least)
  }
  return left[0]!
}

function earliestStart(victims: readonly Frozen<Pod>[]): number {
  const priority = priorityOf(victims[0]!)
  return Math.min(...victims.filter(victim => priorityOf(victim) === priority).map(startOf))
}
