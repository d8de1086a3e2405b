// Why a claim has no volume.

import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from '../../generated/types.ts'
import type { Frozen } from '../api/meta.ts'
import { PersistentVolumes, Pods, StorageClasses } from '../kinds/index.ts'
import { absent, type Finding, type Scene } from './finding.ts'

export function claimFindings(scene: Scene, claim: Frozen<PersistentVolumeClaim>): Finding[] {
  const { metadata, spec, status } = claim
  if (metadata.deletionTimestamp !== undefined || status?.phase === 'Bound') return []
  const what = 'not bound'
  const about = `persistentvolumeclaim/${metadata.name}`
  const missing = absent(scene, 'controllers', what, about)
  if (missing.length > 0) return missing
  const finding = (waitsFor: string, remedy: string): Finding[] => [{ what, about, waitsFor, remedy }]
  if (spec?.volumeName) {
    const volume = scene.get<PersistentVolume>(PersistentVolumes, { name: spec.volumeName })
    if (volume === undefined) return finding(`persistentvolume/${spec.volumeName}, which is not there`, 'create it')
    const { namespace, name } = volume.spec?.claimRef ?? {}
    if (name && (name !== metadata.name || namespace !== metadata.namespace)) {
      return finding(`persistentvolume/${spec.volumeName}, which is ${namespace}/${name}'s`, 'name another volume')
    }
  }
  const name = spec?.storageClassName
  const size = spec?.resources?.requests?.storage ?? 'its size'
  const fitting = `a PersistentVolume of at least ${size}, ${(spec?.accessModes ?? []).join(', ')}`
  if (!name) return finding(`${fitting}, of no class`, 'create one; or name a StorageClass, which makes one')
  const storageClass = scene.get<StorageClass>(StorageClasses, { name })
  if (storageClass === undefined) {
    return finding(`storageclass/${name}, which is not there, or ${fitting} of that class`, 'create either')
  }
  const users = scene
    .list<Pod>(Pods, metadata.namespace)
    .filter(({ spec: { volumes } }) => volumes?.some(each => each.persistentVolumeClaim?.claimName === metadata.name))
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && users.length === 0) {
    return finding('a pod that uses it (volumeBindingMode WaitForFirstConsumer)', 'create one')
  }
  if (storageClass.provisioner === 'kubernetes.io/no-provisioner') {
    return finding(`${fitting} of class ${name}, which makes none itself`, 'create one')
  }
  if (users.length > 0 && users.every(pod => !pod.spec.nodeName) && storageClass.volumeBindingMode !== 'Immediate') {
    return finding(`a node for pod/${users[0]!.metadata.name}`, `"kubesim why-not pod/${users[0]!.metadata.name}"`)
  }
  return finding(`the provisioner ${storageClass.provisioner}`, 'nothing, if it is simulated here; else it has to run')
}
