// Names of users and groups, by /etc/passwd and /etc/group of the container; who has no name is shown by number.

import type { FileSystem } from '../file-system.ts'

export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly shell: string
}

export function accounts(files: FileSystem): readonly Account[] {
  return fields(files, '/etc/passwd').map(([name = '', , uid, gid, , home = '/', shell = '/bin/sh']) => ({
    name,
    uid: Number(uid),
    gid: Number(gid),
    home,
    shell,
  }))
}

export function groups(files: FileSystem): readonly { name: string; gid: number; members: readonly string[] }[] {
  return fields(files, '/etc/group').map(([name = '', , gid, members = '']) => ({
    name,
    gid: Number(gid),
    members: members === '' ? [] : members.split(','),
  }))
}

/** Looks each number up once. */
export class Owners {
  readonly #users: ReadonlyMap<number, string>
  readonly #groups: ReadonlyMap<number, string>

  constructor(files: FileSystem) {
    this.#users = new Map(accounts(files).map(({ uid, name }) => [uid, name]))
    this.#groups = new Map(groups(files).map(({ gid, name }) => [gid, name]))
  }

  user(uid: number): string {
    return this.#users.get(uid) ?? String(uid)
  }

  group(gid: number): string {
    return this.#groups.get(gid) ?? String(gid)
  }

  knowsUser(uid: number): boolean {
    return this.#users.has(uid)
  }
}

function fields(files: FileSystem, path: string): readonly (readonly string[])[] {
  if (!files.access(path, 'read')) return []
  return files
    .readText(path)
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => line.split(':'))
}
