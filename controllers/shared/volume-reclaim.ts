// What becomes of a volume that nobody claims any more, by its policy: kept, scrubbed by a pod and offered again, or
// deleted. Called by the volume binder. Upstream: reclaimVolume in pkg/controller/volume/persistentvolume/pv_controller.go,
// pkg/volume/{hostpath,nfs}, pkg/volume/volume.go and pkg/volume/util/recyclerclient.

import type { PersistentVolume, Pod } from '../../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../../src/api/errors.ts'
import type { Frozen, NewObject, Ref } from '../../src/api/meta.ts'
import { wholeValue } from '../../src/api/quantity.ts'
import { PersistentVolumes } from '../../src/kinds/persistentvolume.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Context } from '../../src/runtime/controller.ts'
import { provisionedBy } from './volume-matching.ts'

type Volume = Frozen<PersistentVolume>

/** `free`: it can be claimed again. Undefined: nothing more to do now. Else why it failed. */
export type Reclaimed = 'free' | undefined | { readonly reason: string; readonly message: string }

export async function reclaim(volume: Volume, context: Context): Promise<Reclaimed> {
  switch (volume.spec.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return undefined
    case 'Recycle':
      return recycle(volume, context)
    case 'Delete':
      return remove(volume, context)
    default: {
      const message = 'Volume has unrecognized PersistentVolumeReclaimPolicy'
      return { reason: 'VolumeUnknownReclaimPolicy', message }
    }
  }
}

async function remove({ metadata, spec }: Volume, { client }: Context): Promise<Reclaimed> {
  const provisioner = metadata.annotations?.[provisionedBy]
  // Whoever made it deletes it.
  if (provisioner && !provisioner.startsWith('kubernetes.io/')) return undefined
  const reason = 'VolumeFailedDelete'
  const path = spec.hostPath?.path
  if (path === undefined) {
    const volume = JSON.stringify(metadata.name)
    const message = `error getting deleter volume plugin for volume ${volume}: no deletable volume plugin matched`
    return { reason, message }
  }
  if (!/^\/tmp\/.+/.test(path)) {
    return { reason, message: `host_path deleter only supports /tmp/.+ but received provided ${path}` }
  }
  if (metadata.deletionTimestamp !== undefined) return undefined
  try {
    await client.of(PersistentVolumes).delete(metadata, { preconditions: { uid: metadata.uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return undefined
}

const recyclerNamespace = 'default'
const prefix = 'recycler-for-'
const recyclerOf = (volume: string): Ref => ({ namespace: recyclerNamespace, name: `${prefix}${volume}` })

/** The volume that this pod scrubs. */
export function recycledBy({ metadata }: Frozen<Pod>): readonly Ref[] {
  const isOne = metadata.namespace === recyclerNamespace && metadata.name.startsWith(prefix)
  return isOne ? [{ name: metadata.name.slice(prefix.length) }] : []
}

async function recycle(volume: Volume, context: Context): Promise<Reclaimed> {
  const { spec } = volume
  const reason = 'VolumeFailedRecycle'
  if (!spec.hostPath && !spec.nfs) return { reason, message: 'No recycler plugin found for the volume!' }
  const ref = recyclerOf(volume.metadata.name)
  const pod = context.lister(Pods).get(ref)
  if (pod === undefined) {
    try {
      await context.client.of(Pods).create(recyclerPod(volume, ref))
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    return undefined
  }
  const { phase, message = 'pod failed with no message' } = pod.status
  if (pod.metadata.deletionTimestamp !== undefined || (phase !== 'Succeeded' && phase !== 'Failed')) return undefined
  try {
    await context.client.of(Pods).delete(ref, { preconditions: { uid: pod.metadata.uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  if (phase === 'Failed') return { reason, message: `Recycle failed: ${message}` }
  context.event(volume, 'Normal', 'VolumeRecycled', 'Volume recycled')
  return 'free'
}

/** NewPersistentVolumeRecyclerPodTemplate; the longer, the more there is to scrub. */
function recyclerPod({ spec }: Volume, { namespace, name }: Ref): NewObject<Pod> {
  const [least, perGi] = spec.nfs ? [300, 30] : [60, 30]
  const size = Math.floor(wholeValue(spec.capacity?.storage ?? '0') / 2 ** 30)
  const source = spec.nfs ? { nfs: { ...spec.nfs } } : { hostPath: { path: spec.hostPath!.path } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    // Nobody runs its shell here: that it is done is told to the fake node.
    metadata: { namespace, name, annotations: { 'kubesim.dev/exit-after': '1s' } },
    spec: {
      activeDeadlineSeconds: least + perGi * size,
      restartPolicy: 'Never',
      volumes: [{ name: 'vol', ...source }],
      containers: [
        {
          name: 'pv-recycler',
          image: 'registry.k8s.io/build-image/debian-base:bookworm-v1.0.6',
          command: ['/bin/sh'],
          args: ['-c', 'test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1'],
          volumeMounts: [{ name: 'vol', mountPath: '/scrub' }],
        },
      ],
    },
  } as NewObject<Pod>
}
