// What a list or a watch may ask, and what it gets, to the letter. Upstream: apimachinery/pkg/apis/meta/internalversion/
// validation, apiserver/pkg/storage/cacher, apiserver/pkg/endpoints/handlers/get.go.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { type Door, eventsOf, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  for (const name of ['a', 'b', 'c']) await create(name, { name, all: 'yes' })
})
afterAll(() => door[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps'

const create = (name: string, labels: Record<string, string> = {}) =>
  door.server.client
    .of(ConfigMaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default', labels } })

const namesOf = (list: any): string[] => list.items.map((item: any) => item.metadata.name)

describe('what cannot be asked', () => {
  const match = 'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: '
  const initial = 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'
  test.each([
    [
      'resourceVersionMatch=Exact',
      `${match}Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided`,
    ],
    [
      'resourceVersionMatch=Exact&resourceVersion=0',
      `${match}Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"`,
    ],
    [
      'resourceVersionMatch=Newest&resourceVersion=1',
      `${match}Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""`,
    ],
    ['sendInitialEvents=true', `ListOptions.meta.k8s.io "" is invalid: ${initial}`],
    [
      'sendInitialEvents=false&resourceVersionMatch=NotOlderThan',
      'ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless ' +
        `resourceVersion is provided, ${initial}]`,
    ],
    [
      'watch=true&sendInitialEvents=true',
      `${match}Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan`,
    ],
    [
      'watch=true&resourceVersionMatch=NotOlderThan',
      `${match}Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided`,
    ],
    [
      'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x',
      `${match}Forbidden: resourceVersionMatch is forbidden when continue is provided`,
    ],
  ])('%s', async (query, message) => {
    expect(await door.refused(`${maps}?${query}`)).toMatchObject({ code: 422, reason: 'Invalid', message })
  })

  test('a watch of one object by the name of another', async () => {
    expect(await door.refused(`${maps}/a?watch=true&fieldSelector=metadata.name%3Db`)).toMatchObject({
      code: 400,
      message: "fieldSelector metadata.name doesn't match requested name",
    })
  })

  test('a revision of the future, by get, list and watch', async () => {
    const current = door.server.storage.revision
    const told = {
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: 9999999, current: ${current}`,
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    }
    const answer = await door.ask(`${maps}?resourceVersion=9999999`)
    expect(answer.headers['retry-after']).toBe('1')
    expect(answer.json).toMatchObject(told)
    expect(await door.refused(`${maps}/a?resourceVersion=9999999`)).toMatchObject(told)
    const initial = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=9999999'
    const events = eventsOf(await door.open(`${maps}?${initial}`))
    expect((await events.next()).value).toMatchObject({ type: 'ERROR', object: told })
  })
})

describe('how much comes', () => {
  test('whoever takes any revision gets all, whatever the limit', async () => {
    const { json } = await door.ask(`${maps}?limit=1&resourceVersion=0`)
    expect(namesOf(json)).toEqual(['a', 'b', 'c'])
    expect(json.metadata).not.toHaveProperty('continue')
  })

  test('the rest is counted only where nothing selects', async () => {
    const plain = (await door.ask(`${maps}?limit=1`)).json.metadata
    expect(plain).toMatchObject({ remainingItemCount: 2, continue: expect.any(String) })
    const selected = (await door.ask(`${maps}?limit=1&labelSelector=all%3Dyes`)).json.metadata
    expect(selected.continue).toEqual(expect.any(String))
    expect(selected).not.toHaveProperty('remainingItemCount')
  })

  test('parts show one moment, however much is written meanwhile', async () => {
    const first = (await door.ask(`${maps}?limit=1&labelSelector=all%3Dyes`)).json
    await create('aa', { all: 'yes' })
    await door.server.client.of(ConfigMaps).delete({ name: 'c', namespace: 'default' })
    const rest = (await door.ask(`${maps}?labelSelector=all%3Dyes&continue=${first.metadata.continue}`)).json
    expect([...namesOf(first), ...namesOf(rest)]).toEqual(['a', 'b', 'c'])
    expect(rest.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    await door.server.client.of(ConfigMaps).delete({ name: 'aa', namespace: 'default' })
    await create('c', { name: 'c', all: 'yes' })
  })

  test('by several labels: the one that few carry finds them', async () => {
    expect(namesOf((await door.ask(`${maps}?labelSelector=all%3Dyes,name%3Db`)).json)).toEqual(['b'])
    expect(namesOf((await door.ask(`${maps}?labelSelector=name%3Db,name%3Dc`)).json)).toEqual([])
    expect(namesOf((await door.ask(`${maps}?labelSelector=all%3Dyes,none%3Dx`)).json)).toEqual([])
  })
})

describe('watches', () => {
  test('the old paths, of a collection, of all namespaces and of one object', async () => {
    for (const path of [
      '/api/v1/watch/namespaces/default/configmaps',
      '/api/v1/watch/configmaps?labelSelector=all%3Dyes',
      '/api/v1/watch/namespaces/default/configmaps/a',
    ]) {
      const response = await door.open(path)
      expect((await eventsOf(response).next()).value).toMatchObject({
        type: 'ADDED',
        object: { metadata: { name: 'a' } },
      })
      response.destroy()
    }
    for (const path of ['/api/v1/watch', '/api/v1/watch/namespaces/default/configmaps/a/status']) {
      expect(await door.refused(path)).toMatchObject({ code: 404 })
    }
    expect(await door.refused('/api/v1/watch/configmaps', { method: 'POST', body: '{}' })).toMatchObject({ code: 404 })
  })

  test('a bookmark each minute, and a last one right before the time is up', async () => {
    const { clock } = door.server.env
    const { resourceVersion } = (await door.ask(maps)).json.metadata
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=100&resourceVersion=${resourceVersion}`
    const events = eventsOf(await door.open(`${maps}?${query}`))
    await create('elsewhere', {})
    expect((await events.next()).value).toMatchObject({ type: 'ADDED' })
    await clock.advance(59_000)
    await create('later', {})
    expect((await events.next()).value).toMatchObject({ type: 'ADDED' })
    await clock.advance(2_000)
    const revision = String(door.server.storage.revision)
    expect((await events.next()).value).toMatchObject({
      type: 'BOOKMARK',
      object: { metadata: { resourceVersion: revision } },
    })
    await clock.advance(36_000)
    await clock.advance(2_000)
    expect((await events.next()).value).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap' } })
    await clock.advance(2_000)
    expect(await events.next()).toMatchObject({ done: true })
  })

  test('flags are Go’s', async () => {
    for (const value of ['0', 'false', 'False', 'FALSE']) {
      expect((await door.ask(`${maps}?watch=${value}`)).json.kind).toBe('ConfigMapList')
    }
  })
})
