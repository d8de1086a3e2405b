// VolumeBinding: bound volumes must be reachable from the node; claims that wait for their first pod get a volume there, or
// one is asked for there, before the pod is bound (plugins/volumebinding/volume_binding.go).

import type {
  CSIDriver,
  CSIStorageCapacity,
  Node,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '../../generated/types.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { compareQuantities } from '../../src/api/quantity.ts'
import { CSIDrivers } from '../../src/kinds/csidriver.ts'
import { CSINodes } from '../../src/kinds/csinode.ts'
import { CSIStorageCapacities } from '../../src/kinds/csistoragecapacity.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { PersistentVolumes } from '../../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../../src/kinds/persistentvolumeclaim.ts'
import { StorageClasses } from '../../src/kinds/storageclass.ts'
import type { Change, Plugin, Reservation } from '../plugin.ts'
import {
  boundByController,
  type Claim,
  type Conflict,
  claimKey,
  claimNamesOf,
  claimOf,
  isFullyBound,
  isReachable,
  limitOf,
  planFor,
  selectedNode,
  type Volume,
  type VolumePlan,
  volumeKey,
  waitsForPod,
  whyNotUsable,
} from '../pod-claims.ts'
import type { LiveSnapshot, NodeView, Snapshot } from '../snapshot.ts'

const name = 'VolumeBinding'
const unboundImmediate = 'pod has unbound immediate PersistentVolumeClaims'

export interface VolumeBindingArgs {
  readonly bindTimeoutSeconds?: number
}

export function volumeBindingWith({ bindTimeoutSeconds = 600 }: VolumeBindingArgs): Plugin {
  return {
    name,
    wakes: [
      PersistentVolumeClaims,
      PersistentVolumes,
      StorageClasses,
      Nodes,
      CSINodes,
      CSIDrivers,
      CSIStorageCapacities,
    ],
    helps,
    prepare: (pod, snapshot) => {
      const names = claimNamesOf(pod)
      if (names.length === 0) return {}
      for (const each of names) {
        const reason = whyNotUsable(pod, each, snapshot)
        if (reason !== undefined) return { refuses: { reasons: [reason], isFinal: true } }
      }
      const { bound, waiting, hasImmediate } = sorted(pod, snapshot)
      if (hasImmediate) return { refuses: { reasons: [unboundImmediate], isFinal: true } }
      return {
        filter: node => {
          const reasons: string[] = []
          const conflict = reachable(bound, node, snapshot)
          if (conflict !== undefined) reasons.push(conflict)
          if (waiting.length > 0) {
            const plan = planFor(waiting, node, snapshot)
            if (typeof plan === 'string') reasons.push(plan)
          }
          return reasons.length > 0 ? { reasons, isFinal: true } : undefined
        },
      }
    },
    reserve: (pod, node, snapshot) => {
      if (claimNamesOf(pod).length === 0) return undefined
      const { waiting } = sorted(pod, snapshot)
      if (waiting.length === 0) return undefined
      const plan = planFor(waiting, node, snapshot)
      if (typeof plan === 'string') throw new Error(plan)
      return reservation(plan, node, snapshot, bindTimeoutSeconds)
    },
  }
}

export const volumeBinding: Plugin = volumeBindingWith({})

interface Sorted {
  readonly bound: readonly Claim[]
  readonly waiting: readonly Claim[]
  readonly hasImmediate: boolean
}

function sorted(pod: Frozen<Pod>, snapshot: Snapshot): Sorted {
  const bound: Claim[] = []
  const waiting: Claim[] = []
  let hasImmediate = false
  for (const each of claimNamesOf(pod)) {
    const claim = claimOf(pod, each.name, snapshot)
    if (claim === undefined) continue
    if (isFullyBound(claim)) bound.push(claim)
    else if (!claim.spec.volumeName && waitsForPod(claim, snapshot)) waiting.push(claim)
    else hasImmediate = true
  }
  return { bound, waiting, hasImmediate }
}

function reachable(bound: readonly Claim[], node: NodeView, snapshot: Snapshot): Conflict | undefined {
  for (const { spec } of bound) {
    const volume = snapshot.lister(PersistentVolumes).get({ name: spec.volumeName! })
    if (volume === undefined) return 'node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)'
    if (!isReachable(volume, node)) return "node(s) didn't match PersistentVolume's node affinity"
  }
  return undefined
}

/** What the plan takes is promised until the pod is bound, or will not be. */
function reservation(plan: VolumePlan, node: NodeView, snapshot: LiveSnapshot, timeout: number): Reservation {
  const promises: (() => void)[] = []
  for (const { claim, volume } of plan.bindings) promises.push(snapshot.promise(volumeKey(volume), claimKey(claim)))
  for (const claim of plan.provisions) promises.push(snapshot.promise(claimKey(claim), node.name))
  const written = new Map<string, number>()
  const isSeen = (object: Claim | Volume, key: string): boolean =>
    Number(object.metadata.resourceVersion) >= (written.get(key) ?? 0)
  const within = (error: string): Error => new Error(`running PreBind plugin "${name}": binding volumes: ${error}`)
  return {
    release: () => {
      for (const release of promises) release()
    },
    preBind: async ({ client }) => {
      for (const { claim, volume } of plan.bindings) {
        const { metadata } = claim
        const { resourceVersion, annotations } = volume.metadata
        const isOurs = volume.spec.claimRef === undefined || annotations?.[boundByController] !== undefined
        const claimRef = {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid,
          resourceVersion: metadata.resourceVersion,
        }
        const body = {
          metadata: { resourceVersion, ...(isOurs && { annotations: { [boundByController]: 'yes' } }) },
          spec: { claimRef },
        }
        const now = await client.of(PersistentVolumes).patch(volume.metadata, { type: 'merge', body })
        written.set(volumeKey(volume), Number(now.metadata.resourceVersion))
      }
      for (const claim of plan.provisions) {
        const { resourceVersion } = claim.metadata
        const body = { metadata: { resourceVersion, annotations: { [selectedNode]: node.name } } }
        const now = await client.of(PersistentVolumeClaims).patch(claim.metadata, { type: 'merge', body })
        written.set(claimKey(claim), Number(now.metadata.resourceVersion))
      }
    },
    timeout: timeout * 1000,
    timedOut: () => within('context deadline exceeded'),
    isReady: () => {
      for (const { claim, volume } of plan.bindings) {
        const nowVolume = snapshot.lister(PersistentVolumes).get(volume.metadata)
        const nowClaim = snapshot.lister(PersistentVolumeClaims).get(claim.metadata)
        if (nowVolume === undefined) throw within(`persistentvolume ${JSON.stringify(volume.metadata.name)} not found`)
        if (nowClaim === undefined)
          throw within(`persistentvolumeclaim ${JSON.stringify(claim.metadata.name)} not found`)
        if (!isSeen(nowVolume, volumeKey(volume))) return false
        if (!nowVolume.spec.claimRef?.uid)
          throw within(`ClaimRef got reset for pv ${JSON.stringify(volume.metadata.name)}`)
        if (!isFullyBound(nowClaim)) return false
      }
      for (const claim of plan.provisions) {
        const now = snapshot.lister(PersistentVolumeClaims).get(claim.metadata)
        const quoted = JSON.stringify(claim.metadata.name)
        if (now === undefined) throw within(`persistentvolumeclaim ${quoted} not found`)
        if (!isSeen(now, claimKey(claim))) return false
        const selected = now.metadata.annotations?.[selectedNode]
        if (selected === undefined) throw within(`selectedNode annotation reset for PVC ${quoted}`)
        if (selected !== node.name) {
          const [got, want] = [JSON.stringify(selected), JSON.stringify(node.name)]
          throw within(`selectedNode annotation value ${got} not set to scheduled node ${want}`)
        }
        if (!isFullyBound(now)) return false
      }
      return true
    },
  }
}

function helps(pod: Frozen<Pod>, change: Change): boolean {
  const { kind, now, before } = change
  if (now === undefined) return false
  switch (kind) {
    case PersistentVolumeClaims: {
      const { metadata } = now as Frozen<PersistentVolumeClaim>
      return (
        metadata.namespace === pod.metadata.namespace && claimNamesOf(pod).some(each => each.name === metadata.name)
      )
    }
    case StorageClasses: {
      const [is, was] = [now, before] as [Frozen<StorageClass>, Frozen<StorageClass> | undefined]
      return was === undefined || !jsonEqual(is.allowedTopologies, was.allowedTopologies)
    }
    case Nodes: {
      const [is, was] = [now, before] as [Frozen<Node>, Frozen<Node> | undefined]
      return was === undefined || !jsonEqual(is.metadata.labels, was.metadata.labels)
    }
    case CSINodes:
      return before === undefined
    case CSIDrivers: {
      const [is, was] = [now, before] as [Frozen<CSIDriver>, Frozen<CSIDriver> | undefined]
      return was?.spec.storageCapacity === true && !is.spec.storageCapacity
    }
    case CSIStorageCapacities: {
      const [is, was] = [now, before] as [Frozen<CSIStorageCapacity>, Frozen<CSIStorageCapacity> | undefined]
      const limit = limitOf(is)
      const old = was && limitOf(was)
      return was === undefined || (limit !== undefined && (old === undefined || compareQuantities(limit, old) > 0))
    }
    default:
      return true
  }
}
