// The audit log over the door: what is written of a request at each level and stage, and that it costs nobody anything who does
// not want it. Upstream: k8s.io/apiserver/pkg/endpoints/filters/{audit,authn_audit}_test.go, test/integration/controlplane/audit.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { Audit } from '../../apiserver/audit/audit.ts'
import { parsePolicy } from '../../apiserver/audit/policy.ts'
import { type Ask, type Door, eventsOf, openDoor } from './door.ts'

const rules = [
  { level: 'None', nonResourceURLs: ['/version'] },
  { level: 'Metadata', resources: [{ resources: ['secrets'] }] },
  { level: 'Request', resources: [{ group: 'apps' }], omitStages: ['RequestReceived'] },
  { level: 'RequestResponse', resources: [{ resources: ['configmaps'] }], omitManagedFields: true },
  { level: 'RequestResponse', resources: [{ resources: ['pods'] }] },
  { level: 'Metadata' },
]
const tokens = new Map([['jane', { name: 'jane', uid: '42', groups: ['dev', 'system:authenticated'] }]])
const jane: Ask = { as: { token: 'jane' } }
const maps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const post = (body: object): Ask => ({ method: 'POST', type: 'application/json', body: JSON.stringify(body) })

let door: Door
let lines: string[] = []
const sink = { write: (line: string) => void lines.push(line), close() {}, lost: 0 }
const policy = parsePolicy({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules })

beforeAll(async () => {
  door = await openDoor({ tokens, audit: ({ clock }) => new Audit({ policy, sink, now: () => clock.now() }) })
})
afterAll(() => door[Symbol.asyncDispose]())
beforeEach(() => {
  lines = []
})

const written = () => lines.map(line => JSON.parse(line))
/** The stages of what has been written, and the last event. */
const told = () => ({ stages: written().map(({ stage }) => stage), last: written().at(-1) })
const now = '2024-01-01T00:00:00.000000Z'

describe('the levels', () => {
  test('Metadata: who asked for what, and with which success', async () => {
    const headers = { 'audit-id': 'mine', 'user-agent': 'kubectl/v1.35', 'x-forwarded-for': '10.0.0.1, nonsense' }
    await door.ask('/api/v1/namespaces/default/secrets/key?pretty=false', { ...jane, headers })
    expect(lines.every(line => line.endsWith('}\n'))).toBe(true)
    const [received, complete, ...others] = written()
    const same = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: 'Metadata',
      auditID: 'mine',
      requestURI: '/api/v1/namespaces/default/secrets/key?pretty=false',
      verb: 'get',
      user: { username: 'jane', uid: '42', groups: ['dev', 'system:authenticated'] },
      sourceIPs: ['10.0.0.1', '127.0.0.1'],
      userAgent: 'kubectl/v1.35',
      objectRef: { resource: 'secrets', namespace: 'default', name: 'key', apiVersion: 'v1' },
      requestReceivedTimestamp: now,
      stageTimestamp: now,
    }
    const why = 'User "jane" cannot get resource "secrets" in API group "" in the namespace "default"'
    expect([received, others]).toEqual([{ ...same, stage: 'RequestReceived' }, []])
    expect(complete).toEqual({
      ...same,
      stage: 'ResponseComplete',
      responseStatus: {
        metadata: {},
        status: 'Failure',
        message: `secrets "key" is forbidden: ${why}`,
        reason: 'Forbidden',
        details: { name: 'key', kind: 'secrets' },
        code: 403,
      },
      annotations: { 'authorization.k8s.io/decision': 'forbid', 'authorization.k8s.io/reason': '' },
    })
    // The order of the fields is that of Go's struct.
    expect(Object.keys(complete)).toEqual([
      ...['kind', 'apiVersion', 'level', 'auditID', 'stage', 'requestURI', 'verb', 'user', 'sourceIPs', 'userAgent'],
      ...['objectRef', 'responseStatus', 'requestReceivedTimestamp', 'stageTimestamp', 'annotations'],
    ])
  })

  test('Metadata: what is secret is not written, but its name is', async () => {
    await door.ask(
      '/api/v1/namespaces/default/secrets',
      post({ metadata: { name: 'key' }, stringData: { a: 'geheim' } }),
    )
    expect(lines.join('')).not.toContain('geheim')
    expect(told()).toMatchObject({
      stages: ['RequestReceived', 'ResponseComplete'],
      last: { objectRef: { name: 'key' }, responseStatus: { metadata: {}, code: 201 } },
    })
    expect(told().last).not.toHaveProperty('requestObject')
  })

  test('Request: what was sent, with its defaults, and not what came back', async () => {
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx' }] },
    }
    const body = { metadata: { name: 'web' }, spec: { selector: { matchLabels: { app: 'web' } }, template } }
    await door.ask(deployments, post(body))
    const { stages, last } = told()
    expect(stages).toEqual(['ResponseComplete'])
    expect(last.requestObject).toMatchObject({ kind: 'Deployment', apiVersion: 'apps/v1', ...body })
    expect(last.requestObject.spec.template.spec.containers[0].imagePullPolicy).toBe('Always')
    expect(last.requestObject.metadata).toEqual({ name: 'web' })
    expect(last).not.toHaveProperty('responseObject')
    expect(last.objectRef).toEqual({
      resource: 'deployments',
      namespace: 'default',
      name: 'web',
      apiGroup: 'apps',
      apiVersion: 'v1',
    })
  })

  test('Request: a patch as it came, a scale, the options of a deletion', async () => {
    const patch = (type: string, body: string, path = `${deployments}/web`) =>
      door.ask(path, { method: 'PATCH', type, body })
    await patch('application/json-patch+json', '[{"op":"replace","path":"/spec/replicas","value":2}]')
    expect(told().last).toMatchObject({
      verb: 'patch',
      requestObject: [{ op: 'replace', path: '/spec/replicas', value: 2 }],
    })
    await patch(
      'application/apply-patch+yaml',
      'apiVersion: apps/v1\nkind: Deployment\n',
      `${deployments}/web?fieldManager=me`,
    )
    expect(told().last.requestObject).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment' })
    await patch('application/merge-patch+json', '{"spec":{"replicas":3}}', `${deployments}/web/scale`)
    expect(told().last).toMatchObject({
      objectRef: { resource: 'deployments', name: 'web', subresource: 'scale' },
      requestObject: { spec: { replicas: 3 } },
    })
    const options = { propagationPolicy: 'Background' }
    await door.ask(`${deployments}/web`, { method: 'DELETE', type: 'application/json', body: JSON.stringify(options) })
    expect(told().last).toMatchObject({
      verb: 'delete',
      requestObject: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...options },
      responseStatus: { metadata: {}, status: 'Success', details: { name: 'web' }, code: 200 },
    })
  })

  test('RequestResponse: both, without managed fields where they are not wanted', async () => {
    await door.ask(maps, post({ metadata: { name: 'one' }, data: { a: '1' } }))
    const made = told().last
    expect(made.responseObject.metadata.uid).toBeTruthy()
    expect(made.responseObject).toMatchObject({ kind: 'ConfigMap', data: { a: '1' } })
    expect(made.responseObject.metadata).not.toHaveProperty('managedFields')
    await door.ask(maps)
    const listed = told().last.responseObject
    expect(listed).toMatchObject({ kind: 'ConfigMapList', items: [{ data: { a: '1' } }] })
    expect(listed.items[0].metadata).not.toHaveProperty('managedFields')
    const table = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    await door.ask(`${maps}/one?includeObject=Object`, { accept: table })
    const shown = told().last.responseObject
    expect([shown.kind, shown.rows[0].object.data]).toEqual(['Table', { a: '1' }])
    expect(shown.rows[0].object.metadata).not.toHaveProperty('managedFields')
    await door.ask(`${maps}/one`, { accept: 'application/vnd.kubernetes.protobuf' })
    expect(told().last.responseObject).toMatchObject({ kind: 'ConfigMap', data: { a: '1' } })
    await door.ask(`${maps}/none`)
    expect(told().last).toMatchObject({
      responseStatus: { reason: 'NotFound', code: 404 },
      responseObject: { kind: 'Status', code: 404 },
    })
  })

  test('None: nothing', async () => {
    expect((await door.ask('/version')).code).toBe(200)
    expect(lines).toEqual([])
  })
})

test('why somebody may: the rule that said so; the masters need none', async () => {
  await door.ask('/apis', jane)
  expect(told().last.annotations).toEqual({
    'authorization.k8s.io/decision': 'allow',
    'authorization.k8s.io/reason':
      'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
  })
  expect(told().last).not.toHaveProperty('objectRef')
  await door.ask('/apis')
  expect(told().last.annotations).toEqual({
    'authorization.k8s.io/decision': 'allow',
    'authorization.k8s.io/reason': '',
  })
})

test('who speaks as another is told beside him, and rules go by who he really is', async () => {
  const headers = { 'impersonate-user': 'joe', 'impersonate-group': 'ops' }
  await door.ask('/apis', { headers })
  expect(told().last).toMatchObject({
    user: { username: 'kubernetes-admin' },
    impersonatedUser: { username: 'joe', groups: ['ops', 'system:authenticated'] },
  })
  await door.ask('/apis', { ...jane, headers })
  expect(told().last).toMatchObject({ user: { username: 'jane' }, responseStatus: { code: 403 } })
  expect(told().last).not.toHaveProperty('impersonatedUser')
})

test('credentials that do not hold: one event, of nobody', async () => {
  await door.ask(`${maps}/one`, { as: { token: 'forged' } })
  expect(told()).toMatchObject({
    stages: ['ResponseStarted'],
    last: {
      user: {},
      objectRef: { resource: 'configmaps', name: 'one' },
      responseStatus: { metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 },
    },
  })
  expect(told().last).not.toHaveProperty('annotations')
})

describe('what goes on for long', () => {
  test('a watch: that it has begun, and that it has ended', async () => {
    const response = await door.open('/api/v1/pods?watch=true')
    expect(told()).toMatchObject({
      stages: ['RequestReceived', 'ResponseStarted'],
      last: { verb: 'watch', responseStatus: { metadata: {}, code: 200 } },
    })
    const ended = new Promise(resolve => response.once('close', resolve))
    response.destroy()
    await ended
    await expect.poll(() => told().stages).toEqual(['RequestReceived', 'ResponseStarted', 'ResponseComplete'])
    expect(told().last).not.toHaveProperty('responseObject')
  })

  test('one that is refused', async () => {
    await door.ask('/api/v1/pods?watch=true&resourceVersion=x')
    expect(told()).toMatchObject({
      stages: ['RequestReceived', 'ResponseStarted', 'ResponseComplete'],
      last: { responseStatus: { status: 'Failure', code: 400 } },
    })
  })

  test('a WebSocket', async () => {
    const { ca, admin } = door.certificates
    const url = `wss://127.0.0.1:${door.port}/api/v1/pods?watch=true`
    const socket = new WebSocket(url, { ca: ca.cert, cert: admin.cert, key: admin.key })
    await new Promise(resolve => socket.once('open', resolve))
    expect(told()).toMatchObject({
      stages: ['RequestReceived', 'ResponseStarted'],
      last: { verb: 'watch', responseStatus: { metadata: {}, code: 101 } },
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.close()
    await closed
    await expect.poll(() => told().stages.at(-1)).toBe('ResponseComplete')
  })
})

test('a token that is given is named, and not shown at the level of metadata', async () => {
  const quiet = { metadata: { name: 'bot' } }
  await door.ask('/api/v1/namespaces/default/serviceaccounts', post(quiet))
  const { json } = await door.ask('/api/v1/namespaces/default/serviceaccounts/bot/token', post({ spec: {} }))
  const { jti } = JSON.parse(Buffer.from(json.status.token.split('.')[1], 'base64url').toString())
  expect(told().last).toMatchObject({
    objectRef: { resource: 'serviceaccounts', name: 'bot', subresource: 'token' },
    annotations: { 'authentication.kubernetes.io/issued-credential-id': `JTI=${jti}` },
  })
  expect(lines.join('')).not.toContain(json.status.token)
})

test('an old kind is marked', async () => {
  await door.ask('/api/v1/namespaces/default/endpoints')
  expect(told().last.annotations).toMatchObject({ 'k8s.io/deprecated': 'true' })
})

test('what has been written is counted', async () => {
  await door.ask('/apis')
  await door.ask('/version')
  const { text } = await door.ask('/metrics')
  const value = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  expect(value('apiserver_audit_event_total')).toBeGreaterThan(2)
  expect(value('apiserver_audit_level_total\\{level="None"\\}')).toBe(2)
  expect(value('apiserver_audit_error_total\\{plugin="log"\\}')).toBe(0)
})

test('a body cannot make a line of its own', async () => {
  await door.ask(maps, post({ metadata: { name: 'two' }, data: { a: '\n{"kind":"Event"}\n', __proto__x: '' } }))
  await door.ask(maps, {
    method: 'POST',
    type: 'application/json',
    body: '{"metadata":{"name":"x"},"__proto__":{"a":1}}',
  })
  await door.ask(maps, { method: 'POST', type: 'application/json', body: '[[[' })
  expect(written()).toHaveLength(6)
  expect(lines.every(line => line.indexOf('\n') === line.length - 1)).toBe(true)
})

test('a body as deep as one may be is answered as ever, and its event is written', async () => {
  const deep = (depth: number) => `{"metadata":{"name":"deep"},"data":${'['.repeat(depth)}${']'.repeat(depth)}}`
  for (const depth of [2_000, 9_000]) {
    const { code } = await door.ask(maps, { method: 'POST', type: 'application/json', body: deep(depth) })
    expect(code).toBe(400)
    const patch = `{"data":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`
    const patched = await door.ask(`${maps}/one`, {
      method: 'PATCH',
      type: 'application/merge-patch+json',
      body: patch,
    })
    expect([400, 404, 422]).toContain(patched.code)
  }
  expect(written().map(({ stage }) => stage)).toEqual(Array(4).fill(['RequestReceived', 'ResponseComplete']).flat())
})

test('without a policy nothing is written, and /metrics says so', async () => {
  await using quiet = await openDoor()
  const events = eventsOf(await quiet.open('/api/v1/pods?watch=true&timeoutSeconds=1'))
  await events.return(undefined)
  expect((await quiet.ask('/metrics')).text).toContain('apiserver_audit_event_total 0')
})
