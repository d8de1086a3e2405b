// activeDeadlineSeconds is over: the pod has failed, and what still runs is stopped (pkg/kubelet/active_deadline.go).

import { parseTime } from '../../src/api/time.ts'
import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { stopPod } from './terminating.ts'

const reason = 'DeadlineExceeded'
const message = 'Pod was active on the node longer than the specified deadline'

export const deadline: Stage<PodView> = {
  name: 'deadline',
  due({ pod, status, life }) {
    const seconds = pod.spec.activeDeadlineSeconds
    if (seconds === undefined || status.startTime === undefined || life.stop) return undefined
    if (status.phase === 'Succeeded' || status.phase === 'Failed') return undefined
    return parseTime(status.startTime) + seconds * 1000
  },
  apply(view, now) {
    view.say('Normal', reason, message)
    stopPod(view, now, (view.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, { reason, message })
  },
}
