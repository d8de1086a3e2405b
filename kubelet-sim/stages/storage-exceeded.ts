// A container whose files and log are declared to grow (`kubesim.dev/disk`) comes to take more of the disk than it may: the pod is
// evicted when its kubelet looks next. What containers really write is counted where it is written (machine/volumes/pod-disk.ts).

import type { Millis } from '../../src/env/clock.ts'
import { passes, valueAt } from '../curve.ts'
import { evictionFor, nextLook, type StorageLimits, storageFault, storageLimitsOf } from '../eviction/local-storage.ts'
import { type ContainerView, type PodView, startedAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { curveFor, diskAnnotation } from '../usage.ts'
import { stopPod } from './terminating.ts'

export const storageExceeded: Stage<PodView> = {
  name: 'storage-exceeded',
  due(view) {
    if (view.life.stop || !view.pod.spec.containers.some(hasLimit)) return undefined
    const soonest = Math.min(...view.containers.map(each => exceedsAt(each) ?? Number.POSITIVE_INFINITY))
    return soonest === Number.POSITIVE_INFINITY ? undefined : nextLook(soonest)
  },
  apply(view, now) {
    const limits = storageLimitsOf(view.pod)!
    const { event, ...failure } = evictionFor(faultOf(view, limits, now))
    view.say(event!.type, event!.reason, event!.message)
    stopPod(view, now, failure.grace, failure)
  },
}

const hasLimit = ({ resources }: ContainerView['spec']): boolean =>
  resources?.limits?.['ephemeral-storage'] !== undefined

/** By itself: what it and others take together is not foreseen. */
function exceedsAt(container: ContainerView): Millis | undefined {
  const { spec, status, pod, labels } = container
  if (!status.state?.running) return undefined
  const curve = curveFor(pod.pod, spec, diskAnnotation, labels)
  const limits = curve && storageLimitsOf(pod.pod)
  const limit = limits?.containers.get(spec.name) ?? limits?.total
  const after = limit && passes(curve!, limit.value())
  return after === undefined ? undefined : startedAt(container) + after
}

/** Of each what it took when it took too much, which may be over by the time somebody looks. */
function faultOf({ pod, containers }: PodView, limits: StorageLimits, now: Millis): string {
  const uses = new Map<string, number>()
  for (const container of containers) {
    const curve = curveFor(pod, container.spec, diskAnnotation, container.labels)
    const at = Math.min(now, exceedsAt(container) ?? now)
    if (curve !== undefined) uses.set(container.spec.name, Math.ceil(valueAt(curve, at - startedAt(container))))
  }
  const total = [...uses.values()].reduce((sum, each) => sum + each, 0)
  return storageFault(limits, { volume: () => 0, container: name => uses.get(name) ?? 0, total })!
}
