// What discovery and OpenAPI say of a kind: its resource and subresources, with verbs and the kinds of their bodies.
// Pure; called by discovery.ts and openapi.ts.

import { groupOrder } from '../../src/kinds/group-order.ts'
import type { CustomShape, Kind, Subresource } from '../../src/kinds/kind.ts'
import type { KindName } from '../../src/kinds/schemas.ts'
import { kubeVersionOrder } from '../../src/kinds/version-order.ts'

export interface Resource {
  /** `deployments`, `deployments/scale`. */
  readonly name: string
  readonly subresource: Subresource | undefined
  readonly namespaced: boolean
  readonly verbs: readonly string[]
  /** Of the body, which a subresource may have from another group. */
  readonly body: KindName
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

export function resourcesOf(kind: Kind<any>): Resource[] {
  const { plural, namespaced, withoutVerbs = [], subresources = [] } = kind
  const own = {
    group: kind.group,
    version: kind.version,
    kind: kind.kind,
    ...(kind.custom ? { custom: kind.custom } : {}),
  }
  const main: Resource = {
    name: plural,
    subresource: undefined,
    namespaced,
    verbs: kind.custom ? customVerbs(kind.custom) : allVerbs.filter(verb => !withoutVerbs.includes(verb)),
    body: own,
  }
  const parts = [...subresources].sort().map((subresource): Resource => {
    const { verbs, body } = subresourceRules[subresource](kind)
    const { group, version, kind: name } = kind
    return {
      name: `${plural}/${subresource}`,
      subresource,
      namespaced,
      verbs,
      body: body === undefined ? own : { group, version, kind: name, ...body },
    }
  })
  return [main, ...parts]
}

/** In upstream's order; nothing is made any more of a kind whose definition is being deleted (customresource_discovery_controller.go). */
function customVerbs({ isEnding }: CustomShape): string[] {
  return ['delete', 'deletecollection', 'get', 'list', ...(isEnding ? [] : ['patch', 'create', 'update']), 'watch']
}

type Rules = (kind: Kind<any>) => { verbs: readonly string[]; body?: Partial<Resource['body']> }

/** Facts of pkg/registry/core/rest/storage_core.go and its like. */
const subresourceRules: Readonly<Record<Subresource, Rules>> = {
  status: () => ({ verbs: ['get', 'patch', 'update'] }),
  approval: () => ({ verbs: ['get', 'patch', 'update'] }),
  ephemeralcontainers: () => ({ verbs: ['get', 'patch', 'update'] }),
  resize: () => ({ verbs: ['get', 'patch', 'update'] }),
  scale: () => ({
    verbs: ['get', 'patch', 'update'],
    body: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
  }),
  binding: () => ({ verbs: ['create'], body: { kind: 'Binding' } }),
  eviction: () => ({ verbs: ['create'], body: { group: 'policy', version: 'v1', kind: 'Eviction' } }),
  token: () => ({ verbs: ['create'], body: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } }),
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

/** Groups in upstream's order, with their versions, the preferred first. */
export function byGroup(kinds: readonly Kind<any>[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const { group, version } of kinds) {
    const versions = found.get(group) ?? []
    if (!versions.includes(version)) found.set(group, [...versions, version].sort(kubeVersionOrder))
  }
  return new Map([...found].sort(([one], [other]) => groupOrder(one, other)))
}
