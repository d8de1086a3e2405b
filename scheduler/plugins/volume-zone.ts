// VolumeZone: a volume that is labelled with a zone or region is used there (plugins/volumezone/volume_zone.go).

import type { Node, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { PersistentVolumes } from '../../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { StorageClasses } from '../../src/kinds/storageclass.ts'
import type { Change, Plugin, RefusalReasons } from '../plugin.ts'
import { claimOf, classNameOf } from '../pod-claims.ts'
import type { Snapshot } from '../snapshot.ts'

const conflict: RefusalReasons = { reasons: ['node(s) had no available volume zone'], isFinal: true }

/** The old labels, and what they are called now. */
const labels: readonly (readonly [string, string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
]

export const volumeZone: Plugin = {
  name: 'VolumeZone',
  wakes: [StorageClasses, Nodes, PersistentVolumeClaims, PersistentVolumes],
  helps,
  prepare: (pod, snapshot) => {
    const { volumes } = pod.spec
    if (volumes === undefined) return {}
    const demands: Demand[] = []
    for (const { persistentVolumeClaim } of volumes) {
      if (persistentVolumeClaim === undefined) continue
      const found = demandsOf(pod, persistentVolumeClaim.claimName, snapshot)
      if (typeof found === 'string') return { refuses: { reasons: [found], isFinal: true } }
      demands.push(...found)
    }
    if (demands.length === 0) return {}
    return {
      filter: node => {
        if (!labels.some(([key]) => node.labels[key] !== undefined)) return undefined
        for (const { key, newKey, values } of demands) {
          const value = node.labels[key] ?? node.labels[newKey]
          if (value === undefined || !values.has(value)) return conflict
        }
        return undefined
      },
    }
  },
}

interface Demand {
  readonly key: string
  readonly newKey: string
  readonly values: ReadonlySet<string>
}

function demandsOf(pod: Frozen<Pod>, name: string, snapshot: Snapshot): readonly Demand[] | string {
  const claim = claimOf(pod, name, snapshot)
  if (claim === undefined) return `persistentvolumeclaim ${JSON.stringify(name)} not found`
  const { volumeName } = claim.spec
  if (!volumeName) {
    const className = classNameOf(claim)
    if (className === '') return 'PersistentVolumeClaim had no pv name and storageClass name'
    const storageClass = snapshot.lister(StorageClasses).get({ name: className })
    if (storageClass === undefined) return `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`
    return storageClass.volumeBindingMode === 'WaitForFirstConsumer' ? [] : 'PersistentVolume had no name'
  }
  const volume = snapshot.lister(PersistentVolumes).get({ name: volumeName })
  if (volume === undefined) return `persistentvolume ${JSON.stringify(volumeName)} not found`
  return topologyOf(volume)
}

/** Several zones stand in one label, with `__` between them. */
function topologyOf({ metadata }: Frozen<PersistentVolume>): readonly Demand[] {
  return labels.flatMap(([key, newKey]) => {
    const value = metadata.labels?.[key]
    if (value === undefined) return []
    const values = value.split('__').map(each => each.trim())
    return values.includes('') ? [] : [{ key, newKey, values: new Set(values) }]
  })
}

function helps(pod: Frozen<Pod>, { kind, now, before }: Change): boolean {
  if (now === undefined) return false
  switch (kind) {
    case StorageClasses:
      return before === undefined && (now as Frozen<StorageClass>).volumeBindingMode === 'WaitForFirstConsumer'
    case PersistentVolumeClaims: {
      const { metadata } = now as Frozen<PersistentVolumeClaim>
      const names = pod.spec.volumes?.map(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName)
      return metadata.namespace === pod.metadata.namespace && names?.includes(metadata.name) === true
    }
    case PersistentVolumes: {
      const [is, was] = [now, before] as [Frozen<PersistentVolume>, Frozen<PersistentVolume> | undefined]
      const texts = (volume: Frozen<PersistentVolume>) => labels.map(([key]) => volume.metadata.labels?.[key])
      return was === undefined || texts(is).join() !== texts(was).join()
    }
    default: {
      const [is, was] = [now, before] as [Frozen<Node>, Frozen<Node> | undefined]
      return was === undefined || !jsonEqual(is.metadata.labels, was.metadata.labels)
    }
  }
}
