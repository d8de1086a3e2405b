// Long answers in gzip for who takes it. Upstream: k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go.

import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigMaps } from '../../src/kinds/index.ts'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  for (const name of ['a', 'b', 'c']) await create(name, 100_000)
  await create('large', 150_000, 'other')
})
afterAll(() => door[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps'

function create(name: string, size: number, namespace = 'default') {
  const metadata = { name, namespace: namespace === 'other' ? 'kube-public' : namespace }
  return door.server.client
    .of(ConfigMaps)
    .create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { key: 'x'.repeat(size) } })
}

async function bytesOf(path: string, encoding: string, accept?: string) {
  const response = await door.open(path, { headers: { 'accept-encoding': encoding }, ...(accept ? { accept } : {}) })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return { headers: response.headers, bytes: Buffer.concat(chunks) }
}

test.each([
  ['a list', maps, undefined],
  ['a table', `${maps}?includeObject=Object`, 'application/json;as=Table;v=v1;g=meta.k8s.io'],
  ['one object', '/api/v1/namespaces/kube-public/configmaps/large', undefined],
  ['a list in protobuf', maps, 'application/vnd.kubernetes.protobuf'],
  ['a document of OpenAPI', '/openapi/v3/api/v1', undefined],
])('%s of more than 128 KiB, and the same without', async (_what, path, accept) => {
  const plain = await bytesOf(path, 'identity', accept)
  expect(plain.headers).not.toHaveProperty('content-encoding')
  const packed = await bytesOf(path, 'deflate, gzip', accept)
  expect(packed.headers['content-encoding']).toBe('gzip')
  expect(packed.headers.vary).toContain('Accept-Encoding')
  expect(packed.headers).not.toHaveProperty('content-length')
  expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 2)
  expect(gunzipSync(packed.bytes).equals(plain.bytes)).toBe(true)
})

test('what is shorter, and who does not take it, is left alone', async () => {
  expect((await bytesOf(`${maps}/a`, 'gzip')).headers).not.toHaveProperty('content-encoding')
  // Upstream takes the bare word only.
  for (const encoding of ['br', 'gzip;q=0', 'x-gzip']) {
    expect((await bytesOf(maps, encoding)).headers).not.toHaveProperty('content-encoding')
  }
})

test('a reader that goes away in the middle hurts nobody', async () => {
  for (let index = 0; index < 3; index++) {
    const response = await door.open(maps, { headers: { 'accept-encoding': 'gzip' } })
    response.destroy()
  }
  expect((await door.ask('/readyz')).text).toBe('ok')
  expect(gunzipSync((await bytesOf(maps, 'gzip')).bytes).length).toBeGreaterThan(300_000)
})

test('people and those who ask get it indented', async () => {
  const shown = async (query: string, agent?: string) =>
    (await door.ask(`/api/v1/namespaces/default${query}`, agent ? { headers: { 'user-agent': agent } } : {})).text
  const isIndented = (text: string) => text.startsWith('{\n  "')
  expect(isIndented(await shown('?pretty=true'))).toBe(true)
  expect(isIndented(await shown('', 'curl/8.5.0'))).toBe(true)
  expect(isIndented(await shown('', 'Mozilla/5.0 (X11)'))).toBe(true)
  expect(isIndented(await shown('/serviceaccounts', 'curl/8.5.0'))).toBe(true)
  expect(isIndented(await shown('', 'kubectl/v1.35.0'))).toBe(false)
  expect(isIndented(await shown('?pretty=false', 'curl/8.5.0'))).toBe(false)
})
