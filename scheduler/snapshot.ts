// What the scheduler knows of the nodes: their pods, what is left on them, how pods are spread. Kept up to date change by
// change, never rebuilt for a cycle; pods that are assumed to run somewhere count like those seen there.
// Called by scheduler.ts with changes, and by the plugins through NodeView and Snapshot for reading.

import type { Node, Pod, Taint } from '../generated/types.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Labels, Selector } from '../src/api/labels.ts'
import type { Frozen, KubeObject } from '../src/api/meta.ts'
import { wholeValue } from '../src/api/quantity.ts'
import type { Kind } from '../src/kinds/kind.ts'
import type { Lister } from '../src/runtime/informer.ts'
import type { AffinityTerm, TermRole } from './affinity-terms.ts'
import { add, needsOf, nothing, type PodNeeds, type Resources, resourcesOf } from './requests.ts'

/** A node as a plugin sees it, with all that is on it. */
export interface NodeView {
  readonly name: string
  readonly node: Frozen<Node>
  readonly labels: Readonly<Record<string, string>>
  readonly taints: readonly Frozen<Taint>[]
  readonly allocatable: Readonly<Resources>
  readonly allowedPods: number
  readonly requested: Readonly<Resources>
  /** Requested CPU and memory, counting a little for containers that name none. */
  readonly likelyMilliCpu: number
  readonly likelyMemory: number
  readonly podCount: number
  /** Those that run, or are assumed to run, here. */
  readonly pods: Iterable<Frozen<Pod>>
  /** The images that are here already, with their sizes in bytes. */
  readonly images: ReadonlyMap<string, number>
  /** Its place in the arrays of tallies and domains. */
  readonly slot: number
  /** Whether another pod of this node holds the port. */
  usesPort(ip: string, protocol: string, port: number): boolean
}

/** How many pods of some sort each node has; by slot. */
export interface Tally {
  readonly counts: readonly number[]
}

/** Pods whose affinity says the same of others: how many of them each node has, by slot, of those nodes that have any. */
export interface TermHolders {
  readonly term: AffinityTerm
  readonly bySlot: ReadonlyMap<number, number>
}

/** The values of one label over the nodes. */
export interface Domains {
  readonly values: readonly string[]
  /** By slot: the index of the node's value, -1 where it has none. */
  readonly of: readonly number[]
}

export interface Snapshot {
  /** In the order in which they are tried: zone by zone in turn. */
  readonly nodes: readonly NodeView[]
  node(name: string): NodeView | undefined
  needs(pod: Frozen<Pod>): PodNeeds
  /** Pods of a namespace, matched by a selector and not ending. */
  tally(namespace: string, selector: Selector): Tally
  /** Pods of whatever sort; the same key must always mean the same sort. `namespaceLabels` says that they bear on it. */
  census(key: string, counts: (pod: Frozen<Pod>) => boolean, byNamespaceLabels?: boolean): Tally
  /** What the affinities of pods that have a node say of others. */
  terms(role: TermRole): Iterable<TermHolders>
  namespaceLabels(namespace: string): Labels | undefined
  /** On how many nodes an image is. */
  imageSpread(image: string): number
  /** Pods that are to run on a node once those that are evicted for them have gone. */
  nominated(node: string): readonly Frozen<Pod>[]
  /** What a reservation has promised of a thing that can be had once, and to whom. */
  promised(what: string): string | undefined
  /** Other objects of the cluster, as far as the scheduler follows them. */
  lister<T extends KubeObject>(kind: Kind<T>): Lister<T>
  domains(label: string): Domains
  /** What the pod's owner and its Services select pods by; undefined if nothing does. */
  siblings(pod: Frozen<Pod>): Selector | undefined
}

/** Where the snapshot finds what is no pod and no node. */
export interface Surroundings {
  siblings?(pod: Frozen<Pod>): Selector | undefined
  namespaceLabels?(namespace: string): Labels | undefined
  lister?<T extends KubeObject>(kind: Kind<T>): Lister<T>
}

export class LiveSnapshot implements Snapshot {
  readonly #states = new Map<string, NodeState>()
  readonly #pods = new Map<string, Placed>()
  readonly #tallies = new Map<string, LiveTally>()
  readonly #domains = new Map<string, Domains>()
  readonly #terms: Record<TermRole, Map<string, LiveHolders>> = {
    requiredAffinity: new Map(),
    requiredAntiAffinity: new Map(),
    preferredAffinity: new Map(),
    preferredAntiAffinity: new Map(),
  }
  readonly #images = new Map<string, number>()
  readonly #nominations = new Map<string, Nomination>()
  readonly #nominated = new Map<string, Frozen<Pod>[]>()
  readonly #promises = new Map<string, string>()
  readonly #freeSlots: number[] = []
  readonly #around: Surroundings
  #slots = 0
  #ordered: readonly NodeState[] | undefined
  /** The needs of the pod that is being placed are asked for by many. */
  #asked: { readonly pod: Frozen<Pod>; readonly needs: PodNeeds } | undefined

  constructor(around: Surroundings = {}) {
    this.#around = around
  }

  // ---- reading

  get nodes(): readonly NodeView[] {
    this.#ordered ??= zoneByZone([...this.#states.values()].filter(state => state.isPresent))
    return this.#ordered
  }

  node(name: string): NodeView | undefined {
    const state = this.#states.get(name)
    return state?.isPresent ? state : undefined
  }

  needs(pod: Frozen<Pod>): PodNeeds {
    if (this.#asked?.pod !== pod) this.#asked = { pod, needs: this.#pods.get(keyOf(pod))?.needs ?? needsOf(pod) }
    return this.#asked.needs
  }

  tally(namespace: string, selector: Selector): Tally {
    return this.census(`${namespace}\n${selector}`, ({ metadata }) => {
      return (
        metadata.namespace === namespace &&
        metadata.deletionTimestamp === undefined &&
        selector.matches(metadata.labels)
      )
    })
  }

  /** Counted once over all pods when first asked for, then kept; the least recently used are given up. */
  census(key: string, counts: (pod: Frozen<Pod>) => boolean, byNamespaceLabels = false): Tally {
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      tally = new LiveTally(counts, byNamespaceLabels, this.#slots)
      for (const { pod, state } of this.#pods.values()) tally.count(pod, state.slot, 1)
      if (this.#tallies.size >= mostTallies) this.#tallies.delete(this.#tallies.keys().next().value!)
    } else {
      this.#tallies.delete(key)
    }
    this.#tallies.set(key, tally)
    return tally
  }

  domains(label: string): Domains {
    let domains = this.#domains.get(label)
    if (domains === undefined) {
      domains = domainsOf(label, this.nodes, this.#slots)
      this.#domains.set(label, domains)
    }
    return domains
  }

  terms(role: TermRole): Iterable<TermHolders> {
    return this.#terms[role].values()
  }

  siblings(pod: Frozen<Pod>): Selector | undefined {
    return this.#around.siblings?.(pod)
  }

  namespaceLabels(namespace: string): Labels | undefined {
    return this.#around.namespaceLabels?.(namespace)
  }

  imageSpread(image: string): number {
    return this.#images.get(image) ?? 0
  }

  get hasNominations(): boolean {
    return this.#nominations.size > 0
  }

  nominated(node: string): readonly Frozen<Pod>[] {
    return this.#nominated.get(node) ?? nobody
  }

  promised(what: string): string | undefined {
    return this.#promises.get(what)
  }

  lister<T extends KubeObject>(kind: Kind<T>): Lister<T> {
    if (this.#around.lister === undefined) throw new Error(`this snapshot knows no ${kind.resource}`)
    return this.#around.lister(kind)
  }

  // ---- changing

  /** Until the returned function is called. */
  promise(what: string, to: string): () => void {
    this.#promises.set(what, to)
    return () => {
      if (this.#promises.get(what) === to) this.#promises.delete(what)
    }
  }

  /** Labels of a namespace changed: what was counted by them is not true any more. */
  namespaceChanged(): void {
    for (const [key, { byNamespaceLabels }] of this.#tallies) if (byNamespaceLabels) this.#tallies.delete(key)
  }

  /** The pod shall have that node, when there is room; undefined takes it back. */
  nominate(pod: Frozen<Pod>, node: string | undefined): void {
    const key = keyOf(pod)
    const old = this.#nominations.get(key)
    if (old !== undefined) {
      const left = this.#nominated.get(old.node)!.filter(each => each !== old.pod)
      if (left.length > 0) this.#nominated.set(old.node, left)
      else this.#nominated.delete(old.node)
      this.#nominations.delete(key)
    }
    if (node === undefined) return
    this.#nominations.set(key, { pod, node, needs: undefined })
    this.#nominated.set(node, [...(this.#nominated.get(node) ?? []), pod])
  }

  nominationOf(pod: Frozen<Pod>): string | undefined {
    return this.#nominations.get(keyOf(pod))?.node
  }

  setNode(node: Frozen<Node>): void {
    const state = this.#stateOf(node.metadata.name)
    const wasPresent = state.isPresent
    const oldLabels = state.labels
    this.#setImages(state, node)
    state.setNode(node)
    const labels = state.labels
    if (!wasPresent || !sameLabels(oldLabels, labels)) this.#domains.clear()
    if (!wasPresent || zoneOf(oldLabels) !== zoneOf(labels)) this.#ordered = undefined
  }

  removeNode(name: string): void {
    const state = this.#states.get(name)
    if (state === undefined) return
    this.#setImages(state, undefined)
    state.setNode(undefined)
    this.#ordered = undefined
    this.#domains.clear()
    this.#dropIfEmpty(state)
  }

  /** The pod runs, or is assumed to run, on that node, whether or not the node is known; replaces what was known of it. */
  putPod(pod: Frozen<Pod>, nodeName: string): void {
    const key = keyOf(pod)
    const old = this.#pods.get(key)
    if (old !== undefined) this.#remove(key, old)
    const needs = (old && sameNeeds(old, pod)) ?? (this.#asked?.pod === pod ? this.#asked.needs : needsOf(pod))
    this.#put(key, { pod, needs, state: this.#stateOf(nodeName) })
    if (old !== undefined) this.#dropIfEmpty(old.state)
  }

  removePod(pod: Frozen<Pod>): void {
    const key = keyOf(pod)
    const placed = this.#pods.get(key)
    if (placed === undefined) return
    this.#remove(key, placed)
    this.#dropIfEmpty(placed.state)
  }

  /** Only in thought: the pod is not there, until the returned function is called. */
  without(pod: Frozen<Pod>): () => void {
    const key = keyOf(pod)
    const placed = this.#pods.get(key)
    if (placed === undefined) return () => {}
    this.#remove(key, placed)
    return () => this.#put(key, placed)
  }

  /** Only in thought: the pod is there as well, until the returned function is called. */
  with(pod: Frozen<Pod>, nodeName: string): () => void {
    const key = keyOf(pod)
    const state = this.#states.get(nodeName)
    if (state === undefined || this.#pods.has(key)) return () => {}
    const placed = { pod, needs: this.#needsOfNominated(key, pod), state }
    this.#put(key, placed)
    return () => this.#remove(key, placed)
  }

  /** Worked out once: it is thought of as being there again and again. */
  #needsOfNominated(key: string, pod: Frozen<Pod>): PodNeeds {
    const nomination = this.#nominations.get(key)
    if (nomination === undefined) return needsOf(pod)
    nomination.needs ??= needsOf(pod)
    return nomination.needs
  }

  #put(key: string, placed: Placed): void {
    const { pod, needs, state } = placed
    this.#pods.set(key, placed)
    state.put(key, pod)
    state.count(needs, 1)
    for (const tally of this.#tallies.values()) tally.count(pod, state.slot, 1)
    this.#countTerms(placed, 1)
  }

  #remove(key: string, placed: Placed): void {
    const { pod, needs, state } = placed
    this.#pods.delete(key)
    state.remove(key)
    state.count(needs, -1)
    for (const tally of this.#tallies.values()) tally.count(pod, state.slot, -1)
    this.#countTerms(placed, -1)
  }

  #countTerms({ needs: { affinity }, state: { slot } }: Placed, by: 1 | -1): void {
    if (affinity === undefined) return
    for (const role of Object.keys(affinity) as TermRole[]) {
      const groups = this.#terms[role]
      for (const term of affinity[role]) {
        let group = groups.get(term.key)
        if (group === undefined) {
          group = { term, bySlot: new Map() }
          groups.set(term.key, group)
        }
        const count = (group.bySlot.get(slot) ?? 0) + by
        if (count > 0) group.bySlot.set(slot, count)
        else group.bySlot.delete(slot)
        if (group.bySlot.size === 0) groups.delete(term.key)
      }
    }
  }

  #setImages(state: NodeState, node: Frozen<Node> | undefined): void {
    const images = node?.status.images
    if (jsonEqual(images, state.imageList)) return
    for (const name of state.images.keys()) {
      const left = (this.#images.get(name) ?? 0) - 1
      if (left > 0) this.#images.set(name, left)
      else this.#images.delete(name)
    }
    state.setImages(images)
    for (const name of state.images.keys()) this.#images.set(name, (this.#images.get(name) ?? 0) + 1)
  }

  nodeOfPod(pod: Frozen<Pod>): string | undefined {
    return this.#pods.get(keyOf(pod))?.state.name
  }

  #stateOf(name: string): NodeState {
    let state = this.#states.get(name)
    if (state === undefined) {
      state = new NodeState(name, this.#freeSlots.pop() ?? this.#slots++)
      this.#states.set(name, state)
      for (const tally of this.#tallies.values()) tally.reset(state.slot)
    }
    return state
  }

  /** A node that is gone is remembered as long as pods are bound to it, in case it comes back. */
  #dropIfEmpty(state: NodeState): void {
    if (state.isPresent || state.podCount > 0) return
    this.#states.delete(state.name)
    this.#freeSlots.push(state.slot)
  }
}

const mostTallies = 256

const nobody: readonly never[] = Object.freeze([])

interface Nomination {
  readonly pod: Frozen<Pod>
  readonly node: string
  needs: PodNeeds | undefined
}

interface LiveHolders {
  readonly term: AffinityTerm
  readonly bySlot: Map<number, number>
}

interface Placed {
  readonly pod: Frozen<Pod>
  readonly needs: PodNeeds
  readonly state: NodeState
}

/** What it needed before, if nothing that counts has changed. */
function sameNeeds({ pod: before, needs }: Placed, now: Frozen<Pod>): PodNeeds | undefined {
  if (before.spec.containers !== now.spec.containers) return undefined
  const isResized = (pod: Frozen<Pod>): boolean =>
    pod.status.containerStatuses?.some(({ resources, allocatedResources }) => resources ?? allocatedResources) ?? false
  return isResized(before) || isResized(now) ? undefined : needs
}

const keyOf = (pod: Frozen<Pod>): string => pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`

const noTaints: readonly Frozen<Taint>[] = Object.freeze([])
const noImages: ReadonlyMap<string, number> = new Map()
const noLabels: Readonly<Record<string, string>> = Object.freeze({})

class NodeState implements NodeView {
  readonly name: string
  readonly slot: number
  labels = noLabels
  taints = noTaints
  allocatable: Resources = nothing()
  allowedPods = 0
  readonly requested: Resources = nothing()
  likelyMilliCpu = 0
  likelyMemory = 0
  podCount = 0
  images: ReadonlyMap<string, number> = noImages
  imageList: Frozen<Node>['status']['images']
  readonly #pods = new Map<string, Frozen<Pod>>()
  #node: Frozen<Node> | undefined
  #ports: Map<string, Map<string, number>> | undefined

  constructor(name: string, slot: number) {
    this.name = name
    this.slot = slot
  }

  get isPresent(): boolean {
    return this.#node !== undefined
  }

  get node(): Frozen<Node> {
    return this.#node!
  }

  setNode(node: Frozen<Node> | undefined): void {
    const allocatable = node?.status.allocatable
    if (this.#node === undefined || this.#node.status.allocatable !== allocatable) {
      this.allocatable = resourcesOf(allocatable)
      this.allowedPods = wholeValue(allocatable?.pods ?? '0')
    }
    this.#node = node
    this.labels = node?.metadata.labels ?? noLabels
    this.taints = node?.spec.taints ?? noTaints
  }

  setImages(list: Frozen<Node>['status']['images']): void {
    this.imageList = list
    const images = new Map<string, number>()
    for (const { names = [], sizeBytes = 0 } of list ?? []) for (const name of names) images.set(name, sizeBytes)
    this.images = images.size > 0 ? images : noImages
  }

  get pods(): Iterable<Frozen<Pod>> {
    return this.#pods.values()
  }

  put(key: string, pod: Frozen<Pod>): void {
    this.#pods.set(key, pod)
  }

  remove(key: string): void {
    this.#pods.delete(key)
  }

  count(needs: PodNeeds, sign: 1 | -1): void {
    add(this.requested, needs.requests, sign)
    this.likelyMilliCpu += sign * needs.likelyMilliCpu
    this.likelyMemory += sign * needs.likelyMemory
    this.podCount += sign
    for (const { ip, protocol, port } of needs.hostPorts) {
      this.#ports ??= new Map()
      const name = `${protocol}/${port}`
      const ips = this.#ports.get(name) ?? new Map<string, number>()
      const users = (ips.get(ip) ?? 0) + sign
      if (users > 0) ips.set(ip, users)
      else ips.delete(ip)
      if (ips.size > 0) this.#ports.set(name, ips)
      else this.#ports.delete(name)
    }
  }

  /** The address 0.0.0.0 is every address. */
  usesPort(ip: string, protocol: string, port: number): boolean {
    const ips = this.#ports?.get(`${protocol}/${port}`)
    return ips !== undefined && (ip === '0.0.0.0' || ips.has('0.0.0.0') || ips.has(ip))
  }
}

class LiveTally implements Tally {
  readonly counts: number[]
  readonly byNamespaceLabels: boolean
  readonly #doesCount: (pod: Frozen<Pod>) => boolean

  constructor(doesCount: (pod: Frozen<Pod>) => boolean, byNamespaceLabels: boolean, slots: number) {
    this.counts = new Array<number>(slots).fill(0)
    this.byNamespaceLabels = byNamespaceLabels
    this.#doesCount = doesCount
  }

  reset(slot: number): void {
    this.counts[slot] = 0
  }

  count(pod: Frozen<Pod>, slot: number, sign: 1 | -1): void {
    if (this.#doesCount(pod)) this.counts[slot] = (this.counts[slot] ?? 0) + sign
  }
}

function domainsOf(label: string, nodes: readonly NodeView[], slots: number): Domains {
  const indexes = new Map<string, number>()
  const of = new Array<number>(slots).fill(-1)
  for (const { labels, slot } of nodes) {
    const value = labels[label]
    if (typeof value !== 'string') continue
    let index = indexes.get(value)
    if (index === undefined) {
      index = indexes.size
      indexes.set(value, index)
    }
    of[slot] = index
  }
  return { values: [...indexes.keys()], of }
}

/** One node of each zone in turn, so that a search that stops early has looked at all zones (backend/cache/node_tree.go). */
function zoneByZone(states: readonly NodeState[]): readonly NodeState[] {
  const zones = new Map<string, NodeState[]>()
  for (const state of states) {
    const zone = zoneOf(state.labels)
    const members = zones.get(zone)
    if (members === undefined) zones.set(zone, [state])
    else members.push(state)
  }
  if (zones.size <= 1) return states
  const order: NodeState[] = []
  for (let round = 0; order.length < states.length; round++) {
    for (const members of zones.values()) {
      const state = members[round]
      if (state !== undefined) order.push(state)
    }
  }
  return order
}

function zoneOf(labels: Readonly<Record<string, string>>): string {
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`
}

function sameLabels(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  if (one === other) return true
  const keys = Object.keys(one)
  return keys.length === Object.keys(other).length && keys.every(key => one[key] === other[key])
}
