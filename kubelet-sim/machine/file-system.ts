// FileSystem: what the processes of one simulated container see at `/`: the image's files with a writable layer over them,
// and the pod's volumes mounted in it. Everything is in memory and at once; who may what is judged by modes and owners.
// Paths are absolute. Every method throws a SystemError for what a kernel would refuse.

import type { Cancel } from '../../src/env/clock.ts'
import type { User } from './process.ts'

export type FileKind = 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket'

export interface Stat {
  readonly kind: FileKind
  readonly inode: number
  /** Permission bits with setuid, setgid and sticky: 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes. */
  readonly size: number
  readonly links: number
  /** Milliseconds since the epoch, by the cluster's clock. */
  readonly modified: number
}

export interface FileSystem {
  /** The same files for another user, and for the process that /proc/self is. */
  as(user: User, pid?: number): FileSystem
  /** Symlinks followed. */
  stat(path: string): Stat
  /** A symlink itself. */
  lstat(path: string): Stat
  exists(path: string): boolean
  /** Names in order, without `.` and `..`. */
  list(path: string): readonly string[]
  /** The bytes as they are; not to be changed. */
  read(path: string): Uint8Array
  readText(path: string): string
  /** Creates it when it is not there; mode as given less the umask, by default 0o644. */
  write(path: string, content: Uint8Array | string, mode?: number): void
  append(path: string, content: Uint8Array | string, mode?: number): void
  /** An open file of its own offset, for redirects and long readers. */
  open(path: string, how: OpenHow): OpenFile
  truncate(path: string, size: number): void
  makeDirectory(path: string, options?: { readonly recursive?: boolean; readonly mode?: number }): void
  symlink(target: string, path: string): void
  link(from: string, to: string): void
  readlink(path: string): string
  /** All symlinks followed. */
  realpath(path: string): string
  rename(from: string, to: string): void
  unlink(path: string): void
  removeDirectory(path: string): void
  chmod(path: string, mode: number): void
  chown(path: string, uid: number, gid: number): void
  /** Of a symlink itself. */
  lchown(path: string, uid: number, gid: number): void
  touch(path: string, at: number): void
  access(path: string, want: 'read' | 'write' | 'execute'): boolean
  /** What is mounted, for `mount`, `df` and /proc/mounts. */
  mounts(): readonly MountFacts[]
  /** Counts changes: as long as it stays, nothing in here is another. */
  readonly version: number
  /** Calls `wake` once, at the next change. */
  onChange(wake: () => void): Cancel
}

export interface OpenHow {
  readonly read?: boolean
  readonly write?: boolean
  readonly append?: boolean
  readonly create?: boolean
  readonly truncate?: boolean
  readonly exclusive?: boolean
  readonly mode?: number
}

export interface OpenFile {
  read(max: number): Uint8Array | undefined
  write(bytes: Uint8Array): void
  seek(offset: number): void
  stat(): Stat
  close(): void
}

export interface MountFacts {
  readonly source: string
  readonly path: string
  readonly type: string
  readonly readOnly: boolean
  /** Bytes. */
  readonly size: number
  readonly used: number
}
