// PodTopologySpread: like pods are spread over zones, nodes or whatever a label tells apart; strictly where the pod says
// DoNotSchedule, by score where it says ScheduleAnyway, and a little in any case for pods of one owner or Service
// (plugins/podtopologyspread/{common,filtering,scoring,plugin}.go).

import type { Node, Pod, TopologySpreadConstraint } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import { type LabelSelectorLike, type Selector, selectorFromLabelSelector } from '../../src/api/labels.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { type NodeTest, requiredNodes } from '../../src/api/node-selection.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { type Change, highestScore, type Judge, type Plugin } from '../plugin.ts'
import type { NodeView, Snapshot, Tally } from '../snapshot.ts'
import { isKeptAway } from '../tolerations.ts'

const hostname = 'kubernetes.io/hostname'
const zone = 'topology.kubernetes.io/zone'

const missingLabel = {
  reasons: ["node(s) didn't match pod topology spread constraints (missing required label)"],
  isFinal: true,
}
const tooSkewed = "node(s) didn't match pod topology spread constraints"

export interface PodTopologySpreadArgs {
  /** For pods that bring none; they select what the pod's owner and its Services do. */
  readonly defaultConstraints?: readonly Frozen<Omit<TopologySpreadConstraint, 'labelSelector'>>[]
  /** With `List` there are none but these. */
  readonly defaultingType?: 'System' | 'List'
}

export function podTopologySpreadWith({ defaultConstraints = [], defaultingType }: PodTopologySpreadArgs): Plugin {
  const isSystem = defaultingType !== 'List'
  const helps: Plugin['helps'] = (pod, change) =>
    change.kind === Pods ? movesCounts(pod, change as Change<Pod>) : movesDomains(pod, change as Change<Node>)
  return {
    name: 'PodTopologySpread',
    weight: 2,
    wakes: [Pods, Nodes],
    // Which pods count for a strict default is not in the pod itself.
    ...(defaultConstraints.length === 0 && { helps }),
    prepare: (pod, snapshot) => {
      const own = pod.spec.topologySpreadConstraints ?? []
      const isOwn = own.length > 0
      const rules = (what: string): readonly Rule[] =>
        isOwn
          ? own.filter(each => each.whenUnsatisfiable === what).map(each => ruleOf(each, pod))
          : defaultRules(pod, snapshot, isSystem ? systemDefaults : defaultConstraints, what)
      const hard = rules('DoNotSchedule')
      const soft = rules('ScheduleAnyway')
      return {
        ...(hard.length > 0 && strictly(hard, pod, snapshot)),
        ...(soft.length > 0 && softly(soft, isOwn || !isSystem, pod, snapshot)),
      }
    },
  }
}

export const podTopologySpread: Plugin = podTopologySpreadWith({})

interface Rule {
  readonly key: string
  readonly maxSkew: number
  readonly minDomains: number
  readonly selector: Selector
  readonly honorsAffinity: boolean
  readonly honorsTaints: boolean
}

function ruleOf(constraint: Constraint, pod: Frozen<Pod>): Rule {
  return {
    key: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selector: selectorOf(constraint, pod),
    honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
    honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
  }
}

/** `matchLabelKeys` adds the pod's own values of those labels. */
function selectorOf({ labelSelector, matchLabelKeys = [] }: Constraint, pod: Frozen<Pod>): Selector {
  if (labelSelector === undefined || matchLabelKeys.length === 0) return selectorFromLabelSelector(labelSelector)
  const labels = pod.metadata.labels ?? {}
  const added: NonNullable<LabelSelectorLike['matchExpressions']>[number][] = []
  for (const key of matchLabelKeys) {
    if (labels[key] !== undefined) added.push({ key, operator: 'In', values: [labels[key]] })
  }
  return selectorFromLabelSelector({
    matchLabels: labelSelector.matchLabels,
    matchExpressions: [...(labelSelector.matchExpressions ?? []), ...added],
  })
}

type Constraint = Frozen<Omit<TopologySpreadConstraint, 'labelSelector'>> & {
  readonly labelSelector?: LabelSelectorLike | undefined
}

/** Over nodes, and over zones. */
const systemDefaults: readonly Constraint[] = [
  { topologyKey: hostname, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: zone, maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

/** For pods that bring none: what one owner or Service selects is spread. */
function defaultRules(
  pod: Frozen<Pod>,
  snapshot: Snapshot,
  constraints: readonly Constraint[],
  what: string,
): readonly Rule[] {
  const wanted = constraints.filter(({ whenUnsatisfiable }) => whenUnsatisfiable === what)
  if (wanted.length === 0) return []
  const selector = snapshot.siblings(pod)
  if (selector === undefined || selector.isEmpty) return []
  return wanted.map(each => ({ ...ruleOf(each, pod), selector }))
}

/** The nodes whose pods count for a rule. */
function counting(rule: Rule, pod: Frozen<Pod>, isWanted: NodeTest | undefined): (node: NodeView) => boolean {
  const { tolerations } = pod.spec
  return node =>
    (!rule.honorsAffinity || isWanted === undefined || isWanted(node)) &&
    (!rule.honorsTaints || !isKeptAway(node.taints, tolerations))
}

function strictly(rules: readonly Rule[], pod: Frozen<Pod>, snapshot: Snapshot): Judge {
  const isWanted = requiredNodes(pod)
  const namespace = pod.metadata.namespace ?? ''
  const domains = rules.map(({ key }) => snapshot.domains(key))
  const hasAllLabels = (node: NodeView): boolean => domains.every(({ of }) => of[node.slot]! >= 0)
  const states = rules.map((rule, index) => {
    const { of, values } = domains[index]!
    const { counts } = snapshot.tally(namespace, rule.selector)
    const doesCount = counting(rule, pod, isWanted)
    const sums = new Array<number | undefined>(values.length)
    for (const node of snapshot.nodes) {
      if (!hasAllLabels(node) || !doesCount(node)) continue
      const domain = of[node.slot]!
      sums[domain] = (sums[domain] ?? 0) + counts[node.slot]!
    }
    const self = rule.selector.matches(pod.metadata.labels) ? 1 : 0
    return { rule, of, sums, doesCount, self, limit: limitOf(rule, sums, self) }
  })
  return {
    filter: node => {
      for (const { of, sums, limit } of states) {
        const domain = of[node.slot]!
        if (domain < 0) return missingLabel
        if ((sums[domain] ?? 0) > limit) return tooSkewed
      }
      return undefined
    },
    moved: (other, node, by) => {
      const { metadata } = other
      if (metadata.namespace !== pod.metadata.namespace || metadata.deletionTimestamp !== undefined) return
      for (const state of states) {
        const { rule, of, sums, doesCount, self } = state
        if (!rule.selector.matches(metadata.labels) || !hasAllLabels(node) || !doesCount(node)) continue
        const domain = of[node.slot]!
        sums[domain] = (sums[domain] ?? 0) + by
        state.limit = limitOf(rule, sums, self)
      }
    },
  }
}

/** How many there may be in a domain already. */
function limitOf(rule: Rule, sums: readonly (number | undefined)[], self: number): number {
  let least = Number.POSITIVE_INFINITY
  let found = 0
  for (const sum of sums) {
    if (sum === undefined) continue
    found++
    if (sum < least) least = sum
  }
  if (found < rule.minDomains) least = 0
  return rule.maxSkew + least - self
}

/** Marks a node that is not to be scored, until the scores are normalised. */
const unscored = -1

function softly(rules: readonly Rule[], isOwn: boolean, pod: Frozen<Pod>, snapshot: Snapshot): Judge {
  const isWanted = requiredNodes(pod)
  const namespace = pod.metadata.namespace ?? ''
  const domains = rules.map(({ key }) => snapshot.domains(key))
  const tallies = rules.map(({ selector }) => snapshot.tally(namespace, selector))
  const hasAllLabels = (node: NodeView): boolean => domains.every(({ of }) => of[node.slot]! >= 0)
  let parts: readonly Part[] = []
  return {
    beforeScore: feasible => {
      const scored = isOwn ? feasible.filter(hasAllLabels) : feasible
      parts = rules.map((rule, index) => {
        const { of, values } = domains[index]!
        if (rule.key === hostname) {
          // Each node is a domain of its own: what counts is what runs on it.
          return part(of, tallies[index]!.counts, scored.length, rule.maxSkew, true)
        }
        const sums = new Array<number | undefined>(values.length)
        let size = 0
        let hasUnlabelled = false
        for (const node of scored) {
          const domain = of[node.slot]!
          if (domain < 0) {
            hasUnlabelled = true
          } else if (sums[domain] === undefined) {
            sums[domain] = 0
            size++
          }
        }
        if (size > 0) sumUp(sums, of, tallies[index]!, rule)
        return part(of, sums as number[], size + (hasUnlabelled ? 1 : 0), rule.maxSkew)
      })
    },
    score: node => {
      if (isOwn && !hasAllLabels(node)) return unscored
      let score = 0
      for (const { of, counts, weight, maxSkew, isPerNode } of parts) {
        const domain = of[node.slot]!
        if (domain >= 0) score += counts[isPerNode ? node.slot : domain]! * weight + (maxSkew - 1)
      }
      return Math.round(score)
    },
    normalize: favourFew,
  }

  function sumUp(sums: (number | undefined)[], of: readonly number[], { counts }: Tally, rule: Rule): void {
    const doesCount = counting(rule, pod, isWanted)
    for (const node of snapshot.nodes) {
      const domain = of[node.slot]!
      const sum = domain < 0 ? undefined : sums[domain]
      if (sum === undefined || (isOwn && !hasAllLabels(node)) || !doesCount(node)) continue
      sums[domain] = sum + counts[node.slot]!
    }
  }
}

interface Part {
  readonly of: readonly number[]
  /** By domain, or by slot where each node is a domain. */
  readonly counts: readonly number[]
  readonly isPerNode: boolean
  readonly weight: number
  readonly maxSkew: number
}

/** Counts in few large domains are not to drown those in many small ones: hence the weight. */
function part(
  of: readonly number[],
  counts: readonly number[],
  size: number,
  maxSkew: number,
  isPerNode = false,
): Part {
  return { of, counts, isPerNode, weight: Math.log(size + 2), maxSkew }
}

function favourFew(scores: number[]): void {
  let least = Number.POSITIVE_INFINITY
  let most = 0
  for (const score of scores) {
    if (score === unscored) continue
    if (score < least) least = score
    if (score > most) most = score
  }
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!
    if (score === unscored) scores[index] = 0
    else if (most === 0) scores[index] = highestScore
    else scores[index] = Math.floor((highestScore * (most + least - score)) / most)
  }
}

/** A pod that came, went, or changed its labels, where a strict rule counts it. */
function movesCounts(pod: Frozen<Pod>, { now, before }: Change<Pod>): boolean {
  if ((now ?? before!).metadata.namespace !== pod.metadata.namespace) return false
  if (now !== undefined && before !== undefined && jsonEqual(now.metadata.labels, before.metadata.labels)) return false
  return strictConstraints(pod).some(constraint => {
    const selector = selectorOf(constraint, pod)
    return [now, before].some(each => each !== undefined && selector.matches(each.metadata.labels))
  })
}

/** A node that came or went, or whose labels or taints changed, in a domain of a strict rule. */
function movesDomains(pod: Frozen<Pod>, { now, before }: Change<Node>): boolean {
  if (now !== undefined && before !== undefined) {
    const isSame =
      jsonEqual(now.metadata.labels, before.metadata.labels) && jsonEqual(now.spec.taints, before.spec.taints)
    if (isSame) return false
  }
  const keys = strictConstraints(pod).map(({ topologyKey }) => topologyKey)
  return [now, before].some(node => node !== undefined && keys.every(key => node.metadata.labels?.[key] !== undefined))
}

function strictConstraints(pod: Frozen<Pod>): readonly Frozen<TopologySpreadConstraint>[] {
  return (pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === 'DoNotSchedule',
  )
}
