// Makes generated/ from the files of @kubernetes/client-node and of what is our own (generate/own-models.ts): types.ts (TypeScript), openapi.json (schemas with descriptions),
// shapes.js (the same without) and validators/ (compiled by ajv). Bundled and called by scripts/build.js, which knows when
// it is needed.

import { mkdirSync, writeFileSync } from 'node:fs'
import { readModels, readServedModels, readVersion } from './generate/client-models.ts'
import { definitionNames } from './generate/definition-names.ts'
import { ownModels, ownServedModels } from './generate/own-models.ts'
import { schemaDefinitions } from './generate/schema-definitions.ts'
import { shapeModule } from './generate/shapes.ts'
import { typeDeclarations } from './generate/type-declarations.ts'
import { validatorDeclarations, validatorModule } from './generate/validators.ts'

export function generate(root: string): void {
  const gen = `${root}node_modules/@kubernetes/client-node/dist/gen`
  const models = [...readModels(gen), ...ownModels]
  const served = [...readServedModels(gen), ...ownServedModels]
  const version = readVersion(gen)
  mkdirSync(`${root}generated/validators`, { recursive: true })
  writeFileSync(`${root}generated/types.ts`, typeDeclarations(models, version))

  const definitions = schemaDefinitions(models, definitionNames(models, served), served)
  writeFileSync(`${root}generated/openapi.json`, JSON.stringify({ version, definitions }))
  writeFileSync(`${root}generated/shapes.js`, shapeModule(definitions, version))
  writeFileSync(`${root}generated/shapes.d.ts`, 'export declare const shapes: string\n')
  writeFileSync(`${root}generated/validators/index.js`, validatorModule(definitions))
  writeFileSync(`${root}generated/validators/index.d.ts`, validatorDeclarations)
}
