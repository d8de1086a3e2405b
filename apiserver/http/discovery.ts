// Discovery: /version, /api, /apis and below, plain and aggregated, made of the kinds that are served. Pure: the door mounts
// what `discoveryRoutes` returns and calls it again when kinds come or go. Documents are made once, when first asked for.

import { createHash } from 'node:crypto'
import type { APIResource } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { groupPriority } from '../../src/kinds/group-order.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { kubernetesVersion } from '../../src/kinds/schemas.ts'
import { kubeVersionOrder } from '../../src/kinds/version-order.ts'
import type { RemoteApi } from '../aggregation/aggregation.ts'
import { chooseForm } from './media-type.ts'
import { byGroup, byGroupVersion, type Resource, resourcesOf } from './resource-list.ts'

export interface Document {
  readonly status: number
  readonly contentType: string
  readonly bytes: Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** What its contents are called, for who has it already; `true`: after its bytes. */
  readonly etag?: string | true
}

/** Undefined: not a path of these. `search` is the query, without its question mark. */
export type DocumentRoute = (path: string, accept?: string | undefined, search?: string) => Document | undefined

export interface DiscoveryOptions {
  /** `127.0.0.1:6443`, for /api. */
  readonly serverAddress?: string
  /** What other servers serve behind this one. */
  readonly remote?: readonly RemoteApi[]
}

const json = 'application/json'

export function discoveryRoutes(kinds: readonly Kind<any>[], options: DiscoveryOptions = {}): DocumentRoute {
  const { remote = [] } = options
  const groups = remote.length === 0 ? byGroup(kinds) : withRemote(byGroup(kinds), remote)
  const versions = byGroupVersion(kinds)
  const made = new Map<string, Buffer>()
  const plain = (path: string, make: () => object): Document => {
    const bytes = made.get(path) ?? Buffer.from(`${JSON.stringify(make())}\n`)
    made.set(path, bytes)
    return { status: 200, contentType: json, bytes }
  }
  const root = (path: string, accept: string | undefined, isCore: boolean, make: () => object): Document => {
    const form = chooseForm(accept, rootForms, (each, { parameters: { g, v, as } }) =>
      each.version === undefined
        ? as === undefined
        : as === 'APIGroupDiscoveryList' && g === aggregated && v === each.version,
    )
    if (form === undefined) return notAcceptable(rootForms.map(each => each.contentType))
    const { version, contentType } = form
    const document =
      version === undefined
        ? plain(path, make)
        : plain(`${path} ${version}`, () => aggregatedList(version, groups, versions, isCore, remote))
    // Upstream gives the aggregated form a tag (pkg/endpoints/discovery/aggregated/etag.go), and the other none.
    const tagged = version === undefined ? {} : { etag: true as const }
    return { ...document, contentType, headers: { Vary: 'Accept' }, ...tagged }
  }

  return (path, accept) => {
    const at = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    if (at === '/version') return plain(at, versionInfo)
    if (at === '/api') return root(at, accept, true, () => apiVersions(groups, options))
    if (at === '/apis') return root(at, accept, false, () => groupList(groups))
    const [, prefix, group, version, ...more] = at.split('/')
    if (more.length > 0) return undefined
    if (prefix === 'api' && version === undefined) {
      const list = versions.get(group ?? '')
      return list && plain(at, () => resourceList(group!, list))
    }
    if (prefix !== 'apis' || group === undefined) return undefined
    if (version === undefined) {
      const known = groups.get(group)
      return known && plain(at, () => ({ kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group, known) }))
    }
    const list = versions.get(`${group}/${version}`)
    return list && plain(at, () => resourceList(`${group}/${version}`, list))
  }
}

const aggregated = 'apidiscovery.k8s.io'

const rootForms: readonly { type: string; contentType: string; version?: string }[] = [
  { type: json, contentType: json },
  ...['v2', 'v2beta1'].map(version => ({
    type: json,
    contentType: `${json};g=${aggregated};v=${version};as=APIGroupDiscoveryList`,
    version,
  })),
]

export function notAcceptable(contentTypes: readonly string[]): Document {
  const message = `only the following media types are accepted: ${contentTypes.join(', ')}`
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: 'NotAcceptable',
    code: 406,
  }
  return { status: 406, contentType: json, bytes: Buffer.from(JSON.stringify(status)) }
}

/** apimachinery/pkg/version.Info. */
export function versionInfo() {
  const version = kubernetesVersion()
  const [major = '', minor = ''] = version.split('.')
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${version}.0`,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: `node${process.versions.node}`,
    compiler: 'v8',
    platform: `${process.platform === 'win32' ? 'windows' : process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  }
}

function apiVersions(groups: ReadonlyMap<string, readonly string[]>, { serverAddress }: DiscoveryOptions): object {
  const serverAddressByClientCIDRs = serverAddress === undefined ? [] : [{ clientCIDR: '0.0.0.0/0', serverAddress }]
  return { kind: 'APIVersions', versions: groups.get('') ?? [], serverAddressByClientCIDRs }
}

function groupList(groups: ReadonlyMap<string, readonly string[]>): object {
  const named = [...groups].filter(([group]) => group !== '')
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(([group, versions]) => apiGroup(group, versions)) }
}

function apiGroup(name: string, versions: readonly string[]) {
  const list = versions.map(version => ({ groupVersion: `${name}/${version}`, version }))
  return { name, versions: list, preferredVersion: list[0] }
}

function resourceList(groupVersion: string, kinds: readonly Kind<any>[]): object {
  const resources = kinds.flatMap(kind => resourcesOf(kind).map(resource => apiResource(kind, resource)))
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources }
}

function apiResource(kind: Kind<any>, { name, subresource, namespaced, verbs, body }: Resource): object {
  const isElsewhere = body.group !== kind.group || body.version !== kind.version
  return {
    name,
    singularName: subresource === undefined ? kind.singular : '',
    namespaced,
    ...(isElsewhere ? { group: body.group, version: body.version } : {}),
    kind: body.kind,
    verbs,
    ...(subresource === undefined ? { ...names(kind), ...storageHash(kind, verbs) } : {}),
  }
}

/** Of the version in which it is kept; what is not kept has none (endpoints/discovery/storageversionhash.go). */
function storageHash(kind: Kind<any>, verbs: readonly string[]): object {
  if (!verbs.includes('create') || !verbs.includes('list')) return {}
  const { group, version, kind: name } = kind.storedAs?.kind ?? kind
  const digest = createHash('sha256').update(`${group}/${version}/${name}`).digest()
  return { storageVersionHash: digest.subarray(0, 8).toString('base64') }
}

function names({ shortNames = [], categories = [] }: Kind<any>): object {
  return {
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  }
}

/** One answer with everything: /api has the core group in it, /apis the named ones. */
function aggregatedList(
  apiVersion: string,
  groups: ReadonlyMap<string, readonly string[]>,
  versions: ReadonlyMap<string, readonly Kind<any>[]>,
  isCore: boolean,
  remote: readonly RemoteApi[],
): object {
  const items = [...groups]
    .filter(([group]) => (group === '') === isCore)
    .map(([group, list]) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: list.map(version => {
        const elsewhere = remote.find(each => each.group === group && each.version === version)
        if (elsewhere !== undefined) return discoveredElsewhere(elsewhere)
        const kinds = versions.get(group === '' ? version : `${group}/${version}`) ?? []
        return { version, resources: kinds.map(discoveredResource), freshness: 'Current' }
      }),
    }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: `${aggregated}/${apiVersion}`, metadata: {}, items }
}

/** In the order of priorities, as the APIServices have them (kube-aggregator/pkg/apiserver/handler_apis.go). */
function withRemote(
  own: ReadonlyMap<string, readonly string[]>,
  remote: readonly RemoteApi[],
): ReadonlyMap<string, readonly string[]> {
  const groups = new Map(own)
  const priorities = new Map<string, number>()
  const byPriority = [...remote].sort(
    (one, other) =>
      other.service.spec.versionPriority - one.service.spec.versionPriority ||
      kubeVersionOrder(one.version, other.version),
  )
  for (const { group, version, service } of byPriority) {
    const known = groups.get(group) ?? []
    if (!known.includes(version)) groups.set(group, [...known, version])
    priorities.set(group, Math.max(priorities.get(group) ?? 0, service.spec.groupPriorityMinimum))
  }
  const priorityOf = (group: string) => Math.max(priorities.get(group) ?? 0, own.has(group) ? groupPriority(group) : 0)
  return new Map(
    [...groups].sort(
      ([one], [other]) => priorityOf(other) - priorityOf(one) || (one < other ? -1 : one > other ? 1 : 0),
    ),
  )
}

/** A server that does not answer is known by name, and what it serves is stale. */
function discoveredElsewhere({ group, version, isAvailable, resources }: RemoteApi): object {
  const list = resources?.resources ?? []
  const kindOf = ({ kind, group: own, version: ownVersion }: Frozen<APIResource>) => ({
    group: own ?? group,
    version: ownVersion ?? version,
    kind,
  })
  const mains = list.filter(({ name }) => !name.includes('/'))
  return {
    version,
    ...(isAvailable && resources !== undefined
      ? {
          resources: mains.map(main => {
            const parts = list.filter(({ name }) => name.startsWith(`${main.name}/`))
            return {
              resource: main.name,
              responseKind: kindOf(main),
              scope: main.namespaced ? 'Namespaced' : 'Cluster',
              singularResource: main.singularName,
              verbs: main.verbs,
              ...(main.shortNames ? { shortNames: main.shortNames } : {}),
              ...(main.categories ? { categories: main.categories } : {}),
              ...(parts.length === 0
                ? {}
                : {
                    subresources: parts.map(part => ({
                      subresource: part.name.slice(main.name.length + 1),
                      responseKind: kindOf(part),
                      verbs: part.verbs,
                    })),
                  }),
            }
          }),
          freshness: 'Current',
        }
      : { freshness: 'Stale' }),
  }
}

const gvk = ({ group, version, kind }: Resource['body']) => ({ group, version, kind })

function discoveredResource(kind: Kind<any>): object {
  const [main, ...subresources] = resourcesOf(kind)
  return {
    resource: kind.plural,
    responseKind: gvk(main!.body),
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: main!.verbs,
    ...names(kind),
    ...(subresources.length === 0
      ? {}
      : {
          subresources: subresources.map(({ subresource, body, verbs }) => ({
            subresource,
            responseKind: gvk(body),
            verbs,
          })),
        }),
  }
}
