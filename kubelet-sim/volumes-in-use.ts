// A node says which attached volumes it uses, so that nobody takes them away under a pod (volumesInUse;
// pkg/kubelet/nodestatus/setters.go VolumesInUse). Said before a volume is mounted, and until the pod is gone.

import type { Node } from '../generated/types.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import { attachedVolumesOf, uniqueVolumeName } from '../src/kinds/attached-volumes.ts'
import { CSIDrivers, Nodes, PersistentVolumeClaims, PersistentVolumes, Pods } from '../src/kinds/index.ts'
import { claimNamesOf, podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isSilent, isSimulated } from './nodes.ts'
import type { Silences } from './silences.ts'

export function volumesInUse(silences: Silences): ControllerSpec<Node> {
  return defineController<Node>({
    name: 'kubelet-volumes-in-use',
    wakes: [
      {
        kind: Pods,
        keys(now, before) {
          const pod = (now ?? before)!
          const isNews = now === undefined || before?.spec.nodeName !== now.spec.nodeName || hasEnded(now.status.phase)
          return isNews && pod.spec.nodeName && claimNamesOf(pod).length > 0 ? [{ name: pod.spec.nodeName }] : []
        },
      },
      {
        kind: PersistentVolumeClaims,
        keys: (now, before, { lister }) =>
          now === undefined || now.status.phase === before?.status.phase
            ? []
            : lister(Pods)
                .by(podClaimIndex, `${now.metadata.namespace}/${now.metadata.name}`)
                .flatMap(({ spec }) => (spec.nodeName ? [{ name: spec.nodeName }] : [])),
      },
    ],
    reads: [Nodes, PersistentVolumes, CSIDrivers],
    start(context) {
      context.lister(Pods).index(podClaimIndex, podClaimKeys)
      silences.onChange(context.signal, name => context.wake({ name }))
    },
    async work(ref, { lister, client }) {
      const node = lister(Nodes).get(ref)
      if (!node || !isSimulated(node) || isSilent(node) || silences.has(ref.name)) return
      const claims = lister(PersistentVolumeClaims)
      const finders = { claims, volumes: lister(PersistentVolumes), drivers: lister(CSIDrivers) }
      const names = lister(Pods)
        .by('node', ref.name)
        .filter(({ status }) => !hasEnded(status.phase))
        .flatMap(pod => attachedVolumesOf(pod, finders).map(uniqueVolumeName))
      const inUse = [...new Set(names)].sort()
      if (jsonEqual(inUse, node.status.volumesInUse ?? [])) return
      const status = { volumesInUse: inUse.length > 0 ? inUse : null }
      await client
        .of(Nodes)
        .patch(ref, { type: 'merge', body: { metadata: { uid: node.metadata.uid }, status } }, 'status')
    },
  })
}

const hasEnded = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'
