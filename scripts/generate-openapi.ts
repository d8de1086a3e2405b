// Makes generated/ from the files of @kubernetes/client-node: types.ts (TypeScript), openapi.json (schemas with descriptions)
// and validators/ (compiled by ajv). Bundled and called by scripts/build.js, which knows when it is needed.

import { mkdirSync, writeFileSync } from 'node:fs'
import { readModels, readServedModels, readVersion } from './generate/client-models.ts'
import { definitionNames } from './generate/definition-names.ts'
import { schemaDefinitions } from './generate/schema-definitions.ts'
import { typeDeclarations } from './generate/type-declarations.ts'

export function generate(root: string): void {
  const gen = `${root}node_modules/@kubernetes/client-node/dist/gen`
  const models = readModels(gen)
  const served = readServedModels(gen)
  const version = readVersion(gen)
  mkdirSync(`${root}generated`, { recursive: true })
  writeFileSync(`${root}generated/types.ts`, typeDeclarations(models, version))

  const definitions = schemaDefinitions(models, definitionNames(models, served), served)
  writeFileSync(`${root}generated/openapi.json`, JSON.stringify({ version, definitions }))
}
