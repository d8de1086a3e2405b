// What a simulated database holds, and what a statement does with it: databases of tables of rows, in memory, and as JSON for the
// file that keeps them. Pure but for what its session knows. Throws SqlFault, which each database words as its own.

import { evaluate, isAggregate, like, resultType } from './evaluation.ts'
import {
  type ColumnDefinition,
  type Dialect,
  type Expression,
  type SelectItem,
  SqlFault,
  type Statement,
  type TableName,
  type Value,
} from './statement.ts'

export interface Column extends Omit<ColumnDefinition, 'otherwise'> {
  readonly otherwise: Expression | undefined
}

interface Table {
  readonly columns: readonly Column[]
  rows: Value[][]
  /** The number that the next row gets. */
  next: number
}

type Tables = Record<string, Table>

export interface Content {
  readonly databases: Record<string, Tables>
  /** By name of the account. */
  readonly accounts: Record<string, string | null>
}

export interface Session {
  readonly dialect: Dialect
  readonly user: string
  database: string | undefined
  /** A function or variable of the server's own. */
  constant(name: string, args: readonly Value[]): Value | undefined
}

export interface ResultColumn {
  readonly name: string
  readonly type: 'number' | 'text' | 'boolean'
}

export interface Result {
  readonly tag: string
  readonly columns?: readonly ResultColumn[]
  readonly rows: readonly (readonly Value[])[]
  /** Rows that were changed. */
  readonly changed: number
  readonly writes: boolean
  /** The number that the first new row was given. */
  readonly numbered?: number
}

const done = (tag: string, changed = 0, writes = true): Result => ({ tag, rows: [], changed, writes })

export class SqlStore {
  content: Content
  #before: string | undefined

  constructor(content: Content) {
    this.content = content
  }

  execute(statement: Statement, session: Session): Result {
    switch (statement.does) {
      case 'select':
        return this.#select(statement, session)
      case 'insert':
        return this.#insert(statement, session)
      case 'update':
        return this.#update(statement, session)
      case 'delete': {
        const table = this.#table(statement.table, session)
        const kept = table.rows.filter(row => !holds(statement.where, table, row, session))
        const gone = table.rows.length - kept.length
        table.rows = kept
        return done(`DELETE ${gone}`, gone)
      }
      case 'truncate':
        this.#table(statement.table, session).rows = []
        return done('TRUNCATE TABLE')
      case 'create table': {
        const { database, name } = this.#place(statement.table, session)
        const tables = this.#tables(database)
        if (tables[name] !== undefined) {
          if (statement.unless) return done('CREATE TABLE', 0, false)
          throw new SqlFault({ kind: 'table exists', name, database })
        }
        tables[name] = {
          columns: statement.columns.map(column => ({ ...column, otherwise: column.otherwise })),
          rows: [],
          next: 1,
        }
        return done('CREATE TABLE')
      }
      case 'drop table': {
        for (const each of statement.tables) {
          const { database, name } = this.#place(each, session)
          const tables = this.#tables(database)
          if (tables[name] === undefined && !statement.ifThere) throw new SqlFault({ kind: 'no table', name, database })
          delete tables[name]
        }
        return done('DROP TABLE')
      }
      case 'create database': {
        const { name, quiet } = statement
        if (this.content.databases[name] !== undefined) {
          if (quiet) return done('CREATE DATABASE', 1, false)
          throw new SqlFault({ kind: 'database exists', name })
        }
        this.content.databases[name] = Object.create(null) as Tables
        return done('CREATE DATABASE', 1)
      }
      case 'drop database': {
        const { name, quiet } = statement
        if (this.content.databases[name] === undefined && !quiet) throw new SqlFault({ kind: 'no database', name })
        delete this.content.databases[name]
        if (session.database === name) session.database = undefined
        return done('DROP DATABASE')
      }
      case 'use':
        this.#tables(statement.name)
        session.database = statement.name
        return done('USE', 0, false)
      case 'account': {
        const { name, password, gone } = statement
        if (gone) delete this.content.accounts[name]
        else this.content.accounts[name] = password ?? this.content.accounts[name] ?? null
        return done(gone ? 'DROP ROLE' : 'CREATE ROLE')
      }
      case 'show':
        return this.#show(statement.what, statement.like, session)
      case 'describe':
        return this.#describe(statement.table, session)
      case 'begin':
        this.#before = JSON.stringify(this.content)
        return done('BEGIN', 0, false)
      case 'commit':
        this.#before = undefined
        return done('COMMIT', 0, false)
      case 'rollback': {
        const before = this.#before
        this.#before = undefined
        if (before !== undefined) this.content = JSON.parse(before) as Content
        return done('ROLLBACK', 0, before !== undefined)
      }
      case 'nothing':
        return done(statement.tag, 0, false)
    }
  }

  #place({ database, name }: TableName, session: Session): { readonly database: string; readonly name: string } {
    const own = session.dialect === 'postgres' ? undefined : database
    const in_ = own ?? session.database
    if (in_ === undefined) throw new SqlFault({ kind: 'no database selected' })
    return { database: in_, name }
  }

  #tables(database: string): Tables {
    const tables = this.content.databases[database]
    if (tables === undefined) throw new SqlFault({ kind: 'no database', name: database })
    return tables
  }

  #table(named: TableName, session: Session): Table {
    const catalog = this.#catalog(named, session)
    if (catalog !== undefined) return catalog
    const { database, name } = this.#place(named, session)
    const table = this.#tables(database)[name]
    if (table === undefined) throw new SqlFault({ kind: 'no table', name, database })
    return table
  }

  /** What tells of the tables themselves. */
  #catalog({ database, name }: TableName, session: Session): Table | undefined {
    const all = Object.entries(this.content.databases)
    const here = session.dialect === 'postgres' ? all.filter(([each]) => each === session.database) : all
    const rowsOf = <T>(of: (database: string, table: string, its: Table) => T): T[] =>
      here.flatMap(([each, tables]) => Object.entries(tables).map(([table, its]) => of(each, table, its)))
    const schemaOf = (each: string): string => (session.dialect === 'postgres' ? 'public' : each)
    if (database === 'information_schema' && name === 'tables') {
      return made(
        'table_schema table_name table_type',
        rowsOf((each, table) => [schemaOf(each), table, 'BASE TABLE']),
      )
    }
    if (database === 'information_schema' && name === 'columns') {
      const rows = rowsOf((each, table, { columns }) =>
        columns.map(column => [schemaOf(each), table, column.name, column.type, column.isRequired ? 'NO' : 'YES']),
      )
      return made('table_schema table_name column_name data_type is_nullable', rows.flat())
    }
    if (session.dialect !== 'postgres') return undefined
    if (name === 'pg_database')
      return made(
        'datname datdba encoding',
        all.map(([each]) => [each, 'postgres', 'UTF8']),
      )
    if (name === 'pg_tables')
      return made(
        'schemaname tablename tableowner',
        rowsOf((_, table) => ['public', table, session.user]),
      )
    return undefined
  }

  #select(statement: Extract<Statement, { does: 'select' }>, session: Session): Result {
    const { items, from, where, order, limit, offset } = statement
    const table = from === undefined ? { columns: [], rows: [[]], next: 1 } : this.#table(from, session)
    const found = table.rows.filter(row => holds(where, table, row, session))
    const shown = expanded(items, table)
    const columns = shown.map(({ of, as }) => ({ name: as, type: resultType(of, table.columns) }))
    const value = (of: Expression, row: readonly Value[]): Value => evaluate(of, { table, row, session })
    if (shown.some(({ of }) => isAggregate(of))) {
      const only = shown.map(({ of }) => evaluate(of, { table, row: found[0] ?? [], session, all: found }))
      return { tag: 'SELECT 1', columns, rows: [only], changed: 0, writes: false }
    }
    const keyOf = (by: Expression, row: readonly Value[]): Value => {
      if (by.is === 'value' && typeof by.value === 'number') return value(shown[by.value - 1]!.of, row)
      const named = by.is === 'column' ? shown.find(({ as }) => as === by.name) : undefined
      return value(named?.of ?? by, row)
    }
    const sorted = [...found].sort((one, other) => {
      for (const { by, down } of order) {
        const difference = compare(keyOf(by, one), keyOf(by, other))
        if (difference !== 0) return down ? -difference : difference
      }
      return 0
    })
    const rows = sorted
      .slice(offset, limit === undefined ? undefined : offset + limit)
      .map(row => shown.map(({ of }) => value(of, row)))
    return { tag: `SELECT ${rows.length}`, columns, rows, changed: 0, writes: false }
  }

  #insert(statement: Extract<Statement, { does: 'insert' }>, session: Session): Result {
    const table = this.#table(statement.table, session)
    const { name } = statement.table
    const named = statement.columns ?? table.columns.map(column => column.name)
    for (const column of named) indexOf(table, column, name)
    const added: Value[][] = []
    const first = table.next
    for (const values of statement.rows) {
      if (values.length > named.length || (statement.columns !== undefined && values.length < named.length)) {
        throw new SqlFault({ kind: 'count', more: values.length > named.length })
      }
      const row = table.columns.map(column => {
        const at = named.findIndex(each => each.toLowerCase() === column.name.toLowerCase())
        const given = at < 0 ? undefined : values[at]
        const isDefault = given === undefined || (given.is === 'call' && given.name === 'default')
        const value = isDefault ? undefined : evaluate(given, { table, row: [], session })
        if (column.isNumbered && (value === undefined || value === null)) return table.next++
        if (value !== undefined) return typed(value, column)
        if (column.otherwise !== undefined)
          return typed(evaluate(column.otherwise, { table, row: [], session }), column)
        if (column.isRequired) throw new SqlFault({ kind: 'required', table: name, column: column.name, given: false })
        return null
      })
      for (const [at, column] of table.columns.entries()) {
        if (column.isNumbered && typeof row[at] === 'number') table.next = Math.max(table.next, row[at] + 1)
      }
      try {
        check(table, name, row, added)
      } catch (error) {
        if (!statement.skips || !(error instanceof SqlFault) || error.fault.kind !== 'duplicate') throw error
        continue
      }
      added.push(row)
    }
    table.rows.push(...added)
    const result = { ...done(`INSERT 0 ${added.length}`, added.length), numbered: table.next > first ? first : 0 }
    if (statement.returning.length === 0) return result
    const shown = expanded(statement.returning, table)
    const columns = shown.map(({ of, as }) => ({ name: as, type: resultType(of, table.columns) }))
    return { ...result, columns, rows: added.map(row => shown.map(({ of }) => evaluate(of, { table, row, session }))) }
  }

  #update(statement: Extract<Statement, { does: 'update' }>, session: Session): Result {
    const table = this.#table(statement.table, session)
    const { name } = statement.table
    const set = statement.set.map(([column, to]) => [indexOf(table, column, name), to] as const)
    const next = table.rows.map(row => {
      if (!holds(statement.where, table, row, session)) return row
      const changed = [...row]
      for (const [at, to] of set) changed[at] = typed(evaluate(to, { table, row, session }), table.columns[at]!)
      return changed
    })
    const checked: Value[][] = []
    for (const row of next) {
      check({ ...table, rows: [] }, name, row, checked)
      checked.push(row)
    }
    const changed = next.filter((row, at) => row !== table.rows[at]).length
    table.rows = next
    return done(`UPDATE ${changed}`, changed)
  }

  #show(what: string, pattern: string | undefined, session: Session): Result {
    const list = (name: string, all: readonly string[]): Result => {
      const rows = all.filter(each => pattern === undefined || like(each, pattern, true)).map(each => [each])
      return { tag: 'SHOW', columns: [{ name, type: 'text' }], rows, changed: 0, writes: false }
    }
    if (what === 'databases' || what === 'schemas') return list('Database', Object.keys(this.content.databases).sort())
    if (what === 'tables') {
      const { database } = session
      if (database === undefined) throw new SqlFault({ kind: 'no database selected' })
      return list(`Tables_in_${database}`, Object.keys(this.#tables(database)).sort())
    }
    const variable = session.constant(`@@${what.replaceAll(' ', '_')}`, [])
    if (variable !== undefined) return list(what, [String(variable)])
    throw new SqlFault({ kind: 'missing', what: `SHOW ${what.toUpperCase()}` })
  }

  #describe(named: TableName, session: Session): Result {
    const { columns } = this.#table(named, session)
    const names = ['Field', 'Type', 'Null', 'Key', 'Default', 'Extra']
    return {
      tag: 'DESCRIBE',
      columns: names.map(name => ({ name, type: 'text' })),
      rows: columns.map(column => [
        column.name,
        column.type,
        column.isRequired ? 'NO' : 'YES',
        column.isKey ? 'PRI' : column.isUnique ? 'UNI' : '',
        column.otherwise?.is === 'value' ? String(column.otherwise.value) : null,
        column.isNumbered ? 'auto_increment' : '',
      ]),
      changed: 0,
      writes: false,
    }
  }
}

function made(names: string, rows: Value[][]): Table {
  const columns = names.split(' ').map(name => ({
    name,
    type: 'text',
    isKey: false,
    isRequired: false,
    isUnique: false,
    isNumbered: false,
    otherwise: undefined,
  }))
  return { columns, rows, next: 1 }
}

function expanded(
  items: readonly SelectItem[],
  { columns }: Table,
): readonly { readonly of: Expression; readonly as: string }[] {
  return items.flatMap(({ of, as }) =>
    of === undefined
      ? columns.map(({ name }) => ({ of: { is: 'column' as const, name }, as: name }))
      : [{ of, as: as ?? '' }],
  )
}

function holds(where: Expression | undefined, table: Table, row: readonly Value[], session: Session): boolean {
  const value = where === undefined ? true : evaluate(where, { table, row, session })
  return value === true || (typeof value === 'number' && value !== 0)
}

export function indexOf({ columns }: Pick<Table, 'columns'>, name: string, table: string): number {
  const at = columns.findIndex(column => column.name.toLowerCase() === name.toLowerCase())
  if (at < 0) throw new SqlFault({ kind: 'no column', name, table })
  return at
}

const numeric = /^(big|small|tiny|medium)?(int|serial)|^(integer|numeric|decimal|real|double|float)/

function typed(value: Value, { name, type }: Column): Value {
  if (value === null) return null
  if (/^bool/.test(type)) return typeof value === 'boolean' ? value : /^(t|true|1|yes|on)$/i.test(String(value))
  if (!numeric.test(type)) return typeof value === 'boolean' ? String(value) : String(value)
  const number = typeof value === 'boolean' ? Number(value) : Number(value)
  if (value === '' || Number.isNaN(number)) {
    throw new SqlFault({
      kind: 'wrong value',
      value: String(value),
      type: type.replace(/^int(eger)?\b.*/, 'integer'),
      column: name,
    })
  }
  return number
}

function check(table: Table, name: string, row: readonly Value[], added: readonly (readonly Value[])[]): void {
  for (const [at, column] of table.columns.entries()) {
    if (column.isRequired && row[at] === null) {
      throw new SqlFault({ kind: 'required', table: name, column: column.name, given: true })
    }
  }
  const keys = table.columns.flatMap((column, at) => (column.isKey ? [at] : []))
  const sets = [
    ...(keys.length > 0 ? [keys] : []),
    ...table.columns.flatMap((column, at) => (column.isUnique ? [[at]] : [])),
  ]
  for (const set of sets) {
    const isSame = (other: readonly Value[]): boolean => set.every(at => row[at] !== null && other[at] === row[at])
    if (table.rows.some(isSame) || added.some(isSame)) {
      const column = table.columns[set[0]!]!.name
      throw new SqlFault({ kind: 'duplicate', table: name, column, value: row[set[0]!]! })
    }
  }
}

/** Nothing comes last, as PostgreSQL sorts it. */
function compare(one: Value, other: Value): number {
  if (one === other) return 0
  if (one === null) return 1
  if (other === null) return -1
  return one < other ? -1 : 1
}
