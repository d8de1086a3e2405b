// The image is there and the container is set up: it runs.

import { started } from '../containers.ts'
import { beginHook } from '../hooks.ts'
import { type ContainerView, endedAt, nextBackOff } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const starting: Stage<ContainerView> = {
  name: 'starting',
  due: ({ run: { ensuring } }) => (ensuring?.done ? ensuring.until : undefined),
  apply(view, now) {
    const { run, status, spec, pod } = view
    view.say('Normal', 'Created', 'Container created')
    view.say('Normal', 'Started', 'Container started')
    // kuberuntime's doBackOff: the first restart is at once, and what it begins is the back-off of the next one.
    if (status.state?.terminated ?? status.lastState?.terminated) {
      run.crash = nextBackOff(run.crash, endedAt(view), now)
    }
    run.startedAt = now
    const hook = beginHook(view, 'postStart', now)
    if (hook !== undefined) run.postStart = hook
    else {
      const running = started(pod.pod, spec, status, now, view.user)
      // An init container is ready once it has succeeded.
      view.set(view.role === 'init' ? { ...running, ready: false } : running)
    }
    delete run.ensuring
    delete run.endedAt
    delete run.heldUntil
    delete run.stop
    delete run.probes
    delete run.asking
    delete run.startedUpAt
  },
}
