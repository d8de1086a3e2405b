// A kubelet ends a pod: to get its node out of pressure, because it takes more of the disk than it may, or because the node
// shuts down (eviction_manager.go evictPod, nodeshutdown_manager_linux.go).

import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { stopPod } from './terminating.ts'

export const evicted: Stage<PodView> = {
  name: 'evicted',
  due: ({ eviction, life, status }) =>
    eviction !== undefined && !life.stop && status.phase !== 'Succeeded' && status.phase !== 'Failed' ? 0 : undefined,
  apply(view, now) {
    const { grace, event, reason, message, condition } = view.eviction!
    if (event) view.say(event.type, event.reason, event.message)
    stopPod(view, now, grace, { reason, message, ...(condition ? { condition } : {}) })
  },
}
