// Which resources there are, as the API server tells it (the aggregated form of discovery): each once, in its preferred version.
// Read again when CustomResourceDefinitions or APIServices change.

import { useEffect, useState } from 'react'
import type { KubeObject } from '../../src/api/meta.ts'
import { usePlace } from '../page/place.ts'
import { useObjects } from './live.ts'
import { getJson, pathAt } from './requests.ts'
import { deployments, fullName, namespaces, nodes, pods, type Resource, replicaSets, services } from './resources.ts'

const definitions: Resource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}

interface Groups {
  readonly items: readonly {
    readonly metadata: { readonly name?: string }
    readonly versions: readonly {
      readonly version: string
      readonly resources?: readonly {
        readonly resource: string
        readonly responseKind?: { readonly kind: string }
        readonly scope: 'Namespaced' | 'Cluster'
        readonly verbs?: readonly string[]
        readonly shortNames?: readonly string[]
        readonly subresources?: readonly { readonly subresource: string }[]
      }[]
    }[]
  }[]
}

const form = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

/** What whoever comes later begins with. */
let last: ReadonlyMap<string, Resource> | undefined

const builtIns = new Map(
  [pods, nodes, namespaces, services, deployments, replicaSets].map(each => [fullName(each), each]),
)

/** `deployments.apps`: of those that views name themselves, at once. */
export function useResource(name: string): Resource | undefined {
  return useResources()?.get(name) ?? builtIns.get(name)
}

/** Undefined until it has been read. */
export function useResources(): ReadonlyMap<string, Resource> | undefined {
  const { at } = usePlace()
  const { objects } = useObjects<KubeObject>(definitions)
  const [found, setFound] = useState(last)
  const known = objects.map(({ metadata }) => `${metadata.name}@${metadata.generation}`).join(' ')
  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew when the definitions are others.
  useEffect(() => {
    const leaving = new AbortController()
    discover(at, leaving.signal)
      .then(told => {
        last = told
        setFound(told)
      })
      .catch(() => {})
    return () => leaving.abort()
  }, [at, known])
  return found
}

async function discover(at: number | undefined, signal: AbortSignal): Promise<ReadonlyMap<string, Resource>> {
  const found = new Map<string, Resource>()
  for (const root of ['/api', '/apis']) {
    const { items } = await getJson<Groups>(pathAt(root, at), { accept: form, signal })
    for (const { metadata, versions } of items) {
      for (const { version, resources } of versions) {
        for (const each of resources ?? []) {
          const group = metadata.name ?? ''
          const resource = {
            group,
            version,
            resource: each.resource,
            kind: each.responseKind?.kind ?? each.resource,
            namespaced: each.scope === 'Namespaced',
            verbs: each.verbs ?? [],
            shortNames: each.shortNames ?? [],
            subresources: (each.subresources ?? []).map(({ subresource }) => subresource),
          }
          // Versions come preferred first.
          if (resource.verbs.includes('list') && !found.has(fullName(resource))) found.set(fullName(resource), resource)
        }
      }
    }
  }
  return found
}
