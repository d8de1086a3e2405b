// PersistentVolumeClaims that are being deleted stay until no pod on a node uses them: the finalizer that admission gave them
// goes then. Upstream: pkg/controller/volume/pvcprotection/pvc_protection_controller.go.

import type { PersistentVolumeClaim, Pod } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../src/kinds/pod.ts'
import { claimNamesOf } from '../src/kinds/pod-claims.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

const finalizer = 'kubernetes.io/pvc-protection'

export function claimProtectionController(): ControllerSpec<PersistentVolumeClaim> {
  return defineController<PersistentVolumeClaim>({
    name: 'persistentvolumeclaim-protection-controller',
    for: PersistentVolumeClaims,
    wakes: [{ kind: Pods, keys: (now, before) => (now === undefined ? claimsOf(before as Frozen<Pod>) : none) }],
    concerns: ({ metadata }) =>
      metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(finalizer) ?? false),
    async reconcile({ metadata }, { client }) {
      // Of the server itself: a pod that a cache does not know yet may be starting with it.
      const { items } = await client.of(Pods).list({ namespace: metadata.namespace })
      if (items.some(pod => pod.spec.nodeName && claimsOf(pod).some(({ name }) => name === metadata.name))) return
      const { uid, resourceVersion } = metadata
      const finalizers = metadata.finalizers!.filter(each => each !== finalizer)
      try {
        const body = { metadata: { uid, resourceVersion, finalizers } }
        await client.of(PersistentVolumeClaims).patch(metadata, { type: 'merge', body })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  })
}

const none: readonly Ref[] = Object.freeze([])

function claimsOf(pod: Frozen<Pod>): readonly Ref[] {
  const { namespace } = pod.metadata
  const names = claimNamesOf(pod)
  return names.length === 0 ? none : names.map(name => ({ namespace, name }))
}
