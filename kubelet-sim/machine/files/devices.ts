// /dev as a container runtime makes it: the same few devices for everyone, in a tree that all containers share.

import { type Device, Inode } from './inode.ts'

const devices: Readonly<Record<string, Device>> = {
  full: 'full',
  null: 'null',
  random: 'random',
  tty: 'tty',
  urandom: 'random',
  zero: 'zero',
}

const links: Readonly<Record<string, string>> = {
  fd: '/proc/self/fd',
  ptmx: 'pts/ptmx',
  stdin: '/proc/self/fd/0',
  stdout: '/proc/self/fd/1',
  stderr: '/proc/self/fd/2',
}

export function deviceTree(modified: number): Inode {
  let number = 1
  const make = (kind: Inode['kind'], mode: number) =>
    new Inode({ kind, number: number++, mode, modified, shared: true })
  const root = make('directory', 0o755)
  for (const [name, device] of Object.entries(devices)) {
    const inode = make('device', 0o666)
    inode.device = device
    root.entries!.set(name, inode)
  }
  for (const [name, target] of Object.entries(links)) {
    const inode = make('symlink', 0o777)
    inode.target = target
    root.entries!.set(name, inode)
  }
  for (const name of ['pts', 'shm', 'mqueue']) {
    root.entries!.set(name, make('directory', name === 'pts' ? 0o755 : 0o1777))
    root.links++
  }
  return root
}

export interface NamedDescriptor {
  /** undefined: one's own. */
  readonly pid: number | undefined
  readonly descriptor: number
}

/**
 * Which open descriptor a path means: /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N, /proc/self/fd/N, /proc/1/fd/2.
 * Whoever opens a path for a process asks this first, for a descriptor is no file of the FileSystem.
 */
export function descriptorAt(path: string): NamedDescriptor | undefined {
  if (!path.startsWith('/dev/') && !path.startsWith('/proc/')) return undefined
  const standard = ['/dev/stdin', '/dev/stdout', '/dev/stderr'].indexOf(path)
  if (standard >= 0) return { pid: undefined, descriptor: standard }
  const match = /^(?:\/dev\/fd|\/proc\/(self|thread-self|\d+)\/fd)\/(\d+)$/.exec(path)
  if (match === null) return undefined
  const whose = match[1]
  return {
    pid: whose === undefined || !/^\d/.test(whose) ? undefined : Number(whose),
    descriptor: Number(match[2]),
  }
}
