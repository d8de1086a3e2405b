// The images' docker-entrypoint.sh: what it wants in the environment, a data directory made at the first start, the scripts of
// /docker-entrypoint-initdb.d, and then the server (docker-library/mysql and MariaDB/mariadb-docker, docker-entrypoint.sh).

import type { Process, Program } from '../../../machine/process.ts'
import type { Step } from '../../../machine/wait.ts'
import { runInitScripts } from '../sql/init-scripts.ts'
import { SqlFault } from '../sql/statement.ts'
import { emptyStore, storeContent, storedContent } from '../sql/stored.ts'
import { failureOf } from './packets.ts'
import { answered, brandOf, dataFolder, type Serving, sessionOf } from './server.ts'

const initialising = 3000
const servers = /^(mysqld|mariadbd)$/

export const mysqlEntrypoint: Program = function* (process) {
  const words = process.argv.slice(1)
  const brand = brandOf(process)
  const own = brand.product === 'MySQL' ? 'mysqld' : 'mariadbd'
  const argv = words[0]?.startsWith('-') ? [own, ...words] : words
  if (!servers.test(argv[0] ?? '')) return argv.length === 0 ? 0 : yield* process.exec({ argv })
  yield* note(process, 'Note', `Entrypoint script for ${brand.product} Server ${brand.version} started.`)
  if (storedContent(process, dataFolder) === undefined) {
    const code = yield* initialise(process)
    if (code !== 0) return code
  }
  return yield* process.exec({ argv })
}

function note(process: Process, level: string, text: string): Step<void> {
  const at = new Date(process.clock.now())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z/, '+00:00')
  return process.print(`${at} [${level}] [Entrypoint]: ${text}\n`)
}

function* initialise(process: Process): Step<number> {
  const brand = brandOf(process)
  const isMaria = brand.product === 'MariaDB'
  const setting = (name: string): string | undefined => settingOf(process, name, isMaria)
  const root = setting('ROOT_PASSWORD')
  const mayBeEmpty = setting('ALLOW_EMPTY_PASSWORD') || setting('ALLOW_EMPTY_ROOT_PASSWORD')
  const random = setting('RANDOM_ROOT_PASSWORD')
  if (!root && !mayBeEmpty && !random) {
    yield* note(process, 'ERROR', 'Database is uninitialized and password option is not specified')
    const prefix = isMaria ? 'MARIADB' : 'MYSQL'
    const names = [
      'ROOT_PASSWORD',
      isMaria ? 'ALLOW_EMPTY_ROOT_PASSWORD' : 'ALLOW_EMPTY_PASSWORD',
      'RANDOM_ROOT_PASSWORD',
    ]
    yield* process.complain(`    You need to specify one of the following as an environment variable:\n`)
    for (const name of names) yield* process.complain(`    - ${prefix}_${name}\n`)
    return 1
  }
  yield* note(process, 'Note', 'Initializing database files')
  yield* process.sleep(initialising)
  const database = setting('DATABASE')
  const made = random && !root ? process.random.fraction().toString(36).slice(2) : undefined
  const store = emptyStore([
    'information_schema',
    'mysql',
    'performance_schema',
    'sys',
    ...(database ? [database] : []),
  ])
  store.content.accounts.root = root ?? made ?? null
  const [user, password] = [setting('USER'), setting('PASSWORD')]
  const serving: Serving = { process, store, brand, settings: new Map() }
  try {
    storeContent(process, dataFolder, store.content)
    // The folder of the accounts: who looks whether there is a database looks for it.
    if (!process.files.exists(`${dataFolder}/mysql`)) process.files.makeDirectory(`${dataFolder}/mysql`)
    yield* note(process, 'Note', 'Database files initialized')
    if (made !== undefined) yield* note(process, 'Note', `GENERATED ROOT PASSWORD: ${made}`)
    if (database) yield* note(process, 'Note', `Creating database ${database}`)
    if (user && password) {
      yield* note(process, 'Note', `Creating user ${user}`)
      store.content.accounts[user] = password
      storeContent(process, dataFolder, store.content)
    }
    const code = yield* runScripts(serving, database)
    if (code !== 0) return code
  } catch (error) {
    if (!(error instanceof SqlFault) || error.fault.kind !== 'disk') throw error
    yield* note(process, 'ERROR', `mysqld: Can't create/write to file '${dataFolder}/is_writable' (${error.fault.why})`)
    return 1
  }
  yield* note(process, 'Note', `${brand.product} init process done. Ready for start up.`)
  return 0
}

function* runScripts(serving: Serving, database: string | undefined): Step<number> {
  const { process } = serving
  return yield* runInitScripts(process, {
    say: (kind, text) => note(process, kind, text),
    *run(_, text) {
      const answer = answered(serving, sessionOf(serving, 'root', 'localhost', database, 1), text)
      if (answer[4] !== 0xff) return 0
      const { code, state, message } = failureOf(answer.subarray(4))
      yield* process.complain(`ERROR ${code} (${state}) at line 1: ${message}\n`)
      return 1
    },
  })
}

/** Itself, or what is in the file that NAME_FILE names; MariaDB knows both prefixes. */
function settingOf({ env, files }: Process, name: string, isMaria: boolean): string | undefined {
  for (const prefix of isMaria ? ['MARIADB', 'MYSQL'] : ['MYSQL']) {
    const path = env.get(`${prefix}_${name}_FILE`)
    if (path !== undefined && files.exists(path)) return files.readText(path).trimEnd()
    const value = env.get(`${prefix}_${name}`)
    if (value !== undefined && value !== '') return value
  }
  return undefined
}
