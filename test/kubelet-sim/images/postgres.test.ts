// postgres and its clients in pods: what it wants in its environment, who may connect, what stays, and psql's own words.

import { expect, test } from 'vitest'
import type { Container } from '../../../generated/types.ts'
import { ConfigMaps, Pods } from '../../../src/kinds/index.ts'
import { logsOf, virtualRoom } from '../room.ts'

type VirtualRoom = Awaited<ReturnType<typeof virtualRoom>>
const quick = { pullDelay: 0, startDelay: 0, count: 1 } as const
const volumes = [
  { name: 'data', hostPath: { path: '/srv/pg', type: 'DirectoryOrCreate' } },
  { name: 'init', configMap: { name: 'init', optional: true } },
]
const volumeMounts = [
  { name: 'data', mountPath: '/var/lib/postgresql/data' },
  { name: 'init', mountPath: '/docker-entrypoint-initdb.d' },
]

async function start(room: VirtualRoom, name: string, env: Record<string, string>, more: Partial<Container> = {}) {
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }))
  const container = { name: 'pg', image: 'postgres:17', env: variables, volumeMounts, ...more }
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [container], volumes })
  await room.env.clock.advance(5000)
  return room.pod(name)
}

let asked = 0
/** What psql prints in a pod of its own. */
async function psql(room: VirtualRoom, env: Record<string, string>, ...words: string[]): Promise<string> {
  const name = `psql-${++asked}`
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }))
  const container = { name: 'c', image: 'postgres:17', command: ['psql', ...words], env: variables }
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [container] })
  await room.env.clock.advance(2000)
  return logsOf(room, name)
}

test('without a password it does not start, and says so in the words of its image', async () => {
  await using room = await virtualRoom(quick)
  const { status } = await start(room, 'pg', {})
  expect(status.containerStatuses![0]!.state!.terminated!.exitCode).toBe(1)
  expect(await logsOf(room, 'pg')).toMatch(
    /^Error: Database is uninitialized and superuser password is not specified\./,
  )
})

test('tables stay with the volume, scripts run once, and a probe finds it ready', async () => {
  await using room = await virtualRoom(quick)
  await room.client.of(ConfigMaps).create({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'init', namespace: 'default' },
    data: { 'a.sql': "CREATE TABLE t (id serial primary key, name text);\nINSERT INTO t (name) VALUES ('x');\n" },
  })
  const env = { POSTGRES_PASSWORD: 'secret', POSTGRES_DB: 'app' }
  const readinessProbe = { exec: { command: ['pg_isready', '-U', 'postgres'] }, periodSeconds: 1 }
  const first = await start(room, 'one', env, { readinessProbe })
  expect(first.status.containerStatuses![0]!.ready).toBe(true)
  expect(await logsOf(room, 'one')).toContain('running /docker-entrypoint-initdb.d/a.sql\nCREATE TABLE\nINSERT 0 1\n')
  const host = first.status.podIP!
  const password = { PGPASSWORD: 'secret', PGHOST: host, PGUSER: 'postgres' }
  expect(await psql(room, password, '-d', 'app', '-c', "insert into t (name) values ('y'), ('z')")).toBe('INSERT 0 2\n')
  await room.client.of(Pods).delete({ name: 'one', namespace: 'default' })
  await room.env.clock.advance(40_000)

  const second = await start(room, 'two', env)
  expect(await logsOf(room, 'two')).toContain('Skipping initialization')
  const again = { ...password, PGHOST: second.status.podIP! }
  expect(await psql(room, again, 'app', '-c', 'SELECT * FROM t ORDER BY id')).toBe(
    ' id | name \n----+------\n  1 | x\n  2 | y\n  3 | z\n(3 rows)\n\n',
  )
  expect(await psql(room, again, 'app', '-tAc', 'select count(*) from t')).toBe('3\n')
})

test('who may connect, and what is wrong, in its words', async () => {
  await using room = await virtualRoom(quick)
  const { status } = await start(room, 'pg', { POSTGRES_PASSWORD: 'secret' })
  const host = status.podIP!
  const right = { PGPASSWORD: 'secret' }
  const at = ['-h', host, '-U', 'postgres']
  expect(await psql(room, { PGPASSWORD: 'wrong' }, ...at, '-c', 'select 1')).toBe(
    `psql: error: connection to server at "${host}", port 5432 failed: FATAL:  password authentication failed for user "postgres"\n`,
  )
  expect(await psql(room, {}, ...at, '-c', 'select 1')).toContain('fe_sendauth: no password supplied')
  expect(await psql(room, right, ...at, '-d', 'none', '-c', 'select 1')).toContain(
    'FATAL:  database "none" does not exist',
  )
  expect(
    await psql(room, right, `postgresql://postgres:secret@${host}/postgres`, '-tAc', 'select current_database()'),
  ).toBe('postgres\n')
  expect(
    await psql(room, right, ...at, '-c', 'create table t (id int primary key)', '-c', 'insert into t values (1), (1)'),
  ).toBe(
    'CREATE TABLE\nERROR:  duplicate key value violates unique constraint "t_pkey"\nDETAIL:  Key (id)=(1) already exists.\n',
  )
  expect(await psql(room, right, ...at, '-c', 'selct')).toBe('ERROR:  syntax error at or near "selct"\n')
  expect(await psql(room, right, ...at, '-c', 'explain select 1')).toBe(
    "ERROR:  kubesim's postgres does not understand EXPLAIN yet\n",
  )
  expect(await psql(room, right, '-h', 'nowhere', '-c', 'select 1')).toBe(
    'psql: error: could not translate host name "nowhere" to address: Name or service not known\n',
  )
  expect(await logsOf(room, 'pg')).toMatch(/ERROR: {2}syntax error at or near "selct"\n.*STATEMENT: {2}selct\n/)
})
