// /docker-entrypoint-initdb.d, as the images of databases run it at the first start: shell scripts and SQL in the order of their
// names, the rest ignored; the first that fails is the end. Called by the entrypoints of postgres and mysql.

import type { Process } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'

const folder = '/docker-entrypoint-initdb.d'

export interface InitScripts {
  /** A line of the entrypoint's own. */
  say(kind: 'Note' | 'Warn', text: string): Step<void>
  /** A file of SQL; the exit code of the client that runs it. */
  run(path: string, text: string): Step<number>
}

/** 0, or the code of what failed. */
export function* runInitScripts(process: Process, { say, run }: InitScripts): Step<number> {
  const { files } = process
  for (const name of files.exists(folder) ? files.list(folder) : []) {
    // What a mounted ConfigMap keeps for itself.
    if (name.startsWith('..')) continue
    const path = `${folder}/${name}`
    const isShell = name.endsWith('.sh')
    if (!isShell && !name.endsWith('.sql')) {
      yield* say('Warn', `/usr/local/bin/docker-entrypoint.sh: ignoring ${path}`)
      continue
    }
    yield* say('Note', `/usr/local/bin/docker-entrypoint.sh: running ${path}`)
    const code = isShell
      ? yield* process.spawn({ argv: ['/bin/bash', path] }).exited()
      : yield* run(path, files.readText(path))
    if (code !== 0) return code
  }
  return 0
}
