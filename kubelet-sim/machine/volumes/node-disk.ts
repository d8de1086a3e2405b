// NodeDisk: the files of a fake node that hostPath volumes show to pods; for every pod of the node the same, and kept by
// kept-storages.ts. pkg/volume/hostpath: what a volume's type asks for, and the words when it is not there.

import type { Clock } from '../../../src/env/clock.ts'
import type { Random } from '../../../src/env/random.ts'
import { debianLayer } from '../files/base-layers.ts'
import { ContainerFiles } from '../files/container-files.ts'
import type { Inode } from '../files/inode.ts'
import type { Layer } from '../files/layer.ts'
import { Storage } from '../files/storage.ts'
import { LayerTrees } from '../files/tree-of-layer.ts'

const nodeLayer: Layer = {
  over: debianLayer,
  files: {
    '/etc/kubernetes/manifests': { directory: true },
    '/etc/machine-id': '9d1d7a3c5f0b4d5c8f3d2f6f5b1c0a77\n',
    '/var/lib/kubelet/pods': { directory: true },
    '/var/log/containers': { directory: true },
    '/var/log/pods': { directory: true },
    '/opt/cni/bin': { directory: true },
    '/etc/cni/net.d': { directory: true },
    '/etc/localtime': '',
    '/etc/ssl/certs': { directory: true },
    '/run/containerd': { directory: true },
    '/usr/lib/modules': { directory: true },
    '/usr/share/zoneinfo': { directory: true },
    '/var/lib/docker/containers': { directory: true },
    '/var/log/syslog': '',
  },
}

const kinds: Readonly<Record<string, { readonly kind: string; readonly words: string }>> = {
  Directory: { kind: 'directory', words: 'is not a directory' },
  File: { kind: 'file', words: 'is not a file' },
  Socket: { kind: 'socket', words: 'is not a socket file' },
  CharDevice: { kind: 'device', words: 'is not a character device' },
  BlockDevice: { kind: 'block', words: 'is not a block device' },
}

export class NodeDisk {
  readonly storage: Storage
  readonly #files: ContainerFiles

  constructor(storage: Storage, random: Random) {
    this.storage = storage
    const mount = { source: '/dev/vda1', path: '/', type: 'ext4', readOnly: false, storage, root: storage.root }
    this.#files = ContainerFiles.over(mount, random)
  }

  /** As a node has it that was just set up. */
  static fresh(node: string, clock: Clock): Storage {
    const storage = new Storage({ clock, root: new LayerTrees().of(nodeLayer) })
    const name = storage.make('file', 0o644, 0, 0)
    storage.enter(inodeBelow(storage, storage.root, '/etc'), 'hostname', name)
    storage.replace(name, `${node}\n`)
    const runtime = inodeBelow(storage, storage.root, '/run/containerd')
    storage.enter(runtime, 'containerd.sock', storage.make('socket', 0o660, 0, 0))
    return storage
  }

  /** Why a volume of this path and type cannot be set up. */
  fault(path: string, type: string): string | undefined {
    const created = { DirectoryOrCreate: 'Directory', FileOrCreate: 'File' }[type]
    const isThere = this.#files.exists(path)
    if (created !== undefined && !isThere) return undefined
    const wanted = kinds[created ?? type]
    if (wanted === undefined) return undefined
    if (isThere && this.#files.stat(path).kind === wanted.kind) return undefined
    return `hostPath type check failed: ${path} ${wanted.words}`
  }

  /** What is at the path; made as the type says. Without a type the container runtime makes a folder of it. */
  at(path: string, type: string): Inode {
    const files = this.#files
    if (!files.exists(path)) {
      if (type === 'FileOrCreate') {
        files.makeDirectory(path.slice(0, path.lastIndexOf('/')) || '/', { recursive: true })
        files.write(path, '')
      } else files.makeDirectory(path, { recursive: true })
    }
    return inodeBelow(this.storage, this.storage.root, files.realpath(path))
  }

  /** To put something on the disk, or to look at it, from outside. */
  get files(): ContainerFiles {
    return this.#files
  }
}

/** What is at a path without symlinks, below a folder of the storage. */
export function inodeBelow(storage: Storage, root: Inode, path: string): Inode {
  let at = storage.current(root)
  for (const name of path.split('/')) if (name !== '') at = storage.child(at, name)!
  return at
}
