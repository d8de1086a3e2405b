// The SQL that simulated databases understand, upon tables in memory: statement after statement, and what is refused.

import { describe, expect, test } from 'vitest'
import {
  type Dialect,
  parseStatement,
  SqlFault,
  splitStatements,
  type Value,
} from '../../../kubelet-sim/images/programs/sql/statement.ts'
import { emptyStore } from '../../../kubelet-sim/images/programs/sql/stored.ts'
import type { Result, Session, SqlStore } from '../../../kubelet-sim/images/programs/sql/tables.ts'

const sessionOf = (dialect: Dialect): Session => ({
  dialect,
  user: 'root',
  database: 'app',
  constant: name => (name === 'now' ? 'then' : undefined),
})

function run(store: SqlStore, sql: string, dialect: Dialect = 'postgres'): Result | undefined {
  let last: Result | undefined
  for (const part of splitStatements(sql, dialect))
    last = store.execute(parseStatement(part, dialect), sessionOf(dialect))
  return last
}

function faultOf(store: SqlStore, sql: string, dialect: Dialect = 'postgres'): object {
  try {
    run(store, sql, dialect)
  } catch (error) {
    if (error instanceof SqlFault) return error.fault
    throw error
  }
  return {}
}

const shop = `
  CREATE TABLE items (id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL, price INT DEFAULT 5, sold boolean default false);
  -- a comment; with a semicolon
  INSERT INTO items (name, price) VALUES ('pear', 3), ('apple', 7), ('it''s', NULL);
  INSERT INTO items VALUES (10, 'fig', 4, true);
  INSERT INTO items (name) VALUES ('plum');`

function filled(): SqlStore {
  const store = emptyStore(['app'])
  run(store, shop)
  return store
}
const rows = (sql: string): readonly (readonly Value[])[] => run(filled(), sql)!.rows

describe('what is asked', () => {
  test.each([
    ['select 1', [[1]]],
    ["select 'a' || 'b', 7 / 2, 7 % 4, -(1 + 2) * 3", [['ab', 3, 3, -9]]],
    ['select id from items order by id', [[1], [2], [3], [10], [11]]],
    ["select name from items where price > 3 and name <> 'fig'", [['apple'], ['plum']]],
    ['select name from items where price is null', [["it's"]]],
    ["select name from items where name like 'p%' order by name desc", [['plum'], ['pear']]],
    ['select i.name from items i where i.id in (1, 10)', [['pear'], ['fig']]],
    ['select name from items where id between 2 and 3 or sold', [['apple'], ["it's"], ['fig']]],
    [
      'select count(*), count(price), sum(price), min(name), max(price), avg(price) from items',
      [[5, 4, 19, 'apple', 7, 4.75]],
    ],
    ['select name as n, price * 2 from items order by 2 desc limit 1 offset 1', [['apple', 14]]],
    ['select upper(name), now() from items limit 1', [['PEAR', 'then']]],
    ["select coalesce(price, 0)::int from items where name = 'it''s'", [[0]]],
    ['select table_name from information_schema.tables', [['items']]],
  ])('%s', (sql, expected) => {
    expect(rows(sql)).toEqual(expected)
  })
})

describe('what is changed', () => {
  test('rows are updated and deleted where it holds, and said to be so many', () => {
    const store = filled()
    expect(run(store, "update items set price = price + 1, sold = true where name = 'pear' or id = 10")!.tag).toBe(
      'UPDATE 2',
    )
    expect(run(store, 'select name, price, sold from items where sold')!.rows).toEqual([
      ['pear', 4, true],
      ['fig', 5, true],
    ])
    expect(run(store, 'delete from items where id < 10')!.tag).toBe('DELETE 3')
    expect(run(store, "insert into items (name) values ('new') returning id, price")!.rows).toEqual([[12, 5]])
    run(store, 'truncate items')
    expect(run(store, 'select * from items')!.rows).toEqual([])
  })

  test('what was begun is undone', () => {
    const store = filled()
    run(store, "begin; delete from items; insert into items (name) values ('x'); rollback")
    expect(run(store, 'select count(*) from items')!.rows).toEqual([[5]])
    run(store, 'begin; delete from items; commit; rollback')
    expect(run(store, 'select count(*) from items')!.rows).toEqual([[0]])
  })

  test('databases of MySQL', () => {
    const store = emptyStore(['app'])
    run(store, 'CREATE DATABASE IF NOT EXISTS test; CREATE TABLE test.messages (message VARCHAR(250))', 'mysql')
    run(store, "INSERT INTO test.messages VALUES (\"hello\"), ('a\\'b')", 'mysql')
    expect(run(store, 'SELECT * FROM `test`.messages', 'mysql')!.rows).toEqual([['hello'], ["a'b"]])
    expect(run(store, "SHOW DATABASES LIKE 't%'", 'mysql')!.rows).toEqual([['test']])
    expect(run(store, 'DESCRIBE test.messages', 'mysql')!.rows).toEqual([
      ['message', 'varchar(250)', 'YES', '', null, ''],
    ])
  })
})

describe('what is refused', () => {
  test.each([
    ['selct 1', { kind: 'syntax', near: 'selct 1' }],
    ['select from', { kind: 'syntax', near: 'from' }],
    ['select 1 1', { kind: 'syntax', near: '1' }],
    ['insert into items', { kind: 'syntax', near: '' }],
    ['select * from nothing', { kind: 'no table', name: 'nothing', database: 'app' }],
    ['select nothing from items', { kind: 'no column', name: 'nothing', table: '' }],
    ['select * from items join others', { kind: 'missing', what: 'JOIN' }],
    ['select name from items group by name', { kind: 'missing', what: 'GROUP' }],
    ['select * from items where id in (select 1)', { kind: 'missing', what: 'a SELECT inside another' }],
    ['with x as (select 1) select 1', { kind: 'missing', what: 'WITH' }],
    ['alter table items add x int', { kind: 'missing', what: 'ALTER TABLE' }],
    ['select pg_sleep(1)', { kind: 'no function', name: 'pg_sleep' }],
    ['select 1 / 0', { kind: 'zero' }],
    ["insert into items (id, name) values (1, 'x')", { kind: 'duplicate', table: 'items', column: 'id', value: 1 }],
    ['insert into items (price) values (1)', { kind: 'required', table: 'items', column: 'name', given: false }],
    [
      "insert into items (name, price) values ('x', 'y')",
      { kind: 'wrong value', value: 'y', type: 'integer', column: 'price' },
    ],
    ["insert into items (name) values ('x', 1)", { kind: 'count', more: true }],
    ['create table items (id int)', { kind: 'table exists', name: 'items', database: 'app' }],
    ['create database app', { kind: 'database exists', name: 'app' }],
  ])('%s', (sql, expected) => {
    expect(faultOf(filled(), sql)).toEqual(expected)
  })
})
