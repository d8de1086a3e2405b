// The pods of a DaemonSet: on which nodes one should run, how it is made for one node, which of those of a node stay, and
// which go or come in a rolling update. Pure. Rules: pkg/controller/daemon/{daemon_controller,update}.go and
// util/daemonset_util.go.

import type {
  Affinity,
  DaemonSet,
  Node,
  NodeSelector,
  Pod,
  PodSpec,
  PodTemplateSpec,
  Toleration,
} from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import { requiredNodes } from '../../src/api/node-selection.ts'
import { ownerReference } from '../../src/api/owners.ts'
import type { Millis } from '../../src/env/clock.ts'
import { DaemonSets } from '../../src/kinds/daemonset.ts'
import { availableAt, isReady, podFromTemplate } from './pods.ts'
import { revisionLabel } from './revisions.ts'
import { scaledValue } from './rollout.ts'
import { tolerates } from './taints.ts'

type Daemon = Frozen<DaemonSet>

// ---- which nodes

const tolerated: readonly (readonly [key: string, effect: string, onlyHostNetwork?: boolean])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
  ['node.kubernetes.io/network-unavailable', 'NoSchedule', true],
]

/** The template's tolerations and those of every daemon, which stays when its node is in trouble. */
function tolerationsOf(spec: Frozen<PodSpec>): Frozen<Toleration>[] {
  const all: Frozen<Toleration>[] = [...(spec.tolerations ?? [])]
  for (const [key, effect, onlyHostNetwork] of tolerated) {
    if (onlyHostNetwork && !spec.hostNetwork) continue
    const at = all.findIndex(
      each => each.key === key && each.effect === effect && each.operator === 'Exists' && !each.value,
    )
    all.splice(at < 0 ? all.length : at, at < 0 ? 0 : 1, { key, operator: 'Exists', effect })
  }
  return all
}

export interface Standing {
  /** One should run there. */
  readonly runs: boolean
  /** One that is there may stay. */
  readonly stays: boolean
}

/** What a DaemonSet says of a node (NodeShouldRunDaemonPod). Asked of many nodes: the template is looked at once. */
export function standingOn({ spec: { template } }: Daemon): (node: Frozen<Node>) => Standing {
  const spec = template.spec as Frozen<PodSpec>
  const isWanted = requiredNodes({ spec } as Frozen<Pod>)
  const tolerations = tolerationsOf(spec)
  const nowhere = { runs: false, stays: false }
  return ({ metadata, spec: { taints = [] } }) => {
    if (spec.nodeName && spec.nodeName !== metadata.name) return nowhere
    if (isWanted !== undefined && !isWanted({ name: metadata.name, labels: metadata.labels ?? {} })) return nowhere
    const refused = taints.filter(
      taint => taint.effect !== 'PreferNoSchedule' && !tolerations.some(toleration => tolerates(toleration, taint)),
    )
    if (refused.length === 0) return { runs: true, stays: true }
    return { runs: false, stays: refused.every(({ effect }) => effect !== 'NoExecute') }
  }
}

const nodeNameField = 'metadata.name'

/** The node that a pod is on, or is meant for. */
export function targetNode({ spec }: Frozen<Pod>): string | undefined {
  if (spec.nodeName) return spec.nodeName
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === nodeNameField && operator === 'In') return values.length === 1 ? values[0] : undefined
    }
  }
  return undefined
}

// ---- making one

/** A pod for one node; the scheduler puts it there. */
export function daemonPod(ds: Daemon, hash: string, node: string): NewObject<Pod> {
  const { name, namespace, annotations } = ds.metadata
  const template = ds.spec.template as Frozen<PodTemplateSpec>
  const pod = podFromTemplate(template, { name, namespace: namespace! }, ownerReference(ds, DaemonSets))
  const generation = annotations?.['deprecated.daemonset.template.generation']
  const labels = {
    ...pod.metadata.labels,
    ...(generation === undefined ? {} : { 'pod-template-generation': generation }),
    [revisionLabel]: hash,
  }
  const tolerations = tolerationsOf(pod.spec) as Toleration[]
  const spec = { ...pod.spec, affinity: affinityFor(pod.spec.affinity, node), tolerations }
  return { ...pod, metadata: { ...pod.metadata, labels }, spec }
}

/** What else the template requires of nodes was looked at before: this node has it. */
function affinityFor(affinity: Affinity | undefined, node: string): Affinity {
  const terms = [{ matchFields: [{ key: nodeNameField, operator: 'In', values: [node] }] }]
  const required: NodeSelector = { nodeSelectorTerms: terms }
  const nodeAffinity = { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required }
  return { ...affinity, nodeAffinity }
}

// ---- which of a node's pods stay

export const isUpdated = (ds: Daemon, pod: Frozen<Pod>, hash: string): boolean => {
  const generation = ds.metadata.annotations?.['deprecated.daemonset.template.generation']
  const { labels } = pod.metadata
  return labels?.[revisionLabel] === hash || (!!generation && labels?.['pod-template-generation'] === generation)
}

export function isAvailable(ds: Daemon, pod: Frozen<Pod>, now: Millis): boolean {
  const at = availableAt(pod, ds.spec.minReadySeconds ?? 0)
  return at !== undefined && (!ds.spec.minReadySeconds || at <= now)
}

/** Scheduled before unscheduled, then the older first. */
export function bySeniority(one: Frozen<Pod>, other: Frozen<Pod>): number {
  if (!!one.spec.nodeName !== !!other.spec.nodeName) return one.spec.nodeName ? -1 : 1
  const [left, right] = [one.metadata.creationTimestamp ?? '', other.metadata.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return one.metadata.name < other.metadata.name ? -1 : 1
}

/** Of several pods on a node those too many: with surge an old one may stay until the new one is available. */
export function excessPods(ds: Daemon, running: readonly Frozen<Pod>[], hash: string, now: Millis): Frozen<Pod>[] {
  if (running.length <= 1) return []
  const pods = [...running].sort(bySeniority)
  if (surgeOf(ds, 1) === 0) return pods.slice(1)
  const isNew = (pod: Frozen<Pod>): boolean => pod.metadata.labels?.[revisionLabel] === hash
  const newest = pods.find(isNew)
  const oldest = pods.find(pod => !isNew(pod))
  const excess = pods.filter(pod => pod !== newest && pod !== oldest)
  if (newest && oldest && (!isReady(oldest) || isAvailable(ds, newest, now))) excess.push(oldest)
  return excess
}

// ---- a rolling update

export function surgeOf({ spec: { updateStrategy } }: Daemon, nodes: number): number {
  if (updateStrategy?.type !== 'RollingUpdate') return 0
  return scaledValue(updateStrategy.rollingUpdate?.maxSurge, nodes, 'up')
}

function unavailableOf({ spec: { updateStrategy } }: Daemon, nodes: number): number {
  if (updateStrategy?.type !== 'RollingUpdate') return 0
  return scaledValue(updateStrategy.rollingUpdate?.maxUnavailable, nodes, 'up')
}

export interface NodeOfDaemons {
  readonly name: string
  /** One should run there. */
  readonly runs: boolean
  readonly pods: readonly Frozen<Pod>[]
}

export interface Step {
  readonly toDelete: readonly Frozen<Pod>[]
  /** Nodes that get a new pod beside their old one. */
  readonly toCreate: readonly string[]
}

/** What a rolling update may do now (rollingUpdate in update.go). `nodes`: in order of name. */
export function rollingStep(ds: Daemon, nodes: readonly NodeOfDaemons[], hash: string, now: Millis): Step {
  const desired = nodes.filter(({ runs }) => runs).length
  const surge = surgeOf(ds, desired)
  // Neither cannot be: then one may be unavailable.
  const unavailable = surge === 0 ? unavailableOf(ds, desired) || 1 : 0
  const pairs = nodes.map(node => ({ ...node, ...pairOf(ds, node.pods, hash) }))
  return surge === 0 ? replacing(ds, pairs, unavailable, now) : surging(ds, pairs, desired, surge, now)
}

interface Pair {
  readonly fresh: Frozen<Pod> | undefined
  readonly old: Frozen<Pod> | undefined
  /** More than one of a kind: that is cleared up first. */
  readonly isCrowded: boolean
}

function pairOf(ds: Daemon, pods: readonly Frozen<Pod>[], hash: string): Pair {
  const present = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const fresh = present.filter(pod => isUpdated(ds, pod, hash))
  const old = present.filter(pod => !isUpdated(ds, pod, hash))
  const isCrowded = fresh.length > 1 || old.length > 1
  return isCrowded ? { fresh: undefined, old: undefined, isCrowded } : { fresh: fresh[0], old: old[0], isCrowded }
}

/** Deletes old pods, new ones come afterwards. What is unavailable anyway goes without asking. */
function replacing(ds: Daemon, nodes: readonly Pair[], allowed: number, now: Millis): Step {
  let unavailable = 0
  const broken: Frozen<Pod>[] = []
  const candidates: Frozen<Pod>[] = []
  for (const { fresh, old, isCrowded } of nodes) {
    if (isCrowded || (fresh === undefined) === (old === undefined)) unavailable++
    else if (fresh !== undefined) unavailable += isAvailable(ds, fresh, now) ? 0 : 1
    else if (isAvailable(ds, old!, now)) candidates.push(old!)
    else {
      broken.push(old!)
      unavailable++
    }
  }
  return { toDelete: [...broken, ...candidates.slice(0, Math.max(0, allowed - unavailable))], toCreate: [] }
}

/** Makes new pods beside old ones, which go when the new ones are available. */
function surging(
  ds: Daemon,
  nodes: readonly (NodeOfDaemons & Pair)[],
  desired: number,
  allowed: number,
  now: Millis,
): Step {
  let surging = 0
  let available = 0
  const toDelete: Frozen<Pod>[] = []
  const misplaced: Frozen<Pod>[] = []
  const toCreate: string[] = []
  const candidates: string[] = []
  for (const { name, runs, fresh, old, isCrowded } of nodes) {
    if (isCrowded) {
      surging++
      continue
    }
    const standing = old ?? fresh
    if (standing !== undefined && isAvailable(ds, standing, now)) available++
    if (old === undefined) continue
    if (fresh !== undefined) {
      if (isAvailable(ds, fresh, now)) toDelete.push(old)
      else surging++
    } else if (isAvailable(ds, old, now)) {
      if (runs) candidates.push(name)
      else misplaced.push(old)
    } else if (runs) toCreate.push(name)
    else toDelete.push(old)
  }
  // What runs where it should not any more goes only as others become available in its place.
  toDelete.push(...misplaced.slice(0, Math.max(0, available - desired)))
  toCreate.push(...candidates.slice(0, Math.max(0, allowed - surging)))
  return { toDelete, toCreate }
}

/** Whether a change of a node can matter to a DaemonSet. */
export function nodeMatters(now: Frozen<Node>, before: Frozen<Node>): boolean {
  return !jsonEqual(now.metadata.labels, before.metadata.labels) || !jsonEqual(now.spec.taints, before.spec.taints)
}
