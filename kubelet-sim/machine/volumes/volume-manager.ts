// VolumeManager: the files of containers as a kubelet and its runtime make them: the image, /dev, the files the kubelet writes
// in /etc, the pod's volumes at their mount paths. Made by machine/assembly.ts; nothing of a pod is here before the first of its
// containers has a machine. What outlives pods (persistent volumes, the disks of nodes) is kept by kept-storages.ts.

import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume, VolumeMount } from '../../../generated/types.ts'
import type { Frozen, Ref } from '../../../src/api/meta.ts'
import { wholeValue } from '../../../src/api/quantity.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Env } from '../../../src/env/env.ts'
import { PersistentVolumeClaims, PersistentVolumes } from '../../../src/kinds/index.ts'
import { claimOfVolume } from '../../../src/kinds/pod-claims.ts'
import { substitute } from '../../images.ts'
import { hostNameOf, hostsFile, resolvConf, resolverOf } from '../../network/resolver.ts'
import { ContainerFiles } from '../files/container-files.ts'
import { deviceTree } from '../files/devices.ts'
import type { Inode } from '../files/inode.ts'
import type { Layer } from '../files/layer.ts'
import { Storage } from '../files/storage.ts'
import { LayerTrees } from '../files/tree-of-layer.ts'
import type { Wanted } from '../machines.ts'
import { FollowedObjects } from './follow-objects.ts'
import { KeptStorages } from './kept-storages.ts'
import { inodeBelow, NodeDisk } from './node-disk.ts'
import { PodDisk } from './pod-disk.ts'
import { type MountedVolume, PodVolumes } from './pod-volumes.ts'
import { keyOfVolume, nodeDiskKey, storageKey, type VolumeData } from './volume-data.ts'
import { found } from './volume-sources.ts'

export interface VolumeManagerNeeds {
  readonly env: Env
  readonly client: Client
  readonly allocatable: Readonly<Record<string, string>>
  /** The files of an image, for volumes that are one. */
  imageLayer(reference: string): Layer
  addressOf(node: string): string | undefined
  readonly volumeData?: VolumeData | undefined
  /** A pod has written more than it may. */
  storageExceeded?(pod: Ref & { readonly uid?: string | undefined }, message: string): void
}

export const terminationLog = '/dev/termination-log'

export class VolumeManager {
  readonly #needs: VolumeManagerNeeds
  readonly #trees = new LayerTrees()
  readonly #devices: Inode
  readonly #followed: FollowedObjects
  readonly #pods = new Map<string, PodVolumes>()
  readonly #podFiles = new Map<string, Storage>()
  readonly #podDisks = new Map<string, PodDisk>()
  readonly #disks = new Map<string, NodeDisk>()
  readonly #storages: KeptStorages

  constructor(needs: VolumeManagerNeeds) {
    this.#needs = needs
    this.#devices = deviceTree(needs.env.clock.now())
    this.#followed = new FollowedObjects(needs.env, needs.client)
    this.#storages = new KeptStorages(needs.env, needs.volumeData)
  }

  async filesOf(wanted: Wanted, layer: Layer): Promise<ContainerFiles> {
    const { env, allocatable } = this.#needs
    const { pod, container, restart } = wanted
    const { clock } = env
    const most = allocatable['ephemeral-storage']
    const disk = this.#podDiskOf(pod)
    const storage = new Storage({
      clock,
      root: this.#trees.of(layer),
      limit: most === undefined ? undefined : wholeValue(most),
      grown: disk.grown,
    })
    disk.container(container.name, storage)
    const overlay = { source: 'overlay', path: '/', type: 'overlay', readOnly: false, storage, root: storage.root }
    const files = ContainerFiles.over(
      overlay,
      env.random.fork(`files/${pod.metadata.uid}/${container.name}/${restart}`),
    )
    const devices = new Storage({ clock, root: this.#devices, limit: 64 * 1024 * 1024 })
    files.mount({ source: 'tmpfs', path: '/dev', type: 'tmpfs', readOnly: false, storage: devices, root: devices.root })
    const memory = new Storage({ clock, mode: 0o1777, limit: 64 * 1024 * 1024 })
    files.mount({ source: 'shm', path: '/dev/shm', type: 'tmpfs', readOnly: false, storage: memory, root: memory.root })
    this.#mountKubeletFiles(files, wanted)
    const volumes = this.#volumesOf(pod)
    const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => depth(a.mountPath) - depth(b.mountPath))
    for (const mount of mounts) {
      const volume = pod.spec.volumes?.find(({ name }) => name === mount.name)
      if (volume !== undefined) mountVolume(files, mount, await volumes.of(volume), wanted.env, env)
    }
    if (container.securityContext?.readOnlyRootFilesystem) files.mount({ ...overlay, readOnly: true })
    return files
  }

  /** The pod is gone: what was its own is, too. */
  forget(uid: string): void {
    this.#pods.get(uid)?.forget()
    this.#pods.delete(uid)
    this.#podFiles.delete(uid)
    this.#podDisks.get(uid)?.forget()
    this.#podDisks.delete(uid)
  }

  /** What a pod takes of its node's disk; of one without a machine nothing is known. */
  podDisk(uid: string): PodDisk | undefined {
    return this.#podDisks.get(uid)
  }

  /** The files of a fake node, as hostPath volumes show them. */
  diskOf(node: string): NodeDisk {
    let disk = this.#disks.get(node)
    if (disk === undefined) {
      const { clock, random } = this.#needs.env
      const storage = this.#storages.open(nodeDiskKey(node), () => NodeDisk.fresh(node, clock))
      disk = new NodeDisk(storage, random.fork(`disk/${node}`))
      this.#disks.set(node, disk)
    }
    return disk
  }

  /** What a volume held is gone for good. */
  drop(key: string): Promise<void> {
    return this.#storages.drop(key)
  }

  /** Ends what follows objects, and saves what outlives the process. */
  async close(): Promise<void> {
    for (const uid of [...this.#pods.keys()]) this.forget(uid)
    this.#followed.close()
    await this.#storages.close()
  }

  #podDiskOf(pod: Frozen<Pod>): PodDisk {
    const { uid = '' } = pod.metadata
    let disk = this.#podDisks.get(uid)
    if (disk === undefined) {
      disk = new PodDisk(pod, this.#needs.env.clock, why => this.#needs.storageExceeded?.(pod.metadata, why))
      this.#podDisks.set(uid, disk)
    }
    return disk
  }

  #volumesOf(pod: Frozen<Pod>): PodVolumes {
    const uid = pod.metadata.uid ?? ''
    let volumes = this.#pods.get(uid)
    if (volumes === undefined) {
      volumes = new PodVolumes(pod, this.#needs, this.#followed, this.#podDiskOf(pod), (its, volume) =>
        this.#kept(its, volume),
      )
      this.#pods.set(uid, volumes)
    }
    return volumes
  }

  /** /etc/hosts, /etc/hostname, /etc/resolv.conf: the same files for all containers of a pod. And the termination log. */
  #mountKubeletFiles(files: ContainerFiles, { pod, container }: Wanted): void {
    const { env, addressOf } = this.#needs
    const uid = pod.metadata.uid ?? ''
    let storage = this.#podFiles.get(uid)
    if (storage === undefined) {
      storage = new Storage({ clock: env.clock })
      const node = pod.spec.nodeName ?? ''
      enter(storage, 'hosts', hostsFile(pod, { name: node, address: addressOf(node) ?? pod.status.hostIP ?? '' }))
      enter(storage, 'hostname', `${pod.spec.hostNetwork ? node : hostNameOf(pod).hostname}\n`)
      enter(storage, 'resolv.conf', resolvConf(resolverOf(pod)))
      this.#podFiles.set(uid, storage)
    }
    const mounted = new Set(container.volumeMounts?.map(({ mountPath }) => mountPath))
    if (!files.exists('/etc')) files.makeDirectory('/etc')
    for (const name of ['hosts', 'hostname', 'resolv.conf']) {
      const path = `/etc/${name}`
      if (mounted.has(path)) continue
      const root = storage.child(storage.root, name)!
      files.mount({ source: '/dev/vda1', path, type: 'ext4', readOnly: false, storage, root })
    }
    const path = container.terminationMessagePath || terminationLog
    const log = new Storage({ clock: env.clock })
    const root = enter(log, 'log', '', 0o666)
    const at = mountPoint(files, path)
    files.mount({ source: '/dev/vda1', path: at, type: 'ext4', readOnly: false, storage: log, root })
  }

  /** Volumes that outlive the pod; undefined: it is the pod's own. */
  async #kept(pod: Frozen<Pod>, volume: Frozen<Volume>): Promise<MountedVolume | undefined> {
    const node = pod.spec.nodeName ?? ''
    if (volume.emptyDir || volume.gitRepo || volume.csi) return undefined
    if (volume.hostPath) return this.#onDisk(node, volume.hostPath.path, volume.hostPath.type ?? '')
    if (volume.image) {
      const root = this.#trees.of(this.#needs.imageLayer(volume.image.reference ?? ''))
      const storage = new Storage({ clock: this.#needs.env.clock, root })
      return { storage, root, readOnly: true, source: 'overlay', type: 'overlay' }
    }
    const group = pod.spec.securityContext?.fsGroup
    const claim = claimOfVolume(pod, volume)
    if (claim === undefined) {
      const { name: _, ...source } = volume
      return this.#elsewhere(storageKey(source), undefined, group, false)
    }
    const { client } = this.#needs
    const its = await found<PersistentVolumeClaim>(client, PersistentVolumeClaims, claim, pod.metadata.namespace)
    const bound = await found<PersistentVolume>(client, PersistentVolumes, its?.spec.volumeName ?? '', undefined)
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false
    const key = bound === undefined ? `unbound/${pod.metadata.namespace}/${claim}` : keyOfVolume(bound)
    if (key !== undefined) return this.#elsewhere(key, bound?.spec.capacity?.storage, group, readOnly)
    const path = bound!.spec.hostPath?.path ?? bound!.spec.local!.path
    return { ...this.#onDisk(node, path, 'DirectoryOrCreate'), readOnly }
  }

  #onDisk(node: string, path: string, type: string): MountedVolume {
    const disk = this.diskOf(node)
    return { storage: disk.storage, root: disk.at(path, type), readOnly: false, source: '/dev/vda1', type: 'ext4' }
  }

  #elsewhere(key: string, size: string | undefined, group: number | undefined, readOnly: boolean): MountedVolume {
    const { clock } = this.#needs.env
    const storage = this.#storages.open(key, () => new Storage({ clock, mode: 0o777 }))
    // It may have grown since.
    storage.limit = size === undefined ? undefined : wholeValue(size)
    if (group !== undefined && !readOnly) giveTo(storage, storage.root, group)
    return { storage, root: storage.root, readOnly, source: '/dev/vdb', type: 'ext4' }
  }
}

/** pkg/volume/volume_linux.go: all of it belongs to the group, which may read and write. */
function giveTo(storage: Storage, inode: Inode, group: number): void {
  const own = storage.own(storage.current(inode))
  own.gid = group
  own.mode |= own.kind === 'directory' ? 0o2770 : own.kind === 'file' ? 0o660 : 0
  for (const child of own.entries?.values() ?? []) giveTo(storage, child, group)
}

function mountVolume(
  files: ContainerFiles,
  mount: Frozen<VolumeMount>,
  volume: MountedVolume,
  variables: ReadonlyMap<string, string>,
  env: Env,
): void {
  const { storage, source, type } = volume
  const subPath = mount.subPathExpr ? substitute(mount.subPathExpr, Object.fromEntries(variables)) : mount.subPath
  const root = subPath ? partOf(volume, subPath, env) : volume.root
  const readOnly = volume.readOnly || (mount.readOnly ?? false)
  files.mount({ source, path: mountPoint(files, mount.mountPath), type, readOnly, storage, root })
}

/** What is not there is made, as a folder. */
function partOf({ storage, root }: MountedVolume, subPath: string, env: Env): Inode {
  const inside = ContainerFiles.over({ source: '', path: '/', type: '', readOnly: false, storage, root }, env.random)
  const path = `/${subPath}`
  if (!inside.exists(path)) inside.makeDirectory(path, { recursive: true, mode: storage.current(root).mode })
  return inodeBelow(storage, root, inside.realpath(path))
}

/** The folder it is in is made; symlinks of the image on the way are followed, as the runtime does. */
function mountPoint(files: ContainerFiles, path: string): string {
  const whole = `/${path.split('/').filter(Boolean).join('/')}`
  if (files.exists(whole)) return files.realpath(whole)
  const slash = whole.lastIndexOf('/')
  const parent = whole.slice(0, slash) || '/'
  files.makeDirectory(parent, { recursive: true })
  const real = files.realpath(parent)
  return `${real === '/' ? '' : real}/${whole.slice(slash + 1)}`
}

function depth(path: string): number {
  return path.split('/').filter(Boolean).length
}

function enter(storage: Storage, name: string, content: string, mode = 0o644): Inode {
  const file = storage.make('file', mode, 0, 0)
  storage.enter(storage.root, name, file)
  storage.replace(file, content)
  return file
}
