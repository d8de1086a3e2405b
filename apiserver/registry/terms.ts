// Index terms: by what the store can find objects without looking at all of them. Given to storage when it is made
// (StorageOptions.terms); lists, watches and admission ask by them.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { Services } from '../../src/kinds/service.ts'
import { serviceTerms } from '../admission/service-addresses.ts'
import { prefixOf } from '../storage/keys.ts'
import { fieldTerm, labelTerm } from './selection.ts'

export type Terms = (key: string, object: Frozen<KubeObject>) => readonly string[]

const none: readonly string[] = Object.freeze([])

/** Every label, and every field that its kind keeps an index of; of a Service also its addresses and node ports. */
export function storageTerms(kinds: readonly Kind<any>[]): Terms {
  const stored = new Map<string, Kind<any>>()
  for (const kind of kinds) {
    const kept: Kind<any> = kind.storedAs?.kind ?? kind
    stored.set(prefixOf(kept), kept)
  }
  const services = prefixOf(Services)
  return (key, object) => {
    const collection = key.slice(0, key.indexOf('/', key.indexOf('/', '/registry/'.length) + 1) + 1)
    const kind = stored.get(collection)
    const { labels } = object.metadata
    // Kinds that came at run time are not known here: their labels are indexed, and nothing else.
    const indexedFields = kind?.indexedFields
    if (labels === undefined && indexedFields === undefined && collection !== services) return none
    const terms: string[] = []
    for (const name in labels) terms.push(labelTerm(name, labels[name]!))
    if (indexedFields !== undefined) {
      for (const path of indexedFields) terms.push(fieldTerm(path, kind?.fields?.[path]?.(object) ?? ''))
    }
    if (collection === services) terms.push(...serviceTerms(object))
    return terms
  }
}
