// Documents that a client has already are not sent again: kube-openapi/pkg/handler and handler3, and
// apiserver/pkg/endpoints/discovery/aggregated/etag.go.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door[Symbol.asyncDispose]())

const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

test.each([
  ['/openapi/v2', undefined],
  ['/openapi/v2', 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'],
  ['/openapi/v3', undefined],
  ['/openapi/v3/apis/apps/v1', undefined],
  ['/api', aggregated],
  ['/apis', aggregated],
])('%s as %s', async (path, accept) => {
  const how = accept ? { accept } : {}
  const first = await door.ask(path, how)
  expect(first.code).toBe(200)
  const etag = first.headers.etag!
  expect(etag).toMatch(/^"[0-9A-F]{64,128}"$/)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const second = await door.ask(path, { ...how, headers: { 'if-none-match': known } })
    expect([second.code, second.text, second.headers.etag]).toEqual([304, '', etag])
  }
  const other = await door.ask(path, { ...how, headers: { 'if-none-match': '"other"' } })
  expect([other.code, other.text]).toEqual([200, first.text])
})

test('by its hash a document may be kept for ever, by an old one it is found elsewhere', async () => {
  const { paths } = (await door.ask('/openapi/v3')).json
  const url: string = paths['apis/apps/v1'].serverRelativeURL
  const kept = await door.ask(url)
  expect(kept.headers).toMatchObject({ 'cache-control': 'public, immutable', vary: 'Accept' })
  expect(url).toBe(`/openapi/v3/apis/apps/v1?hash=${JSON.parse(kept.headers.etag!)}`)
  const moved = await door.ask('/openapi/v3/apis/apps/v1?hash=OLD')
  expect([moved.code, moved.headers.location]).toEqual([301, url])
})

test('plain discovery has no tag, as upstream’s has none', async () => {
  for (const path of ['/api', '/apis', '/api/v1', '/apis/apps/v1']) {
    expect((await door.ask(path)).headers).not.toHaveProperty('etag')
  }
})
