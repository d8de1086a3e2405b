// In which form an answer goes out, by the Accept header: the object, a Table, its metadata alone; as JSON, YAML or protobuf.
// Headers repeat endlessly, so what each comes to is remembered. Called by verbs.ts.

import { ApiError } from '../../src/api/errors.ts'
import { definitionOf, type KindName } from '../../src/kinds/schemas.ts'
import { acceptedTypes, type MediaType } from './media-type.ts'

export interface Form {
  readonly as: 'object' | 'table' | 'metadata'
  /** Of meta.k8s.io, for tables and metadata. */
  readonly version: 'v1' | 'v1beta1'
  readonly encoding: 'json' | 'yaml' | 'protobuf'
}

const plain: Form = { as: 'object', version: 'v1', encoding: 'json' }

const remembered = 200

const json = 'application/json'
const yaml = 'application/yaml'
export const protobuf = 'application/vnd.kubernetes.protobuf'

/** What can be made of a kind, or of its watches. */
interface Offer {
  readonly types: readonly string[]
  /** As a refusal names them. */
  readonly shown: string
  readonly hasTables: boolean
  readonly known: Map<string, Form | undefined>
}

const offer = (types: readonly string[], suffix = '', hasTables = true): Offer => ({
  types,
  shown: types.map(type => type + suffix).join(', '),
  hasTables,
  known: new Map(),
})

/** `answers`: of kinds that are questions, which nobody prints in columns. `messages`: a watch over WebSocket. */
type Offers = Readonly<Record<'objects' | 'answers' | 'watches' | 'messages', Offer>>

export class Negotiator {
  readonly #builtIn: Offers = {
    objects: offer([json, yaml, protobuf]),
    answers: offer([json, yaml, protobuf], '', false),
    watches: offer([json, protobuf], ';stream=watch'),
    messages: offer([json], ';stream=watch'),
  }
  readonly #others: Offers = {
    objects: offer([json, yaml]),
    answers: offer([json, yaml], '', false),
    watches: offer([json], ';stream=watch'),
    messages: offer([json], ';stream=watch'),
  }

  /** Throws NotAcceptable when nothing that the client takes can be made. */
  choose(accept: string | undefined, kind: KindName, of: keyof Offers): Form {
    if (accept === undefined || accept === json) return plain
    const { types, shown, hasTables, known } = (hasProtobuf(kind) ? this.#builtIn : this.#others)[of]
    let form = known.get(accept)
    if (form === undefined && !known.has(accept)) {
      form = firstForm(accept, types, hasTables)
      if (known.size < remembered) known.set(accept, form)
    }
    if (form === undefined) {
      throw new ApiError('NotAcceptable', `only the following media types are accepted: ${shown}`)
    }
    return form
  }
}

/** The stable and beta kinds of k8s.io/api: those whose field numbers are in src/kinds/protobuf-fields.ts. */
export function hasProtobuf(kind: KindName): boolean {
  return /^io\.k8s\.(api|kube-aggregator\.pkg\.apis)\.\w+\.v\d+(beta\d+)?\.\w+$/.test(definitionOf(kind) ?? '')
}

/** Whether a refusal is told in protobuf, as upstream tells it to who would rather have that. */
export function prefersProtobuf(accept: string | undefined): boolean {
  if (!accept?.includes(protobuf)) return false
  const form = firstForm(accept, [json, yaml, protobuf])
  return form?.encoding === 'protobuf' && form.as === 'object'
}

function firstForm(accept: string, types: readonly string[], hasTables = true): Form | undefined {
  for (const clause of acceptedTypes(accept)) {
    const form = formOf(clause, types)
    if (form !== undefined && (hasTables || form.as !== 'table')) return form
  }
  return undefined
}

const encodings: Readonly<Record<string, Form['encoding']>> = { [json]: 'json', [yaml]: 'yaml', [protobuf]: 'protobuf' }

function formOf({ type, parameters }: MediaType, types: readonly string[]): Form | undefined {
  const isAny = type === '*/*' || type === 'application/*'
  const encoding = isAny ? 'json' : types.includes(type) ? encodings[type] : undefined
  if (encoding === undefined) return undefined
  const { as, g, v } = parameters
  if (as === undefined) return { as: 'object', version: 'v1', encoding }
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined
  // k8s.io/apiserver/pkg/endpoints/handlers/rest.go, AllowsMediaTypeTransform: tables are text.
  if (as === 'Table') return encoding === 'protobuf' ? undefined : { as: 'table', version: v, encoding }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList')
    return { as: 'metadata', version: v, encoding }
  return undefined
}
