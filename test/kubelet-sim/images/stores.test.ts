// memcached and mongo as people and probes ask them, from pods.

import { expect, test } from 'vitest'
import { type Room, virtualRoom } from '../room.ts'

type VirtualRoom = Awaited<ReturnType<typeof virtualRoom>>
const quick = { pullDelay: 0, startDelay: 0, count: 1 } as const

async function printed(room: VirtualRoom, name: string, image: string, script: string): Promise<string> {
  const containers = [{ name: 'c', image, command: ['sh', '-c', script] }]
  await room.run(name, 'node-1', { restartPolicy: 'Never', containers })
  await room.env.clock.advance(5000)
  let text = ''
  const { signal } = new AbortController()
  for await (const part of (room as Room).nodes.nodeClient.logs(await room.pod(name), { signal })) text += part
  return text
}

test('memcached keeps what it is given, as long as it is told, and counts', async () => {
  await using room = await virtualRoom(quick)
  await room.run('cache', 'node-1', { containers: [{ name: 'c', image: 'memcached:1.6', args: ['-m', '1'] }] })
  await room.env.clock.advance(1000)
  const host = (await room.pod('cache')).status.podIP
  const ask = (name: string, ...lines: readonly string[]) =>
    printed(room, name, 'busybox:1.36', `printf '${[...lines, 'quit'].join('\\r\\n')}\\r\\n' | nc ${host} 11211`)
  expect(await ask('a', 'set k 5 0 5', 'hello', 'get k none', 'add k 0 0 1', 'x', 'set n 0 0 1', '7', 'incr n 5')).toBe(
    'STORED\r\nVALUE k 5 5\r\nhello\r\nEND\r\nNOT_STORED\r\nSTORED\r\n12\r\n',
  )
  expect(await ask('b', 'set short 0 3 1', 'x', 'delete n', 'get n', 'nonsense')).toBe(
    'STORED\r\nDELETED\r\nEND\r\nERROR\r\n',
  )
  expect(await ask('c', 'get short', 'get k', 'version')).toBe(
    'END\r\nVALUE k 5 5\r\nhello\r\nEND\r\nVERSION 1.6.39\r\n',
  )
  expect(await ask('d', 'stats')).toMatch(
    /STAT get_hits 2\r\nSTAT get_misses 3\r\n(.*\r\n)*STAT limit_maxbytes 1048576\r\nEND\r\n$/,
  )
})

test('mongosh finds whether there is a server, and says what it cannot ask', async () => {
  await using room = await virtualRoom(quick)
  const readinessProbe = { exec: { command: ['mongosh', '--eval', "db.adminCommand('ping')"] }, periodSeconds: 1 }
  await room.run('mongo', 'node-1', { containers: [{ name: 'c', image: 'mongo:8', readinessProbe }] })
  await room.env.clock.advance(10_000)
  const { podIP, containerStatuses } = (await room.pod('mongo')).status
  expect(containerStatuses![0]!.ready).toBe(true)
  const script = `mongosh --host ${podIP} --quiet --eval 'db.runCommand({ ping: 1 })'; mongosh mongodb://${podIP}/shop --eval 'db.items.find()'; mongosh --port 1 --eval 'db.version()'`
  expect(await printed(room, 'asks', 'mongo:8', script)).toBe(
    "{ ok: 1 }\nmongosh: kubesim's mongod only answers a ping: db.items.find()\nMongoNetworkError: connect ECONNREFUSED 127.0.0.1:1\n",
  )
})
