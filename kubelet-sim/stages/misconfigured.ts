// The image is there, but what the container's environment is made of is not: CreateContainerConfigError, and the next sync
// tries again (pkg/kubelet/kuberuntime/kuberuntime_container.go startContainer).

import { waiting } from '../containers.ts'
import type { ContainerView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

const syncPeriod = 10_000

export const misconfigured: Stage<ContainerView> = {
  name: 'misconfigured',
  due: ({ run: { ensuring }, fault }) => (ensuring?.done && fault !== undefined ? ensuring.from : undefined),
  apply(view, now) {
    const { spec, run, status, fault } = view
    view.say('Warning', 'Failed', `Error: ${fault}`)
    view.set(waiting(spec, 'CreateContainerConfigError', fault, status))
    run.heldUntil = now + syncPeriod
    delete run.ensuring
  },
}
