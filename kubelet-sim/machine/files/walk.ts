// From a path to what is there: through mounts and symlinks, as a kernel looks it up, with the rights of who looks.

import type { User } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Inode, Onlooker } from './inode.ts'
import type { Mount, Mounts } from './mount.ts'

export interface Place {
  readonly mount: Mount
  readonly inode: Inode
  /** Without symlinks. */
  readonly path: string
}

export interface Found {
  /** The folder it is, or would be, in. Its own for `/`. */
  readonly parent: Place
  readonly name: string
  readonly place: Place | undefined
}

const mostLinks = 40
const longestName = 255
const longestPath = 4096

export class Walker {
  readonly #mounts: Mounts
  readonly #user: User
  readonly #by: Onlooker

  constructor(mounts: Mounts, user: User, by: Onlooker) {
    this.#mounts = mounts
    this.#user = user
    this.#by = by
  }

  /** Throws ENOENT, ENOTDIR, EACCES or ELOOP of the way there; that the last part is missing is no fault. */
  walk(path: string, follow: boolean): Found {
    if (path === '') throw new SystemError('ENOENT')
    if (path.length > longestPath) throw new SystemError('ENAMETOOLONG')
    const rest = path.split('/').reverse()
    const way: Place[] = [this.#root()]
    let links = 0
    let name = ''
    while (rest.length > 0) {
      const part = rest.pop()!
      const here = way.at(-1)!
      if (part === '' || part === '.') {
        // `file/` and `file/.`: only folders have these.
        if (part === '.' || (rest.length === 0 && way.length > 1)) this.#directory(here)
        continue
      }
      this.#directory(here)
      if (part === '..') {
        if (way.length > 1) way.pop()
        continue
      }
      if (part.length > longestName) throw new SystemError('ENAMETOOLONG')
      if (!may(this.#user, here.inode, 1)) throw new SystemError('EACCES')
      name = part
      const child = this.#child(here, part)
      const isLast = rest.every(each => each === '')
      if (child === undefined) {
        if (!isLast) throw new SystemError('ENOENT')
        return { parent: here, name, place: undefined }
      }
      if (child.inode.kind !== 'symlink' || (isLast && !follow && rest.length === 0)) {
        way.push(child)
        continue
      }
      if (++links > mostLinks) throw new SystemError('ELOOP')
      const target = this.target(child.inode)
      if (target === '') throw new SystemError('ENOENT')
      for (const each of target.split('/').reverse()) rest.push(each)
      if (target.startsWith('/')) way.length = 1
    }
    const place = way.at(-1)!
    const parent = way.at(-2) ?? place
    return { parent, name: place.path.slice(place.path.lastIndexOf('/') + 1), place }
  }

  target({ target = '' }: Inode): string {
    return typeof target === 'string' ? target : target(this.#by)
  }

  names({ mount, inode, path }: Place): readonly string[] {
    const names = new Set(
      inode.made !== undefined ? inode.made.list(this.#by) : mount.storage.current(inode).entries!.keys(),
    )
    for (const name of this.#mounts.in(path)) names.add(name)
    return [...names].sort(byBytes)
  }

  #root(): Place {
    const mount = this.#mounts.at('/')!
    return { mount, inode: mount.storage.current(mount.root), path: '/' }
  }

  #child({ mount, inode, path }: Place, name: string): Place | undefined {
    const its = path === '/' ? `/${name}` : `${path}/${name}`
    const mounted = this.#mounts.at(its)
    if (mounted !== undefined) return { mount: mounted, inode: mounted.storage.current(mounted.root), path: its }
    const child = inode.made !== undefined ? inode.made.find(name, this.#by) : mount.storage.child(inode, name)
    return child && { mount, inode: child, path: its }
  }

  #directory({ inode }: Place): void {
    if (inode.kind !== 'directory') throw new SystemError('ENOTDIR')
  }
}

/** Whether the mode lets a user read (4), write (2) or execute (1) it. */
export function may({ uid, gid, groups }: User, inode: Inode, want: number): boolean {
  const { mode } = inode
  if (uid === 0) return want !== 1 || inode.kind === 'directory' || (mode & 0o111) !== 0
  if (uid === inode.uid) return (mode & (want << 6)) !== 0
  if (gid === inode.gid || groups.includes(inode.gid)) return (mode & (want << 3)) !== 0
  return (mode & want) !== 0
}

function byBytes(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
