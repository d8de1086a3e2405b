// A pod's ephemeral volumes: each gets a claim of its own, made from the template in the pod, which ends with the pod.
// Upstream: pkg/controller/volume/ephemeral/controller.go.

import type { PersistentVolumeClaim, Pod } from '../generated/types.ts'
import { isAlreadyExists } from '../src/api/errors.ts'
import type { NewObject } from '../src/api/meta.ts'
import { isControlledBy, ownerReference } from '../src/api/owners.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../src/kinds/pod.ts'
import { podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

export function ephemeralVolumeController(): ControllerSpec<Pod> {
  return defineController<Pod>({
    name: 'ephemeral-volume-controller',
    source: 'ephemeral_volume',
    for: Pods,
    wakes: [
      {
        kind: PersistentVolumeClaims,
        keys: (now, before, { lister }) =>
          now !== undefined
            ? []
            : lister(Pods)
                .by(podClaimIndex, `${before!.metadata.namespace}/${before!.metadata.name}`)
                .map(({ metadata }) => metadata),
      },
    ],
    concerns: ({ metadata, spec }) =>
      metadata.deletionTimestamp === undefined && (spec.volumes?.some(({ ephemeral }) => ephemeral) ?? false),
    start({ lister }) {
      lister(Pods).index(podClaimIndex, podClaimKeys)
    },
    async reconcile(pod, { lister, client, event }) {
      const { namespace } = pod.metadata
      for (const { name: volume, ephemeral } of pod.spec.volumes ?? []) {
        const template = ephemeral?.volumeClaimTemplate
        if (template === undefined) continue
        const name = `${pod.metadata.name}-${volume}`
        const present = lister(PersistentVolumeClaims).get({ namespace, name })
        if (present !== undefined) {
          if (isControlledBy(present, pod)) continue
          const why = `PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`
          event(pod, 'Warning', 'FailedBinding', `ephemeral volume ${volume}: ${why}`)
          throw new Error(why)
        }
        const { annotations, labels } = template.metadata ?? {}
        try {
          await client.of(PersistentVolumeClaims).create({
            apiVersion: 'v1',
            kind: 'PersistentVolumeClaim',
            metadata: {
              namespace,
              name,
              ownerReferences: [ownerReference(pod, Pods)],
              ...(annotations ? { annotations: { ...annotations } } : {}),
              ...(labels ? { labels: { ...labels } } : {}),
            },
            spec: template.spec,
          } as NewObject<PersistentVolumeClaim>)
        } catch (error) {
          if (!isAlreadyExists(error)) throw error
        }
      }
    },
  })
}
