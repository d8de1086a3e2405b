// The scheduler: pods without a node → one cycle each → a binding, or an event and a condition that say why not.
// A controller without objects of its own: every change goes straight into the snapshot and the queue, and its one key
// means "there may be pods to try". Bindings are under way while the next pod is tried: a pod counts where it is assumed
// to run from the moment it is decided.

import type { Binding, Namespace, Node, Pod, PodCondition, Service } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import { ApiError } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import { type Selector, selectorFromLabelSelector } from '../src/api/labels.ts'
import type { Frozen, KubeObject, Ref } from '../src/api/meta.ts'
import { controllerOf } from '../src/api/owners.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Activity } from '../src/env/activity.ts'
import type { Gate } from '../src/env/gate.ts'
import { type Kind, refOf } from '../src/kinds/kind.ts'
import { Namespaces } from '../src/kinds/namespace.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { PodDisruptionBudgets } from '../src/kinds/poddisruptionbudget.ts'
import { ReplicaSets } from '../src/kinds/replicaset.ts'
import { ReplicationControllers } from '../src/kinds/replicationcontroller.ts'
import { Services } from '../src/kinds/service.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { defaultSchedulerName } from './configuration.ts'
import { type CycleOptions, type Decision, decide, search } from './cycle.ts'
import type { DecisionBook } from './decisions.ts'
import { evict } from './eviction.ts'
import { decideWith, type Extender } from './extender.ts'
import type { Change, Nomination, Plugin, Reservation } from './plugin.ts'
import type { Profile } from './profile.ts'
import { type Backoff, SchedulingQueue, type Waiting } from './queue.ts'
import { LiveSnapshot } from './snapshot.ts'

export interface SchedulerOptions {
  readonly activity: Activity
  /** Closed while the cluster is stepped through. */
  readonly gate?: Gate | undefined
  readonly profiles: readonly Profile[]
  readonly backoff?: Backoff
  readonly extenders?: readonly Extender[]
  /** Where decisions are kept for those who ask why. */
  readonly decisions?: DecisionBook
}

const readKinds: readonly Kind<any>[] = [Services, ReplicaSets, ReplicationControllers, PodDisruptionBudgets]

/** All that placing a pod by these rules may look at. */
export function kindsLookedAt(plugins: readonly Plugin[]): readonly Kind<any>[] {
  return [...new Set([Nodes, Pods, Namespaces, ...otherKinds(plugins), ...readKinds])]
}

/** The only key: a turn at the queue. */
const turn: readonly Ref[] = Object.freeze([{ name: 'turn' }])
const nothingToDo: readonly Ref[] = Object.freeze([])

/** So many bindings and status writes are under way at most. */
const mostOutstanding = 128
/** So many nodes are looked at in one go: in a large cluster others in the process must not wait for a hundred pods. */
const mostAtOnce = 20_000

export function createScheduler(options: SchedulerOptions): ControllerSpec {
  const plugins = options.profiles.flatMap(profile => profile.plugins)
  let scheduling: Scheduling | undefined
  return defineController({
    name: 'kube-scheduler',
    source: options.profiles[0]!.schedulerName,
    wakes: [
      { kind: Nodes, keys: (now, before) => scheduling!.nodeChanged(now, before) },
      { kind: Pods, keys: (now, before) => scheduling!.podChanged(now, before) },
      { kind: Namespaces, keys: (now, before) => scheduling!.namespaceChanged(now, before) },
      ...otherKinds(plugins).map(kind => ({
        kind,
        keys: (now?: Frozen<KubeObject>, before?: Frozen<KubeObject>) =>
          scheduling!.otherChanged({ kind, now, before }),
      })),
    ],
    reads: readKinds,
    start(context) {
      scheduling = new Scheduling(options, context)
    },
    async work() {
      await scheduling!.takeTurn()
    },
  })
}

interface Prepared {
  readonly waiting: Waiting
  readonly node: string
  readonly reservations: readonly Reservation[]
  readonly due: number
}

/** What else the rules wait for. */
function otherKinds(plugins: readonly Plugin[]): readonly Kind<any>[] {
  const kinds = new Set(plugins.flatMap(({ wakes = [] }) => wakes))
  for (const kind of [Nodes, Pods, Namespaces]) kinds.delete(kind)
  return [...kinds]
}

class Scheduling {
  readonly #profiles: ReadonlyMap<string, Profile>
  readonly #extenders: readonly Extender[]
  readonly #decisions: DecisionBook | undefined
  readonly #activity: Activity
  readonly #gate: Gate | undefined
  readonly #context: Context
  readonly #queue: SchedulingQueue
  readonly #snapshot: LiveSnapshot
  /** Pods decided upon whose binding has not been seen yet. */
  readonly #assumed = new Map<string, Waiting>()
  /** What was to be done before their binding has been asked for, and is waited for. */
  readonly #prepared = new Set<Prepared>()
  readonly #outstanding = new Set<Promise<void>>()
  readonly #fraction: () => number
  #start = 0
  /** Since others last had their turn. */
  #looked = 0

  constructor({ profiles, extenders = [], decisions, activity, backoff, gate }: SchedulerOptions, context: Context) {
    this.#profiles = new Map(profiles.map(profile => [profile.schedulerName, profile]))
    this.#extenders = extenders
    this.#decisions = decisions
    this.#activity = activity
    this.#gate = gate
    this.#context = context
    this.#queue = new SchedulingQueue(pod => this.#profileOf(pod), backoff)
    this.#snapshot = new LiveSnapshot({
      siblings: pod => siblingsOf(pod, context),
      namespaceLabels: name => context.lister(Namespaces).get({ name })?.metadata.labels,
      lister: kind => context.lister(kind),
    })
    this.#fraction = () => context.random.fraction()
  }

  #profileOf({ spec }: Frozen<Pod>): Profile {
    return this.#profiles.get(spec.schedulerName ?? defaultSchedulerName)!
  }

  /** Waits for its node, and for one of our profiles to give it one. */
  #isOurs({ metadata, spec, status }: Frozen<Pod>): boolean {
    return (
      !spec.nodeName &&
      this.#profiles.has(spec.schedulerName ?? defaultSchedulerName) &&
      metadata.deletionTimestamp === undefined &&
      !isOver(status.phase)
    )
  }

  // ---- what happens in the cluster

  nodeChanged(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined): readonly Ref[] {
    if (now === undefined) this.#snapshot.removeNode(before!.metadata.name)
    else this.#snapshot.setNode(now)
    // Most changes of a node are its heartbeat.
    if (now !== undefined && before !== undefined && !concernsPlacing(now, before)) return nothingToDo
    return this.#wake({ kind: Nodes, now, before })
  }

  namespaceChanged(now: Frozen<Namespace> | undefined, before: Frozen<Namespace> | undefined): readonly Ref[] {
    if (jsonEqual(now?.metadata.labels, before?.metadata.labels)) return nothingToDo
    this.#snapshot.namespaceChanged()
    return this.#wake({ kind: Namespaces, now, before })
  }

  otherChanged(change: Change): readonly Ref[] {
    const isOneReady = this.#lookAfterPrepared()
    const hasWoken = this.#queue.wake(change, this.#context.clock.now())
    return hasWoken || isOneReady ? turn : nothingToDo
  }

  podChanged(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined): readonly Ref[] {
    if (now !== undefined && before !== undefined && now.metadata.uid !== before.metadata.uid) {
      // One of the same name has taken its place, and its going was not seen.
      return [...this.podChanged(undefined, before), ...this.podChanged(now, undefined)].slice(0, 1)
    }
    const uid = (now ?? before!).metadata.uid!
    const wasPlaced = before !== undefined && isPlaced(before)
    if (now !== undefined && isPlaced(now)) {
      this.#assumed.delete(uid)
      this.#queue.remove(uid)
      this.#snapshot.nominate(now, undefined)
      this.#snapshot.putPod(now, now.spec.nodeName!)
      return this.#wake({ kind: Pods, now, before: wasPlaced ? before : undefined })
    }
    if (wasPlaced) {
      this.#snapshot.removePod(before)
      return this.#wake({ kind: Pods, now: undefined, before })
    }
    if (now === undefined || !this.#isOurs(now)) {
      this.#queue.remove(uid)
      this.#snapshot.nominate((now ?? before)!, undefined)
      return this.#assumed.has(uid) ? this.#forget((now ?? before)!) : nothingToDo
    }
    const assumed = this.#assumed.get(uid)
    if (assumed !== undefined) {
      assumed.pod = now
      return nothingToDo
    }
    this.#heedNomination(now, before)
    this.#queue.put(now, this.#context.clock.now())
    if ((now.spec.schedulingGates?.length ?? 0) > 0 && this.#profileOf(now).heedsGates) this.#sayGated(now)
    return turn
  }

  #hasLookedLong(): boolean {
    if (this.#looked < mostAtOnce) return false
    this.#looked = 0
    return true
  }

  /** Its status says which node it shall have; our own word for it is older than what is written there. */
  #heedNomination(now: Frozen<Pod>, before: Frozen<Pod> | undefined): void {
    const said = now.status.nominatedNodeName || undefined
    if (said !== (before?.status.nominatedNodeName || undefined)) this.#snapshot.nominate(now, said)
    else if (this.#snapshot.nominationOf(now)) this.#snapshot.nominate(now, this.#snapshot.nominationOf(now))
  }

  #wake(change: Change): readonly Ref[] {
    const gone = change.kind === Pods && change.now === undefined ? (change.before as Frozen<Pod>) : undefined
    const from = gone?.spec.nodeName
    const isPromisedAnother = (pod: Frozen<Pod>): boolean => {
      const promised = this.#snapshot.nominationOf(pod)
      return promised !== undefined && promised !== from
    }
    const hasWoken = this.#queue.wake(change, this.#context.clock.now(), from ? isPromisedAnother : undefined)
    return hasWoken ? turn : nothingToDo
  }

  /** An assumed pod will not run there after all: its room is free again. */
  #forget(pod: Frozen<Pod>): readonly Ref[] {
    this.#assumed.delete(pod.metadata.uid!)
    this.#snapshot.removePod(pod)
    return this.#wake({ kind: Pods, now: undefined, before: pod })
  }

  // ---- deciding

  async takeTurn(): Promise<void> {
    const { clock, signal } = this.#context
    this.#lookAfterPrepared()
    while (!signal.aborted) {
      const waiting = this.#queue.pop(clock.now())
      if (waiting === undefined) break
      for (const { load } of this.#profileOf(waiting.pod).plugins) {
        const loading = load?.(waiting.pod)
        if (loading !== undefined) await loading
      }
      const extenders = this.#extenders.filter(extender => extender.concerns(waiting.pod))
      if (extenders.length === 0) this.#schedule(waiting)
      else await this.#scheduleWith(extenders, waiting)
      // Waiting for the oldest also lets everyone else have a turn.
      // In a cluster that is stepped through, one pod is one step.
      if (this.#gate?.isClosed) {
        this.#context.wake(turn[0]!)
        return
      }
      if (this.#outstanding.size >= mostOutstanding || this.#hasLookedLong())
        await this.#outstanding.values().next().value
    }
    let due = this.#queue.nextDue()
    for (const each of this.#prepared) due = Math.min(due ?? each.due, each.due)
    if (due !== undefined && !signal.aborted) this.#context.wake(turn[0]!, Math.max(1, due - clock.now()))
  }

  #schedule(waiting: Waiting): void {
    const { pod } = waiting
    const { plugins } = this.#profileOf(pod)
    let decision: Decision
    try {
      decision = decide(pod, this.#snapshot, plugins, this.#optionsFor(pod))
    } catch (error) {
      // Something that a rule must read, and cannot, is the pod's trouble and nobody else's.
      this.#queue.penalise(waiting, this.#context.clock.now())
      this.#report(pod, 'SchedulerError', (error as Error).message)
      return
    }
    this.#carryOut(waiting, decision)
  }

  #optionsFor(pod: Frozen<Pod>): CycleOptions {
    const { percentageOfNodesToScore } = this.#profileOf(pod)
    return { fraction: this.#fraction, start: this.#start, percentageOfNodesToScore }
  }

  /** Others are asked as well; what changes in the meantime is seen by the next cycle only. */
  async #scheduleWith(extenders: readonly Extender[], waiting: Waiting): Promise<void> {
    const { pod } = waiting
    const options = this.#optionsFor(pod)
    try {
      const found = search(pod, this.#snapshot, this.#profileOf(pod).plugins, options)
      const decision = await decideWith(found, extenders, options, message =>
        this.#context.log.warn({ message }, 'extender'),
      )
      // The pod may have gone while they thought.
      if (waiting.place === 'taken') this.#carryOut(waiting, decision)
    } catch (error) {
      this.#queue.penalise(waiting, this.#context.clock.now())
      this.#report(pod, 'SchedulerError', (error as Error).message)
    }
  }

  #carryOut(waiting: Waiting, decision: Decision): void {
    const { pod } = waiting
    this.#start = decision.next
    this.#looked += decision.feasible.length + decision.refused.length
    const { schedulerName } = this.#profileOf(pod)
    this.#decisions?.add(pod, decision, schedulerName, waiting.attempts, this.#context.clock.now())
    if (decision.node === undefined) {
      this.#queue.sleep(waiting, decision.refusedBy, this.#context.clock.now())
      this.#report(pod, 'Unschedulable', decision.message!, decision.nomination)
      if (decision.nomination !== undefined) this.#nominate(waiting, decision.nomination)
      return
    }
    this.#snapshot.nominate(pod, undefined)
    this.#assumed.set(pod.metadata.uid!, waiting)
    this.#snapshot.putPod(pod, decision.node)
    this.#prepareBinding(waiting, decision.node)
  }

  /** What the node's rules want done before the binding is done first; most pods are bound at once. */
  #prepareBinding(waiting: Waiting, node: string): void {
    const reservations: Reservation[] = []
    try {
      for (const plugin of this.#profileOf(waiting.pod).plugins) {
        const reservation = plugin.reserve?.(waiting.pod, this.#snapshot.node(node)!, this.#snapshot)
        if (reservation !== undefined) reservations.push(reservation)
      }
    } catch (error) {
      for (const { release } of reservations) release()
      this.#bindingFailed(waiting, (error as Error).message)
      return
    }
    if (reservations.length === 0) {
      this.#follow(() => this.#bind(waiting, node))
      return
    }
    this.#follow(async () => {
      try {
        for (const { preBind } of reservations) await preBind?.(this.#context)
      } catch (error) {
        for (const { release } of reservations) release()
        if (!(error instanceof ApiError)) throw error
        this.#bindingFailed(waiting, error.message)
        return
      }
      const due = this.#context.clock.now() + Math.max(0, ...reservations.map(({ timeout = 0 }) => timeout))
      this.#prepared.add({ waiting, node, reservations, due })
      this.#lookAfterPrepared()
      this.#context.wake(turn[0]!, 1)
    })
  }

  /** Binds those for whom all is ready, gives up those whose time is over; says whether there may be more to try now. */
  #lookAfterPrepared(): boolean {
    let hasFailed = false
    for (const each of this.#prepared) {
      const { waiting, node, reservations, due } = each
      const release = (): void => {
        for (const reservation of reservations) reservation.release()
      }
      try {
        if (reservations.some(({ isReady }) => isReady?.() === false)) {
          if (this.#assumed.has(waiting.pod.metadata.uid!) && due > this.#context.clock.now()) continue
          throw reservations.find(({ timedOut }) => timedOut)!.timedOut!()
        }
        this.#prepared.delete(each)
        this.#follow(() => this.#bind(waiting, node).finally(release))
      } catch (error) {
        this.#prepared.delete(each)
        release()
        this.#bindingFailed(waiting, (error as Error).message)
        hasFailed = true
      }
    }
    return hasFailed
  }

  #nominate(waiting: Waiting, { node, victims }: Nomination): void {
    const { pod } = waiting
    this.#snapshot.nominate(pod, node || undefined)
    if (victims.length === 0) return
    // Less important pods that were to have the node look for another one at once.
    const rivals = this.#snapshot.nominated(node).filter(({ spec }) => (spec.priority ?? 0) < (pod.spec.priority ?? 0))
    for (const rival of rivals) this.#snapshot.nominate(rival, undefined)
    this.#queue.hold(waiting)
    this.#follow(async () => {
      const isDone = await evict({ victims, rivals, preemptor: pod, node }, this.#context)
      const { clock, wake } = this.#context
      if (this.#queue.release(waiting, !isDone, clock.now())) wake(turn[0]!)
    })
  }

  async #bind(waiting: Waiting, node: string): Promise<void> {
    const { client, event, log } = this.#context
    const { pod } = waiting
    const { name, namespace, uid } = pod.metadata
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, ...(namespace && { namespace }), ...(uid && { uid }) },
      target: { kind: 'Node', name: node },
    }
    try {
      const binder = this.#extenders.find(extender => extender.binds && extender.concerns(pod))
      if (binder === undefined) await client.of(Pods).act(refOf(pod), 'binding', binding)
      else if (!(await this.#isBoundBy(binder, waiting, node))) return
      const message = `Successfully assigned ${namespace}/${name} to ${node}`
      event(pod, 'Normal', 'Scheduled', message, 'Binding', { component: this.#profileOf(pod).schedulerName })
      log.info({ pod: `${namespace}/${name}`, node }, 'bound')
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.#bindingFailed(waiting, error.reason === 'NotFound' ? undefined : `binding rejected: ${error.message}`)
    }
  }

  async #isBoundBy(binder: Extender, waiting: Waiting, node: string): Promise<boolean> {
    try {
      await binder.bind(waiting.pod, node)
      return true
    } catch (error) {
      this.#bindingFailed(waiting, `binding rejected: ${(error as Error).message}`)
      this.#context.wake(turn[0]!)
      return false
    }
  }

  /** Without a reason it is the pod itself that is gone. */
  #bindingFailed(waiting: Waiting, reason: string | undefined): void {
    const { pod } = waiting
    // Already seen to be bound, or to be gone: nothing is to be undone.
    if (!this.#assumed.has(pod.metadata.uid!)) return
    const { clock, wake } = this.#context
    this.#forget(pod)
    if (reason !== undefined) {
      this.#queue.penalise(waiting, clock.now())
      this.#report(pod, 'SchedulerError', reason)
    }
    wake(turn[0]!)
  }

  // ---- telling

  #report(pod: Frozen<Pod>, reason: string, message: string, nomination?: Nomination): void {
    const component = this.#profileOf(pod).schedulerName
    this.#context.event(pod, 'Warning', 'FailedScheduling', message, 'Scheduling', { component })
    this.#follow(() => this.#setCondition(pod, reason, message, nomination?.node))
  }

  #sayGated(pod: Frozen<Pod>): void {
    this.#follow(() =>
      this.#setCondition(pod, 'SchedulingGated', 'Scheduling is blocked due to non-empty scheduling gates'),
    )
  }

  /** `nominatedNode`: undefined leaves it as it is, an empty name takes it back. */
  async #setCondition(pod: Frozen<Pod>, reason: string, message: string, nominatedNode?: string): Promise<void> {
    const { client, clock, log } = this.#context
    const { generation } = pod.metadata
    const old = findCondition(pod.status.conditions, 'PodScheduled')
    const lastTransitionTime = old?.status === 'False' ? old.lastTransitionTime : undefined
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      lastTransitionTime: lastTransitionTime ?? rfc3339(clock.now()),
      ...(generation !== undefined && { observedGeneration: generation }),
    }
    const isKnown = old !== undefined && old.status === 'False' && old.reason === reason && old.message === message
    const isSameNode = nominatedNode === undefined || nominatedNode === (pod.status.nominatedNodeName ?? '')
    if (isKnown && isSameNode) return
    const conditions = isKnown ? {} : { conditions: [condition] }
    const status = isSameNode ? conditions : { ...conditions, nominatedNodeName: nominatedNode || null }
    try {
      await client.of(Pods).patch(refOf(pod), { type: 'strategic', body: { status } }, 'status')
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.reason !== 'NotFound')
        log.warn(
          { pod: `${pod.metadata.namespace}/${pod.metadata.name}`, error: error.message },
          'condition not written',
        )
    }
  }

  /** Work that nobody waits for; until it is over, the cluster is busy with it. */
  #follow(work: () => Promise<void>): void {
    const settled: Promise<void> = this.#activity
      .track(work)
      .catch(error => {
        if (!this.#context.signal.aborted) this.#context.log.error({ error: describe(error) }, 'scheduling failed')
      })
      .finally(() => this.#outstanding.delete(settled))
    this.#outstanding.add(settled)
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** It has a node and still needs it. */
export function isPlaced({ spec, status }: Frozen<Pod>): boolean {
  return !!spec.nodeName && !isOver(status.phase)
}

function isOver(phase: string | undefined): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function concernsPlacing(now: Frozen<Node>, before: Frozen<Node>): boolean {
  return (
    !jsonEqual(now.metadata.labels, before.metadata.labels) ||
    !jsonEqual(now.spec, before.spec) ||
    !jsonEqual(now.status.allocatable, before.status.allocatable)
  )
}

/** What its Services and its owner select pods by, all together (plugins/helper/spread.go: DefaultSelector). */
export function siblingsOf(pod: Frozen<Pod>, { lister }: Pick<Context, 'lister'>): Selector | undefined {
  const { namespace = '', labels } = pod.metadata
  const matchLabels: Record<string, string> = {}
  for (const service of lister(Services).by('namespace', namespace)) {
    if (selects(service, labels)) Object.assign(matchLabels, service.spec.selector)
  }
  const owner = controllerOf(pod)
  const ref = { name: owner?.name ?? '', namespace }
  if (owner?.kind === 'ReplicaSet' && owner.apiVersion === 'apps/v1') {
    const selector = lister(ReplicaSets).get(ref)?.spec.selector
    return selectorFromLabelSelector({
      matchLabels: { ...matchLabels, ...selector?.matchLabels },
      matchExpressions: selector?.matchExpressions,
    })
  }
  if (owner?.kind === 'ReplicationController' && owner.apiVersion === 'v1') {
    Object.assign(matchLabels, lister(ReplicationControllers).get(ref)?.spec.selector)
  }
  return selectorFromLabelSelector({ matchLabels })
}

function selects({ spec: { selector } }: Frozen<Service>, labels: Readonly<Record<string, string>> = {}): boolean {
  if (selector === undefined) return false
  const keys = Object.keys(selector)
  return keys.length > 0 && keys.every(key => labels[key] === selector[key])
}
