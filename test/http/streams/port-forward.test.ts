// Forwarded ports: over SPDY, over SPDY inside a WebSocket, and the old way by channels. Upstream's rules:
// k8s.io/cri-streaming pkg/streaming/portforward, k8s.io/apiserver pkg/util/proxy/streamtunnel.go.

import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NodeClient } from '../../../src/client/node-client.ts'
import { type Door, openDoor } from '../door.ts'
import { channelClient, refusedUpgrade } from './channel-client.ts'
import { type Forwarded, ScriptedNode, utf8 } from './scripted-node.ts'
import { refusedSpdy, type SpdyClient, spdyClient } from './spdy-client.ts'
import { refusedTunnel, tunnelClient } from './tunnel-client.ts'

const node = new ScriptedNode()
let door: Door
beforeAll(async () => {
  door = await openDoor({ nodes: node.client as NodeClient })
  const body = { metadata: { name: 'web', uid: 'u' }, spec: { nodeName: 'n', containers: [{ name: 'a', image: 'b' }] } }
  await door.ask(pods, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
})
afterAll(() => door[Symbol.asyncDispose]())
beforeEach(() => {
  node.connect = answering
  node.forwarded.length = 0
})

const pods = '/api/v1/namespaces/default/pods'
const path = `${pods}/web/portforward`
const protocol = 'portforward.k8s.io'

/** Says what it heard, when the client has said all. */
async function answering({ port, streams, end }: Forwarded): Promise<void> {
  let heard = ''
  for await (const chunk of streams.toPod) heard += utf8(chunk)
  streams.fromPod.write(Buffer.from(`${port} heard ${heard}`))
  end()
}

async function pair(client: SpdyClient, port: number, requestid: string) {
  const headers = { port: String(port), requestid }
  const error = await client.open({ ...headers, streamtype: 'error' })
  error.end()
  return { error, data: await client.open({ ...headers, streamtype: 'data' }) }
}

describe.each([
  ['SPDY', () => spdyClient(door, path, protocol), protocol],
  ['SPDY in a WebSocket', () => tunnelClient(door, path, `SPDY/3.1+${protocol}`), `SPDY/3.1+${protocol}`],
] as const)('over %s', (_name, open, agreed) => {
  test('a connection is a pair of streams', async () => {
    const client = await open()
    expect(client.protocol).toBe(agreed)
    const { error, data } = await pair(client, 8080, '0')
    data.send('hello')
    data.end()
    expect([await data.ended(), await error.ended()]).toEqual(['8080 heard hello', ''])
    client.socket.destroy()
    await client.closed()
  })

  test('fifty at once, each its own', async () => {
    const client = await open()
    const said = await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const { data } = await pair(client, 1000 + at, String(at))
        data.send(`request ${at}`)
        data.end()
        return data.ended()
      }),
    )
    expect(said).toEqual(Array.from({ length: 50 }, (_, at) => `${1000 + at} heard request ${at}`))
    client.socket.destroy()
  })

  test('what cannot be reached is told on the error stream; the others go on', async () => {
    node.connect = forwarded => {
      if (forwarded.port === 81) forwarded.fail('failed to connect')
      else void answering(forwarded)
    }
    const client = await open()
    const [bad, good] = [await pair(client, 81, '1'), await pair(client, 80, '2')]
    expect([await bad.error.ended(), await bad.data.ended()]).toEqual(['failed to connect', ''])
    good.data.end()
    expect(await good.data.ended()).toBe('80 heard ')
    client.socket.destroy()
  })

  test('one that does not read keeps nobody else from being read', async () => {
    node.connect = forwarded => void (forwarded.port === 80 && answering(forwarded))
    const client = await open()
    const [stuck, good] = [await pair(client, 81, '1'), await pair(client, 80, '2')]
    stuck.data.send(Buffer.alloc(500_000))
    good.data.send('still here')
    good.data.end()
    expect(await good.data.ended()).toBe('80 heard still here')
    client.socket.destroy()
  })

  test('a client who resets a stream, or goes, ends the connection into the pod', async () => {
    node.connect = () => {}
    const client = await open()
    const { data } = await pair(client, 80, '1')
    await pair(client, 81, '2')
    const [first, second] = node.forwarded
    const reset = once(first!.streams.signal, 'abort')
    data.reset()
    await reset
    expect([first!.streams.toPod.isEnded, second!.streams.signal.aborted]).toEqual([true, false])
    const gone = once(second!.streams.signal, 'abort')
    client.socket.destroy()
    await gone
    expect(second!.streams.fromPod.isAbandoned).toBe(true)
  })
})

describe('over SPDY', () => {
  test('streams without a port, a type or a pair are refused or told', async () => {
    const client = await spdyClient(door, path, protocol)
    for (const headers of [
      { streamtype: 'data', requestid: '1' },
      { streamtype: 'data', requestid: '1', port: '70000' },
      { streamtype: 'data', requestid: '1', port: '0' },
      { streamtype: 'data', requestid: '1', port: 'http' },
      { port: '80', requestid: '1' },
      { port: '80', requestid: '1', streamtype: 'stdin' },
    ]) {
      expect((await client.open(headers as unknown as Record<string, string>)).wasReset).toBe(true)
    }
    const error = await client.open({ port: '80', requestid: '9', streamtype: 'error' })
    await client.open({ port: '80', requestid: '9', streamtype: 'error' })
    await client.ping(1)
    expect(error.said()).toBe('error processing stream for request 9: error stream already assigned')
    const lonely = await client.open({ port: '80', requestid: '10', streamtype: 'error' })
    await door.server.env.clock.advance(30_000)
    await client.ping(3)
    expect(lonely.said()).toBe('(request=10) timed out waiting for streams')
    expect(node.forwarded).toEqual([])
    client.socket.destroy()
  })

  test('clients that give no requestID are told apart by the order of their streams', async () => {
    const client = await spdyClient(door, path, protocol)
    await client.open({ port: '80', streamtype: 'error' })
    const data = await client.open({ port: '80', streamtype: 'data' })
    data.end()
    expect(await data.ended()).toBe('80 heard ')
    client.socket.destroy()
  })

  test('another protocol is refused, in the tunnel too', async () => {
    const refusal = await refusedSpdy(door, path, { protocols: ['v9.portforward.k8s.io'] })
    expect([refusal.code, refusal.headers['x-accepted-stream-protocol-versions']]).toEqual([403, protocol])
    expect(await refusedTunnel(door, path, 'SPDY/3.1+v9.portforward.k8s.io')).toBe(403)
  })
})

describe('by channels', () => {
  test('two for each port, which begin with its number', async () => {
    node.connect = async ({ port, streams }) => {
      for await (const chunk of streams.toPod) streams.fromPod.write(Buffer.from(`${port} heard ${utf8(chunk)}`))
    }
    const client = await channelClient(door, `${path}?ports=80&ports=443`, 'v4.channel.k8s.io')
    client.send(0, 'one')
    client.send(2, 'two')
    await client.until(0, said => said.endsWith('80 heard one'))
    await client.until(2, said => said.endsWith('443 heard two'))
    expect([client.said(0), client.said(1)]).toEqual(['P\0' + '80 heard one', 'P\0'])
    expect(Buffer.from(client.said(3), 'latin1').length).toBeGreaterThan(1)
    for (const forwarded of node.forwarded) forwarded.end()
    expect(await client.closed()).toBe(1000)
  })

  test('a fault is told on the second', async () => {
    node.connect = ({ fail }) => fail('failed to connect')
    const client = await channelClient(door, `${path}?ports=80`, 'v4.base64.channel.k8s.io')
    await client.closed()
    expect(client.said(1)).toBe('P\0failed to connect')
  })

  test.each([
    ['', 'query parameter "port" is required'],
    ['?ports=', 'query parameter "port" cannot be empty'],
    ['?ports=0', 'port "0" must be > 0'],
    ['?ports=x', 'unable to parse "x" as a port: strconv.ParseUint: parsing "x": invalid syntax'],
  ])('%s is refused', async (query, words) => {
    expect(await refusedUpgrade(door, `${path}${query}`, ['v4.channel.k8s.io'])).toMatchObject({
      code: 400,
      text: words,
    })
  })
})
