// mysqld and mariadbd: who may connect, queries upon tables that stay in /var/lib/mysql, and the words of the real server. Prepared
// statements are refused by name.

import type { Process, Program } from '../../../machine/process.ts'
import type { Connection } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { endingOn } from '../ending.ts'
import { ConnectionBytes } from '../sql/connection-bytes.ts'
import { type Fault, parseStatement, SqlFault, splitStatements, type Value } from '../sql/statement.ts'
import { storeContent, storedContent } from '../sql/stored.ts'
import { type Session, SqlStore } from '../sql/tables.ts'
import { Threads } from '../threads.ts'
import {
  failure,
  greeting,
  okay,
  plugin,
  proofOf,
  provenFast,
  readLogin,
  readPacket,
  resultPackets,
  type Said,
  switchTo,
} from './packets.ts'

export const dataFolder = '/var/lib/mysql'

export interface Brand {
  readonly product: string
  readonly version: string
  readonly server: string
}

export function brandOf({ argv, machine }: Process): Brand {
  const isMaria = /maria/.test(argv[0] ?? '') || /mariadb/.test(machine.image)
  if (isMaria) return { product: 'MariaDB', version: '11.8.3-MariaDB-ubu2404', server: 'mariadbd' }
  const tag = /:(\d+\.\d+(?:\.\d+)?)/.exec(machine.image)?.[1]
  const version = tag === undefined ? '8.0.43' : tag.split('.').length === 2 ? `${tag}.43` : tag
  return { product: 'MySQL', version, server: '/usr/sbin/mysqld' }
}

export const mysqlServer: Program = function* (process) {
  const brand = brandOf(process)
  const { version, server } = brand
  const log = (level: string, text: string): Step<void> =>
    process.complain(`${new Date(process.clock.now()).toISOString().replace('Z', '000Z')} 0 [${level}] ${text}\n`)
  const content = storedContent(process, dataFolder)
  if (content === undefined) {
    yield* log('ERROR', `[MY-010119] [Server] Can't find a data directory in ${dataFolder}`)
    return 1
  }
  const settings = new Map<string, string>()
  for (const path of filesOf(process)) readSettings(process.files.readText(path), settings)
  for (const word of process.argv.slice(1)) {
    const [, name, value = ''] = /^--([\w-]+)(?:=(.*))?$/.exec(word) ?? []
    if (name !== undefined) settings.set(name.replaceAll('-', '_'), value)
  }
  const port = Number(settings.get('port') ?? 3306)
  yield* log('System', `[MY-010116] [Server] ${server} (mysqld ${version}) starting as process 1`)
  const ending = endingOn(process, { TERM: 0, INT: 0, QUIT: 0 })
  const threads = new Threads()
  const listener = process.sockets.listen(port)
  yield* log(
    'System',
    `[MY-010931] [Server] ${server}: ready for connections. Version: '${version}'  socket: '/var/run/mysqld/mysqld.sock'  port: ${port}  ${brand.product} Community Server - GPL.`,
  )
  const serving: Serving = { process, store: new SqlStore(content), brand, settings }
  let connections = 7
  threads.add(
    (function* () {
      for (;;) threads.add(talk(serving, yield* listener.accept(), ++connections))
    })(),
  )
  const code = yield* threads.run(ending.wait())
  yield* log(
    'System',
    `[MY-010910] [Server] ${server}: Shutdown complete (mysqld ${version})  ${brand.product} Community Server - GPL.`,
  )
  return code
}

/** Of the image, and those that are mounted there. */
function filesOf({ files }: Process): readonly string[] {
  return ['/etc/mysql/conf.d', '/etc/mysql/mysql.conf.d', '/etc/mysql/mariadb.conf.d'].flatMap(folder =>
    files.exists(folder)
      ? files
          .list(folder)
          .filter(name => name.endsWith('.cnf'))
          .map(name => `${folder}/${name}`)
      : [],
  )
}

function readSettings(text: string, settings: Map<string, string>): void {
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^\s*([\w-]+)\s*(?:=\s*(.*?))?\s*$/.exec(line) ?? []
    if (name !== undefined) settings.set(name.replaceAll('-', '_'), value)
  }
}

export interface Serving {
  readonly process: Process
  readonly store: SqlStore
  readonly brand: Brand
  readonly settings: ReadonlyMap<string, string>
}

function* talk(serving: Serving, connection: Connection, thread: number): Step<void> {
  const bytes = new ConnectionBytes(connection)
  const { process, store, brand } = serving
  try {
    // Of letters alone: a zero would end it.
    const nonce = Buffer.from(Array.from({ length: 20 }, () => 33 + Math.floor(process.random.fraction() * 90)))
    yield* bytes.write(greeting(brand.version, thread, nonce))
    const first = yield* readPacket(bytes)
    if (first === undefined) return
    const asked = readLogin(first)
    let { proof } = asked
    let { number } = first
    if (asked.plugin !== plugin && proof.length > 0) {
      yield* bytes.write(switchTo(++number, nonce))
      const again = yield* readPacket(bytes)
      if (again === undefined) return
      ;({ body: proof, number } = again)
    }
    const password = store.content.accounts[asked.user]
    const isRight = password !== undefined && proofOf(password ?? '', nonce).equals(proof)
    const from = connection.remote.host
    const host = from === '127.0.0.1' || process.machine.podIPs.includes(from) ? 'localhost' : from
    if (!isRight) {
      const message = `Access denied for user '${asked.user}'@'${host}' (using password: ${proof.length > 0 ? 'YES' : 'NO'})`
      yield* bytes.write(failure(number + 1, { code: 1045, state: '28000', message }))
      return
    }
    if (asked.database !== undefined && store.content.databases[asked.database] === undefined) {
      yield* bytes.write(failure(number + 1, wordsOf({ kind: 'no database', name: asked.database }, brand)))
      return
    }
    if (proof.length > 0) yield* bytes.write(provenFast(++number))
    yield* bytes.write(okay(number + 1))
    yield* commands(serving, bytes, sessionOf(serving, asked.user, host, asked.database, thread))
  } catch (error) {
    if (!(error instanceof SystemError)) throw error
  } finally {
    connection.close()
  }
}

export function sessionOf(
  { process, brand, settings }: Serving,
  user: string,
  host: string,
  database: string | undefined,
  thread: number,
): Session {
  const now = (): string => new Date(process.clock.now()).toISOString().replace('T', ' ').slice(0, 19)
  const setting = (name: string, otherwise: string) => (): Value => settings.get(name) ?? otherwise
  const constants: Readonly<Record<string, () => Value>> = {
    version: () => brand.version,
    now,
    current_timestamp: now,
    current_date: () => now().slice(0, 10),
    user: () => `${user}@${host}`,
    current_user: () => `${user}@%`,
    database: () => session.database ?? null,
    schema: () => session.database ?? null,
    connection_id: () => thread,
    '@@version': () => brand.version,
    '@@version_comment': () =>
      brand.product === 'MySQL' ? 'MySQL Community Server - GPL' : 'mariadb.org binary distribution',
    '@@hostname': () => process.machine.hostname,
    '@@port': setting('port', '3306'),
    '@@server_id': setting('server_id', '1'),
    '@@read_only': setting('read_only', '0'),
    '@@super_read_only': setting('super_read_only', '0'),
    '@@max_connections': setting('max_connections', '151'),
    '@@max_allowed_packet': setting('max_allowed_packet', '67108864'),
    '@@autocommit': () => '1',
    '@@character_set_server': setting('character_set_server', 'utf8mb4'),
    '@@datadir': () => `${dataFolder}/`,
  }
  const session: Session = {
    dialect: 'mysql',
    user,
    database,
    constant: name => (Object.hasOwn(constants, name) ? constants[name]!() : undefined),
  }
  return session
}

function* commands(serving: Serving, bytes: ConnectionBytes, session: Session): Step<void> {
  for (;;) {
    const next = yield* readPacket(bytes)
    if (next === undefined || next.body[0] === 1) return
    const words = next.body.subarray(1).toString()
    switch (next.body[0]) {
      case 2:
        yield* bytes.write(answered(serving, session, `USE \`${words}\``))
        break
      case 3:
        yield* bytes.write(answered(serving, session, words))
        break
      case 0x0e:
        yield* bytes.write(okay(1))
        break
      default:
        yield* bytes.write(failure(1, wordsOf({ kind: 'missing', what: 'prepared statements' }, serving.brand)))
    }
  }
}

/** One statement; of several the first that fails is told, or else the last. */
export function answered({ process, store, brand }: Serving, session: Session, sql: string): Buffer {
  try {
    let answer = failure(1, { code: 1065, state: '42000', message: 'Query was empty' })
    for (const part of splitStatements(sql, 'mysql')) {
      const result = store.execute(parseStatement(part, 'mysql'), session)
      if (result.writes) storeContent(process, dataFolder, store.content)
      answer = result.columns ? resultPackets(result.columns, result.rows) : okay(1, result.changed, result.numbered)
    }
    return answer
  } catch (error) {
    if (!(error instanceof SqlFault)) throw error
    return failure(1, wordsOf(error.fault, brand))
  }
}

/** As MySQL words it, with its codes. */
function wordsOf(fault: Fault, { product }: Brand): Said {
  const error = (code: number, state: string, message: string): Said => ({ code, state, message })
  switch (fault.kind) {
    case 'syntax':
      return error(
        1064,
        '42000',
        `You have an error in your SQL syntax; check the manual that corresponds to your ${product} server version for the right syntax to use near '${fault.near.slice(0, 80)}' at line 1`,
      )
    case 'missing':
      return error(1235, '42000', `kubesim's ${product} does not understand ${fault.what} yet`)
    case 'no table':
      return error(1146, '42S02', `Table '${fault.database}.${fault.name}' doesn't exist`)
    case 'table exists':
      return error(1050, '42S01', `Table '${fault.name}' already exists`)
    case 'no column':
      return error(1054, '42S22', `Unknown column '${fault.name}' in 'field list'`)
    case 'no database':
      return error(1049, '42000', `Unknown database '${fault.name}'`)
    case 'database exists':
      return error(1007, 'HY000', `Can't create database '${fault.name}'; database exists`)
    case 'no account':
      return error(1396, 'HY000', `Operation ALTER USER failed for '${fault.name}'@'%'`)
    case 'no function':
      return error(1305, '42000', `FUNCTION ${fault.name} does not exist`)
    case 'no database selected':
      return error(1046, '3D000', 'No database selected')
    case 'duplicate':
      return error(
        1062,
        '23000',
        `Duplicate entry '${fault.value}' for key '${fault.table}.${fault.column === 'id' ? 'PRIMARY' : fault.column}'`,
      )
    case 'required':
      return fault.given
        ? error(1048, '23000', `Column '${fault.column}' cannot be null`)
        : error(1364, 'HY000', `Field '${fault.column}' doesn't have a default value`)
    case 'wrong value':
      return error(
        1366,
        'HY000',
        `Incorrect ${fault.type} value: '${fault.value}' for column '${fault.column}' at row 1`,
      )
    case 'count':
      return error(1136, '21S01', "Column count doesn't match value count at row 1")
    case 'zero':
      return error(1365, '22012', 'Division by 0')
    case 'disk':
      return error(1030, 'HY000', `Got error - '${fault.why}' from storage engine`)
  }
}
