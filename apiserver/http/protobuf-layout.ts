// What a struct of the schemas looks like in Kubernetes' protobuf encoding: its fields by number, from the table of numbers
// in src/kinds/protobuf-fields.ts. Made once a definition. Read by protobuf-reading.ts and protobuf-writing.ts.

import { protobufFields } from '../../src/kinds/protobuf-fields.ts'
import { definitionNode, type KindName, type SchemaNode, schemaNodeOf } from '../../src/kinds/schemas.ts'

export interface Field {
  readonly number: number
  readonly name: string
  readonly type: SchemaNode
  /** A pointer in Go: only there when it is set, and its zero means something. */
  readonly isPointer: boolean
  /** A zero on the wire is a zero in JSON: a pointer's, or one that Go's JSON writes always. */
  readonly keepsZero: boolean
  /** Of the field, or of each item of a list. */
  readonly wireType: number
}

/** What stands inline in Go, and so has no name in JSON, but is a message of its own here. */
export interface Inline {
  readonly number: number
  readonly fields: Layout
}

export interface Layout {
  readonly byNumber: ReadonlyMap<number, Field | Inline>
  /** As Go writes them: by their numbers. */
  readonly inOrder: readonly (Field | Inline)[]
}

/** Undefined: the type is of no stable or beta version of the API, or is not known at all. */
export function layoutOf(node: SchemaNode): Layout | undefined {
  const known = layouts.get(node.definition!)
  if (known !== undefined) return known
  const text = protobufFields[shortName(node.definition!)]
  if (text === undefined) return undefined
  const layout = layoutFrom(node, text)
  layouts.set(node.definition!, layout)
  return layout
}

/** The struct of a kind, when it has a form in protobuf. Options and Status stand in every group, but are one type. */
export function messageOf(kind: KindName): SchemaNode | undefined {
  const node = schemaNodeOf(kind) ?? metaNode(kind.kind)
  return node === undefined || layoutOf(node) === undefined ? undefined : node
}

/** A struct of meta/v1. */
export function metaNode(name: string): SchemaNode | undefined {
  return definitionNode(`io.k8s.apimachinery.pkg.apis.meta.v1.${name}`)
}

export const varintType = 0
export const doubleType = 1
export const bytesType = 2

export function wireTypeOf({ scalar }: SchemaNode): number {
  if (scalar === 'double') return doubleType
  return scalar === 'boolean' || scalar === 'int32' || scalar === 'int64' ? varintType : bytesType
}

/** Made when first asked for; the same for ever after. */
const layouts = new Map<string, Layout>()

/** `io.k8s.api.core.v1.Pod` is `core.v1.Pod` in the table. */
function shortName(definition: string): string {
  return definition.split('.').slice(-3).join('.')
}

type Making = Map<number, Field | (Inline & { readonly making: Making })>

function layoutFrom(node: SchemaNode, text: string): Layout {
  const all: Making = new Map()
  for (const word of text.split(' ').filter(Boolean)) {
    const [, name = '', path = '', mark = ''] = /^(\w+|\$\w+):([\d.]+)([*!]?)$/.exec(word) ?? []
    const type = node.field(name)
    if (type === undefined) continue
    const numbers = path.split('.').map(Number)
    const number = numbers.pop()!
    let place = all
    for (const outer of numbers) place = inlineAt(place, outer)
    const wireType = wireTypeOf(type.items() ?? type)
    place.set(number, { number, name, type, wireType, isPointer: mark === '*', keepsZero: mark !== '' })
  }
  return finished(all)
}

function inlineAt(place: Making, number: number): Making {
  const there = place.get(number)
  if (there !== undefined && 'making' in there) return there.making
  const making: Making = new Map()
  place.set(number, { number, making, fields: { byNumber: new Map(), inOrder: [] } })
  return making
}

function finished(making: Making): Layout {
  const inOrder = [...making.values()]
    .sort((one, other) => one.number - other.number)
    .map(each => ('making' in each ? { number: each.number, fields: finished(each.making) } : each))
  return { inOrder, byNumber: new Map(inOrder.map(each => [each.number, each])) }
}
