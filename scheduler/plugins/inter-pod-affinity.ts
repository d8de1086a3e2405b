// InterPodAffinity: required affinity and anti-affinity between the pod and those that run already, in both directions;
// preferred terms, and others' required affinity, count as scores (plugins/interpodaffinity/{filtering,scoring}.go).

import type { Namespace, Node, Pod } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Namespaces } from '../../src/kinds/namespace.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { type AffinityTerm, affinityOf, type NamespaceLabels, type PodAffinities } from '../affinity-terms.ts'
import { type Change, highestScore, type Judge, type Plugin, type RefusalReasons } from '../plugin.ts'
import type { Domains, Snapshot } from '../snapshot.ts'

export interface InterPodAffinityArgs {
  /** What another pod's required affinity, met by this pod, counts in its score. */
  readonly hardPodAffinityWeight?: number
  readonly ignorePreferredTermsOfExistingPods?: boolean
}

// No pod's going brings the wanted company; its coming would.
const affinityUnmet: RefusalReasons = { reasons: ["node(s) didn't match pod affinity rules"], isFinal: true }
const antiAffinityUnmet = "node(s) didn't match pod anti-affinity rules"
const unwelcome = "node(s) didn't satisfy existing pods anti-affinity rules"

export function interPodAffinityWith(args: InterPodAffinityArgs): Plugin {
  return {
    name: 'InterPodAffinity',
    weight: 2,
    wakes: [Pods, Nodes, Namespaces],
    helps,
    prepare: (pod, snapshot) => {
      const { affinity } = snapshot.needs(pod)
      return { ...strictly(pod, affinity, snapshot), ...softly(pod, affinity, snapshot, args) }
    },
  }
}

export const interPodAffinity: Plugin = interPodAffinityWith({})

/** A number for each domain of a label. */
class Sums {
  readonly values: number[]
  readonly #domains: Domains

  constructor(domains: Domains) {
    this.#domains = domains
    this.values = new Array<number>(domains.values.length).fill(0)
  }

  /** Undefined where the node has no such label. */
  at(slot: number): number | undefined {
    const domain = this.#domains.of[slot] ?? -1
    return domain < 0 ? undefined : this.values[domain]
  }

  add(slot: number, by: number): void {
    const domain = this.#domains.of[slot] ?? -1
    if (domain >= 0) this.values[domain]! += by
  }
}

const noTerms: readonly AffinityTerm[] = Object.freeze([])

// ---- what must hold

function strictly(pod: Frozen<Pod>, affinity: PodAffinities | undefined, snapshot: Snapshot): Judge {
  const labelsOf: NamespaceLabels = namespace => snapshot.namespaceLabels(namespace)
  const repelling = repelled(pod, snapshot, labelsOf)
  const { requiredAffinity: near = noTerms, requiredAntiAffinity: far = noTerms } = affinity ?? {}
  if (repelling.size + near.length + far.length === 0) return {}

  const matchesAll = (other: Frozen<Pod>): boolean => near.every(term => term.matches(other, labelsOf))
  const nearSums = near.map(term => new Sums(snapshot.domains(term.topologyKey)))
  const farSums = far.map(term => new Sums(snapshot.domains(term.topologyKey)))
  if (near.length > 0) {
    const key = `all of ${near.map(term => term.key).join()}`
    const tally = snapshot.census(key, matchesAll, near.some(isByNamespace))
    for (const { slot } of snapshot.nodes) {
      const count = tally.counts[slot]!
      if (count > 0) for (const sums of nearSums) sums.add(slot, count)
    }
  }
  far.forEach((term, index) => {
    const { counts } = countOf(term, snapshot, labelsOf)
    for (const { slot } of snapshot.nodes) if (counts[slot]! > 0) farSums[index]!.add(slot, counts[slot]!)
  })
  // The first of a group whose pods want each other's company may begin where it likes.
  const isFirst = (): boolean => nearSums.every(({ values }) => values.every(sum => sum === 0)) && matchesAll(pod)
  return {
    filter: ({ slot }) => {
      let hasCompany = true
      for (const sums of nearSums) {
        const sum = sums.at(slot)
        if (sum === undefined) return affinityUnmet
        if (sum <= 0) hasCompany = false
      }
      if (!hasCompany && !isFirst()) return affinityUnmet
      for (const sums of farSums) if ((sums.at(slot) ?? 0) > 0) return antiAffinityUnmet
      for (const sums of repelling.values()) if ((sums.at(slot) ?? 0) > 0) return unwelcome
      return undefined
    },
    moved: (other, { slot }, by) => {
      for (const term of affinityOf(other)?.requiredAntiAffinity ?? noTerms) {
        if (term.matches(pod, labelsOf)) repelling.get(term.topologyKey)?.add(slot, by)
      }
      if (near.length > 0 && matchesAll(other)) for (const sums of nearSums) sums.add(slot, by)
      far.forEach((term, index) => {
        if (term.matches(other, labelsOf)) farSums[index]!.add(slot, by)
      })
    },
  }
}

const isByNamespace = (term: AffinityTerm): boolean => term.looksAtNamespaces

function countOf(
  term: AffinityTerm,
  snapshot: Snapshot,
  labelsOf: NamespaceLabels,
): { readonly counts: readonly number[] } {
  // A preferred term counts the same pods whatever it weighs, but its key says its weight as well: two tallies at most.
  return snapshot.census(`term ${term.key}`, other => term.matches(other, labelsOf), term.looksAtNamespaces)
}

/** By topology key: where pods are that would not have this one near. */
function repelled(pod: Frozen<Pod>, snapshot: Snapshot, labelsOf: NamespaceLabels): Map<string, Sums> {
  const found = new Map<string, Sums>()
  for (const { term, bySlot } of snapshot.terms('requiredAntiAffinity')) {
    if (!term.matches(pod, labelsOf)) continue
    let sums = found.get(term.topologyKey)
    if (sums === undefined) {
      sums = new Sums(snapshot.domains(term.topologyKey))
      found.set(term.topologyKey, sums)
    }
    for (const [slot, count] of bySlot) sums.add(slot, count)
  }
  return found
}

// ---- what is preferred

function softly(
  pod: Frozen<Pod>,
  affinity: PodAffinities | undefined,
  snapshot: Snapshot,
  { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false }: InterPodAffinityArgs,
): Judge {
  const { preferredAffinity: drawn = noTerms, preferredAntiAffinity: driven = noTerms } = affinity ?? {}
  const labelsOf: NamespaceLabels = namespace => snapshot.namespaceLabels(namespace)
  const byKey = new Map<string, Sums>()
  const sumsOf = (key: string): Sums => {
    let sums = byKey.get(key)
    if (sums === undefined) {
      sums = new Sums(snapshot.domains(key))
      byKey.set(key, sums)
    }
    return sums
  }
  const ofHolders = (
    role: 'requiredAffinity' | 'preferredAffinity' | 'preferredAntiAffinity',
    factor: number,
  ): void => {
    for (const { term, bySlot } of snapshot.terms(role)) {
      if (!term.matches(pod, labelsOf)) continue
      const sums = sumsOf(term.topologyKey)
      const weight = role === 'requiredAffinity' ? factor : factor * term.weight
      for (const [slot, count] of bySlot) sums.add(slot, count * weight)
    }
  }
  const ofPod = (terms: readonly AffinityTerm[], factor: 1 | -1): void => {
    for (const term of terms) {
      const sums = sumsOf(term.topologyKey)
      const { counts } = countOf(term, snapshot, labelsOf)
      for (const { slot } of snapshot.nodes) if (counts[slot]! > 0) sums.add(slot, counts[slot]! * factor * term.weight)
    }
  }
  // Others' terms are looked through only when there is a choice to make; here it is only seen whether there are any.
  const isAnyone =
    drawn.length + driven.length > 0 ||
    (hardPodAffinityWeight > 0 && isMet(snapshot, 'requiredAffinity', pod, labelsOf)) ||
    (!ignorePreferredTermsOfExistingPods &&
      (isMet(snapshot, 'preferredAffinity', pod, labelsOf) || isMet(snapshot, 'preferredAntiAffinity', pod, labelsOf)))
  if (!isAnyone) return {}
  return {
    beforeScore: () => {
      byKey.clear()
      ofPod(drawn, 1)
      ofPod(driven, -1)
      if (hardPodAffinityWeight > 0) ofHolders('requiredAffinity', hardPodAffinityWeight)
      if (ignorePreferredTermsOfExistingPods) return
      ofHolders('preferredAffinity', 1)
      ofHolders('preferredAntiAffinity', -1)
    },
    score: ({ slot }) => {
      let score = 0
      for (const sums of byKey.values()) score += sums.at(slot) ?? 0
      return score
    },
    normalize: spread,
  }
}

function isMet(
  snapshot: Snapshot,
  role: 'requiredAffinity' | 'preferredAffinity' | 'preferredAntiAffinity',
  pod: Frozen<Pod>,
  labelsOf: NamespaceLabels,
): boolean {
  for (const { term } of snapshot.terms(role)) if (term.matches(pod, labelsOf)) return true
  return false
}

/** The least becomes 0, the most 100; all alike become 0. */
function spread(scores: number[]): void {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (const score of scores) {
    if (score < least) least = score
    if (score > most) most = score
  }
  const range = most - least
  for (let index = 0; index < scores.length; index++) {
    scores[index] = range > 0 ? Math.floor(highestScore * ((scores[index]! - least) / range)) : 0
  }
}

// ---- what could help

function helps(pod: Frozen<Pod>, change: Change): boolean {
  if (change.kind === Pods) return movesCompany(pod, change as Change<Pod>)
  if (change.kind === Nodes) return movesTopology(pod, change as Change<Node>)
  const { now, before } = change as Change<Namespace>
  if (jsonEqual(now?.metadata.labels, before?.metadata.labels)) return false
  const affinity = affinityOf(pod)
  return [...(affinity?.requiredAffinity ?? []), ...(affinity?.requiredAntiAffinity ?? [])].some(isByNamespace)
}

/** Wanted company came, or unwanted went; labels of either may have changed. */
function movesCompany(pod: Frozen<Pod>, { now, before }: Change<Pod>): boolean {
  if (now !== undefined && before !== undefined && jsonEqual(now.metadata.labels, before.metadata.labels)) return false
  // What namespaces are labelled with is not known here: a term that looks at them may match.
  const mayMatch = (term: AffinityTerm, other: Frozen<Pod>): boolean =>
    term.looksAtNamespaces ? term.selector.matches(other.metadata.labels) : term.matches(other, () => undefined)
  const { requiredAffinity = noTerms, requiredAntiAffinity = noTerms } = affinityOf(pod) ?? {}
  const isDrawnTo = (other: Frozen<Pod>): boolean =>
    requiredAffinity.length > 0 && requiredAffinity.every(term => mayMatch(term, other))
  if (now !== undefined && isDrawnTo(now)) return true
  if (before === undefined) return false
  return (
    isDrawnTo(before) ||
    requiredAntiAffinity.some(term => mayMatch(term, before)) ||
    (affinityOf(before)?.requiredAntiAffinity ?? noTerms).some(term => mayMatch(term, pod))
  )
}

/** A node came with the labels, or its labels changed. */
function movesTopology(pod: Frozen<Pod>, { now, before }: Change<Node>): boolean {
  if (now === undefined) return false
  if (before !== undefined && jsonEqual(now.metadata.labels, before.metadata.labels)) return false
  const near = affinityOf(pod)?.requiredAffinity ?? noTerms
  return near.every(({ topologyKey }) => now.metadata.labels?.[topologyKey] !== undefined)
}
