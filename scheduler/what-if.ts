// What the scheduler would decide of a pod, were it tried now: the whole table, every node against every rule, where a cycle
// stops at the first rule that refuses. Decided by the same cycle upon a snapshot of its own; nothing is written. Called by
// src/own/scheduling.ts.

import type { Pod } from '../generated/types.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import type { Kind } from '../src/kinds/kind.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import type { Lister } from '../src/runtime/informer.ts'
import { type CycleOptions, choice, type Decision, failure, search } from './cycle.ts'
import { decideWith, type Extender } from './extender.ts'
import type { Refusal, WayOut } from './plugin.ts'
import type { Profile } from './profile.ts'
import { Round } from './round.ts'
import { isPlaced, siblingsOf } from './scheduler.ts'
import { LiveSnapshot } from './snapshot.ts'

export interface Verdicts {
  readonly scheduler: string
  /** In the order in which they are asked. */
  readonly plugins: readonly {
    readonly name: string
    readonly filters: boolean
    readonly scores: boolean
    readonly weight: number
  }[]
  /** In the order in which they are tried. */
  readonly nodes: readonly NodeVerdict[]
  /** A rule that has something against the pod itself, whatever the node: no other is asked then. */
  readonly refusal?: RuleRefusal
  /** The nodes with the highest total; of several, chance decides. */
  readonly best: readonly string[]
  /** Why there is none, as `kubectl describe` would show it. */
  readonly message?: string
  /** Which pods would have to go from where, if that could help, and which of these ways would be taken. */
  readonly preemption?: {
    readonly node: string
    readonly ways: readonly {
      readonly node: string
      readonly victims: readonly string[]
      readonly brokenBudgets: number
    }[]
  }
}

export interface RuleRefusal {
  readonly plugin: string
  readonly reasons: readonly string[]
  /** Other pods' going would not help. */
  readonly isFinal: boolean
}

export interface NodeVerdict {
  readonly name: string
  readonly fits: boolean
  /** Every rule that refuses it; the scheduler stops at the first. */
  readonly refusals: readonly RuleRefusal[]
  /** Of those that fit, when there is more than one. */
  readonly scores: readonly {
    readonly plugin: string
    readonly raw: number
    /** From 0 to 100. */
    readonly normalised: number
    readonly weighted: number
  }[]
  readonly total?: number
}

export type ListerOf = <T extends KubeObject>(kind: Kind<T>) => Lister<T>

/** All that runs somewhere, or is to, but for the pod itself. */
export function snapshotFor({ metadata: { uid } }: Frozen<Pod>, lister: ListerOf): LiveSnapshot {
  const snapshot = new LiveSnapshot({
    siblings: each => siblingsOf(each, { lister }),
    namespaceLabels: name => lister(Namespaces).get({ name })?.metadata.labels,
    lister,
  })
  for (const node of lister(Nodes).list()) snapshot.setNode(node)
  for (const pod of lister(Pods).list()) {
    if (pod.metadata.uid === uid) continue
    if (isPlaced(pod)) snapshot.putPod(pod, pod.spec.nodeName!)
    else if (pod.status.nominatedNodeName) snapshot.nominate(pod, pod.status.nominatedNodeName)
  }
  return snapshot
}

export async function verdictsOf(
  pod: Frozen<Pod>,
  snapshot: LiveSnapshot,
  { plugins, schedulerName }: Profile,
  extenders: readonly Extender[],
): Promise<Verdicts> {
  for (const { load } of plugins) await load?.(pod)
  const ways: WayOut[] = []
  // Every node is looked at, however many there are; and of those alike the first stands for all.
  const options: CycleOptions = {
    fraction: () => 0.999_999,
    percentageOfNodesToScore: 100,
    consider: way => ways.push(way),
  }
  const found = search(pod, snapshot, plugins, options)
  const asked = extenders.filter(extender => extender.concerns(pod))
  const decision =
    asked.length > 0
      ? await decideWith(found, asked, options, () => {})
      : found.feasible.length === 0
        ? failure(found, options)
        : choice(found, options)
  const { judges } = found.round
  const { message, nomination, refusal } = decision
  return {
    scheduler: schedulerName,
    plugins: plugins.map(({ name, weight = 1 }, at) => ({
      name,
      filters: judges[at]?.filter !== undefined || judges[at]?.only !== undefined,
      scores: judges[at]?.score !== undefined && weight !== 0,
      weight,
    })),
    nodes: refusal === undefined ? nodeVerdicts(new Round(pod, snapshot, plugins), decision) : unasked(snapshot),
    ...(refusal && { refusal: ruleRefusal(refusal.plugin, refusal) }),
    best: bestOf(decision),
    ...(message !== undefined && { message }),
    ...(nomination?.node && { preemption: { node: nomination.node, ways: ways.map(shownWay) } }),
  }
}

function nodeVerdicts({ snapshot, plugins, judges }: Round, decision: Decision): NodeVerdict[] {
  const decided = new Map(decision.refused.map(each => [each.node, each]))
  const places = new Map(decision.feasible.map((name, at) => [name, at]))
  return snapshot.nodes.map(node => {
    const refusals: RuleRefusal[] = []
    judges.forEach(({ only, filter }, at) => {
      const { name } = plugins[at]!
      if (only !== undefined && !only.has(node.name))
        refusals.push({ plugin: name, reasons: [`node(s) didn't satisfy plugin(s) [${name}]`], isFinal: true })
      const refusal = filter?.(node)
      if (refusal !== undefined) refusals.push(ruleRefusal(name, refusal))
    })
    // Room that is promised to others, and what extenders say, only the cycle has seen.
    const said = decided.get(node.name)
    if (said !== undefined && !refusals.some(({ plugin }) => plugin === said.plugin)) {
      refusals.unshift(ruleRefusal(said.plugin, said))
    }
    const at = places.get(node.name)
    if (at === undefined) return { name: node.name, fits: refusals.length === 0, refusals, scores: [] }
    const scores = decision.scores.map(({ plugin, weight, raw, values }) => ({
      plugin,
      raw: raw[at]!,
      normalised: values[at]!,
      weighted: weight * values[at]!,
    }))
    const total = decision.totals[at]
    const others = (total ?? 0) - scores.reduce((sum, { weighted }) => sum + weighted, 0)
    if (others > 0) scores.push({ plugin: 'Extender', raw: others, normalised: others, weighted: others })
    return { name: node.name, fits: true, refusals: [], scores, ...(total !== undefined && { total }) }
  })
}

/** The pod is refused before any node is looked at. */
function unasked({ nodes }: LiveSnapshot): NodeVerdict[] {
  return nodes.map(({ name }) => ({ name, fits: false, refusals: [], scores: [] }))
}

function bestOf({ node, feasible, totals }: Decision): string[] {
  if (node === undefined) return []
  if (totals.length === 0) return [node]
  const most = Math.max(...totals)
  return feasible.filter((_, at) => totals[at] === most)
}

function ruleRefusal(plugin: string, refusal: Refusal): RuleRefusal {
  if (typeof refusal === 'string') return { plugin, reasons: [refusal], isFinal: false }
  return { plugin, reasons: refusal.reasons, isFinal: refusal.isFinal }
}

const shownWay = ({ node, victims, brokenBudgets }: WayOut) => ({
  node,
  victims: victims.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  brokenBudgets,
})
