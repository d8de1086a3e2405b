// The test server as a test in another language has it: clusters by HTTP, each its own, with its time in the test's hand.

import http from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KubeObject } from '../../src/api/meta.ts'
import { createHttpClient, type HttpConnection } from '../../src/client/http-client.ts'
import { virtualEnv } from '../../src/env/virtual-env.ts'
import { ConfigMaps, Namespaces, Pods } from '../../src/kinds/index.ts'
import type { Kind } from '../../src/kinds/kind.ts'
import { type TestServer, testServer } from '../../src/test-server/server.ts'
import { pod } from '../support/objects.ts'

interface Answer {
  readonly code: number
  readonly text: string
  readonly json: any
}

/** One request over plain HTTP. */
function ask(
  server: TestServer,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(`${server.url}${path}`, { method, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () =>
        resolve({
          code: response.statusCode ?? 0,
          text,
          get json() {
            return JSON.parse(text)
          },
        }),
      )
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

interface Made {
  readonly name: string
  readonly server: string
  readonly certificateAuthority: string
  readonly token: string
  readonly kubeconfig: string
}

let server: TestServer
const connections: HttpConnection[] = []

beforeAll(async () => {
  server = await testServer()
})
afterAll(async () => {
  for (const connection of connections) connection.close()
  await server[Symbol.asyncDispose]()
})

async function made(wish: object = {}): Promise<Made> {
  const { code, json } = await ask(server, 'POST', '/clusters', { nodes: 1, ...wish })
  expect(code, JSON.stringify(json)).toBe(201)
  return json
}

function connect({ server, certificateAuthority: ca, token }: Made): HttpConnection {
  const connection = createHttpClient({ server, ca, token })
  connections.push(connection)
  return connection
}

/** What happens from now on, without bookmarks. */
async function* eventsOf<T extends KubeObject>({ client }: HttpConnection, kind: Kind<T>) {
  const { resourceVersion } = await client.of(kind).list({ namespace: 'default' })
  const { signal } = new AbortController()
  for await (const event of client.of(kind).watch({ namespace: 'default', after: resourceVersion, signal })) {
    if (event.type !== 'BOOKMARK') yield event
  }
}

const map = (name: string) => ({
  apiVersion: 'v1' as const,
  kind: 'ConfigMap' as const,
  metadata: { name, namespace: 'default' },
})
const clock = (name: string, verb: string, body: object) =>
  ask(server, 'POST', `/clusters/${name}/kubesim/v1alpha1/clock/${verb}`, body)

describe('a cluster for each test', () => {
  test('POST answers with all that a client needs; what is written in one is not in another', async () => {
    const [one, other] = [await made({ name: 'one' }), await made()]
    expect(one).toMatchObject({
      kind: 'TestCluster',
      name: 'one',
      nodes: 1,
      seed: 1,
      clock: 'virtual',
      ttlSeconds: 600,
    })
    expect(other.name).not.toBe(one.name)
    expect(one.kubeconfig).toContain(`server: ${server.secureUrl}/clusters/one\n`)
    expect((await ask(server, 'GET', '/clusters/one/kubeconfig')).text).toBe(one.kubeconfig)
    await connect(one).client.of(ConfigMaps).create(map('a'))
    const names = async (each: Made) =>
      (await connect(each).client.of(ConfigMaps).list({ namespace: 'default' })).items.map(item => item.metadata.name)
    expect(await names(one)).toEqual(['a', 'kube-root-ca.crt'])
    expect(await names(other)).toEqual(['kube-root-ca.crt'])
    const listed = (await ask(server, 'GET', '/clusters')).json.items
    expect(listed.map(({ name }: Made) => name)).toEqual([one.name, other.name])
    expect(JSON.stringify(listed)).not.toContain(one.token)
  })

  test('the same seed gives the same cluster, whether it was made ready before or not', async () => {
    const uid = async (wish: object) =>
      (
        await connect(await made(wish))
          .client.of(Namespaces)
          .get({ name: 'default' })
      ).metadata.uid
    const first = await uid({ seed: 7 })
    // As soon as nobody asks for anything the spare one is made: it is what comes next.
    expect(await uid({ seed: 7 })).toBe(first)
    expect(await uid({ seed: 8 })).not.toBe(first)
  })

  test('one that was deleted is gone, with its watches', async () => {
    const each = await made()
    const connection = connect(each)
    const { client } = connection
    const events = eventsOf(connection, ConfigMaps)
    const first = events.next()
    await client.of(ConfigMaps).create(map('a'))
    expect((await first).value).toMatchObject({ type: 'ADDED' })
    const gone = await ask(server, 'DELETE', `/clusters/${each.name}`)
    expect(gone.json).toMatchObject({ kind: 'Status', status: 'Success', details: { name: each.name } })
    // The reader of the watch comes to its end instead of waiting for ever.
    expect(await events.next().catch(() => ({ done: true }))).toMatchObject({ done: true })
    expect((await ask(server, 'GET', `/clusters/${each.name}`)).code).toBe(404)
    await expect(client.of(ConfigMaps).list()).rejects.toThrow(`clusters "${each.name}" not found`)
  })
})

describe('time', () => {
  test('stands until it is moved; settle lets happen what is to happen', async () => {
    const { name, ...rest } = await made()
    const { client, get } = connect({ name, ...rest })
    await client.of(Pods).create(pod('web'))
    const phase = async () => (await client.of(Pods).get({ name: 'web', namespace: 'default' })).status.phase
    expect(await phase()).toBe('Pending')
    const settled = (await clock(name, 'settle', {})).json
    expect(settled).toMatchObject({ kind: 'ClockSettle', from: '2024-01-01T00:00:00.000Z', settled: true })
    expect(await phase()).toBe('Running')
    const advanced = (await clock(name, 'advance', { by: '1h' })).json
    expect(Date.parse(advanced.to) - Date.parse(settled.to)).toBe(3_600_000)
    // And the other paths of kubesim's own.
    const why = await get<{ links: unknown[] }>('/kubesim/v1alpha1/why?resource=pods&name=web')
    expect(why).toMatchObject({ kind: 'Why' })
    const { json } = await ask(server, 'GET', `/clusters/${name}/kubesim/v1alpha1/timeline?resource=pods&name=web`)
    expect(json.items[0]).toMatchObject({ type: 'ADDED' })
  })

  test('what never comes to rest is told with what was written last', async () => {
    const { name, ...rest } = await made()
    await connect({ name, ...rest })
      .client.of(Pods)
      .create(pod('web'))
    const { json } = await clock(name, 'settle', { limit: '2s' })
    expect(json).toMatchObject({ settled: false, to: '2024-01-01T00:00:02.000Z' })
    expect(json.unsettled).toContainEqual(expect.objectContaining({ type: 'MODIFIED', resource: 'pods', name: 'web' }))
    expect((await clock(name, 'settle', { limit: 'soon' })).json.message).toContain('"limit" is a duration')
  })

  test('a controller outside has its turn before time goes on', async () => {
    const { name, ...rest } = await made({ nodes: 0 })
    const connection = connect({ name, ...rest })
    const maps = connection.client.of(ConfigMaps)
    const controller = (async () => {
      for await (const { type, object } of eventsOf(connection, ConfigMaps)) {
        if (type !== 'ADDED' || object.metadata.name === 'kube-root-ca.crt') continue
        // Its answer is to bear the time of what it answers.
        await maps.create(map(`${object.metadata.name}-answered`))
        if (object.metadata.name === 'last') return
      }
    })()
    await maps.create(map('last'))
    await clock(name, 'advance', { by: '1h', patience: '200ms' })
    await controller
    const answer = await maps.get({ name: 'last-answered', namespace: 'default' })
    expect(answer.metadata.creationTimestamp).toBe('2024-01-01T00:00:00Z')
  })

  test('may be real', async () => {
    const { name, ...rest } = await made({ clock: 'real', delays: 0 })
    const connection = connect({ name, ...rest })
    const { client } = connection
    const running = (async () => {
      for await (const { object } of eventsOf(connection, Pods)) {
        if (object.status.phase === 'Running') return object.status.startTime
      }
      return undefined
    })()
    await client.of(Pods).create(pod('web'))
    expect(Date.parse((await running)!)).toBeGreaterThan(Date.parse('2025-01-01'))
    await ask(server, 'DELETE', `/clusters/${name}`)
  })
})

describe('what it is like', () => {
  test('a copy of another, with its history and at its time', async () => {
    const base = await made({ name: 'base' })
    await connect(base).client.of(Pods).create(pod('web'))
    await clock('base', 'settle', {})
    const { json: copy } = await ask(server, 'POST', '/clusters', { from: 'base' })
    expect(copy).toMatchObject({ from: 'base', nodes: 1 })
    const { client, get } = connect(copy)
    expect((await client.of(Pods).get({ name: 'web', namespace: 'default' })).status.phase).toBe('Running')
    const { time } = await get<{ time: string }>('/kubesim/v1alpha1/clock')
    expect(Date.parse(time)).toBeGreaterThan(Date.parse('2024-01-01T00:00:00Z'))
    await client.of(Pods).delete({ name: 'web', namespace: 'default' })
    expect((await ask(server, 'GET', '/clusters/base/api/v1/namespaces/default/pods/web')).code).toBe(200)
  })

  test('without a scheduler nothing is bound; with a configuration of it one’s own profile is', async () => {
    const profile = {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      profiles: [{ schedulerName: 'mine' }],
    }
    const placed = async (wish: object) => {
      const each = await made(wish)
      const { client } = connect(each)
      await client.of(Pods).create(pod('web', { schedulerName: 'mine' }))
      await clock(each.name, 'advance', { by: '10s' })
      const { spec } = await client.of(Pods).get({ name: 'web', namespace: 'default' })
      await ask(server, 'DELETE', `/clusters/${each.name}`)
      return spec.nodeName
    }
    expect(await placed({ scheduler: profile })).toBe('node-1')
    expect(await placed({})).toBeUndefined()
    expect(await placed({ scheduler: profile, without: ['scheduler'] })).toBeUndefined()
    const { json } = await ask(server, 'POST', '/clusters', { scheduler: { ...profile, profiles: 3 } })
    expect(json).toMatchObject({ code: 400, message: expect.stringContaining('"scheduler": ') })
  })
})

describe('it is refused by name', () => {
  const refused = async (body: unknown): Promise<string> => {
    const { code, json } = await ask(server, 'POST', '/clusters', body)
    expect(json).toMatchObject({ kind: 'Status', status: 'Failure', code })
    return `${code} ${json.message}`
  }

  test('what is not known, or cannot be', async () => {
    expect(await refused({ nodez: 1 })).toContain('400 "nodez" is not known here: name, nodes, seed, ')
    expect(await refused({ nodes: -1 })).toBe('400 "nodes" is to be a whole number from 0 to 5000, not -1')
    expect(await refused({ name: 'A/B' })).toBe('400 "name" is to be a name of letters, digits and -, not "A/B"')
    expect(await refused({ clock: 'fast' })).toBe('400 "clock" is to be "virtual" or "real", not "fast"')
    expect(await refused({ without: ['etcd'] })).toContain('"without" is to be a list of controllers, ')
    expect(await refused({ ttl: 'x' })).toContain('"ttl" is to be a duration')
    expect(await refused({ from: 'nobody' })).toContain('404 clusters "nobody" not found')
    expect(await refused('{')).toContain('400 the body is not JSON')
    expect(await refused([])).toContain('400 the body is to be a JSON object')
  })

  test('a name that is taken, one cluster too many', async () => {
    await using small = await testServer({ most: 1 })
    expect((await ask(small, 'POST', '/clusters', { name: 'a', nodes: 0 })).code).toBe(201)
    expect((await ask(small, 'POST', '/clusters', { name: 'a' })).json).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
    })
    const { code, json } = await ask(small, 'POST', '/clusters', {})
    expect([code, json.message]).toEqual([
      429,
      'there is 1 cluster, and no more may be: delete one, or start the server with a higher --most',
    ])
  })

  test('paths and methods that there are not', async () => {
    expect((await ask(server, 'GET', '/nothing')).json.message).toBe('there is nothing at /nothing: see GET /')
    expect((await ask(server, 'PUT', '/clusters')).code).toBe(405)
    expect((await ask(server, 'GET', '/clusters/nobody/api')).json.message).toMatch(/^clusters "nobody" not found/)
    expect((await ask(server, 'GET', '/')).json).toMatchObject({ kind: 'TestServer', url: server.url })
  })

  test('a page in a browser, and another cluster’s token', async () => {
    const page = await ask(server, 'POST', '/clusters', {}, { Origin: 'https://example.com' })
    expect([page.code, page.json.message]).toEqual([403, expect.stringContaining('page of "https://example.com"')])
    const rebound = await ask(server, 'GET', '/clusters', undefined, { Host: 'evil.example:6440' })
    expect(rebound.code).toBe(403)
    const [one, other] = [await made(), await made()]
    const mixed = connect({ ...one, token: other.token })
    await expect(mixed.client.of(ConfigMaps).list()).rejects.toThrow('Unauthorized')
    const nobody = createHttpClient({ server: one.server, ca: one.certificateAuthority })
    connections.push(nobody)
    await expect(nobody.client.of(ConfigMaps).list()).rejects.toThrow('system:anonymous')
    const wrong = await ask(server, 'GET', `/clusters/${one.name}/api/v1/pods`, undefined, {
      Authorization: 'Bearer x',
    })
    expect(wrong.code).toBe(401)
  })
})

describe('nobody is left behind', () => {
  test('a cluster ends when its lifeline does', async () => {
    const { name } = await made()
    const lifeline = http.get(`${server.url}/clusters/${name}/lifeline`)
    lifeline.on('error', () => {})
    await new Promise<void>(resolve => lifeline.once('response', response => response.once('data', () => resolve())))
    const { json } = await ask(server, 'GET', `/clusters/${name}/api/v1/namespaces/default/pods?limit=1`)
    expect(json.kind).toBe('PodList')
    // It ends: a watch upon it is what says when.
    const watch = ask(server, 'GET', `/clusters/${name}/api/v1/pods?watch=1`)
    lifeline.destroy()
    await watch.catch(() => {})
    expect((await ask(server, 'GET', `/clusters/${name}`)).code).toBe(404)
  })

  test('a cluster that nobody asks anything ends after its ttl', async () => {
    const { clock: wall } = virtualEnv()
    await using timed = await testServer({ wall, ttl: 60_000 })
    const there = async () => (await ask(timed, 'GET', '/clusters')).json.items.map(({ name }: Made) => name)
    await ask(timed, 'POST', '/clusters', { name: 'short', nodes: 0 })
    await ask(timed, 'POST', '/clusters', { name: 'long', nodes: 0, ttl: '0s' })
    await wall.advance(50_000)
    await ask(timed, 'GET', '/clusters/short/version')
    await wall.advance(50_000)
    expect(await there()).toEqual(['short', 'long'])
    await wall.advance(10_000)
    expect(await there()).toEqual(['long'])
  })
})
