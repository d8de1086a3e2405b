// A volume whose files change all at once, as the kubelet's atomic writer makes them (pkg/volume/util/atomic_writer.go): the
// files in a folder named for the moment, `..data` pointing to it, and a symlink for each name through `..data`.

import type { Clock } from '../../../src/env/clock.ts'
import type { Random } from '../../../src/env/random.ts'
import type { Inode } from '../files/inode.ts'
import { Storage } from '../files/storage.ts'
import { formatted } from '../tools/date-text.ts'

export interface VolumeFile {
  readonly content: Uint8Array | string
  readonly mode: number
  readonly uid?: number | undefined
}

/** By path below the mount: `config/app.yaml`. */
export type VolumeFiles = ReadonlyMap<string, VolumeFile>

export class AtomicVolume {
  readonly storage: Storage
  readonly #clock: Clock
  readonly #random: Random
  readonly #group: number | undefined
  #files: VolumeFiles = new Map()
  #moment: string | undefined

  /** `group`: the pod's fsGroup. */
  constructor(clock: Clock, random: Random, group: number | undefined) {
    this.#clock = clock
    this.#random = random
    this.#group = group
    const mode = group === undefined ? 0o777 : 0o2777
    this.storage = new Storage({ clock, mode, gid: group ?? 0 })
  }

  /** Nothing happens when they are what is there. */
  write(files: VolumeFiles): void {
    if (this.#moment !== undefined && isSame(files, this.#files)) return
    const { storage } = this
    const { root } = storage
    const number = Math.floor(this.#random.fraction() * 4294967296)
    const moment = `..${formatted(this.#clock.now(), '%Y_%m_%d_%H_%M_%S')}.${number}`
    const folder = this.#folder(0o755)
    for (const [path, file] of files) this.#place(folder, path, file)
    storage.enter(root, moment, folder)
    this.#link(root, '..data', moment)
    const names = new Set([...files.keys()].map(path => path.split('/')[0]!))
    for (const name of names) {
      if (storage.child(root, name) === undefined) this.#link(root, name, `..data/${name}`)
    }
    for (const name of [...root.entries!.keys()]) {
      if (!name.startsWith('..') && !names.has(name)) storage.leave(root, name)
    }
    if (this.#moment !== undefined) storage.leave(root, this.#moment)
    this.#moment = moment
    this.#files = files
  }

  #place(folder: Inode, path: string, { content, mode, uid = 0 }: VolumeFile): void {
    const parts = path.split('/')
    const name = parts.pop()!
    let at = folder
    for (const part of parts) {
      let next = this.storage.child(at, part)
      if (next === undefined) {
        next = this.#folder(0o755)
        this.storage.enter(at, part, next)
      }
      at = next
    }
    // With an fsGroup the group may read what it is given (pkg/volume/volume_linux.go, read-only mask).
    const rights = this.#group === undefined ? mode : mode | 0o440
    const file = this.storage.make('file', rights, uid, this.#group ?? 0)
    this.storage.enter(at, name, file)
    this.storage.replace(file, content)
  }

  #folder(mode: number): Inode {
    return this.storage.make('directory', this.#group === undefined ? mode : mode | 0o2550, 0, this.#group ?? 0)
  }

  #link(folder: Inode, name: string, target: string): void {
    const link = this.storage.make('symlink', 0o777, 0, this.#group ?? 0)
    link.target = target
    if (this.storage.child(folder, name) !== undefined) this.storage.leave(folder, name)
    this.storage.enter(folder, name, link)
  }
}

function isSame(one: VolumeFiles, other: VolumeFiles): boolean {
  if (one.size !== other.size) return false
  for (const [path, { content, mode, uid }] of one) {
    const its = other.get(path)
    if (its === undefined || its.mode !== mode || its.uid !== uid) return false
    if (Buffer.compare(Buffer.from(its.content), Buffer.from(content)) !== 0) return false
  }
  return true
}
