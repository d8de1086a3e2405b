// Custom objects in several versions: stored in one, shown in each; converted by name or by a webhook that is asked.
// Rules: apiextensions-apiserver pkg/apiserver/conversion.

import { expect, test } from 'vitest'
import { OutgoingError } from '../../apiserver/outgoing/outgoing.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { CustomResourceDefinitions } from '../../src/kinds/index.ts'
import { refusal, type TestServer, Told, testServer } from './harness.ts'

type Stable = KubeObject & { hostPort?: string; host?: string; port?: string }

const fields = (...names: string[]) => ({
  openAPIV3Schema: { type: 'object', properties: Object.fromEntries(names.map(name => [name, { type: 'string' }])) },
})

const definition = (conversion: object, v2: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'testers.stable.example.com' },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural: 'testers', kind: 'Tester' },
    conversion,
    versions: [
      { name: 'v1', served: true, storage: true, schema: fields('hostPort') },
      { name: 'v2', served: true, storage: false, schema: fields('host', 'port'), ...v2 },
    ],
  },
})

const webhook = {
  strategy: 'Webhook',
  webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://convert.example.com/crdconvert' } },
}

const inDefault = { namespace: 'default' }
const ref = (name: string) => ({ name, namespace: 'default' })
const tester = (name: string, v: 'v1' | 'v2', more: object) => ({
  apiVersion: `stable.example.com/${v}`,
  kind: 'Tester',
  metadata: { name },
  ...more,
})

interface Asked {
  readonly to: string
  readonly names: readonly string[]
}

/** A server whose conversion webhook splits host and port, as upstream's conformance webhook does. */
async function converting(change: (object: Stable) => void = () => {}, body: object = definition(webhook)) {
  const asked: Asked[] = []
  const server = await testServer(undefined, async sent => {
    const { request } = JSON.parse(Buffer.from(sent.body!).toString())
    asked.push({ to: request.desiredAPIVersion, names: request.objects.map((each: Stable) => each.metadata.name) })
    const convertedObjects = request.objects.map((object: Stable) => {
      const { hostPort, host, port, ...rest } = object
      const made: Stable = { ...rest, apiVersion: request.desiredAPIVersion }
      if (hostPort !== undefined) [made.host, made.port] = hostPort.split(':') as [string, string]
      else made.hostPort = `${host}:${port}`
      change(made)
      return made
    })
    const response = { uid: request.uid, result: { status: 'Success' }, convertedObjects }
    const review = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', response }
    return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(review)) }
  })
  await server.of(CustomResourceDefinitions).create(body, {}, {}, server.info)
  await server.env.activity.idle()
  return { ...server, asked, v1: testers(server, 'v1'), v2: testers(server, 'v2') }
}

const testers = ({ server }: TestServer, v: string) => server.registry.find('stable.example.com', v, 'testers')!

test('[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR v1 to CR v2', async () => {
  const { v1, v2, info, client, asked, storage } = await converting()
  const wrote = await v1.create(tester('one', 'v1', { hostPort: 'localhost:8080' }), inDefault, {}, info)
  expect(wrote.reading.object).toMatchObject({ hostPort: 'localhost:8080' })
  expect(asked).toEqual([])
  const shown = (await client.of(v2.kind).get(ref('one'))) as unknown as Stable
  expect(shown).toMatchObject({ apiVersion: 'stable.example.com/v2', host: 'localhost', port: '8080' })
  expect(shown.hostPort).toBeUndefined()
  expect(shown.metadata).toEqual(wrote.reading.object.metadata)
  // What was said of it is remembered.
  await client.of(v2.kind).get(ref('one'))
  expect(asked).toEqual([{ to: 'stable.example.com/v2', names: ['one'] }])

  const made = await v2.create(tester('two', 'v2', { host: 'example.com', port: '1234' }), inDefault, {}, info)
  expect(made.reading.object).toMatchObject({ apiVersion: 'stable.example.com/v2', host: 'example.com', port: '1234' })
  const stored = storage.get('/registry/stable.example.com/testers/default/two')!.object
  expect(stored).toMatchObject({ apiVersion: 'stable.example.com/v1', hostPort: 'example.com:1234' })
  expect(stored.metadata.uid).toBe(made.reading.object.metadata.uid)

  const patch = { type: 'merge', body: { port: '99' } } as const
  const { reading } = await v2.patch(ref('one'), patch, {}, info)
  expect(reading.object).toMatchObject({ host: 'localhost', port: '99', metadata: { generation: 2 } })
  expect(v1.get(ref('one')).object).toMatchObject({ hostPort: 'localhost:99' })
  const { gone } = await v2.delete(ref('one'), {}, info)
  expect(gone).toBe(true)
})

test('[sig-api-machinery] CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non homogeneous list of CRs', async () => {
  const { v1, v2, of, info, client, asked, env } = await converting()
  await v1.create(tester('a', 'v1', { hostPort: 'a:1' }), inDefault, {}, info)
  const versions = [
    { name: 'v1', served: true, storage: false, schema: fields('hostPort') },
    { name: 'v2', served: true, storage: true, schema: fields('host', 'port') },
  ]
  const name = 'testers.stable.example.com'
  await of(CustomResourceDefinitions).patch({ name }, { type: 'merge', body: { spec: { versions } } }, {}, info)
  await env.activity.idle()
  const { status } = await client.of(CustomResourceDefinitions).get({ name })
  expect(status.storedVersions).toEqual(['v1', 'v2'])
  const b = tester('b', 'v2', { host: 'b', port: '2' })
  await client.of(v2.kind).create({ ...b, metadata: ref('b') })
  expect(asked.splice(0)).toEqual([])

  const list = async (kind: typeof v1.kind) =>
    ((await client.of(kind).list()).items as unknown as Stable[]).map(({ apiVersion, hostPort, host, port }) =>
      [apiVersion.split('/')[1], hostPort ?? `${host} ${port}`].join(': '),
    )
  expect(await list(v1.kind)).toEqual(['v1: a:1', 'v1: b:2'])
  expect(await list(v2.kind)).toEqual(['v2: a 1', 'v2: b 2'])
  expect(asked).toEqual([
    { to: 'stable.example.com/v1', names: ['b'] },
    { to: 'stable.example.com/v2', names: ['a'] },
  ])
})

test('a watch shows each event in its version, in order', async () => {
  const { v1, v2, info, env } = await converting()
  await v1.create(tester('a', 'v1', { hostPort: 'a:1' }), inDefault, {}, info)
  const told = new Told()
  v2.watch({}, told.reader)
  await v1.create(tester('b', 'v1', { hostPort: 'b:1' }), inDefault, {}, info)
  await v1.delete(ref('a'), {}, info)
  await env.activity.idle()
  const shown = told.signals.map(signal =>
    signal.type === 'BOOKMARK' ? '' : `${signal.type} ${(signal.reading.object as unknown as Stable).host}`,
  )
  expect(shown).toEqual(['ADDED a', 'ADDED b', 'DELETED a'])
})

test('what a webhook may not do is told, and nothing is written', async () => {
  const renamed = await converting(object => {
    object.metadata = { ...object.metadata, name: 'other' }
  })
  await renamed.v1.create(tester('one', 'v1', { hostPort: 'a:1' }), inDefault, {}, renamed.info)
  const about = 'conversion webhook for stable.example.com/v1, Kind=Tester'
  const error = await refusal(renamed.client.of(renamed.v2.kind).get(ref('one')))
  expect(error).toMatchObject({
    code: 500,
    message: `${about} returned invalid object: must have the same name: one != other`,
  })
  const before = renamed.storage.revision
  await refusal(renamed.v2.create(tester('two', 'v2', { host: 'b', port: '2' }), inDefault, {}, renamed.info))
  expect(renamed.storage.revision).toBe(before)

  const silent = await testServer(undefined, async sent => {
    throw new OutgoingError(sent, 'dial tcp: connection refused')
  })
  await silent.of(CustomResourceDefinitions).create(definition(webhook), {}, {}, silent.info)
  await silent.env.activity.idle()
  await testers(silent, 'v1').create(tester('one', 'v1', { hostPort: 'a:1' }), inDefault, {}, silent.info)
  const none = await refusal(silent.client.of(testers(silent, 'v2').kind).get(ref('one')))
  expect(none.message).toBe(
    `${about} failed: Post "https://convert.example.com/crdconvert": dial tcp: connection refused`,
  )
})

test('without a webhook only the name of the version changes, and a write without a change migrates', async () => {
  const server = await testServer()
  const { of, info, env, storage } = server
  const open = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const both = definition({ strategy: 'None' }, { schema: open })
  both.spec.versions[0]!.schema = open as never
  await of(CustomResourceDefinitions).create(both, {}, {}, info)
  await env.activity.idle()
  await testers(server, 'v1').create(tester('one', 'v1', { hostPort: 'a:1' }), inDefault, {}, info)
  const shown = testers(server, 'v2').get(ref('one')).object
  expect(shown).toMatchObject({ apiVersion: 'stable.example.com/v2', hostPort: 'a:1' })
  const [v1, v2] = both.spec.versions
  const versions = [
    { ...v1, storage: false },
    { ...v2, storage: true },
  ]
  const name = 'testers.stable.example.com'
  await of(CustomResourceDefinitions).patch({ name }, { type: 'merge', body: { spec: { versions } } }, {}, info)
  const key = '/registry/stable.example.com/testers/default/one'
  expect(storage.get(key)!.object.apiVersion).toBe('stable.example.com/v1')
  await testers(server, 'v1').patch(ref('one'), { type: 'merge', body: {} }, {}, info)
  expect(storage.get(key)!.object.apiVersion).toBe('stable.example.com/v2')
  const revision = storage.revision
  await testers(server, 'v1').patch(ref('one'), { type: 'merge', body: {} }, {}, info)
  expect(storage.revision).toBe(revision)
})

test('[sig-api-machinery] CustomResourceFieldSelectors [Privileged:ClusterAdmin] CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector', async () => {
  const selectable = (...names: string[]) => ({ selectableFields: names.map(name => ({ jsonPath: `.${name}` })) })
  const body = definition(webhook, selectable('host', 'port'))
  Object.assign(body.spec.versions[0]!, selectable('hostPort'))
  const { v1, v2, client, env } = await converting(undefined, body)
  const [stable, newer] = [client.of(v1.kind), client.of(v2.kind)]
  const told: Record<string, string[]> = {}
  const ending = new AbortController()
  const follow = async (reader: typeof stable, fieldSelector: string) => {
    const lines: string[] = []
    told[fieldSelector] = lines
    const { signal } = ending
    const watch = reader.watch({ namespace: 'default', fieldSelector, after: '', signal })
    for await (const event of watch) {
      if (event.type !== 'BOOKMARK') lines.push(`${event.type} ${event.object.metadata.name}`)
    }
  }
  const following = [
    follow(newer, 'host=host1'),
    follow(newer, 'host=host1,port=80'),
    follow(stable, 'hostPort=host1:80'),
  ]
  await env.activity.idle()

  const hosts: object[] = [{ host: 'host1', port: '80' }, { host: 'host1', port: '8080' }, { host: 'host2' }]
  for (const [index, more] of hosts.entries()) {
    const object = tester(`cr${index}`, 'v2', more)
    await newer.create({ ...object, metadata: { ...object.metadata, namespace: 'default' } })
  }
  const listed = async (reader: typeof stable, fieldSelector: string) =>
    (await reader.list({ namespace: 'default', fieldSelector })).items.map(({ metadata }) => metadata.name)
  expect(await listed(newer, 'host=host1')).toEqual(['cr0', 'cr1'])
  expect(await listed(newer, 'host=host1,port=80')).toEqual(['cr0'])
  expect(await listed(stable, 'hostPort=host1:80')).toEqual(['cr0'])
  expect(await listed(stable, 'hostPort=host1:8080')).toEqual(['cr1'])

  await newer.deleteCollection({ namespace: 'default', fieldSelector: 'host=host1,port=80' })
  await newer.patch(ref('cr1'), { type: 'merge', body: { host: 'host2' } })
  expect(await listed(newer, 'host=host1')).toEqual([])
  expect(await listed(newer, 'host=host1,port=80')).toEqual([])
  await env.activity.idle()
  expect(told).toEqual({
    'host=host1': ['ADDED cr0', 'ADDED cr1', 'DELETED cr0', 'DELETED cr1'],
    'host=host1,port=80': ['ADDED cr0', 'DELETED cr0'],
    'hostPort=host1:80': ['ADDED cr0', 'DELETED cr0'],
  })
  ending.abort()
  await Promise.allSettled(following)
})
