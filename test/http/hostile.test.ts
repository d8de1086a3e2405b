// Whatever is sent – bodies, patches, selectors, paths, headers – is answered with a Status or an object, never with a 500,
// and what was refused is not half there. Bounded and seeded: `seed` in a failure's report repeats it.

import { connect } from 'node:tls'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Ask, type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
  await door.ask(maps, { method: 'POST', type: json, body: map('target', { a: '1' }) })
})
afterAll(() => door[Symbol.asyncDispose]())

const json = 'application/json'
const maps = '/api/v1/namespaces/default/configmaps'
const bounds = { numRuns: 150, seed: 36, endOnFailure: true }
const map = (name: string, data: object) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

/** Names that mean something to JavaScript, to the API, or to neither. */
const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'metadata', 'spec', 'data'),
  fc.constantFrom(
    'labels',
    'annotations',
    'name',
    'finalizers',
    '$patch',
    '$retainKeys',
    '$setElementOrder/x',
    '',
    '.',
    '/',
  ),
  fc.string({ maxLength: 8, unit: 'binary' }),
)
const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.oneof(fc.string({ maxLength: 12, unit: 'binary' }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(entries => Object.fromEntries(entries)),
  ),
})).value

/** For these a real server has no other code than 500 either (strategicpatch/errors.go, registry/rest/create.go). */
const asUpstream =
  /expected a \S+( interface)? ?{}, but received a|unknown patch type: |merging lists cannot yet be|declared merge key: |types are not identical: |resourceVersion should not be set on objects to be created/

async function answered(path: string, how: Ask): Promise<Answer> {
  const answer = await door.ask(path, how)
  if (answer.code >= 500 && answer.code !== 501 && answer.code !== 504 && !asUpstream.test(answer.text)) {
    throw new Error(`${how.method ?? 'GET'} ${path}: ${answer.code} ${answer.text}`)
  }
  return answer
}

/** What stands in the store is an object that can be read, of its own name and kind. */
async function isSound(): Promise<void> {
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  const { items } = (await answered(maps, {})).json
  for (const item of items) {
    expect(item).toMatchObject({ metadata: { name: expect.any(String), uid: expect.any(String) } })
    for (const data of Object.values(item.data ?? {})) expect(typeof data).toBe('string')
  }
}

test('bodies of any shape', async () => {
  await fc.assert(
    fc.asyncProperty(value, fc.constantFrom('configmaps', 'pods', 'services', 'events'), async (body, plural) => {
      const sent = JSON.stringify(body)
      await answered(`/api/v1/namespaces/default/${plural}`, { method: 'POST', type: json, body: sent })
    }),
    bounds,
  )
  await isSound()
})

test('objects that are almost right', async () => {
  await fc.assert(
    fc.asyncProperty(fc.record({ spec: value, metadata: value, data: value }), fc.boolean(), async (parts, isPod) => {
      const metadata = { name: 'fuzz', ...(typeof parts.metadata === 'object' ? parts.metadata : {}) }
      const body = isPod
        ? { kind: 'Pod', apiVersion: 'v1', metadata, spec: parts.spec }
        : { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: parts.data }
      const path = `/api/v1/namespaces/default/${isPod ? 'pods' : 'configmaps'}`
      await answered(`${path}?dryRun=All`, { method: 'POST', type: json, body: JSON.stringify(body) })
      await answered(path, { method: 'POST', type: json, body: JSON.stringify(body) })
    }),
    bounds,
  )
  await isSound()
})

test('bytes, as JSON, YAML and protobuf', async () => {
  const types = [json, 'application/yaml', 'application/vnd.kubernetes.protobuf']
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...types), async (bytes, type) => {
      const prefix = type.endsWith('protobuf') ? Buffer.from([0x6b, 0x38, 0x73, 0]) : Buffer.alloc(0)
      await answered(maps, { method: 'POST', type, body: Buffer.concat([prefix, bytes]) })
    }),
    bounds,
  )
})

test('patches of any shape leave the object whole or as it was', async () => {
  const operation = fc.record({
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'no'),
    path: fc.oneof(
      fc.constantFrom('', '/', '/data', '/data/a', '/metadata/labels', '/__proto__/polluted', '/metadata/-'),
      fc.string({ maxLength: 6 }),
    ),
    from: fc.constantFrom('/data', '/metadata', '', '/constructor/prototype'),
    value,
  })
  const patch = fc.oneof(
    fc.tuple(fc.constant('application/json-patch+json'), fc.array(operation, { maxLength: 4 })),
    fc.tuple(fc.constantFrom('application/merge-patch+json', 'application/strategic-merge-patch+json'), value),
  )
  await fc.assert(
    fc.asyncProperty(patch, async ([type, body]) => {
      const before = (await answered(`${maps}/target`, {})).text
      const answer = await answered(`${maps}/target`, { method: 'PATCH', type, body: JSON.stringify(body) })
      const after = (await answered(`${maps}/target`, {})).text
      expect(after).toBe(answer.code === 200 ? answer.text : before)
    }),
    bounds,
  )
  await isSound()
})

test('selectors, options and headers', async () => {
  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('a=b', 'a in (b', '!a', 'a!=', 'x>1', 'metadata.name=a', '\\', '-1', '1e9'),
  )
  const names = [
    'labelSelector',
    'fieldSelector',
    'limit',
    'continue',
    'resourceVersion',
    'resourceVersionMatch',
    'timeoutSeconds',
    'pretty',
    'includeObject',
    'gracePeriodSeconds',
    'propagationPolicy',
    'dryRun',
    'fieldManager',
    'fieldValidation',
    'force',
    'unknown',
  ]
  const accepts = [
    'application/json',
    'application/json;as=Table;g=meta.k8s.io;v=v1',
    'application/vnd.kubernetes.protobuf',
    'x/y',
    ';;,',
    '*/*;q=x',
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...names), word), { maxLength: 4 }),
      fc.constantFrom(...accepts),
      fc.constantFrom('GET', 'DELETE'),
      async (pairs, accept, method) => {
        const query = new URLSearchParams(pairs).toString()
        await answered(`/api/v1/namespaces/kube-public/configmaps?${query}`, { accept, method })
      },
    ),
    bounds,
  )
})

test('paths', async () => {
  const word = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    '',
    '.',
    '..',
    '%2e%2e',
    '%2F',
    'a%2Fb',
    '%',
    '%ff',
    '%00',
    'watch',
    'proxy',
    'status',
    '__proto__',
    'constructor',
    'configmaps',
    'target',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(word, { minLength: 1, maxLength: 8 }),
      fc.constantFrom('GET', 'PUT', 'DELETE'),
      async (words, method) => {
        const path = `/${words.join('/')}`
        if (path === maps && method === 'DELETE') return
        await answered(path, { method, ...(method === 'PUT' ? { type: json, body: '{}' } : {}) })
      },
    ),
    { ...bounds, numRuns: 300 },
  )
  for (const path of [
    `${maps}/a%2Fb`,
    '/api/v1/namespaces/default%2Fconfigmaps/target',
    '/api//v1/pods',
    '/api/v1//pods',
  ]) {
    expect((await door.ask(path)).code).toBe(404)
  }
  expect(await door.refused(`${maps}/..`)).toMatchObject({
    code: 400,
    message: `Name parameter invalid: "..": may not be '..'`,
  })
  expect(await door.refused(`${maps}/a%25b`)).toMatchObject({
    code: 400,
    message: `Name parameter invalid: "a%b": may not contain '%'`,
  })
})

describe('bombs', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`

  test('JSON nested deeper than Go would go', async () => {
    for (const depth of [5_000, 9_990, 10_001, 500_000]) {
      for (const body of [
        nested(depth),
        `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":${nested(depth)}}`,
      ]) {
        expect((await answered(maps, { method: 'POST', type: json, body })).code).toBe(400)
      }
      const data = `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"d${depth}"},"revision":1,"data":{"a":${nested(depth)}}}`
      const kept = await answered('/apis/apps/v1/namespaces/default/controllerrevisions', {
        method: 'POST',
        type: json,
        body: data,
      })
      expect([201, 400]).toContain(kept.code)
      const path = `/apis/apps/v1/namespaces/default/controllerrevisions/d${depth}`
      expect((await answered(path, {})).code).toBe(kept.code === 201 ? 200 : 404)
      for (const type of ['merge-patch', 'strategic-merge-patch']) {
        const body = `{"metadata":{"labels":{"a":${nested(depth)}}}}`
        const patched = await answered(`${maps}/target`, { method: 'PATCH', type: `application/${type}+json`, body })
        expect([400, 422]).toContain(patched.code)
      }
    }
    await isSound()
  })

  test('a billion laughs', async () => {
    let bomb = 'a: &a [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n'
    for (let index = 1, before = 'a'; index < 12; index++) {
      const name = String.fromCharCode(97 + index)
      bomb += `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]\n`
      before = name
    }
    const status = await door.refused(maps, { method: 'POST', type: 'application/yaml', body: bomb })
    expect(status).toMatchObject({ code: 400 })
    expect(status.message).toContain('yaml: document contains excessive aliasing')
    const deep = await door.refused(maps, { method: 'POST', type: 'application/yaml', body: nested(50_000) })
    expect(deep.code).toBe(400)
    const loop = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: loop}\ndata: &d {a: *d}\n'
    expect((await answered(maps, { method: 'POST', type: 'application/yaml', body: loop })).code).toBe(400)
  })

  test('more operations than a patch may have', async () => {
    const body = JSON.stringify(Array(10_001).fill({ op: 'add', path: '/data/a', value: 'x' }))
    expect(
      await door.refused(`${maps}/target`, { method: 'PATCH', type: 'application/json-patch+json', body }),
    ).toMatchObject({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: 'Request entity too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    })
  })

  test('a patch that copies itself larger and larger', async () => {
    const copies = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/data', path: '/data/z' }))
    const body = JSON.stringify([{ op: 'add', path: '/data/z', value: 'x' }, ...copies])
    const answer = await answered(`${maps}/target`, { method: 'PATCH', type: 'application/json-patch+json', body })
    expect(answer.code).toBeGreaterThanOrEqual(400)
    expect(answer.code).toBeLessThan(500)
  })

  test('keys of the prototype are data', async () => {
    const body =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto","annotations":{"__proto__":"x"},"labels":{"constructor":"y"}},"data":{"constructor":"z","toString":"t"}}'
    expect((await door.ask(maps, { method: 'POST', type: json, body })).code).toBeLessThan(500)
    const kept =
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto2","labels":{"constructor":"y"}},"data":{"constructor":"z","toString":"t","__proto__":"p"}}'
    const made = await door.ask(maps, { method: 'POST', type: json, body: kept })
    expect(made.code).toBe(201)
    expect(made.text).toContain('"__proto__":"p"')
    const patched = await door.ask(`${maps}/proto2`, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: '{"data":{"__proto__":"q","valueOf":"v"}}',
    })
    expect([patched.code, patched.text.includes('"__proto__":"q"')]).toEqual([200, true])
    expect((await door.ask(`${maps}/proto2`)).text).toBe(patched.text)
    await isSound()
  })
})

test('headers: many, long ones are taken; longer ones refused, and the server goes on', async () => {
  const long = { 'x-long': 'x'.repeat(100_000) }
  expect((await door.ask(maps, { headers: long })).code).toBe(200)
  const { ca, admin } = door.certificates
  const socket = connect({ host: '127.0.0.1', port: door.port, ca: ca.cert, cert: admin.cert, key: admin.key })
  socket.on('error', () => {})
  socket.write(`GET ${maps} HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(1_200_000)}\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  expect(text).toMatch(/^HTTP\/1.1 431 /)
  expect((await door.ask('/readyz')).text).toBe('ok')
})
