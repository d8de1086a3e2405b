// mysql and mysqladmin (and MariaDB's names for them): the protocol's other side, with their tables, prompts and words.

import type { Process, Program } from '../../../machine/process.ts'
import { NameError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { ConnectionBytes } from '../sql/connection-bytes.ts'
import { SqlFault, splitStatements } from '../sql/statement.ts'
import type { ResultColumn } from '../sql/tables.ts'
import {
  changedOf,
  columnOf,
  failureOf,
  login,
  packet,
  proofOf,
  readGreeting,
  readPacket,
  rowOf,
  type Said,
} from './packets.ts'

interface Wish {
  host: string | undefined
  port: number
  user: string
  password: string | undefined
  asks: boolean
  database: string | undefined
  execute: string | undefined
  /** Tab-separated, without frames. */
  batch: boolean
  names: boolean
  silent: boolean
  table: boolean
  wait: boolean
  readonly words: string[]
}

function wishOf(process: Process): Wish {
  const { env } = process
  const wish: Wish = {
    host: env.get('MYSQL_HOST'),
    port: Number(env.get('MYSQL_TCP_PORT') ?? 3306),
    user: 'root',
    password: env.get('MYSQL_PWD'),
    asks: false,
    database: undefined,
    execute: undefined,
    batch: false,
    names: true,
    silent: false,
    table: false,
    wait: false,
    words: [],
  }
  const rest = process.argv.slice(1)
  while (rest.length > 0) {
    let word = rest.shift()!
    // `-BNe SELECT` is `-B -N -e SELECT`.
    if (/^-[BNtsqw]\w/.test(word)) {
      rest.unshift(`-${word.slice(2)}`)
      word = word.slice(0, 2)
    }
    const [, long, equal] = /^--([\w-]+)(?:=([\s\S]*))?$/.exec(word) ?? []
    const letter = long ?? /^-(\w)/.exec(word)?.[1]
    if (letter === undefined) {
      wish.words.push(word)
      continue
    }
    const own = long === undefined ? word.slice(2) : equal
    const value = (): string => (own === undefined || own === '' ? (rest.shift() ?? '') : own)
    if (letter === 'h' || letter === 'host') wish.host = value()
    else if (letter === 'P' || letter === 'port') wish.port = Number(value())
    else if (letter === 'u' || letter === 'user') wish.user = value()
    else if (letter === 'D' || letter === 'database') wish.database = value()
    else if (letter === 'e' || letter === 'execute') wish.execute = value()
    else if (letter === 'S' || letter === 'socket' || letter === 'protocol' || letter === 'connect-timeout') value()
    else if (letter === 'p' || letter === 'password') {
      if (own === undefined || (own === '' && long === undefined)) wish.asks = true
      else wish.password = own
    } else if (letter === 'B' || letter === 'batch') wish.batch = true
    else if (letter === 't' || letter === 'table') wish.table = true
    else if (letter === 'N' || letter === 'skip-column-names') wish.names = false
    else if (letter === 's' || letter === 'silent') wish.silent = true
    else if (letter === 'w' || letter === 'wait') wish.wait = true
  }
  return wish
}

const isSocket = ({ host }: Wish): boolean => host === undefined || host === 'localhost'

type Opened = { readonly bytes: ConnectionBytes; readonly version: string } | Said

function* opened(process: Process, wish: Wish): Step<Opened> {
  const { host, port, user, database, password = '' } = wish
  let bytes: ConnectionBytes
  const fault = (code: number, message: string): Said => ({ code, state: 'HY000', message })
  try {
    const [address = '127.0.0.1'] = isSocket(wish) ? [] : yield* process.sockets.lookup(host!)
    bytes = new ConnectionBytes(yield* process.sockets.connect({ host: address, port }))
  } catch (error) {
    if (error instanceof NameError) return fault(2005, `Unknown MySQL server host '${host}' (-2)`)
    if (!(error instanceof SystemError)) throw error
    if (isSocket(wish))
      return fault(2002, "Can't connect to local MySQL server through socket '/var/run/mysqld/mysqld.sock' (2)")
    const number = error.errno === 'ETIMEDOUT' ? 110 : error.errno === 'EHOSTUNREACH' ? 113 : 111
    return fault(2003, `Can't connect to MySQL server on '${host}:${port}' (${number})`)
  }
  const first = yield* readPacket(bytes)
  const lost = fault(2013, "Lost connection to MySQL server at 'reading initial communication packet', system error: 0")
  if (first === undefined) return lost
  const { version, nonce } = readGreeting(first)
  yield* bytes.write(login({ user, proof: proofOf(password, nonce), database }))
  for (;;) {
    const next = yield* readPacket(bytes)
    if (next === undefined) return lost
    if (next.body[0] === 0xff) return failureOf(next.body)
    if (next.body[0] === 0) return { bytes, version }
  }
}

const wordsOf = ({ code, state, message }: Said): string => `ERROR ${code} (${state})`.concat(`: ${message}\n`)

function* withPassword(process: Process, wish: Wish): Step<void> {
  if (!wish.asks) {
    const name = process.argv[0]!.slice(process.argv[0]!.lastIndexOf('/') + 1)
    if (name.startsWith('mysql') && process.argv.some(word => /^(-p.|--password=)/.test(word))) {
      yield* process.complain(`${name}: [Warning] Using a password on the command line interface can be insecure.\n`)
    }
    return
  }
  yield* process.print('Enter password: ')
  wish.password = yield* process.readLine()
  yield* process.print('\n')
}

export const mysql: Program = function* (process) {
  const wish = wishOf(process)
  if (process.argv.some(word => word === '-V' || word === '--version')) {
    yield* process.print('mysql  Ver 8.0.43 for Linux on x86_64 (MySQL Community Server - GPL)\n')
    return 0
  }
  wish.database ??= wish.words[0]
  yield* withPassword(process, wish)
  const found = yield* opened(process, wish)
  if (!('bytes' in found)) {
    yield* process.complain(wordsOf(found))
    return 1
  }
  const talking = new Talking(process, found.bytes, wish)
  const code = wish.execute === undefined ? yield* talking.converse(found.version) : yield* talking.run(wish.execute)
  found.bytes.connection.close()
  return code
}

class Talking {
  readonly #process: Process
  readonly #bytes: ConnectionBytes
  readonly #wish: Wish
  #isInteractive = false

  constructor(process: Process, bytes: ConnectionBytes, wish: Wish) {
    this.#process = process
    this.#bytes = bytes
    this.#wish = wish
  }

  /** Up to the first statement that fails. */
  *run(sql: string): Step<number> {
    let parts: readonly string[]
    try {
      parts = splitStatements(sql, 'mysql')
    } catch (error) {
      if (!(error instanceof SqlFault)) throw error
      parts = [sql]
    }
    for (const part of parts) {
      const use = /^use\s+`?(\w+)`?$/i.exec(part)
      const code = yield* this.#ask(part.replace(/\\[gG]$/, ''))
      if (code !== 0) return code
      if (use && this.#isInteractive) yield* this.#process.print('Database changed\n')
    }
    return 0
  }

  *converse(version: string): Step<number> {
    const process = this.#process
    this.#isInteractive = process.descriptors.get(0)?.terminal !== undefined
    if (this.#isInteractive) {
      yield* process.print(
        `Welcome to the MySQL monitor.  Commands end with ; or \\g.\nYour MySQL connection id is 8\nServer version: ${version} MySQL Community Server - GPL\n\nType 'help;' or '\\h' for help. Type '\\c' to clear the current input statement.\n\n`,
      )
    }
    let gathered = ''
    for (;;) {
      if (this.#isInteractive) yield* process.print(gathered === '' ? 'mysql> ' : '    -> ')
      const line = yield* process.readLine()
      if (line === undefined) break
      if (gathered === '' && /^\s*(\\q|quit|exit)\s*;?\s*$/i.test(line)) {
        if (this.#isInteractive) yield* process.print('Bye\n')
        return 0
      }
      gathered += `${line}\n`
      if (!/(;|\\g)\s*(--.*|#.*)?$/i.test(line)) continue
      const code = yield* this.run(gathered)
      gathered = ''
      if (code !== 0 && !this.#isInteractive) return code
    }
    if (gathered.trim() !== '') return yield* this.run(gathered)
    if (this.#isInteractive) yield* process.print('Bye\n')
    return 0
  }

  *#ask(sql: string): Step<number> {
    const process = this.#process
    yield* this.#bytes.write(packet(0, Buffer.from([3]), Buffer.from(sql)))
    const first = yield* readPacket(this.#bytes)
    if (first === undefined) {
      yield* process.complain('ERROR 2013 (HY000): Lost connection to MySQL server during query\n')
      return 1
    }
    if (first.body[0] === 0xff) {
      const { code, state, message } = failureOf(first.body)
      const at = this.#isInteractive ? '' : ' at line 1'
      yield* process.complain(`ERROR ${code} (${state})${at}: ${message}\n`)
      return 1
    }
    if (first.body[0] === 0) {
      if (this.#isInteractive && !/^use\s/i.test(sql)) {
        const changed = changedOf(first.body)
        yield* process.print(`Query OK, ${changed} row${changed === 1 ? '' : 's'} affected (0.01 sec)\n\n`)
      }
      return 0
    }
    const columns: ResultColumn[] = []
    for (let count = first.body[0]!; columns.length < count; )
      columns.push(columnOf((yield* readPacket(this.#bytes))!.body))
    yield* readPacket(this.#bytes)
    const rows: (readonly (string | null)[])[] = []
    for (;;) {
      const next = yield* readPacket(this.#bytes)
      if (next === undefined || (next.body[0] === 0xfe && next.body.length < 9)) break
      rows.push(rowOf(next.body, columns.length))
    }
    yield* process.print(this.#shown(columns, rows))
    return 0
  }

  /** Framed for a terminal, else a line a row. */
  #shown(columns: readonly ResultColumn[], rows: readonly (readonly (string | null)[])[]): string {
    const { batch, names, silent, table } = this.#wish
    const isPlain =
      batch || silent || !(table || this.#isInteractive || this.#process.descriptors.get(1)?.terminal !== undefined)
    const cells = rows.map(row => row.map(cell => cell ?? 'NULL'))
    const head = columns.map(({ name }) => name)
    if (isPlain) return [...(names ? [head] : []), ...cells].map(row => `${row.join('\t')}\n`).join('')
    const time = this.#isInteractive ? ' (0.00 sec)' : ''
    if (rows.length === 0) return this.#isInteractive ? `Empty set${time}\n\n` : ''
    const widths = head.map((name, at) => Math.max(name.length, ...cells.map(row => row[at]!.length)))
    const rule = `+${widths.map(width => '-'.repeat(width + 2)).join('+')}+\n`
    const line = (row: readonly string[], isHead: boolean): string =>
      `|${row.map((cell, at) => (isHead || columns[at]!.type === 'text' ? ` ${cell.padEnd(widths[at]!)} ` : ` ${cell.padStart(widths[at]!)} `)).join('|')}|\n`
    const whole = `${rule}${names ? `${line(head, true)}${rule}` : ''}${cells.map(row => line(row, false)).join('')}${rule}`
    return this.#isInteractive ? `${whole}${rows.length} row${rows.length === 1 ? '' : 's'} in set${time}\n\n` : whole
  }
}

export const mysqlAdmin: Program = function* (process) {
  const wish = wishOf(process)
  yield* withPassword(process, wish)
  const [command = 'status'] = wish.words
  let found = yield* opened(process, wish)
  while (!('bytes' in found) && wish.wait && found.code >= 2000) {
    yield* process.sleep(1000)
    found = yield* opened(process, wish)
  }
  const name = process.argv[0]!.slice(process.argv[0]!.lastIndexOf('/') + 1)
  if (!('bytes' in found)) {
    // Who is refused is answered: it lives.
    if (command === 'ping' && found.code === 1045) {
      yield* process.print('mysqld is alive\n')
      return 0
    }
    yield* process.complain(
      found.code < 2000
        ? `${name}: connect to server at '${wish.host ?? 'localhost'}' failed\nerror: '${found.message}'\n`
        : `${name}: connect to server at '${wish.host ?? 'localhost'}' failed\nerror: '${found.message}'\nCheck that mysqld is running on ${wish.host ?? 'localhost'} and that the port is ${wish.port}.\n`,
    )
    return 1
  }
  found.bytes.connection.close()
  if (command === 'ping') yield* process.print('mysqld is alive\n')
  else if (command === 'status') yield* process.print('Uptime: 1  Threads: 2  Questions: 1  Slow queries: 0\n')
  else if (command === 'version') yield* process.print(`Server version\t\t${found.version}\n`)
  else {
    yield* process.complain(`${name}: kubesim's ${name} has no '${command}' yet\n`)
    return 1
  }
  return 0
}
