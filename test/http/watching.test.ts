// Watches on the wire: JSON lines or WebSocket messages, as objects, tables or metadata; and how they end.

import { once } from 'node:events'
import http2 from 'node:http2'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { type Door, eventsOf, openDoor } from './door.ts'

const maps = '/api/v1/namespaces/default/configmaps'
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

const create = (door: Door, name: string, data: Record<string, string> = {}) =>
  door.server.client
    .of(ConfigMaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data })

async function take(events: AsyncIterator<any>, count: number): Promise<any[]> {
  const taken: any[] = []
  for (let index = 0; index < count; index++) taken.push((await events.next()).value)
  return taken
}

test('what is there, then what happens, as one line each', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const response = await door.open(`${maps}?watch=1`)
  expect(response.headers).toMatchObject({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  const events = eventsOf(response)
  expect(await take(events, 1)).toMatchObject([
    { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' } } },
  ])
  await create(door, 'b')
  await door.server.client.of(ConfigMaps).delete({ name: 'a', namespace: 'default' })
  expect((await take(events, 2)).map(event => `${event.type} ${event.object.metadata.name}`)).toEqual([
    'ADDED b',
    'DELETED a',
  ])
})

test('the objects of a watch are those of a get, byte for byte', async () => {
  await using door = await openDoor()
  const { resourceVersion } = (await door.ask(maps)).json.metadata
  const response = await door.open(`${maps}?watch=true&resourceVersion=${resourceVersion}`)
  await create(door, 'a', { text: 'ünïcode\n"quoted"' })
  const [chunk] = await once(response, 'data')
  expect(String(chunk)).toBe(`{"type":"ADDED","object":${(await door.ask(`${maps}/a`)).text}}\n`)
  response.destroy()
})

test('of one name, as rollout status asks, and at an object’s own path', async () => {
  await using door = await openDoor()
  for (const path of [`${maps}?watch=true&fieldSelector=metadata.name%3Db`, `${maps}/b?watch=true`]) {
    const events = eventsOf(await door.open(path))
    await create(door, 'a').catch(() => {})
    await create(door, 'b').catch(() => {})
    expect((await take(events, 1))[0].object.metadata.name).toBe('b')
    await events.return(undefined)
  }
})

test('as tables: each event a row, the columns with the first alone', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const events = eventsOf(await door.open(`${maps}?watch=true`, { accept: table }))
  await create(door, 'b')
  const [first, second] = await take(events, 2)
  expect(first).toMatchObject({
    type: 'ADDED',
    object: { kind: 'Table', rows: [{ cells: ['a', expect.anything(), '0s'] }] },
  })
  expect(first.object.columnDefinitions).toHaveLength(3)
  expect(second.object).toMatchObject({
    columnDefinitions: null,
    metadata: { resourceVersion: second.object.rows[0].object.metadata.resourceVersion },
    rows: [{ cells: ['b', expect.anything(), '0s'], object: { kind: 'PartialObjectMetadata' } }],
  })
})

test('as metadata, of both versions at once', async () => {
  await using door = await openDoor()
  const versions = ['v1', 'v1beta1']
  const watches = await Promise.all(
    versions.map(async version => {
      const accept = `application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=${version}`
      return eventsOf(await door.open(`${maps}?watch=true`, { accept }))
    }),
  )
  await create(door, 'a')
  for (const [index, version] of versions.entries()) {
    const [{ object }] = await take(watches[index]!, 1)
    expect(object).toMatchObject({ kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}` })
    expect(Object.keys(object)).toEqual(['kind', 'apiVersion', 'metadata'])
  }
})

test('initial events end with one bookmark, for which informers wait', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
  const events = eventsOf(await door.open(`${maps}?${query}`))
  const [added, bookmark] = await take(events, 2)
  expect(added.type).toBe('ADDED')
  expect(bookmark).toEqual({
    type: 'BOOKMARK',
    object: {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: {
        resourceVersion: expect.any(String),
        creationTimestamp: null,
        annotations: { 'k8s.io/initial-events-end': 'true' },
      },
    },
  })
})

test('it ends after timeoutSeconds, with every line whole', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const events = eventsOf(await door.open(`${maps}?watch=true&timeoutSeconds=30`))
  await take(events, 1)
  const ended = events.next()
  await door.server.env.clock.advance(29_000)
  await create(door, 'b')
  expect((await ended).value).toMatchObject({ type: 'ADDED' })
  await door.server.env.clock.advance(2_000)
  expect(await events.next()).toEqual({ done: true, value: undefined })
})

test('without a wish it ends after half an hour to an hour', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const events = eventsOf(await door.open(`${maps}?watch=true`))
  await take(events, 1)
  await door.server.env.clock.advance(29 * 60_000)
  await create(door, 'b')
  expect(await take(events, 1)).toMatchObject([{ object: { metadata: { name: 'b' } } }])
  await door.server.env.clock.advance(32 * 60_000)
  expect(await events.next()).toMatchObject({ done: true })
})

test('from a revision that is forgotten: an ERROR event with a Status', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  await create(door, 'b')
  await door.server.storage.compact(door.server.storage.revision)
  const response = await door.open(`${maps}?watch=true&resourceVersion=1`)
  expect(response.statusCode).toBe(200)
  const events = eventsOf(response)
  expect(await take(events, 1)).toMatchObject([
    { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
  ])
  expect(await events.next()).toMatchObject({ done: true })
})

/** Begins a watch that is not read until `events` is. */
const slowWatches: Record<string, (door: Door) => Promise<() => AsyncIterable<any>>> = {
  'HTTP/1.1': async door => {
    const response = await door.open(`${maps}?watch=true`)
    response.pause()
    return () => eventsOf(response)
  },
  'HTTP/2': async door => {
    const { ca, admin } = door.certificates
    const session = http2.connect(`https://127.0.0.1:${door.port}`, { ca: ca.cert, cert: admin.cert, key: admin.key })
    const stream = session.request({ ':path': `${maps}?watch=true` })
    await once(stream, 'response')
    stream.pause()
    return async function* () {
      yield* eventsOf(stream)
      session.destroy()
    }
  },
}

test.each(Object.keys(slowWatches))(
  'over %s a reader too slow is told Expired, and nobody else is kept',
  async protocol => {
    await using door = await openDoor()
    const slow = await slowWatches[protocol]!(door)
    const quick = eventsOf(await door.open(`${maps}?watch=true`))
    const data = { key: 'x'.repeat(1_000_000) }
    // Enough for what the kernel holds for both ends, and for the backlog that the registry lets lie.
    const count = 40
    for (let index = 0; index < count; index++) {
      await create(door, `large-${index}`, data)
      await take(quick, 1)
    }
    let last: any
    let seen = 0
    for await (const event of slow()) {
      last = event
      seen++
    }
    expect(last).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } })
    expect(seen).toBeLessThan(count)
  },
)

test('a slow watch does not keep what else goes over its connection', async () => {
  await using door = await openDoor()
  const { ca, admin } = door.certificates
  const session = http2.connect(`https://127.0.0.1:${door.port}`, { ca: ca.cert, cert: admin.cert, key: admin.key })
  const watch = session.request({ ':path': `${maps}?watch=true` })
  await once(watch, 'response')
  watch.pause()
  for (let index = 0; index < 14; index++) await create(door, `large-${index}`, { key: 'x'.repeat(1_000_000) })
  for (let index = 0; index < 3; index++) {
    const stream = session.request({ ':path': '/readyz' })
    const [headers] = await once(stream, 'response')
    expect(headers[':status']).toBe(200)
    expect(String((await once(stream, 'data'))[0])).toBe('ok')
  }
  session.destroy()
})

test('a client that goes away is forgotten', async () => {
  await using door = await openDoor()
  const { clock } = door.server.env
  const before = clock.waiting
  const response = await door.open(`${maps}?watch=true`)
  await create(door, 'a')
  await once(response, 'data')
  // A watch has a timer, which ends it; when nobody watches any more there is none.
  expect(clock.waiting).toBe(before + 1)
  response.destroy()
  // That the socket is closed, the server is told by the system, in some turn of the loop.
  while (clock.waiting > before) await new Promise(resolve => setImmediate(resolve))
  expect((await door.ask(maps)).json.items).toHaveLength(1)
})

test('the server’s end ends it in order', async () => {
  await using door = await openDoor()
  const events = eventsOf(await door.open(`${maps}?watch=true`))
  await create(door, 'a')
  await take(events, 1)
  const ended = events.next()
  await door.close()
  expect(await ended).toEqual({ done: true, value: undefined })
})

function socket(door: Door, path: string, protocols?: string[]): WebSocket {
  const { ca, admin } = door.certificates
  return new WebSocket(`wss://127.0.0.1:${door.port}${path}`, protocols ?? [], {
    ca: ca.cert,
    cert: admin.cert,
    key: admin.key,
  })
}

test('over a WebSocket each event is a message', async () => {
  await using door = await openDoor()
  await create(door, 'a')
  const watch = socket(door, `${maps}?watch=true&timeoutSeconds=30`)
  const said: any[] = []
  const second = new Promise<void>(resolve => {
    watch.on('message', message => {
      said.push(JSON.parse(String(message)))
      if (said.length === 2) resolve()
    })
  })
  await once(watch, 'open')
  await create(door, 'b')
  await second
  expect(said.map(event => `${event.type} ${event.object.metadata.name}`)).toEqual(['ADDED a', 'ADDED b'])
  const closed = once(watch, 'close')
  await door.server.env.clock.advance(31_000)
  expect((await closed)[0]).toBe(1000)
})

test('a WebSocket client that breaks the protocol is hung up on', async () => {
  await using door = await openDoor()
  const watch = socket(door, `${maps}?watch=true`)
  watch.on('error', () => {})
  await once(watch, 'open')
  const raw = (watch as unknown as { _socket: { write(bytes: Buffer): void } })._socket
  // A frame with reserved bits set, and unmasked.
  raw.write(Buffer.from([0xff, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1]))
  await once(watch, 'close')
  expect((await door.ask('/readyz')).code).toBe(200)
})

test.each([
  ['/api/v1/namespaces/default/pods/p/exec?command=sh', 404],
  ['/api/v1/namespaces/default/pods/p/log', 404],
  ['/api/v1/namespaces/default/pods/p/proxy/', 404],
  [`${maps}?watch=true&labelSelector=a+in+b`, 400],
  ['/nothing', 404],
])('a WebSocket to %s is refused with a Status', async (path, code) => {
  await using door = await openDoor()
  const refused = socket(door, path, ['v5.channel.k8s.io'])
  const [, response] = await once(refused, 'unexpected-response')
  expect(response.statusCode).toBe(code)
  let text = ''
  for await (const chunk of response) text += chunk
  expect(JSON.parse(text)).toMatchObject({ kind: 'Status', code })
  expect((await door.ask('/readyz')).code).toBe(200)
})

test('a WebSocket of nobody is refused', async () => {
  await using door = await openDoor()
  const refused = new WebSocket(`wss://127.0.0.1:${door.port}${maps}?watch=true`, { ca: door.certificates.ca.cert })
  const [, response] = await once(refused, 'unexpected-response')
  expect(response.statusCode).toBe(403)
  response.resume()
})
