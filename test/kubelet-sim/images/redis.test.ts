// redis: who may ask, what it keeps over its end, and what it says it has not.

import { expect, test } from 'vitest'
import { Pods } from '../../../src/kinds/index.ts'
import { type Room, virtualRoom } from '../room.ts'

const quick = { pullDelay: 0, startDelay: 0, count: 1 } as const
const volumes = [{ name: 'data', hostPath: { path: '/srv/redis', type: 'DirectoryOrCreate' } }]
const volumeMounts = [{ name: 'data', mountPath: '/data' }]

async function logsOf(room: Room, name: string): Promise<string> {
  let text = ''
  const { signal } = new AbortController()
  for await (const part of room.nodes.nodeClient.logs(await room.pod(name), { signal })) text += part
  return text
}

async function start(room: Awaited<ReturnType<typeof virtualRoom>>, name: string, ...args: string[]): Promise<string> {
  await room.run(name, 'node-1', {
    containers: [{ name: 'redis', image: 'redis:8', volumeMounts, ...(args.length > 0 && { args }) }],
    volumes,
    terminationGracePeriodSeconds: 5,
  })
  await room.env.clock.advance(1000)
  return (await room.pod(name)).status.podIP ?? ''
}

let asked = 0
/** Commands of redis-cli, one a line. */
async function cli(room: Awaited<ReturnType<typeof virtualRoom>>, host: string, lines: string, ...options: string[]) {
  const name = `cli-${++asked}`
  const command = ['sh', '-c', `redis-cli -h ${host} ${options.join(' ')} <<'END'\n${lines}\nEND`]
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'redis:8', command }] })
  await room.env.clock.advance(1000)
  return (await logsOf(room, name)).trimEnd().split('\n')
}

async function stop(room: Awaited<ReturnType<typeof virtualRoom>>, name: string): Promise<string> {
  await room.client.of(Pods).delete({ name, namespace: 'default' })
  await room.env.clock.advance(1)
  const said = await logsOf(room, name).catch(() => '')
  await room.env.clock.advance(10_000)
  return said
}

test('what it holds when it is told to end is there when it starts again', async () => {
  await using room = await virtualRoom(quick)
  const first = await start(room, 'one')
  const wrote = await cli(
    room,
    first,
    'set a 1\nrpush list x y\nhset hash f v\nsadd set m\nset short x ex 100\nzadd z 1 a',
  )
  expect(wrote).toEqual(['OK', '2', '1', '1', 'OK', "ERR kubesim's redis has no 'zadd' yet"])
  await stop(room, 'one')
  const second = await start(room, 'two')
  expect(await logsOf(room, 'two')).toContain('* DB loaded from disk: 0.000 seconds')
  const read = await cli(room, second, 'get a\nlrange list 0 -1\nhget hash f\nsmembers set\nttl short\ndbsize')
  expect(read.slice(0, 5)).toEqual(['1', 'x', 'y', 'v', 'm'])
  expect(Number(read[5])).toBeLessThan(90)
  expect(read[6]).toBe('5')
})

test('with --appendonly what was answered is there, however it ended', async () => {
  await using room = await virtualRoom(quick)
  const host = await start(room, 'one', 'redis-server', '--appendonly', 'yes')
  await cli(room, host, 'set a 1\nincr a\nset gone x\ndel gone\nset short x ex 1000')
  await room.client.of(Pods).delete({ name: 'one', namespace: 'default' }, { gracePeriodSeconds: 0 })
  await room.env.clock.advance(5000)
  const second = await start(room, 'two', 'redis-server', '--appendonly', 'yes')
  expect(await logsOf(room, 'two')).toContain('* DB loaded from append only file')
  const [a, gone, left] = await cli(room, second, 'get a\nget gone\nttl short')
  expect([a, gone]).toEqual(['2', ''])
  expect(Number(left)).toBeGreaterThan(900)
})

test('with a password only who knows it is answered', async () => {
  await using room = await virtualRoom(quick)
  const host = await start(room, 'one', 'redis-server', '--requirepass', 'secret')
  expect(await cli(room, host, 'get a')).toEqual(['NOAUTH Authentication required.'])
  expect(await cli(room, host, 'get a', '-a', 'wrong')).toEqual([
    'AUTH failed: WRONGPASS invalid username-password pair or user is disabled.',
    'NOAUTH Authentication required.',
  ])
  expect(await cli(room, host, 'set a 1', '-a', 'secret')).toEqual(['OK'])
  expect(await cli(room, host, 'auth default secret\nping')).toEqual(['OK', 'PONG'])
})
