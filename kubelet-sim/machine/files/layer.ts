// Layer: what files an image holds, as data. Images (kubelet-sim/images) declare them; a tree is made of one once
// (tree-of-layer.ts) and shared by all containers of it. A program is a file of some bytes that name it, so that it stays one
// when it is copied, moved or unpacked; the kernel asks programIn() before it looks for `#!`.

/** A string is a text file of root's, 0644. Paths are absolute; folders on the way are made. */
export type LayerEntry = string | LayerFile | LayerLink | LayerProgram | LayerDirectory

export interface LayerOwner {
  /** Permission bits; default 0644 for files, 0755 for programs and folders. */
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface LayerFile extends LayerOwner {
  readonly content: string | Uint8Array
}

export interface LayerLink {
  readonly symlink: string
}

export interface LayerProgram extends LayerOwner {
  /** By which programs are found: a tool (`ls`), the shell (`sh`), or one of an image (`agnhost`). */
  readonly program: string
}

export interface LayerDirectory extends LayerOwner {
  readonly directory: true
}

export interface Layer {
  /** What lies under it; an entry here hides the one there. */
  readonly over?: Layer
  readonly files: Readonly<Record<string, LayerEntry>>
}

const magic = '\x7fELF\x02\x01\x01\x00kubesim program '
const magicLength = magic.length

/** The bytes of a program's file. */
export function programBytes(name: string): Uint8Array {
  return Buffer.from(`${magic}${name}\n`, 'latin1')
}

/** Which program a file's bytes are; undefined: none (a script, a text, nothing that could be run). */
export function programIn(bytes: Uint8Array): string | undefined {
  if (bytes.length <= magicLength || bytes[0] !== 0x7f || bytes[1] !== 0x45) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('latin1')
  return text.startsWith(magic) && text.endsWith('\n') ? text.slice(magicLength, -1) : undefined
}
