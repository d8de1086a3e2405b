// Kinds by the words of an owner reference or a scaleTargetRef, custom ones among them: for those who ask an object they do
// not know for its scale. Upstream: a RESTMapper and client-go/scale.

import { CustomResourceDefinitions, definedKind } from '../../src/kinds/customresourcedefinition.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import type { Context } from '../../src/runtime/controller.ts'

export interface Found {
  readonly kind: Kind<any>
  /** It has the scale subresource. */
  readonly isScalable: boolean
}
export type KindFinder = (apiVersion: string, kind: string, client: Context['client']) => Promise<Found | undefined>

/** Finds a kind of the group; in another version of it, if this one is not served. */
export function scalableKinds(kinds: readonly Kind<any>[]): KindFinder {
  const isExtensible = kinds.includes(CustomResourceDefinitions)
  return async (apiVersion, name, client) => {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : ''
    const known = kinds.filter(kind => kind.group === group && kind.kind === name)
    const builtIn = known.find(kind => kind.apiVersion === apiVersion) ?? known[0]
    if (builtIn !== undefined) return { kind: builtIn, isScalable: builtIn.subresources?.includes('scale') === true }
    if (!isExtensible || group === '') return undefined
    const { items } = await client.of(CustomResourceDefinitions).list()
    const definition = items.find(({ spec }) => spec.group === group && spec.names.kind === name)
    const kind = definition && definedKind(definition)
    const version = kind && definition.spec.versions.find(each => each.name === kind.version)
    return kind && { kind, isScalable: version?.subresources?.scale !== undefined }
  }
}
