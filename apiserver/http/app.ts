// The HTTP door: TLS, HTTP/2 and HTTP/1.1 on one port, and the order of what happens to a request. Opened by src/serve.ts
// and tests upon a registry. The only folder that knows Express; nothing inward sees its requests.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type http2 from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ApiError, badRequest } from '../../src/api/errors.ts'
import type { NodeClient } from '../../src/client/node-client.ts'
import type { Millis } from '../../src/env/clock.ts'
import { createEnding } from '../../src/env/ending.ts'
import type { Env } from '../../src/env/env.ts'
import type { Aggregation } from '../aggregation/aggregation.ts'
import type { Audit } from '../audit/audit.ts'
import type { Trail } from '../audit/trail.ts'
import type { Authenticate, Credentials } from '../auth/authentication.ts'
import { type Authorizer, isMaster, refused } from '../auth/authorization.ts'
import { impersonated, isImpersonating } from '../auth/impersonation.ts'
import type { Remarks } from '../auth/service-account-tokens.ts'
import type { Flow, FlowControl } from '../flowcontrol/flow-control.ts'
import type { Registry, User } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { remoteOf, sendRemote } from './aggregated.ts'
import { tellAsked } from './asked.ts'
import { auditFamilies, requestHead, tellStart } from './auditing.ts'
import { frontProxyCertificate } from './certificates.ts'
import { discoveryRoutes } from './discovery.ts'
import { Documents } from './documents.ts'
import { admitted, flowFamilies, Overload, sendOverload } from './fairness.ts'
import { type HealthChecks, healthReport } from './health.ts'
import { type IssuerDocuments, issuerDocument } from './issuer-documents.ts'
import { secureListener } from './listener.ts'
import type { Family } from './metric-families.ts'
import { healthFamilies, metricsPage, type Page, processFamilies, storedFamilies } from './metrics-page.ts'
import { sendMissingPage } from './missing-pages.ts'
import { definitionReader, type OpenapiRoute, openapiRoutes } from './openapi.ts'
import { type PastApi, PastPaths, pastTarget } from './past-paths.ts'
import { presentRefusal } from './presentation.ts'
import { addWarning, asApiError, drained, type Headers, sendBytes, sendObject, sendStatus } from './reply.ts'
import { parseTarget, type Query, queryOf, readBody } from './request.ts'
import { attributesOf, isLongRunning, type RequestAttributes, selectedBy } from './request-attributes.ts'
import { type Counted, RequestMetrics } from './request-metrics.ts'
import { isConnecting } from './streams/connecting.ts'
import type { Place } from './taken-connections.ts'
import { Upgrades } from './upgrade.ts'
import { type Exchange, Verbs } from './verbs.ts'
import type { KeyPair } from './x509.ts'

export interface HttpServerOptions {
  readonly env: Env
  readonly registry: Registry
  readonly authenticate: Authenticate
  readonly authorizer: Authorizer
  /** Of service accounts: what others need to know to trust them. */
  readonly tokens?: IssuerDocuments
  readonly certificates: { readonly ca: KeyPair; readonly server: KeyPair }
  /** Absent: all that is served is served here. */
  readonly aggregation?: Aggregation
  /** Absent: everything is served at once. */
  readonly flows?: FlowControl
  readonly nodes?: NodeClient | undefined
  /** Where it is written who asked for what; absent: nowhere. */
  readonly audit?: Audit | undefined
  /** What /readyz asks beyond the API server itself. */
  readonly checks?: HealthChecks
  /** What goes wrong on purpose. */
  readonly faults?: RequestFaults
  /** The API as it was at a revision, below /at/REVISION. Absent: there is no past. */
  readonly past?: (revision: number) => PastApi
  /** What is served beside the API as JSON, below /simulator/; undefined where there is nothing. */
  readonly pages?: (path: string) => object | undefined
  /** What kubesim serves of its own, below /kubesim/, with any method; undefined where there is nothing. */
  readonly own?: (request: OwnRequest) => Promise<object | Lines | LiveLines | undefined>
  /** What others in the process count; told at /metrics, beside what the server counts itself. */
  readonly metrics?: () => readonly Family[]
}

export interface RequestFaults {
  readonly isActive: boolean
  strike(asked: {
    readonly user: string
    readonly verb: string
    readonly resource: string
    readonly namespace: string
    readonly name: string
  }): { readonly latency: Millis; readonly error: ApiError | undefined } | undefined
}

/** An answer that is long, line by line. */
export class Lines {
  readonly each: Iterable<string>

  constructor(each: Iterable<string>) {
    this.each = each
  }
}

/** An answer that goes on until the reader leaves: texts of whole lines, as they come. */
export class LiveLines {
  readonly each: AsyncIterable<string>

  constructor(each: AsyncIterable<string>) {
    this.each = each
  }
}

/** A request to a path of kubesim's own, by somebody who may. */
export interface OwnRequest {
  readonly method: string
  readonly path: string
  readonly query: Query
  readonly user: User
  /** The body, a JSON object; {} when there is none. */
  readonly body: unknown
  /** Aborted when who asked has gone, or the server ends. */
  readonly signal: AbortSignal
}

export interface HttpServer {
  /** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot. */
  listen(port: number, address: string): Promise<AddressInfo>
  /** A connection from within the process, to be spoken TLS on as if it came over the network from that address. */
  take(stream: Duplex, from: Place): void
  /** Ends watches, answers what has been received whole, then ends connections. */
  close(): Promise<void>
}

/** What is being answered when the server ends is waited for so long. */
const longestFarewell = 2_000

/** What system:public-info-viewer gives to everybody, and is so even before there are roles: while the server starts. */
const openToAll: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version', '/version/'])

/** What a listener hands its requests to; one listener may hand them to several of these. */
export interface Answering {
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>
  upgraded(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void>
  /** How many watches and other long requests are open. */
  readonly watching: number
  /** How many requests there have been. */
  readonly asked: number
  /** Ends watches; resolves when what has been received whole is answered. */
  end(): Promise<void>
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  const answering = createAnswering(options)
  const { env, certificates } = options
  const listener = secureListener({ env, certificates, ...answering })
  return {
    listen: listener.listen,
    take: listener.take,
    async close() {
      await answering.end()
      await listener.close()
    },
  }
}

export function createAnswering(options: HttpServerOptions): Answering {
  const { env, registry, authenticate, authorizer, certificates, flows, audit, aggregation } = options
  let frontProxy: KeyPair | undefined
  aggregation?.identify(() => (frontProxy ??= frontProxyCertificate(env, certificates.ca)))
  const ending = createEnding()
  const metrics = new RequestMetrics(() => env.wall.now())
  const verbs = new Verbs({ env, registry, nodes: options.nodes, ending: ending.signal, metrics })
  const past =
    options.past &&
    new PastPaths({
      at: options.past,
      ending: ending.signal,
      metrics,
      documentsOf: served => documentsOf(served, undefined),
    })
  const upgrades = new Upgrades(verbs, aggregation)
  const auditIds = env.random.fork('audit-ids')
  const inFlight = new Set<IncomingMessage>()
  let asked = 0
  let onIdle: (() => void) | undefined
  const documents = documentsOf(registry, aggregation)
  const sent = new Documents()
  const checks: HealthChecks = {
    ping: () => true,
    log: () => true,
    ...options.checks,
    shutdown: () => !ending.signal.aborted,
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    inFlight.add(request)
    asked++
    let counted: Counted | undefined
    let flow: Flow | undefined
    let trail: Trail | undefined
    let isLong = false
    let refuse: ((error: ApiError) => void) | undefined
    let remarked: readonly Remarked[] = []
    const ago = past && request.url?.startsWith('/at/') ? pastTarget(request.url) : undefined
    // From here on the request is as it would be of the present.
    if (ago !== undefined) request.url = request.url!.replace(/^\/at\/\d+\/?/, '/')
    const url = request.url ?? '/'
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    const headers: Headers = {
      'Audit-Id': (request.headers['audit-id'] as string | undefined) ?? auditIds.uid(),
      'Cache-Control': 'no-cache, private',
    }
    try {
      let authenticated: User
      try {
        const credentials = credentialsOf(request)
        // A token may be spoken of; nothing else is.
        const said = request.headers.authorization === undefined ? undefined : remarksUpon(headers)
        if (said !== undefined) remarked = said.annotations
        const told = authenticate(said === undefined ? credentials : { ...credentials, remarks: said })
        authenticated = told instanceof Promise ? await told : told
      } catch (error) {
        if (audit !== undefined) tellUnknown(request, response, headers, error, remarked)
        throw error
      }
      const target = path.startsWith('/api') ? parseTarget(path) : undefined
      const attributes = attributesOf(request.method ?? 'GET', url, path, target)
      counted = metrics.begin(attributes, isApply(request))
      if (audit !== undefined) {
        trail = audit.begin(requestHead(request, String(headers['Audit-Id'])), authenticated, attributes)
        isLong = trail !== undefined && isLongRunning(attributes)
        if (isLong) tellStart(response, trail!)
        for (const [key, value] of remarked) trail?.annotate(key, value)
      }
      const user = meant(authenticated, request)
      if (user !== authenticated) trail?.impersonates(user)
      if (env.traffic.isWatched && attributes.isResource) {
        refuse = tellAsked(env.traffic, user, attributes, request.headers['user-agent'])
      }
      const entry = admitted(flows, attributes, user, response, headers)
      flow = entry instanceof Promise ? await entry : entry
      requireAllowed(user, url, attributes, trail)
      if (options.faults?.isActive && attributes.isResource) await struck(options.faults, user, attributes, env)
      if (ago !== undefined && !openToAll.has(path)) {
        return await past!.answer(ago.revision, path, target, { request, response, user, headers, trail })
      }
      const health = healthReport(path, mark < 0 ? '' : url.slice(mark + 1), checks)
      if (health) {
        const said = { ...headers, ...health.headers }
        return sendBytes(response, health.status, 'text/plain; charset=utf-8', Buffer.from(health.text), said)
      }
      const remote = remoteOf(aggregation, path)
      if (remote !== undefined) return await sendRemote(aggregation!, remote, { request, response, user, headers })
      if (target !== undefined)
        return await verbs.answer(target, { request, response, user, headers, trail } satisfies Exchange)
      if (options.own !== undefined && path.startsWith('/kubesim/')) {
        const said = await options.own(await ownRequest(request, response, path, user, ending.signal))
        if (said === undefined) throw noSuchPath()
        if (said instanceof Lines || said instanceof LiveLines) return await sendLines(response, said, headers)
        return sendObject(response, 200, said, headers)
      }
      if (request.method === 'GET' || request.method === 'HEAD') {
        for (const route of documents()) {
          const document = await route(path, request.headers.accept, mark < 0 ? '' : url.slice(mark + 1))
          if (document !== undefined) return sent.send(request, response, document, headers)
        }
        const issued = issuerDocument(path, options.tokens, hostOf(request))
        if (issued !== undefined) {
          headers['Cache-Control'] = 'public, max-age=3600'
          return sendBytes(response, 200, issued.contentType, issued.bytes, headers)
        }
        const page = await scraped(path)
        if (page !== undefined) return sendBytes(response, 200, page.contentType, Buffer.from(page.text), headers)
        const told = path.startsWith('/simulator/') ? options.pages?.(path) : undefined
        if (told !== undefined) return sendObject(response, 200, told, headers)
        if (path === '/') return sendObject(response, 200, { paths: rootPaths(registry) }, headers)
      }
      throw noSuchPath()
    } catch (error) {
      if (error instanceof Overload) return sendOverload(response, headers)
      const told = asApiError(error)
      refuse?.(told)
      if (told.reason === 'InternalError') env.log.error({ method: request.method, path, error }, 'a request failed')
      if (!response.headersSent) trail?.stated(told.toStatus())
      if (response.headersSent) response.destroy()
      else if (sendMissingPage(response, told, path, registry.kinds, headers)) {
        // That was all.
      } else if (path.startsWith('/api')) await presentRefusal(response, told, headers, request.headers.accept)
      else sendStatus(response, told, headers)
      // What of a refused body has not come yet is not waited for.
      if (!request.complete) request.resume()
    } finally {
      const end = () => {
        counted?.end(response.statusCode, Number(headers['Content-Length'] ?? -1))
        trail?.complete(response.headersSent ? response.statusCode : undefined, isLong)
      }
      // A watch goes on; what is compressed is still on its way.
      if (counted !== undefined && !response.writableEnded) response.once('close', end)
      else end()
      flow?.level.leave()
      inFlight.delete(request)
      if (inFlight.size === 0) onIdle?.()
    }
  }

  /** Credentials that do not hold are written of, too. */
  function tellUnknown(
    request: IncomingMessage,
    response: ServerResponse,
    headers: Headers,
    error: unknown,
    remarked: readonly Remarked[],
  ): void {
    const url = request.url ?? '/'
    const path = url.split('?', 1)[0]!
    const target = path.startsWith('/api') ? parseTarget(path) : undefined
    const attributes = attributesOf(request.method ?? 'GET', url, path, target)
    const trail = audit?.unauthenticated(requestHead(request, String(headers['Audit-Id'])), attributes)
    trail?.stated(asApiError(error).toStatus())
    for (const [key, value] of remarked) trail?.annotate(key, value)
    if (trail !== undefined) tellStart(response, trail)
  }

  async function upgraded(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    let trail: Trail | undefined
    const refusal = await upgrades.take(request, socket, head, async (path, target) => {
      const url = request.url ?? '/'
      const authenticated = await authenticate(credentialsOf(request))
      const attributes = attributesOf(request.method ?? 'GET', url, path, target)
      if (audit !== undefined) {
        const auditId = (request.headers['audit-id'] as string | undefined) ?? auditIds.uid()
        trail = audit.begin(requestHead(request, auditId), authenticated, attributes)
      }
      const user = meant(authenticated, request)
      if (user !== authenticated) trail?.impersonates(user)
      requireAllowed(user, url, attributes, trail)
      return user
    })
    if (trail === undefined) return
    if (refusal !== undefined) trail.stated(refusal.toStatus())
    const code = refusal?.code ?? 101
    trail.started(code)
    if (refusal !== undefined || socket.destroyed) trail.complete(code)
    else socket.once('close', () => trail?.complete(code))
  }

  /** As whom the request goes on. Throws ApiError Forbidden when he may not speak for the other. */
  function meant(authenticated: User, request: IncomingMessage): User {
    if (!isImpersonating(request.headers)) return authenticated
    return impersonated(authenticated, request.rawHeaders, authorizer)
  }

  function requireAllowed(user: User, url: string, attributes: RequestAttributes, trail?: Trail): void {
    const isOpen = !attributes.isResource && openToAll.has(attributes.path)
    if (trail === undefined && (isOpen || isMaster(user))) return
    const { allowed, reason } = authorizer.decide(user, attributes, selectedBy(url))
    const may = allowed || isOpen
    trail?.annotate('authorization.k8s.io/decision', may ? 'allow' : 'forbid')
    trail?.annotate('authorization.k8s.io/reason', (allowed === may && reason) || '')
    if (!may) throw refused(user, attributes, reason)
    if (attributes.verb === 'get' && isConnecting(attributes.subresource)) requireCreate(user, attributes)
  }

  /** To connect is to act, whatever the method (pkg/registry/core/pod/rest, ensureAuthorizedForVerb). */
  function requireCreate(user: User, attributes: RequestAttributes): void {
    const { allowed, reason = '' } = authorizer.decide(user, { ...attributes, verb: 'create' })
    if (allowed) return
    const { name, resource } = attributes
    throw new ApiError('Forbidden', `${resource} ${JSON.stringify(name)} is forbidden: ${reason}`, {
      name,
      kind: resource,
    })
  }

  async function scraped(path: string): Promise<Page | undefined> {
    if (path === '/metrics/slis') return metricsPage(healthFamilies(checks))
    if (path !== '/metrics') return undefined
    return metricsPage([
      ...metrics.families(),
      ...storedFamilies(registry),
      ...processFamilies(env),
      ...auditFamilies(audit),
      ...(flows === undefined ? [] : flowFamilies(flows)),
      ...(options.metrics?.() ?? []),
    ])
  }

  /** Resolves when all that has been received whole is answered, or has had its time. */
  function answered(): Promise<void> {
    for (const request of inFlight) if (!request.complete) request.destroy()
    if (inFlight.size === 0) return Promise.resolve()
    return new Promise(resolve => {
      const cancel = env.wall.after(longestFarewell, resolve)
      onIdle = () => {
        cancel()
        resolve()
      }
    })
  }

  return {
    answer,
    upgraded,
    get watching() {
      return metrics.longRunning
    },
    get asked() {
      return asked
    },
    async end() {
      ending.abort()
      await answered()
    },
  }
}

type Remarked = readonly [key: string, value: string]

/** What is said of a token goes into the answer's headers, and is kept for the audit log, which knows nothing of the request yet. */
function remarksUpon(headers: Headers): Remarks & { readonly annotations: readonly Remarked[] } {
  const annotations: Remarked[] = []
  return {
    annotations,
    warn: text => addWarning(headers, text),
    annotate: (key, value) => void annotations.push([key, value]),
  }
}

function credentialsOf(request: IncomingMessage): Credentials {
  const { stream } = request as unknown as { stream?: http2.ServerHttp2Stream }
  const socket = request.socket as TLSSocket
  return { headers: request.headers, socket, connection: stream?.session ?? socket }
}

/** What discovery and OpenAPI say is made anew when kinds have come or gone. */
function documentsOf(registry: Registry, aggregation: Aggregation | undefined): () => readonly OpenapiRoute[] {
  const definitions = definitionReader()
  let kinds: Registry['kinds'] | undefined
  let generation = -1
  let routes: readonly OpenapiRoute[] = []
  return () => {
    const now = aggregation?.generation ?? 0
    if (registry.kinds !== kinds || generation !== now) {
      kinds = registry.kinds
      generation = now
      const remote = aggregation?.all ?? []
      routes = [discoveryRoutes(kinds, { remote }), openapiRoutes(kinds, definitions, remote)]
    }
    return routes
  }
}

async function struck(
  faults: RequestFaults,
  user: User,
  { verb, resource, subresource, group, namespace, name }: RequestAttributes,
  { wall }: Env,
): Promise<void> {
  const part = subresource === '' ? '' : `/${subresource}`
  const whole = group === '' ? resource + part : `${resource}.${group}${part}`
  const strike = faults.strike({ user: user.name, verb, resource: whole, namespace, name })
  if (strike === undefined) return
  if (strike.latency > 0) await wall.sleep(strike.latency)
  if (strike.error !== undefined) throw strike.error
}

async function sendLines(response: ServerResponse, { each }: Lines | LiveLines, headers: Headers): Promise<void> {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/x-ndjson' })
  for await (const line of each) if (!response.write(line) && !(await drained(response))) return
  response.end()
}

async function ownRequest(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  user: User,
  ending: AbortSignal,
): Promise<OwnRequest> {
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  ending.addEventListener('abort', leave, { once: true })
  response.once('close', () => {
    ending.removeEventListener('abort', leave)
    leave()
  })
  const bytes = await readBody(request)
  let body: unknown
  try {
    body = bytes.length === 0 ? {} : JSON.parse(bytes.toString())
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`)
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badRequest('the body is not a JSON object')
  }
  const { method = 'GET', url = path } = request
  return { method, path, query: queryOf(url), user, body, signal: leaving.signal }
}

function isApply({ method, headers }: IncomingMessage): boolean {
  return method === 'PATCH' && headers['content-type'] === 'application/apply-patch+yaml'
}

/** Where the client has reached us; HTTP/2 says it under another name. */
function hostOf({ headers }: IncomingMessage): string | undefined {
  return headers.host ?? (headers[':authority'] as string | undefined)
}

function rootPaths({ kinds }: Registry): string[] {
  const groups = kinds
    .filter(({ group }) => group !== '')
    .flatMap(kind => [`/apis/${kind.group}`, `/apis/${kind.apiVersion}`])
  const own = [
    '/.well-known/openid-configuration',
    '/api',
    '/api/v1',
    '/apis',
    '/healthz',
    '/livez',
    '/metrics',
    '/metrics/slis',
    '/openapi/v2',
    '/openapi/v3',
    '/openid/v1/jwks',
    '/readyz',
    '/version',
  ]
  return [...new Set([...own, ...groups])].sort()
}
