// One pod's turn: filter the nodes, score those that are left, choose. Pure but for the die it is given.
// What it returns is at once the choice, the message of a failure, and the table of why: every node looked at is in it.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { fitError } from './fit-error.ts'
import type { Judge, Plugin, Refusal } from './plugin.ts'
import type { NodeView, Snapshot } from './snapshot.ts'

export interface Decision {
  /** Where the pod goes; undefined when no node will have it. */
  readonly node: string | undefined
  /** The nodes that passed every filter, in the order in which they were found. */
  readonly feasible: readonly string[]
  readonly refused: readonly Refused[]
  /** One for each plugin that scored; empty when there was nothing to choose between. */
  readonly scores: readonly Scores[]
  /** The weighted sum for each feasible node. */
  readonly totals: readonly number[]
  readonly nodeCount: number
  /** Plugins that refused the pod anywhere: what they wait for wakes it. */
  readonly refusedBy: ReadonlySet<string>
  /** Why there is no node, as `kubectl describe` shows it; undefined when there is one. */
  readonly message: string | undefined
  /** Where the next cycle begins its search. */
  readonly next: number
}

export interface Refused {
  readonly node: string
  readonly plugin: string
  readonly reasons: readonly string[]
  readonly isFinal: boolean
}

export interface Scores {
  readonly plugin: string
  readonly weight: number
  /** 0 to 100, for each feasible node. */
  readonly values: readonly number[]
}

export interface CycleOptions {
  /** A number in [0, 1): chooses among nodes of the same score. */
  readonly fraction: () => number
  /** Where the search begins, so that all nodes get their turn. Default 0. */
  readonly start?: number
}

export function decide(
  pod: Frozen<Pod>,
  snapshot: Snapshot,
  plugins: readonly Plugin[],
  { fraction, start = 0 }: CycleOptions,
): Decision {
  const { nodes } = snapshot
  const judges = plugins.map(plugin => plugin.prepare(pod, snapshot))
  const refusedBy = new Set<string>()
  const candidates = restricted(nodes, plugins, judges, refusedBy)
  const { feasible, refused, processed } = filter(candidates, plugins, judges, start % Math.max(1, candidates.length))
  for (const { plugin } of refused) refusedBy.add(plugin)
  const names = feasible.map(({ name }) => name)
  const facts = { refused, nodeCount: nodes.length, refusedBy, feasible: names }
  const next = nodes.length === 0 ? 0 : (start + processed) % nodes.length
  if (feasible.length === 0) {
    const restrictedBy = plugins.filter((_, index) => judges[index]!.only !== undefined).map(({ name }) => name)
    const absent = { count: nodes.length - refused.length, restrictedBy }
    const message = fitError(pod, nodes.length, refused, absent)
    return { ...facts, node: undefined, scores: [], totals: [], message, next }
  }
  if (feasible.length === 1) {
    return { ...facts, node: names[0], scores: [], totals: [], message: undefined, next }
  }
  const { scores, totals } = score(feasible, plugins, judges)
  return { ...facts, node: names[highest(totals, fraction)], scores, totals, message: undefined, next }
}

/** Plugins that know the only nodes that can be meant save the others being asked. */
function restricted(
  nodes: readonly NodeView[],
  plugins: readonly Plugin[],
  judges: readonly Judge[],
  refusedBy: Set<string>,
): readonly NodeView[] {
  let candidates = nodes
  judges.forEach(({ only }, index) => {
    if (only === undefined) return
    candidates = candidates.filter(({ name }) => only.has(name))
    refusedBy.add(plugins[index]!.name)
  })
  return candidates
}

interface Filtered {
  readonly feasible: readonly NodeView[]
  readonly refused: readonly Refused[]
  readonly processed: number
}

function filter(
  nodes: readonly NodeView[],
  plugins: readonly Plugin[],
  judges: readonly Judge[],
  start: number,
): Filtered {
  const wanted = nodesToFind(nodes.length)
  const filters: Judge[] = []
  const names: string[] = []
  judges.forEach((judge, index) => {
    if (judge.filter === undefined) return
    filters.push(judge)
    names.push(plugins[index]!.name)
  })
  const feasible: NodeView[] = []
  const refused: Refused[] = []
  let processed = 0
  for (; processed < nodes.length && feasible.length < wanted; processed++) {
    const node = nodes[(start + processed) % nodes.length]!
    let refusal: Refusal | undefined
    for (let index = 0; index < filters.length; index++) {
      refusal = filters[index]!.filter!(node)
      if (refusal !== undefined) {
        refused.push(refusedAs(node.name, names[index]!, refusal))
        break
      }
    }
    if (refusal === undefined) feasible.push(node)
  }
  return { feasible, refused, processed }
}

function refusedAs(node: string, plugin: string, refusal: Refusal): Refused {
  if (typeof refusal === 'string') return { node, plugin, reasons: [refusal], isFinal: false }
  return { node, plugin, reasons: refusal.reasons, isFinal: refusal.isFinal }
}

/** In large clusters enough is as good as all (numFeasibleNodesToFind in pkg/scheduler/schedule_one.go). */
export function nodesToFind(count: number): number {
  const fewest = 100
  if (count < fewest) return count
  const percentage = Math.max(5, 50 - Math.floor(count / 125))
  return Math.max(fewest, Math.floor((count * percentage) / 100))
}

function score(
  feasible: readonly NodeView[],
  plugins: readonly Plugin[],
  judges: readonly Judge[],
): { scores: Scores[]; totals: number[] } {
  const totals = new Array<number>(feasible.length).fill(0)
  const scores: Scores[] = []
  judges.forEach((judge, index) => {
    if (judge.score === undefined) return
    judge.beforeScore?.(feasible)
    const values = new Array<number>(feasible.length)
    for (let at = 0; at < feasible.length; at++) values[at] = judge.score(feasible[at]!)
    judge.normalize?.(values)
    const { name, weight = 1 } = plugins[index]!
    for (let at = 0; at < values.length; at++) totals[at]! += weight * values[at]!
    scores.push({ plugin: name, weight, values })
  })
  return { scores, totals }
}

/** Each of the highest with the same chance, in one pass: the n-th found takes the place of the last with chance 1/n. */
function highest(totals: readonly number[], fraction: () => number): number {
  let best = 0
  let alike = 1
  for (let at = 1; at < totals.length; at++) {
    if (totals[at]! > totals[best]!) {
      best = at
      alike = 1
    } else if (totals[at] === totals[best]) {
      alike++
      if (fraction() * alike < 1) best = at
    }
  }
  return best
}
