// Objects and lists on the wire, in each of the forms that a client may ask for.

import http2 from 'node:http2'
import { load } from 'js-yaml'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMaps, Secrets } from '../../src/kinds/index.ts'
import { type Ask, type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  for (const name of ['a', 'b', 'c']) {
    await door.server.client.of(ConfigMaps).create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default', labels: { name } },
      data: { key: name },
    })
  }
})
afterAll(() => door[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps'
const table =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json'
const partial = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const partialList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

const namesOf = (list: { items: { metadata: { name: string } }[] }) => list.items.map(item => item.metadata.name)

test('an object is the very bytes that are stored', async () => {
  const { headers, text } = await door.ask(`${maps}/a`)
  const stored = door.server.storage.get('/registry/core/configmaps/default/a')!
  expect(text).toBe(stored.bytes.toString())
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'content-length': String(stored.bytes.length) })
})

test('a list is one object, its length told before', async () => {
  const { headers, text, json } = await door.ask(maps)
  expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
  expect(json).toMatchObject({
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: expect.any(String) },
  })
  expect(namesOf(json)).toEqual(['a', 'b', 'c'])
  expect((await door.ask('/api/v1/namespaces/none/configmaps')).json.items).toEqual([])
})

test('the list says of what kind its items are, and they do not, in whatever order and form they were written', async () => {
  await using own = await openDoor()
  const written = [
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"one"},"data":{"kind":"x"}}',
    '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"three"}}',
    '{"metadata":{"name":"two"},"data":{"a":"ö"},"kind":"ConfigMap","apiVersion":"v1"}',
  ]
  for (const body of written) {
    const headers = { 'content-type': 'application/json' }
    expect((await own.ask(maps, { method: 'POST', headers, body })).code).toBe(201)
  }
  for (const query of ['', '?pretty=true', '?limit=2']) {
    const { text, headers, json } = await own.ask(maps + query)
    expect(headers['content-length']).toBe(String(Buffer.byteLength(text)))
    const { items } = json as { items: object[] }
    expect(items.map(item => Object.keys(item).filter(name => name !== 'data'))).toEqual(items.map(() => ['metadata']))
    if (query !== '?limit=2')
      expect(items.map(item => (item as { data?: object }).data)).toEqual([{ kind: 'x' }, undefined, { a: 'ö' }])
  }
})

test('a list in parts, and by selectors', async () => {
  const first = (await door.ask(`${maps}?limit=2`)).json
  expect(first.metadata.remainingItemCount).toBe(1)
  const next = (await door.ask(`${maps}?limit=2&continue=${encodeURIComponent(first.metadata.continue)}`)).json
  expect([namesOf(first), namesOf(next)]).toEqual([['a', 'b'], ['c']])
  expect((await door.ask(`${maps}?labelSelector=name+in+(a,c)`)).json.items).toHaveLength(2)
  expect(namesOf((await door.ask(`/api/v1/configmaps?fieldSelector=metadata.name%3Db`)).json)).toEqual(['b'])
})

test('a list of many megabytes comes whole', async () => {
  await using own = await openDoor()
  const data = { key: 'x'.repeat(700_000) }
  for (let index = 0; index < 8; index++) {
    const metadata = { name: `large-${index}`, namespace: 'default' }
    await own.server.client.of(ConfigMaps).create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data })
  }
  const { headers, text, json } = await own.ask(maps)
  expect(Number(headers['content-length'])).toBe(text.length)
  expect(namesOf(json)).toEqual(Array.from({ length: 8 }, (_, index) => `large-${index}`))
})

describe('forms', () => {
  test('a table, as kubectl asks for it', async () => {
    const { headers, json } = await door.ask(maps, { accept: table })
    expect(headers['content-type']).toBe('application/json')
    expect(json).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion: expect.any(String) },
    })
    expect(json.columnDefinitions.map((column: { name: string }) => column.name)).toEqual(['Name', 'Data', 'Age'])
    expect(json.columnDefinitions[0]).toMatchObject({ type: 'string', format: 'name', priority: 0 })
    expect(json.rows[0]).toMatchObject({
      cells: ['a', 1, '0s'],
      object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'a' } },
    })
    expect(json.rows[0].object.data).toBeUndefined()
  })

  test('the DATA of ConfigMaps and Secrets is a number in a column of text (pkg/printers/internalversion/printers.go)', async () => {
    await using own = await openDoor()
    const metadata = { namespace: 'default', name: 'keys' }
    const { client } = own.server
    const data = { a: 'YQ==', b: 'Yg==' }
    await client
      .of(ConfigMaps)
      .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data, binaryData: { c: 'Yw==' } })
    await client.of(Secrets).create({ apiVersion: 'v1', kind: 'Secret', metadata, data })
    const dataOf = async (plural: string, index: number) => {
      const { json } = await own.ask(`/api/v1/namespaces/default/${plural}/keys`, { accept: table })
      expect(json.columnDefinitions[index]).toMatchObject({ name: 'Data', type: 'string' })
      return json.rows[0].cells[index]
    }
    expect([await dataOf('configmaps', 1), await dataOf('secrets', 2)]).toEqual([3, 2])
  })

  test('a table of one object, with more or nothing of it', async () => {
    const rows = async (include: string) =>
      (await door.ask(`${maps}/a?includeObject=${include}`, { accept: table })).json.rows
    expect(await rows('Object')).toMatchObject([{ object: { kind: 'ConfigMap', data: { key: 'a' } } }])
    expect((await rows('None'))[0].object).toBeUndefined()
    const old = await door.ask(`${maps}/a`, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1beta1' })
    expect(old.json.apiVersion).toBe('meta.k8s.io/v1beta1')
  })

  test('a table in parts', async () => {
    const { json } = await door.ask(`${maps}?limit=2`, { accept: table })
    expect(json.metadata).toMatchObject({ remainingItemCount: 1, continue: expect.any(String) })
    expect(json.rows).toHaveLength(2)
  })

  test('metadata alone', async () => {
    expect((await door.ask(`${maps}/a`, { accept: partial })).json).toEqual({
      kind: 'PartialObjectMetadata',
      apiVersion: 'meta.k8s.io/v1',
      metadata: (await door.ask(`${maps}/a`)).json.metadata,
    })
    const list = (await door.ask(maps, { accept: partialList })).json
    expect(list).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' })
    expect(namesOf(list)).toEqual(['a', 'b', 'c'])
  })

  test('YAML, and JSON for eyes', async () => {
    const yaml = await door.ask(`${maps}/a`, { accept: 'application/yaml' })
    expect(yaml.headers['content-type']).toBe('application/yaml')
    expect(load(yaml.text)).toEqual((await door.ask(`${maps}/a`)).json)
    expect(
      (load((await door.ask(maps, { accept: 'application/yaml' })).text) as { items: unknown[] }).items,
    ).toHaveLength(3)
    expect((await door.ask(`${maps}/a?pretty=true`)).text).toMatch(/^\{\n {2}"apiVersion": "v1",\n/)
  })

  test.each([
    undefined,
    '*/*',
    'application/json, */*',
    'application/json,application/vnd.kubernetes.protobuf',
    'application/vnd.kubernetes.protobuf;q=0.9, */*',
    // Tables are text.
    'application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1,application/json',
    'application/*;q=0.5',
    'text/html, application/json;q=0.1',
  ])('%s is answered in JSON', async accept => {
    const { headers, json } = await door.ask(`${maps}/a`, accept === undefined ? {} : { accept })
    expect([headers['content-type'], json.kind]).toEqual(['application/json', 'ConfigMap'])
  })

  test.each(['text/html', 'application/json;as=Picture;g=meta.k8s.io;v=v1'])('%s cannot be made', async accept => {
    expect(await door.refused(`${maps}/a`, { accept })).toMatchObject({
      code: 406,
      reason: 'NotAcceptable',
      message:
        'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    })
  })

  test('a watch cannot be made in YAML', async () => {
    expect(await door.refused(`${maps}?watch=1`, { accept: 'application/yaml' })).toMatchObject({
      code: 406,
      message:
        'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
    })
  })
})

describe('writing', () => {
  const json = 'application/json'
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx' }] } },
    },
  }
  const deployments = '/apis/apps/v1/namespaces/default/deployments'

  test('a life: created, patched in three ways, scaled, updated, deleted', async () => {
    const created = await door.ask(deployments, { method: 'POST', type: json, body: JSON.stringify(deployment) })
    expect(created.code).toBe(201)
    const patch = async (type: string, body: object, path = '') =>
      (
        await door.ask(`${deployments}/web${path}`, {
          method: 'PATCH',
          type: `application/${type}`,
          body: JSON.stringify(body),
        })
      ).json
    const strategic = { spec: { template: { spec: { containers: [{ name: 'side', image: 'busybox' }] } } } }
    expect((await patch('strategic-merge-patch+json', strategic)).spec.template.spec.containers).toHaveLength(2)
    expect((await patch('json-patch+json', [{ op: 'replace', path: '/spec/replicas', value: 2 }])).spec.replicas).toBe(
      2,
    )
    expect((await patch('merge-patch+json', { spec: { replicas: 3 } }, '/scale')).kind).toBe('Scale')
    const now = (await door.ask(`${deployments}/web/scale`)).json
    expect(now).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } })
    const body = JSON.stringify({ ...now, spec: { replicas: 4 } })
    expect((await door.ask(`${deployments}/web/scale`, { method: 'PUT', type: json, body })).json.spec.replicas).toBe(4)
    const status = { status: { replicas: 4 } }
    expect((await patch('merge-patch+json', status, '/status')).status.replicas).toBe(4)
    const removed = await door.ask(`${deployments}/web`, {
      method: 'DELETE',
      type: json,
      body: '{"propagationPolicy":"Background"}',
    })
    expect(removed).toMatchObject({
      code: 200,
      json: { kind: 'Status', status: 'Success', details: { name: 'web', group: 'apps', kind: 'deployments' } },
    })
    expect((await door.ask(`${deployments}/web`)).code).toBe(404)
  })

  test('a collection is deleted by selector, and what was deleted is listed', async () => {
    const post = (name: string) =>
      door.ask('/api/v1/namespaces/default/secrets', {
        method: 'POST',
        type: json,
        body: JSON.stringify({ metadata: { name, labels: { name } } }),
      })
    for (const name of ['x', 'y']) expect((await post(name)).code).toBe(201)
    const gone = await door.ask('/api/v1/namespaces/default/secrets?labelSelector=name%3Dx', { method: 'DELETE' })
    expect(gone.json).toMatchObject({ kind: 'SecretList' })
    expect(namesOf((await door.ask('/api/v1/namespaces/default/secrets')).json)).toEqual(['y'])
  })

  test('a pod is bound at either of its two places, and evicted', async () => {
    const pods = '/api/v1/namespaces/default/pods'
    for (const name of ['one', 'two']) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'main', image: 'nginx' }] },
      }
      await door.ask(pods, { method: 'POST', type: json, body: JSON.stringify(pod) })
    }
    const binding = (name: string) =>
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name },
        target: { kind: 'Node', name: 'node-1' },
      })
    expect((await door.ask(`${pods}/one/binding`, { method: 'POST', type: json, body: binding('one') })).code).toBe(201)
    const old = await door.ask('/api/v1/namespaces/default/bindings', {
      method: 'POST',
      type: json,
      body: binding('two'),
    })
    expect(old).toMatchObject({ code: 201, json: { kind: 'Status', status: 'Success' } })
    for (const name of ['one', 'two']) expect((await door.ask(`${pods}/${name}`)).json.spec.nodeName).toBe('node-1')
    const eviction = JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'one' } })
    expect((await door.ask(`${pods}/one/eviction`, { method: 'POST', type: json, body: eviction })).code).toBe(201)
    expect((await door.ask(`${pods}/one`)).json.metadata.deletionTimestamp).toBeDefined()
  })
})

describe('HTTP/2', () => {
  async function session() {
    const { ca, admin } = door.certificates
    const opened = http2.connect(`https://127.0.0.1:${door.port}`, { ca: ca.cert, cert: admin.cert, key: admin.key })
    opened.on('error', () => {})
    await new Promise(resolve => opened.once('connect', resolve))
    expect(opened.alpnProtocol).toBe('h2')
    return opened
  }

  function ask(opened: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: string) {
    return new Promise<{ code: number; text: string }>((resolve, reject) => {
      const stream = opened.request(headers, { endStream: body === undefined })
      let code = 0
      let text = ''
      stream.on('response', head => {
        code = Number(head[':status'])
      })
      stream.setEncoding('utf8')
      stream.on('data', chunk => {
        text += chunk
      })
      stream.on('end', () => resolve({ code, text }))
      stream.on('error', reject)
      if (body !== undefined) stream.end(body)
    })
  }

  test('the same answers, many at once over one connection', async () => {
    const opened = await session()
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(opened, { ':path': `${maps}/a` })))
    const { text } = await door.ask(`${maps}/a`)
    expect(new Set(answers.map(answer => answer.text))).toEqual(new Set([text]))
    const post = { ':method': 'POST', ':path': maps, 'content-type': 'application/json' }
    expect(await ask(opened, post, JSON.stringify({ metadata: { name: 'over-http2' }, grüße: 1 }))).toMatchObject({
      code: 201,
    })
    const large = JSON.stringify({ metadata: { name: 'large' }, data: { key: 'x'.repeat(4 * 1024 * 1024) } })
    expect(await ask(opened, post, large)).toMatchObject({ code: 413 })
    expect(await ask(opened, { ':path': '/nothing' })).toMatchObject({ code: 404 })
    opened.destroy()
    expect((await door.ask('/readyz')).code).toBe(200)
  })

  test('streams that are broken off hurt nobody', async () => {
    const opened = await session()
    const upload = opened.request({ ':method': 'POST', ':path': maps, 'content-type': 'application/json' })
    upload.on('error', () => {})
    upload.write('{"metadata":')
    const list = opened.request({ ':path': maps })
    list.on('error', () => {})
    await new Promise(resolve => list.once('response', resolve))
    upload.close(http2.constants.NGHTTP2_CANCEL)
    list.close(http2.constants.NGHTTP2_CANCEL)
    expect(await ask(opened, { ':path': '/readyz' })).toEqual({ code: 200, text: 'ok' })
    opened.destroy()
  })
})

test('a deprecated kind says so in every verb, refusals and watches included', async () => {
  await using own = await openDoor()
  const endpoints = '/api/v1/namespaces/default/endpoints'
  const metadata = { name: 'web' }
  const send = (method: string, body: object, type = 'application/json') => ({
    method,
    type,
    body: JSON.stringify(body),
  })
  const asks: [path: string, ask?: Ask][] = [
    [endpoints, send('POST', { metadata })],
    [endpoints],
    ['/api/v1/endpoints'],
    [`${endpoints}/web`],
    [`${endpoints}/web`, send('PUT', { metadata })],
    [`${endpoints}/web`, send('PATCH', {}, 'application/merge-patch+json')],
    [`${endpoints}/web`, { method: 'DELETE' }],
    [`${endpoints}/web`],
  ]
  const deprecated = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
  const codes: number[] = []
  for (const [path, ask] of asks) {
    const { code, headers } = await own.ask(path, ask)
    expect(headers.warning).toBe(deprecated)
    codes.push(code)
  }
  expect(codes).toEqual([201, 200, 200, 200, 200, 200, 200, 404])
  const watch = await own.open(`${endpoints}?watch=1`)
  expect(watch.headers.warning).toBe(deprecated)
  watch.destroy()
  expect((await own.ask(maps)).headers.warning).toBeUndefined()
})
