// Mounts: which storage is seen at which path of one container, outermost first.

import type { Inode } from './inode.ts'
import type { Storage } from './storage.ts'

export interface Mount {
  /** As `mount` shows it. */
  readonly source: string
  readonly path: string
  readonly type: string
  readonly readOnly: boolean
  readonly storage: Storage
  /** A folder or a single file of it. */
  readonly root: Inode
  /** Further words of /proc/mounts. */
  readonly options?: string
}

export class Mounts {
  readonly #byPath = new Map<string, Mount>()
  #version = 0

  at(path: string): Mount | undefined {
    return this.#byPath.get(path)
  }

  add(mount: Mount): void {
    this.#byPath.set(mount.path, mount)
    this.#version++
  }

  remove(path: string): boolean {
    this.#version++
    return this.#byPath.delete(path)
  }

  all(): Iterable<Mount> {
    return this.#byPath.values()
  }

  /** Names mounted in a folder: a mount point is seen even where the image has nothing. */
  *in(directory: string): Iterable<string> {
    const prefix = directory === '/' ? '/' : `${directory}/`
    for (const path of this.#byPath.keys()) {
      if (path.length > prefix.length && path.startsWith(prefix) && !path.includes('/', prefix.length)) {
        yield path.slice(prefix.length)
      }
    }
  }

  get version(): number {
    let version = this.#version
    for (const { storage } of this.#byPath.values()) version += storage.version
    return version
  }
}
