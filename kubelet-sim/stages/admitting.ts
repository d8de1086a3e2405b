// The kubelet sees a pod for the first time: it says since when and where, and every container waits.

import { rfc3339 } from '../../src/api/time.ts'
import { waiting } from '../containers.ts'
import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const admitting: Stage<PodView> = {
  name: 'admitting',
  due: view => (view.status.startTime === undefined && !isLeaving(view) ? 0 : undefined),
  apply(view, now) {
    const { status, pod, nodeAddress } = view
    status.phase = 'Pending'
    status.startTime = rfc3339(now)
    status.hostIP = nodeAddress
    status.hostIPs = [{ ip: nodeAddress }]
    const reason = pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating'
    for (const container of view.containers) container.set(waiting(container.spec, reason))
  },
}

function isLeaving({ pod, status }: PodView): boolean {
  return pod.metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded' || status.phase === 'Failed'
}
