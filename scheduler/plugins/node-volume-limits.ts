// NodeVolumeLimits: a CSI driver attaches so many volumes to a node and no more (plugins/nodevolumelimits/csi.go).

import type { CSINode, PersistentVolumeClaim, Pod, VolumeAttachment } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { CSINodes } from '../../src/kinds/csinode.ts'
import { PersistentVolumes } from '../../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../../src/kinds/pod.ts'
import { VolumeAttachments } from '../../src/kinds/volumeattachment.ts'
import type { Change, Plugin } from '../plugin.ts'
import { claimNamesOf, claimOf, classOf } from '../pod-claims.ts'
import type { NodeView, Snapshot } from '../snapshot.ts'

const tooMany = 'node(s) exceed max volume count'

export const nodeVolumeLimits: Plugin = {
  name: 'NodeVolumeLimits',
  wakes: [CSINodes, Pods, PersistentVolumeClaims, VolumeAttachments],
  helps,
  prepare: (pod, snapshot) => {
    if (claimNamesOf(pod).length === 0) return {}
    const wanted = volumesOf(pod, snapshot)
    if (wanted.size === 0) return {}
    return {
      filter: node => {
        const limits = limitsOf(node, snapshot)
        if (limits.size === 0) return undefined
        const used = new Map<string, string>()
        for (const other of node.pods)
          for (const [volume, driver] of volumesOf(other, snapshot)) used.set(volume, driver)
        for (const [volume, driver] of attachedTo(node, snapshot)) used.set(volume, driver)
        const counts = new Map<string, number>()
        for (const driver of used.values()) counts.set(driver, (counts.get(driver) ?? 0) + 1)
        const added = new Map<string, number>()
        for (const [volume, driver] of wanted) {
          if (!used.has(volume)) added.set(driver, (added.get(driver) ?? 0) + 1)
        }
        for (const [driver, more] of added) {
          const limit = limits.get(driver)
          if (limit !== undefined && (counts.get(driver) ?? 0) + more > limit) return tooMany
        }
        return undefined
      },
    }
  },
}

function limitsOf({ name }: NodeView, snapshot: Snapshot): ReadonlyMap<string, number> {
  const limits = new Map<string, number>()
  for (const driver of snapshot.lister(CSINodes).get({ name })?.spec.drivers ?? []) {
    if (driver.allocatable?.count !== undefined) limits.set(driver.name, driver.allocatable.count)
  }
  return limits
}

/** The pod's CSI volumes, each with its driver; one that is not made yet stands under its claim's name. */
function volumesOf(pod: Frozen<Pod>, snapshot: Snapshot): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { name } of claimNamesOf(pod)) {
    const claim = claimOf(pod, name, snapshot)
    if (claim === undefined) continue
    const { volumeName } = claim.spec
    const volume = volumeName ? snapshot.lister(PersistentVolumes).get({ name: volumeName }) : undefined
    if (volume !== undefined) {
      const { csi } = volume.spec
      if (csi !== undefined) found.set(`${csi.driver}/${csi.volumeHandle}`, csi.driver)
      continue
    }
    const driver = classOf(claim, snapshot)?.provisioner
    if (driver) found.set(`${driver}/${claim.metadata.namespace}/${name}`, driver)
  }
  return found
}

function* attachedTo({ name }: NodeView, snapshot: Snapshot): Iterable<readonly [string, string]> {
  for (const { spec } of snapshot.lister(VolumeAttachments).list()) {
    if (spec.nodeName !== name || spec.source.persistentVolumeName === undefined) continue
    const csi = snapshot.lister(PersistentVolumes).get({ name: spec.source.persistentVolumeName })?.spec.csi
    if (csi !== undefined) yield [`${csi.driver}/${csi.volumeHandle}`, csi.driver]
  }
}

function helps(pod: Frozen<Pod>, { kind, now, before }: Change): boolean {
  switch (kind) {
    case CSINodes: {
      const [is, was] = [now, before] as [Frozen<CSINode> | undefined, Frozen<CSINode> | undefined]
      if (is === undefined || was === undefined) return is !== undefined
      const limits = new Map(was.spec.drivers.map(driver => [driver.name, driver.allocatable?.count]))
      return is.spec.drivers.some(({ name, allocatable }) => {
        const old = limits.get(name)
        return old !== undefined && (allocatable?.count === undefined || allocatable.count > old)
      })
    }
    case PersistentVolumeClaims: {
      const metadata = (now as Frozen<PersistentVolumeClaim> | undefined)?.metadata
      return (
        metadata?.namespace === pod.metadata.namespace && claimNamesOf(pod).some(({ name }) => name === metadata?.name)
      )
    }
    case VolumeAttachments:
      return now === undefined && (before as Frozen<VolumeAttachment>).spec.source.persistentVolumeName !== undefined
    default:
      return now === undefined && claimNamesOf(before as Frozen<Pod>).length > 0
  }
}
