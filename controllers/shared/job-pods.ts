// A Job's pods: which have ended and how, which belong to which index, how long to wait after failures, which go first.
// Pure. Upstream: pkg/controller/job/{job_controller,indexed_job_utils,backoff_utils}.go.

import type { Job, Pod } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { parseTime } from '../../src/api/time.ts'
import type { Millis } from '../../src/env/clock.ts'

/** Held by a pod until its end has been counted. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexAnnotation = 'batch.kubernetes.io/job-completion-index'
export const indexFailuresAnnotation = 'batch.kubernetes.io/job-index-failure-count'
export const indexIgnoredAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isIndexed = ({ spec }: Frozen<Job>): boolean => spec.completionMode === 'Indexed'
export const hasIndexLimit = ({ spec }: Frozen<Job>): boolean => spec.backoffLimitPerIndex !== undefined
export const replacesOnlyFailed = ({ spec }: Frozen<Job>): boolean => spec.podReplacementPolicy === 'Failed'

export const isTracked = ({ metadata }: Frozen<Pod>): boolean =>
  metadata.finalizers?.includes(trackingFinalizer) === true
export const hasSucceeded = ({ status }: Frozen<Pod>): boolean => status.phase === 'Succeeded'

/** One on its way out counts as failed at once, unless the Job waits for the end of what it replaces. */
export function hasFailed(job: Frozen<Job>, pod: Frozen<Pod>): boolean {
  if (pod.status.phase === 'Failed') return true
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && !hasSucceeded(pod)
}

/** -1 when it has none. */
export function indexOf({ metadata }: Frozen<Pod>): number {
  const text = metadata.annotations?.[indexAnnotation] ?? ''
  return /^\d+$/.test(text) ? Number(text) : -1
}

export function indexFailures({ metadata }: Frozen<Pod>): number {
  return Number(metadata.annotations?.[indexFailuresAnnotation] ?? 0) || 0
}

export function indexIgnored({ metadata }: Frozen<Pod>): number {
  return Number(metadata.annotations?.[indexIgnoredAnnotation] ?? 0) || 0
}

/** When the pod ended: when the last of its containers did, or, when none says so, by its conditions and deletion. */
export function endedAt(pod: Frozen<Pod>, now: Millis): Millis {
  const ends = (pod.status.containerStatuses ?? []).map(({ state }) => state?.terminated?.finishedAt)
  if (ends.length > 0 && ends.every(end => end !== undefined)) return Math.max(...ends.map(end => parseTime(end!)))
  const ready = pod.status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime
  if (ready !== undefined) return parseTime(ready)
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = pod.metadata
  return deletionTimestamp === undefined ? now : parseTime(deletionTimestamp) - deletionGracePeriodSeconds * 1000
}

const firstDelay = 10_000
const longestDelay = 600_000

/** How long the next pod waits after so many failures in a row, from the last of them. */
export function delayAfter(failures: number, lastFailure: Millis, now: Millis): Millis {
  if (failures <= 0) return 0
  const delay = Math.min(firstDelay * 2 ** Math.min(failures - 1, 20), longestDelay)
  return Math.max(0, lastFailure + delay - now)
}

/** Failures in a row, and when the last was: what is waited after. */
export interface Backoff {
  readonly failures: number
  readonly lastFailure: Millis
}

export const noBackoff: Backoff = { failures: 0, lastFailure: 0 }

/** What there was before, with the pods that ended since. */
export function withEnded(
  before: Backoff,
  succeeded: readonly Frozen<Pod>[],
  failed: readonly Frozen<Pod>[],
  now: Millis,
): Backoff {
  const success = succeeded.length === 0 ? undefined : Math.max(...succeeded.map(pod => endedAt(pod, now)))
  const failures = failed.map(pod => endedAt(pod, now)).filter(at => success === undefined || at > success)
  if (success === undefined) {
    if (failures.length === 0) return before
    return { failures: before.failures + failures.length, lastFailure: Math.max(before.lastFailure, ...failures) }
  }
  return failures.length === 0 ? noBackoff : { failures: failures.length, lastFailure: Math.max(...failures) }
}

/** Restarts of containers in pods that go on by themselves (restartPolicy OnFailure) count as failures too. */
export function restartsOf(pods: readonly Frozen<Pod>[]): number {
  let restarts = 0
  for (const { status } of pods) {
    if (status.phase !== 'Running' && status.phase !== 'Pending') continue
    for (const each of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
      restarts += each.restartCount ?? 0
    }
  }
  return restarts
}
