// A server behind this one: found by its APIService, asked whether it is there, listed, and handed what is its own.
// Upstream: kube-aggregator/pkg/apiserver/handler_proxy_test.go, test/e2e/apimachinery/aggregator.go.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { issue } from '../../apiserver/http/x509.ts'
import type { APIService } from '../../generated/types.ts'
import { realEnv } from '../../src/env/real-env.ts'
import { APIServices, ConfigMaps, EndpointSlices, Services } from '../../src/kinds/index.ts'
import { type Door, openDoor } from './door.ts'

const group = 'wardle.example.com'
const base = `/apis/${group}/v1alpha1`
const tokens = new Map([
  ['jane', { name: 'jane', groups: ['makers', 'system:authenticated'], extra: { 'a/b': ['c'] } }],
])
const resources = [
  { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['get', 'list'] },
  { name: 'flunders/status', singularName: '', namespaced: true, kind: 'Flunder', verbs: ['get'] },
]
const json = (response: ServerResponse, code: number, body: object): void => {
  response.writeHead(code, { 'content-type': 'application/json', 'x-from': 'behind' }).end(JSON.stringify(body))
}

/** As sample-apiserver serves it, as far as it matters; everything else is told back. */
function sample(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === base) {
    const list = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: `${group}/v1alpha1`, resources }
    json(response, 200, list)
    return
  }
  if (request.url === '/openapi/v3') {
    json(response, 200, { paths: { [base.slice(1)]: { serverRelativeURL: `/openapi/v3${base}?hash=AB` } } })
    return
  }
  if (request.url?.endsWith('watch=1')) {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"type":"ADDED"}\n')
    return
  }
  let body = ''
  request.on('data', chunk => {
    body += chunk
  })
  request.on('end', () => {
    const { method, url, headers } = request
    const peer = (request.socket as TLSSocket).getPeerCertificate().subject?.CN
    json(response, 200, { method, url, headers, body, peer })
  })
}

const open: Server[] = []
afterEach(() => {
  for (const server of open.splice(0)) server.closeAllConnections()
})

/** With a certificate of the door's own authority for the Service's name, and asking for one. */
async function behind(door: Door, handler = sample): Promise<{ server: Server; port: number }> {
  const { ca } = door.certificates
  const env = realEnv({ logLevel: 'silent' })
  const { cert, key } = certificateFor(env, ca)
  const server = createServer({ cert, key, ca: ca.cert, requestCert: true, rejectUnauthorized: true }, handler)
  open.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port }
}

function certificateFor(env: ReturnType<typeof realEnv>, ca: { cert: string; key: string }) {
  const now = env.clock.now()
  return issue(
    {
      subject: { commonName: 'sample' },
      use: 'server',
      names: ['sample-api.default.svc'],
      notBefore: now - 60_000,
      notAfter: now + 86_400_000,
      serial: Buffer.from('0102030405060708', 'hex'),
    },
    { ...ca, subject: { commonName: 'kubesim-ca' } },
  )
}

const apiService = (authority: string) => ({
  apiVersion: 'apiregistration.k8s.io/v1' as const,
  kind: 'APIService' as const,
  metadata: { name: `v1alpha1.${group}` },
  spec: {
    group,
    version: 'v1alpha1',
    groupPriorityMinimum: 2000,
    versionPriority: 200,
    caBundle: Buffer.from(authority).toString('base64'),
    service: { namespace: 'default', name: 'sample-api', port: 7443 },
  },
})

async function serviceAt(door: Door): Promise<void> {
  const metadata = { name: 'sample-api', namespace: 'default' }
  await door.server.client.of(Services).create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { ports: [{ name: 'https', port: 7443, targetPort: 443 as never }] },
  })
}

async function sliceAt(door: Door, port: number): Promise<void> {
  const metadata = {
    namespace: 'default',
    name: 'sample-api-1',
    labels: { 'kubernetes.io/service-name': 'sample-api' },
  }
  await door.server.client.of(EndpointSlices).create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints: [{ addresses: ['127.0.0.1'] }],
    ports: [{ name: 'https', port }],
  })
}

async function condition(door: Door) {
  await door.server.env.clock.advance(1)
  const { conditions } = (await door.server.client.of(APIServices).get({ name: `v1alpha1.${group}` }))
    .status as NonNullable<APIService['status']>
  const { lastTransitionTime: _, ...rest } = conditions![0]!
  return rest
}

async function registered(door: Door): Promise<{ server: Server; port: number }> {
  const at = await behind(door)
  await serviceAt(door)
  await sliceAt(door, at.port)
  await door.server.client.of(APIServices).create(apiService(door.certificates.ca.cert))
  expect(await condition(door)).toMatchObject({ status: 'True', message: 'all checks passed' })
  return at
}

test('[sig-api-machinery] Aggregator Should be able to support the 1.17 Sample API Server using the current Aggregator', async () => {
  await using door = await openDoor({ tokens })
  await door.server.client.of(APIServices).create(apiService(door.certificates.ca.cert))
  const no = (reason: string, message: string) => ({ type: 'Available', status: 'False', reason, message })
  expect(await condition(door)).toEqual(no('ServiceNotFound', 'service/sample-api in "default" is not present'))
  expect(await door.ask(`${base}/flunders`)).toMatchObject({ code: 503, text: 'service unavailable\n' })
  await serviceAt(door)
  expect(await condition(door)).toEqual(
    no('EndpointsNotFound', 'cannot find endpointslices for service/sample-api in "default"'),
  )
  const { port, server } = await behind(door)
  await sliceAt(door, port)
  expect(await condition(door)).toEqual({
    type: 'Available',
    status: 'True',
    reason: 'Passed',
    message: 'all checks passed',
  })

  const groups = (await door.ask('/apis')).json.groups as { name: string }[]
  expect(groups.find(({ name }) => name === group)).toEqual({
    name: group,
    versions: [{ groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' }],
    preferredVersion: { groupVersion: `${group}/v1alpha1`, version: 'v1alpha1' },
  })
  expect((await door.ask(base)).json.resources).toEqual(resources)
  expect((await door.ask(`${base}/namespaces/default/flunders`)).json).toMatchObject({ method: 'GET' })

  await new Promise(resolve => {
    server.close(resolve)
    server.closeAllConnections()
  })
  await door.server.env.clock.advance(30_000)
  expect(await condition(door)).toMatchObject({ status: 'False', reason: 'FailedDiscoveryCheck' })
  await door.server.client.of(APIServices).delete({ name: `v1alpha1.${group}` })
  await door.server.env.clock.advance(1)
  expect(await door.ask(`${base}/flunders`)).toMatchObject({ code: 404 })
  expect((await door.ask('/apis')).text).not.toContain(group)
})

test('what is asked of a server behind goes there as it is, with the name of who asks and nobody else’s', async () => {
  await using door = await openDoor({ tokens })
  await registered(door)
  const told = await door.ask(`${base}/namespaces/default/flunders?dryRun=All&x=%2F`, {
    method: 'POST',
    type: 'application/yaml',
    body: 'kind: Flunder',
    headers: { 'x-remote-user': 'root', 'x-remote-group': 'system:masters', 'x-remote-extra-z': 'y', 'x-own': '1' },
  })
  expect(told).toMatchObject({ code: 200, headers: { 'x-from': 'behind' } })
  const { headers, ...rest } = told.json
  expect(rest).toEqual({
    method: 'POST',
    url: `${base}/namespaces/default/flunders?dryRun=All&x=%2F`,
    body: 'kind: Flunder',
    peer: 'front-proxy-client',
  })
  expect(headers).toMatchObject({
    'x-remote-user': 'kubernetes-admin',
    'x-remote-group': 'system:masters, system:authenticated',
    'x-own': '1',
    'content-type': 'application/yaml',
    'x-forwarded-for': '127.0.0.1',
  })
  expect(headers).not.toHaveProperty('x-remote-extra-z')
  expect(headers).not.toHaveProperty('authorization')
})

test('who may not is refused before the server behind hears of it; as whom he speaks is told, not that he does', async () => {
  await using door = await openDoor({ tokens })
  await registered(door)
  const { message } = await door.refused(`${base}/flunders`, { as: { token: 'jane' } })
  expect(message).toBe(
    `flunders.${group} is forbidden: User "jane" cannot list resource "flunders" in API group "${group}" at the cluster scope`,
  )
  const { headers } = (
    await door.ask(`${base}/flunders`, {
      headers: {
        'impersonate-user': 'bob',
        'impersonate-group': 'system:masters',
        'impersonate-extra-scopes%2fa': 'v',
      },
    })
  ).json
  expect(headers).toMatchObject({ 'x-remote-user': 'bob', 'x-remote-extra-scopes%2fa': 'v' })
  expect(Object.keys(headers).filter(name => name.startsWith('impersonate'))).toEqual([])
})

test('discovery and OpenAPI know what is behind', async () => {
  await using door = await openDoor({ tokens })
  await registered(door)
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const find = async () => {
    const { items } = (await door.ask('/apis', { accept })).json as {
      items: { metadata: { name: string }; versions: object[] }[]
    }
    return items.find(({ metadata }) => metadata.name === group)?.versions
  }
  const responseKind = { group, version: 'v1alpha1', kind: 'Flunder' }
  expect(await find()).toEqual([
    {
      version: 'v1alpha1',
      freshness: 'Current',
      resources: [
        {
          resource: 'flunders',
          responseKind,
          scope: 'Namespaced',
          singularResource: 'flunder',
          verbs: ['get', 'list'],
          subresources: [{ subresource: 'status', responseKind, verbs: ['get'] }],
        },
      ],
    },
  ])
  expect((await door.ask('/openapi/v3')).json.paths[base.slice(1)]).toEqual({
    serverRelativeURL: `/openapi/v3${base}?hash=AB`,
  })
  expect((await door.ask(`/openapi/v3${base}?hash=AB`)).json.url).toBe(`/openapi/v3${base}?hash=AB`)
  await door.server.client.of(EndpointSlices).delete({ name: 'sample-api-1', namespace: 'default' })
  expect(await condition(door)).toMatchObject({ status: 'False', reason: 'EndpointsNotFound' })
  expect(await find()).toEqual([{ version: 'v1alpha1', freshness: 'Stale' }])
})

test('a watch comes through as it is told, and its end goes back', async () => {
  await using door = await openDoor({ tokens })
  const { server } = await registered(door)
  const ended = new Promise<void>(resolve => {
    server.on('request', (request, response) => {
      if (request.url?.endsWith('watch=1')) response.on('close', resolve)
    })
  })
  const response = await door.open(`${base}/flunders?watch=1`)
  const [first] = await new Promise<Buffer[]>(resolve => response.once('data', (...chunk) => resolve(chunk)))
  expect(String(first)).toBe('{"type":"ADDED"}\n')
  response.destroy()
  await ended
})

test('a WebSocket is spoken through', async () => {
  await using door = await openDoor({ tokens })
  const { server } = await registered(door)
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, peer => peer.send(String(request.headers['x-remote-user'])))
  })
  const { ca, admin } = door.certificates
  const client = new WebSocket(`wss://127.0.0.1:${door.port}${base}/flunders?watch=1`, {
    ca: ca.cert,
    cert: admin.cert,
    key: admin.key,
  })
  const said = await new Promise(resolve => client.on('message', data => resolve(String(data))))
  expect(said).toBe('kubernetes-admin')
  client.terminate()
})

test('a server whose certificate nobody vouches for, and one that is simulated, are not believed', async () => {
  await using door = await openDoor({ tokens })
  const { port } = await behind(door)
  await serviceAt(door)
  await sliceAt(door, port)
  const { server: _, ...own } = door.certificates
  await door.server.client.of(APIServices).create(apiService(own.admin.cert))
  const { message, reason } = await condition(door)
  expect(reason).toBe('FailedDiscoveryCheck')
  expect(message).toMatch(
    /^failing or missing response from https:\/\/127\.0\.0\.1:\d+\/apis\/wardle\.example\.com\/v1alpha1: Get ".*": tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
  )
})

test('every group and version of this server has a local APIService, and its authentication is told to those behind', async () => {
  await using door = await openDoor()
  const { items } = await door.server.client.of(APIServices).list()
  const served = (await door.ask('/apis')).json.groups as { versions: { version: string; groupVersion: string }[] }[]
  const names = served.flatMap(({ versions }) =>
    versions.map(({ groupVersion }) => groupVersion.split('/').reverse().join('.')),
  )
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(
    ['v1.', ...names.filter(name => !name.endsWith('apiregistration.k8s.io'))].sort(),
  )
  expect(items.every(({ status }) => status?.conditions?.[0]?.reason === 'Local')).toBe(true)
  const at = { address: '192.168.49.2', port: 6443, certificateAuthority: door.certificates.ca.cert }
  await door.server.server.bootstrap(at)
  const map = await door.server.client
    .of(ConfigMaps)
    .get({ namespace: 'kube-system', name: 'extension-apiserver-authentication' })
  expect(map.data).toMatchObject({
    'client-ca-file': door.certificates.ca.cert,
    'requestheader-allowed-names': '["front-proxy-client"]',
  })
})
