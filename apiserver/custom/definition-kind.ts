// CustomResourceDefinitions as the API server has them: the kind of src/kinds, with the rules that need to know schemas.
// Called by apiserver/server.ts.

import { CustomResourceDefinitions } from '../../src/kinds/customresourcedefinition.ts'
import { customResourceDefinitionRules, type SchemaRules } from '../../src/kinds/customresourcedefinition-rules.ts'
import type { Kind } from '../../src/kinds/kind.ts'

const schemaRules: SchemaRules = () => []

/** The kinds as they are given, with definitions judged whole. */
export function withJudgedDefinitions(kinds: readonly Kind<any>[]): readonly Kind<any>[] {
  return kinds.map(kind => (kind === CustomResourceDefinitions ? judged : kind))
}

const judged: typeof CustomResourceDefinitions = Object.freeze({
  ...CustomResourceDefinitions,
  validate: (next, old, { subresource }) => customResourceDefinitionRules(next, old, subresource, schemaRules),
} satisfies typeof CustomResourceDefinitions)
