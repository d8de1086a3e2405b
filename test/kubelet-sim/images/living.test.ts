// Images whose programs run, in pods on a simulated node, upon the simulated network and with volumes.

import { expect, test } from 'vitest'
import { ConfigMaps } from '../../../src/kinds/index.ts'
import { type Room, virtualRoom } from '../room.ts'

const quick = { pullDelay: 0, startDelay: 0, count: 1 }
const logsOf = async (room: Room, name: string) => {
  let text = ''
  const { signal } = new AbortController()
  for await (const chunk of room.nodes.nodeClient.logs(await room.pod(name), { signal })) text += chunk
  return text
}
const addressOf = async (room: Room, name: string) => (await room.pod(name)).status.podIP!
const get = (path: string) => ({ method: 'GET', path, headers: {}, body: Buffer.alloc(0) })
const map = (name: string, data: Record<string, string>) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
})

test('nginx serves what is mounted where its pages are', async () => {
  await using room = await virtualRoom(quick)
  await room.client.of(ConfigMaps).create(map('page', { 'index.html': 'Hello from a ConfigMap\n' }))
  await room.run('web', 'node-1', {
    containers: [
      { name: 'web', image: 'nginx:1.27', volumeMounts: [{ name: 'page', mountPath: '/usr/share/nginx/html' }] },
    ],
    volumes: [{ name: 'page', configMap: { name: 'page' } }],
  })
  await room.env.clock.advance(1000)
  const { status, body } = await room.nodes.network.toPod(await addressOf(room, 'web'), 80, get('/'))
  expect([status, Buffer.from(body).toString()]).toEqual([200, 'Hello from a ConfigMap\n'])
  expect(await logsOf(room, 'web')).toMatch(/start worker processes\n(?:.*\n)*.*"GET \/ HTTP\/1\.1" 200 23 /)
})

test('redis keeps what it is told, with the configuration of a ConfigMap (Configuring Redis using a ConfigMap)', async () => {
  await using room = await virtualRoom(quick)
  await room.client
    .of(ConfigMaps)
    .create(map('redis', { 'redis-config': 'maxmemory 2mb\nmaxmemory-policy allkeys-lru\n' }))
  await room.run('redis', 'node-1', {
    containers: [
      {
        name: 'redis',
        image: 'redis:8.0.2',
        command: ['redis-server', '/redis-master/redis.conf'],
        volumeMounts: [{ name: 'config', mountPath: '/redis-master' }],
      },
    ],
    volumes: [{ name: 'config', configMap: { name: 'redis', items: [{ key: 'redis-config', path: 'redis.conf' }] } }],
  })
  await room.env.clock.advance(1000)
  const host = await addressOf(room, 'redis')
  let count = 0
  const cli = async (...words: string[]) => {
    const name = `cli-${count++}`
    const command = ['redis-cli', '-h', host, ...words]
    await room.run(name, 'node-1', { restartPolicy: 'Never', containers: [{ name: 'c', image: 'redis', command }] })
    await room.env.clock.advance(1000)
    return (await logsOf(room, name)).trimEnd()
  }
  expect(await cli('ping')).toBe('PONG')
  expect(await cli('CONFIG', 'GET', 'maxmemory')).toBe('maxmemory\n2mb')
  expect(await cli('set', 'name', 'two words')).toBe('OK')
  expect(await cli('get', 'name')).toBe('two words')
  expect(await cli('incr', 'hits')).toBe('1')
  expect(await cli('incr', 'hits')).toBe('2')
  expect(await cli('rpush', 'job2', 'apple', 'banana', 'cherry')).toBe('3')
  expect(await cli('lrange', 'job2', '0', '-1')).toBe('apple\nbanana\ncherry')
  expect(await cli('lpop', 'job2')).toBe('apple')
  expect(await cli('incr', 'name')).toBe('ERR value is not an integer or out of range')
  expect(await cli('expire', 'hits', '1')).toBe('1')
  expect(await cli('exists', 'hits', 'name')).toBe('1')
  expect(await cli('nonsense', 'x')).toBe("ERR unknown command 'nonsense', with args beginning with: 'x'")
})

test('the Job of the documentation prints pi', async () => {
  await using room = await virtualRoom(quick)
  const command = ['perl', '-Mbignum=bpi', '-wle', 'print bpi(2000)']
  await room.run('pi', 'node-1', {
    restartPolicy: 'Never',
    containers: [{ name: 'pi', image: 'perl:5.34.0', command }],
  })
  await room.env.clock.advance(6000)
  expect((await room.pod('pi')).status.phase).toBe('Succeeded')
  expect(await logsOf(room, 'pi')).toMatch(/^3\.14159265358979\d{1985}\n$/)
})

test('netexec of one pod dials another, by HTTP and by UDP, and says what it heard', async () => {
  await using room = await virtualRoom({ ...quick, count: 2 })
  const netexec = (name: string, node: string) =>
    room.run(name, node, {
      containers: [
        { name: 'c', image: 'registry.k8s.io/e2e-test-images/agnhost:2.57', args: ['netexec', '--http-port=8083'] },
      ],
    })
  await netexec('netserver-0', 'node-1')
  await netexec('netserver-1', 'node-2')
  await room.env.clock.advance(1000)
  const [one, other] = [await addressOf(room, 'netserver-0'), await addressOf(room, 'netserver-1')]
  const dial = async (protocol: string, port: number, request: string, tries = 1) => {
    const path = `/dial?host=${other}&protocol=${protocol}&port=${port}&request=${request}&tries=${tries}`
    const { body } = await room.nodes.network.toPod(one, 8083, get(path))
    return JSON.parse(Buffer.from(body).toString())
  }
  expect(await dial('http', 8083, 'hostname')).toEqual({ responses: ['netserver-1'] })
  expect(await dial('udp', 8081, 'hostname', 2)).toEqual({ responses: ['netserver-1', 'netserver-1'] })
  expect(await dial('http', 9999, 'hostname')).toEqual({
    errors: [`Get "http://${other}:9999/hostname": dial tcp ${other}:9999: connect: connection refused`],
  })
  const shell = await room.nodes.network.toPod(one, 8083, get('/shell?cmd=echo%20hi%20%7C%20tr%20h%20H'))
  expect(JSON.parse(Buffer.from(shell.body).toString())).toEqual({ output: 'Hi\n' })
})
