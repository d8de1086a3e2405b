// Finds what is generated for a kind by its group, version and name: the compiled validator, and its schema as nodes that
// can be walked by path (strategic merge, decoding). Says undefined of a kind it has nothing of. The descriptions are not
// here but in generated/openapi.json, which only apiserver/http/openapi.ts reads.

import { shapes } from '../../generated/shapes.js'
import { validators } from '../../generated/validators/index.js'
import { isNullWhenEmpty, valueStructs } from './go-structs.ts'
import { type ListSemantics, listSemantics } from './merge-keys.ts'

/** Yes: the value is exactly as the server itself would write it, with nothing unknown in it. No says not what is wrong. */
export type Validator = (value: unknown) => boolean

export interface KindName {
  readonly group: string
  readonly version: string
  readonly kind: string
  /** Of a kind that came at run time. */
  readonly custom?: { readonly definition: string; node(): SchemaNode }
}

export type Scalar =
  | 'string'
  | 'boolean'
  | 'int32'
  | 'int64'
  | 'double'
  | 'quantity'
  | 'time'
  | 'microTime'
  | 'intOrString'
  | 'bytes'

/** A type, seen from the field or list it stands in: that is where merge keys and strategies are declared. */
export interface SchemaNode extends ListSemantics {
  /** `struct`: an object of declared fields; `map`: of any keys; `any`: whatever JSON has. */
  readonly kind: 'struct' | 'map' | 'list' | 'scalar' | 'any'
  readonly scalar?: Scalar
  /** Of a struct: `io.k8s.api.core.v1.PodSpec`. */
  readonly definition?: string
  /** What the schema says the field is when it is left out, where a list's key may be (`protocol`). */
  readonly default?: unknown
  /** Of a struct: the fields that Go always writes, with what it writes where there is nothing: `{}`, or null for a list. */
  readonly alwaysWritten?: readonly (readonly [name: string, empty: Readonly<Record<string, never>> | null])[]
  field(name: string): SchemaNode | undefined
  items(): SchemaNode | undefined
  values(): SchemaNode | undefined
  /** Of a struct: what it may have. */
  fieldNames(): readonly string[]
}

export function definitionOf(kind: KindName): string | undefined {
  if (kind.custom !== undefined) return kind.custom.definition
  return library().kinds[`${kind.group}/${kind.version}/${kind.kind}`]
}

export function validatorOf(kind: KindName): Validator | undefined {
  const definition = definitionOf(kind)
  return definition === undefined ? undefined : validators[definition]
}

export function schemaNodeOf(kind: KindName): SchemaNode | undefined {
  if (kind.custom !== undefined) return kind.custom.node()
  const definition = definitionOf(kind)
  return definition === undefined ? undefined : definitionNode(definition)
}

export function definitionNode(definition: string): SchemaNode | undefined {
  const { nodes, definitions } = library()
  const known = nodes.get(definition)
  if (known !== undefined || definitions[definition] === undefined) return known
  const node = new Node(`#${definition}`, {})
  nodes.set(definition, node)
  return node
}

/** Of the API that the schemas describe: `1.36`. */
export function kubernetesVersion(): string {
  return library().version
}

/** Changes whenever anything in the schemas does, descriptions included. */
export function schemasDigest(): string {
  return library().digest
}

/** Where `+default="TCP"` stands on a key of a list (staging/src/k8s.io/api/core/v1/types.go). */
const defaultProtocol: ReadonlySet<string> = new Set([
  'io.k8s.api.core.v1.ContainerPort',
  'io.k8s.api.core.v1.ServicePort',
])

/** Field by field, in a few letters: a scalar's, `#definition`, `[` list of, `{` map of, `j` any JSON. */
type Shape = Readonly<Record<string, string>>

interface Library {
  readonly version: string
  readonly digest: string
  readonly definitions: Readonly<Record<string, Shape>>
  readonly kinds: Readonly<Record<string, string>>
  readonly nodes: Map<string, SchemaNode>
}

const scalars: Readonly<Record<string, Scalar>> = {
  s: 'string',
  b: 'boolean',
  i: 'int32',
  l: 'int64',
  d: 'double',
  q: 'quantity',
  t: 'time',
  u: 'microTime',
  x: 'intOrString',
  y: 'bytes',
}

/** Parsed when first asked for; the same for ever after. */
const library = once((): Library => ({ ...(JSON.parse(shapes) as Omit<Library, 'nodes'>), nodes: new Map() }))

function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const emptyStruct: Readonly<Record<string, never>> = Object.freeze({})

class Node implements SchemaNode {
  readonly kind: SchemaNode['kind']
  declare readonly scalar?: Scalar
  declare readonly definition?: string
  declare readonly default?: unknown
  #alwaysWritten: SchemaNode['alwaysWritten']
  declare readonly listType?: 'atomic' | 'set' | 'map'
  declare readonly listMapKeys?: readonly string[]
  declare readonly mapType?: 'atomic' | 'granular'
  declare readonly mergeKey?: string
  declare readonly patchStrategy?: 'merge' | 'replace' | 'retainKeys' | 'merge,retainKeys'
  readonly #code: string
  readonly #fields = new Map<string, SchemaNode>()
  #inner: SchemaNode | undefined

  constructor(code: string, semantics: ListSemantics) {
    const kinds: Readonly<Record<string, SchemaNode['kind']>> = { '#': 'struct', '[': 'list', '{': 'map', j: 'any' }
    this.#code = code
    this.kind = kinds[code[0]!] ?? 'scalar'
    const scalar = scalars[code]
    if (scalar !== undefined) this.scalar = scalar
    if (this.kind === 'struct') this.definition = code.slice(1)
    Object.assign(this, this.definition === undefined ? undefined : listSemantics(this.definition), semantics)
  }

  get alwaysWritten(): NonNullable<SchemaNode['alwaysWritten']> {
    this.#alwaysWritten ??= this.#findAlwaysWritten()
    return this.#alwaysWritten
  }

  #findAlwaysWritten(): NonNullable<SchemaNode['alwaysWritten']> {
    const { definition } = this
    if (definition === undefined) return []
    const structs = valueStructs(definition).filter(name => this.field(name)?.kind === 'struct')
    const lists = this.fieldNames().filter(name => isNullWhenEmpty(definition, name))
    return [...structs.map(name => [name, emptyStruct] as const), ...lists.map(name => [name, null] as const)]
  }

  field(name: string): SchemaNode | undefined {
    if (this.definition === undefined) return undefined
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const shape = this.#shape()
    if (!Object.hasOwn(shape, name)) return undefined
    const node = new Node(shape[name]!, listSemantics(this.definition, name) ?? {})
    if (name === 'protocol' && defaultProtocol.has(this.definition)) Object.assign(node, { default: 'TCP' })
    this.#fields.set(name, node)
    return node
  }

  items(): SchemaNode | undefined {
    return this.kind === 'list' ? this.#innerNode() : undefined
  }

  values(): SchemaNode | undefined {
    return this.kind === 'map' ? this.#innerNode() : undefined
  }

  fieldNames(): readonly string[] {
    return this.kind === 'struct' ? Object.keys(this.#shape()) : []
  }

  #innerNode(): SchemaNode {
    this.#inner ??= new Node(this.#code.slice(1), {})
    return this.#inner
  }

  #shape(): Shape {
    return library().definitions[this.definition!] ?? {}
  }
}
