// A selection: the label and field selectors of a request, made ready to be asked often. Shared by list, watch and
// deletecollection: it says which objects belong, and by what key, namespace or index term they can be found.

import { checkFields, everyField, type FieldSelector, parseFieldSelector } from '../../src/api/fields.ts'
import { everything, parseLabelSelector, type Selector } from '../../src/api/labels.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Selectors } from '../../src/client/client.ts'
import type { Stored } from '../storage/storage.ts'
import type { Collection } from './collection.ts'

export interface Selection {
  /** Nothing is asked but the namespace. */
  readonly isEmpty: boolean
  readonly namespace: string | undefined
  /** The prefix under which all that is selected stands. */
  readonly prefix: string
  /** Set when only one object can be meant. */
  readonly key: string | undefined
  /** Index terms of which every selected object carries all; those thought to be rarest first, as watches are filed by one. */
  readonly terms: readonly string[]
  /** Whether an object, known to stand under the prefix, is selected. */
  has(stored: Stored): boolean
}

export function selectionOf(
  collection: Collection,
  selectors: Selectors & { readonly namespace?: string | undefined },
): Selection {
  const labels = selectors.labelSelector ? parseLabelSelector(selectors.labelSelector) : everything
  const fields = selectors.fieldSelector ? parseFieldSelector(selectors.fieldSelector) : everyField
  if (!fields.isEmpty) checkFields(fields, collection.kind.fields)
  const asked = collection.kind.namespaced ? selectors.namespace || undefined : undefined
  const named = collection.kind.namespaced ? fields.exactly('metadata.namespace') || undefined : undefined
  const namespace = asked ?? named
  const name = fields.exactly('metadata.name')
  const single = name !== undefined && name !== '' && (namespace !== undefined || !collection.kind.namespaced)
  const isEmpty = labels.isEmpty && fields.isEmpty
  return {
    isEmpty,
    namespace,
    prefix: collection.prefixOf(namespace),
    key: single ? collection.keyOf({ name, namespace }) : undefined,
    terms: isEmpty ? [] : termsOf(collection, labels, fields),
    has: isEmpty ? () => true : filter(collection, labels, fields),
  }
}

/** Fields before labels: an index of a field is there because it is rare; of labels, the one with the longest value. */
function termsOf(collection: Collection, labels: Selector, fields: FieldSelector): string[] {
  const terms: string[] = []
  if (collection.kept === collection.kind) {
    for (const path of collection.kind.indexedFields ?? []) {
      const value = fields.exactly(path)
      if (value !== undefined) terms.push(fieldTerm(path, value))
    }
  }
  const pairs: [string, string][] = []
  for (const { key } of labels.requirements) {
    const value = labels.exactly(key)
    if (value !== undefined && !pairs.some(pair => pair[0] === key)) pairs.push([key, value])
  }
  pairs.sort((one, other) => other[1].length - one[1].length)
  for (const [key, value] of pairs) terms.push(labelTerm(key, value))
  return terms
}

export const labelTerm = (key: string, value: string): string => `label:${key}=${value}`
export const fieldTerm = (path: string, value: string): string => `field:${path}=${value}`

function filter(collection: Collection, labels: Selector, fields: FieldSelector): (stored: Stored) => boolean {
  if (fields.isEmpty) return stored => labels.matches(stored.object.metadata.labels)
  const needsOwnView = fields.requirements.some(({ field }) => !field.startsWith('metadata.'))
  return stored => {
    if (!labels.matches(stored.object.metadata.labels)) return false
    const object = needsOwnView ? collection.reading(stored).object : stored.object
    return fields.matches(field => fieldOf(collection, object, field))
  }
}

function fieldOf(collection: Collection, object: Frozen<KubeObject>, field: string): string | undefined {
  if (field === 'metadata.name') return object.metadata.name
  if (field === 'metadata.namespace') return object.metadata.namespace
  return collection.kind.fields?.[field]?.(object)
}
