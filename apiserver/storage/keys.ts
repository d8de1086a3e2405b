// Keys: where an object stands in the store, `/registry/apps/deployments/default/web`. Called by the registry and admission;
// storage itself takes a key as it comes.

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
