// Which volumes of a node's pods are attached to it, and by what name the node knows them
// (pkg/volume/csi/csi_attacher.go, pkg/volume/util/util.go GetUniqueVolumeName). Called by the controller that attaches and
// by the kubelet that waits for it.

import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod } from '../../generated/types.ts'
import type { Frozen, Ref } from '../api/meta.ts'
import { claimNamesOf } from './pod-claims.ts'

/** How an informer's lister looks to whoever only gets. */
export interface Finder<T> {
  get(ref: Ref): Frozen<T> | undefined
}

export interface Finders {
  readonly claims: Finder<PersistentVolumeClaim>
  readonly volumes: Finder<PersistentVolume>
  readonly drivers: Finder<CSIDriver>
}

/** `kubernetes.io/csi/csi.example.com^handle`, as in a node's volumesAttached and volumesInUse. */
export function uniqueVolumeName({ spec: { csi } }: Frozen<PersistentVolume>): string {
  return `kubernetes.io/csi/${csi?.driver}^${csi?.volumeHandle}`
}

/** The CSI volumes of a pod's bound claims whose drivers attach. */
export function attachedVolumesOf(pod: Frozen<Pod>, finders: Finders): Frozen<PersistentVolume>[] {
  const { namespace } = pod.metadata
  const found: Frozen<PersistentVolume>[] = []
  for (const name of claimNamesOf(pod)) {
    const claim = finders.claims.get({ namespace, name })
    if (claim?.status.phase !== 'Bound' || !claim.spec.volumeName) continue
    const volume = finders.volumes.get({ name: claim.spec.volumeName })
    if (volume !== undefined && isAttached(volume, finders.drivers)) found.push(volume)
  }
  return found
}

/** A driver of which nothing is known attaches. */
export function isAttached({ spec: { csi } }: Frozen<PersistentVolume>, drivers: Finder<CSIDriver>): boolean {
  return csi !== undefined && drivers.get({ name: csi.driver })?.spec.attachRequired !== false
}
