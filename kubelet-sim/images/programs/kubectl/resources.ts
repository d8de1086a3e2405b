// Which resource a word means, by the server's discovery: `pods`, `po`, `pod`, `deploy/web`, `deployments.apps`, `all`.
// Upstream: k8s.io/cli-runtime/pkg/resource/builder.go.

import type { Step } from '../../../machine/wait.ts'
import { Failure } from './failure.ts'
import type { Server } from './server.ts'

export interface Resource {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly singular: string
  readonly kind: string
  readonly isNamespaced: boolean
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly verbs: readonly string[]
  readonly subresources: readonly string[]
}

/** `name` undefined: all of them. */
export interface Wanted {
  readonly resource: Resource
  readonly name: string | undefined
}

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

export function* discovered(server: Server): Step<readonly Resource[]> {
  const all: Resource[] = []
  for (const path of ['/api', '/apis']) {
    const { items = [] } = yield* server.ask({ path, accept: aggregated })
    for (const { metadata, versions } of items) {
      for (const { version, resources = [] } of versions) {
        for (const each of resources) {
          all.push({
            group: metadata?.name ?? '',
            version,
            plural: each.resource,
            singular: each.singularResource || each.responseKind.kind.toLowerCase(),
            kind: each.responseKind.kind,
            isNamespaced: each.scope === 'Namespaced',
            shortNames: each.shortNames ?? [],
            categories: each.categories ?? [],
            verbs: each.verbs ?? [],
            subresources: (each.subresources ?? []).map(({ subresource }: { subresource: string }) => subresource),
          })
        }
      }
    }
  }
  return all
}

export function resourceNamed(all: readonly Resource[], word: string): Resource {
  const [name, ...rest] = word.toLowerCase().split('.') as [string, ...string[]]
  const isIt = ({ plural, singular, shortNames }: Resource) =>
    plural === name || singular === name || shortNames.includes(name)
  const group = rest.join('.')
  const found = all.find(
    each => isIt(each) && (group === '' || each.group === group || `${each.version}.${each.group}` === group),
  )
  if (found === undefined) throw new Failure(`error: the server doesn't have a resource type "${word}"`)
  return found
}

export function resourceOfKind(all: readonly Resource[], apiVersion: string, kind: string): Resource {
  const found = all.find(each => each.kind === kind && apiVersionOf(each) === apiVersion)
  if (found) return found
  throw new Failure(
    `error: resource mapping not found: no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
  )
}

/** `pods`, `pods web db`, `pod/web svc/db`, `pods,services`, `all`. */
export function wantedOf(all: readonly Resource[], words: readonly string[]): readonly Wanted[] {
  if (words.some(word => word.includes('/'))) {
    return words.map(word => {
      const [type, name, ...more] = word.split('/')
      if (!type || !name || more.length > 0) {
        throw new Failure(
          "error: there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
        )
      }
      return { resource: resourceNamed(all, type), name }
    })
  }
  const [types, ...names] = words
  if (types === undefined) {
    throw new Failure("error: Required resource not specified.\nSee 'kubectl get -h' for help and examples")
  }
  const resources = types.split(',').flatMap(type => {
    const grouped = all.filter(({ categories }) => categories.includes(type))
    return grouped.length > 0 ? grouped : [resourceNamed(all, type)]
  })
  if (names.length === 0) return resources.map(resource => ({ resource, name: undefined }))
  return resources.flatMap(resource => names.map(name => ({ resource, name })))
}

export const apiVersionOf = ({ group, version }: Resource): string => (group === '' ? version : `${group}/${version}`)

export function pathOf(resource: Resource, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const inside = resource.isNamespaced && namespace !== undefined ? `/namespaces/${namespace}` : ''
  const parts = [name === undefined ? undefined : encodeURIComponent(name), subresource].filter(
    part => part !== undefined,
  )
  return [`${root}${inside}/${resource.plural}`, ...parts].join('/')
}

/** `pod/web`, `deployment.apps/web`. */
export const shown = ({ singular, group }: Resource, name: string): string =>
  `${singular}${group === '' ? '' : `.${group}`}/${name}`
