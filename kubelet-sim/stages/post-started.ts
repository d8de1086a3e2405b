// A started container's postStart hook is over: it is said to run, or, when the hook failed, it is stopped again.
// kuberuntime_container.go startContainer, ErrPostStartHook.

import { started, terminated, waiting } from '../containers.ts'
import { hookFault } from '../hooks.ts'
import { type ContainerView, isRestarted, startedAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { endOfStop, tellToStop } from '../stopping.ts'

export const postStarted: Stage<ContainerView> = {
  name: 'post-started',
  due: ({ run: { postStart, stop } }) => (stop === undefined ? postStart?.over?.at : undefined),
  apply(view, now) {
    const { run, spec, status, pod } = view
    const over = run.postStart!.over!
    if (over.fault !== undefined) {
      view.say('Warning', 'FailedPostStartHook', 'PostStartHook failed')
      tellToStop(view, now, (pod.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, 'FailedPostStartHook')
      return
    }
    delete run.postStart
    const running = started(pod.pod, spec, status, startedAt(view), view.user)
    view.set(view.role === 'init' ? { ...running, ready: false } : running)
  },
}

/** The stopped container has ended: it is as if it could not be started. */
export const postStartFailed: Stage<ContainerView> = {
  name: 'post-start-failed',
  due: view => (view.run.postStart && view.run.stop ? endOfStop(view)?.at : undefined),
  apply(view, now) {
    const { run, spec, status, pod } = view
    const message = hookFault(view, 'postStart', run.postStart!.over!)
    const ended = terminated(started(pod.pod, spec, status, startedAt(view), view.user), endOfStop(view)!.code, now)
    view.set(ended)
    if (isRestarted(view)) {
      const lastState = { terminated: ended.state!.terminated! }
      view.set({ ...waiting(spec, 'PostStartHookError', message, ended), lastState })
    }
    run.endedAt = now
    delete run.postStart
    delete run.stop
  },
}
