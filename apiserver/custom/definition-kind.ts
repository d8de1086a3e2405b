// CustomResourceDefinitions as the API server has them: the kind of src/kinds, with the rules that need to know schemas.
// Called by apiserver/server.ts.

import type { CustomResourceDefinition } from '../../generated/types.ts'
import { CustomResourceDefinitions } from '../../src/kinds/customresourcedefinition.ts'
import { customResourceDefinitionRules } from '../../src/kinds/customresourcedefinition-rules.ts'
import { defineKind, type Kind } from '../../src/kinds/kind.ts'
import { definitionWarnings } from './definition-warnings.ts'
import type { SchemaLoader } from './schema-loader.ts'

/** The kinds as they are given, with definitions judged whole. */
export function withJudgedDefinitions(kinds: readonly Kind<any>[], loader: SchemaLoader): readonly Kind<any>[] {
  return kinds.map(kind => (kind === CustomResourceDefinitions ? judged(loader) : kind))
}

function judged(loader: SchemaLoader): Kind<CustomResourceDefinition> {
  return defineKind<CustomResourceDefinition>({
    ...CustomResourceDefinitions,
    load: () => loader.load(),
    validate: (next, old, { subresource }) =>
      customResourceDefinitionRules(next, old, subresource, loader.schemas.faults),
    warnings: definitionWarnings,
  })
}
