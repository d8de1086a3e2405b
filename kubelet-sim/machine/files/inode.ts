// Inode: one file, folder, symlink or device. Those of an image's layer are shared by all its containers and never changed;
// a Storage (storage.ts) has a copy of those that its container changes.

import type { FileKind, Stat } from '../file-system.ts'
import type { Content } from './content.ts'

export type Device = 'null' | 'zero' | 'full' | 'random' | 'tty'

/** Whose /proc it is: who looks, to know `self`. */
export interface Onlooker {
  readonly pid: number
}

/** A folder whose entries are made when they are looked at: /proc. */
export interface MadeDirectory {
  list(by: Onlooker): readonly string[]
  find(name: string, by: Onlooker): Inode | undefined
}

export interface InodeFacts {
  readonly kind: FileKind
  readonly number: number
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
  readonly modified: number
  readonly shared?: boolean
}

export class Inode {
  readonly kind: FileKind
  readonly number: number
  /** Of a layer that containers share: it is never changed. */
  readonly shared: boolean
  mode: number
  uid: number
  gid: number
  modified: number
  links: number
  content: Content | undefined
  entries: Map<string, Inode> | undefined
  target: string | ((by: Onlooker) => string) | undefined
  device: Device | undefined
  /** Text that is made when it is read. */
  text: (() => string) | undefined
  /** Takes what is written into a made file; without it nobody may. */
  take: ((text: string) => void) | undefined
  made: MadeDirectory | undefined

  constructor({ kind, number, mode, uid = 0, gid = 0, modified, shared = false }: InodeFacts) {
    this.kind = kind
    this.number = number
    this.mode = mode
    this.uid = uid
    this.gid = gid
    this.modified = modified
    this.shared = shared
    this.links = kind === 'directory' ? 2 : 1
    this.content = undefined
    this.entries = kind === 'directory' ? new Map() : undefined
    this.target = undefined
    this.device = undefined
    this.text = undefined
    this.take = undefined
    this.made = undefined
  }

  /** One of the same number that may be changed. */
  copy(): Inode {
    const copy = new Inode(this.facts())
    copy.links = this.links
    copy.content = this.content?.copy()
    copy.entries = this.entries && new Map(this.entries)
    copy.target = this.target
    copy.device = this.device
    return copy
  }

  facts(): InodeFacts {
    const { kind, number, mode, uid, gid, modified } = this
    return { kind, number, mode, uid, gid, modified }
  }

  stat(): Stat {
    const { kind, number, mode, uid, gid, size, links, modified } = this
    return { kind, inode: number, mode, uid, gid, size, links, modified }
  }

  get size(): number {
    if (this.content !== undefined) return this.content.size
    if (this.kind === 'directory') return 4096
    return typeof this.target === 'string' ? Buffer.byteLength(this.target) : 0
  }
}
