// A log over WebSocket. Upstream's rules: k8s.io/streaming pkg/httpstream/wsstream/stream.go (Reader), test/e2e/common/node/pods.go.

import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { badRequest } from '../../../src/api/errors.ts'
import type { NodeClient } from '../../../src/client/node-client.ts'
import { type Door, openDoor } from '../door.ts'
import { refusedUpgrade } from './channel-client.ts'

let hungUp: Promise<void>
const nodes: Pick<NodeClient, 'logs'> = {
  async *logs(_pod, { container, follow, signal }) {
    if (container === 'none') throw badRequest('container none is not valid for pod web')
    yield 'first ü\n'
    if (container === 'breaks') throw new Error('broken off')
    if (!follow) return
    yield 'second\n'
    hungUp = new Promise(resolve => signal.addEventListener('abort', () => resolve()))
    await hungUp
  },
}
let door: Door
beforeAll(async () => {
  door = await openDoor({ nodes: nodes as NodeClient })
  const body = { metadata: { name: 'web' }, spec: { nodeName: 'n', containers: [{ name: 'a', image: 'b' }] } }
  await door.ask(pods, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
})
afterAll(() => door[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'

function open(query: string, ...protocols: string[]) {
  const { ca, admin } = door.certificates
  const socket = new WebSocket(`wss://127.0.0.1:${door.port}${pods}/web/log${query}`, protocols, {
    ca: ca.cert,
    cert: admin.cert,
    key: admin.key,
  })
  const messages: string[] = []
  socket.on('message', (data: Buffer) => messages.push(data.toString()))
  return { socket, messages }
}

test.each([[['binary.k8s.io']], [['base64.binary.k8s.io']], [[]]])(
  '%s: an empty message, then the log',
  async protocols => {
    const { socket, messages } = open('', ...protocols)
    const [code] = await once(socket, 'close')
    const text = protocols[0]?.startsWith('base64') ? Buffer.from(messages[1]!, 'base64').toString() : messages[1]
    expect([code, socket.protocol, messages[0], text]).toEqual([1000, protocols[0] ?? '', '', 'first ü\n'])
  },
)

test('one that is followed comes as it is printed, until the reader leaves', async () => {
  const { socket, messages } = open('?follow=true', 'binary.k8s.io')
  while (!messages.includes('second\n')) await once(socket, 'message')
  expect(messages).toEqual(['', 'first ü\n', 'second\n'])
  socket.close()
  await hungUp
})

test('one that breaks off ends', async () => {
  const { socket, messages } = open('?container=breaks', 'binary.k8s.io')
  await once(socket, 'close')
  expect(messages).toEqual(['', 'first ü\n'])
  expect((await door.ask('/readyz')).code).toBe(200)
})

test('what is refused is refused before the protocol changes', async () => {
  const none = await refusedUpgrade(door, `${pods}/web/log?container=none`, ['binary.k8s.io'])
  expect(JSON.parse(none.text)).toMatchObject({ code: 400, message: 'container none is not valid for pod web' })
  expect((await refusedUpgrade(door, `${pods}/web/log`, ['v4.channel.k8s.io'])).code).toBe(403)
})
