// mysql, mariadb and their clients in pods: what they want in their environment, who may connect, what stays, and their words.

import { expect, test } from 'vitest'
import type { Container } from '../../../generated/types.ts'
import { Pods } from '../../../src/kinds/index.ts'
import { logsOf, virtualRoom } from '../room.ts'

type VirtualRoom = Awaited<ReturnType<typeof virtualRoom>>
const quick = { pullDelay: 0, startDelay: 0, count: 1 } as const
const volumes = [{ name: 'data', hostPath: { path: '/srv/mysql', type: 'DirectoryOrCreate' } }]
const volumeMounts = [{ name: 'data', mountPath: '/var/lib/mysql', subPath: 'mysql' }]

async function start(room: VirtualRoom, name: string, env: Record<string, string>, more: Partial<Container> = {}) {
  const variables = Object.entries(env).map(([key, value]) => ({ name: key, value }))
  const container = { name: 'db', image: 'mysql:8.0', env: variables, volumeMounts, ...more }
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [container], volumes })
  await room.env.clock.advance(6000)
  return room.pod(name)
}

let asked = 0
/** What a client prints in a pod of its own. */
async function client(room: VirtualRoom, ...command: string[]): Promise<string> {
  const name = `client-${++asked}`
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'mysql:8.0', command }] })
  await room.env.clock.advance(2000)
  return logsOf(room, name)
}

test.each([
  ['mysql:8.0', '- MYSQL_ROOT_PASSWORD\n'],
  ['mariadb:11', '- MARIADB_ROOT_PASSWORD\n'],
])('%s without a word about passwords does not start, and says so', async (image, words) => {
  await using room = await virtualRoom(quick)
  const { status } = await start(room, 'db', {}, { image })
  expect(status.containerStatuses![0]!.state!.terminated!.exitCode).toBe(1)
  const said = await logsOf(room, 'db')
  expect(said).toContain('[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n')
  expect(said).toContain(words)
})

test('the messages of "Run a Replicated Stateful Application" stay with the volume', async () => {
  await using room = await virtualRoom(quick)
  const env = { MYSQL_ALLOW_EMPTY_PASSWORD: '1' }
  const readinessProbe = { exec: { command: ['mysql', '-h', '127.0.0.1', '-e', 'SELECT 1'] }, periodSeconds: 1 }
  const livenessProbe = { exec: { command: ['mysqladmin', 'ping'] }, periodSeconds: 1, initialDelaySeconds: 5 }
  const first = await start(room, 'one', env, { readinessProbe, livenessProbe })
  expect(first.status.containerStatuses![0]).toMatchObject({ ready: true, restartCount: 0 })
  const sql = `CREATE DATABASE test; CREATE TABLE test.messages (message VARCHAR(250)); INSERT INTO test.messages VALUES ('hello');`
  expect(await client(room, 'sh', '-c', `echo "${sql}" | mysql -h ${first.status.podIP}`)).toBe('')
  await room.client.of(Pods).delete({ name: 'one', namespace: 'default' })
  await room.env.clock.advance(40_000)
  const { status } = await start(room, 'two', env)
  expect(await client(room, 'mysql', '-h', status.podIP!, '-t', '-e', 'SELECT * FROM test.messages')).toBe(
    '+---------+\n| message |\n+---------+\n| hello   |\n+---------+\n',
  )
  expect(await client(room, 'mysql', '-h', status.podIP!, '-Ne', 'SELECT @@server_id, @@hostname, 2')).toBe(
    '1\ttwo\t2\n',
  )
})

test('accounts and databases of the environment; who is refused, and what is wrong, in its words', async () => {
  await using room = await virtualRoom(quick)
  const env = { MYSQL_ROOT_PASSWORD: 'root', MYSQL_DATABASE: 'shop', MYSQL_USER: 'app', MYSQL_PASSWORD: 'secret' }
  const { status } = await start(room, 'db', env)
  const host = status.podIP!
  const as = (user: string, password: string, ...words: string[]) =>
    client(room, 'mysql', '-h', host, '-u', user, `-p${password}`, ...words)
  const warning = 'mysql: [Warning] Using a password on the command line interface can be insecure.\n'
  expect(
    await as(
      'app',
      'secret',
      'shop',
      '-e',
      'create table t (id int auto_increment primary key, n int); insert into t (n) values (5), (6); select * from t',
    ),
  ).toBe(`${warning}id\tn\n1\t5\n2\t6\n`)
  expect(await as('app', 'wrong', '-e', 'select 1')).toMatch(
    /ERROR 1045 \(28000\): Access denied for user 'app'@'10\.\d+\.\d+\.\d+' \(using password: YES\)\n$/,
  )
  expect(await as('app', 'secret', 'none', '-e', 'select 1')).toContain("ERROR 1049 (42000): Unknown database 'none'")
  expect(await as('app', 'secret', '-e', 'select * from shop.none')).toContain(
    "ERROR 1146 (42S02) at line 1: Table 'shop.none' doesn't exist",
  )
  expect(await as('app', 'secret', 'shop', '-e', 'insert into t values (1, 1)')).toContain(
    "ERROR 1062 (23000) at line 1: Duplicate entry '1' for key 't.PRIMARY'",
  )
  expect(await as('app', 'secret', '-e', 'select 1 from t join u')).toContain(
    "kubesim's MySQL does not understand JOIN yet",
  )
  expect(await client(room, 'mysqladmin', '-h', host, '-uroot', 'ping')).toContain('mysqld is alive')
  expect(await client(room, 'mysqladmin', '-h', host, '-P', '3307', 'ping')).toContain('connect to server at')
})
