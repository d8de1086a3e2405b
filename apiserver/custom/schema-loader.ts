// Loads what schemas need when somebody first needs it: most clusters have no custom kinds, and the libraries take as long to
// load as the rest of the server. Whoever writes a definition waits for it; from then on it is there.

import type { Env } from '../../src/env/env.ts'
import type { SchemaRules } from '../../src/kinds/customresourcedefinition-rules.ts'
import type { Cel } from '../cel/cel.ts'
import type { CustomSchema } from './custom-schema.ts'
import type { Schema } from './schema-parts.ts'

export interface Schemas {
  compile(schema: Schema | undefined): CustomSchema
  readonly faults: SchemaRules
}

export class SchemaLoader {
  readonly #env: Pick<Env, 'activity'>
  readonly #cel: Cel
  #schemas: Schemas | undefined
  #loading: Promise<void> | undefined

  constructor(env: Pick<Env, 'activity'>, cel: Cel) {
    this.#env = env
    this.#cel = cel
  }

  load(): Promise<void> {
    // Somebody is at work, or virtual time would move on while the disk is read.
    this.#loading ??= this.#env.activity.track(async () => {
      const [{ createSchemas }] = await Promise.all([import('./schemas.ts'), this.#cel.load?.()])
      this.#schemas = createSchemas(this.#cel)
    })
    return this.#loading
  }

  get schemas(): Schemas {
    if (this.#schemas === undefined) throw new Error('a schema is used before what it needs is loaded')
    return this.#schemas
  }
}
