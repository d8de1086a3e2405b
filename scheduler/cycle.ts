// One pod's turn: filter the nodes, score those that are left, choose; and when none is left, see what could be done about
// it. Pure but for the die it is given. What it returns is at once the choice, the message of a failure, and the table of
// why: every node looked at is in it.

import type { Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { fitError } from './fit-error.ts'
import type { Judge, Nomination, Plugin, WayOut } from './plugin.ts'
import { Round } from './round.ts'
import type { LiveSnapshot, NodeView } from './snapshot.ts'

export interface Decision {
  /** Where the pod goes; undefined when no node will have it. */
  readonly node: string | undefined
  /** The nodes that passed every filter, in the order in which they were found. */
  readonly feasible: readonly string[]
  readonly refused: readonly Refused[]
  /** A rule that had something against the pod itself, whatever the node. */
  readonly refusal: Refused | undefined
  /** One for each plugin that scored; empty when there was nothing to choose between. */
  readonly scores: readonly Scores[]
  /** The weighted sum for each feasible node. */
  readonly totals: readonly number[]
  readonly nodeCount: number
  /** Plugins that refused the pod anywhere: what they wait for wakes it. */
  readonly refusedBy: ReadonlySet<string>
  /** Why there is no node, as `kubectl describe` shows it; undefined when there is one. */
  readonly message: string | undefined
  /** The node that the pod is to have once others have gone; `node` is empty when it is to have none any more. */
  readonly nomination: Nomination | undefined
  /** Where the next cycle begins its search. */
  readonly next: number
}

export interface Refused {
  /** Empty when every node is meant. */
  readonly node: string
  readonly plugin: string
  readonly reasons: readonly string[]
  readonly isFinal: boolean
}

export interface Scores {
  readonly plugin: string
  readonly weight: number
  /** As the plugin gave them, for each feasible node. */
  readonly raw: readonly number[]
  /** The same from 0 to 100. */
  readonly values: readonly number[]
}

export interface CycleOptions {
  /** A number in [0, 1): chooses among nodes of the same score. */
  readonly fraction: () => number
  /** Where the search begins, so that all nodes get their turn. Default 0. */
  readonly start?: number
  /** How many of a hundred nodes are enough; 0 and the default: by the size of the cluster. */
  readonly percentageOfNodesToScore?: number
  /** Told every way out that is thought of when no node is left. */
  readonly consider?: (way: WayOut) => void
}

/** What the search for nodes gave, before anything is scored. */
export interface Found {
  readonly round: Round
  readonly feasible: readonly NodeView[]
  readonly refused: readonly Refused[]
  readonly refusal: Refused | undefined
  readonly refusedBy: Set<string>
  readonly restrictedBy: readonly string[]
  readonly next: number
}

export function decide(
  pod: Frozen<Pod>,
  snapshot: LiveSnapshot,
  plugins: readonly Plugin[],
  options: CycleOptions,
): Decision {
  const found = search(pod, snapshot, plugins, options)
  return found.feasible.length === 0 ? failure(found, options) : choice(found, options)
}

export function search(
  pod: Frozen<Pod>,
  snapshot: LiveSnapshot,
  plugins: readonly Plugin[],
  { start = 0, percentageOfNodesToScore = 0 }: CycleOptions,
): Found {
  const { nodes } = snapshot
  const round = new Round(pod, snapshot, plugins)
  const refusedBy = new Set<string>()
  const nothingFound = { round, feasible: [], refused: [], restrictedBy: [], refusedBy }
  const refusal = nodes.length === 0 ? undefined : round.refusal
  if (refusal !== undefined) {
    refusedBy.add(refusal.plugin)
    return { ...nothingFound, refusal, next: start }
  }
  const nominated = snapshot.node(snapshot.nominationOf(pod) ?? '')
  if (nominated !== undefined && round.verdict(nominated) === undefined) {
    return { ...nothingFound, feasible: [nominated], refusal, next: start }
  }
  const { candidates, restrictedBy } = restricted(nodes, round)
  for (const name of restrictedBy) refusedBy.add(name)
  const wanted = nodesToFind(candidates.length, percentageOfNodesToScore)
  const { feasible, refused, processed } = filter(candidates, round, wanted, start % Math.max(1, candidates.length))
  for (const { plugin } of refused) refusedBy.add(plugin)
  const next = nodes.length === 0 ? 0 : (start + processed) % nodes.length
  return { round, feasible, refused, refusal, refusedBy, restrictedBy, next }
}

/** No node: each rule that knows a way out is asked in turn, until one has found it. */
export function failure(found: Found, { fraction, consider }: CycleOptions): Decision {
  const { round, refused, refusal, restrictedBy } = found
  const nodeCount = round.snapshot.nodes.length
  const remarks: string[] = []
  let nomination: Nomination | undefined
  if (nodeCount > 0) {
    for (const plugin of round.plugins) {
      const rescue = plugin.postFilter?.(round.pod, { round, refused, refusal, fraction, consider })
      if (rescue === undefined) continue
      nomination = rescue.nomination ?? nomination
      if (rescue.reason === undefined) {
        remarks.length = 0
        break
      }
      remarks.push(rescue.reason)
    }
  }
  const absent = { count: refusal === undefined ? nodeCount - refused.length : 0, restrictedBy }
  const message = fitError(nodeCount, refused, refusal, absent, remarks)
  return { ...factsOf(found), node: undefined, scores: [], totals: [], message, nomination }
}

/** `handicap`: what others who were asked make of the nodes, added to the sums. */
export function choice(found: Found, { fraction }: CycleOptions, handicap?: readonly number[]): Decision {
  const facts = { ...factsOf(found), message: undefined, nomination: undefined }
  const { feasible, round } = found
  if (feasible.length === 1) return { ...facts, node: feasible[0]!.name, scores: [], totals: [] }
  const { scores, totals } = score(feasible, round.plugins, round.judges)
  handicap?.forEach((by, at) => {
    totals[at]! += by
  })
  return { ...facts, node: facts.feasible[highest(totals, fraction)], scores, totals }
}

function factsOf({ round, feasible, refused, refusal, refusedBy, next }: Found) {
  const nodeCount = round.snapshot.nodes.length
  return { refused, refusal, nodeCount, refusedBy, feasible: feasible.map(({ name }) => name), next }
}

/** Plugins that know the only nodes that can be meant save the others being asked. */
function restricted(
  nodes: readonly NodeView[],
  { plugins, judges }: Round,
): { readonly candidates: readonly NodeView[]; readonly restrictedBy: readonly string[] } {
  let candidates = nodes
  const restrictedBy: string[] = []
  judges.forEach(({ only }, index) => {
    if (only === undefined) return
    candidates = candidates.filter(({ name }) => only.has(name))
    restrictedBy.push(plugins[index]!.name)
  })
  return { candidates, restrictedBy }
}

interface Filtered {
  readonly feasible: readonly NodeView[]
  readonly refused: readonly Refused[]
  readonly processed: number
}

function filter(nodes: readonly NodeView[], round: Round, wanted: number, start: number): Filtered {
  const feasible: NodeView[] = []
  const refused: Refused[] = []
  let processed = 0
  for (; processed < nodes.length && feasible.length < wanted; processed++) {
    const node = nodes[(start + processed) % nodes.length]!
    const verdict = round.verdict(node)
    if (verdict === undefined) feasible.push(node)
    else refused.push(verdict)
  }
  return { feasible, refused, processed }
}

/** In large clusters enough is as good as all (numFeasibleNodesToFind in pkg/scheduler/schedule_one.go). */
export function nodesToFind(count: number, percentageOfNodesToScore = 0): number {
  const fewest = 100
  if (count < fewest) return count
  const percentage = percentageOfNodesToScore || Math.max(5, 50 - Math.floor(count / 125))
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
    const { name, weight = 1 } = plugins[index]!
    if (judge.score === undefined || weight === 0) return
    judge.beforeScore?.(feasible)
    const raw = new Array<number>(feasible.length)
    for (let at = 0; at < feasible.length; at++) raw[at] = judge.score(feasible[at]!)
    const values = judge.normalize === undefined ? raw : raw.slice()
    judge.normalize?.(values)
    for (let at = 0; at < values.length; at++) totals[at]! += weight * values[at]!
    scores.push({ plugin: name, weight, raw, values })
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
