// What discovery and OpenAPI say of a kind: its resource and subresources, with verbs and the kinds of their bodies.
// Pure; called by discovery.ts and openapi.ts.

import type { Kind, Subresource } from '../../src/kinds/kind.ts'

export interface Resource {
  /** `deployments`, `deployments/scale`. */
  readonly name: string
  readonly subresource: Subresource | undefined
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Of the body, which a subresource may have from another group. */
  readonly body: { readonly group: string; readonly version: string; readonly kind: string }
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export function resourcesOf(kind: Kind<any>): Resource[] {
  const { plural, namespaced, withoutVerbs = [], subresources = [] } = kind
  const own = { group: kind.group, version: kind.version, kind: kind.kind }
  const main: Resource = {
    name: plural,
    subresource: undefined,
    namespaced,
    verbs: allVerbs.filter(verb => !withoutVerbs.includes(verb)),
    body: own,
  }
  const parts = [...subresources].sort().map((subresource): Resource => {
    const { verbs, body } = subresourceRules[subresource](kind)
    return { name: `${plural}/${subresource}`, subresource, namespaced, verbs, body: { ...own, ...body } }
  })
  return [main, ...parts]
}

type Rules = (kind: Kind<any>) => { verbs: readonly string[]; body?: Partial<Resource['body']> }

/** Facts of pkg/registry/core/rest/storage_core.go and its like. */
const subresourceRules: Readonly<Record<Subresource, Rules>> = {
  status: () => ({ verbs: ['get', 'patch', 'update'] }),
  approval: () => ({ verbs: ['get', 'patch', 'update'] }),
  scale: () => ({
    verbs: ['get', 'patch', 'update'],
    body: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  }),
  binding: () => ({ verbs: ['create'], body: { kind: 'Binding' } }),
  eviction: () => ({ verbs: ['create'], body: { group: 'policy', version: 'v1', kind: 'Eviction' } }),
  finalize: () => ({ verbs: ['update'] }),
  log: () => ({ verbs: ['get'] }),
  exec: () => ({ verbs: ['create', 'get'], body: { kind: 'PodExecOptions' } }),
  attach: () => ({ verbs: ['create', 'get'], body: { kind: 'PodAttachOptions' } }),
  portforward: () => ({ verbs: ['create', 'get'], body: { kind: 'PodPortForwardOptions' } }),
  proxy: kind => ({
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
    body: { kind: `${kind.kind}ProxyOptions` },
  }),
}

/** The kinds by group and version, groups and resources in the order kubectl prints them. */
export function byGroupVersion(kinds: readonly Kind<any>[]): Map<string, Kind<any>[]> {
  const found = new Map<string, Kind<any>[]>()
  for (const kind of kinds) found.set(kind.apiVersion, [...(found.get(kind.apiVersion) ?? []), kind])
  for (const list of found.values()) list.sort((one, other) => (one.plural < other.plural ? -1 : 1))
  return found
}

/** Groups with their versions, the preferred first: stable before beta before alpha, higher before lower. */
export function byGroup(kinds: readonly Kind<any>[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { group, version } of kinds) {
    const versions = found.get(group) ?? []
    if (!versions.includes(version)) found.set(group, [...versions, version].sort(byStability))
  }
  return found
}

function byStability(one: string, other: string): number {
  const rank = (version: string) => {
    const [, major = '0', stage, minor = '0'] = /^v(\d+)(alpha|beta)?(\d*)$/.exec(version) ?? []
    return [stage === undefined ? 2 : stage === 'beta' ? 1 : 0, Number(major), Number(minor)] as const
  }
  const [a, b] = [rank(one), rank(other)]
  return b[0] - a[0] || b[1] - a[1] || b[2] - a[2]
}
