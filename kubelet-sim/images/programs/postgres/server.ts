// postgres: who may connect, simple queries upon tables that stay in PGDATA, and the words of the real server. Parsed statements
// (the extended protocol) are refused by name.

import type { Process, Program } from '../../../machine/process.ts'
import type { Connection } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { fillTimes } from '../../placeholders.ts'
import { endingOn } from '../ending.ts'
import { ConnectionBytes } from '../sql/connection-bytes.ts'
import { type Fault, parseStatement, SqlFault, splitStatements, type Value } from '../sql/statement.ts'
import { storeContent, storedContent } from '../sql/stored.ts'
import { type Session, SqlStore } from '../sql/tables.ts'
import { Threads } from '../threads.ts'
import {
  dataRow,
  errorMessage,
  message,
  readMessage,
  readStartup,
  rowDescription,
  type Said,
  sslRequest,
  strings,
} from './messages.ts'

export const version = '17.6'
const longVersion = `PostgreSQL ${version} (Debian ${version}-1.pgdg13+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 14.2.0-19) 14.2.0, 64-bit`

export const dataFolder = ({ env }: Process): string => env.get('PGDATA') ?? '/var/lib/postgresql/data'

export const postgresServer: Program = function* (process) {
  const words = process.argv.slice(1)
  const settings = new Map(words.flatMap((word, at) => (word === '-c' ? [pairOf(words[at + 1] ?? '')] : [])))
  const named = words.indexOf('-p')
  const port = Number(named >= 0 ? words[named + 1] : (settings.get('port') ?? 5432))
  const folder = dataFolder(process)
  const content = storedContent(process, folder)
  if (content === undefined) {
    yield* process.complain(
      `postgres: could not access the server configuration file "${folder}/postgresql.conf": No such file or directory\n`,
    )
    return 2
  }
  const log = (text: string): Step<void> => process.complain(`${stamp(process)} ${text}\n`)
  const ending = endingOn(process, { TERM: 0, INT: 0, QUIT: 0 })
  const threads = new Threads()
  const listener = process.sockets.listen(port)
  yield* log(`LOG:  starting ${longVersion}`)
  yield* log(`LOG:  listening on IPv4 address "0.0.0.0", port ${port}`)
  yield* log(`LOG:  listening on IPv6 address "::", port ${port}`)
  yield* log(`LOG:  listening on Unix socket "/var/run/postgresql/.s.PGSQL.${port}"`)
  yield* log('LOG:  database system is ready to accept connections')
  const serving: Serving = { process, store: new SqlStore(content), folder, log }
  threads.add(
    (function* () {
      for (;;) threads.add(talk(serving, yield* listener.accept()))
    })(),
  )
  const code = yield* threads.run(ending.wait())
  yield* log('LOG:  received fast shutdown request')
  yield* log('LOG:  database system is shut down')
  return code
}

const pairOf = (text: string): [string, string] => [
  text.split('=')[0]!.trim(),
  text.slice(text.indexOf('=') + 1).trim(),
]

const stamp = ({ clock, pid }: Process): string => fillTimes(`$(postgres-time) UTC [${pid}]`, clock.now())

export interface Serving {
  readonly process: Process
  readonly store: SqlStore
  readonly folder: string
  log(text: string): Step<void>
}

function* talk(serving: Serving, connection: Connection): Step<void> {
  const bytes = new ConnectionBytes(connection)
  try {
    let startup = yield* readStartup(bytes)
    if (startup?.code === sslRequest) {
      yield* bytes.write(Buffer.from('N'))
      startup = yield* readStartup(bytes)
    }
    if (startup === undefined) return
    const facts = pairs(strings(startup.body))
    const user = facts.get('user') ?? 'postgres'
    const database = facts.get('database') ?? user
    const refused = yield* admitted(serving, bytes, user, database)
    if (refused === 'gone') return
    if (refused !== undefined) {
      yield* serving.log(`FATAL:  ${refused.message}`)
      yield* bytes.write(errorMessage(refused))
      return
    }
    yield* bytes.write(
      Buffer.concat([
        message('R', 0),
        ...Object.entries({
          server_version: version,
          client_encoding: 'UTF8',
          DateStyle: 'ISO, MDY',
          TimeZone: 'Etc/UTC',
          standard_conforming_strings: 'on',
        }).map(([name, value]) => message('S', name, value)),
        message('K', 100, 1),
      ]),
    )
    yield* queries(serving, bytes, sessionOf(serving, connection, user, database))
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    connection.close()
  }
}

function pairs(words: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (let at = 0; at + 1 < words.length; at += 2) if (words[at] !== '') found.set(words[at]!, words[at + 1]!)
  return found
}

/** The image's pg_hba.conf: everybody from the same pod, with a password from elsewhere. */
function* admitted(
  { store, process }: Serving,
  bytes: ConnectionBytes,
  user: string,
  database: string,
): Step<Said | 'gone' | undefined> {
  const { accounts, databases } = store.content
  const { env } = process
  const fatal = (code: string, text: string): Said => ({ severity: 'FATAL', code, message: text })
  const from = bytes.connection.remote.host
  const isLocal = from === '127.0.0.1' || from === '::1' || process.machine.podIPs.includes(from)
  if (!isLocal && env.get('POSTGRES_HOST_AUTH_METHOD') !== 'trust') {
    yield* bytes.write(message('R', 3))
    const answer = yield* readMessage(bytes)
    if (answer === undefined) return 'gone'
    const password = strings(answer.body)[0]
    if (accounts[user] === undefined || accounts[user] === null || accounts[user] !== password) {
      return fatal('28P01', `password authentication failed for user "${user}"`)
    }
  }
  if (accounts[user] === undefined) return fatal('28000', `role "${user}" does not exist`)
  return databases[database] === undefined ? fatal('3D000', `database "${database}" does not exist`) : undefined
}

function sessionOf({ process }: Serving, connection: Connection, user: string, database: string): Session {
  const now = (): string => new Date(process.clock.now()).toISOString().replace('T', ' ').replace('Z', '000+00')
  const constants: Readonly<Record<string, () => Value>> = {
    version: () => longVersion,
    now,
    current_timestamp: now,
    current_date: () => now().slice(0, 10),
    current_user: () => user,
    session_user: () => user,
    user: () => user,
    current_database: () => database,
    current_schema: () => 'public',
    inet_server_addr: () => process.machine.podIPs[0] ?? null,
    inet_client_addr: () => connection.remote.host,
    pg_is_in_recovery: () => false,
    pg_backend_pid: () => 100,
    pg_postmaster_start_time: () => new Date(process.machine.startedAt).toISOString(),
    '@@server_version': () => version,
    '@@max_connections': () => '100',
  }
  return {
    dialect: 'postgres',
    user,
    database,
    constant: name => (Object.hasOwn(constants, name) ? constants[name]!() : undefined),
  }
}

function* queries(serving: Serving, bytes: ConnectionBytes, session: Session): Step<void> {
  let isBroken = false
  yield* bytes.write(message('Z', Buffer.from('I')))
  for (;;) {
    const next = yield* readMessage(bytes)
    if (next === undefined || next.type === 'X') return
    if (next.type === 'Q') {
      yield* bytes.write(
        Buffer.concat([...(yield* answered(serving, session, strings(next.body)[0]!)), message('Z', Buffer.from('I'))]),
      )
      continue
    }
    // The extended protocol is refused once, and what belongs to it is passed over up to its Sync.
    if (next.type === 'S') {
      isBroken = false
      yield* bytes.write(message('Z', Buffer.from('I')))
    } else if (!isBroken) {
      isBroken = true
      yield* bytes.write(errorMessage(wordsOf({ kind: 'missing', what: 'prepared statements' })))
    }
  }
}

/** Statement after statement, up to the first that is wrong. */
export function* answered(serving: Serving, session: Session, sql: string): Step<Buffer[]> {
  const { process, store, folder } = serving
  const out: Buffer[] = []
  try {
    const parts = splitStatements(sql, 'postgres')
    if (parts.length === 0) return [message('I')]
    for (const part of parts) {
      const result = store.execute(parseStatement(part, 'postgres'), session)
      if (result.writes) storeContent(process, folder, store.content)
      if (result.columns) out.push(rowDescription(result.columns), ...result.rows.map(dataRow))
      out.push(message('C', result.tag))
    }
  } catch (error) {
    if (!(error instanceof SqlFault)) throw error
    const said = wordsOf(error.fault)
    yield* serving.log(`ERROR:  ${said.message}`)
    yield* serving.log(`STATEMENT:  ${sql}`)
    out.push(errorMessage(said))
  }
  return out
}

/** As PostgreSQL words it, with its codes. */
function wordsOf(fault: Fault): Said {
  const error = (code: string, text: string, detail?: string): Said => ({
    severity: 'ERROR',
    code,
    message: text,
    detail,
  })
  switch (fault.kind) {
    case 'syntax': {
      const word = /^(?:"[^"]*"|'[^']*'|[\w$]+|\S)/.exec(fault.near.trim())?.[0]
      return error('42601', word === undefined ? 'syntax error at end of input' : `syntax error at or near "${word}"`)
    }
    case 'missing':
      return error('0A000', `kubesim's postgres does not understand ${fault.what} yet`)
    case 'no table':
      return error('42P01', `relation "${fault.name}" does not exist`)
    case 'table exists':
      return error('42P07', `relation "${fault.name}" already exists`)
    case 'no column':
      return fault.table === ''
        ? error('42703', `column "${fault.name}" does not exist`)
        : error('42703', `column "${fault.name}" of relation "${fault.table}" does not exist`)
    case 'no database':
      return error('3D000', `database "${fault.name}" does not exist`)
    case 'database exists':
      return error('42P04', `database "${fault.name}" already exists`)
    case 'no account':
      return error('42704', `role "${fault.name}" does not exist`)
    case 'no function':
      return error('42883', `function ${fault.name}() does not exist`)
    case 'no database selected':
      return error('3D000', 'no database is selected')
    case 'duplicate': {
      const key = `${fault.table}_${fault.column === 'id' ? '' : `${fault.column}_`}${fault.column === 'id' ? 'pkey' : 'key'}`
      return error(
        '23505',
        `duplicate key value violates unique constraint "${key}"`,
        `Key (${fault.column})=(${fault.value}) already exists.`,
      )
    }
    case 'required':
      return error(
        '23502',
        `null value in column "${fault.column}" of relation "${fault.table}" violates not-null constraint`,
      )
    case 'wrong value':
      return error('22P02', `invalid input syntax for type ${fault.type}: "${fault.value}"`)
    case 'count':
      return error(
        '42601',
        fault.more
          ? 'INSERT has more expressions than target columns'
          : 'INSERT has more target columns than expressions',
      )
    case 'zero':
      return error('22012', 'division by zero')
    case 'disk':
      return error('53100', `could not write to file: ${fault.why}`)
  }
}
