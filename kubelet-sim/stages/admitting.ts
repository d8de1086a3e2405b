// The kubelet sees a pod for the first time: it says since when and where, and every container waits.

import { rfc3339 } from '../../src/api/time.ts'
import { waiting } from '../containers.ts'
import type { Failure } from '../life.ts'
import type { PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const admitting: Stage<PodView> = {
  name: 'admitting',
  due: view => (view.status.startTime === undefined && !isLeaving(view) ? 0 : undefined),
  apply(view, now) {
    const { status, pod, nodeAddress, secondNodeAddress } = view
    status.phase = 'Pending'
    status.startTime = rfc3339(now)
    status.hostIP = nodeAddress
    status.hostIPs = [{ ip: nodeAddress }, ...(secondNodeAddress ? [{ ip: secondNodeAddress }] : [])]
    if (view.rejection !== undefined) return reject(view, view.rejection)
    const reason = pod.spec.initContainers?.length ? 'PodInitializing' : 'ContainerCreating'
    for (const container of view.containers) container.set(waiting(container.spec, reason))
  },
}

/** Nothing of it is ever started (pkg/kubelet/kubelet.go rejectPod). */
function reject(view: PodView, { reason, message }: Failure): void {
  const { status, pod } = view
  view.say('Warning', reason, message.replace('Pod was rejected: ', ''))
  Object.assign(status, { phase: 'Failed', reason, message })
  const { generation } = pod.metadata
  if (generation !== undefined) status.observedGeneration = generation
  delete status.containerStatuses
  delete status.initContainerStatuses
  delete status.ephemeralContainerStatuses
  view.changed = true
}

function isLeaving({ pod, status }: PodView): boolean {
  return pod.metadata.deletionTimestamp !== undefined || status.phase === 'Succeeded' || status.phase === 'Failed'
}
