// All main containers have ended for good: sidecars are told to stop. The phase follows from the containers' states.

import { isOver, type PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { stopOf } from '../stopping.ts'

export const completed: Stage<PodView> = {
  name: 'completed',
  due: view => (sidecarsLeft(view).length > 0 && isOver(view) ? 0 : undefined),
  apply(view, now) {
    const grace = (view.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    for (const sidecar of sidecarsLeft(view)) {
      sidecar.say('Normal', 'Killing', `Stopping container ${sidecar.spec.name}`)
      sidecar.run.killed = stopOf(sidecar, now, grace)
    }
  },
}

function sidecarsLeft(view: PodView) {
  if (view.pod.metadata.deletionTimestamp !== undefined) return []
  return view.containers.filter(({ role, status, run }) => role === 'sidecar' && status.state?.running && !run.killed)
}
