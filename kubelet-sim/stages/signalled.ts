// A container that was told to stop has been through its preStop hook, and those it waits for have ended: SIGTERM.

import type { ContainerView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { signal, signalDue } from '../stopping.ts'

export const signalled: Stage<ContainerView> = {
  name: 'signalled',
  due: view => {
    const due = signalDue(view)
    return due === undefined || due === Number.POSITIVE_INFINITY ? undefined : due
  },
  apply: signal,
}
