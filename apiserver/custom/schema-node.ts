// A custom kind's schema as nodes that can be walked by path, as src/kinds/schemas.ts gives them of built-in kinds: what
// patches and server-side apply ask of lists and maps (x-kubernetes-list-type, -map-type, -list-map-keys).

import { definitionNode, type Scalar, type SchemaNode } from '../../src/kinds/schemas.ts'
import { itemsOf, type Schema, valuesOf } from './schema-parts.ts'

const metaDefinition = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** Of the whole object: its type and its metadata are there, whatever the schema says. */
export function resourceNode(schema: Schema | undefined): SchemaNode {
  return new CustomNode(schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, true)
}

class CustomNode implements SchemaNode {
  readonly kind: SchemaNode['kind']
  declare readonly scalar?: Scalar
  declare readonly listType?: 'atomic' | 'set' | 'map'
  declare readonly listMapKeys?: readonly string[]
  declare readonly mapType?: 'atomic' | 'granular'
  declare readonly default?: unknown
  readonly #schema: Schema
  readonly #isResource: boolean
  readonly #fields = new Map<string, SchemaNode>()
  #inner: SchemaNode | undefined

  constructor(schema: Schema, isResource = schema['x-kubernetes-embedded-resource'] === true) {
    this.#schema = schema
    this.#isResource = isResource
    const scalar = scalarOf(schema)
    this.kind = isResource ? 'struct' : kindOf(schema, scalar)
    if (scalar !== undefined) this.scalar = scalar
    const {
      'x-kubernetes-list-type': listType,
      'x-kubernetes-map-type': mapType,
      'x-kubernetes-list-map-keys': keys,
    } = schema
    if (this.kind === 'list') this.listType = (listType as 'atomic' | 'set' | 'map' | undefined) ?? 'atomic'
    if (keys !== undefined) this.listMapKeys = keys
    if (mapType !== undefined) this.mapType = mapType as 'atomic' | 'granular'
    // What is not known is owned by its names all the same (kube-openapi pkg/schemaconv, deducedDef).
    else if (this.kind === 'any') this.mapType = 'granular'
    if (schema.default !== undefined) this.default = schema.default
  }

  field(name: string): SchemaNode | undefined {
    if (this.kind !== 'struct') return undefined
    const known = this.#fields.get(name)
    if (known !== undefined) return known
    const node = this.#field(name)
    if (node !== undefined) this.#fields.set(name, node)
    return node
  }

  items(): SchemaNode | undefined {
    if (this.kind !== 'list') return undefined
    this.#inner ??= new CustomNode(itemsOf(this.#schema) ?? {})
    return this.#inner
  }

  values(): SchemaNode | undefined {
    if (this.kind !== 'map') return undefined
    this.#inner ??= new CustomNode(valuesOf(this.#schema) ?? {})
    return this.#inner
  }

  fieldNames(): readonly string[] {
    if (this.kind !== 'struct') return []
    const own = Object.keys(this.#schema.properties ?? {})
    return this.#isResource ? [...new Set(['apiVersion', 'kind', 'metadata', ...own])] : own
  }

  #field(name: string): SchemaNode | undefined {
    if (this.#isResource && name === 'metadata') return definitionNode(metaDefinition)
    if (this.#isResource && (name === 'apiVersion' || name === 'kind')) return new CustomNode({ type: 'string' })
    const { properties } = this.#schema
    if (properties !== undefined && Object.hasOwn(properties, name)) return new CustomNode(properties[name]!)
    return this.#schema['x-kubernetes-preserve-unknown-fields'] ? new CustomNode({}) : undefined
  }
}

function kindOf(schema: Schema, scalar: Scalar | undefined): SchemaNode['kind'] {
  if (scalar !== undefined) return 'scalar'
  if (schema.type === 'array') return 'list'
  if (schema.type !== 'object') return 'any'
  if (schema.properties !== undefined) return 'struct'
  return valuesOf(schema) === undefined ? 'any' : 'map'
}

function scalarOf(schema: Schema): Scalar | undefined {
  if (schema['x-kubernetes-int-or-string']) return 'intOrString'
  switch (schema.type) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'integer':
      return schema.format === 'int32' ? 'int32' : 'int64'
    case 'number':
      return 'double'
    default:
      return undefined
  }
}
