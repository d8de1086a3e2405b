// The node's own HTTP door and the client that asks there, together: over the wire a node answers as it does in process.

import { afterEach, expect, test } from 'vitest'
import { type NodeDoor, openNodeDoor } from '../../kubelet-sim/node-http.ts'
import { createHttpNodeClient } from '../../src/client/http-node-client.ts'
import type { NodeClient } from '../../src/client/node-client.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { get, virtualRoom } from './room.ts'

const never = new AbortController().signal
const quick = { pullDelay: 0, startDelay: 0 }
const doors: NodeDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

async function wired(nodes: NodeClient, token = 'right'): Promise<NodeClient> {
  const door = await openNodeDoor('right', () => nodes)
  doors.push(door)
  return createHttpNodeClient({ port: door.port, token })
}

async function read(chunks: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}

test('logs and requests over the wire are what they are in process, bytes and refusals included', async () => {
  await using room = await virtualRoom(quick)
  await room.run('web', 'node-1')
  await room.env.clock.advance(1000)
  await room.serve('web', {}, ['web'])
  const { nodeClient } = room.nodes
  const wire = await wired(nodeClient)
  const pod = await room.pod('web')

  expect(await read(wire.logs(pod, { signal: never }))).toBe(await read(nodeClient.logs(pod, { signal: never })))
  const there = await wire.proxyPod(pod, undefined, get('/'))
  const here = await nodeClient.proxyPod(pod, undefined, get('/'))
  expect({ ...there, body: Buffer.from(there.body) }).toEqual({ ...here, body: Buffer.from(here.body) })
  const service = { name: 'web', namespace: 'default' }
  expect((await wire.proxyService(service, '80', get('/'))).status).toBe(200)

  for (const follow of [false, true]) {
    const wrong = { signal: never, container: 'nope', follow }
    await expect(read(wire.logs(pod, wrong))).rejects.toMatchObject({
      code: 400,
      message: 'container nope is not valid for pod web',
    })
  }
  await expect(wire.proxyService({ name: 'no', namespace: 'default' }, '80', get('/'))).rejects.toMatchObject({
    code: 503,
    message: 'no endpoints available for service "no"',
  })
})

test('a kubelet says that it is well, until its node is silent, and refuses by name what it does not serve', async () => {
  await using room = await virtualRoom(quick)
  const wire = await wired(room.nodes.nodeClient)
  const node = await room.client.of(Nodes).get({ name: 'node-1' })
  const well = await wire.proxyNode(node, get('/healthz'))
  expect([well.status, Buffer.from(well.body).toString()]).toEqual([200, 'ok'])
  expect(await wire.proxyNode(node, get('/no/such'))).toMatchObject({ status: 404 })
  room.nodes.silence('node-1')
  await expect(wire.proxyNode(node, get('/healthz'))).rejects.toMatchObject({
    code: 503,
    message: 'error trying to reach service: dial tcp 127.25.43.11:10250: connect: no route to host',
  })
})

test('a followed log is open at once, brings what is printed, and ends when the reader goes', async () => {
  await using room = await virtualRoom(quick)
  await room.run('web', 'node-1')
  await room.env.clock.advance(1000)
  const wire = await wired(room.nodes.nodeClient)
  const leaving = new AbortController()
  const options = { signal: leaving.signal, follow: true, tailLines: 0 }
  const chunks = wire.logs(await room.pod('web'), options)[Symbol.asyncIterator]()
  expect((await chunks.next()).value).toBe('')
  const next = chunks.next()
  await room.nodes.nodeClient.proxyPod(await room.pod('web'), undefined, get('/printed'))
  expect((await next).value).toContain('GET /printed')
  const last = chunks.next()
  leaving.abort()
  expect(await last).toEqual({ done: true, value: undefined })
})

test('who has not the token, and a port where no kubelet listens, are told of as an unavailable node', async () => {
  await using room = await virtualRoom(quick)
  await room.run('web', 'node-1')
  const pod = await room.pod('web')
  const stranger = await wired(room.nodes.nodeClient, 'wrong')
  await expect(read(stranger.logs(pod, { signal: never }))).rejects.toMatchObject({ code: 503 })
  const [door] = doors.splice(0)
  await door!.close()
  const late = createHttpNodeClient({ port: door!.port, token: 'right' })
  await expect(late.proxyPod(pod, undefined, get('/'))).rejects.toMatchObject({
    code: 503,
    message: expect.stringMatching(/^the kubelet at 127\.0\.0\.1:\d+ cannot be reached/),
  })
})
