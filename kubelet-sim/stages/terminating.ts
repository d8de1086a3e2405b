// A pod is being deleted: its containers are told to stop, have until their grace is over, and then the kubelet makes the
// API forget the pod (a delete with gracePeriodSeconds 0).

import type { Millis } from '../../src/env/clock.ts'
import { terminated } from '../containers.ts'
import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { stopOf } from '../stopping.ts'

export const stopping: Stage<PodView> = {
  name: 'stopping',
  due: ({ pod, life, removed }) => (pod.metadata.deletionTimestamp && !life.stop && !removed ? 0 : undefined),
  apply(view, now) {
    let until = now
    for (const container of view.containers) {
      if (!container.status.state?.running) continue
      container.say('Normal', 'Killing', `Stopping container ${container.spec.name}`)
      container.run.killed = stopOf(container, now, graceOf(view))
      until = Math.max(until, container.run.killed.at)
    }
    view.life.stop = { from: now, until }
  },
}

export const stopped: Stage<PodView> = {
  name: 'stopped',
  due(view) {
    const { stop } = view.life
    // A second delete may shorten the grace of the first.
    return stop && !view.removed ? Math.min(stop.until, stop.from + graceOf(view)) : undefined
  },
  apply(view, now) {
    let failed = false
    for (const container of view.containers) {
      const { status, run, role } = container
      if (status.state?.running) {
        const code = run.killed !== undefined && run.killed.at <= now ? run.killed.code : 137
        container.set(terminated(status, code, now))
      }
      if (role === 'main' && container.status.state?.terminated?.exitCode !== 0) failed = true
    }
    if (view.status.startTime !== undefined && view.status.phase !== 'Succeeded' && view.status.phase !== 'Failed') {
      view.status.phase = failed ? 'Failed' : 'Succeeded'
      view.changed = true
    }
    view.removed = true
  },
}

function graceOf({ pod }: PodView): Millis {
  return (pod.metadata.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
}
