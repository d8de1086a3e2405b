// A container ended and is to be started again, but not yet: CrashLoopBackOff. The first restart is at once, then 10 s,
// 20 s, 40 s … 5 min (kuberuntime_manager.go doBackOff); ten minutes of running make it forget.

import { waiting } from '../containers.ts'
import { goDuration } from '../duration.ts'
import { type ContainerView, endedAt, isOver, isRestarted, restartAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

/** How long the exit itself is seen before the kubelet looks again. */
const nextLook = 1000

export const backingOff: Stage<ContainerView> = {
  name: 'backing-off',
  due(view) {
    const { status, role, pod } = view
    const hasEnded = status.state?.terminated ?? status.state?.waiting?.reason === 'PostStartHookError'
    if (!hasEnded || view.run.postStart || !isRestarted(view) || (role === 'sidecar' && isOver(pod))) return undefined
    const look = endedAt(view) + Math.round(nextLook * pod.delays.start)
    return look < restartAt(view) ? look : undefined
  },
  apply(view) {
    const { spec, status, run } = view
    const { name, namespace, uid } = view.pod.pod.metadata
    const pod = `${name}_${namespace}(${uid})`
    const ended = status.state?.terminated
    view.say('Warning', 'BackOff', `Back-off restarting failed container ${spec.name} in pod ${pod}`)
    view.set({
      ...waiting(
        spec,
        'CrashLoopBackOff',
        `back-off ${goDuration(run.crash?.delay ?? 0)} restarting failed container=${spec.name} pod=${pod}`,
        status,
      ),
      ...(ended ? { lastState: { terminated: ended } } : {}),
    })
  },
}
