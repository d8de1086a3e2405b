// Connections into a pod, as port-forward opens them: to what is only told of, and to nobody.

import { expect, test } from 'vitest'
import { BytePipe } from '../../src/env/byte-pipe.ts'
import { type Room, virtualRoom } from './room.ts'

const quick = { pullDelay: 0, startDelay: 0 }

async function room(image = 'nginx:1.27', port = 80) {
  const made = await virtualRoom(quick)
  await made.run('web', 'node-1', { containers: [{ name: 'web', image, ports: [{ containerPort: port }] }] })
  await made.env.clock.advance(1000)
  return made
}

async function open({ nodes, pod }: Pick<Room, 'nodes' | 'pod'>, port: number) {
  const gone = new AbortController()
  const streams = { toPod: new BytePipe(), fromPod: new BytePipe(), signal: gone.signal }
  const ended = nodes.nodeClient.portForward(await pod('web'), port, streams)
  ended.catch(() => {})
  return { ...streams, ended, gone, say: (text: string) => streams.toPod.write(Buffer.from(text)) }
}

async function heard(pipe: BytePipe, end: (text: string) => boolean): Promise<string> {
  let text = ''
  while (!end(text)) {
    const chunk = pipe.take()
    if (chunk !== undefined) text += Buffer.from(chunk)
    else if (pipe.isOver) return text
    else await pipe.changed()
  }
  return text
}

/** An answer of HTTP, head and body. */
function isWhole(text: string): boolean {
  const [head = '', body] = text.split('\r\n\r\n', 2)
  return body !== undefined && body.length === Number(/^content-length: (\d+)$/im.exec(head)?.[1])
}

test('a web server answers request after request on one connection', async () => {
  await using made = await room()
  const connection = await open(made, 80)
  for (const path of ['/', '/missing']) {
    connection.say(`GET ${path} HTTP/1.1\r\nHost: localhost:8080\r\n\r\n`)
    await made.env.activity.idle()
    const answer = await heard(connection.fromPod, isWhole)
    expect(answer).toMatch(path === '/' ? /^HTTP\/1\.1 200 OK\r\n/ : /^HTTP\/1\.1 404 Not Found\r\n/)
  }
  connection.toPod.end()
  await connection.ended
  expect(connection.fromPod.isEnded).toBe(true)
})

test('fifty connections at once are answered each for itself', async () => {
  await using made = await room()
  const all = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const connection = await open(made, 80)
      connection.say('GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n')
      const text = await heard(connection.fromPod, () => false)
      await connection.ended
      return text.slice(0, 15)
    }),
  )
  expect(all).toEqual(Array.from({ length: 50 }, () => 'HTTP/1.1 200 OK'))
})

test('nobody listens there: it is told as the runtime tells it', async () => {
  await using made = await room()
  const { ended, fromPod } = await open(made, 81)
  await expect(ended).rejects.toThrow(
    /^error forwarding port 81 to pod ([0-9a-f]{64}), uid : failed to execute portforward in network namespace "\/var\/run\/netns\/cni-[-0-9a-f]{36}": failed to connect to localhost:81 inside namespace "\1", IPv4: dial tcp4 127\.0\.0\.1:81: connect: connection refused IPv6 dial tcp6 \[::1\]:81: connect: connection refused $/,
  )
  expect(fromPod.size).toBe(0)
})

test('a client who goes closes it; one who has said all is waited for a second', async () => {
  await using made = await room('redis:7', 6379)
  const one = await open(made, 6379)
  await made.env.activity.idle()
  one.gone.abort()
  await one.ended
  const two = await open(made, 6379)
  two.toPod.end()
  await made.env.clock.advance(1000)
  await two.ended
})

test('a pod that is gone, or whose node is, has no ports', async () => {
  await using made = await room()
  const pod = await made.pod('web')
  const streams = { toPod: new BytePipe(), fromPod: new BytePipe(), signal: new AbortController().signal }
  const other = { ...pod, metadata: { ...pod.metadata, uid: 'another' } }
  await expect(made.nodes.nodeClient.portForward(other, 80, streams)).rejects.toThrow('pod does not exist')
  await expect(made.nodes.nodeClient.exec(other, 'web', ['ls'], { ...streams, tty: false })).rejects.toMatchObject({
    code: 404,
  })
  made.nodes.silence('node-1')
  await expect(made.nodes.nodeClient.exec(pod, 'web', ['ls'], { ...streams, tty: false })).rejects.toMatchObject({
    code: 503,
    message: expect.stringMatching(/^dial tcp \S+:10250: connect: no route to host$/),
  })
})
