// StatefulSets: pods with names, made in order and ended in the opposite one, each with claims that outlive it. What a pod
// is made of is in shared/stateful-pods.ts, whose its claims are in shared/stateful-claims.ts, history in
// shared/revisions.ts. Upstream: pkg/controller/statefulset/{stateful_set,stateful_set_control,stateful_pod_control}.go.

import type { PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { ControllerRevisions } from '../src/kinds/controllerrevision.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../src/kinds/pod.ts'
import { StatefulSets } from '../src/kinds/statefulset.ts'
import {
  type Context,
  type ControllerSpec,
  defineController,
  type Outcome,
  type Wake,
} from '../src/runtime/controller.ts'
import { claim, orphanIndex, orphanKeys } from './shared/claims.ts'
import { isTerminal } from './shared/pods.ts'
import { countsDifferently, messageOf, nextAvailability, podWake, slowStart } from './shared/replicas.ts'
import {
  deleteOldest,
  indexRevisions,
  isRevisionOf,
  newRevision,
  ownRevisions,
  type Revision,
  renumber,
  revisionHashLabel,
  templateOf,
} from './shared/revisions.ts'
import { selectorsOf } from './shared/selectors.ts'
import { hasOtherController, isStale, ownersAreRight, rightOwners } from './shared/stateful-claims.ts'
import {
  claimName,
  claimsOf,
  hasIdentity,
  hasStorage,
  isAvailable,
  isDeleted,
  isInRange,
  isMember,
  isRunningAndReady,
  ordinalOf,
  restored,
  revisionOfPod,
  startOrdinal,
  statefulPod,
} from './shared/stateful-pods.ts'

type Set = Frozen<StatefulSet>

export function statefulSetController(): ControllerSpec<StatefulSet> {
  const selectorOf = selectorsOf<StatefulSet>(({ spec }) => spec.selector)
  return defineController<StatefulSet>({
    name: 'statefulset-controller',
    for: StatefulSets,
    owns: [ControllerRevisions],
    wakes: [
      podWake(
        StatefulSets,
        (pod, { lister }) =>
          lister(StatefulSets)
            .by('namespace', pod.metadata.namespace!)
            .filter(set => isMember(set, pod) && selectorOf(set).matches(pod.metadata.labels))
            .map(({ metadata }) => metadata),
        (now, before) => now.status.phase !== before.status.phase || countsDifferently(now, before),
      ),
      goneClaims,
    ],
    workers: 5,
    start(context) {
      context.lister(Pods).index(orphanIndex, orphanKeys)
      indexRevisions(context)
    },
    async reconcile(set, context) {
      const selector = selectorOf(set)
      const revisions = await ownRevisions({ owner: set, kind: StatefulSets, selector }, false, context)
      const lister = context.lister(Pods)
      const claimant = { owner: set, kind: StatefulSets, children: Pods, selector }
      const pods = await claim(
        claimant,
        [...lister.by('controller', set.metadata.uid!), ...lister.by(orphanIndex, set.metadata.namespace!)].filter(
          pod => isMember(set, pod),
        ),
        context,
      )
      return new Turn(set, pods, revisions, context).run()
    },
  })
}

/** A claim that is on its way out keeps its pod from being made: once it is gone, its set looks again. */
const goneClaims: Wake<PersistentVolumeClaim> = {
  kind: PersistentVolumeClaims,
  keys(now, before, { lister }) {
    if (now !== undefined || before === undefined) return []
    const { name, namespace } = before.metadata
    return lister(StatefulSets)
      .by('namespace', namespace!)
      .filter(({ spec, metadata }) =>
        spec.volumeClaimTemplates?.some(template => name.startsWith(`${template.metadata.name}-${metadata.name}-`)),
      )
      .map(({ metadata }) => metadata)
  },
}

/** A pod that is there, or the place of one that is to be made. */
type Slot = { readonly ordinal: number; readonly pod: Frozen<Pod> | undefined }

/** One look at one StatefulSet. */
class Turn {
  readonly #set: Set
  readonly #pods: readonly Frozen<Pod>[]
  readonly #revisions: readonly Revision[]
  readonly #context: Context
  readonly #now: number
  readonly #minReadySeconds: number
  readonly #isOrdered: boolean
  #collisions: number
  #current!: Revision
  #update!: Revision

  constructor(set: Set, pods: readonly Frozen<Pod>[], revisions: readonly Revision[], context: Context) {
    this.#set = set
    this.#pods = pods
    this.#revisions = revisions
    this.#context = context
    this.#now = context.clock.now()
    this.#minReadySeconds = set.spec.minReadySeconds ?? 0
    this.#isOrdered = set.spec.podManagementPolicy !== 'Parallel'
    this.#collisions = set.status.collisionCount ?? 0
  }

  async run(): Promise<Outcome> {
    await this.#findRevisions()
    let failure: unknown
    try {
      if (this.#set.metadata.deletionTimestamp === undefined) await this.#makeFit()
    } catch (error) {
      failure = error ?? new Error('unknown')
    }
    const status = this.#status()
    if (!jsonEqual(status, this.#set.status)) {
      await this.#context.client.of(StatefulSets).updateStatus({ ...this.#set, status })
    }
    await this.#cleanUp()
    if (failure !== undefined) throw failure
    return nextAvailability(this.#pods, this.#minReadySeconds, this.#now)
  }

  // ---- revisions

  /** The revision of the present template, which is made when there is none, and the one from which an update began. */
  async #findRevisions(): Promise<void> {
    const { template } = this.#set.spec
    const last = this.#revisions.at(-1)
    const next = (last?.revision ?? 0) + 1
    const equal = this.#revisions.filter(revision => isRevisionOf(revision, template)).at(-1)
    if (equal === undefined) this.#update = await this.#createRevision(next)
    else this.#update = equal === last ? equal : await renumber(equal, next, this.#context)
    const current = this.#revisions.find(({ metadata }) => metadata.name === this.#set.status.currentRevision)
    this.#current = current ?? this.#update
  }

  async #createRevision(number: number): Promise<Revision> {
    for (;;) {
      const body = newRevision(this.#set, StatefulSets, number, this.#collisions, revisionHashLabel)
      const revisions = this.#context.client.of(ControllerRevisions)
      try {
        return await revisions.create(body)
      } catch (error) {
        if (!isAlreadyExists(error)) throw error
        const found = await revisions.get({ name: body.metadata.name!, namespace: this.#set.metadata.namespace })
        if (jsonEqual(found.data, body.data)) return found
        this.#collisions++
      }
    }
  }

  async #cleanUp(): Promise<void> {
    const live = new Set([this.#current.metadata.name, this.#update.metadata.name, ...this.#pods.map(revisionOfPod)])
    const isLive = ({ metadata }: Revision): boolean => live.has(metadata.name)
    const limit = this.#set.spec.revisionHistoryLimit ?? 10
    if (limit < 0) return
    const dead = this.#revisions.filter(revision => !isLive(revision)).length
    await deleteOldest(this.#revisions, isLive, dead - limit, this.#context)
  }

  // ---- so many pods, by ordinal

  async #makeFit(): Promise<void> {
    const start = startOrdinal(this.#set)
    const byOrdinal = new Map(this.#pods.map(pod => [ordinalOf(pod), pod]))
    const slots: Slot[] = []
    for (let ordinal = start; ordinal < start + (this.#set.spec.replicas ?? 1); ordinal++) {
      slots.push({ ordinal, pod: byOrdinal.get(ordinal) })
    }
    const condemned = this.#pods
      .filter(pod => ordinalOf(pod) >= 0 && !isInRange(this.#set, ordinalOf(pod)))
      .sort((one, other) => ordinalOf(other) - ordinalOf(one))

    const firstUnavailable =
      slots.find(({ pod }) => this.#isUnavailable(pod)) ??
      [...condemned]
        .reverse()
        .map(pod => ({ ordinal: ordinalOf(pod), pod }))
        .find(({ pod }) => this.#isUnavailable(pod))

    if (await this.#forAll(slots, slot => this.#tend(slot))) return
    if (await this.#forAll(condemned, pod => this.#tendClaims(pod))) return
    if (await this.#forAll(condemned, pod => this.#condemn(pod, firstUnavailable?.pod))) return
    if (this.#set.spec.updateStrategy?.type !== 'OnDelete') await this.#updateOne(slots)
  }

  /** In order, until one says that all others must wait; or, with Parallel, all of them. True: the turn is over. */
  async #forAll<T>(items: readonly T[], act: (item: T) => Promise<boolean>): Promise<boolean> {
    if (this.#isOrdered) {
      for (const item of items) if (await act(item)) return true
      return false
    }
    const left = items[Symbol.iterator]()
    const { error } = await slowStart(items.length, async () => {
      await act(left.next().value as T)
    })
    if (error !== undefined) throw error
    return false
  }

  /** Makes the slot hold a pod that runs. True: in order, all others wait for this one (processReplica). */
  async #tend({ ordinal, pod }: Slot): Promise<boolean> {
    if (pod === undefined) {
      if (this.#hasStaleClaim(ordinal)) return true
      await this.#createPod(ordinal)
      return true
    }
    if (isTerminal(pod)) {
      if (!isDeleted(pod)) await this.#deletePod(pod)
      return true
    }
    if (pod.status.phase === 'Pending') {
      await this.#createClaims(ordinal, pod)
      await this.#tendClaims(pod)
    }
    if (this.#isOrdered && (isDeleted(pod) || !isRunningAndReady(pod) || this.#isUnavailable(pod))) return true
    if (hasIdentity(this.#set, pod) && hasStorage(this.#set, pod) && this.#claimsAreRight(pod)) return false
    await this.#restore(pod)
    return false
  }

  /** A pod beyond those wanted: deleted, in order only when those below it are well (processCondemned). */
  async #condemn(pod: Frozen<Pod>, firstUnavailable: Frozen<Pod> | undefined): Promise<boolean> {
    if (isDeleted(pod)) return this.#isOrdered
    const isWell = isRunningAndReady(pod) && !this.#isUnavailable(pod)
    if (this.#isOrdered && !isWell && pod !== firstUnavailable) return true
    await this.#deletePod(pod)
    return true
  }

  /** Of the pods of an older revision the one with the highest ordinal goes, once those above it are well again. */
  async #updateOne(slots: readonly Slot[]): Promise<void> {
    const lowest = this.#set.spec.updateStrategy?.rollingUpdate?.partition ?? 0
    for (const { pod } of slots.slice(lowest).reverse()) {
      if (pod !== undefined && revisionOfPod(pod) !== this.#update.metadata.name && !isDeleted(pod)) {
        return this.#deletePod(pod)
      }
      if (this.#isUnavailable(pod)) return
    }
  }

  #isUnavailable(pod: Frozen<Pod> | undefined): boolean {
    return pod === undefined || isDeleted(pod) || !isAvailable(pod, this.#minReadySeconds, this.#now)
  }

  // ---- one pod

  async #createPod(ordinal: number): Promise<void> {
    const template = this.#isOfCurrent(ordinal) ? this.#current : this.#update
    const body = statefulPod(this.#set, templateOf(template), template.metadata.name, ordinal)
    const { name } = body.metadata
    try {
      await this.#createClaims(ordinal, undefined)
      const pod = await this.#context.client.of(Pods).create(body)
      await this.#tendClaims(pod)
    } catch (error) {
      if (!isAlreadyExists(error)) this.#tell('create', name!, error)
      throw error
    }
    this.#tell('create', name!)
  }

  /** Below the partition, pods are made of the revision from which the update began (newVersionedStatefulSetPod). */
  #isOfCurrent(ordinal: number): boolean {
    const { updateStrategy } = this.#set.spec
    const start = startOrdinal(this.#set)
    if (updateStrategy?.rollingUpdate) return ordinal < start + (updateStrategy.rollingUpdate.partition ?? 0)
    return updateStrategy?.type === 'RollingUpdate' && ordinal < start + (this.#set.status.currentReplicas ?? 0)
  }

  async #deletePod(pod: Frozen<Pod>): Promise<void> {
    const { name, uid } = pod.metadata
    try {
      await this.#context.client.of(Pods).delete(pod.metadata, { preconditions: { uid } })
    } catch (error) {
      if (isNotFound(error)) return
      this.#tell('delete', name, error)
      throw error
    }
    this.#tell('delete', name)
  }

  async #restore(pod: Frozen<Pod>): Promise<void> {
    try {
      if (!hasStorage(this.#set, pod)) await this.#createClaims(ordinalOf(pod), pod)
      if (!this.#claimsAreRight(pod)) await this.#tendClaims(pod)
      if (hasIdentity(this.#set, pod) && hasStorage(this.#set, pod)) return
      await this.#context.client.of(Pods).update(restored(this.#set, pod))
    } catch (error) {
      this.#tell('update', pod.metadata.name, error)
      throw error
    }
    this.#tell('update', pod.metadata.name)
  }

  #tell(verb: 'create' | 'update' | 'delete', pod: string, error?: unknown): void {
    const what = `${verb} Pod ${pod} in StatefulSet ${this.#set.metadata.name}`
    const title = `${verb[0]!.toUpperCase()}${verb.slice(1)}`
    if (error === undefined) this.#context.event(this.#set, 'Normal', `Successful${title}`, `${what} successful`)
    else this.#context.event(this.#set, 'Warning', `Failed${title}`, `${what} failed error: ${messageOf(error)}`)
  }

  // ---- its claims

  #claimNamed(template: string, ordinal: number): Frozen<PersistentVolumeClaim> | undefined {
    const ref = { name: claimName(this.#set, template, ordinal), namespace: this.#set.metadata.namespace }
    return this.#context.lister(PersistentVolumeClaims).get(ref)
  }

  #claimsNow(ordinal: number): Frozen<PersistentVolumeClaim>[] {
    return (this.#set.spec.volumeClaimTemplates ?? [])
      .map(({ metadata }) => this.#claimNamed(metadata.name, ordinal))
      .filter(found => found !== undefined)
  }

  /** A claim that goes with an earlier pod of this name is still there: no new pod shall get it (PodClaimIsStale). */
  #hasStaleClaim(ordinal: number): boolean {
    if (this.#set.spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Delete') return false
    const pod = this.#future(ordinal)
    return this.#claimsNow(ordinal).some(found => isStale(found, pod, Pods))
  }

  /** A pod that is not there yet, for the rules that ask about one by its name. */
  #future(ordinal: number): Frozen<Pod> {
    return { metadata: { name: `${this.#set.metadata.name}-${ordinal}` } } as Frozen<Pod>
  }

  #claimsAreRight(pod: Frozen<Pod>): boolean {
    return this.#claimsNow(ordinalOf(pod)).every(found => ownersAreRight(found, this.#set, pod))
  }

  async #createClaims(ordinal: number, pod: Frozen<Pod> | undefined): Promise<void> {
    const failures: string[] = []
    for (const body of claimsOf(this.#set, ordinal)) {
      const name = body.metadata.name!
      const found = this.#context.lister(PersistentVolumeClaims).get({ name, namespace: body.metadata.namespace })
      if (found?.metadata.deletionTimestamp !== undefined) failures.push(`pvc ${name} is being deleted`)
      if (found !== undefined) continue
      const failure = await this.#createClaim(body, (pod ?? this.#future(ordinal)).metadata.name)
      if (failure !== undefined) failures.push(failure)
    }
    if (failures.length > 0) throw new Error(aggregated(failures))
  }

  async #createClaim(body: NewObject<PersistentVolumeClaim>, pod: string): Promise<string | undefined> {
    const { name } = body.metadata
    const set = this.#set.metadata.name
    try {
      await this.#context.client.of(PersistentVolumeClaims).create(body)
    } catch (error) {
      const why = messageOf(error)
      const message = `create Claim ${name} for Pod ${pod} in StatefulSet ${set} failed error: ${why}`
      if (!isAlreadyExists(error)) this.#context.event(this.#set, 'Warning', 'FailedCreate', message)
      return `failed to create PVC ${name}: ${why}`
    }
    const message = `create Claim ${name} Pod ${pod} in StatefulSet ${set} success`
    this.#context.event(this.#set, 'Normal', 'SuccessfulCreate', message)
    return undefined
  }

  /** Gives the pod's claims the owners that the policy asks for. Never ends the turn. */
  async #tendClaims(pod: Frozen<Pod>): Promise<boolean> {
    for (const found of this.#claimsNow(ordinalOf(pod))) {
      if (hasOtherController(found, this.#set, pod)) {
        const message =
          `PersistentVolumeClaim ${found.metadata.name} has a conflicting OwnerReference that acts as a managing ` +
          'controller, the retention policy is ignored for this claim'
        this.#context.event(this.#set, 'Warning', 'ConflictingController', message)
      }
      if (ownersAreRight(found, this.#set, pod)) continue
      const ownerReferences = rightOwners(found, this.#set, pod)
      const metadata = { ...found.metadata, ownerReferences }
      await this.#context.client.of(PersistentVolumeClaims).update({ ...found, metadata } as typeof found)
    }
    return false
  }

  // ---- the status

  /** What the pods make true. Counts of zero are left out, as Go's JSON has it. */
  #status(): StatefulSetStatus {
    const { spec, metadata, status: old } = this.#set
    let [ready, available, current, updated] = [0, 0, 0, 0]
    for (const pod of this.#pods) {
      if (isRunningAndReady(pod)) {
        ready++
        if (isAvailable(pod, this.#minReadySeconds, this.#now)) available++
      }
      if (isDeleted(pod)) continue
      if (revisionOfPod(pod) === this.#current.metadata.name) current++
      if (revisionOfPod(pod) === this.#update.metadata.name) updated++
    }
    const replicas = spec.replicas ?? 1
    const present = this.#pods.length
    const isRolling = spec.updateStrategy?.type === 'RollingUpdate'
    const isComplete = isRolling && updated === replicas && ready === replicas && present === replicas
    if (isComplete) current = updated
    return {
      ...(metadata.generation ? { observedGeneration: metadata.generation } : {}),
      replicas: present,
      ...(ready > 0 ? { readyReplicas: ready } : {}),
      ...(current > 0 ? { currentReplicas: current } : {}),
      ...(updated > 0 ? { updatedReplicas: updated } : {}),
      currentRevision: (isComplete ? this.#update : this.#current).metadata.name,
      updateRevision: this.#update.metadata.name,
      collisionCount: this.#collisions,
      ...(old.conditions ? { conditions: old.conditions as NonNullable<StatefulSetStatus['conditions']> } : {}),
      availableReplicas: available,
    }
  }
}

/** As Go's aggregate says several errors. */
const aggregated = (messages: readonly string[]): string =>
  messages.length === 1 ? messages[0]! : `[${messages.join(', ')}]`
