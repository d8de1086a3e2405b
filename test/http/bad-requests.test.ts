// What a client can do wrong, over real sockets: each gets a Status in the real server's words, and the server goes on.

import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Door, openDoor } from './door.ts'

let door: Door
beforeAll(async () => {
  door = await openDoor()
})
afterAll(() => door[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps'
const json = 'application/json'
const map = (name: string, more: object = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })

const post = (body: string, type = json) => ({ method: 'POST', type, body })

async function goesOn(): Promise<void> {
  const { code, text } = await door.ask('/readyz')
  expect([code, text]).toEqual([200, 'ok'])
}

describe('bodies', () => {
  // transformDecodeError in k8s.io/apiserver/pkg/endpoints/handlers/rest.go
  test.each([
    [
      'JSON that breaks off',
      '{"kind":',
      json,
      /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .* \(\{"kind":\)$/,
    ],
    ['no JSON at all', 'hello', json, /must be of type ConfigMap.*json parse error: .* \(68656c6c6f\)$/],
    ['nothing', '', json, /json parse error: .* \(<empty>\)$/],
    ['a list', '[]', json, /cannot unmarshal array into Go value/],
    ['YAML that is none', 'a: [b', 'application/yaml', /yaml parse error: .* \(613a205b62\)$/],
    ['another kind', '{"apiVersion":"v1","kind":"Pod"}', json, /Pod in version "v1" cannot be handled as a ConfigMap/],
    [
      'a wrong type',
      map('a', { data: { key: 7 } }),
      json,
      /cannot unmarshal number into Go struct field ConfigMap.data of type string/,
    ],
  ])('%s', async (_what, body, type, message) => {
    const status = await door.refused(maps, post(body, type))
    expect(status).toMatchObject({ code: 400, reason: 'BadRequest' })
    expect(status.message).toMatch(message)
    await goesOn()
  })

  test('a type that is not taken is named with those that are', async () => {
    for (const type of ['text/plain', 'application/cbor', 'application/x-www-form-urlencoded']) {
      expect(await door.refused(maps, post(map('a'), type))).toMatchObject({
        code: 415,
        reason: 'UnsupportedMediaType',
        message:
          'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      })
    }
    expect(await door.refused(`${maps}/a`, { method: 'PATCH', type: json, body: '{}' })).toMatchObject({
      code: 415,
      message:
        'the body of the request was in an unknown format - accepted media types include: ' +
        'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml',
    })
  })

  test('more than 3 MiB is too large, whether the length is said before or not', async () => {
    const body = map('large', { data: { key: 'x'.repeat(4 * 1024 * 1024) } })
    const told = { code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' }
    expect(
      await door.refused(maps, { ...post(body), headers: { 'content-length': String(body.length) } }),
    ).toMatchObject(told)
    expect(await door.refused(maps, { ...post(body), headers: { 'transfer-encoding': 'chunked' } })).toMatchObject(told)
    await goesOn()
  })

  test('an upload that breaks off creates nothing, and hurts nobody', async () => {
    const { ca, admin } = door.certificates
    const socket = connect({ host: '127.0.0.1', port: door.port, ca: ca.cert, cert: admin.cert, key: admin.key })
    await new Promise(resolve => socket.once('secureConnect', resolve))
    socket.write(
      `POST ${maps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"kind"`,
    )
    await goesOn()
    socket.destroy()
    await goesOn()
  })

  test('bytes that are no HTTP are answered with 400', async () => {
    const { ca } = door.certificates
    const socket = connect({ host: '127.0.0.1', port: door.port, ca: ca.cert })
    socket.write('what is this\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += chunk
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request/)
    await goesOn()
  })

  test('a field that is not known is warned of, in any letters, or refused when Strict', async () => {
    const body = map('warned', { grüße: 1, 'line\nbreak': 2, 'quo"te': 3 })
    const { code, headers } = await door.ask(maps, post(body))
    expect(code).toBe(201)
    // Header bytes are UTF-8, as Go sends them; Node shows them as latin1.
    expect(Buffer.from(headers.warning as string, 'latin1').toString()).toBe(
      '299 - "unknown field \\"grüße\\"", 299 - "unknown field \\"line\\\\nbreak\\"", 299 - "unknown field \\"quo\\\\\\"te\\""',
    )
    const status = await door.refused(`${maps}?fieldValidation=Strict`, post(map('strict', { grüße: 1 })))
    expect(status).toMatchObject({
      code: 400,
      message:
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "grüße"',
    })
  })

  test('YAML is taken as JSON is', async () => {
    const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-yaml\ndata:\n  key: "1"\n'
    expect((await door.ask(maps, post(yaml, 'application/yaml'))).json).toMatchObject({ data: { key: '1' } })
  })
})

describe('options', () => {
  const invalidOptions = (kind: string, told: string) => ({
    code: 422,
    reason: 'Invalid',
    message: `${kind}.meta.k8s.io "" is invalid: ${told}`,
  })

  // k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go
  test.each([
    ['dryRun=yes', 'dryRun: Unsupported value: ["yes"]: supported values: "All"'],
    [
      'fieldValidation=Loose',
      'fieldValidation: Unsupported value: "Loose": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    [`fieldManager=${'m'.repeat(129)}`, 'fieldManager: Too long: may not be more than 128 bytes'],
    ['fieldManager=a%07b', 'fieldManager: Invalid value: "a\\u0007b": invalid character U+0007 (at position 1)'],
  ])('%s', async (query, told) => {
    expect(await door.refused(`${maps}?${query}`, post(map('a')))).toMatchObject(invalidOptions('CreateOptions', told))
  })

  test('force without apply, and apply without a manager', async () => {
    const patch = (type: string, query: string) =>
      door.refused(`${maps}/a?${query}`, { method: 'PATCH', type, body: '{}' })
    expect(await patch('application/merge-patch+json', 'force=true')).toMatchObject(
      invalidOptions('PatchOptions', 'force: Forbidden: may not be specified for non-apply patch'),
    )
    expect(await patch('application/apply-patch+yaml', '')).toMatchObject(
      invalidOptions('PatchOptions', 'fieldManager: Required value: is required for apply patch'),
    )
  })

  test.each([
    ['limit=many', 400, 'strconv.ParseInt: parsing "many": invalid syntax'],
    ['watch=true&timeoutSeconds=1h', 400, 'strconv.ParseInt: parsing "1h": invalid syntax'],
    ['labelSelector=a+in+b', 400, /^unable to parse requirement: /],
    ['fieldSelector=spec.nothing%3Da', 400, /^"spec.nothing" is not a known field selector/],
    ['resourceVersion=latest', 400, /Invalid value: "latest"/],
    ['watch=true&resourceVersion=latest', 400, /Invalid value: "latest"/],
    ['resourceVersionMatch=Exact', 422, /resourceVersionMatch is forbidden unless resourceVersion is provided/],
    ['resourceVersion=999999999', 504, 'Too large resource version: 999999999, current: '],
    ['continue=nonsense', 400, /^invalid continue token: continue key is not valid/],
    [
      'watch=true&sendInitialEvents=true',
      422,
      /sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/,
    ],
  ])('a list or watch with %s', async (query, code, message) => {
    const status = await door.refused(`${maps}?${query}`)
    expect(status.code).toBe(code)
    if (typeof message === 'string') expect(status.message).toContain(message)
    else expect(status.message).toMatch(message)
    await goesOn()
  })

  test('a delete with options that contradict, or of another kind', async () => {
    const remove = (options: object) =>
      door.refused(`${maps}/a`, { method: 'DELETE', type: json, body: JSON.stringify(options) })
    expect((await remove({ propagationPolicy: 'Sideways' })).message).toContain(
      'propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
    expect((await remove({ propagationPolicy: 'Orphan', orphanDependents: true })).message).toContain(
      'propagationPolicy: Invalid value: "Orphan": orphanDependents and deletionPropagation cannot be both set',
    )
    expect(await remove({ kind: 'Pod', apiVersion: 'v1' })).toMatchObject({
      code: 400,
      message: 'decoded object cannot be converted to DeleteOptions',
    })
    expect((await remove({ gracePeriodSeconds: 'soon' })).message).toMatch(/cannot unmarshal string into Go/)
  })

  test('a table of unknown measure', async () => {
    const accept = 'application/json;as=Table;g=meta.k8s.io;v=v1'
    expect((await door.refused(`${maps}?includeObject=Some`, { accept })).message).toBe(
      `Unable to convert to Table as requested: includeObject: Invalid value: "Some": must be 'Metadata', 'Object', 'None', or empty`,
    )
  })
})

describe('paths and methods', () => {
  // kubectl debug reads details.name of a missing subresource, and panics where there are no details.
  const missing = {
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  }

  test.each([
    '/api/v2/pods',
    '/api/v1/widgets',
    '/apis/apps/v1/namespaces/default/widgets',
    '/api/v1/pods/web',
    '/api/v1/namespaces/default/nodes',
    '/api/v1/namespaces/default/configmaps/a/status',
    '/apis/apps/v1/namespaces/default/deployments/a/log',
    '/api/v1/namespaces/default/pods/a/ephemeral',
  ])('%s is not there', async path => {
    expect(await door.refused(path)).toMatchObject(missing)
  })

  test.each([
    '/nothing',
    '/logs',
    '/debug/pprof/',
    '/configz',
    '/apiary',
    '/apis/none.example.com/v1',
    '/apis/none.example.com/v1/namespaces/default/things/a',
  ])('%s is no page', async path => {
    const { code, text, headers } = await door.ask(path)
    expect([code, text]).toEqual([404, '404 page not found\n'])
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(headers['x-content-type-options']).toBe('nosniff')
  })

  test('a name that is not there is told with its kind', async () => {
    expect(await door.refused('/apis/apps/v1/namespaces/default/deployments/web')).toMatchObject({
      code: 404,
      message: 'deployments.apps "web" not found',
      details: { name: 'web', group: 'apps', kind: 'deployments' },
    })
  })

  test.each([
    ['POST', '/api/v1/pods', 'GET'],
    ['DELETE', '/api/v1/pods', 'GET'],
    ['PUT', maps, 'GET, POST, DELETE'],
    ['POST', `${maps}/a`, 'GET, PUT, PATCH, DELETE'],
    ['DELETE', '/apis/apps/v1/namespaces/default/deployments/a/scale', 'GET, PUT, PATCH'],
    ['GET', '/api/v1/namespaces/default/pods/a/binding', 'POST'],
    ['POST', '/api/v1/namespaces/default/pods/a/log', 'GET'],
  ])('%s %s is not allowed', async (method, path, allow) => {
    const { code, json: status, headers } = await door.ask(path, { method, type: json, body: '{}' })
    expect([code, status.reason, status.details]).toEqual([405, 'MethodNotAllowed', {}])
    expect(headers.allow).toBe(allow)
  })

  test.each(['exec', 'attach', 'portforward'])('%s of a pod that is not there', async part => {
    expect(await door.refused(`/api/v1/namespaces/default/pods/a/${part}`, { method: 'POST' })).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'pods "a" not found',
    })
  })

  test('an escape that cannot be decoded', async () => {
    expect(await door.refused('/api/v1/namespaces/%zz/pods')).toMatchObject({ code: 400, reason: 'BadRequest' })
  })
})

test('what only we did wrong is an internal error, without a stack, and the server goes on', async () => {
  const { registry } = door.server.server
  const resource = registry.find('', 'v1', 'configmaps')!
  const { get } = resource
  resource.get = () => {
    throw new TypeError('a fault of ours')
  }
  try {
    const { code, text, json: status } = await door.ask(`${maps}/a`)
    expect(code).toBe(500)
    expect(status).toMatchObject({ reason: 'InternalError', message: 'Internal error occurred: a fault of ours' })
    expect(text).not.toContain('.ts')
  } finally {
    resource.get = get
  }
  await goesOn()
})

test('a server without nodes says that it has none', async () => {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { containers: [{ name: 'a', image: 'b' }] },
  }
  await door.ask('/api/v1/namespaces/default/pods', post(JSON.stringify(pod)))
  expect(await door.refused('/api/v1/namespaces/default/pods/p/log')).toMatchObject({
    code: 503,
    reason: 'ServiceUnavailable',
  })
})
