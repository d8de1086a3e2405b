// Paths that lead to another server: what was asked is handed on with the name of who asks, and what comes back as it comes.
// Called by answering.ts and upgrade.ts. Upstream: k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go,
// k8s.io/client-go/transport (SetAuthProxyHeaders).

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Aggregation, type RemoteApi, serverNameOf, unavailable } from '../aggregation/aggregation.ts'
import { openStream, type StreamedRequest } from '../outgoing/streaming.ts'
import type { User } from '../registry/registry.ts'
import { type Headers, sendBytes } from './reply.ts'

/** `/apis/group/version` and what is below it, when somebody else serves that. */
export function remoteOf(aggregation: Aggregation | undefined, path: string): RemoteApi | undefined {
  if (aggregation === undefined || aggregation.isEmpty) return undefined
  const [, prefix, group = '', version = ''] = path.split('/')
  if (prefix === 'apis') return aggregation.find(group, version)
  if (prefix !== 'openapi') return undefined
  const document = /^\/openapi\/v3\/apis\/([^/]+)\/([^/]+)$/.exec(path)
  return document === null ? undefined : aggregation.find(document[1]!, document[2]!)
}

export async function sendRemote(
  aggregation: Aggregation,
  remote: RemoteApi,
  {
    request,
    response,
    user,
    headers,
  }: {
    readonly request: IncomingMessage
    readonly response: ServerResponse
    readonly user: User
    readonly headers: Headers
  },
): Promise<void> {
  const refuse = (why: string): void => {
    const said = { ...headers, 'X-Content-Type-Options': 'nosniff' }
    sendBytes(response, 503, 'text/plain; charset=utf-8', Buffer.from(`${why}\n`), said)
  }
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  try {
    const asked = askedOf(aggregation, remote, request, user)
    const answer = await openStream(asked, gone.signal)
    response.writeHead(answer.status, { ...headers, ...handedOn(answer.headers) })
    response.flushHeaders()
    answer.body.on('error', () => response.destroy())
    answer.body.pipe(response)
  } catch (error) {
    if (response.headersSent) response.destroy()
    else refuse((error as Error).message)
  }
}

/** The same for a request that changes the protocol. */
export async function upgradeRemote(
  aggregation: Aggregation,
  remote: RemoteApi,
  request: IncomingMessage,
  user: User,
  socket: Duplex,
): Promise<void> {
  const gone = new AbortController()
  socket.on('close', () => gone.abort())
  const asked = askedOf(aggregation, remote, request, user)
  const headers = { ...asked.headers, connection: 'Upgrade', upgrade: String(request.headers.upgrade) }
  const { status, headers: said, body, upgraded } = await openStream({ ...asked, headers }, gone.signal)
  const lines = Object.entries(said).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map(each => `${name}: ${each}`),
  )
  socket.write(`HTTP/1.1 ${status} ${body.statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`)
  if (upgraded === undefined) {
    body.pipe(socket)
    return
  }
  socket.write(upgraded.head)
  upgraded.socket.on('error', () => socket.destroy())
  upgraded.socket.pipe(socket).pipe(upgraded.socket)
}

/** Throws ServiceUnavailable when the server is known not to answer, or cannot be found. */
function askedOf(aggregation: Aggregation, remote: RemoteApi, request: IncomingMessage, user: User): StreamedRequest {
  const { spec } = remote.service
  if (!remote.isAvailable) throw unavailable()
  return {
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    endpoint: endpointOf(aggregation, remote),
    serverName: serverNameOf(spec),
    authorities: spec.caBundle ? Buffer.from(spec.caBundle, 'base64').toString() : undefined,
    unverified: spec.insecureSkipTLSVerify ?? false,
    certificate: aggregation.identity,
    headers: { ...forwarded(request), ...identityHeaders(user) },
    body: request,
    dial: aggregation.dial,
  }
}

function endpointOf(aggregation: Aggregation, remote: RemoteApi) {
  try {
    return aggregation.endpointOf(remote)
  } catch (error) {
    throw Object.assign(unavailable(), { cause: error })
  }
}

/** Of one hop only (RFC 9110 7.6.1), or what says who asks: that is this server's to say. */
const notHandedOn =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|authorization|impersonate-.*|x-remote-.*|:.*|http2-settings)$/

function forwarded(request: IncomingMessage): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !notHandedOn.test(name)) headers[name] = value
  }
  const from = request.socket.remoteAddress
  if (from !== undefined) headers['x-forwarded-for'] = [...[headers['x-forwarded-for'] ?? []].flat(), from].join(', ')
  headers['x-forwarded-uri'] = request.url ?? '/'
  return headers
}

function identityHeaders({ name, uid, groups, extra = {} }: User): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = { 'X-Remote-User': name, 'X-Remote-Group': [...groups] }
  if (uid) headers['X-Remote-Uid'] = uid
  for (const [key, values] of Object.entries(extra)) headers[`X-Remote-Extra-${encodeURIComponent(key)}`] = [...values]
  return headers
}

function handedOn(headers: NodeJS.Dict<string | string[]>): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !notHandedOn.test(name)) kept[name] = value
  }
  return kept
}
