// /at/REVISION: the cluster as it was, for whoever reads; nothing is written there.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Door, eventsOf, openDoor } from './door.ts'

const json = 'application/json'
const merge = 'application/merge-patch+json'
const maps = '/api/v1/namespaces/default/configmaps'
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const map = (name: string, labels: object, data: object) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data })
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
}
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const widgets = '/apis/example.com/v1/namespaces/default/widgets'

let door: Door
/** Before the custom kind, with it and one object, and without either again. */
let [before, during]: [number, number] = [0, 0]
beforeAll(async () => {
  door = await openDoor({ tokens: new Map([['t', { name: 'ada', groups: ['system:authenticated'] }]]) })
  const { storage, env } = door.server
  await door.ask(maps, { method: 'POST', type: json, body: map('a', { app: 'web' }, { n: '1' }) })
  await door.ask(maps, { method: 'POST', type: json, body: map('b', { app: 'db' }, { n: '1' }) })
  before = storage.revision
  await env.clock.advance(60_000)
  await door.ask(`${maps}/a`, { method: 'PATCH', type: merge, body: '{"data":{"n":"2"}}' })
  await door.ask(`${maps}/b`, { method: 'DELETE' })
  await door.ask(definitions, { method: 'POST', type: json, body: JSON.stringify(definition) })
  await env.activity.idle()
  const body = JSON.stringify({ apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' } })
  await door.ask(widgets, { method: 'POST', type: json, body })
  during = storage.revision
  await env.clock.advance(60_000)
  await door.ask(`${definitions}/widgets.example.com`, { method: 'DELETE' })
  await env.clock.advance(60_000)
})
afterAll(async () => door?.[Symbol.asyncDispose]())

const names = (list: { items: { metadata: { name: string } }[] }) => list.items.map(({ metadata }) => metadata.name)

test('objects and lists are as they were, by name, label and field, in parts and as tables with the ages of then', async () => {
  const at = `/at/${before}`
  expect((await door.ask(`${at}${maps}/a`)).json.data).toEqual({ n: '1' })
  expect((await door.ask(`${maps}/a`)).json.data).toEqual({ n: '2' })
  const all = (await door.ask(`${at}${maps}`)).json
  expect([names(all), all.metadata.resourceVersion]).toEqual([['a', 'b'], String(before)])
  expect(names((await door.ask(`${at}${maps}?labelSelector=app=db`)).json)).toEqual(['b'])
  expect(names((await door.ask(`${at}/api/v1/configmaps?fieldSelector=metadata.name=b`)).json)).toEqual(['b'])
  const first = (await door.ask(`${at}${maps}?limit=1`)).json
  const rest = (await door.ask(`${at}${maps}?limit=1&continue=${first.metadata.continue}`)).json
  expect([names(first), names(rest)]).toEqual([['a'], ['b']])
  const rows = (await door.ask(`${at}${maps}`, { accept: table })).json.rows
  expect(rows.map(({ cells }: { cells: unknown[] }) => cells)).toEqual([
    ['a', 1, '0s'],
    ['b', 1, '0s'],
  ])
  expect((await door.ask(`/at/${during}${maps}`, { accept: table })).json.rows[0].cells).toEqual(['a', 1, '60s'])
  expect((await door.refused(`/at/${during}${maps}/b`)).code).toBe(404)
})

test('kinds that came and went are served at the revisions at which they were there', async () => {
  expect((await door.ask(widgets)).code).toBe(404)
  expect((await door.ask(`/at/${before}${widgets}`)).code).toBe(404)
  expect(names((await door.ask(`/at/${during}${widgets}`)).json)).toEqual(['w'])
  const groups = async (revision: number) =>
    (await door.ask(`/at/${revision}/apis`)).json.groups.map(({ name }: { name: string }) => name)
  expect(await groups(during)).toContain('example.com')
  expect(await groups(before)).not.toContain('example.com')
  expect((await door.ask(`/at/${during}/openapi/v3`)).json.paths).toHaveProperty('apis/example.com/v1')
})

test('whatever would write is refused, and so is what runs', async () => {
  const at = `/at/${before}`
  for (const [path, method] of [
    [maps, 'POST'],
    [`${maps}/a`, 'PUT'],
    [`${maps}/a`, 'PATCH'],
    [`${maps}/a`, 'DELETE'],
    [maps, 'DELETE'],
  ] as const) {
    const status = await door.refused(`${at}${path}`, { method, type: json, body: '{}' })
    expect([status.code, status.reason]).toEqual([405, 'MethodNotAllowed'])
    expect(status.message).toBe(
      `the cluster as it was at revision ${before} can only be read: nothing of the past is changed`,
    )
  }
  const log = await door.refused(`${at}/api/v1/namespaces/default/pods/x/log`)
  expect([log.code, log.message]).toEqual([501, 'pods/log of the cluster as it was is not implemented by kubesim yet'])
  expect(names((await door.ask(`${at}${maps}`)).json)).toEqual(['a', 'b'])
})

test('a watch tells what there was, and nothing after; one from before it is too old', async () => {
  const at = `/at/${before}`
  const stream = await door.open(`${at}${maps}?watch=1`)
  const events = eventsOf(stream)
  const first = [(await events.next()).value, (await events.next()).value]
  expect(first.map(({ type, object }) => `${type} ${object.metadata.name}`)).toEqual(['ADDED a', 'ADDED b'])
  await door.ask(`${maps}/a`, { method: 'PATCH', type: merge, body: '{"data":{"n":"3"}}' })
  stream.destroy()
  const quiet = eventsOf(await door.open(`${at}${maps}?watch=1&resourceVersion=${before}&timeoutSeconds=5`))
  await door.ask(`${maps}/a`, { method: 'PATCH', type: merge, body: '{"data":{"n":"4"}}' })
  await door.server.env.clock.advance(6_000)
  expect((await quiet.next()).done).toBe(true)
  const old = eventsOf(await door.open(`${at}${maps}?watch=1&resourceVersion=${before - 1}`))
  expect((await old.next()).value).toMatchObject({ type: 'ERROR', object: { code: 410 } })
})

test('revisions to come and forgotten ones are refused, and nobody sees of the past what he may not see now', async () => {
  expect((await door.refused(`/at/99999${maps}`)).reason).toBe('Timeout')
  expect((await door.refused(`/at/0${maps}`)).reason).toBe('Expired')
  expect((await door.ask(`/at/x${maps}`)).code).toBe(404)
  const status = await door.refused(`/at/${before}${maps}`, { as: { token: 't' } })
  expect([status.code, status.message]).toEqual([
    403,
    'configmaps is forbidden: User "ada" cannot list resource "configmaps" in API group "" in the namespace "default"',
  ])
})
