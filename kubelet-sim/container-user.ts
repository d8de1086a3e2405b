// Whom a container's programs run as: its user, group and other groups, of the security contexts and of the accounts that its
// image has. Asked for its status and for its machine. As containerd does it (internal/cri/server/container_create_linux.go,
// pkg/oci/spec_opts.go): an image's own groups count unless the policy is Strict.

import type { Container, ContainerUser, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { layerOf } from './images/layers.ts'
import type { Image } from './images.ts'
import type { Layer } from './machine/files/layer.ts'
import type { User } from './machine/process.ts'

export function userOf(
  { spec }: Frozen<Pod>,
  { securityContext: own }: Frozen<Container>,
  image: Image | undefined,
): User {
  const all = spec.securityContext
  const { users, groups } = accountsOf(image)
  const [named = '', group] = (image?.user ?? '').split(':')
  const wanted = own?.runAsUser ?? all?.runAsUser
  const user = users.find(({ name, id }) =>
    wanted === undefined ? name === named || String(id) === (named || '0') : id === wanted,
  )
  const uid = wanted ?? user?.id ?? (Number(named) || 0)
  // USER's second word counts as long as nobody says whose it is.
  const ofImage =
    wanted !== undefined || group === undefined
      ? undefined
      : (groups.find(({ name }) => name === group)?.id ?? (Number(group) || 0))
  const gid = own?.runAsGroup ?? all?.runAsGroup ?? ofImage ?? user?.group ?? 0
  const set = new Set([gid])
  if (user !== undefined && all?.supplementalGroupsPolicy !== 'Strict') {
    for (const { name, id, members } of groups) if (name !== user.name && members.includes(user.name)) set.add(id)
  }
  for (const id of all?.supplementalGroups ?? []) set.add(id)
  if (all?.fsGroup !== undefined) set.add(all.fsGroup)
  return { uid, gid, groups: [...set].sort((one, other) => one - other) }
}

/** As its status says it. */
export function userInStatus({ uid, gid, groups }: User): ContainerUser {
  return { linux: { gid, supplementalGroups: [...groups], uid } }
}

interface Accounts {
  readonly users: readonly { readonly name: string; readonly id: number; readonly group: number }[]
  readonly groups: readonly { readonly name: string; readonly id: number; readonly members: readonly string[] }[]
}

const known = new WeakMap<Layer, Accounts>()

function accountsOf(image: Image | undefined): Accounts {
  const layer = layerOf(image)
  let accounts = known.get(layer)
  if (accounts === undefined) {
    accounts = {
      users: rows(layer, '/etc/passwd').map(([name = '', , id, group]) => ({
        name,
        id: Number(id),
        group: Number(group),
      })),
      groups: rows(layer, '/etc/group').map(([name = '', , id, members = '']) => ({
        name,
        id: Number(id),
        members: members.split(',').filter(Boolean),
      })),
    }
    known.set(layer, accounts)
  }
  return accounts
}

function rows(layer: Layer, path: string): readonly (readonly string[])[] {
  for (let at: Layer | undefined = layer; at !== undefined; at = at.over) {
    const entry = at.files[path]
    if (entry === undefined) continue
    const content = typeof entry === 'string' ? entry : 'content' in entry ? entry.content : ''
    return Buffer.from(content as string)
      .toString()
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
      .map(line => line.split(':'))
  }
  return []
}
