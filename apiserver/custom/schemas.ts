// Everything that has to do with schemas of custom kinds, with the library it needs (RE2): loaded by schema-loader.ts
// when the first definition comes, and not before.

import type { Cel } from '../cel/cel.ts'
import { compileCustomSchema } from './custom-schema.ts'
import { schemaFaults } from './schema-faults.ts'
import type { Schemas } from './schema-loader.ts'

export function createSchemas(cel: Cel): Schemas {
  return {
    compile: schema => compileCustomSchema(schema, cel),
    faults: (schema, at, context) => schemaFaults(cel, schema, at, context),
  }
}
