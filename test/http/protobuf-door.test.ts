// Protobuf at the door, as Go's typed clients speak it: bodies, objects, lists, refusals and watches.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readProtobuf } from '../../apiserver/http/protobuf-reading.ts'
import { objectMessage } from '../../apiserver/http/protobuf-writing.ts'
import { type Ask, type Door, openDoor } from './door.ts'
import { kubectlBodies } from './kubectl-bodies.ts'

const protobuf = 'application/vnd.kubernetes.protobuf'
/** As client-go asks. */
const accept = `${protobuf},application/json`
const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  for (const name of ['a', 'b'])
    await post(maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { name } })
})
afterAll(() => door[Symbol.asyncDispose]())

interface Told {
  readonly code: number
  readonly type: string | undefined
  readonly bytes: Buffer
  /** What the bytes stand for. */
  readonly object: any
}

async function ask(path: string, how: Ask = {}): Promise<Told> {
  const response = await door.open(path, { accept, ...how })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const bytes = Buffer.concat(chunks)
  expect(response.headers['content-length']).toBe(String(bytes.length))
  return {
    code: response.statusCode!,
    type: response.headers['content-type'],
    bytes,
    get object() {
      return readProtobuf(bytes, 'Thing')
    },
  }
}

const post = (path: string, object: { apiVersion: string; kind: string; [more: string]: unknown }) =>
  ask(path, { method: 'POST', type: protobuf, body: objectMessage(object) })

/** Length in four bytes, then metav1.WatchEvent: type 1, object 2 { raw 1 }. */
async function* framesOf(response: AsyncIterable<Buffer>): AsyncGenerator<{ type: string; object: any }> {
  let held = Buffer.alloc(0)
  for await (const chunk of response) {
    held = Buffer.concat([held, chunk])
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE()) {
      const end = 4 + held.readUInt32BE()
      const event = held.subarray(4, end)
      held = held.subarray(end)
      expect(event[0]).toBe(0x0a)
      const type = event.subarray(2, 2 + event[1]!).toString()
      // The object's own bytes begin at the magic, whatever the lengths before it take.
      yield { type, object: readProtobuf(event.subarray(event.indexOf('k8s\0')), 'Thing') }
    }
  }
}

describe('what is sent in protobuf', () => {
  test('is created, and told in protobuf', async () => {
    const body = Buffer.from(kubectlBodies['create deployment web --image=nginx --replicas=2 --port=80']!, 'base64')
    const path = `${deployments}?fieldManager=kubectl-create&fieldValidation=Strict`
    const { code, type, object } = await ask(path, { method: 'POST', type: protobuf, body })
    expect([code, type]).toEqual([201, protobuf])
    expect(object).toMatchObject({
      kind: 'Deployment',
      metadata: { name: 'web', uid: expect.any(String), generation: 1 },
      spec: { replicas: 2, progressDeadlineSeconds: 600 },
    })
    // To the letter what JSON says, but for what Go always has.
    expect(object).toMatchObject((await door.ask(`${deployments}/web`)).json)
  })

  test('replaces, scales and deletes', async () => {
    const { object } = await ask(`${deployments}/web`)
    object.spec.replicas = 0
    const put = await ask(`${deployments}/web`, { method: 'PUT', type: protobuf, body: objectMessage(object) })
    expect([put.code, put.object.spec.replicas]).toEqual([200, 0])
    const scale = (await ask(`${deployments}/web/scale`)).object
    expect(scale).toMatchObject({ apiVersion: 'autoscaling/v1', kind: 'Scale', status: { replicas: 0 } })
    scale.spec.replicas = 3
    const scaled = await ask(`${deployments}/web/scale`, { method: 'PUT', type: protobuf, body: objectMessage(scale) })
    expect(scaled.object).toMatchObject({ kind: 'Scale', spec: { replicas: 3 } })
    const options = { apiVersion: 'apps/v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 }
    const gone = await ask(`${deployments}/web`, { method: 'DELETE', type: protobuf, body: objectMessage(options) })
    expect([gone.code, gone.type]).toEqual([200, protobuf])
    expect(gone.object).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'web' } })
    expect((await ask(`${deployments}/web`)).code).toBe(404)
  })

  test('may be answered in JSON', async () => {
    const body = objectMessage({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'json' } } as never)
    const answer = await door.ask(maps, { method: 'POST', type: protobuf, body })
    expect(answer.json).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'json' } })
    await ask(`${maps}/json`, { method: 'DELETE' })
  })

  test('another kind than the path has is refused, in protobuf', async () => {
    const { code, type, object } = await post(maps, { apiVersion: 'v1', kind: 'Secret' })
    expect([code, type]).toEqual([400, protobuf])
    expect(object).toMatchObject({
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'BadRequest',
      code: 400,
    })
    expect(object.message).toContain('Secret in version "v1" cannot be handled as a ConfigMap')
  })
})

describe('what is asked for in protobuf', () => {
  test('alone, or before JSON, or as the better', async () => {
    for (const wish of [protobuf, accept, `application/json;q=0.9,${protobuf}`]) {
      expect((await ask(`${maps}/a`, { accept: wish })).type).toBe(protobuf)
    }
  })

  test('a list, whole and in parts', async () => {
    const { type, object } = await ask(maps)
    expect(type).toBe(protobuf)
    expect(object).toMatchObject({ kind: 'ConfigMapList', apiVersion: 'v1' })
    expect(object.metadata.resourceVersion).toMatch(/^\d+$/)
    expect(object.items.map((each: any) => [each.metadata.name, each.data])).toEqual([
      ['a', { name: 'a' }],
      ['b', { name: 'b' }],
    ])
    const part = (await ask(`${maps}?limit=1`)).object
    expect(part.metadata).toMatchObject({ continue: expect.any(String), remainingItemCount: 1 })
    expect((await ask('/api/v1/namespaces/none/configmaps')).object).not.toHaveProperty('items')
  })

  test('metadata alone', async () => {
    const one = await ask(`${maps}/a`, { accept: `${protobuf};as=PartialObjectMetadata;g=meta.k8s.io;v=v1` })
    expect(one.type).toBe(protobuf)
    expect(one.bytes.includes('PartialObjectMetadata')).toBe(true)
    expect(one.bytes.includes((await ask(`${maps}/a`)).object.metadata.uid)).toBe(true)
    const list = await ask(maps, { accept: `${protobuf};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1` })
    expect(list.bytes.includes('PartialObjectMetadataList')).toBe(true)
  })

  test('a refusal, with its details', async () => {
    const { code, type, object } = await ask(`${maps}/nothing`)
    expect([code, type]).toEqual([404, protobuf])
    expect(object).toMatchObject({ reason: 'NotFound', details: { name: 'nothing', kind: 'configmaps' }, code: 404 })
    const invalid = await post(maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'A_' } })
    expect(invalid.object).toMatchObject({ code: 422, details: { causes: [{ field: 'metadata.name' }] } })
  })

  test('a watch: what is there, bookmarks, and what happens', async () => {
    const wish = 'watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'
    const response = await door.open(`${maps}?${wish}`, { accept })
    expect(response.headers['content-type']).toBe(`${protobuf};stream=watch`)
    const frames = framesOf(response)
    const next = async () => (await frames.next()).value!
    expect([(await next()).object.metadata.name, (await next()).object.metadata.name]).toEqual(['a', 'b'])
    expect(await next()).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    })
    await post(maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })
    expect(await next()).toMatchObject({ type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'c' } } })
    await ask(`${maps}/c`, { method: 'DELETE' })
    expect(await next()).toMatchObject({ type: 'DELETED', object: { metadata: { name: 'c' } } })
    response.destroy()
  })

  test('a watch from a revision that is forgotten: an ERROR frame with a Status', async () => {
    await door.server.storage.compact(door.server.storage.revision)
    const frames = framesOf(await door.open(`${maps}?watch=1&resourceVersion=1`, { accept }))
    expect((await frames.next()).value).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 },
    })
    expect(await frames.next()).toMatchObject({ done: true })
  })
})
