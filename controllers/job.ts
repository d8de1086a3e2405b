// Jobs: pods that run to an end, so many of them, so many at a time, each counted once. A pod carries a finalizer until its
// end is in the Job's status: first its uid is noted there as uncounted, then the finalizer goes, then it becomes a number.
// What pods and policies mean is in shared/job-*.ts. Upstream: pkg/controller/job/job_controller.go.

import type { Job, JobCondition, JobStatus, Pod, PodSpec, PodTemplateSpec } from '../generated/types.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { controllerOf, ownerReference } from '../src/api/owners.ts'
import { parseTime, rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { Jobs } from '../src/kinds/job.ts'
import { Pods } from '../src/kinds/pod.ts'
import {
  type Context,
  type ControllerSpec,
  defineController,
  type Outcome,
  type Wake,
} from '../src/runtime/controller.ts'
import { claim, claimChanged, orphanIndex, orphanKeys, ownerRef } from './shared/claims.ts'
import { Indexes } from './shared/job-indexes.ts'
import {
  type Backoff,
  delayAfter,
  endedAt,
  hasFailed,
  hasIndexLimit,
  hasSucceeded,
  indexAnnotation,
  indexFailures,
  indexFailuresAnnotation,
  indexIgnored,
  indexIgnoredAnnotation,
  indexOf,
  isIndexed,
  isTracked,
  noBackoff,
  replacesOnlyFailed,
  restartsOf,
  trackingFinalizer,
  withEnded,
} from './shared/job-pods.ts'
import { judgeFailure, metSuccessRule } from './shared/job-policies.ts'
import { letGo } from './shared/job-tracking.ts'
import { isActive, isReady, isTerminating, podFromTemplate } from './shared/pods.ts'
import { isNamespaceEnding, messageOf, podsToDelete, slowStart } from './shared/replicas.ts'
import { selectorsOf } from './shared/selectors.ts'

/** So many pods are made or deleted in one turn (MaxPodCreateDeletePerSync). */
const burst = 500
/** So many ended pods are counted in one turn (MaxUncountedPods). */
const mostUncounted = 500

export function jobController(): ControllerSpec<Job> {
  const selectorOf = selectorsOf<Job>(({ spec }) => spec.selector)
  /** Failures in a row, by the Job's uid. */
  const backoffs = new Map<string, Backoff>()

  return defineController<Job>({
    name: 'job-controller',
    for: Jobs,
    wakes: [podWake(selectorOf)],
    workers: 5,
    // Somebody else's by name is not touched (spec.managedBy).
    concerns: ({ spec }) => spec.managedBy === undefined || spec.managedBy === 'kubernetes.io/job-controller',
    start(context) {
      backoffs.clear()
      context.lister(Pods).index(orphanIndex, orphanKeys)
    },
    async reconcile(job, context) {
      if (isFinished(job)) {
        backoffs.delete(job.metadata.uid!)
        return letGo(context.lister(Pods).by('controller', job.metadata.uid!), context)
      }
      const pods = await claim(
        { owner: job, kind: Jobs, children: Pods, selector: selectorOf(job), adopts: isActive },
        [
          ...context.lister(Pods).by('controller', job.metadata.uid!),
          ...context.lister(Pods).by(orphanIndex, job.metadata.namespace!),
        ],
        context,
      )
      return new Turn(job, pods, backoffs, context).run()
    },
  })
}

function podWake(selectorOf: (job: Frozen<Job>) => { matches(labels: Pod['metadata']['labels']): boolean }): Wake<Pod> {
  return {
    kind: Pods,
    keys(now, before, { lister }) {
      const owners = [now, before].flatMap(pod => (pod && ownerRef(Jobs, pod)) ?? [])
      if (owners.length > 0) return owners
      if (now === undefined || controllerOf(now) !== undefined) return []
      if (before !== undefined && !claimChanged(now, before)) return []
      return lister(Jobs)
        .by('namespace', now.metadata.namespace!)
        .filter(job => selectorOf(job).matches(now.metadata.labels))
        .map(({ metadata }) => metadata)
    },
  }
}

const findCondition = ({ status }: Frozen<Job>, type: string): Frozen<JobCondition> | undefined =>
  status.conditions?.find(condition => condition.type === type && condition.status === 'True')

const isFinished = (job: Frozen<Job>): boolean => !!findCondition(job, 'Complete') || !!findCondition(job, 'Failed')

/** One look at one Job that goes on. */
class Turn {
  readonly #job: Frozen<Job>
  readonly #pods: readonly Frozen<Pod>[]
  readonly #active: readonly Frozen<Pod>[]
  readonly #backoffs: Map<string, Backoff>
  readonly #context: Context
  readonly #now: Millis
  readonly #status: JobStatus
  /** Ended, and not yet in any count. */
  readonly #newSucceeded: readonly Frozen<Pod>[]
  readonly #newFailed: readonly Frozen<Pod>[]
  #succeededIndexes = Indexes.none
  #failedIndexes = Indexes.none
  #again = Number.POSITIVE_INFINITY

  constructor(job: Frozen<Job>, pods: readonly Frozen<Pod>[], backoffs: Map<string, Backoff>, context: Context) {
    this.#job = job
    this.#pods = pods
    this.#active = pods.filter(isActive)
    this.#backoffs = backoffs
    this.#context = context
    this.#now = context.clock.now()
    this.#status = draft<JobStatus>(job.status)
    const noted = new Set([
      ...(job.status.uncountedTerminatedPods?.succeeded ?? []),
      ...(job.status.uncountedTerminatedPods?.failed ?? []),
    ])
    const uncounted = pods.filter(pod => isTracked(pod) && !noted.has(pod.metadata.uid!))
    this.#newSucceeded = uncounted.filter(hasSucceeded)
    this.#newFailed = uncounted.filter(pod => hasFailed(job, pod))
  }

  async run(): Promise<Outcome> {
    const { spec, metadata } = this.#job
    const status = this.#status
    if (status.startTime === undefined && !spec.suspend) status.startTime = rfc3339(this.#now)
    const backoff = withEnded(
      this.#backoffs.get(metadata.uid!) ?? noBackoff,
      this.#newSucceeded,
      this.#newFailed,
      this.#now,
    )
    this.#findIndexes()
    const succeeded = this.#countSucceeded()
    const ending = this.#ending()
    let active = this.#active.length
    let deleted = 0
    let failure: unknown
    if (ending !== undefined) {
      setCondition(status, ending)
      const outcome = await this.#deletePods(this.#active, true)
      deleted = outcome.deleted
      failure = outcome.failure
      active -= deleted
    } else {
      if (metadata.deletionTimestamp === undefined) {
        const outcome = await this.#manage(succeeded, backoff)
        active = outcome.active
        deleted = outcome.deleted
        failure = outcome.failure
        this.#noteSuspension()
      }
      if (failure === undefined && this.#isComplete(succeeded, active)) {
        const message = 'Reached expected number of succeeded pods'
        setCondition(status, this.#condition('SuccessCriteriaMet', 'CompletionsReached', message))
      }
    }
    const stay = this.#active.filter(pod => !this.#wasDeleted.has(pod.metadata.uid!))
    setCount(status, 'active', active)
    status.ready = stay.filter(isReady).length
    status.terminating = this.#pods.filter(isTerminating).length + deleted
    await this.#count()
    this.#backoffs.set(metadata.uid!, backoff)
    if (failure !== undefined) throw failure
    return Number.isFinite(this.#again) ? { again: this.#again } : undefined
  }

  readonly #wasDeleted = new Set<string>()

  #wakeIn(delay: Millis): void {
    this.#again = Math.min(this.#again, Math.max(delay, 0))
  }

  // ---- what has ended, and whether all is over

  #counts(pod: Frozen<Pod>): boolean {
    return judgeFailure(this.#job, pod).action !== 'Ignore'
  }

  #findIndexes(): void {
    if (!isIndexed(this.#job)) return
    const { completions = 0 } = this.#job.spec
    const inRange = (pods: readonly Frozen<Pod>[]): number[] =>
      pods.map(indexOf).filter(index => index >= 0 && index < completions)
    this.#succeededIndexes = Indexes.parse(this.#job.status.completedIndexes, completions).with(
      inRange(this.#newSucceeded),
    )
    if (!hasIndexLimit(this.#job)) return
    const limit = this.#job.spec.backoffLimitPerIndex!
    const lost = this.#newFailed.filter(pod => {
      const { action } = judgeFailure(this.#job, pod)
      return action === 'FailIndex' || (action !== 'Ignore' && indexFailures(pod) >= limit)
    })
    this.#failedIndexes = Indexes.parse(this.#job.status.failedIndexes, completions).with(
      inRange(lost).filter(index => !this.#succeededIndexes.has(index)),
    )
  }

  #countSucceeded(): number {
    if (isIndexed(this.#job)) return this.#succeededIndexes.size
    const { succeeded = 0, uncountedTerminatedPods } = this.#job.status
    return succeeded + this.#newSucceeded.length + (uncountedTerminatedPods?.succeeded?.length ?? 0)
  }

  /** The condition that says how it ends, when it does. */
  #ending(): JobCondition | undefined {
    const known = findCondition(this.#job, 'FailureTarget') ?? findCondition(this.#job, 'SuccessCriteriaMet')
    if (known !== undefined) return draft<JobCondition>(known)
    const { spec, status } = this.#job
    for (const pod of this.#newFailed) {
      const { action, message } = judgeFailure(this.#job, pod)
      if (action === 'FailJob') return this.#condition('FailureTarget', 'PodFailurePolicy', message!)
    }
    const failed =
      (status.failed ?? 0) +
      this.#newFailed.filter(pod => this.#counts(pod)).length +
      (status.uncountedTerminatedPods?.failed?.length ?? 0)
    const limit = spec.backoffLimit ?? 6
    if (failed > limit || this.#hasRestartedTooOften(limit)) {
      return this.#condition('FailureTarget', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit')
    }
    if (this.#isPastDeadline()) {
      return this.#condition('FailureTarget', 'DeadlineExceeded', 'Job was active longer than specified deadline')
    }
    return isIndexed(this.#job) ? this.#endingOfIndexes() : undefined
  }

  #endingOfIndexes(): JobCondition | undefined {
    const { spec } = this.#job
    const lost = this.#failedIndexes.size
    if (lost > 0 && spec.maxFailedIndexes !== undefined && lost > spec.maxFailedIndexes) {
      const message = 'Job has exceeded the specified maximal number of failed indexes'
      return this.#condition('FailureTarget', 'MaxFailedIndexesExceeded', message)
    }
    if (lost > 0 && lost + this.#succeededIndexes.size >= (spec.completions ?? 0)) {
      return this.#condition('FailureTarget', 'FailedIndexes', 'Job has failed indexes')
    }
    const met = metSuccessRule(spec, this.#succeededIndexes)
    return met === undefined ? undefined : this.#condition('SuccessCriteriaMet', 'SuccessPolicy', met)
  }

  #hasRestartedTooOften(limit: number): boolean {
    if (this.#job.spec.template.spec?.restartPolicy !== 'OnFailure') return false
    const restarts = restartsOf(this.#pods)
    return limit === 0 ? restarts > 0 : restarts >= limit
  }

  #isPastDeadline(): boolean {
    const { activeDeadlineSeconds, suspend } = this.#job.spec
    const { startTime } = this.#status
    if (activeDeadlineSeconds === undefined || startTime === undefined || suspend) return false
    const left = parseTime(startTime) + activeDeadlineSeconds * 1000 - this.#now
    if (left > 0) this.#wakeIn(left)
    return left <= 0
  }

  #isComplete(succeeded: number, active: number): boolean {
    const { completions } = this.#job.spec
    // Without a number of completions any success is enough, once all others have ended too.
    return active === 0 && (completions === undefined ? succeeded > 0 : succeeded >= completions)
  }

  #condition(type: string, reason: string, message: string, status: 'True' | 'False' = 'True'): JobCondition {
    const time = rfc3339(this.#now)
    return { type, status, lastProbeTime: time, lastTransitionTime: time, reason, message }
  }

  #noteSuspension(): void {
    const { suspend } = this.#job.spec
    const before = this.#job.status.conditions?.find(({ type }) => type === 'Suspended')
    if (suspend && before?.status !== 'True') {
      setCondition(this.#status, this.#condition('Suspended', 'JobSuspended', 'Job suspended'))
      this.#context.event(this.#job, 'Normal', 'Suspended', 'Job suspended')
    }
    if (!suspend && before?.status === 'True') {
      setCondition(this.#status, this.#condition('Suspended', 'JobResumed', 'Job resumed', 'False'))
      this.#context.event(this.#job, 'Normal', 'Resumed', 'Job resumed')
      // The time that it stood still does not count against its deadline.
      this.#status.startTime = rfc3339(this.#now)
    }
    if (suspend) delete this.#status.startTime
  }

  // ---- so many pods, no more and no fewer

  async #manage(
    succeeded: number,
    backoff: Backoff,
  ): Promise<{ readonly active: number; readonly deleted: number; readonly failure: unknown }> {
    const { spec } = this.#job
    const active = this.#active.length
    const wanted = spec.suspend ? 0 : this.#wantedActive(succeeded)
    const surplus = this.#surplus(active - wanted)
    if (surplus.length > 0) {
      const { deleted, failure } = await this.#deletePods(surplus.slice(0, burst), false)
      return { active: active - deleted, deleted, failure }
    }
    let missing = wanted - active
    if (replacesOnlyFailed(this.#job)) missing -= this.#pods.filter(isTerminating).length
    if (missing <= 0 || spec.suspend) return { active, deleted: 0, failure: undefined }
    if (!hasIndexLimit(this.#job)) {
      const delay = delayAfter(backoff.failures, backoff.lastFailure, this.#now)
      if (delay > 0) {
        this.#wakeIn(delay)
        return { active, deleted: 0, failure: undefined }
      }
    }
    const { made, failure } = await this.#createPods(Math.min(missing, burst))
    return { active: active + made, deleted: 0, failure }
  }

  #wantedActive(succeeded: number): number {
    const { completions, parallelism = 1 } = this.#job.spec
    // After the first success nobody new begins; those that run may end.
    if (completions === undefined) return succeeded > 0 ? Math.min(this.#active.length, parallelism) : parallelism
    const open = completions - succeeded - this.#failedIndexes.size
    return Math.max(0, Math.min(open, parallelism))
  }

  /** Those too many, and of two with the same index one. */
  #surplus(count: number): readonly Frozen<Pod>[] {
    if (!isIndexed(this.#job)) return count > 0 ? podsToDelete(this.#active, count, new Map(), this.#now) : []
    const doomed: Frozen<Pod>[] = []
    const keep: Frozen<Pod>[] = []
    const { completions = 0 } = this.#job.spec
    const byIndex = new Map<number, Frozen<Pod>[]>()
    for (const pod of this.#active) byIndex.set(indexOf(pod), [...(byIndex.get(indexOf(pod)) ?? []), pod])
    for (const [index, pods] of byIndex) {
      const isWanted = index >= 0 && index < completions && !this.#succeededIndexes.has(index)
      const gone = new Set(isWanted ? podsToDelete(pods, pods.length - 1, new Map(), this.#now) : pods)
      doomed.push(...gone)
      keep.push(...pods.filter(pod => !gone.has(pod)))
    }
    const more = count - doomed.length
    return more > 0 ? [...doomed, ...podsToDelete(keep, more, new Map(), this.#now)] : doomed
  }

  /** Those that merely are too many do not count as failed: nothing holds them (deleteJobPods, deleteActivePods). */
  async #deletePods(
    pods: readonly Frozen<Pod>[],
    count: boolean,
  ): Promise<{ readonly deleted: number; readonly failure: unknown }> {
    const outcomes = await Promise.allSettled(
      pods.map(async pod => {
        const { name, uid } = pod.metadata
        try {
          if (!count) await letGo([pod], this.#context)
          await this.#context.client.of(Pods).delete(pod.metadata, { preconditions: { uid } })
          this.#context.event(this.#job, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`)
        } catch (error) {
          if (!isNotFound(error) && !isConflict(error)) {
            this.#context.event(this.#job, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
            throw error
          }
        }
        this.#wasDeleted.add(uid!)
      }),
    )
    const failure = outcomes.find(outcome => outcome.status === 'rejected')
    return { deleted: this.#wasDeleted.size, failure: failure?.reason }
  }

  async #createPods(count: number): Promise<{ readonly made: number; readonly failure: unknown }> {
    const indexes = isIndexed(this.#job) ? this.#nextIndexes(count) : undefined
    const reference = ownerReference(this.#job, Jobs)
    const pending = [...(indexes ?? [])]
    const { done, error } = await slowStart(indexes?.length ?? count, async () => {
      const index = pending.shift()
      const body = index === undefined ? this.#plainPod(reference) : this.#indexedPod(index, reference)
      try {
        const { metadata } = await this.#context.client.of(Pods).create(body)
        this.#context.event(this.#job, 'Normal', 'SuccessfulCreate', `Created pod: ${metadata.name}`)
      } catch (error) {
        if (isNamespaceEnding(error)) return
        this.#context.event(this.#job, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
        throw error
      }
    })
    return { made: done, failure: error }
  }

  /** The lowest indexes that nobody works on, has done or has lost. */
  #nextIndexes(count: number): number[] {
    const { completions = 0 } = this.#job.spec
    const busy = this.#active.map(indexOf)
    if (replacesOnlyFailed(this.#job)) busy.push(...this.#pods.filter(isTerminating).map(indexOf))
    const taken = this.#succeededIndexes.with([...this.#failedIndexes, ...busy.filter(index => index >= 0)])
    if (!hasIndexLimit(this.#job)) return taken.firstMissing(count, completions)
    return taken
      .firstMissing(completions, completions)
      .filter(index => {
        const last = this.#lastFailure(index)
        if (last === undefined) return true
        const delay = delayAfter(indexFailures(last) + indexIgnored(last) + 1, endedAt(last, this.#now), this.#now)
        if (delay > 0) this.#wakeIn(delay)
        return delay <= 0
      })
      .slice(0, count)
  }

  /** The latest pod of an index that failed: what its successor is told of failures. */
  #lastFailure(index: number): Frozen<Pod> | undefined {
    const failures = (pod: Frozen<Pod>): number => indexFailures(pod) + indexIgnored(pod)
    return this.#pods
      .filter(pod => indexOf(pod) === index && hasFailed(this.#job, pod))
      .sort((one, other) => failures(other) - failures(one))[0]
  }

  #plainPod(reference: ReturnType<typeof ownerReference>): NewObject<Pod> {
    const { name, namespace } = this.#job.metadata
    const pod = podFromTemplate(this.#job.spec.template, { name, namespace: namespace! }, reference)
    return {
      ...pod,
      metadata: { ...pod.metadata, finalizers: [...(pod.metadata.finalizers ?? []), trackingFinalizer] },
    }
  }

  #indexedPod(index: number, reference: ReturnType<typeof ownerReference>): NewObject<Pod> {
    const { name } = this.#job.metadata
    const pod = this.#plainPod(reference)
    const number = String(index)
    const annotations: Record<string, string> = { ...pod.metadata.annotations, [indexAnnotation]: number }
    if (hasIndexLimit(this.#job)) {
      const last = this.#lastFailure(index)
      const isIgnored = last !== undefined && !this.#counts(last)
      const failures = last === undefined ? 0 : indexFailures(last) + (isIgnored ? 0 : 1)
      annotations[indexFailuresAnnotation] = String(failures)
      if (last !== undefined && indexIgnored(last) + (isIgnored ? 1 : 0) > 0) {
        annotations[indexIgnoredAnnotation] = String(indexIgnored(last) + (isIgnored ? 1 : 0))
      }
    }
    return {
      ...pod,
      metadata: {
        ...pod.metadata,
        generateName: `${name.slice(0, 63 - 5 - number.length - 2)}-${number}-`,
        labels: { ...pod.metadata.labels, [indexAnnotation]: number },
        annotations,
      },
      spec: indexedSpec(this.#job.spec.template, `${name}-${number}`),
    } as NewObject<Pod>
  }

  // ---- counting what has ended

  /** Writes the status; takes the finalizers from what it notes as ended; and writes it again with all in numbers. */
  async #count(): Promise<void> {
    const status = this.#status
    const noted = {
      succeeded: [...(status.uncountedTerminatedPods?.succeeded ?? [])],
      failed: [...(status.uncountedTerminatedPods?.failed ?? [])],
    }
    let room = mostUncounted - noted.succeeded.length - noted.failed.length
    const toRelease: Frozen<Pod>[] = []
    for (const pod of this.#newSucceeded.slice(0, Math.max(room, 0))) {
      room--
      if (!isIndexed(this.#job)) noted.succeeded.push(pod.metadata.uid!)
      toRelease.push(pod)
    }
    for (const pod of this.#newFailed.slice(0, Math.max(room, 0))) {
      if (this.#mustRemember(pod)) continue
      if (this.#counts(pod)) noted.failed.push(pod.metadata.uid!)
      toRelease.push(pod)
    }
    // Those of before: their finalizer goes too, if that was not done.
    const known = new Set([...noted.succeeded, ...noted.failed])
    for (const pod of this.#pods) {
      if (isTracked(pod) && known.has(pod.metadata.uid!) && !toRelease.includes(pod)) toRelease.push(pod)
    }
    if (isIndexed(this.#job)) {
      setText(status, 'completedIndexes', this.#succeededIndexes.toString())
      setCount(status, 'succeeded', this.#succeededIndexes.size)
      if (hasIndexLimit(this.#job)) setText(status, 'failedIndexes', this.#failedIndexes.toString())
    }
    if (known.size > 0) {
      status.uncountedTerminatedPods = {
        ...(noted.succeeded.length > 0 ? { succeeded: noted.succeeded } : {}),
        ...(noted.failed.length > 0 ? { failed: noted.failed } : {}),
      }
      await this.#write()
      await letGo(toRelease, this.#context)
      if (!isIndexed(this.#job)) setCount(status, 'succeeded', (status.succeeded ?? 0) + noted.succeeded.length)
      setCount(status, 'failed', (status.failed ?? 0) + noted.failed.length)
    } else if (toRelease.length > 0) {
      await this.#write()
      await letGo(toRelease, this.#context)
    }
    status.uncountedTerminatedPods = {}
    this.#finish()
    await this.#write()
  }

  /** By the last failed pod of an index it is known how often it failed: it is let go when another stands for it. */
  #mustRemember(pod: Frozen<Pod>): boolean {
    if (!hasIndexLimit(this.#job) || this.#isOver()) return false
    const index = indexOf(pod)
    if (this.#succeededIndexes.has(index) || this.#failedIndexes.has(index)) return false
    return !this.#pods.some(other => {
      if (other === pod || indexOf(other) !== index) return false
      return indexFailures(other) + indexIgnored(other) > indexFailures(pod) + indexIgnored(pod)
    })
  }

  #isOver(): boolean {
    return (
      this.#status.conditions?.some(
        ({ type, status }) => status === 'True' && (type === 'FailureTarget' || type === 'SuccessCriteriaMet'),
      ) === true
    )
  }

  /** The end is told when none of its pods is left running. */
  #finish(): void {
    const status = this.#status
    const of = (type: string): JobCondition | undefined =>
      status.conditions?.find(condition => condition.type === type && condition.status === 'True')
    const [failing, succeeding] = [of('FailureTarget'), of('SuccessCriteriaMet')]
    const target = failing ?? succeeding
    if (target === undefined || status.active || status.terminating) return
    const { reason = '', message = '' } = target
    const finish = this.#condition(failing ? 'Failed' : 'Complete', reason, message)
    setCondition(status, finish)
    if (failing) {
      this.#context.event(this.#job, 'Warning', reason, message)
      return
    }
    status.completionTime = finish.lastTransitionTime!
    const { completions } = this.#job.spec
    if (completions !== undefined && (status.succeeded ?? 0) > completions) {
      const why = 'Too many succeeded pods running after completion count reached'
      this.#context.event(this.#job, 'Warning', 'TooManySucceededPods', why)
    }
    this.#context.event(this.#job, 'Normal', 'Completed', 'Job completed')
  }

  #written: Frozen<Job> | undefined

  async #write(): Promise<void> {
    const before = this.#written ?? this.#job
    if (jsonEqual(this.#status, before.status)) return
    this.#written = await this.#context.client
      .of(Jobs)
      .updateStatus({ ...before, status: draft<JobStatus>(this.#status) })
  }
}

function setCondition(status: JobStatus, condition: JobCondition): void {
  const others = (status.conditions ?? []).filter(({ type }) => type !== condition.type)
  const before = status.conditions?.find(({ type }) => type === condition.type)
  if (
    before?.status === condition.status &&
    before.reason === condition.reason &&
    before.message === condition.message
  ) {
    return
  }
  status.conditions = [...others, condition]
}

/** A zero is left out, as Go's JSON has it. */
function setCount(status: JobStatus, name: 'active' | 'succeeded' | 'failed', count: number): void {
  if (count > 0) status[name] = count
  else delete status[name]
}

function setText(status: JobStatus, name: 'completedIndexes' | 'failedIndexes', text: string): void {
  if (text !== '') status[name] = text
  else delete status[name]
}

const indexVariable = 'JOB_COMPLETION_INDEX'

/** The template's containers are told their index by a variable, and the pod is named by it. */
function indexedSpec(template: Frozen<PodTemplateSpec>, hostname: string): PodSpec {
  const spec = draft<PodSpec>(template.spec as Frozen<PodSpec>)
  spec.hostname = hostname
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.env?.some(({ name }) => name === indexVariable)) continue
    const fieldPath = `metadata.labels['${indexAnnotation}']`
    container.env = [...(container.env ?? []), { name: indexVariable, valueFrom: { fieldRef: { fieldPath } } }]
  }
  return spec
}
