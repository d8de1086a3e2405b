// A custom kind's schema made ready to be used: pruning, defaults, validation, and the nodes that patches ask. One for each
// version of a definition, compiled when the first object comes. Called by custom-kind.ts.

import type { FieldError } from '../../src/api/errors.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { SchemaNode } from '../../src/kinds/schemas.ts'
import { applyDefaults } from './defaulting.ts'
import { prune } from './pruning.ts'
import { resourceNode } from './schema-node.ts'
import { type Schema, someSchema } from './schema-parts.ts'

export interface CustomSchema {
  /** Takes out what the schema does not have, in place, and says what that was. */
  prune(object: Record<string, unknown>): readonly string[]
  /** Fills in, in place. */
  defaults(object: object): void
  /** Whether there is anything to fill in at all. */
  readonly hasDefaults: boolean
  validate(next: Frozen<KubeObject>, old: Frozen<KubeObject> | undefined): readonly FieldError[]
  readonly node: SchemaNode
}

export function compileCustomSchema(schema: Schema | undefined): CustomSchema {
  return {
    prune: object => prune(object, schema),
    defaults: object => applyDefaults(object, schema),
    hasDefaults: schema !== undefined && someSchema(schema, each => each.default !== undefined),
    validate: () => [],
    node: resourceNode(schema),
  }
}
