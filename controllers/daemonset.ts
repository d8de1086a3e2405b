// DaemonSets: one pod on every node that fits. Which nodes those are, and what a rolling update may do, is in
// shared/daemon-pods.ts, history in shared/revisions.ts. Upstream: pkg/controller/daemon/{daemon_controller,update}.go.

import type { DaemonSet, DaemonSetStatus, Node, Pod } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { ControllerRevisions } from '../src/kinds/controllerrevision.ts'
import { DaemonSets } from '../src/kinds/daemonset.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import {
  type Context,
  type ControllerSpec,
  defineController,
  type Outcome,
  type Wake,
} from '../src/runtime/controller.ts'
import { claim, orphanIndex, orphanKeys } from './shared/claims.ts'
import {
  bySeniority,
  daemonPod,
  excessPods,
  isAvailable,
  isUpdated,
  type NodeOfDaemons,
  nodeMatters,
  rollingStep,
  type Standing,
  standingOn,
  surgeOf,
  targetNode,
} from './shared/daemon-pods.ts'
import { isReady, isTerminal } from './shared/pods.ts'
import {
  countsDifferently,
  isNamespaceEnding,
  messageOf,
  nextAvailability,
  podWake,
  slowStart,
} from './shared/replicas.ts'
import {
  deleteOldest,
  indexRevisions,
  isRevisionOf,
  newRevision,
  ownRevisions,
  type Revision,
  renumber,
  revisionLabel,
} from './shared/revisions.ts'
import { selectorsOf } from './shared/selectors.ts'

type Daemon = Frozen<DaemonSet>

/** So many pods are made or deleted in one turn (daemon.BurstReplicas). */
const burst = 250

export function daemonSetController(): ControllerSpec<DaemonSet> {
  const selectorOf = selectorsOf<DaemonSet>(({ spec }) => spec.selector)
  const backoff = new FailureBackoff()
  return defineController<DaemonSet>({
    name: 'daemonset-controller',
    for: DaemonSets,
    owns: [ControllerRevisions],
    wakes: [
      podWake(
        DaemonSets,
        (pod, { lister }) =>
          lister(DaemonSets)
            .by('namespace', pod.metadata.namespace!)
            .filter(ds => selectorOf(ds).matches(pod.metadata.labels))
            .map(({ metadata }) => metadata),
        (now, before) => now.spec.nodeName !== before.spec.nodeName || countsDifferently(now, before),
      ),
      changedNodes,
    ],
    workers: 2,
    start(context) {
      context.lister(Pods).index(orphanIndex, orphanKeys)
      indexRevisions(context)
    },
    async reconcile(ds, context) {
      const { selector } = ds.spec
      if (!selector?.matchLabels && !selector?.matchExpressions) {
        const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
        context.event(ds, 'Warning', 'SelectingAll', message)
        return undefined
      }
      // Of one that is being deleted nobody knows whether its history is still there: its status cannot be told.
      if (ds.metadata.deletionTimestamp !== undefined) return undefined
      const chosen = { owner: ds, kind: DaemonSets, selector: selectorOf(ds) }
      const revisions = await ownRevisions(chosen, true, context)
      const lister = context.lister(Pods)
      const pods = await claim(
        { ...chosen, children: Pods },
        [...lister.by('controller', ds.metadata.uid!), ...lister.by(orphanIndex, ds.metadata.namespace!)],
        context,
      )
      return new Turn(ds, pods, revisions, backoff, context).run()
    },
  })
}

/** A node that comes, goes, or means something else to a DaemonSet than before. */
const changedNodes: Wake<Node> = {
  kind: Nodes,
  keys(now, before, { lister }) {
    if (now && before && !nodeMatters(now, before)) return []
    return lister(DaemonSets)
      .list()
      .filter(ds => {
        const standing = standingOn(ds)
        if (now === undefined || before === undefined) return standing((now ?? before)!).runs
        return !jsonEqual(standing(now), standing(before))
      })
      .map(({ metadata }) => metadata)
  },
}

/** One look at one DaemonSet. */
class Turn {
  readonly #ds: Daemon
  readonly #pods: readonly Frozen<Pod>[]
  readonly #revisions: readonly Revision[]
  readonly #backoff: FailureBackoff
  readonly #context: Context
  readonly #now: Millis
  readonly #standing: ReadonlyMap<string, Standing>
  /** By the node they are on or meant for. */
  readonly #byNode = new Map<string, Frozen<Pod>[]>()
  #again: Millis | undefined

  constructor(
    ds: Daemon,
    pods: readonly Frozen<Pod>[],
    revisions: readonly Revision[],
    backoff: FailureBackoff,
    context: Context,
  ) {
    this.#ds = ds
    this.#pods = pods
    this.#revisions = revisions
    this.#backoff = backoff
    this.#context = context
    this.#now = context.clock.now()
    const standing = standingOn(ds)
    const nodes = context.lister(Nodes).list()
    this.#standing = new Map(nodes.map(node => [node.metadata.name, standing(node)]))
    for (const pod of pods) {
      const node = targetNode(pod)
      // One that ended and is being deleted is not waited for.
      if (node === undefined || (isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined)) continue
      const present = this.#byNode.get(node)
      if (present === undefined) this.#byNode.set(node, [pod])
      else present.push(pod)
    }
  }

  async run(): Promise<Outcome> {
    const current = await this.#currentRevision()
    if (current === undefined) return undefined
    const hash = current.metadata.labels?.[revisionLabel] ?? ''
    let failure: unknown
    try {
      const isQuiet = await this.#placePods(hash)
      if (isQuiet && this.#ds.spec.updateStrategy?.type === 'RollingUpdate') await this.#roll(hash)
      await this.#cleanUp(current)
    } catch (error) {
      failure = error ?? new Error('unknown')
    }
    const status = this.#status(hash)
    if (!jsonEqual(status, this.#ds.status)) {
      await this.#context.client.of(DaemonSets).updateStatus({ ...this.#ds, status })
    }
    if (failure !== undefined) throw failure
    const available = nextAvailability(this.#pods, this.#ds.spec.minReadySeconds ?? 0, this.#now)
    if (available) this.#wakeIn(available.again)
    return this.#again === undefined ? undefined : { again: this.#again }
  }

  #wakeIn(delay: Millis): void {
    this.#again = Math.min(delay, this.#again ?? delay)
  }

  // ---- history

  /** The revision of the present template; undefined when its name was taken by another, then a new turn follows. */
  async #currentRevision(): Promise<Revision | undefined> {
    const { template } = this.#ds.spec
    const number = Math.max(0, ...this.#olderRevisions().map(({ revision }) => revision)) + 1
    const equal = this.#revisions.filter(revision => isRevisionOf(revision, template))
    const kept = equal.at(-1)
    if (kept === undefined) return this.#createRevision(number)
    for (const twin of equal.slice(0, -1)) await this.#dropTwin(twin, kept)
    return kept.revision < number ? renumber(kept, number, this.#context) : kept
  }

  #olderRevisions(): readonly Revision[] {
    return this.#revisions.filter(revision => !isRevisionOf(revision, this.#ds.spec.template))
  }

  async #createRevision(number: number): Promise<Revision | undefined> {
    const collisions = this.#ds.status.collisionCount ?? 0
    const body = newRevision(this.#ds, DaemonSets, number, collisions, revisionLabel)
    const revisions = this.#context.client.of(ControllerRevisions)
    try {
      return await revisions.create(body)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    const found = await revisions.get({ name: body.metadata.name!, namespace: this.#ds.metadata.namespace })
    if (jsonEqual(found.data, body.data)) return found
    const status = { ...draft<DaemonSetStatus>(this.#ds.status), collisionCount: collisions + 1 }
    await this.#context.client.of(DaemonSets).updateStatus({ ...this.#ds, status })
    return undefined
  }

  /** Two revisions of one template: pods are told they are of the one that stays. */
  async #dropTwin(twin: Revision, kept: Revision): Promise<void> {
    const { client } = this.#context
    const label = kept.metadata.labels?.[revisionLabel]
    for (const { metadata } of this.#pods) {
      if (metadata.labels?.[revisionLabel] !== twin.metadata.labels?.[revisionLabel]) continue
      const body = { metadata: { labels: { [revisionLabel]: label } } }
      await client.of(Pods).patch(metadata, { type: 'merge', body })
    }
    await client.of(ControllerRevisions).delete(twin.metadata)
  }

  async #cleanUp(current: Revision): Promise<void> {
    const live = new Set(this.#pods.map(({ metadata }) => metadata.labels?.[revisionLabel]))
    const old = this.#olderRevisions().filter(({ metadata }) => metadata.uid !== current.metadata.uid)
    const surplus = old.length - (this.#ds.spec.revisionHistoryLimit ?? 10)
    const isLive = ({ metadata }: Revision): boolean => live.has(metadata.labels?.[revisionLabel])
    await deleteOldest(old, isLive, surplus, this.#context)
  }

  // ---- one pod a node

  /** Makes pods where there is none, deletes those too many, ended or misplaced. True: there was nothing to do. */
  async #placePods(hash: string): Promise<boolean> {
    const toCreate: string[] = []
    const toDelete: Frozen<Pod>[] = []
    for (const [node, { runs, stays }] of this.#standing) {
      const pods = this.#byNode.get(node)
      const present = pods?.filter(({ metadata }) => metadata.deletionTimestamp === undefined) ?? []
      if (runs && pods === undefined) toCreate.push(node)
      else if (!stays) toDelete.push(...present)
      else {
        toDelete.push(...this.#ended(present, node))
        const running = present.filter(pod => !isTerminal(pod))
        toDelete.push(...excessPods(this.#ds, running, hash, this.#now))
        if (runs && running.length === 0 && surgeOf(this.#ds, 1) > 0) toCreate.push(node)
      }
    }
    // Nobody else would delete what is meant for a node that is gone.
    for (const [node, pods] of this.#byNode) {
      if (this.#standing.has(node)) continue
      toDelete.push(...pods.filter(({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp === undefined))
    }
    await this.#sync(toDelete, toCreate, hash)
    return toDelete.length + toCreate.length === 0
  }

  /** Those that ended go, to be replaced; after repeated failures only after a while. */
  #ended(pods: readonly Frozen<Pod>[], node: string): Frozen<Pod>[] {
    const { uid, namespace } = this.#ds.metadata
    const doomed: Frozen<Pod>[] = []
    for (const pod of pods) {
      const name = `${namespace}/${pod.metadata.name}`
      if (pod.status.phase === 'Succeeded') {
        const message = `Found succeeded daemon pod ${name} on node ${node}, will try to delete it`
        this.#context.event(this.#ds, 'Normal', 'SucceededDaemonPod', message)
        doomed.push(pod)
      } else if (pod.status.phase === 'Failed') {
        const wait = this.#backoff.next(`${uid}/${this.#ds.status.observedGeneration ?? 0}/${node}`, this.#now)
        if (wait > 0) this.#wakeIn(wait)
        else {
          const message = `Found failed daemon pod ${name} on node ${node}, will try to kill it`
          this.#context.event(this.#ds, 'Warning', 'FailedDaemonPod', message)
          doomed.push(pod)
        }
      }
    }
    return doomed
  }

  async #roll(hash: string): Promise<void> {
    const names = new Set([...this.#standing.keys(), ...this.#byNode.keys()])
    const nodes: NodeOfDaemons[] = [...names]
      .sort()
      .map(name => ({ name, runs: this.#standing.get(name)?.runs ?? false, pods: this.#byNode.get(name) ?? [] }))
      .filter(({ runs, pods }) => runs || pods.length > 0)
    const { toDelete, toCreate } = rollingStep(this.#ds, nodes, hash, this.#now)
    await this.#sync(toDelete, toCreate, hash)
  }

  async #sync(toDelete: readonly Frozen<Pod>[], toCreate: readonly string[], hash: string): Promise<void> {
    const nodes = toCreate.slice(0, burst)[Symbol.iterator]()
    const { error } = await slowStart(Math.min(toCreate.length, burst), () =>
      this.#createPod(nodes.next().value as string, hash),
    )
    const results = await Promise.allSettled(toDelete.slice(0, burst).map(pod => this.#deletePod(pod)))
    const failure = error ?? results.find(result => result.status === 'rejected')?.reason
    if (failure !== undefined) throw failure
  }

  async #createPod(node: string, hash: string): Promise<void> {
    try {
      const { metadata } = await this.#context.client.of(Pods).create(daemonPod(this.#ds, hash, node))
      this.#context.event(this.#ds, 'Normal', 'SuccessfulCreate', `Created pod: ${metadata.name}`)
    } catch (error) {
      if (isNamespaceEnding(error)) return
      this.#context.event(this.#ds, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  }

  async #deletePod(pod: Frozen<Pod>): Promise<void> {
    const { name, uid } = pod.metadata
    try {
      await this.#context.client.of(Pods).delete(pod.metadata, { preconditions: { uid } })
      this.#context.event(this.#ds, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
    } catch (error) {
      if (isNotFound(error)) return
      this.#context.event(this.#ds, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
      throw error
    }
  }

  // ---- the status

  /** Counts nodes, each by its most senior pod. Some counts are left out when zero, as Go's JSON has it. */
  #status(hash: string): DaemonSetStatus {
    let [desired, scheduled, misscheduled, ready, updated, available] = [0, 0, 0, 0, 0, 0]
    for (const [node, { runs }] of this.#standing) {
      if (runs) desired++
      const [pod] = [...(this.#byNode.get(node) ?? [])].sort(bySeniority)
      if (pod === undefined) continue
      if (!runs) {
        misscheduled++
        continue
      }
      scheduled++
      if (isReady(pod)) ready++
      if (isAvailable(this.#ds, pod, this.#now)) available++
      if (isUpdated(this.#ds, pod, hash)) updated++
    }
    const { status, metadata } = this.#ds
    return {
      ...(status.conditions ? { conditions: status.conditions as NonNullable<DaemonSetStatus['conditions']> } : {}),
      ...(status.collisionCount === undefined ? {} : { collisionCount: status.collisionCount }),
      currentNumberScheduled: scheduled,
      desiredNumberScheduled: desired,
      numberMisscheduled: misscheduled,
      numberReady: ready,
      ...(available > 0 ? { numberAvailable: available } : {}),
      ...(desired > available ? { numberUnavailable: desired - available } : {}),
      ...(updated > 0 ? { updatedNumberScheduled: updated } : {}),
      ...(metadata.generation ? { observedGeneration: metadata.generation } : {}),
    }
  }
}

const firstWait = 1000
const longestWait = 15 * 60_000

/** How long a failed pod stays before it is replaced: a second, then twice as long each time, by DaemonSet and node. */
class FailureBackoff {
  readonly #failures = new Map<string, { wait: Millis; since: Millis }>()

  /** 0: now, and noted; else how long to wait still. */
  next(key: string, now: Millis): Millis {
    for (const [other, { since }] of this.#failures) {
      if (now - since > 2 * longestWait) this.#failures.delete(other)
    }
    const last = this.#failures.get(key)
    if (last !== undefined && now - last.since < last.wait) return last.since + last.wait - now
    const wait = last === undefined ? firstWait : Math.min(2 * last.wait, longestWait)
    this.#failures.set(key, { wait, since: now })
    return 0
  }
}
