// What may stand where in an object: read from the API server's OpenAPI v3 document of the group and version.

import { getJson } from '../api/requests.ts'
import type { Resource } from '../api/resources.ts'

export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly enum?: readonly unknown[]
  readonly required?: readonly string[]
  readonly allOf?: readonly Schema[]
  readonly $ref?: string
  readonly 'x-kubernetes-group-version-kind'?: readonly {
    readonly group: string
    readonly version: string
    readonly kind: string
  }[]
}

export interface Schemas {
  /** What may stand below these names; a number stands for an item of a list. Undefined where nothing is known. */
  at(path: readonly (string | number)[]): Schema | undefined
}

interface Document {
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

const read = new Map<string, Promise<Document>>()

/** Undefined when the server tells of no such kind. */
export async function schemasOf({ group, version, kind }: Resource): Promise<Schemas | undefined> {
  const path = group === '' ? `/openapi/v3/api/${version}` : `/openapi/v3/apis/${group}/${version}`
  let reading = read.get(path)
  if (reading === undefined) {
    reading = getJson<Document>(path)
    read.set(path, reading)
    reading.catch(() => read.delete(path))
  }
  const all = (await reading).components?.schemas ?? {}
  const root = Object.values(all).find(schema =>
    schema['x-kubernetes-group-version-kind']?.some(
      each => each.group === group && each.version === version && each.kind === kind,
    ),
  )
  if (root === undefined) return undefined
  const resolved = (schema: Schema | undefined): Schema | undefined => {
    if (schema === undefined) return undefined
    const named = schema.$ref ?? (schema.allOf?.length === 1 ? schema.allOf[0]!.$ref : undefined)
    if (named === undefined) return schema
    const target = resolved(all[named.slice(named.lastIndexOf('/') + 1)])
    // What is said where it is used wins over what is said of the type.
    return { ...target, ...(schema.description ? { description: schema.description } : {}) }
  }
  return {
    at(path) {
      let schema = resolved(root)
      for (const step of path) {
        const { additionalProperties: others } = schema ?? {}
        const next =
          typeof step === 'number'
            ? schema?.items
            : (schema?.properties?.[step] ?? (typeof others === 'object' ? others : undefined))
        schema = resolved(next)
        if (schema === undefined) return undefined
      }
      return schema
    },
  }
}
