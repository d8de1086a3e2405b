// POST …/scheduling: what would the scheduler say of a pod – one that is there, or one that is not yet – with this pod or
// these nodes changed? Asked of the scheduler's own code, upon the cluster as it is or was; nothing is written. Called by
// own-paths.ts.

import { applyPatch } from '../../apiserver/registry/apply-patch.ts'
import type { Registry } from '../../apiserver/registry/registry.ts'
import type { Node, Pod } from '../../generated/types.ts'
import { defaultSchedulerName } from '../../scheduler/configuration.ts'
import { schedulerParts } from '../../scheduler/index.ts'
import { kindsLookedAt } from '../../scheduler/scheduler.ts'
import { type ListerOf, snapshotFor, type Verdicts, verdictsOf } from '../../scheduler/what-if.ts'
import { badRequest, notFound } from '../api/errors.ts'
import { draft, freeze } from '../api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import { quantityFault } from '../api/quantity.ts'
import type { NodeChange } from '../api/what-if-words.ts'
import type { Cluster } from '../cluster.ts'
import { createDeviceSelectors } from '../device-selectors.ts'
import type { Kind } from '../kinds/kind.ts'
import { Nodes } from '../kinds/node.ts'
import { Pods } from '../kinds/pod.ts'
import { Cache } from '../runtime/cache.ts'
import { revisionOf } from '../timeline.ts'

/** What is posted: `pod` or `manifest`. */
export interface SchedulingQuestion {
  readonly pod?: { readonly namespace?: string; readonly name: string }
  /** One that is not there; what it leaves out is filled in as on creation. */
  readonly manifest?: object
  /** A strategic merge patch of the pod. */
  readonly changes?: object
  readonly nodes?: readonly NodeChange[]
  /** As of then: a revision, a time, `5m-ago`. Default: now. */
  readonly at?: string
}

export interface SchedulingAnswer extends Verdicts {
  readonly kind: 'SchedulingAnswer'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly revision: number
  readonly pod: { readonly namespace: string; readonly name: string; readonly node?: string }
  /** It is not tried at all while it has these. */
  readonly gates?: readonly string[]
}

/** Throws ApiError. */
export async function answerScheduling(cluster: Cluster, body: unknown): Promise<SchedulingAnswer> {
  const question = asked(body)
  const { storage, env, server } = cluster
  const revision = revisionOf(storage, question.at ?? 'now', env.clock.now())
  const isPast = question.at !== undefined && revision !== storage.revision
  const past = isPast ? server.past.at(revision) : undefined
  await past?.ready
  const registry = past?.registry ?? server.registry
  const configuration = cluster.schedulerConfiguration
  const { profiles, extenders } = schedulerParts({ configuration, deviceSelectors: createDeviceSelectors() })
  const given = await podOf(cluster, registry, question)
  const wanted = given.spec.schedulerName ?? defaultSchedulerName
  const profile = profiles.find(({ schedulerName }) => schedulerName === wanted)
  if (profile === undefined) {
    const names = profiles.map(({ schedulerName }) => `"${schedulerName}"`).join(', ')
    throw badRequest(`no scheduler here is named "${wanted}": there is ${names}`)
  }
  const lister = listersOf(registry, kindsLookedAt(profile.plugins), nodesAfter(registry, question.nodes ?? []))
  const { nodeName, ...spec } = given.spec
  // As it was before it had a node: what a node has given it bears on what it needs there.
  const { resourceClaimStatuses } = given.status
  const status = { phase: 'Pending', ...(resourceClaimStatuses && { resourceClaimStatuses }) }
  const pod = freeze({ ...given, spec, status } as Pod)
  const verdicts = await verdictsOf(pod, snapshotFor(pod, lister), profile, extenders)
  const { namespace = '', name } = pod.metadata
  const gates = profile.heedsGates ? (spec.schedulingGates ?? []).map(each => each.name) : []
  return {
    kind: 'SchedulingAnswer',
    apiVersion: 'kubesim.dev/v1alpha1',
    revision,
    pod: { namespace, name, ...(nodeName ? { node: nodeName } : {}) },
    ...(gates.length > 0 && { gates }),
    ...verdicts,
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function asked(body: unknown): SchedulingQuestion {
  const { pod, manifest, changes, nodes, at } = body as Record<string, unknown>
  const isNamed = isObject(pod) && typeof pod.name === 'string'
  if (isNamed === isObject(manifest)) {
    throw badRequest('which pod? It takes "pod": {"namespace":…,"name":…}, or "manifest": a whole one')
  }
  if (changes !== undefined && !isObject(changes)) throw badRequest('"changes" is a patch of the pod')
  if (at !== undefined && typeof at !== 'string') throw badRequest('"at" is a point in time, such as "5m-ago"')
  if (nodes !== undefined && !(Array.isArray(nodes) && nodes.every(isNodeChange))) {
    const words = 'name, like, taints, labels, allocatable, unschedulable, gone'
    throw badRequest(`"nodes" is a list of changes of nodes, each with some of ${words}`)
  }
  return body as SchedulingQuestion
}

function isNodeChange(value: unknown): boolean {
  if (!isObject(value) || typeof value.name !== 'string') return false
  const { like, taints, labels, allocatable, unschedulable, gone } = value
  const isOptional = (each: unknown, type: string): boolean => each === undefined || typeof each === type
  const texts = (each: unknown, test: (text: unknown) => boolean): boolean =>
    each === undefined || (isObject(each) && Object.values(each).every(test))
  return (
    isOptional(like, 'string') &&
    isOptional(unschedulable, 'boolean') &&
    isOptional(gone, 'boolean') &&
    texts(labels, text => text === null || typeof text === 'string') &&
    texts(allocatable, text => typeof text === 'string' && quantityFault(text) === undefined) &&
    (taints === undefined || (Array.isArray(taints) && taints.every(isTaint)))
  )
}

function isTaint(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.key === 'string' &&
    ['NoSchedule', 'PreferNoSchedule', 'NoExecute'].includes(String(value.effect)) &&
    (value.value === undefined || typeof value.value === 'string')
  )
}

function objectAt<T extends KubeObject>(registry: Registry, kind: Kind<T>, ref: Ref): Frozen<T> {
  return registry.of(kind).get(ref).object as unknown as Frozen<T>
}

function objectsOf<T extends KubeObject>(registry: Registry, kind: Kind<T>): readonly Frozen<T>[] {
  return registry
    .of(kind)
    .list({})
    .items.map(({ object }) => object as unknown as Frozen<T>)
}

/** One that is changed, or new, is what the API server would make of it. Throws its refusal. */
async function podOf(
  cluster: Cluster,
  registry: Registry,
  { pod: named, manifest, changes }: SchedulingQuestion,
): Promise<Frozen<Pod>> {
  if (named !== undefined) {
    const { namespace = 'default', name } = named
    const found = objectAt(registry, Pods, { namespace, name })
    if (changes === undefined) return found
    const changed = applyPatch(Pods, found, { type: 'strategic', body: changes }) as Frozen<Pod>
    const made = await asCreated(cluster, changed)
    const { uid } = found.metadata
    const { nodeName } = found.spec
    return {
      ...made,
      metadata: { ...made.metadata, name, ...(uid ? { uid } : {}) },
      spec: { ...made.spec, ...(nodeName ? { nodeName } : {}) },
      status: found.status,
    }
  }
  const given = manifest as Frozen<Pod>
  if (given.kind !== undefined && given.kind !== 'Pod') throw badRequest(`"manifest" is a Pod, not a ${given.kind}`)
  return asCreated(cluster, changes ? applyPatch(Pods, given, { type: 'strategic', body: changes }) : given)
}

/** A dry run, under a name that nobody has. What admission works out – a class's priority – it works out anew. */
async function asCreated({ client }: Cluster, wanted: Frozen<Pod>): Promise<Frozen<Pod>> {
  const { name, namespace = 'default', labels, annotations, ownerReferences } = wanted.metadata ?? {}
  const { nodeName: _, priority, preemptionPolicy, ...spec } = draft(wanted.spec ?? {}) as Pod['spec']
  const metadata = { generateName: 'what-if-', namespace, labels, annotations, ownerReferences }
  const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec } as unknown as Pod
  const made = await client.of(Pods).create(body, { dryRun: true })
  return {
    ...made,
    metadata: { ...made.metadata, name: name ?? 'what-if' },
    spec: {
      ...made.spec,
      ...(spec.priorityClassName || priority === undefined ? {} : { priority }),
      ...(preemptionPolicy === undefined ? {} : { preemptionPolicy }),
    },
  }
}

const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Throws ApiError NotFound. */
function nodesAfter(registry: Registry, changes: readonly NodeChange[]): readonly Frozen<Node>[] {
  const there = new Map(objectsOf(registry, Nodes).map(node => [node.metadata.name, node]))
  const nodes = new Map(there)
  for (const change of changes) {
    const { name, like, gone } = change
    const node = (like === undefined ? nodes.get(name) : there.get(like)) ?? absent(like ?? name)
    if (gone) nodes.delete(name)
    else nodes.set(name, changedNode(node, change))
  }
  return [...nodes.values()]
}

function absent(name: string): never {
  throw notFound(Nodes, name)
}

function changedNode(node: Frozen<Node>, change: NodeChange): Frozen<Node> {
  const { name, labels, allocatable, unschedulable = node.spec.unschedulable ?? false } = change
  const given = { ...node.metadata.labels, ...(change.like ? { 'kubernetes.io/hostname': name } : {}), ...labels }
  const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
  // What the node lifecycle controller would do about a cordon.
  const taints = (change.taints ?? node.spec.taints ?? []).filter(({ key }) => key !== cordon.key)
  return freeze({
    ...node,
    metadata: { ...node.metadata, name, labels: kept },
    spec: { ...node.spec, unschedulable, taints: unschedulable ? [...taints, cordon] : taints },
    status: { ...node.status, allocatable: { ...node.status.allocatable, ...allocatable } },
  } as Node)
}

function listersOf(registry: Registry, kinds: readonly Kind<any>[], nodes: readonly Frozen<Node>[]): ListerOf {
  const caches = new Map<Kind<any>, Cache<any>>()
  for (const kind of kinds) {
    const cache = new Cache<any>()
    cache.replace(kind === Nodes ? nodes : objectsOf(registry, kind))
    caches.set(kind, cache)
  }
  return <T extends KubeObject>(kind: Kind<T>): Cache<T> => {
    const cache = caches.get(kind)
    if (cache === undefined) throw new Error(`no rule says that it reads ${kind.resource}`)
    return cache
  }
}
