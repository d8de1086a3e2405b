// ContainerFiles: the FileSystem of one container. Its own layer over the image's shared tree at `/`, other storages mounted
// in it. Made by the kubelet's side (machine/volumes); processes see it through as(), with their rights and their /proc/self.

import type { Cancel } from '../../../src/env/clock.ts'
import type { Random } from '../../../src/env/random.ts'
import type { FileSystem, MountFacts, OpenFile, OpenHow, Stat } from '../file-system.ts'
import type { User } from '../process.ts'
import { SystemError } from '../system-error.ts'
import type { Inode, Onlooker } from './inode.ts'
import { type Mount, Mounts } from './mount.ts'
import { OpenInode, readMade } from './open-inode.ts'
import { type Found, may, type Place, Walker } from './walk.ts'

const root: User = { uid: 0, gid: 0, groups: [] }

export class ContainerFiles implements FileSystem {
  readonly #mounts: Mounts
  readonly #user: User
  readonly #by: Onlooker
  readonly #random: Random
  readonly #walker: Walker

  constructor(mounts: Mounts, random: Random, user: User = root, by: Onlooker = { pid: 1 }) {
    this.#mounts = mounts
    this.#random = random
    this.#user = user
    this.#by = by
    this.#walker = new Walker(mounts, user, by)
  }

  static over(rootMount: Mount, random: Random): ContainerFiles {
    const mounts = new Mounts()
    mounts.add(rootMount)
    return new ContainerFiles(mounts, random)
  }

  as(user: User, pid?: number): ContainerFiles {
    return new ContainerFiles(this.#mounts, this.#random, user, pid === undefined ? this.#by : { pid })
  }

  mount(mount: Mount): void {
    this.#mounts.add(mount)
  }

  unmount(path: string): void {
    if (path === '/' || !this.#mounts.remove(path)) throw new SystemError('EINVAL')
  }

  get version(): number {
    return this.#mounts.version
  }

  onChange(wake: () => void): Cancel {
    const cancels = [...new Set([...this.#mounts.all()].map(({ storage }) => storage))].map(storage =>
      storage.onChange(woken),
    )
    function woken() {
      cancel()
      wake()
    }
    function cancel() {
      for (const each of cancels) each()
    }
    return cancel
  }

  stat(path: string): Stat {
    return this.#find(path, true).inode.stat()
  }

  lstat(path: string): Stat {
    return this.#find(path, false).inode.stat()
  }

  exists(path: string): boolean {
    try {
      return this.#walker.walk(path, true).place !== undefined
    } catch (error) {
      if (error instanceof SystemError) return false
      throw error
    }
  }

  list(path: string): readonly string[] {
    const place = this.#find(path, true)
    if (place.inode.kind !== 'directory') throw new SystemError('ENOTDIR')
    this.#allow(place.inode, 4)
    return this.#walker.names(place)
  }

  read(path: string): Uint8Array {
    const { inode } = this.#find(path, true)
    this.#allow(inode, 4)
    if (inode.kind === 'directory') throw new SystemError('EISDIR')
    if (inode.device !== undefined && inode.device !== 'null') throw new SystemError('EINVAL')
    const made = readMade(inode)
    if (made !== undefined) return made
    if ((inode.content?.size ?? 0) > 256 * 1024 * 1024) throw new SystemError('ENOMEM')
    return inode.content?.bytes() ?? new Uint8Array(0)
  }

  readText(path: string): string {
    return Buffer.from(this.read(path)).toString()
  }

  write(path: string, content: Uint8Array | string, mode?: number): void {
    const place = this.#openPlace(path, { write: true, create: true, ...(mode !== undefined && { mode }) })
    const { mount, inode } = place
    if (inode.device !== undefined || inode.take !== undefined) {
      new OpenInode(place, { write: true }, this.#random).write(Buffer.from(content))
    } else mount.storage.replace(inode, typeof content === 'string' ? content : content.slice())
  }

  append(path: string, content: Uint8Array | string, mode?: number): void {
    const file = this.open(path, { append: true, create: true, ...(mode !== undefined && { mode }) })
    file.write(typeof content === 'string' ? Buffer.from(content) : content)
    file.close()
  }

  open(path: string, how: OpenHow): OpenFile {
    const place = this.#openPlace(path, how)
    if (how.truncate && place.inode.kind === 'file' && place.inode.take === undefined) {
      place.mount.storage.truncate(place.inode, 0)
    }
    return new OpenInode(place, how, this.#random)
  }

  truncate(path: string, size: number): void {
    const { mount, inode } = this.#find(path, true)
    if (inode.kind === 'directory') throw new SystemError('EISDIR')
    if (size < 0) throw new SystemError('EINVAL')
    this.#writable(mount)
    this.#allow(inode, 2)
    mount.storage.truncate(inode, size)
  }

  makeDirectory(path: string, { recursive = false, mode = 0o755 }: { recursive?: boolean; mode?: number } = {}): void {
    let found: Found
    try {
      found = this.#walker.walk(path, recursive)
    } catch (error) {
      if (!recursive || !(error instanceof SystemError && error.errno === 'ENOENT')) throw error
      const above = path.replace(/\/+[^/]+\/*$/, '')
      if (above === path || above === '') throw error
      this.makeDirectory(above, { recursive })
      found = this.#walker.walk(path, true)
    }
    if (found.place !== undefined) {
      if (recursive && found.place.inode.kind === 'directory') return
      throw new SystemError('EEXIST')
    }
    this.#create(found, 'directory', mode)
  }

  symlink(target: string, path: string): void {
    const found = this.#walker.walk(path, false)
    if (found.place !== undefined) throw new SystemError('EEXIST')
    if (target === '') throw new SystemError('ENOENT')
    this.#create(found, 'symlink', 0o777, target)
  }

  link(from: string, to: string): void {
    const place = this.#find(from, false)
    const found = this.#walker.walk(to, false)
    if (found.place !== undefined) throw new SystemError('EEXIST')
    if (place.inode.kind === 'directory') throw new SystemError('EPERM')
    if (found.parent.mount !== place.mount) throw new SystemError('EXDEV')
    this.#changeable(found.parent)
    const { storage } = place.mount
    const own = storage.own(place.inode)
    own.links++
    storage.enter(found.parent.inode, found.name, own)
  }

  readlink(path: string): string {
    const { inode } = this.#find(path, false)
    if (inode.kind !== 'symlink') throw new SystemError('EINVAL')
    return this.#walker.target(inode)
  }

  realpath(path: string): string {
    return this.#find(path, true).path
  }

  rename(from: string, to: string): void {
    const source = this.#walker.walk(from, false)
    const target = this.#walker.walk(to, false)
    const { place } = source
    if (place === undefined) throw new SystemError('ENOENT')
    if (isMountPoint(place) || (target.place && isMountPoint(target.place))) throw new SystemError('EBUSY')
    if (source.parent.mount !== target.parent.mount) throw new SystemError('EXDEV')
    this.#changeable(source.parent, place.inode)
    this.#changeable(target.parent, target.place?.inode)
    const isDirectory = place.inode.kind === 'directory'
    if (isDirectory && `${target.parent.path}/`.startsWith(`${place.path}/`)) throw new SystemError('EINVAL')
    if (!isDirectory && target.place === undefined && to.endsWith('/')) throw new SystemError('ENOTDIR')
    if (target.place !== undefined) {
      if (target.place.inode === place.inode) return
      const isOver = target.place.inode.kind === 'directory'
      if (isDirectory && !isOver) throw new SystemError('ENOTDIR')
      if (!isDirectory && isOver) throw new SystemError('EISDIR')
      if (isOver && this.#walker.names(target.place).length > 0) throw new SystemError('ENOTEMPTY')
    }
    const { storage } = place.mount
    if (target.place !== undefined) storage.leave(target.parent.inode, target.name)
    storage.move(source.parent.inode, source.name, target.parent.inode, target.name)
  }

  unlink(path: string): void {
    const { parent, name, place } = this.#walker.walk(path, false)
    if (place === undefined) throw new SystemError('ENOENT')
    if (place.inode.kind === 'directory') throw new SystemError('EISDIR')
    this.#changeable(parent, place.inode)
    if (isMountPoint(place)) throw new SystemError('EBUSY')
    parent.mount.storage.leave(parent.inode, name)
  }

  removeDirectory(path: string): void {
    const { parent, name, place } = this.#walker.walk(path, false)
    if (place === undefined) throw new SystemError('ENOENT')
    if (place.inode.kind !== 'directory') throw new SystemError('ENOTDIR')
    if (/(^|\/)\.\/*$/.test(path)) throw new SystemError('EINVAL')
    if (isMountPoint(place)) throw new SystemError('EBUSY')
    this.#changeable(parent, place.inode)
    if (this.#walker.names(place).length > 0) throw new SystemError('ENOTEMPTY')
    parent.mount.storage.leave(parent.inode, name)
  }

  chmod(path: string, mode: number): void {
    const place = this.#find(path, true)
    this.#change(place, own => {
      if (this.#user.uid !== 0 && this.#user.uid !== own.uid) throw new SystemError('EPERM')
      own.mode = mode & 0o7777
    })
  }

  chown(path: string, uid: number, gid: number): void {
    this.#chown(this.#find(path, true), uid, gid)
  }

  /** Of a symlink itself. */
  lchown(path: string, uid: number, gid: number): void {
    this.#chown(this.#find(path, false), uid, gid)
  }

  touch(path: string, at: number): void {
    const place = this.#find(path, true)
    this.#change(place, own => {
      if (this.#user.uid !== own.uid && !may(this.#user, own, 2)) throw new SystemError('EACCES')
      own.modified = at
    })
  }

  access(path: string, want: 'read' | 'write' | 'execute'): boolean {
    let found: Found
    try {
      found = this.#walker.walk(path, true)
    } catch (error) {
      if (error instanceof SystemError) return false
      throw error
    }
    if (found.place === undefined) return false
    const { inode, mount } = found.place
    if (want === 'write' && mount.readOnly && inode.device === undefined) return false
    return may(this.#user, inode, want === 'read' ? 4 : want === 'write' ? 2 : 1)
  }

  mounts(): readonly MountFacts[] {
    return [...this.#mounts.all()].map(({ source, path, type, readOnly, storage }) => ({
      source,
      path,
      type,
      readOnly,
      size: storage.limit ?? 0,
      used: storage.used,
    }))
  }

  #find(path: string, follow: boolean): Place {
    const { place } = this.#walker.walk(path, follow)
    if (place === undefined) throw new SystemError('ENOENT')
    return place
  }

  #openPlace(path: string, how: OpenHow): Place {
    const found = this.#walker.walk(path, !how.exclusive)
    const writes = how.write || how.append || how.truncate
    if (found.place === undefined) {
      if (!how.create) throw new SystemError('ENOENT')
      if (path.endsWith('/')) throw new SystemError('EISDIR')
      return this.#create(found, 'file', how.mode ?? 0o644)
    }
    const { place } = found
    if (how.create && how.exclusive) throw new SystemError('EEXIST')
    if (place.inode.kind === 'directory') {
      if (writes) throw new SystemError('EISDIR')
    } else if (writes) {
      if (place.inode.device === undefined) this.#writable(place.mount)
      this.#allow(place.inode, 2)
    }
    if (!writes || how.read) this.#allow(place.inode, 4)
    return place
  }

  #create(found: Found, kind: 'file' | 'directory' | 'symlink', mode: number, target?: string): Place {
    const { parent, name } = found
    this.#changeable(parent)
    const { storage } = parent.mount
    const directory = storage.current(parent.inode)
    const inherits = (directory.mode & 0o2000) !== 0
    const made = storage.make(
      kind,
      kind === 'directory' && inherits ? mode | 0o2000 : mode,
      this.#user.uid,
      inherits ? directory.gid : this.#user.gid,
    )
    made.target = target
    storage.enter(directory, name, made)
    return { mount: parent.mount, inode: made, path: parent.path === '/' ? `/${name}` : `${parent.path}/${name}` }
  }

  #chown(place: Place, uid: number, gid: number): void {
    const { uid: mine, gid: its, groups } = this.#user
    this.#change(place, own => {
      if (mine !== 0 && (uid !== own.uid || mine !== own.uid || (gid !== its && !groups.includes(gid)))) {
        throw new SystemError('EPERM')
      }
      own.uid = uid
      own.gid = gid
    })
  }

  #change({ mount, inode }: Place, change: (own: Inode) => void): void {
    this.#writable(mount)
    if (inode.made !== undefined || inode.text !== undefined) throw new SystemError('EPERM')
    change(mount.storage.own(inode))
    mount.storage.changed()
  }

  #writable({ readOnly }: Mount): void {
    if (readOnly) throw new SystemError('EROFS')
  }

  /** Whether names may be made and taken in a folder; `taken` is what loses its name. */
  #changeable({ mount, inode }: Place, taken?: Inode): void {
    this.#writable(mount)
    if (inode.made !== undefined) throw new SystemError('EPERM')
    if (!may(this.#user, inode, 2) || !may(this.#user, inode, 1)) throw new SystemError('EACCES')
    const { uid } = this.#user
    const isSticky = (inode.mode & 0o1000) !== 0
    if (taken && isSticky && uid !== 0 && uid !== taken.uid && uid !== inode.uid) throw new SystemError('EPERM')
  }

  #allow(inode: Inode, want: number): void {
    if (!may(this.#user, inode, want)) throw new SystemError('EACCES')
  }
}

function isMountPoint({ mount, path }: Place): boolean {
  return mount.path === path
}
