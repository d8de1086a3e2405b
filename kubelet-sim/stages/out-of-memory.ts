// A container takes more memory than it may, some time after its start (`kubesim.dev/oom-after`): the kernel kills it.

import type { Millis } from '../../src/env/clock.ts'
import { terminated } from '../containers.ts'
import { type ContainerView, startedAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const outOfMemory: Stage<ContainerView> = {
  name: 'out-of-memory',
  due(view): Millis | undefined {
    const { outOfMemoryAfter } = view.behaviour
    return view.status.state?.running && outOfMemoryAfter !== undefined ? startedAt(view) + outOfMemoryAfter : undefined
  },
  apply(view, now) {
    view.set(terminated(view.status, 137, now, 'OOMKilled'))
    view.run.endedAt = now
    delete view.run.stop
    delete view.run.probes
  },
}
