// CronJobs: makes a Job each time that a schedule comes round, and clears away the old ones. What is due is worked out in
// shared/schedule.ts. Upstream: pkg/controller/cronjob/cronjob_controllerv2.go.

import type { CronJob, CronJobStatus, Job, JobSpec, ObjectReference } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import { draft } from '../src/api/freeze.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { isControlledBy, ownerReference } from '../src/api/owners.ts'
import { parseTime, rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { CronJobs } from '../src/kinds/cronjob.ts'
import { Jobs } from '../src/kinds/job.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isNamespaceEnding, messageOf } from './shared/replicas.ts'
import type { Schedule } from './shared/schedule.ts'

/** A little late, so that the moment has surely come (nextScheduleDelta). */
const delta = 100
const mostMissed = 100

/** So many schedules are kept as they were read. */
const mostSchedules = 1_000

export function cronJobController(): ControllerSpec<CronJob> {
  const schedules = new Map<string, Schedule>()
  return defineController<CronJob>({
    name: 'cronjob-controller',
    for: CronJobs,
    owns: [Jobs],
    workers: 5,
    async reconcile(cronJob, context) {
      const jobs = context.lister(Jobs).by('controller', cronJob.metadata.uid!)
      return new Turn(cronJob, jobs, context, schedules).run()
    },
  })
}

const endOf = ({ status }: Frozen<Job>): 'Complete' | 'Failed' | undefined =>
  status.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True')
    ?.type as 'Complete' | 'Failed' | undefined

class Turn {
  readonly #cronJob: Frozen<CronJob>
  readonly #jobs: readonly Frozen<Job>[]
  readonly #context: Context
  readonly #now: Millis
  readonly #status: CronJobStatus
  readonly #schedules: Map<string, Schedule>

  constructor(
    cronJob: Frozen<CronJob>,
    jobs: readonly Frozen<Job>[],
    context: Context,
    schedules: Map<string, Schedule>,
  ) {
    this.#schedules = schedules
    this.#cronJob = cronJob
    this.#jobs = jobs
    this.#context = context
    this.#now = context.clock.now()
    this.#status = draft<CronJobStatus>(cronJob.status)
  }

  async run(): Promise<Outcome> {
    await this.#look()
    const again = this.#cronJob.metadata.deletionTimestamp === undefined ? await this.#schedule() : undefined
    await this.#clear('Complete', this.#cronJob.spec.successfulJobsHistoryLimit)
    await this.#clear('Failed', this.#cronJob.spec.failedJobsHistoryLimit)
    if (!jsonEqual(this.#status, this.#cronJob.status)) {
      await this.#context.client.of(CronJobs).updateStatus({ ...this.#cronJob, status: this.#status })
    }
    return again === undefined ? undefined : { again }
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#context.event(this.#cronJob, type, reason, message)
  }

  // ---- which of its Jobs run

  async #look(): Promise<void> {
    for (const job of this.#jobs) {
      const { name, uid } = job.metadata
      const isKnown = this.#active.some(each => each.uid === uid)
      const end = endOf(job)
      if (!isKnown && end === undefined) {
        this.#event('Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${name}`)
      }
      if (end === undefined) continue
      if (isKnown) {
        this.#setActive(this.#active.filter(each => each.uid !== uid))
        this.#event('Normal', 'SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`)
      }
      const { completionTime } = job.status
      const { lastSuccessfulTime } = this.#status
      if (end !== 'Complete' || completionTime === undefined) continue
      if (lastSuccessfulTime === undefined || parseTime(lastSuccessfulTime) < parseTime(completionTime)) {
        this.#status.lastSuccessfulTime = completionTime
      }
    }
    for (const { name, uid } of this.#active) {
      if (this.#jobs.some(({ metadata }) => metadata.uid === uid)) continue
      try {
        await this.#context.client.of(Jobs).get({ name: name!, namespace: this.#cronJob.metadata.namespace })
      } catch (error) {
        if (!isNotFound(error)) throw error
        this.#event('Normal', 'MissingJob', `Active job went missing: ${name}`)
        this.#setActive(this.#active.filter(each => each.uid !== uid))
      }
    }
  }

  get #active(): readonly ObjectReference[] {
    return this.#status.active ?? []
  }

  #setActive(active: readonly ObjectReference[]): void {
    if (active.length > 0) this.#status.active = [...active]
    else delete this.#status.active
  }

  // ---- what is due

  /** Makes the Job that is due; says how long it is until the next. */
  async #schedule(): Promise<Millis | undefined> {
    const { spec, metadata } = this.#cronJob
    if (spec.suspend) return undefined
    // Loaded when there is a CronJob: most clusters have none.
    const { dueSince, parseSchedule } = await import('./shared/schedule.ts')
    const words = JSON.stringify([spec.schedule, spec.timeZone])
    let schedule = this.#schedules.get(words)
    try {
      schedule ??= parseSchedule(spec.schedule, spec.timeZone)
      if (this.#schedules.size >= mostSchedules) this.#schedules.clear()
      this.#schedules.set(words, schedule)
    } catch (error) {
      const why = messageOf(error)
      this.#event('Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${why}`)
      return undefined
    }
    const { lastScheduleTime } = this.#status
    let since = parseTime(lastScheduleTime ?? metadata.creationTimestamp!)
    const deadline = spec.startingDeadlineSeconds === undefined ? undefined : spec.startingDeadlineSeconds * 1000
    if (deadline !== undefined) since = Math.max(since, this.#now - deadline)
    const { last, count } = dueSince(schedule, since, this.#now)
    if (count > mostMissed) {
      const advice = 'Set or decrease .spec.startingDeadlineSeconds or check clock skew'
      this.#event('Warning', 'TooManyMissedTimes', `too many missed start times. ${advice}`)
    }
    if (last !== undefined) await this.#start(last, deadline)
    const next = schedule.next(this.#now)
    return next === undefined ? undefined : next + delta - this.#now
  }

  async #start(time: Millis, deadline: Millis | undefined): Promise<void> {
    const { spec, metadata } = this.#cronJob
    if (deadline !== undefined && time + deadline < this.#now) {
      this.#event('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${rfc1123(time)}`)
      return
    }
    const name = `${metadata.name}-${Math.floor(time / 60_000)}`
    const { lastScheduleTime } = this.#status
    if (lastScheduleTime !== undefined && parseTime(lastScheduleTime) === time) return
    if (this.#active.some(each => each.name === name)) return
    if (spec.concurrencyPolicy === 'Forbid' && this.#active.length > 0) {
      const why = 'Not starting job because prior execution is running and concurrency policy is Forbid'
      this.#event('Normal', 'JobAlreadyActive', why)
      return
    }
    if (spec.concurrencyPolicy === 'Replace') {
      for (const each of this.#active) {
        const job = this.#jobs.find(({ metadata: { uid } }) => uid === each.uid)
        if (job !== undefined) await this.#delete(job)
      }
    }
    const job = await this.#create(name, time)
    if (job === undefined) return
    const reference = {
      apiVersion: job.apiVersion,
      kind: job.kind,
      name,
      namespace: metadata.namespace!,
      resourceVersion: job.metadata.resourceVersion!,
      uid: job.metadata.uid!,
    }
    this.#setActive([...this.#active, reference])
    this.#status.lastScheduleTime = rfc3339(time)
  }

  /** Undefined when there can be none: the namespace ends, or the name is somebody else's. */
  async #create(name: string, time: Millis): Promise<Frozen<Job> | undefined> {
    const jobs = this.#context.client.of(Jobs)
    try {
      const job = await jobs.create(this.#body(name, time))
      this.#event('Normal', 'SuccessfulCreate', `Created job ${name}`)
      return job
    } catch (error) {
      if (isNamespaceEnding(error)) return undefined
      if (!isAlreadyExists(error)) {
        this.#event('Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`)
        throw error
      }
      // Made in a turn that could not write its status.
      const job = await jobs.get({ name, namespace: this.#cronJob.metadata.namespace })
      return isControlledBy(job, this.#cronJob) && endOf(job) === undefined ? job : undefined
    }
  }

  #body(name: string, time: Millis): NewObject<Job> {
    const { spec, metadata } = this.#cronJob
    const { labels, annotations } = spec.jobTemplate.metadata ?? {}
    const scheduled = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
    return {
      apiVersion: Jobs.apiVersion,
      kind: 'Job',
      metadata: {
        name,
        namespace: metadata.namespace!,
        ...(labels ? { labels: { ...labels } } : {}),
        annotations: { ...annotations, [scheduled]: inZone(time, spec.timeZone) },
        ownerReferences: [ownerReference(this.#cronJob, CronJobs)],
      },
      spec: spec.jobTemplate.spec as JobSpec,
    }
  }

  async #delete(job: Frozen<Job>): Promise<void> {
    try {
      await this.#context.client.of(Jobs).delete(job.metadata, { propagationPolicy: 'Background' })
    } catch (error) {
      if (!isNotFound(error)) {
        this.#event('Warning', 'FailedDelete', `Deleted job: ${messageOf(error)}`)
        throw error
      }
    }
    this.#setActive(this.#active.filter(({ uid }) => uid !== job.metadata.uid))
    this.#event('Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`)
  }

  /** The oldest of those that ended so, beyond the limit. */
  async #clear(end: 'Complete' | 'Failed', limit: number | undefined): Promise<void> {
    if (limit === undefined) return
    const begun = ({ status, metadata }: Frozen<Job>): Millis =>
      parseTime(status.startTime ?? metadata.creationTimestamp!)
    const ended = this.#jobs
      .filter(job => endOf(job) === end && job.metadata.deletionTimestamp === undefined)
      .sort((one, other) => begun(one) - begun(other) || (one.metadata.name < other.metadata.name ? -1 : 1))
    for (const job of ended.slice(0, Math.max(0, ended.length - limit))) await this.#delete(job)
  }
}

/** RFC 3339 with the offset that the zone has then. */
function inZone(time: Millis, timeZone = 'UTC'): string {
  if (timeZone === 'UTC') return rfc3339(time)
  const parts = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' }).formatToParts(time)
  const offset = /GMT([+-]\d\d):(\d\d)/.exec(parts.find(({ type }) => type === 'timeZoneName')?.value ?? '')
  if (offset === null || (offset[1] === '+00' && offset[2] === '00')) return rfc3339(time)
  const [, hours, minutes] = offset
  const shift = Number(hours) * 60 + Math.sign(Number(hours)) * Number(minutes)
  return `${rfc3339(time + shift * 60_000).slice(0, -1)}${hours}:${minutes}`
}

/** `Mon, 01 Jan 2024 00:05:00 +0000`, as Go's RFC1123Z. */
function rfc1123(time: Millis): string {
  return new Date(time).toUTCString().replace('GMT', '+0000')
}
