// The last step of an expansion: once a pod uses the claim on one of our nodes, its file system grows too (NodeExpandVolume;
// pkg/volume/util/operationexecutor/node_expander.go, pkg/volume/util/resize_util.go MarkFSResizeFinished).

import type { PersistentVolumeClaim, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { Nodes, PersistentVolumeClaims, Pods } from '../src/kinds/index.ts'
import { claimNamesOf, podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isSilent, isSimulated } from './nodes.ts'
import type { Silences } from './silences.ts'

const steps = ['Resizing', 'FileSystemResizePending']

export function nodeExpansion(silences: Silences): ControllerSpec<PersistentVolumeClaim> {
  return defineController<PersistentVolumeClaim>({
    name: 'kubelet-volume-expansion',
    source: 'kubelet',
    for: PersistentVolumeClaims,
    reads: [Nodes],
    wakes: [
      {
        kind: Pods,
        keys(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined) {
          if (now?.status.podIP === undefined || before?.status.podIP !== undefined) return []
          const { namespace } = now.metadata
          return claimNamesOf(now).map(name => ({ namespace, name }))
        },
      },
    ],
    concerns: ({ status }) => status.allocatedResourceStatuses?.storage === 'NodeResizePending',
    start({ lister }) {
      lister(Pods).index(podClaimIndex, podClaimKeys)
    },
    async reconcile(claim, { lister, client, event }) {
      const { namespace, name } = claim.metadata
      const user = lister(Pods)
        .by(podClaimIndex, `${namespace}/${name}`)
        .find(({ spec, status }) => {
          const node = lister(Nodes).get({ name: spec.nodeName ?? '' })
          // It has an address when its volumes are mounted.
          return (
            status.podIP !== undefined && node && isSimulated(node) && !isSilent(node) && !silences.has(spec.nodeName!)
          )
        })
      if (user === undefined) return
      const { allocatedResourceStatuses, allocatedResources, ...rest } = claim.status
      const { storage: _done, ...statuses } = allocatedResourceStatuses ?? {}
      const storage = allocatedResources?.storage ?? claim.spec.resources?.requests?.storage ?? '0'
      await client.of(PersistentVolumeClaims).updateStatus({
        ...claim,
        status: {
          ...rest,
          capacity: { ...rest.capacity, storage },
          conditions: (rest.conditions ?? []).filter(({ type }) => !steps.includes(type)),
          ...(allocatedResources ? { allocatedResources } : {}),
          ...(Object.keys(statuses).length > 0 ? { allocatedResourceStatuses: statuses } : {}),
        },
      })
      const host = user.spec.nodeName!
      const message = `MountVolume.NodeExpandVolume succeeded for volume "${claim.spec.volumeName}" ${host}`
      for (const about of [user, claim]) {
        event(about, 'Normal', 'FileSystemResizeSuccessful', message, undefined, { host })
      }
    },
  })
}
