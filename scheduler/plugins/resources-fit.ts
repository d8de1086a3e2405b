// NodeResourcesFit: what the pod requests is still there; nodes with more left come first, unless a strategy says otherwise
// (plugins/noderesources/fit.go and least_allocated.go; CPU and memory weigh the same).

import type { Node, Pod } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { type Change, highestScore, type Plugin, type RefusalReasons } from '../plugin.ts'
import { needsOf, type Resources, resourcesOf } from '../requests.ts'
import { type ScoringStrategy, strategyScore } from '../scoring-strategy.ts'
import type { NodeView } from '../snapshot.ts'

export interface NodeResourcesFitArgs {
  /** Extended resources that are not looked at: by name, and all of a domain. */
  readonly ignoredResources?: readonly string[]
  readonly ignoredResourceGroups?: readonly string[]
  readonly scoringStrategy?: ScoringStrategy
}

export function nodeResourcesFitWith(args: NodeResourcesFitArgs): Plugin {
  const { ignoredResources = [], ignoredResourceGroups = [], scoringStrategy } = args
  const names = new Set(ignoredResources)
  const groups = new Set(ignoredResourceGroups)
  const isIgnored = (name: string): boolean =>
    names.has(name) || groups.has(name.slice(0, Math.max(0, name.indexOf('/'))))
  return {
    ...nodeResourcesFit,
    prepare: (pod, snapshot) => {
      const needs = snapshot.needs(pod)
      const { requests } = needs
      const counted = requests.scalars && new Map([...requests.scalars].filter(([name]) => !isIgnored(name)))
      const wanted = { ...requests, scalars: counted?.size ? counted : undefined }
      const judge = nodeResourcesFit.prepare(pod, snapshot)
      return {
        ...judge,
        filter: node => insufficient(wanted, node),
        ...(scoringStrategy && { score: strategyScore(scoringStrategy, needs) }),
      }
    },
  }
}

export const nodeResourcesFit: Plugin = {
  name: 'NodeResourcesFit',
  wakes: [Pods, Nodes],
  helps: (pod, change: Change) =>
    change.kind === Pods ? freesAnything(change as Change<Pod>) : offersEnough(pod, change as Change<Node>),
  prepare: (pod, snapshot) => {
    const { requests, likelyMilliCpu, likelyMemory } = snapshot.needs(pod)
    return {
      filter: node => insufficient(requests, node),
      score: ({ allocatable, likelyMilliCpu: cpu, likelyMemory: memory }) =>
        leastAllocated(
          unusedShare(cpu + likelyMilliCpu, allocatable.milliCpu),
          unusedShare(memory + likelyMemory, allocatable.memory),
        ),
    }
  },
}

const tooManyPods = reasonsOf(['Too many pods'], false)

function insufficient(wanted: Resources, node: NodeView): RefusalReasons | undefined {
  const { allocatable, requested } = node
  const hasRoom = node.podCount < node.allowedPods
  if (
    hasRoom &&
    wanted.milliCpu <= allocatable.milliCpu - requested.milliCpu &&
    wanted.memory <= allocatable.memory - requested.memory &&
    wanted.ephemeralStorage <= allocatable.ephemeralStorage - requested.ephemeralStorage &&
    wanted.scalars === undefined
  ) {
    return undefined
  }
  return lacks(wanted, node, hasRoom)
}

/** Found wanting in one thing, a node is told all that it lacks. */
function lacks(wanted: Resources, { allocatable, requested }: NodeView, hasRoom: boolean): RefusalReasons | undefined {
  const reasons: string[] = hasRoom ? [] : ['Too many pods']
  let isFinal = false
  const check = (name: string, want: number, has: number, used: number): void => {
    if (want <= 0 || want <= has - used) return
    reasons.push(`Insufficient ${name}`)
    if (want > has) isFinal = true
  }
  check('cpu', wanted.milliCpu, allocatable.milliCpu, requested.milliCpu)
  check('memory', wanted.memory, allocatable.memory, requested.memory)
  check('ephemeral-storage', wanted.ephemeralStorage, allocatable.ephemeralStorage, requested.ephemeralStorage)
  for (const [name, want] of wanted.scalars ?? []) {
    check(name, want, allocatable.scalars?.get(name) ?? 0, requested.scalars?.get(name) ?? 0)
  }
  if (reasons.length === 0) return undefined
  if (reasons.length === 1 && !hasRoom) return tooManyPods
  return reasonsOf(reasons, isFinal)
}

function reasonsOf(reasons: readonly string[], isFinal: boolean): RefusalReasons {
  return { reasons, isFinal }
}

/** What would be left, of a hundred. */
function unusedShare(used: number, capacity: number): number | undefined {
  if (capacity === 0) return undefined
  return used > capacity ? 0 : Math.floor(((capacity - used) * highestScore) / capacity)
}

function leastAllocated(cpu: number | undefined, memory: number | undefined): number {
  if (cpu === undefined || memory === undefined) return cpu ?? memory ?? 0
  return Math.floor((cpu + memory) / 2)
}

/** A pod that went, or shrank in place, leaves room. */
function freesAnything({ now, before }: Change<Pod>): boolean {
  if (before === undefined) return false
  if (now === undefined) return true
  const isResized = ({ status }: Frozen<Pod>): boolean =>
    status.containerStatuses?.some(each => each.resources) ?? false
  if (!isResized(now) && !isResized(before) && jsonEqual(now.spec.containers, before.spec.containers)) return false
  const [is, was] = [needsOf(now).requests, needsOf(before).requests]
  return (
    is.milliCpu < was.milliCpu ||
    is.memory < was.memory ||
    [...(was.scalars ?? [])].some(([name, amount]) => (is.scalars?.get(name) ?? 0) < amount)
  )
}

/** A node that came or grew helps if it could hold the pod, were it empty. */
function offersEnough(pod: Frozen<Pod>, { now, before }: Change<Node>): boolean {
  if (now === undefined || (before && jsonEqual(now.status.allocatable, before.status.allocatable))) return false
  const wanted = needsOf(pod).requests
  const has = resourcesOf(now.status.allocatable)
  if (wanted.milliCpu > has.milliCpu || wanted.memory > has.memory) return false
  if (wanted.ephemeralStorage > has.ephemeralStorage) return false
  for (const [name, want] of wanted.scalars ?? []) if (want > (has.scalars?.get(name) ?? 0)) return false
  return true
}
