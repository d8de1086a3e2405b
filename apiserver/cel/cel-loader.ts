// Loads CEL when somebody first needs it: most clusters have no expressions, and the compiler with its libraries takes a good part
// of what the rest of the server takes to start. Made once a server; who writes an expression waits for it, and so does a start
// that finds one.

import type { Env } from '../../src/env/env.ts'
import type { Cel, CelChecked, CelProgram, Declarations } from './cel.ts'

export class CelLoader implements Cel {
  readonly #env: Pick<Env, 'activity'>
  #cel: Cel | undefined
  #loading: Promise<void> | undefined

  constructor(env: Pick<Env, 'activity'>) {
    this.#env = env
  }

  load(): Promise<void> {
    // Somebody is at work, or virtual time would move on while the disk is read.
    this.#loading ??= this.#env.activity.track(async () => {
      const { createCel } = await import('./compiler.ts')
      this.#cel = createCel()
    })
    return this.#loading
  }

  compile(text: string, declarations: Declarations): CelProgram {
    return this.#loaded.compile(text, declarations)
  }

  check(text: string, variables: Declarations['variables']): CelChecked {
    return this.#loaded.check(text, variables)
  }

  get #loaded(): Cel {
    if (this.#cel === undefined) throw new Error('an expression is compiled before what it needs is loaded')
    return this.#cel
  }
}
