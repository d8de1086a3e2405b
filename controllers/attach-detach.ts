// Attaches volumes to the nodes of the pods that use them, and detaches them when the last has gone: a VolumeAttachment is
// what a driver's attacher is asked with, the node's status says what came of it. A key is a node. Upstream:
// pkg/controller/volume/attachdetach/{attach_detach_controller,reconciler/reconciler}.go, pkg/volume/csi/csi_attacher.go.

import { createHash } from 'node:crypto'
import type { Node, PersistentVolume, Pod, VolumeAttachment } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { attachedVolumesOf, type Finders, uniqueVolumeName } from '../src/kinds/attached-volumes.ts'
import { CSIDrivers } from '../src/kinds/csidriver.ts'
import { Nodes } from '../src/kinds/node.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { Pods } from '../src/kinds/pod.ts'
import { claimNamesOf, podClaimIndex, podClaimKeys } from '../src/kinds/pod-claims.ts'
import { VolumeAttachments } from '../src/kinds/volumeattachment.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'
import { isNodeReady, outOfServiceTaint } from './shared/taints.ts'

type Volume = Frozen<PersistentVolume>
type Attachment = Frozen<VolumeAttachment>

/** How long an attacher may take before the pods are told that it did not answer (csiTimeout). */
const patience = 120_000
/** How long a node that no longer answers may hold on to a volume (maxWaitForUnmountDuration). */
const longestUnmount = 360_000
const ofNode = 'attachedTo'
const ofVolume = 'volume'

export function attachDetachController(): ControllerSpec {
  const idleSince = new Map<string, Millis>()
  return defineController({
    name: 'persistentvolume-attach-detach-controller',
    source: 'attachdetach-controller',
    wakes: [
      {
        kind: Pods,
        keys(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined) {
          const pod = (now ?? before)!
          const isNews = now === undefined || before?.spec.nodeName !== now.spec.nodeName || isTerminal(now)
          return isNews && pod.spec.nodeName && claimNamesOf(pod).length > 0 ? [{ name: pod.spec.nodeName }] : []
        },
      },
      {
        kind: PersistentVolumeClaims,
        keys(now, before, { lister }) {
          if (now === undefined || before?.status.phase === now.status.phase) return []
          return lister(Pods)
            .by(podClaimIndex, `${now.metadata.namespace}/${now.metadata.name}`)
            .flatMap(({ spec }) => (spec.nodeName ? [{ name: spec.nodeName }] : []))
        },
      },
      {
        kind: VolumeAttachments,
        keys(now: Attachment | undefined, before: Attachment | undefined, { lister }) {
          const { nodeName, source } = (now ?? before)!.spec
          if (now !== undefined) return [{ name: nodeName }]
          idleSince.delete(before!.metadata.name)
          // Others may wait for the volume to be free.
          const { claimRef } = lister(PersistentVolumes).get({ name: source.persistentVolumeName ?? '' })?.spec ?? {}
          const waiting = lister(Pods).by(podClaimIndex, `${claimRef?.namespace}/${claimRef?.name}`)
          return [nodeName, ...waiting.flatMap(({ spec }) => spec.nodeName ?? [])].map(name => ({ name }))
        },
      },
      {
        kind: Nodes,
        keys: (now: Frozen<Node> | undefined, before: Frozen<Node> | undefined) =>
          now !== undefined && before !== undefined && holdsAsMuch(now, before) ? [] : [(now ?? before)!.metadata],
      },
    ],
    reads: [PersistentVolumes, CSIDrivers],
    start({ lister }) {
      idleSince.clear()
      lister(Pods).index(podClaimIndex, podClaimKeys)
      lister(VolumeAttachments).index(ofNode, ({ spec }) => [spec.nodeName])
      lister(VolumeAttachments).index(ofVolume, ({ spec: { source } }) =>
        source.persistentVolumeName ? [source.persistentVolumeName] : [],
      )
    },
    async work({ name: node }, context): Promise<Outcome> {
      const { lister, clock } = context
      const attachments = lister(VolumeAttachments).by(ofNode, node)
      const users = usersOf(node, context)
      if (attachments.length === 0 && users.size === 0) return undefined
      const waits: Millis[] = []
      for (const { volume, pods } of users.values()) {
        const present = attachments.find(each => each.spec.source.persistentVolumeName === volume.metadata.name)
        const wait = present ? overdue(present, volume, pods, context) : await attach(volume, node, pods, context)
        if (wait !== undefined) waits.push(wait)
      }
      for (const each of attachments) {
        const { name } = each.metadata
        if (users.has(each.spec.source.persistentVolumeName ?? '')) idleSince.delete(name)
        else {
          if (!idleSince.has(name)) idleSince.set(name, clock.now())
          const wait = await detach(each, idleSince.get(name)!, context)
          if (wait !== undefined) waits.push(wait)
        }
      }
      await report(node, attachments, users, context)
      return waits.length > 0 ? { again: Math.max(1, Math.min(...waits)) } : undefined
    },
  })
}

function holdsAsMuch(now: Frozen<Node>, before: Frozen<Node>): boolean {
  return (
    isNodeReady(now) === isNodeReady(before) &&
    jsonEqual(now.status.volumesInUse, before.status.volumesInUse) &&
    jsonEqual(now.spec.taints, before.spec.taints)
  )
}

interface Use {
  readonly volume: Volume
  readonly pods: readonly Frozen<Pod>[]
}

/** The volumes that pods of the node need attached, by name. */
function usersOf(node: string, { lister }: Context): ReadonlyMap<string, Use> {
  const finders: Finders = {
    claims: lister(PersistentVolumeClaims),
    volumes: lister(PersistentVolumes),
    drivers: lister(CSIDrivers),
  }
  const users = new Map<string, { volume: Volume; pods: Frozen<Pod>[] }>()
  for (const pod of lister(Pods).by('node', node)) {
    if (isTerminal(pod)) continue
    for (const volume of attachedVolumesOf(pod, finders)) {
      const use = users.get(volume.metadata.name)
      if (use === undefined) users.set(volume.metadata.name, { volume, pods: [pod] })
      else use.pods.push(pod)
    }
  }
  return users
}

async function attach(
  volume: Volume,
  node: string,
  pods: readonly Frozen<Pod>[],
  context: Context,
): Promise<Millis | undefined> {
  const { client, lister } = context
  const { name } = volume.metadata
  const elsewhere = lister(VolumeAttachments)
    .by(ofVolume, name)
    .filter(({ spec }) => spec.nodeName !== node)
  if (elsewhere.length > 0 && !isShared(volume)) {
    for (const pod of pods) {
      const message = `Multi-Attach error for volume ${JSON.stringify(name)} ${whoHas(volume, elsewhere, pod, context)}`
      context.event(pod, 'Warning', 'FailedAttachVolume', message)
    }
    return undefined
  }
  const { driver, volumeHandle } = volume.spec.csi!
  const attachment: NewObject<VolumeAttachment> = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name: `csi-${createHash('sha256').update(`${volumeHandle}${driver}${node}`).digest('hex')}` },
    spec: { attacher: driver, nodeName: node, source: { persistentVolumeName: name } },
    status: { attached: false },
  }
  try {
    await client.of(VolumeAttachments).create(attachment)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  return patience
}

/** isMultiAttachAllowed. */
function isShared({ spec }: Volume): boolean {
  return spec.accessModes?.some(mode => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany') ?? true
}

function whoHas(volume: Volume, elsewhere: readonly Attachment[], pod: Frozen<Pod>, { lister }: Context): string {
  const nodes = elsewhere.map(({ spec }) => spec.nodeName)
  const { claimRef } = volume.spec
  const others = lister(Pods)
    .by(podClaimIndex, `${claimRef?.namespace}/${claimRef?.name}`)
    .filter(({ metadata, spec }) => metadata.uid !== pod.metadata.uid && nodes.includes(spec.nodeName ?? ''))
    .map(({ metadata }) => metadata.name)
  if (others.length === 0) return "Volume is already exclusively attached to one node and can't be attached to another"
  return `Volume is already used by pod(s) ${others.join(', ')}`
}

/** Tells the pods when the attacher does not answer; returns when that is, or is again. */
function overdue(
  { metadata, status }: Attachment,
  volume: Volume,
  pods: readonly Frozen<Pod>[],
  { clock, event }: Context,
): Millis | undefined {
  if (status.attached || metadata.deletionTimestamp !== undefined) return undefined
  const waited = clock.now() - parseTime(metadata.creationTimestamp!)
  if (waited < patience) return patience - waited
  const { driver, volumeHandle } = volume.spec.csi!
  const why = status.attachError?.message ?? unanswered(driver, volumeHandle)
  for (const pod of pods) {
    event(
      pod,
      'Warning',
      'FailedAttachVolume',
      `AttachVolume.Attach failed for volume "${volume.metadata.name}" : ${why}`,
    )
  }
  return patience
}

const unanswered = (driver: string, handle: string): string =>
  `timed out waiting for external-attacher of ${driver} CSI driver to attach volume ${handle}`

/** Not while the node says that it uses it; one that is gone, out of service or silent for long is not asked. */
async function detach(
  attachment: Attachment,
  since: Millis,
  { client, lister, clock }: Context,
): Promise<Millis | undefined> {
  const { metadata, spec } = attachment
  if (metadata.deletionTimestamp !== undefined) return undefined
  const node = lister(Nodes).get({ name: spec.nodeName })
  const volume = lister(PersistentVolumes).get({ name: spec.source.persistentVolumeName ?? '' })
  const isUsed = volume !== undefined && node?.status.volumesInUse?.includes(uniqueVolumeName(volume))
  if (node !== undefined && isUsed && !node.spec.taints?.some(({ key }) => key === outOfServiceTaint)) {
    // A node that is well will say so when it has let go.
    if (isNodeReady(node)) return undefined
    const wait = since + longestUnmount - clock.now()
    if (wait > 0) return wait
  }
  try {
    await client.of(VolumeAttachments).delete(metadata, { preconditions: { uid: metadata.uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return undefined
}

/** The node's status says what is attached to it; pods are told when that is new. */
async function report(
  name: string,
  attachments: readonly Attachment[],
  users: ReadonlyMap<string, Use>,
  { client, lister, event }: Context,
): Promise<void> {
  const node = lister(Nodes).get({ name })
  if (node === undefined) return
  const before = node.status.volumesAttached ?? []
  const attached = attachments.flatMap(({ metadata, spec, status }) => {
    const volume = lister(PersistentVolumes).get({ name: spec.source.persistentVolumeName ?? '' })
    if (!status.attached || metadata.deletionTimestamp !== undefined || volume === undefined) return []
    return [{ name: uniqueVolumeName(volume), devicePath: '', volume: volume.metadata.name }]
  })
  const volumesAttached = attached.map(({ name, devicePath }) => ({ name, devicePath }))
  if (jsonEqual(volumesAttached, before)) return
  const body = {
    metadata: { uid: node.metadata.uid },
    status: { volumesAttached: volumesAttached.length ? volumesAttached : null },
  }
  await client.of(Nodes).patch({ name }, { type: 'merge', body }, 'status')
  for (const each of attached) {
    if (before.some(old => old.name === each.name)) continue
    for (const pod of users.get(each.volume)?.pods ?? []) {
      event(pod, 'Normal', 'SuccessfulAttachVolume', `AttachVolume.Attach succeeded for volume "${each.volume}" `)
    }
  }
}
