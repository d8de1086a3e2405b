// VolumeRestrictions: a claim of mode ReadWriteOncePod has one pod, and some disks one node's pods read-only at most
// (plugins/volumerestrictions/volume_restrictions.go).

import type { PersistentVolumeClaim, Pod, Volume } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Change, Plugin } from '../plugin.ts'
import { claimNamesOf, claimOf } from '../pod-claims.ts'
import type { Snapshot } from '../snapshot.ts'

const diskConflict = 'node(s) had no available disk'
const takenByOther = 'node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'

export const volumeRestrictions: Plugin = {
  name: 'VolumeRestrictions',
  wakes: [Pods, PersistentVolumeClaims],
  helps: (pod, change: Change) => {
    if (change.kind === Pods) {
      const { now, before } = change as Change<Pod>
      return now === undefined && before !== undefined && (sharesClaim(pod, before) || clashes(pod, before))
    }
    const { now, before } = change as Change<PersistentVolumeClaim>
    return before === undefined && now !== undefined && usesClaim(pod, now.metadata.namespace, now.metadata.name)
  },
  prepare: (pod, snapshot) => {
    const { volumes = [] } = pod.spec
    if (volumes.length === 0) return {}
    const exclusive: string[] = []
    for (const { name } of claimNamesOf(pod)) {
      const claim = claimOf(pod, name, snapshot)
      if (claim === undefined) {
        const reason = `persistentvolumeclaim ${JSON.stringify(name)} not found`
        return { refuses: { reasons: [reason], isFinal: true } }
      }
      if (claim.spec.accessModes?.includes('ReadWriteOncePod')) exclusive.push(name)
    }
    const hasDisk = volumes.some(isExclusiveDisk)
    if (exclusive.length === 0 && !hasDisk) return {}
    const { namespace } = pod.metadata
    const holds = (other: Frozen<Pod>): number => exclusive.filter(name => usesClaim(other, namespace, name)).length
    let holders = 0
    for (const name of exclusive) holders += usersOf(namespace, name, snapshot)
    return {
      filter: node => {
        if (hasDisk) for (const other of node.pods) if (clashes(pod, other)) return diskConflict
        return holders > 0 ? takenByOther : undefined
      },
      moved: (other, _, by) => {
        holders += by * holds(other)
      },
    }
  },
}

function usersOf(namespace: string | undefined, name: string, snapshot: Snapshot): number {
  const { counts } = snapshot.census(`uses claim ${namespace}/${name}`, other => usesClaim(other, namespace, name))
  let users = 0
  for (const count of counts) users += count ?? 0
  return users
}

function usesClaim(pod: Frozen<Pod>, namespace: string | undefined, name: string): boolean {
  return pod.metadata.namespace === namespace && claimNamesOf(pod).some(each => each.name === name)
}

function sharesClaim(pod: Frozen<Pod>, other: Frozen<Pod>): boolean {
  return claimNamesOf(pod).some(({ name }) => usesClaim(other, pod.metadata.namespace, name))
}

function isExclusiveDisk({ gcePersistentDisk, awsElasticBlockStore, rbd, iscsi }: Frozen<Volume>): boolean {
  return (gcePersistentDisk ?? awsElasticBlockStore ?? rbd ?? iscsi) !== undefined
}

function clashes({ spec: { volumes = [] } }: Frozen<Pod>, other: Frozen<Pod>): boolean {
  return volumes.some(one => isExclusiveDisk(one) && other.spec.volumes?.some(two => isSameDisk(one, two)))
}

/** Both read-only is no clash, but for Amazon's disks, which one pod has at a time. */
function isSameDisk(one: Frozen<Volume>, other: Frozen<Volume>): boolean {
  const isWritten = (a: { readonly readOnly?: boolean }, b: { readonly readOnly?: boolean }): boolean =>
    !(a.readOnly && b.readOnly)
  if (one.gcePersistentDisk && other.gcePersistentDisk) {
    const [a, b] = [one.gcePersistentDisk, other.gcePersistentDisk]
    if (a.pdName === b.pdName && isWritten(a, b)) return true
  }
  if (one.awsElasticBlockStore && other.awsElasticBlockStore) {
    if (one.awsElasticBlockStore.volumeID === other.awsElasticBlockStore.volumeID) return true
  }
  if (one.iscsi && other.iscsi && one.iscsi.iqn === other.iscsi.iqn && isWritten(one.iscsi, other.iscsi)) return true
  if (one.rbd && other.rbd) {
    const [a, b] = [one.rbd, other.rbd]
    const isSame = (a.pool ?? 'rbd') === (b.pool ?? 'rbd') && a.image === b.image
    return isSame && a.monitors.some(monitor => b.monitors.includes(monitor)) && isWritten(a, b)
  }
  return false
}
