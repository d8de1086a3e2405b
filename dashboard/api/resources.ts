// Resources and where they stand: those of the built-in kinds that views name themselves, and all that discovery tells of.

import type { KubeObject } from '../../src/api/meta.ts'

export interface Resource {
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly kind: string
  readonly namespaced: boolean
  readonly verbs?: readonly string[]
  readonly shortNames?: readonly string[]
  readonly subresources?: readonly string[]
}

/** One object: `pods/default/web`, as it stands in the address. */
export interface Reference {
  /** `pods`, `deployments.apps`. */
  readonly resource: string
  readonly namespace?: string | undefined
  readonly name: string
}

const builtIn = (group: string, version: string, resource: string, kind: string, namespaced = true): Resource => ({
  group,
  version,
  resource,
  kind,
  namespaced,
})

export const pods = builtIn('', 'v1', 'pods', 'Pod')
export const nodes = builtIn('', 'v1', 'nodes', 'Node', false)
export const namespaces = builtIn('', 'v1', 'namespaces', 'Namespace', false)
export const services = builtIn('', 'v1', 'services', 'Service')
export const events = builtIn('', 'v1', 'events', 'Event')
export const configMaps = builtIn('', 'v1', 'configmaps', 'ConfigMap')
export const endpointSlices = builtIn('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice')
export const deployments = builtIn('apps', 'v1', 'deployments', 'Deployment')
export const replicaSets = builtIn('apps', 'v1', 'replicasets', 'ReplicaSet')
export const networkPolicies = builtIn('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy')

/** `pods`, `deployments.apps`: as kubectl and the timeline name them. */
export const fullName = ({ resource, group }: Pick<Resource, 'resource' | 'group'>): string =>
  group === '' ? resource : `${resource}.${group}`

export function collectionPath({ group, version, resource, namespaced }: Resource, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  return namespaced && namespace ? `${root}/namespaces/${namespace}/${resource}` : `${root}/${resource}`
}

export function objectPath(resource: Resource, { namespace, name }: Pick<Reference, 'namespace' | 'name'>): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`
}

export function referenceTo(resource: Pick<Resource, 'resource' | 'group'>, { metadata }: KubeObject): Reference {
  return { resource: fullName(resource), namespace: metadata.namespace, name: metadata.name }
}

export const writeReference = ({ resource, namespace = '', name }: Reference): string =>
  `${resource}/${namespace}/${name}`

export function readReference(text: string | undefined): Reference | undefined {
  const [resource, namespace, name] = text?.split('/') ?? []
  if (!resource || namespace === undefined || !name) return undefined
  return { resource, namespace: namespace || undefined, name }
}

/** `pod/web`, `deployment/web`: as one would type it. */
export function typedName(resource: Pick<Resource, 'kind'>, name: string): string {
  return `${resource.kind.toLowerCase()}/${name}`
}
