// Storage: one file system that can be mounted: a container's own layer over its image, an emptyDir, a persistent volume, a
// node's disk. It counts what is used, refuses what does not fit, and tells who waits that something has changed.

import type { Cancel, Clock } from '../../../src/env/clock.ts'
import type { FileKind } from '../file-system.ts'
import { SystemError } from '../system-error.ts'
import { Content } from './content.ts'
import { Inode } from './inode.ts'

/** What one storage may take of this process's memory, whatever size it claims to have. */
const mostHeld = 96 * 1024 * 1024
const mostInodes = 100_000

export interface StorageOptions {
  readonly clock: Clock
  /** A shared tree it lies over; default: an empty folder. */
  readonly root?: Inode
  /** Bytes; default: none but what this process bears. */
  readonly limit?: number | undefined
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Called whenever it has come to hold more. */
  readonly grown?: (() => void) | undefined
}

export class Storage {
  readonly clock: Clock
  readonly root: Inode
  limit: number | undefined
  #used = 0
  #held = 0
  #inodes = 0
  #version = 0
  #next: number
  #copies: Map<Inode, Inode> | undefined
  #waiting: Set<() => void> | undefined
  readonly #grown: (() => void) | undefined

  constructor({ clock, root, limit, mode = 0o755, uid = 0, gid = 0, grown }: StorageOptions) {
    this.#grown = grown
    this.clock = clock
    this.limit = limit
    // Numbers of a shared tree are small: those of one's own begin behind them.
    this.#next = 1_000_000
    this.root = root ?? new Inode({ kind: 'directory', number: 2, mode, uid, gid, modified: clock.now() })
  }

  get used(): number {
    return this.#used
  }

  get version(): number {
    return this.#version
  }

  /** As this storage has it. */
  current(inode: Inode): Inode {
    return inode.shared && this.#copies !== undefined ? (this.#copies.get(inode) ?? inode) : inode
  }

  /** One that may be changed. */
  own(inode: Inode): Inode {
    if (!inode.shared) return inode
    const known = this.#copies?.get(inode)
    if (known !== undefined) return known
    const copy = inode.copy()
    this.#count(inode.content?.size ?? 0, inode.content?.size ?? 0)
    this.#copies ??= new Map()
    this.#copies.set(inode, copy)
    return copy
  }

  child(directory: Inode, name: string): Inode | undefined {
    const child = this.current(directory).entries!.get(name)
    return child && this.current(child)
  }

  make(kind: FileKind, mode: number, uid: number, gid: number): Inode {
    if (++this.#inodes > mostInodes) throw new SystemError('ENOSPC')
    return new Inode({ kind, number: this.#next++, mode, uid, gid, modified: this.clock.now() })
  }

  /** Puts it into the folder under that name, where none is. */
  enter(directory: Inode, name: string, inode: Inode): void {
    const own = this.own(directory)
    own.entries!.set(name, inode)
    if (inode.kind === 'directory') own.links++
    own.modified = this.clock.now()
    this.changed()
  }

  /** Takes the name away; what has no name any more is gone. */
  leave(directory: Inode, name: string): void {
    const own = this.own(directory)
    const inode = own.entries!.get(name)
    if (inode === undefined) return
    own.entries!.delete(name)
    own.modified = this.clock.now()
    this.changed()
    if (inode.kind === 'directory') own.links--
    const current = this.current(inode)
    if (current.kind !== 'directory' && current.links > 1) {
      this.own(current).links--
      return
    }
    if (current.shared) return
    this.#inodes--
    const size = current.content?.size ?? 0
    this.#used -= size
    this.#held -= Math.min(current.content?.held ?? 0, this.#held)
    this.#copies?.delete(inode)
  }

  /** Another name, where none is. */
  move(from: Inode, name: string, to: Inode, other: string): void {
    const [old, next] = [this.own(from), this.own(to)]
    const inode = old.entries!.get(name)!
    old.entries!.delete(name)
    next.entries!.set(other, inode)
    if (inode.kind === 'directory') {
      old.links--
      next.links++
    }
    old.modified = next.modified = this.clock.now()
    this.changed()
  }

  write(file: Inode, offset: number, bytes: Uint8Array): void {
    const own = this.own(file)
    own.content ??= new Content()
    const { size, held } = own.content
    const grows = Math.max(0, offset + bytes.length - size)
    if (grows > 0) this.#refuse(grows)
    own.content.write(offset, bytes)
    this.#count(own.content.size - size, own.content.held - held)
    own.modified = this.clock.now()
    this.changed()
  }

  truncate(file: Inode, size: number): void {
    const own = this.own(file)
    own.content ??= new Content()
    const before = own.content.size
    const { held } = own.content
    if (size > before) this.#refuse(size - before)
    own.content.truncate(size)
    this.#count(size - before, own.content.held - held)
    own.modified = this.clock.now()
    this.changed()
  }

  /** The whole content, in place of what was there. */
  replace(file: Inode, content: Uint8Array | string): void {
    const own = this.own(file)
    const next = new Content(content)
    const { size = 0, held = 0 } = own.content ?? {}
    if (next.size > size) this.#refuse(next.size - size)
    own.content = next
    this.#count(next.size - size, next.held - held)
    own.modified = this.clock.now()
    this.changed()
  }

  /** Something in it is another now. */
  changed(): void {
    this.#version++
    if (this.#waiting === undefined) return
    const waiting = this.#waiting
    this.#waiting = undefined
    for (const wake of waiting) wake()
  }

  /** Once, at the next change. */
  onChange(wake: () => void): Cancel {
    this.#waiting ??= new Set()
    this.#waiting.add(wake)
    return () => {
      this.#waiting?.delete(wake)
    }
  }

  #refuse(more: number): void {
    if (this.limit !== undefined && this.#used + more > this.limit) throw new SystemError('ENOSPC')
    if (this.#held > mostHeld) throw new SystemError('ENOSPC')
  }

  #count(size: number, held: number): void {
    this.#used += size
    this.#held = Math.max(0, this.#held + held)
    if (size > 0) this.#grown?.()
  }
}
