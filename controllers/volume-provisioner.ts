// Makes and deletes volumes: no storage is behind them, but objects, events and order are those of the real ones.
// `kubesim.dev/simulated` (the class `standard`) makes host-path volumes as minikube's does, `csi.kubesim.dev` CSI volumes, which
// are attached; the names of minikube's and kind's own are served, too. Every other provisioner's claims wait for somebody else. Upstream:
// sigs.k8s.io/sig-storage-lib-external-provisioner/controller/controller.go. A volume's key has no namespace.

import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec, StorageClass } from '../generated/types.ts'
import { isAlreadyExists, isNotFound } from '../src/api/errors.ts'
import type { Frozen, NewObject } from '../src/api/meta.ts'
import { Nodes } from '../src/kinds/node.ts'
import { PersistentVolumes } from '../src/kinds/persistentvolume.ts'
import { PersistentVolumeClaims } from '../src/kinds/persistentvolumeclaim.ts'
import { StorageClasses } from '../src/kinds/storageclass.ts'
import { VolumeAttachments } from '../src/kinds/volumeattachment.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import {
  bindCompleted,
  classOf,
  hasAnnotation,
  oldStorageProvisioner,
  provisionedBy,
  selectedNode,
  storageProvisioner,
} from './shared/volume-matching.ts'
import { csiDriver, isSimulatedProvisioner, localPathProvisioner } from './shared/volume-simulation.ts'

type Volume = Frozen<PersistentVolume>
type Claim = Frozen<PersistentVolumeClaim>

export function volumeProvisioner(): ControllerSpec {
  return defineController({
    name: 'volume-provisioner',
    wakes: [
      { kind: PersistentVolumeClaims, keys: (now: Claim | undefined) => (now && isWanted(now) ? [now.metadata] : []) },
      { kind: PersistentVolumes, keys: (now: Volume | undefined) => (now && isOver(now) ? [now.metadata] : []) },
      {
        kind: VolumeAttachments,
        keys(now, before) {
          const name = now === undefined ? before?.spec.source.persistentVolumeName : undefined
          return name === undefined ? [] : [{ name }]
        },
      },
    ],
    reads: [StorageClasses, Nodes],
    workers: 4,
    async work(ref, context): Promise<Outcome> {
      const { lister } = context
      if (ref.namespace === undefined) {
        const volume = lister(PersistentVolumes).get(ref)
        return volume && isOver(volume) ? remove(volume, context) : undefined
      }
      const claim = lister(PersistentVolumeClaims).get(ref)
      const storageClass = claim && isWanted(claim) && lister(StorageClasses).get({ name: classOf(claim) })
      if (storageClass) await provision(claim, storageClass, context)
    },
  })
}

const provisionerOf = ({ metadata: { annotations } }: Claim): string | undefined =>
  annotations?.[storageProvisioner] ?? annotations?.[oldStorageProvisioner]

function isWanted(claim: Claim): boolean {
  return (
    isSimulatedProvisioner(provisionerOf(claim)) &&
    !claim.spec.volumeName &&
    !hasAnnotation(claim, bindCompleted) &&
    claim.metadata.deletionTimestamp === undefined
  )
}

function isOver({ metadata, spec, status }: Volume): boolean {
  return (
    isSimulatedProvisioner(metadata.annotations?.[provisionedBy]) &&
    spec.persistentVolumeReclaimPolicy === 'Delete' &&
    status.phase === 'Released' &&
    metadata.deletionTimestamp === undefined
  )
}

async function provision(claim: Claim, storageClass: Frozen<StorageClass>, context: Context): Promise<void> {
  const { lister, client } = context
  const { provisioner, volumeBindingMode } = storageClass
  // The class may have been made anew with another provisioner.
  if (provisioner !== provisionerOf(claim)) return
  const waits = volumeBindingMode === 'WaitForFirstConsumer'
  const node = claim.metadata.annotations?.[selectedNode]
  if (waits && !node) return
  const name = `pvc-${claim.metadata.uid}`
  if (lister(PersistentVolumes).get({ name }) !== undefined) return
  const say = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
    context.event(claim, type, reason, message, undefined, { component: provisioner })
  const of = JSON.stringify(`${claim.metadata.namespace}/${claim.metadata.name}`)
  say('Normal', 'Provisioning', `External provisioner is provisioning volume for claim ${of}`)
  if (node && lister(Nodes).get({ name: node }) === undefined) {
    const quoted = JSON.stringify(node)
    say('Warning', 'ProvisioningFailed', `error getting selected node ${quoted}: node ${quoted} not found`)
    await unselect(claim, context)
    return
  }
  const fault = unsupported(claim)
  if (fault !== undefined) {
    const className = JSON.stringify(storageClass.metadata.name)
    say('Warning', 'ProvisioningFailed', `failed to provision volume with StorageClass ${className}: ${fault}`)
    return
  }
  try {
    await client.of(PersistentVolumes).create(volumeFor(claim, storageClass, name, waits ? node : undefined))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    return
  }
  say('Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`)
}

/** The scheduler is to choose anew. */
async function unselect(claim: Claim, { client }: Context): Promise<void> {
  const { resourceVersion } = claim.metadata
  const body = { metadata: { resourceVersion, annotations: { [selectedNode]: null } } }
  await client.of(PersistentVolumeClaims).patch(claim.metadata, { type: 'merge', body })
}

function unsupported({ spec }: Claim): string | undefined {
  if (spec.selector !== undefined) return 'claim.Spec.Selector is not supported'
  return spec.dataSource === undefined ? undefined : 'claim.Spec.DataSource is not supported'
}

function volumeFor(
  claim: Claim,
  storageClass: Frozen<StorageClass>,
  name: string,
  node: string | undefined,
): NewObject<PersistentVolume> {
  const { metadata, spec } = claim
  const { provisioner, reclaimPolicy = 'Delete', mountOptions, allowedTopologies } = storageClass
  const source = sourceOf(claim, provisioner, name)
  const terms = node
    ? [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }]
    : allowedTopologies?.map(({ matchLabelExpressions = [] }) => ({
        matchExpressions: matchLabelExpressions.map(({ key, values }) => ({
          key,
          operator: 'In',
          values: [...(values ?? [])],
        })),
      }))
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, annotations: { [provisionedBy]: provisioner } },
    spec: {
      accessModes: [...(spec.accessModes ?? [])],
      capacity: { storage: spec.resources!.requests!.storage! },
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      ...source,
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: storageClass.metadata.name,
      volumeMode: spec.volumeMode ?? 'Filesystem',
      ...(mountOptions?.length ? { mountOptions: [...mountOptions] } : {}),
      ...(terms?.length ? { nodeAffinity: { required: { nodeSelectorTerms: terms } } } : {}),
      ...(source.csi && spec.volumeAttributesClassName
        ? { volumeAttributesClassName: spec.volumeAttributesClassName }
        : {}),
    },
  } as NewObject<PersistentVolume>
}

function sourceOf(
  { metadata: { namespace, name } }: Claim,
  provisioner: string,
  volume: string,
): Partial<PersistentVolumeSpec> {
  if (provisioner === csiDriver) return { csi: { driver: csiDriver, volumeHandle: volume, fsType: 'ext4' } }
  if (provisioner === localPathProvisioner) {
    const path = `/var/local-path-provisioner/${volume}_${namespace}_${name}`
    return { hostPath: { path, type: 'DirectoryOrCreate' } }
  }
  return { hostPath: { path: `/tmp/hostpath-provisioner/${namespace}/${name}`, type: '' } }
}

async function remove(volume: Volume, context: Context): Promise<void> {
  const { name, uid } = volume.metadata
  const attached = context
    .lister(VolumeAttachments)
    .list()
    .find(({ spec }) => spec.source.persistentVolumeName === name)
  if (attached !== undefined) {
    const message = `persistentvolume ${name} is still attached to node ${attached.spec.nodeName}`
    const component = volume.metadata.annotations?.[provisionedBy]
    context.event(volume, 'Warning', 'VolumeFailedDelete', message, undefined, { component })
    return
  }
  try {
    await context.client.of(PersistentVolumes).delete({ name }, { preconditions: { uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
