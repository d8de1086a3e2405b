// An open file: an offset into an inode, which stays readable after its name is gone. Devices answer here.

import type { Random } from '../../../src/env/random.ts'
import type { OpenFile, OpenHow, Stat } from '../file-system.ts'
import { SystemError } from '../system-error.ts'
import type { Device, Inode } from './inode.ts'
import type { Storage } from './storage.ts'
import type { Place } from './walk.ts'

export class OpenInode implements OpenFile {
  readonly #storage: Storage
  readonly #random: Random
  readonly #mayRead: boolean
  readonly #mayWrite: boolean
  readonly #appends: boolean
  #inode: Inode
  /** What a made file said when it was first read. */
  #made: Uint8Array | undefined
  #offset = 0

  constructor({ mount, inode }: Place, { read, write, append, truncate }: OpenHow, random: Random) {
    this.#storage = mount.storage
    this.#inode = inode
    this.#random = random
    this.#appends = append ?? false
    this.#mayWrite = (write || append || truncate) ?? false
    this.#mayRead = read ?? !this.#mayWrite
  }

  read(max: number): Uint8Array | undefined {
    if (!this.#mayRead) throw new SystemError('EBADF')
    const inode = this.#current()
    if (inode.kind === 'directory') throw new SystemError('EISDIR')
    if (inode.device !== undefined) return readDevice(inode.device, max, this.#random)
    if (inode.text !== undefined) this.#made ??= readMade(inode)!
    const bytes =
      this.#made?.subarray(this.#offset, this.#offset + max) ?? inode.content?.bytes(this.#offset, this.#offset + max)
    if (bytes === undefined || bytes.length === 0) return undefined
    this.#offset += bytes.length
    return bytes
  }

  write(bytes: Uint8Array): void {
    if (!this.#mayWrite) throw new SystemError('EBADF')
    const inode = this.#current()
    if (inode.device !== undefined) {
      if (inode.device === 'full') throw new SystemError('ENOSPC')
      return
    }
    if (inode.text !== undefined) {
      if (inode.take === undefined) throw new SystemError('EACCES')
      inode.take(Buffer.from(bytes).toString())
      return
    }
    if (this.#appends) this.#offset = inode.size
    this.#storage.write(inode, this.#offset, bytes)
    this.#offset += bytes.length
  }

  seek(offset: number): void {
    if (offset < 0) throw new SystemError('EINVAL')
    this.#offset = offset
  }

  stat(): Stat {
    return this.#current().stat()
  }

  close(): void {}

  /** The copy, when it has been changed since. */
  #current(): Inode {
    this.#inode = this.#storage.current(this.#inode)
    return this.#inode
  }
}

export function readMade(inode: Inode): Uint8Array | undefined {
  return inode.text === undefined ? undefined : Buffer.from(inode.text())
}

function readDevice(device: Device, max: number, random: Random): Uint8Array | undefined {
  if (device === 'null') return undefined
  if (device === 'tty') throw new SystemError('ENXIO')
  const bytes = new Uint8Array(max)
  if (device === 'random') for (let at = 0; at < max; at++) bytes[at] = Math.floor(random.fraction() * 256)
  return bytes
}
