// exec and attach over WebSocket: channels, ends, refusals. Upstream's rules: k8s.io/apiserver pkg/util/proxy
// (streamtranslator_test.go), k8s.io/cri-streaming pkg/streaming/remotecommand (websocket.go), pkg/registry/core/pod.

import { once } from 'node:events'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { User } from '../../../apiserver/registry/registry.ts'
import type { NodeClient } from '../../../src/client/node-client.ts'
import { type Door, openDoor } from '../door.ts'
import { channelClient, refusedUpgrade } from './channel-client.ts'
import { echo, ScriptedNode } from './scripted-node.ts'

const node = new ScriptedNode()
const users: [string, User][] = [
  ['looker', { name: 'looker', groups: ['system:authenticated'] }],
  ['actor', { name: 'actor', groups: ['system:authenticated'] }],
]
let door: Door
beforeAll(async () => {
  door = await openDoor({ nodes: node.client as NodeClient, tokens: new Map(users) })
  const post = async (path: string, body: object) => {
    const { code, text } = await door.ask(path, {
      method: 'POST',
      type: 'application/json',
      body: JSON.stringify(body),
    })
    if (code !== 201) throw new Error(text)
  }
  const container = (name: string) => ({ name, image: 'busybox' })
  await post(pods, { metadata: { name: 'web' }, spec: { nodeName: 'n', containers: [container('a')] } })
  await post(pods, {
    metadata: { name: 'two' },
    spec: {
      nodeName: 'n',
      initContainers: [container('first')],
      containers: [container('a'), container('gone'), container('far')],
    },
  })
  await post(pods, { metadata: { name: 'waiting' }, spec: { containers: [container('a')] } })
  for (const [name, verbs] of [
    ['looker', ['get']],
    ['actor', ['get', 'create']],
  ] as const) {
    const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default'
    await post(`${roles}/roles`, {
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['pods/exec'], verbs }],
    })
    await post(`${roles}/rolebindings`, {
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
    })
  }
})
afterAll(() => door[Symbol.asyncDispose]())
beforeEach(() => {
  node.run = () => {}
  node.started.length = 0
})

const pods = '/api/v1/namespaces/default/pods'
const exec = (query: string, pod = 'web') => `${pods}/${pod}/exec?${query}`
const v5 = 'v5.channel.k8s.io'

describe('over v5', () => {
  test('what a command prints comes on its channels, then how it ended, then the end', async () => {
    node.run = ({ streams, end }) => {
      streams.stdout?.write(Buffer.from('out\n'))
      streams.stderr?.write(Buffer.from('err\n'))
      end(0)
    }
    const client = await channelClient(door, exec('command=sh&command=-c&command=ls%20/&stdout=true&stderr=1'), v5)
    expect(await client.closed()).toBe(1000)
    expect(client.protocol).toBe(v5)
    expect([client.said(1), client.said(2)]).toEqual(['out\n', 'err\n'])
    expect(JSON.parse(client.said(3))).toEqual({ metadata: {}, status: 'Success' })
    expect(node.started).toMatchObject([{ pod: 'web', container: 'a', command: ['sh', '-c', 'ls /'] }])
  })

  test('the first message is empty and says that the connection is open', async () => {
    const client = await channelClient(door, exec('command=cat&stdin=1&stdout=1'), v5)
    await client.until(1, () => client.count(1) === 1)
    expect(client.said(1)).toBe('')
    client.socket.close()
    await client.closed()
  })

  test('an exit code is told as its cause', async () => {
    node.run = ({ end }) => end(3)
    const client = await channelClient(door, exec('command=false&stdout=1'), v5)
    await client.closed()
    expect(JSON.parse(client.said(3))).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: command terminated with exit code 3',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
  })

  test('input is passed on, and its end', async () => {
    node.run = started => void echo(started)
    const client = await channelClient(door, exec('command=cat&stdin=true&stdout=true'), v5)
    client.send(0, 'one ')
    client.send(0, 'two')
    await client.until(1, said => said === 'one two')
    client.end(0)
    expect(await client.closed()).toBe(1000)
    expect(client.said(1)).toBe('one two')
  })

  test('ten megabytes come back whole, while neither side is held in memory whole', async () => {
    node.run = started => void echo(started)
    const client = await channelClient(door, exec('command=cat&stdin=true&stdout=true'), v5)
    const block = Buffer.alloc(64 * 1024, 'abcdefgh')
    let most = 0
    const watching = setInterval(() => {
      most = Math.max(most, node.started[0]?.streams.stdin?.size ?? 0, node.started[0]?.streams.stdout?.size ?? 0)
    }, 1)
    for (let sent = 0; sent < 160; sent++) client.send(0, block)
    client.end(0)
    await client.closed()
    clearInterval(watching)
    expect(client.said(1).length).toBe(160 * block.length)
    expect(client.said(1).slice(-8)).toBe('abcdefgh')
    expect(most).toBeLessThan(1024 * 1024)
  })

  test('a program that does not read holds the client back', async () => {
    const client = await channelClient(door, exec('command=sleep&stdin=true&stdout=true'), v5)
    for (let sent = 0; sent < 200; sent++) client.send(0, Buffer.alloc(100_000))
    await client.until(1, () => client.count(1) === 1)
    for (let turn = 0; turn < 200; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(client.socket.bufferedAmount).toBeGreaterThan(1_000_000)
    expect(node.started[0]?.streams.stdin?.size).toBeLessThan(1_000_000)
    client.socket.terminate()
    await client.closed()
    node.started[0]?.streams.stdin?.abandon()
  })

  test('sizes of the terminal go in, however they are cut; on a terminal there is no stderr', async () => {
    const client = await channelClient(door, exec('command=sh&stdin=1&stdout=1&stderr=1&tty=1'), v5)
    client.send(4, '{"Width":80,"Height":24}\n{"Wid')
    client.send(4, 'th":100,"Height":30}\n')
    client.send(0, 'x')
    await node.started[0]?.streams.stdin?.changed()
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(node.started[0]?.sizes).toEqual([
      { columns: 80, rows: 24 },
      { columns: 100, rows: 30 },
    ])
    expect(node.started[0]?.streams).toMatchObject({ tty: true, stderr: undefined })
    client.send(4, 'nonsense}{"Width":1,"Height":1}')
    node.started[0]?.end(0)
    expect(await client.closed()).toBe(1000)
  })

  test('a client who goes is told to the node: its input ends, nobody reads', async () => {
    const client = await channelClient(door, exec('command=sh&stdin=1&stdout=1'), v5)
    await client.until(1, () => client.count(1) === 1)
    const { streams } = node.started[0]!
    const told = once(streams.signal, 'abort')
    client.socket.terminate()
    await told
    expect([streams.stdin?.isEnded, streams.stdout?.isAbandoned]).toEqual([true, true])
  })

  test('a command that could not be started, and a container that is not there, are told of as the end', async () => {
    node.run = ({ fail }) => fail('failed to exec in container: no such file')
    const broken = await channelClient(door, exec('command=nope&stdout=1'), v5)
    await broken.closed()
    expect(JSON.parse(broken.said(3))).toMatchObject({
      status: 'Failure',
      reason: 'InternalError',
      code: 500,
      message:
        'Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: no such file',
    })
    const gone = await channelClient(door, exec('container=gone&command=ls&stdout=1', 'two'), v5)
    await gone.closed()
    expect(JSON.parse(gone.said(3)).message).toBe(
      'Internal error occurred: unable to upgrade connection: container not found ("gone")',
    )
    const far = await channelClient(door, exec('container=far&command=ls&command=a%20b&stdout=1&stdin=1', 'two'), v5)
    await far.closed()
    expect(JSON.parse(far.said(3)).message).toBe(
      'Internal error occurred: error sending request: Post "https://127.0.0.1:10250/exec/default/two/far?command=ls&command=a+b&input=1&output=1": dial tcp 127.0.0.1:10250: connect: no route to host',
    )
    const silent = await channelClient(door, exec('command=ls'), v5)
    await silent.closed()
    expect(JSON.parse(silent.said(3)).message).toBe(
      'Internal error occurred: unable to upgrade connection: you must specify at least 1 of stdin, stdout, stderr',
    )
  })

  test('a node that fails at something harms this connection alone', async () => {
    const { exec: start } = node.client
    const failing = { ...node.client, exec: async () => Promise.reject(new TypeError('a fault of ours')) }
    Object.assign(node.client, failing)
    const client = await channelClient(door, exec('command=ls&stdout=1'), v5)
    expect(await client.closed()).toBe(1000)
    expect(JSON.parse(client.said(3))).toMatchObject({ code: 500, message: 'Internal error occurred: a fault of ours' })
    Object.assign(node.client, {
      exec: async (...[, , , streams]: Parameters<NodeClient['exec']>) => ({
        resize() {
          throw new TypeError('a fault of ours')
        },
        ended: new Promise<number>(resolve =>
          setImmediate(() => {
            streams.stdout?.end()
            resolve(0)
          }),
        ),
      }),
    })
    const resized = await channelClient(door, exec('command=sh&stdout=1&tty=1'), v5)
    resized.send(4, '{"Width":1,"Height":1}')
    await resized.closed()
    Object.assign(node.client, { exec: start })
    expect((await door.ask('/readyz')).code).toBe(200)
  })

  test('attach has no exit code', async () => {
    node.run = ({ streams, end }) => {
      streams.stdout?.write(Buffer.from('hello'))
      end(7)
    }
    const client = await channelClient(door, `${pods}/web/attach?stdout=1`, v5)
    await client.closed()
    expect(client.said(1)).toBe('hello')
    expect(JSON.parse(client.said(3)).status).toBe('Success')
  })
})

describe('over older protocols', () => {
  test.each(['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'])('%s tells the end as a Status', async name => {
    node.run = ({ streams, end }) => {
      streams.stdout?.write(Buffer.from('out ü'))
      end(2)
    }
    const client = await channelClient(door, exec('command=sh&command=-c&command=exit&stdout=1'), name)
    expect(await client.closed()).toBe(1000)
    expect([client.protocol, client.said(1)]).toEqual([name, 'out ü'])
    expect(JSON.parse(client.said(3))).toMatchObject({
      message: 'command terminated with non-zero exit code: error executing command [sh -c exit], exit code 2',
      details: { causes: [{ reason: 'ExitCode', message: '2' }] },
    })
  })

  test.each([['channel.k8s.io'], ['base64.channel.k8s.io'], []])('%s tells it in words', async (...names) => {
    node.run = started => void echo(started)
    const client = await channelClient(door, exec('command=cat&stdin=1&stdout=1'), ...names)
    client.send(0, 'hello')
    await client.until(1, said => said === 'hello')
    node.started[0]!.end(1)
    await client.closed()
    expect(client.protocol).toBe(names[0] ?? '')
    expect(client.said(3)).toBe(
      'command terminated with non-zero exit code: error executing command [cat], exit code 1',
    )
  })

  test('255 ends nothing there, and base64 that is none harms nobody', async () => {
    node.run = started => void echo(started)
    const client = await channelClient(door, exec('command=cat&stdin=1&stdout=1'), 'v4.base64.channel.k8s.io')
    client.socket.send('0%%%%')
    client.end(0)
    client.socket.send('')
    client.send(0, 'still here')
    await client.until(1, said => said === 'still here')
    client.socket.close()
    await client.closed()
  })

  test('a container that is not there is refused by the kubelet, in words, before the protocol changes', async () => {
    const path = exec('container=gone&command=ls&stdout=1', 'two')
    expect(await refusedUpgrade(door, path, ['v4.channel.k8s.io'])).toEqual({
      code: 500,
      type: 'text/plain; charset=utf-8',
      text: 'container not found ("gone")',
    })
    const far = await refusedUpgrade(door, exec('container=far&command=ls&stdout=1', 'two'), ['v4.channel.k8s.io'])
    expect(JSON.parse(far.text).message).toBe(
      'Internal error occurred: error dialing backend: dial tcp 127.0.0.1:10250: connect: no route to host',
    )
    expect((await refusedUpgrade(door, exec('command=ls&stdout=1'), ['v9.channel.k8s.io'])).code).toBe(403)
    expect(node.started).toEqual([])
  })
})

describe('refused', () => {
  const message = async (path: string) => JSON.parse((await refusedUpgrade(door, path, [v5])).text).message

  test('with the server’s words: no such pod, no such container, none chosen, no node', async () => {
    expect(await message(exec('command=ls&stdout=1', 'none'))).toBe('pods "none" not found')
    expect(await message(exec('container=b&command=ls&stdout=1'))).toBe('container b is not valid for pod web')
    expect(await message(exec('command=ls&stdout=1', 'two'))).toBe(
      'a container name must be specified for pod two, choose one of: [first a gone far]',
    )
    expect(await message(exec('command=ls&stdout=1', 'waiting'))).toBe('pod waiting does not have a host assigned')
    expect(await message(`${pods}/waiting/portforward`)).toBe('pod waiting does not have a host assigned')
  })

  test('without an upgrade it is 400, over HTTP/1.1', async () => {
    for (const [method, path] of [
      ['GET', exec('command=ls&stdout=1')],
      ['POST', exec('command=ls&stdout=1')],
      ['POST', `${pods}/web/attach?stdout=1`],
      ['POST', `${pods}/web/portforward`],
    ] as const) {
      expect(await door.refused(path, { method })).toMatchObject({ code: 400, message: 'Upgrade request required' })
    }
    expect((await door.refused(exec('command=ls&container=b'), { method: 'POST' })).message).toMatch(/not valid/)
    expect((await door.refused(exec('command=ls'), { method: 'PUT', body: '' })).code).toBe(405)
  })

  test('who may only look may not act, by whichever method', async () => {
    const path = exec('command=ls&stdout=1')
    const refusal = await refusedUpgrade(door, path, [v5], 'looker')
    expect([refusal.code, JSON.parse(refusal.text).message]).toEqual([403, 'pods "web" is forbidden: '])
    expect((await door.refused(path, { as: { token: 'looker' } })).code).toBe(403)
    const posted = await door.refused(path, { method: 'POST', as: { token: 'looker' } })
    expect(posted.message).toContain('cannot create resource "pods/exec"')
    expect((await door.refused(path, { as: { token: 'actor' } })).message).toBe('Upgrade request required')
    expect(node.started).toEqual([])
  })

  test('by a policy about connections, before anything else is looked at', async () => {
    const policies = '/apis/admissionregistration.k8s.io/v1'
    const create = (path: string, body: object) =>
      door.ask(`${policies}/${path}`, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
    await create('validatingadmissionpolicies', {
      metadata: { name: 'no-rm' },
      spec: {
        matchConstraints: {
          resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods/exec'], operations: ['CONNECT'] }],
        },
        validations: [
          {
            expression: "object.command[0] != 'rm' || request.name != 'web'",
            messageExpression: "'nobody removes anything in ' + request.name",
          },
        ],
      },
    })
    await create('validatingadmissionpolicybindings', {
      metadata: { name: 'no-rm' },
      spec: { policyName: 'no-rm', validationActions: ['Deny'] },
    })
    expect(await message(exec('command=rm&command=-rf&stdout=1'))).toMatch(/nobody removes anything in web$/)
    expect(await message(exec('command=rm&stdout=1', 'none'))).toBe('pods "none" not found')
    expect((await door.refused(exec('command=rm'), { method: 'POST' })).message).toMatch(/nobody removes/)
    expect((await door.refused(exec('command=ls'), { method: 'POST' })).message).toBe('Upgrade request required')
    expect(node.started).toEqual([])
  })
})
