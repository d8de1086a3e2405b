// What a storage holds as bytes, and back: for volumes that outlive this process. Of a storage that lies over a shared tree only
// what is another than there is written. Sockets and pipes belong to processes and are left out; zeros take no room.
//
// The form: lines of JSON, one for what it is, one for each file, folder and link, those of files with their bytes behind them.

import { Content } from './content.ts'
import type { Inode } from './inode.ts'
import type { Storage } from './storage.ts'

interface Heading {
  readonly kind: 'KubesimVolume'
  readonly format: 1
}

type Entry = FileEntry | FolderEntry | LinkEntry | NameEntry | GoneEntry

interface Facts {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Milliseconds since the epoch. */
  readonly modified: number
}
interface FileEntry extends Facts {
  readonly type: 'file'
  readonly size: number
  /** Where its bytes belong: pairs of offset and length. */
  readonly parts: readonly (readonly [number, number])[]
}
interface FolderEntry extends Facts {
  readonly type: 'folder'
}
interface LinkEntry extends Facts {
  readonly type: 'symlink'
  readonly target: string
}
/** Another name of a file that came before. */
interface NameEntry {
  readonly type: 'same'
  readonly path: string
  readonly of: string
}
/** The shared tree has it. */
interface GoneEntry {
  readonly type: 'gone'
  readonly path: string
}

export function savedTree(storage: Storage): readonly Uint8Array[] {
  const out: Uint8Array[] = []
  const line = (value: Heading | Entry): void => void out.push(Buffer.from(`${JSON.stringify(value)}\n`))
  line({ kind: 'KubesimVolume', format: 1 })
  const named = new Map<Inode, string>()

  function save(path: string, found: Inode): void {
    const inode = storage.current(found)
    const isChanged = !inode.shared
    if (inode.kind === 'directory') {
      if (isChanged) line({ type: 'folder', ...factsOf(path, inode) })
      if (found.shared && isChanged) {
        for (const name of found.entries!.keys()) {
          if (!inode.entries!.has(name)) line({ type: 'gone', path: `${path}/${name}` })
        }
      }
      for (const [name, child] of inode.entries!) save(`${path}/${name}`, child)
      return
    }
    if (!isChanged) return
    const first = named.get(inode)
    if (first !== undefined) {
      line({ type: 'same', path, of: first })
      return
    }
    if (inode.kind === 'symlink' && typeof inode.target === 'string') {
      line({ type: 'symlink', ...factsOf(path, inode), target: inode.target })
    } else if (inode.kind === 'file') {
      const parts = inode.content?.parts() ?? []
      const places = parts.map(([offset, bytes]) => [offset, bytes.length] as const)
      line({ type: 'file', ...factsOf(path, inode), size: inode.size, parts: places })
      for (const [, bytes] of parts) out.push(bytes)
    } else return
    if (inode.links > 1) named.set(inode, path)
  }

  save('', storage.root)
  return out
}

const factsOf = (path: string, { mode, uid, gid, modified }: Inode): Facts => ({ path, mode, uid, gid, modified })

/** Puts back what was saved of it. Throws when the bytes are not whole. */
export function loadTree(storage: Storage, bytes: Uint8Array): void {
  const reading = new Reading(bytes)
  const heading = reading.line() as Heading | undefined
  if (heading?.kind !== 'KubesimVolume') throw new Error('this is no volume of kubesim')
  if (heading.format !== 1) throw new Error('it was written by a newer version of kubesim')
  const folders: [Inode, number][] = []
  for (let entry = reading.line(); entry !== undefined; entry = reading.line()) {
    const folder = loadEntry(storage, entry as Entry, reading)
    if (folder !== undefined) folders.push([folder, (entry as FolderEntry).modified])
  }
  // What was put into them has changed their times.
  for (const [folder, modified] of folders) folder.modified = modified
}

function loadEntry(storage: Storage, entry: Entry, reading: Reading): Inode | undefined {
  const slash = entry.path.lastIndexOf('/')
  const name = entry.path.slice(slash + 1)
  const folder = entry.path === '' ? storage.root : at(storage, entry.path.slice(0, slash))
  const known = entry.path === '' ? storage.root : storage.child(folder, name)
  if (entry.type === 'folder' && known?.kind === 'directory') {
    const own = storage.own(known)
    Object.assign(own, { mode: entry.mode, uid: entry.uid, gid: entry.gid })
    return own
  }
  if (known !== undefined) storage.leave(folder, name)
  if (entry.type === 'gone') return undefined
  if (entry.type === 'same') {
    const file = storage.own(at(storage, entry.of))
    file.links++
    storage.enter(folder, name, file)
    return undefined
  }
  const kind = entry.type === 'folder' ? 'directory' : entry.type
  const made = storage.make(kind, entry.mode, entry.uid, entry.gid)
  storage.enter(folder, name, made)
  if (entry.type === 'folder') return made
  if (entry.type === 'symlink') made.target = entry.target
  else if (entry.parts.length === 1 && entry.parts[0]![1] === entry.size) {
    storage.replace(made, reading.bytes(entry.size).slice())
  } else {
    made.content = new Content()
    for (const [offset, length] of entry.parts) storage.write(made, offset, reading.bytes(length))
    storage.truncate(made, entry.size)
  }
  made.modified = entry.modified
  return undefined
}

function at(storage: Storage, path: string): Inode {
  let inode = storage.current(storage.root)
  for (const name of path.split('/').slice(1)) {
    const next = storage.child(inode, name)
    if (next === undefined) throw new Error(`it has something below ${path}, which is not there`)
    inode = next
  }
  return inode
}

class Reading {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  line(): unknown {
    if (this.#at === this.#bytes.length) return undefined
    const end = this.#bytes.indexOf(10, this.#at)
    if (end < 0) throw new Error('it ends in the middle of a line')
    const text = Buffer.from(this.#bytes.subarray(this.#at, end)).toString()
    this.#at = end + 1
    return JSON.parse(text)
  }

  bytes(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new Error('it ends in the middle of a file')
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }
}
