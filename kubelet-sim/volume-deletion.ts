// When a volume that was to be deleted with its claim is gone, so is what it held (the reclaim policy Delete; what is retained
// stays, for another PersistentVolume of the same storage).

import type { PersistentVolume } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { PersistentVolumes } from '../src/kinds/index.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { keyOfVolume } from './machine/volumes/volume-data.ts'
import type { Runs } from './runs.ts'

/** Its keys are those of the data; what is before their first slash comes back as the namespace. */
export function volumeDeletion(runs: Runs): ControllerSpec {
  return defineController({
    name: 'kubelet-volume-deletion',
    wakes: [
      {
        kind: PersistentVolumes,
        keys(now: Frozen<PersistentVolume> | undefined, before: Frozen<PersistentVolume> | undefined) {
          if (now !== undefined || before?.spec.persistentVolumeReclaimPolicy !== 'Delete') return []
          const name = keyOfVolume(before)
          return name === undefined ? [] : [{ name }]
        },
      },
    ],
    work: ({ namespace, name }) => runs.dropVolume(`${namespace}/${name}`),
  })
}
