// activeDeadlineSeconds is over: the pod has failed, and what still runs is stopped.

import { parseTime } from '../../src/api/time.ts'
import { terminated } from '../containers.ts'
import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

const message = 'Pod was active on the node longer than the specified deadline'

export const deadline: Stage<PodView> = {
  name: 'deadline',
  due({ pod, status }) {
    const seconds = pod.spec.activeDeadlineSeconds
    if (seconds === undefined || status.startTime === undefined || pod.metadata.deletionTimestamp) return undefined
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined
    return parseTime(status.startTime) + seconds * 1000
  },
  apply(view, now) {
    view.say('Normal', 'DeadlineExceeded', message)
    for (const container of view.containers) {
      if (!container.status.state?.running) continue
      container.say('Normal', 'Killing', `Stopping container ${container.spec.name}`)
      container.set(terminated(container.status, container.behaviour.onTerm ?? 137, now))
    }
    view.status.phase = 'Failed'
    view.status.reason = 'DeadlineExceeded'
    view.status.message = message
    view.changed = true
  },
}
