// All main containers have ended for good: sidecars, and what was added for debugging, are told to stop. The phase follows from the containers' states.

import { isOver, type PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { tellToStop } from '../stopping.ts'

export const completed: Stage<PodView> = {
  name: 'completed',
  due: view => (othersLeft(view).length > 0 && isOver(view) ? 0 : undefined),
  apply(view, now) {
    const grace = (view.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    for (const container of othersLeft(view)) tellToStop(container, now, grace)
  },
}

function othersLeft(view: PodView) {
  if (view.pod.metadata.deletionTimestamp !== undefined) return []
  return view.containers.filter(({ role, status, run }) => role !== 'main' && status.state?.running && !run.stop)
}
