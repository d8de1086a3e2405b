// Deployments: moves from one version of a template to the next by way of ReplicaSets, one a version. Arithmetic is in
// shared/rollout.ts, what the status says in shared/deployment-status.ts. Upstream: pkg/controller/deployment
// ({deployment_controller,sync,rolling,recreate}.go); one write of the status a turn, where upstream makes up to three.

import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject, Ref } from '../src/api/meta.ts'
import { controllerOf, ownerReference } from '../src/api/owners.ts'
import { Deployments } from '../src/kinds/deployment.ts'
import { Pods } from '../src/kinds/pod.ts'
import { ReplicaSets } from '../src/kinds/replicaset.ts'
import {
  type Context,
  type ControllerSpec,
  defineController,
  type Outcome,
  type Wake,
} from '../src/runtime/controller.ts'
import { claim, claimChanged, orphanIndex, orphanKeys, ownerRef } from './shared/claims.ts'
import {
  countedStatus,
  isComplete,
  rolloutStatus,
  sum,
  untilTimeout,
  withCondition,
} from './shared/deployment-status.ts'
import { isTerminal } from './shared/pods.ts'
import { isNamespaceEnding, messageOf } from './shared/replicas.ts'
import {
  desiredAnnotation,
  fence,
  hasDeadline,
  hasHistoryLimit,
  hashLabel,
  historyAnnotation,
  isSameTemplate,
  maximumAnnotation,
  maxRevision,
  newReplicas,
  proportionalSizes,
  revisionAnnotation,
  revisionOf,
  templateHash,
} from './shared/rollout.ts'
import { type SelectorOf, selectorsOf } from './shared/selectors.ts'

type Set = Frozen<ReplicaSet>

export function deploymentController(): ControllerSpec<Deployment> {
  const selectorOf = selectorsOf<Deployment>(({ spec }) => spec.selector)
  return defineController<Deployment>({
    name: 'deployment-controller',
    for: Deployments,
    owns: [ReplicaSets],
    wakes: [orphanedSets(selectorOf), endedPods],
    workers: 5,
    start(context) {
      context.lister(ReplicaSets).index(orphanIndex, orphanKeys)
    },
    async reconcile(deployment, context) {
      const { selector } = deployment.spec
      if (!hasEntries(selector?.matchLabels) && !selector?.matchExpressions?.length) {
        const message = 'This deployment is selecting all pods. A non-empty selector is required.'
        context.event(deployment, 'Warning', 'SelectingAll', message)
        return observeOnly(deployment, context)
      }
      const lister = context.lister(ReplicaSets)
      const sets = await claim(
        { owner: deployment, kind: Deployments, children: ReplicaSets, selector: selectorOf(deployment) },
        [
          ...lister.by('controller', deployment.metadata.uid!),
          ...lister.by(orphanIndex, deployment.metadata.namespace!),
        ],
        context,
      )
      return new Turn(deployment, sets, context).run()
    },
  })
}

/** A ReplicaSet that is nobody's wakes those Deployments that might adopt it. */
function orphanedSets(selectorOf: SelectorOf<Deployment>): Wake<ReplicaSet> {
  return {
    kind: ReplicaSets,
    keys(now, before, { lister }) {
      if (now === undefined || controllerOf(now) !== undefined) return []
      if (before !== undefined && !claimChanged(now, before)) return []
      return lister(Deployments)
        .by('namespace', now.metadata.namespace!)
        .filter(deployment => selectorOf(deployment).matches(now.metadata.labels))
        .map(({ metadata }) => metadata)
    },
  }
}

/** A Deployment that recreates waits for the last of its old pods to end. */
const endedPods: Wake<Pod> = {
  kind: Pods,
  keys(now, before, { lister }) {
    if (before === undefined || (now !== undefined && (isTerminal(before) || !isTerminal(now)))) return []
    const owner = ownerRef(ReplicaSets, before)
    const rs = owner && lister(ReplicaSets).get(owner)
    const ref = rs && ownerRef(Deployments, rs)
    const deployment = ref && lister(Deployments).get(ref)
    return deployment?.spec.strategy?.type === 'Recreate' ? [deployment.metadata] : []
  },
}

async function observeOnly(deployment: Frozen<Deployment>, { client }: Context): Promise<void> {
  const { metadata, status } = deployment
  if ((status.observedGeneration ?? 0) >= (metadata.generation ?? 0)) return
  const observed = { ...status, observedGeneration: metadata.generation! }
  await client.of(Deployments).updateStatus({ ...deployment, status: observed })
}

/** One look at one Deployment. What it learns for the status it gathers, and writes once, at the end. */
class Turn {
  readonly #deployment: Frozen<Deployment>
  readonly #context: Context
  readonly #replicas: number
  /** Oldest first; a set that this turn changes is replaced by what the server answered. */
  #sets: Set[]
  #conditions: readonly DeploymentCondition[]
  #collisions: number | undefined
  #revision: string | undefined

  constructor(deployment: Frozen<Deployment>, sets: readonly Set[], context: Context) {
    this.#deployment = deployment
    this.#context = context
    this.#replicas = deployment.spec.replicas ?? 1
    this.#sets = [...sets].sort(byAge)
    this.#conditions = deployment.status.conditions ?? []
    this.#collisions = deployment.status.collisionCount
    this.#revision = deployment.metadata.annotations?.[revisionAnnotation]
  }

  async run(): Promise<Outcome> {
    const { spec, metadata } = this.#deployment
    await this.#syncNewSet()
    if (metadata.deletionTimestamp !== undefined) return this.#writeCounts()
    this.#notePause()
    if (spec.paused || this.#isScaling()) {
      await this.#scale()
      if (spec.paused) await this.#cleanUp()
      return this.#writeCounts()
    }
    return spec.strategy?.type === 'Recreate' ? this.#recreate() : this.#roll()
  }

  get #newSet(): Set | undefined {
    return this.#sets.find(rs => isSameTemplate(rs.spec.template ?? {}, this.#deployment.spec.template))
  }

  get #oldSets(): Set[] {
    const newSet = this.#newSet
    return this.#sets.filter(rs => rs !== newSet)
  }

  // ---- rolling update

  async #roll(): Promise<Outcome> {
    if (!(await this.#createNewSet())) return undefined
    const isDone = (await this.#growNewSet()) || (await this.#shrinkOldSets())
    if (!isDone && isComplete(this.#deployment, this.#deployment.status)) await this.#cleanUp()
    return this.#writeRollout()
  }

  async #growNewSet(): Promise<boolean> {
    const newSet = this.#newSet!
    const own = newSet.spec.replicas ?? 0
    if (own === this.#replicas) return false
    if (own > this.#replicas) return this.#resize(newSet, this.#replicas)
    return this.#resize(newSet, newReplicas(this.#deployment, told(this.#sets), own))
  }

  /** Old pods go when that leaves enough available; the unhealthy ones first, since nobody misses them. */
  async #shrinkOldSets(): Promise<boolean> {
    const old = this.#oldSets.filter(isAlive)
    if (told(old) === 0) return false
    const newSet = this.#newSet!
    const least = this.#replicas - fence(this.#deployment).unavailable
    const newUnavailable = (newSet.spec.replicas ?? 0) - (newSet.status.availableReplicas ?? 0)
    const most = told(this.#sets) - least - newUnavailable
    if (most <= 0) return false

    let unhealthy = 0
    for (const rs of old) {
      if (unhealthy >= most) break
      const own = rs.spec.replicas ?? 0
      const surplus = Math.min(most - unhealthy, own - (rs.status.availableReplicas ?? 0))
      if (own === 0 || surplus <= 0) continue
      await this.#resize(rs, own - surplus)
      unhealthy += surplus
    }

    // A set just told to have fewer may not say so in its status yet; upstream counts those pods as there to stay.
    const available = sum(this.#sets, rs => Math.min(rs.status.availableReplicas ?? 0, rs.spec.replicas ?? 0))
    const spare = available - least
    let shrunk = 0
    for (const rs of this.#oldSets.filter(isAlive)) {
      if (shrunk >= spare) break
      const own = rs.spec.replicas ?? 0
      const part = Math.min(own, spare - shrunk)
      if (part <= 0) continue
      await this.#resize(rs, own - part)
      shrunk += part
    }
    return unhealthy + shrunk > 0
  }

  // ---- recreate

  async #recreate(): Promise<Outcome> {
    let isShrunk = false
    for (const rs of this.#oldSets.filter(isAlive)) if (await this.#resize(rs, 0)) isShrunk = true
    if (isShrunk || this.#haveOldPods()) return this.#writeRollout()
    if (!(await this.#createNewSet())) return undefined
    await this.#resize(this.#newSet!, this.#replicas)
    if (isComplete(this.#deployment, this.#deployment.status)) await this.#cleanUp()
    return this.#writeRollout()
  }

  #haveOldPods(): boolean {
    const old = this.#oldSets
    if (sum(old, rs => rs.status.replicas) > 0) return true
    const lister = this.#context.lister(Pods)
    return old.some(rs => lister.by('controller', rs.metadata.uid!).some(pod => !isTerminal(pod)))
  }

  // ---- scaling

  /** Somebody changed the number wanted: that comes before the rollout goes on. */
  #isScaling(): boolean {
    return this.#sets.filter(isAlive).some(rs => {
      const desired = annotated(rs, desiredAnnotation)
      return desired !== undefined && desired !== this.#replicas
    })
  }

  async #scale(): Promise<void> {
    const active = this.#sets.filter(isAlive)
    const single =
      active.length === 1 ? active[0] : active.length === 0 ? (this.#newSet ?? this.#sets.at(-1)) : undefined
    if (single !== undefined) {
      await this.#resize(single, this.#replicas)
    } else if (this.#isSaturated(this.#newSet)) {
      for (const rs of this.#oldSets.filter(isAlive)) await this.#resize(rs, 0)
    } else if (this.#deployment.spec.strategy?.type === 'RollingUpdate') {
      const shares = active.map(rs => ({
        name: rs.metadata.name,
        replicas: rs.spec.replicas ?? 0,
        createdAt: rs.metadata.creationTimestamp ?? '',
        maximum: annotated(rs, maximumAnnotation),
      }))
      const sizes = proportionalSizes(this.#deployment, shares)
      for (const rs of active) await this.#resize(rs, sizes.get(rs.metadata.name)!)
    }
  }

  /** The new set has all that is wanted, and all of it is available. */
  #isSaturated(rs: Set | undefined): boolean {
    return (
      rs !== undefined &&
      rs.spec.replicas === this.#replicas &&
      annotated(rs, desiredAnnotation) === this.#replicas &&
      rs.status.availableReplicas === this.#replicas
    )
  }

  /** Tells a set how many it should have; says whether that is another number than before. */
  async #resize(rs: Set, replicas: number): Promise<boolean> {
    const before = rs.spec.replicas ?? 0
    const annotations = { ...rs.metadata.annotations, ...this.#sizeAnnotations() }
    if (before === replicas && jsonEqual(annotations, rs.metadata.annotations)) return false
    const next = { ...rs, metadata: { ...rs.metadata, annotations }, spec: { ...rs.spec, replicas } }
    this.#replace(rs, await this.#context.client.of(ReplicaSets).update(next))
    if (before === replicas) return false
    const direction = before < replicas ? 'up' : 'down'
    const message = `Scaled ${direction} replica set ${rs.metadata.name} from ${before} to ${replicas}`
    this.#context.event(this.#deployment, 'Normal', 'ScalingReplicaSet', message)
    return true
  }

  #sizeAnnotations(): Record<string, string> {
    return {
      [desiredAnnotation]: String(this.#replicas),
      [maximumAnnotation]: String(this.#replicas + fence(this.#deployment).surge),
    }
  }

  // ---- the set of the present template

  /** Annotations, revision and minReadySeconds of the new set, when there is one, follow the Deployment. */
  async #syncNewSet(): Promise<void> {
    const newSet = this.#newSet
    if (newSet === undefined) return
    const annotations = this.#annotationsOf(newSet, maxRevision(this.#oldSets) + 1n)
    const { minReadySeconds } = this.#deployment.spec
    const isSame = (minReadySeconds ?? 0) === (newSet.spec.minReadySeconds ?? 0)
    let synced = newSet
    if (!isSame || !jsonEqual(annotations, newSet.metadata.annotations ?? {})) {
      const next = draft<ReplicaSet>(newSet)
      next.metadata.annotations = annotations
      if (minReadySeconds) next.spec.minReadySeconds = minReadySeconds
      else delete next.spec.minReadySeconds
      synced = await this.#context.client.of(ReplicaSets).update(next)
      this.#replace(newSet, synced)
    }
    this.#revision = synced.metadata.annotations?.[revisionAnnotation]
    if (hasDeadline(this.#deployment) && findCondition(this.#conditions, 'Progressing') === undefined) {
      const message = `Found new replica set ${JSON.stringify(newSet.metadata.name)}`
      this.#note('True', 'FoundNewReplicaSet', message)
    }
  }

  /** Makes the new set if there is none; false when the turn is over because that could not be done. */
  async #createNewSet(): Promise<boolean> {
    if (this.#newSet !== undefined) return true
    const { metadata, spec } = this.#deployment
    const hash = templateHash(spec.template, this.#collisions)
    const name = `${metadata.name.slice(0, 253 - hash.length - 1)}-${hash}`
    const replicas = newReplicas(this.#deployment, told(this.#sets), 0)
    const body = this.#newSetBody(name, hash, replicas)
    let created: Set
    try {
      created = await this.#context.client.of(ReplicaSets).create(body)
    } catch (error) {
      if (isAlreadyExists(error)) return this.#resolveCollision({ name, namespace: metadata.namespace })
      if (!isNamespaceEnding(error)) {
        const message = `Failed to create new replica set ${JSON.stringify(name)}: ${messageOf(error)}`
        if (hasDeadline(this.#deployment)) this.#note('False', 'ReplicaSetCreateError', message)
        this.#context.event(this.#deployment, 'Warning', 'ReplicaSetCreateError', message)
        await this.#write({ ...draft<DeploymentStatus>(this.#deployment.status), conditions: [...this.#conditions] })
      }
      throw error
    }
    this.#sets = [...this.#sets, created].sort(byAge)
    this.#revision = created.metadata.annotations?.[revisionAnnotation]
    if (replicas > 0) {
      const message = `Scaled up replica set ${name} from 0 to ${replicas}`
      this.#context.event(this.#deployment, 'Normal', 'ScalingReplicaSet', message)
    }
    if (hasDeadline(this.#deployment)) {
      this.#note('True', 'NewReplicaSetCreated', `Created new replica set ${JSON.stringify(name)}`)
    }
    return true
  }

  #newSetBody(name: string, hash: string, replicas: number): NewObject<ReplicaSet> {
    const { metadata, spec } = this.#deployment
    const { template, selector, minReadySeconds } = draft<Deployment['spec']>(spec)
    const labels = { ...template.metadata?.labels, [hashLabel]: hash }
    return {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name,
        ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
        labels,
        annotations: { ...this.#annotationsOf(undefined, maxRevision(this.#sets) + 1n), ...this.#sizeAnnotations() },
        ownerReferences: [ownerReference(this.#deployment, Deployments)],
      },
      spec: {
        replicas,
        ...(minReadySeconds ? { minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    }
  }

  /** The name is taken: by our own set, which the cache does not have yet, or by another of the same hash. */
  async #resolveCollision(ref: Ref): Promise<boolean> {
    const found = await this.#context.client.of(ReplicaSets).get(ref)
    const isOurs = controllerOf(found)?.uid === this.#deployment.metadata.uid
    if (isOurs && isSameTemplate(found.spec.template ?? {}, this.#deployment.spec.template)) {
      this.#sets = [...this.#sets, found].sort(byAge)
      this.#revision = found.metadata.annotations?.[revisionAnnotation]
      return true
    }
    this.#collisions = (this.#collisions ?? 0) + 1
    await this.#write({ ...draft<DeploymentStatus>(this.#deployment.status), collisionCount: this.#collisions })
    return false
  }

  /** The set's annotations as they should be: the Deployment's, its revision, and the revisions it had before. */
  #annotationsOf(rs: Set | undefined, revision: bigint): Record<string, string> {
    const annotations: Record<string, string> = { ...rs?.metadata.annotations }
    for (const [key, value] of Object.entries(this.#deployment.metadata.annotations ?? {})) {
      if (!notCopied.includes(key)) annotations[key] = value
    }
    const before = rs?.metadata.annotations?.[revisionAnnotation]
    if (rs !== undefined && revisionOf(rs) >= revision) return annotations
    annotations[revisionAnnotation] = String(revision)
    if (before !== undefined) {
      const history = annotations[historyAnnotation]
      annotations[historyAnnotation] = shortened(history ? `${history},${before}` : before)
    }
    return annotations
  }

  // ---- history

  /** Old, empty sets beyond the limit go, the oldest revisions first. */
  async #cleanUp(): Promise<void> {
    if (!hasHistoryLimit(this.#deployment)) return
    const old = this.#oldSets.filter(rs => rs.metadata.deletionTimestamp === undefined)
    const surplus = old.length - this.#deployment.spec.revisionHistoryLimit!
    if (surplus <= 0) return
    old.sort((one, other) => Number(revisionOf(one) - revisionOf(other)) || byAge(one, other))
    for (const rs of old.slice(0, surplus)) {
      const { metadata, spec, status } = rs
      const isSettled = (metadata.generation ?? 0) <= (status.observedGeneration ?? 0)
      if (status.replicas !== 0 || spec.replicas !== 0 || !isSettled) continue
      try {
        await this.#context.client.of(ReplicaSets).delete(metadata)
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    }
  }

  // ---- the status

  /** Time spent in a pause is not lack of progress. */
  #notePause(): void {
    const { spec } = this.#deployment
    const current = findCondition(this.#conditions, 'Progressing')
    if (!hasDeadline(this.#deployment) || current?.reason === 'ProgressDeadlineExceeded') return
    const wasPaused = current?.reason === 'DeploymentPaused'
    if (spec.paused && !wasPaused) this.#note('Unknown', 'DeploymentPaused', 'Deployment is paused')
    else if (!spec.paused && wasPaused) this.#note('Unknown', 'DeploymentResumed', 'Deployment is resumed')
  }

  #note(status: string, reason: string, message: string): void {
    const condition = { type: 'Progressing', status, reason, message }
    this.#conditions = withCondition(this.#conditions, condition, this.#context.clock.now())
  }

  async #writeCounts(): Promise<Outcome> {
    const now = this.#context.clock.now()
    await this.#write(
      countedStatus(this.#deployment, this.#newSet, this.#sets, this.#conditions, this.#collisions, now),
    )
    return undefined
  }

  async #writeRollout(): Promise<Outcome> {
    const now = this.#context.clock.now()
    const status = rolloutStatus(this.#deployment, this.#newSet, this.#sets, this.#conditions, this.#collisions, now)
    await this.#write(status)
    const again = untilTimeout(this.#deployment, status, now)
    return again === undefined ? undefined : { again }
  }

  async #write(status: DeploymentStatus): Promise<void> {
    const { metadata, status: old } = this.#deployment
    const revision = this.#revision
    const hasRevision = revision === undefined || metadata.annotations?.[revisionAnnotation] === revision
    if (hasRevision && jsonEqual(status, old)) return
    const annotations = { ...metadata.annotations, ...(revision ? { [revisionAnnotation]: revision } : {}) }
    const next = { ...this.#deployment, metadata: { ...metadata, annotations }, status }
    await this.#context.client.of(Deployments).updateStatus(next as Frozen<Deployment>)
  }

  #replace(before: Set, now: Set): void {
    this.#sets = this.#sets.map(rs => (rs === before ? now : rs))
  }
}

const notCopied: readonly string[] = [
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maximumAnnotation,
  'deprecated.deployment.rollback.to',
]

/** As many of the newest revisions as fit (util.maxRevHistoryLengthInChars). */
function shortened(history: string): string {
  let text = history
  while (text.length > 2000 && text.includes(',')) text = text.slice(text.indexOf(',') + 1)
  return text
}

const isAlive = (rs: Set): boolean => (rs.spec.replicas ?? 0) > 0

/** How many pods the sets have been told to have. */
const told = (sets: readonly Set[]): number => sum(sets, rs => rs.spec.replicas)

function annotated(rs: Set, annotation: string): number | undefined {
  const text = rs.metadata.annotations?.[annotation]
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined
}

function hasEntries(record: Frozen<Record<string, string>> | undefined): boolean {
  return record !== undefined && Object.keys(record).length > 0
}

function byAge({ metadata: one }: Set, { metadata: other }: Set): number {
  const [left, right] = [one.creationTimestamp ?? '', other.creationTimestamp ?? '']
  if (left !== right) return left < right ? -1 : 1
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0
}
