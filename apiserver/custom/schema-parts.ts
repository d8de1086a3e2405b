// The parts of a schema of which the type says only that they may be anything: items and additionalProperties.

import type { JSONSchemaProps } from '../../generated/types.ts'
import type { Frozen } from '../../src/api/meta.ts'

export type Schema = Frozen<JSONSchemaProps>

export function itemsOf({ items }: Schema): Schema | undefined {
  return isSchema(items) ? items : undefined
}

export function valuesOf({ additionalProperties }: Schema): Schema | undefined {
  return isSchema(additionalProperties) ? additionalProperties : undefined
}

/** Whether a schema, or one of those it leads to, is as is asked. */
export function someSchema(schema: Schema, is: (schema: Schema) => boolean): boolean {
  if (is(schema)) return true
  const inner = [...Object.values(schema.properties ?? {}), itemsOf(schema), valuesOf(schema)]
  return inner.some(each => each !== undefined && someSchema(each, is))
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
