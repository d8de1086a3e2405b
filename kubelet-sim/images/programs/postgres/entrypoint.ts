// The image's docker-entrypoint.sh: what it wants in the environment, a data directory made at the first start, the scripts of
// /docker-entrypoint-initdb.d, and then the server (docker-library/postgres, docker-entrypoint.sh).

import type { Process, Program } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { runInitScripts } from '../sql/init-scripts.ts'
import { SqlFault } from '../sql/statement.ts'
import { emptyStore, storeContent, storedContent } from '../sql/stored.ts'
import { errorOf } from './messages.ts'
import { answered, dataFolder, type Serving, version } from './server.ts'

const initialising = 1000

export const postgresEntrypoint: Program = function* (process) {
  const words = process.argv.slice(1)
  const argv = words[0]?.startsWith('-') ? ['postgres', ...words] : words
  if (argv[0] !== 'postgres') return argv.length === 0 ? 0 : yield* process.exec({ argv })
  const folder = dataFolder(process)
  if (storedContent(process, folder) === undefined) {
    const code = yield* initialise(process, folder)
    if (code !== 0) return code
  } else
    yield* process.print('\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n')
  return yield* process.exec({ argv })
}

function* initialise(process: Process, folder: string): Step<number> {
  const { env, files } = process
  const password = settingOf(process, 'POSTGRES_PASSWORD')
  if ((password ?? '') === '' && env.get('POSTGRES_HOST_AUTH_METHOD') !== 'trust') {
    yield* process.complain(noPassword)
    return 1
  }
  if (files.exists(folder) && files.list(folder).length > 0) {
    yield* process.print(`initdb: error: directory "${folder}" exists but is not empty\n`)
    yield* process.print(
      `initdb: hint: If you want to create a new database system, either remove or empty the directory "${folder}" or run initdb with an argument other than "${folder}".\n`,
    )
    return 1
  }
  const user = settingOf(process, 'POSTGRES_USER') ?? 'postgres'
  const database = settingOf(process, 'POSTGRES_DB') ?? user
  yield* process.print(
    `The files belonging to this database system will be owned by user "postgres".\n\nThe database cluster will be initialized with locale "en_US.utf8".\nfixing permissions on existing directory ${folder} ... ok\ncreating subdirectories ... ok\nperforming post-bootstrap initialization ... ok\nsyncing data to disk ... ok\n\n\nSuccess. You can now start the database server.\n\n`,
  )
  yield* process.sleep(initialising)
  const store = emptyStore([...new Set(['postgres', 'template1', database])])
  store.content.accounts[user] = password ?? null
  if (database !== 'postgres') yield* process.print('CREATE DATABASE\n')
  yield* process.print('\n')
  const serving: Serving = { process, store, folder, log: text => process.complain(`${text}\n`) }
  try {
    storeContent(process, folder, store.content)
    files.write(`${folder}/PG_VERSION`, `${version.split('.')[0]}\n`)
    const code = yield* runScripts(serving, user, database)
    if (code !== 0) return code
  } catch (error) {
    if (!(error instanceof SqlFault) || error.fault.kind !== 'disk') throw error
    yield* process.complain(`initdb: error: could not create directory "${folder}": ${error.fault.why}\n`)
    return 1
  }
  yield* process.print('\nPostgreSQL init process complete; ready for start up.\n\n')
  return 0
}

function* runScripts(serving: Serving, user: string, database: string): Step<number> {
  const { process } = serving
  const session = { dialect: 'postgres' as const, user, database, constant: () => undefined }
  return yield* runInitScripts(process, {
    say: (_, text) => process.print(`${text}\n`),
    *run(path, text) {
      for (const reply of yield* answered(serving, session, text)) {
        if (reply[0] === 0x43) yield* process.print(`${reply.subarray(5, -1).toString()}\n`)
        if (reply[0] !== 0x45) continue
        yield* process.complain(`psql:${path}:1: ERROR:  ${errorOf(reply.subarray(5)).message}\n`)
        return 3
      }
      return 0
    },
  })
}

/** Itself, or what is in the file that NAME_FILE names. */
export function settingOf({ env, files }: Process, name: string): string | undefined {
  const path = env.get(`${name}_FILE`)
  if (path !== undefined && files.exists(path)) return files.readText(path).trimEnd()
  return env.get(name)
}

const noPassword = `Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".

       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all
       connections without a password. This is *not* recommended.

       See PostgreSQL documentation about "trust":
       https://www.postgresql.org/docs/current/auth-trust.html
`
