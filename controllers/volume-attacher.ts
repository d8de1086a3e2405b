// The attacher of the simulated CSI driver: what is to be attached is, at once; what is not any more is let go. Those of
// other drivers wait for their own. Upstream: kubernetes-csi/external-attacher pkg/controller/csi_handler.go.

import type { VolumeAttachment } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { VolumeAttachments } from '../src/kinds/volumeattachment.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { csiDriver } from './shared/volume-simulation.ts'

const finalizer = `external-attacher/${csiDriver.replaceAll('.', '-')}`

export function volumeAttacher(): ControllerSpec<VolumeAttachment> {
  return defineController<VolumeAttachment>({
    name: 'volume-attacher',
    for: VolumeAttachments,
    concerns: ({ spec }) => spec.attacher === csiDriver,
    async reconcile(attachment, { client }) {
      const { metadata, status } = attachment
      const { finalizers = [], uid, resourceVersion } = metadata
      const mark = (next: readonly string[]) => {
        const body = { metadata: { uid, resourceVersion, finalizers: next } }
        return client.of(VolumeAttachments).patch(metadata, { type: 'merge', body })
      }
      if (metadata.deletionTimestamp !== undefined) {
        if (!finalizers.includes(finalizer)) return
        try {
          await mark(finalizers.filter(each => each !== finalizer))
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
        return
      }
      if (status.attached) return
      const marked = finalizers.includes(finalizer) ? attachment : await mark([...finalizers, finalizer])
      await client.of(VolumeAttachments).updateStatus({ ...marked, status: { ...marked.status, attached: true } })
    },
  })
}
