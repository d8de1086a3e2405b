// What the scheduler knows of the nodes: their pods, what is left on them, how pods are spread. Kept up to date change by
// change, never rebuilt for a cycle; pods that are assumed to run somewhere count like those seen there.
// Called by scheduler.ts with changes, and by the plugins through NodeView and Snapshot for reading.

import type { Node, Pod, Taint } from '../generated/types.ts'
import type { Selector } from '../src/api/labels.ts'
import type { Frozen } from '../src/api/meta.ts'
import { wholeValue } from '../src/api/quantity.ts'
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
  /** Its place in the arrays of tallies and domains. */
  readonly slot: number
  /** Whether another pod of this node holds the port. */
  usesPort(ip: string, protocol: string, port: number): boolean
}

/** How many pods of a namespace, matched by a selector and not ending, each node has; by slot. */
export interface Tally {
  readonly counts: readonly number[]
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
  tally(namespace: string, selector: Selector): Tally
  domains(label: string): Domains
  /** What the pod's owner and its Services select pods by; undefined if nothing does. */
  siblings(pod: Frozen<Pod>): Selector | undefined
}

export class LiveSnapshot implements Snapshot {
  readonly #states = new Map<string, NodeState>()
  readonly #pods = new Map<string, Placed>()
  readonly #tallies = new Map<string, LiveTally>()
  readonly #domains = new Map<string, Domains>()
  readonly #freeSlots: number[] = []
  readonly #siblings: (pod: Frozen<Pod>) => Selector | undefined
  #slots = 0
  #ordered: readonly NodeState[] | undefined

  constructor(siblings: (pod: Frozen<Pod>) => Selector | undefined = () => undefined) {
    this.#siblings = siblings
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
    return this.#pods.get(keyOf(pod))?.needs ?? needsOf(pod)
  }

  /** Counted once over all pods when first asked for, then kept; the least recently used are given up. */
  tally(namespace: string, selector: Selector): Tally {
    const key = `${namespace}\n${selector}`
    let tally = this.#tallies.get(key)
    if (tally === undefined) {
      tally = new LiveTally(namespace, selector, this.#slots)
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

  siblings(pod: Frozen<Pod>): Selector | undefined {
    return this.#siblings(pod)
  }

  // ---- changing

  setNode(node: Frozen<Node>): void {
    const state = this.#stateOf(node.metadata.name)
    const wasPresent = state.isPresent
    const oldLabels = state.labels
    state.setNode(node)
    const labels = state.labels
    if (!wasPresent || !sameLabels(oldLabels, labels)) this.#domains.clear()
    if (!wasPresent || zoneOf(oldLabels) !== zoneOf(labels)) this.#ordered = undefined
  }

  removeNode(name: string): void {
    const state = this.#states.get(name)
    if (state === undefined) return
    state.setNode(undefined)
    this.#ordered = undefined
    this.#domains.clear()
    this.#dropIfEmpty(state)
  }

  /** The pod runs, or is assumed to run, on that node, whether or not the node is known; replaces what was known of it. */
  putPod(pod: Frozen<Pod>, nodeName: string): void {
    const key = keyOf(pod)
    const old = this.#pods.get(key)
    const sameContainers = old !== undefined && old.pod.spec.containers === pod.spec.containers
    this.removePod(pod)
    const state = this.#stateOf(nodeName)
    const placed = { pod, needs: sameContainers ? old.needs : needsOf(pod), state }
    this.#pods.set(key, placed)
    state.count(placed.needs, 1)
    for (const tally of this.#tallies.values()) tally.count(pod, state.slot, 1)
  }

  removePod(pod: Frozen<Pod>): void {
    const key = keyOf(pod)
    const placed = this.#pods.get(key)
    if (placed === undefined) return
    this.#pods.delete(key)
    placed.state.count(placed.needs, -1)
    for (const tally of this.#tallies.values()) tally.count(placed.pod, placed.state.slot, -1)
    this.#dropIfEmpty(placed.state)
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

interface Placed {
  readonly pod: Frozen<Pod>
  readonly needs: PodNeeds
  readonly state: NodeState
}

const keyOf = (pod: Frozen<Pod>): string => pod.metadata.uid ?? `${pod.metadata.namespace}/${pod.metadata.name}`

const noTaints: readonly Frozen<Taint>[] = Object.freeze([])
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
  readonly #namespace: string
  readonly #selector: Selector

  constructor(namespace: string, selector: Selector, slots: number) {
    this.#namespace = namespace
    this.#selector = selector
    this.counts = new Array<number>(slots).fill(0)
  }

  reset(slot: number): void {
    this.counts[slot] = 0
  }

  count(pod: Frozen<Pod>, slot: number, sign: 1 | -1): void {
    const { namespace, labels, deletionTimestamp } = pod.metadata
    if (namespace !== this.#namespace || deletionTimestamp !== undefined || !this.#selector.matches(labels)) return
    this.counts[slot] = (this.counts[slot] ?? 0) + sign
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
