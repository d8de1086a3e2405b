// A pod ends for good: it is deleted, or its kubelet ends it (deadline, eviction, shutdown). Its containers are told to stop,
// each in its turn, and once the last has ended the status says so, in one write; what is deleted the kubelet then makes the
// API forget (a delete with gracePeriodSeconds 0). pkg/kubelet/kubelet.go SyncTerminatingPod, status_manager.go
// TerminatePod: a phase that is an end is told only when nothing runs any more.

import type { ContainerStatus, PodCondition } from '../../generated/types.ts'
import { setCondition } from '../../src/api/conditions.ts'
import type { Millis } from '../../src/env/clock.ts'
import { phaseOf, terminated } from '../containers.ts'
import { lastWords } from '../last-words.ts'
import type { Failure } from '../life.ts'
import type { ContainerView, PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { isRunning, tellAllToStop } from '../stopping.ts'

export const stopping: Stage<PodView> = {
  name: 'stopping',
  due: ({ pod, life, removed }) => (pod.metadata.deletionTimestamp && !life.stop && !removed ? 0 : undefined),
  apply: (view, now) => stopPod(view, now, graceOf(view)),
}

/** Ends a pod: from then on nothing of it is started again. */
export function stopPod(view: PodView, now: Millis, grace: Millis, failure?: Failure): void {
  view.life.stop = { from: now, ...(failure ? { failure } : {}) }
  tellAllToStop(view, now, grace)
}

export const stopped: Stage<PodView> = {
  name: 'stopped',
  due({ life: { stop }, removed, containers, pod, status }) {
    if (stop === undefined || removed || containers.some(isRunning)) return undefined
    if (hasEnded(status) && !pod.metadata.deletionTimestamp) return undefined
    return containers.reduce((last, { run }) => Math.max(last, run.ended?.at ?? 0), stop.from)
  },
  apply(view, now) {
    for (const container of view.containers) finish(container, now)
    const { status, life, pod } = view
    if (status.startTime !== undefined && !hasEnded(status)) {
      const { failure } = life.stop!
      const phase = phaseOf(pod.spec, status, true)
      status.phase = failure === undefined && phase === 'Succeeded' ? 'Succeeded' : 'Failed'
      if (failure) tellOf(failure, view, now)
      view.changed = true
    }
    if (pod.metadata.deletionTimestamp) view.removed = true
  },
}

function tellOf({ reason, message, condition }: Failure, { status, pod }: PodView, now: Millis): void {
  Object.assign(status, { reason, message })
  if (condition === undefined) return
  const { generation } = pod.metadata
  const observed = generation === undefined ? {} : { observedGeneration: generation }
  status.conditions ??= []
  setCondition<PodCondition>(
    status.conditions,
    { ...observed, type: 'DisruptionTarget', status: 'True', reason: condition, message },
    now,
  )
}

/** What is not said to have ended was about to start, or to start again. */
function finish(container: ContainerView, now: Millis): void {
  const { status, run, role } = container
  if (run.ended !== undefined) {
    const { at, code } = run.ended
    container.set(terminated(status, code, at, undefined, lastWords(container, code, at)))
    delete run.ended
    delete run.stop
    delete run.postStart
    delete run.probes
    delete run.asking
    run.endedAt = at
  } else if (status.state?.waiting && status.lastState?.terminated) {
    container.set({ ...status, state: { terminated: status.lastState.terminated }, lastState: {} } as ContainerStatus)
  } else if (status.state?.waiting && role === 'main' && isInitialized(container.pod)) {
    const message = 'The container could not be located when the pod was terminated'
    container.set(terminated(status, 137, now, 'ContainerStatusUnknown', message))
  }
}

function isInitialized({ containers }: PodView): boolean {
  return containers.some(({ role, status: { state } }) => role === 'main' && (state?.running ?? state?.terminated))
}

function hasEnded({ phase }: { readonly phase?: string | undefined }): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

function graceOf({ pod }: PodView): Millis {
  return (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
}
