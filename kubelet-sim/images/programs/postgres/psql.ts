// psql and pg_isready: the protocol's other side, with psql's tables, prompts and words.

import type { Process, Program } from '../../../machine/process.ts'
import { NameError } from '../../../machine/sockets.ts'
import { SystemError } from '../../../machine/system-error.ts'
import type { Step } from '../../../machine/wait.ts'
import { ConnectionBytes } from '../sql/connection-bytes.ts'
import type { ResultColumn } from '../sql/tables.ts'
import { columnsOf, errorOf, int32, message, protocolVersion, readMessage, rowOf, type Said } from './messages.ts'
import { version } from './server.ts'

interface Wish {
  host: string | undefined
  port: number
  user: string
  database: string | undefined
  commands: string[]
  readonly files: string[]
  tuplesOnly: boolean
  unaligned: boolean
  quiet: boolean
  stopsOnError: boolean
  separator: string
}

const withValue: ReadonlySet<string> = new Set(['h', 'p', 'U', 'd', 'c', 'f', 'F', 'v', 't'])
const longNames: Readonly<Record<string, string>> = {
  host: 'h',
  port: 'p',
  username: 'U',
  dbname: 'd',
  command: 'c',
  file: 'f',
  'tuples-only': 't',
  'no-align': 'A',
  quiet: 'q',
  list: 'l',
  version: 'V',
  'field-separator': 'F',
  variable: 'v',
  timeout: 't',
  set: 'v',
}

/** Options by their letters, in order; the rest are words. */
function optionsOf(
  process: Process,
  flags: string,
): { readonly options: [string, string][]; readonly words: string[] } {
  const options: [string, string][] = []
  const words: string[] = []
  const rest = process.argv.slice(1)
  while (rest.length > 0) {
    const word = rest.shift()!
    const [, long, equal] = /^--([\w-]+)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (long !== undefined) {
      const letter = longNames[long] ?? long
      options.push([letter, equal ?? (withValue.has(letter) && !flags.includes(letter) ? (rest.shift() ?? '') : '')])
    } else if (/^-\w/.test(word)) {
      for (let at = 1; at < word.length; at++) {
        const letter = word[at]!
        if (!withValue.has(letter) || flags.includes(letter)) {
          options.push([letter, ''])
          continue
        }
        options.push([letter, word.slice(at + 1) || (rest.shift() ?? '')])
        break
      }
    } else words.push(word)
  }
  return { options, words }
}

export const psql: Program = function* (process) {
  const { options, words } = optionsOf(process, 't')
  const { env } = process
  const wish: Wish = {
    host: env.get('PGHOST'),
    port: Number(env.get('PGPORT') ?? 5432),
    user: env.get('PGUSER') ?? (process.user.uid === 0 ? 'root' : 'postgres'),
    database: env.get('PGDATABASE'),
    commands: [],
    files: [],
    tuplesOnly: false,
    unaligned: false,
    quiet: false,
    stopsOnError: false,
    separator: '|',
  }
  for (const [letter, value] of options) {
    if (letter === 'V') {
      yield* process.print(`psql (PostgreSQL) ${version} (Debian ${version}-1.pgdg13+1)\n`)
      return 0
    }
    if (letter === 'h') wish.host = value
    else if (letter === 'p') wish.port = Number(value)
    else if (letter === 'U') wish.user = value
    else if (letter === 'd') words.unshift(value)
    else if (letter === 'c') wish.commands.push(value)
    else if (letter === 'f') wish.files.push(value)
    else if (letter === 'l') wish.commands.push('\\l')
    else if (letter === 't') wish.tuplesOnly = true
    else if (letter === 'A') wish.unaligned = true
    else if (letter === 'q') wish.quiet = true
    else if (letter === 'F') wish.separator = value
    else if (letter === 'v' && /^ON_ERROR_STOP=(1|on)$/.test(value)) wish.stopsOnError = true
  }
  const url = /^postgres(?:ql)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^:/]*)(?::(\d+))?(?:\/([^?]*))?/.exec(words[0] ?? '')
  let password = env.get('PGPASSWORD')
  if (url) {
    wish.user = decodeURIComponent(url[1] || wish.user)
    password = url[2] === undefined ? password : decodeURIComponent(url[2])
    wish.host = url[3] || wish.host
    wish.port = Number(url[4] ?? wish.port)
    wish.database = url[5] || wish.database
  } else {
    wish.database = words[0] ?? wish.database
    wish.user = words[1] ?? wish.user
  }
  const opened = yield* connected(process, wish, password)
  if (typeof opened === 'number') return opened
  const code = yield* new Talking(process, opened, wish).run()
  opened.connection.close()
  return code
}

const placeOf = ({ host, port }: Pick<Wish, 'host' | 'port'>): string =>
  host === undefined || host.startsWith('/')
    ? `connection to server on socket "/var/run/postgresql/.s.PGSQL.${port}" failed: `
    : `connection to server at "${host}", port ${port} failed: `

/** The bytes, or psql's exit code. */
function* connected(process: Process, wish: Wish, password: string | undefined): Step<ConnectionBytes | number> {
  const { host, port, user, database = user } = wish
  let bytes: ConnectionBytes
  const fail = function* (why: string): Step<number> {
    yield* process.complain(`psql: error: ${why}\n`)
    return 2
  }
  try {
    const [address = '127.0.0.1'] =
      host === undefined || host.startsWith('/') ? [] : yield* process.sockets.lookup(host)
    bytes = new ConnectionBytes(yield* process.sockets.connect({ host: address, port }))
  } catch (error) {
    if (error instanceof NameError)
      return yield* fail(`could not translate host name "${host}" to address: Name or service not known`)
    if (!(error instanceof SystemError)) throw error
    const isSocket = host === undefined || host.startsWith('/')
    const why = isSocket
      ? 'No such file or directory\n\tIs the server running locally and accepting connections on that socket?'
      : `${error.message}\n\tIs the server running on that host and accepting TCP/IP connections?`
    return yield* fail(`${placeOf(wish)}${why}`)
  }
  const body = Buffer.from(`user\0${user}\0database\0${database}\0application_name\0psql\0\0`)
  yield* bytes.write(Buffer.concat([int32(body.length + 8), int32(protocolVersion), body]))
  for (;;) {
    const next = yield* readMessage(bytes)
    if (next === undefined) return yield* fail(`${placeOf(wish)}server closed the connection unexpectedly`)
    if (next.type === 'Z') return bytes
    if (next.type === 'E') {
      const { severity, message: text } = errorOf(next.body)
      return yield* fail(`${placeOf(wish)}${severity}:  ${text}`)
    }
    if (next.type !== 'R' || next.body.readInt32BE(0) !== 3) continue
    let given = password
    if (given === undefined && process.descriptors.get(0)?.terminal !== undefined) {
      yield* process.print(`Password for user ${user}: `)
      given = yield* process.readLine()
    }
    if (given === undefined) return yield* fail(`${placeOf(wish)}fe_sendauth: no password supplied`)
    yield* bytes.write(message('p', given))
  }
}

class Talking {
  readonly #process: Process
  #bytes: ConnectionBytes
  readonly #wish: Wish

  constructor(process: Process, bytes: ConnectionBytes, wish: Wish) {
    this.#process = process
    this.#bytes = bytes
    this.#wish = wish
  }

  *run(): Step<number> {
    const { commands, files } = this.#wish
    const { files: all } = this.#process
    for (const command of commands) if ((yield* this.#command(command)) !== 0) return 1
    for (const path of files) {
      let text: string
      try {
        text = all.readText(path.startsWith('/') ? path : `${this.#process.cwd}/${path}`)
      } catch (error) {
        if (!(error instanceof SystemError)) throw error
        yield* this.#process.complain(`psql: error: ${path}: ${error.message}\n`)
        return 1
      }
      if ((yield* this.#lines(text.split('\n'))) !== 0) return 3
    }
    if (commands.length + files.length > 0) return 0
    return yield* this.#converse()
  }

  *#lines(lines: readonly string[]): Step<number> {
    let gathered = ''
    for (const line of lines) {
      if (gathered === '' && line.startsWith('\\')) {
        if (/^\\q/.test(line)) return 0
        yield* this.#meta(line)
        continue
      }
      gathered += `${line}\n`
      if (!/;\s*(--.*)?$/.test(line)) continue
      const code = yield* this.#query(gathered)
      gathered = ''
      if (code !== 0 && this.#wish.stopsOnError) return code
    }
    return gathered.trim() === '' ? 0 : yield* this.#query(gathered)
  }

  *#converse(): Step<number> {
    const process = this.#process
    const isTerminal = process.descriptors.get(0)?.terminal !== undefined
    const { user, database = user } = this.#wish
    if (isTerminal) yield* process.print(`psql (${version} (Debian ${version}-1.pgdg13+1))\nType "help" for help.\n\n`)
    let gathered = ''
    for (;;) {
      const end = user === 'postgres' ? '#' : '>'
      if (isTerminal) yield* process.print(`${this.#wish.database ?? database}${gathered === '' ? '=' : '-'}${end} `)
      const line = yield* process.readLine()
      if (line === undefined) break
      const plain = line.trim()
      if (gathered === '' && /^(\\q|quit|exit)\s*;?$/.test(plain)) return 0
      if (gathered === '' && plain === 'help') {
        yield* process.print(
          'You are using psql, the command-line interface to PostgreSQL.\nType:  \\l for databases, \\dt for tables, \\d NAME for one of them\n       \\c NAME for another database, \\q to quit\n',
        )
        continue
      }
      if (gathered === '' && plain.startsWith('\\')) {
        yield* this.#meta(plain)
        continue
      }
      gathered += `${line}\n`
      if (!/;\s*(--.*)?$/.test(line)) continue
      const code = yield* this.#query(gathered)
      gathered = ''
      if (code !== 0 && this.#wish.stopsOnError) return 3
    }
    if (gathered.trim() !== '') yield* this.#query(gathered)
    if (isTerminal) yield* process.print('\\q\n')
    return 0
  }

  #command(text: string): Step<number> {
    return text.startsWith('\\') ? this.#meta(text) : this.#query(text)
  }

  *#meta(text: string): Step<number> {
    const [name = '', ...words] = text.trim().replace(/;$/, '').split(/\s+/)
    const process = this.#process
    switch (name) {
      case '\\l':
      case '\\list':
        return yield* this.#query(
          'SELECT datname AS "Name", datdba AS "Owner", encoding AS "Encoding" FROM pg_database ORDER BY datname',
          'List of databases',
        )
      case '\\dt':
      case '\\d': {
        if (words[0] !== undefined) {
          return yield* this.#query(
            `SELECT column_name AS "Column", data_type AS "Type", is_nullable AS "Nullable" FROM information_schema.columns WHERE table_name = '${words[0]}'`,
            `Table "public.${words[0]}"`,
          )
        }
        return yield* this.#query(
          `SELECT schemaname AS "Schema", tablename AS "Name", 'table' AS "Type", tableowner AS "Owner" FROM pg_tables ORDER BY tablename`,
          'List of relations',
        )
      }
      case '\\c':
      case '\\connect': {
        const wish = { ...this.#wish, database: words[0] ?? this.#wish.database }
        const { env } = process
        const opened = yield* connected(process, wish, env.get('PGPASSWORD'))
        if (typeof opened === 'number') return opened
        this.#bytes.connection.close()
        this.#bytes = opened
        this.#wish.database = wish.database
        yield* process.print(`You are now connected to database "${wish.database}" as user "${wish.user}".\n`)
        return 0
      }
      case '\\conninfo': {
        const { user, database = user, port } = this.#wish
        yield* process.print(
          `You are connected to database "${database}" as user "${user}" via socket in "/var/run/postgresql" at port "${port}".\n`,
        )
        return 0
      }
      case '\\t':
        this.#wish.tuplesOnly = !this.#wish.tuplesOnly
        return 0
      default:
        yield* process.complain(`invalid command ${name}\nTry \\? for help.\n`)
        return 1
    }
  }

  *#query(sql: string, title?: string): Step<number> {
    const process = this.#process
    yield* this.#bytes.write(message('Q', sql))
    let columns: readonly ResultColumn[] = []
    let rows: (readonly (string | null)[])[] = []
    let code = 0
    for (;;) {
      const next = yield* readMessage(this.#bytes)
      if (next === undefined) {
        yield* process.complain(
          'server closed the connection unexpectedly\n\tThis probably means the server terminated abnormally\n\tbefore or while processing the request.\n',
        )
        return 2
      }
      if (next.type === 'Z') return code
      if (next.type === 'T') [columns, rows] = [columnsOf(next.body), []]
      else if (next.type === 'D') rows.push(rowOf(next.body))
      else if (next.type === 'E') {
        code = 1
        yield* process.complain(wordsOf(errorOf(next.body)))
      } else if (next.type === 'C') {
        const tag = next.body.subarray(0, -1).toString()
        if (columns.length > 0) yield* process.print(this.#shown(columns, rows, title))
        if ((columns.length === 0 || !/^(SELECT|SHOW)/.test(tag)) && !this.#wish.quiet) yield* process.print(`${tag}\n`)
        columns = []
      }
    }
  }

  #shown(
    columns: readonly ResultColumn[],
    rows: readonly (readonly (string | null)[])[],
    title: string | undefined,
  ): string {
    const { tuplesOnly, unaligned, separator } = this.#wish
    const count = `(${rows.length} row${rows.length === 1 ? '' : 's'})\n`
    if (unaligned) {
      const lines = [
        ...(tuplesOnly ? [] : [columns.map(({ name }) => name)]),
        ...rows.map(row => row.map(each => each ?? '')),
      ]
      return `${lines.map(line => `${line.join(separator)}\n`).join('')}${tuplesOnly ? '' : count}`
    }
    const widths = columns.map(({ name }, at) => Math.max(name.length, ...rows.map(row => (row[at] ?? '').length)))
    const line = (cells: readonly string[]): string => ` ${cells.join(' | ')}`
    const body = rows.map(row =>
      line(
        row.map((cell, at) => {
          const isLast = at === columns.length - 1
          const text = cell ?? ''
          return columns[at]!.type === 'number' ? text.padStart(widths[at]!) : isLast ? text : text.padEnd(widths[at]!)
        }),
      ),
    )
    if (tuplesOnly) return `${body.join('\n')}${body.length > 0 ? '\n' : ''}\n`
    const centred = columns.map(({ name }, at) => {
      const space = widths[at]! - name.length
      return `${' '.repeat(Math.floor(space / 2))}${name}${' '.repeat(Math.ceil(space / 2))}`
    })
    const rule = widths.map(width => '-'.repeat(width + 2)).join('+')
    const whole = rule.length
    const head =
      title === undefined ? '' : `${' '.repeat(Math.max(0, Math.floor((whole - title.length) / 2)))}${title}\n`
    return `${head}${line(centred)} \n${rule}\n${body.map(each => `${each}\n`).join('')}${count}\n`
  }
}

const wordsOf = ({ severity, message: text, detail }: Said): string =>
  `${severity}:  ${text}\n${detail === undefined ? '' : `DETAIL:  ${detail}\n`}`

export const pgIsReady: Program = function* (process) {
  const { options } = optionsOf(process, '')
  const { env } = process
  const values = new Map(options)
  const host = values.get('h') ?? env.get('PGHOST')
  const port = Number(values.get('p') ?? env.get('PGPORT') ?? 5432)
  const place = host === undefined || host.startsWith('/') ? `/var/run/postgresql:${port}` : `${host}:${port}`
  const say = (text: string): Step<void> =>
    values.has('q') ? process.print('') : process.print(`${place} - ${text}\n`)
  try {
    const [address = '127.0.0.1'] =
      host === undefined || host.startsWith('/') ? [] : yield* process.sockets.lookup(host)
    const connection = yield* process.sockets.connect({ host: address, port }, { timeout: 3000 })
    connection.close()
    yield* say('accepting connections')
    return 0
  } catch (error) {
    if (!(error instanceof SystemError) && !(error instanceof NameError)) throw error
    yield* say('no response')
    return 2
  }
}
