// The tree of a layer: made once for an image and shared by all its containers, which write into copies.

import { Content } from './content.ts'
import { Inode } from './inode.ts'
import { type Layer, type LayerEntry, programBytes } from './layer.ts'

/** When the files of images were last changed, as far as anyone can see. */
const built = Date.UTC(2024, 8, 26, 21, 31, 42)

export class LayerTrees {
  readonly #trees = new WeakMap<Layer, Inode>()

  of(layer: Layer): Inode {
    let tree = this.#trees.get(layer)
    if (tree === undefined) {
      tree = treeOf(layer)
      this.#trees.set(layer, tree)
    }
    return tree
  }
}

function treeOf(layer: Layer): Inode {
  let number = 2
  const make = (kind: Inode['kind'], mode: number, uid = 0, gid = 0) =>
    new Inode({ kind, number: number++, mode, uid, gid, modified: built, shared: true })
  const root = make('directory', 0o755)
  const programs = new Map<string, Content>()

  const directory = (path: string): Inode => {
    let at = root
    for (const name of path.split('/')) {
      if (name === '') continue
      let next = at.entries!.get(name)
      if (next?.kind !== 'directory') {
        next = make('directory', 0o755)
        at.entries!.set(name, next)
        at.links++
      }
      at = next
    }
    return at
  }

  const enter = (path: string, entry: LayerEntry) => {
    const slash = path.lastIndexOf('/')
    const parent = directory(path.slice(0, slash))
    const name = path.slice(slash + 1)
    if (typeof entry !== 'string' && 'directory' in entry) {
      const its = directory(path)
      its.mode = entry.mode ?? its.mode
      its.uid = entry.uid ?? its.uid
      its.gid = entry.gid ?? its.gid
      return
    }
    if (parent.entries!.get(name)?.kind === 'directory') parent.links--
    parent.entries!.set(name, leaf(entry))
  }

  const leaf = (entry: Exclude<LayerEntry, { directory: true }>): Inode => {
    if (typeof entry === 'string') return file({ content: entry })
    if ('symlink' in entry) {
      const link = make('symlink', 0o777)
      link.target = entry.symlink
      return link
    }
    if (!('program' in entry)) return file(entry)
    const program = make('file', entry.mode ?? 0o755, entry.uid, entry.gid)
    let content = programs.get(entry.program)
    if (content === undefined) {
      content = new Content(programBytes(entry.program))
      programs.set(entry.program, content)
    }
    program.content = content
    return program
  }

  const file = (entry: { content: string | Uint8Array; mode?: number; uid?: number; gid?: number }): Inode => {
    const made = make('file', entry.mode ?? 0o644, entry.uid, entry.gid)
    made.content = new Content(entry.content)
    return made
  }

  for (const each of fromTheBottom(layer)) {
    for (const [path, entry] of Object.entries(each.files)) enter(path, entry)
  }
  return root
}

function fromTheBottom(layer: Layer): readonly Layer[] {
  const layers: Layer[] = []
  for (let each: Layer | undefined = layer; each !== undefined; each = each.over) layers.unshift(each)
  return layers
}
