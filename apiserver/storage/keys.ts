// Keys: where an object stands in the store, `/registry/apps/deployments/default/web`. Called by the registry and admission;
// storage itself takes a key as it comes, but for the collection it belongs to.

interface Place {
  readonly group: string
  readonly plural: string
  readonly namespaced?: boolean
}

/** Of a whole collection: `/registry/core/pods/`. */
export function prefixOf({ group, plural }: Place): string {
  return `/registry/${group || 'core'}/${plural}/`
}

export function keyOf(kind: Place, ref: { readonly name: string; readonly namespace?: string | undefined }): string {
  return kind.namespaced ? `${prefixOf(kind)}${ref.namespace ?? ''}/${ref.name}` : prefixOf(kind) + ref.name
}

/** The collection in which a key, or everything with this prefix, must be; undefined when it says too little for that. */
export function collectionOf(key: string): string | undefined {
  const group = key.indexOf('/', root.length)
  const plural = group < 0 ? -1 : key.indexOf('/', group + 1)
  return plural < 0 || !key.startsWith(root) ? undefined : key.slice(0, plural + 1)
}

const root = '/registry/'

/**
 * Where upstream keeps it in etcd, which some of its messages name: built-in kinds but those of servers that were once apart
 * without their group (pkg/kubeapiserver/default_storage_factory_builder.go).
 */
export function etcdKey(
  { group, plural, custom }: Place & { readonly custom?: object | undefined },
  key: string,
): string {
  const rest = key.slice(prefixOf({ group, plural }).length)
  if (custom !== undefined || group === 'apiextensions.k8s.io' || group === 'apiregistration.k8s.io') return key
  return `${root}${etcdNames[plural] ?? plural}/${rest}`
}

const etcdNames: Readonly<Record<string, string>> = {
  replicationcontrollers: 'controllers',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  services: 'services/specs',
  ingresses: 'ingress',
}
