// In which form an answer goes out, by the Accept header: the object, a Table, its metadata alone; as JSON or YAML.
// Headers repeat endlessly, so what each comes to is remembered. Called by verbs.ts.

import { ApiError } from '../../src/api/errors.ts'
import { acceptedTypes, type MediaType } from './media-type.ts'

export interface Form {
  readonly as: 'object' | 'table' | 'metadata'
  /** Of meta.k8s.io, for tables and metadata. */
  readonly version: 'v1' | 'v1beta1'
  readonly encoding: 'json' | 'yaml'
}

const plain: Form = { as: 'object', version: 'v1', encoding: 'json' }

const remembered = 200

export class Negotiator {
  readonly #known = new Map<string, Form | undefined>()

  /** Throws NotAcceptable when nothing that the client takes can be made. */
  choose(accept: string | undefined): Form {
    if (accept === undefined || accept === 'application/json') return plain
    let form = this.#known.get(accept)
    if (form === undefined && !this.#known.has(accept)) {
      form = firstForm(accept)
      if (this.#known.size < remembered) this.#known.set(accept, form)
    }
    if (form === undefined) {
      throw new ApiError(
        'NotAcceptable',
        'only the following media types are accepted: application/json, application/yaml',
      )
    }
    return form
  }
}

function firstForm(accept: string): Form | undefined {
  for (const clause of acceptedTypes(accept)) {
    const form = formOf(clause)
    if (form !== undefined) return form
  }
  return undefined
}

function formOf({ type, parameters }: MediaType): Form | undefined {
  const encoding =
    type === 'application/json' || type === '*/*' || type === 'application/*'
      ? 'json'
      : type === 'application/yaml'
        ? 'yaml'
        : undefined
  if (encoding === undefined) return undefined
  const { as, g, v } = parameters
  if (as === undefined) return { as: 'object', version: 'v1', encoding }
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined
  if (as === 'Table') return { as: 'table', version: v, encoding }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
    return { as: 'metadata', version: v, encoding }
  return undefined
}
