// The paths through the API server to a node: logs, and requests to pods and Services. What a node says is given by a
// node of the test's own; what the real fake nodes say is tested in test/kubelet-sim.

import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { badRequest } from '../../src/api/errors.ts'
import type { LogOptions, NodeClient, SimulatedRequest } from '../../src/client/node-client.ts'
import { Nodes } from '../../src/kinds/index.ts'
import { type Door, openDoor } from './door.ts'

const asked: { logs: LogOptions[]; pods: [string | undefined, SimulatedRequest][]; services: unknown[] } = {
  logs: [],
  pods: [],
  services: [],
}
let hungUp: Promise<void>
const fail = (): never => {
  throw new Error('not asked for here')
}

const nodes: NodeClient = {
  async *logs(_pod, options) {
    asked.logs.push(options)
    if (options.container === 'none') throw badRequest('container none is not valid for pod web')
    yield 'first\n'
    if (!options.follow) return
    const gone = new Promise<void>(resolve => options.signal.addEventListener('abort', () => resolve()))
    hungUp = gone
    await gone
  },
  async proxyPod(_pod, port, request) {
    asked.pods.push([port, request])
    return {
      status: 418,
      headers: { 'content-type': 'text/plain', 'x-pod': 'web' },
      body: Buffer.from(`${request.method} ${request.path}`),
    }
  },
  async proxyService(service, port) {
    asked.services.push([service, port])
    return { status: 204, headers: {}, body: new Uint8Array() }
  },
  exec: async () => fail(),
  attach: async () => fail(),
  portForward: async () => fail(),
  dial: async () => fail(),
  async proxyNode({ metadata }, { path }) {
    return { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from(`${metadata.name} ${path}`) }
  },
}

let door: Door
beforeAll(async () => {
  door = await openDoor({ nodes })
  const post = (path: string, body: object) =>
    door.ask(path, { method: 'POST', type: 'application/json', body: JSON.stringify(body) })
  await post('/api/v1/namespaces/default/pods', {
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'a', image: 'b' }] },
  })
  await post('/api/v1/namespaces/default/services', { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } })
})
afterAll(() => door[Symbol.asyncDispose]())

const pod = '/api/v1/namespaces/default/pods/web'
const service = '/api/v1/namespaces/default/services/web'

describe('logs', () => {
  test('are text, with the options that kubectl sends', async () => {
    const query = 'container=a&previous=true&timestamps=true&tailLines=3&sinceSeconds=60&limitBytes=100'
    const { headers, text } = await door.ask(`${pod}/log?${query}`)
    expect(headers['content-type']).toBe('text/plain')
    expect(text).toBe('first\n')
    expect(asked.logs.at(-1)).toMatchObject({
      container: 'a',
      follow: false,
      previous: true,
      timestamps: true,
      tailLines: 3,
      sinceSeconds: 60,
      limitBytes: 100,
    })
  })

  test('that are followed come as they are written, until the reader leaves', async () => {
    const response = await door.open(`${pod}/log?follow=true`)
    const [chunk] = await once(response, 'data')
    expect(String(chunk)).toBe('first\n')
    response.destroy()
    await hungUp
  })

  test('that are followed end with the server', async () => {
    await using own = await openDoor({ nodes })
    const body = JSON.stringify({ metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'b' }] } })
    await own.ask('/api/v1/namespaces/default/pods', { method: 'POST', type: 'application/json', body })
    const response = await own.open(`${pod}/log?follow=true`)
    const ended = once(response.resume(), 'end')
    await own.close()
    await ended
  })

  test.each([
    ['container=none', 400, 'container none is not valid for pod web'],
    ['container=none&follow=true', 400, 'container none is not valid for pod web'],
    ['tailLines=all', 400, 'strconv.ParseInt: parsing "all": invalid syntax'],
    ['tailLines=-1', 422, 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
    ['limitBytes=0', 422, 'limitBytes: Invalid value: 0: must be greater than 0'],
    ['sinceSeconds=0', 422, 'sinceSeconds: Invalid value: 0: must be greater than 0'],
    [
      'sinceSeconds=1&sinceTime=2024-01-01T00:00:00Z',
      422,
      'at most one of `sinceTime` or `sinceSeconds` may be specified',
    ],
    ['sinceTime=yesterday', 400, 'parsing time "yesterday"'],
  ])('with %s are refused', async (query, code, message) => {
    const status = await door.refused(`${pod}/log?${query}`)
    expect(status.code).toBe(code)
    expect(status.message).toContain(message)
  })

  test('of a pod that is not there', async () => {
    expect(await door.refused('/api/v1/namespaces/default/pods/none/log')).toMatchObject({
      message: 'pods "none" not found',
    })
  })
})

describe('proxies', () => {
  test('to a pod: method, path, query, headers and body go through, credentials do not', async () => {
    const { code, text, headers } = await door.ask(`${pod.replace('web', 'web:8080')}/proxy/a/b?c=d`, {
      method: 'PUT',
      body: 'hello',
      headers: { 'x-mine': '1', authorization: 'Bearer secret' },
    })
    expect([code, text]).toEqual([418, 'PUT /a/b?c=d'])
    expect(headers).toMatchObject({ 'content-type': 'text/plain', 'x-pod': 'web' })
    const [port, request] = asked.pods.at(-1)!
    expect(port).toBe('8080')
    expect(Buffer.from(request.body).toString()).toBe('hello')
    expect(request.headers).toMatchObject({ 'x-mine': '1' })
    expect(request.headers).not.toHaveProperty('authorization')
  })

  test('to a Service, with and without a port and a scheme', async () => {
    for (const [name, port] of [
      ['web', undefined],
      ['web:http', 'http'],
      ['http:web:80', '80'],
    ]) {
      expect((await door.ask(`${service.replace('web', name!)}/proxy/`)).code).toBe(204)
      expect(asked.services.at(-1)).toEqual([{ name: 'web', namespace: 'default' }, port])
    }
    expect(await door.refused(`${service.replace('web', 'none')}/proxy/`)).toMatchObject({ code: 404 })
  })

  test('to a node: its kubelet is asked, by name, scheme and port', async () => {
    await door.server.client.of(Nodes).create({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } } as never)
    for (const name of ['node-1', 'https:node-1:10250', 'node-1:10250']) {
      const { code, text } = await door.ask(`/api/v1/nodes/${name}/proxy/healthz?verbose`)
      expect([code, text]).toEqual([200, 'node-1 /healthz?verbose'])
    }
    expect(await door.refused('/api/v1/nodes/node-1:9100/proxy/metrics')).toMatchObject({
      code: 501,
      message: 'a proxy to port 9100 of a node is not implemented by kubesim yet',
    })
    expect(await door.refused('/api/v1/nodes/none/proxy/healthz')).toMatchObject({ code: 404 })
  })
})
