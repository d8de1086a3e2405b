// The schemas that OpenAPI documents carry: read from generated/openapi.json when first asked for, cut down to what a set of
// definitions reaches, and written as version 2 or 3. Called by openapi.ts.

import { existsSync, readFileSync } from 'node:fs'
import { patchDefinition } from './openapi-operations.ts'

export interface Schema {
  readonly $ref?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
  readonly [member: string]: unknown
}

export type Definitions = Readonly<Record<string, Schema>>

/** The bundle has the file beside it; from the sources it is where the build made it. */
export function readDefinitions(): Definitions {
  const beside = new URL('./openapi.json', import.meta.url)
  const file = existsSync(beside) ? beside : new URL('../../generated/openapi.json', import.meta.url)
  const { definitions } = JSON.parse(readFileSync(file, 'utf8')) as { definitions: Definitions }
  return {
    ...definitions,
    [patchDefinition]: { type: 'object', description: 'A patch; its media type tells of which kind.' },
  }
}

/** Those named and all they lead to, by name. */
export function reached(definitions: Definitions, names: Iterable<string>): Definitions {
  const found = new Map<string, Schema>()
  const visit = (name: string) => {
    const schema = definitions[name]
    if (schema === undefined || found.has(name)) return
    found.set(name, schema)
    visitRefs(schema)
  }
  const visitRefs = ({ $ref, properties, items, additionalProperties }: Schema) => {
    if ($ref !== undefined) visit($ref.slice(localPrefix.length))
    if (items !== undefined) visitRefs(items)
    if (additionalProperties !== undefined) visitRefs(additionalProperties)
    if (properties !== undefined) for (const property of Object.values(properties)) visitRefs(property)
  }
  for (const name of names) visit(name)
  return Object.fromEntries([...found].sort(([one], [other]) => (one < other ? -1 : 1)))
}

const localPrefix = '#/definitions/'

/** Version 3 knows alternatives, lets nothing stand beside a reference, and has its schemas elsewhere. */
export function asVersion3(definitions: Definitions): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, schema]) => [name, alternatives[name] ?? version3(schema)]),
  )
}

function version3({ $ref, properties, items, additionalProperties, ...rest }: Schema): Schema {
  if ($ref !== undefined) {
    const ref = { $ref: schemaRef($ref.slice(localPrefix.length)) }
    return Object.keys(rest).length === 0 ? ref : { allOf: [ref], ...rest }
  }
  return {
    ...rest,
    ...(properties
      ? { properties: Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, version3(each)])) }
      : {}),
    ...(items ? { items: version3(items) } : {}),
    ...(additionalProperties ? { additionalProperties: version3(additionalProperties) } : {}),
  }
}

export function schemaRef(name: string): string {
  return `#/components/schemas/${name}`
}

/** What is a string in version 2 for want of a better word. */
const alternatives: Definitions = {
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    description:
      'A number with a unit suffix: binary (Ki, Mi, Gi, Ti, Pi, Ei), decimal (n, u, m, k, M, G, T, P, E) or an exponent.',
    oneOf: [{ type: 'string' }, { type: 'number' }],
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    description: 'A whole number, or a string such as a percentage or the name of a port.',
    format: 'int-or-string',
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  },
}
