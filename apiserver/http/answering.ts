// The order of what happens to a request: who it is of, whether he may, what it is about, and what is said when it goes wrong. Made by
// app.ts for its listener, and by whoever serves several clusters from one.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type http2 from 'node:http2'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ApiError } from '../../src/api/errors.ts'
import type { NodeClient } from '../../src/client/node-client.ts'
import { createEnding } from '../../src/env/ending.ts'
import type { Env } from '../../src/env/env.ts'
import type { Aggregation } from '../aggregation/aggregation.ts'
import type { Audit } from '../audit/audit.ts'
import type { Trail } from '../audit/trail.ts'
import type { Authenticate, Credentials } from '../auth/authentication.ts'
import type { Authorizer } from '../auth/authorization.ts'
import type { Remarks } from '../auth/service-account-tokens.ts'
import type { Flow, FlowControl } from '../flowcontrol/flow-control.ts'
import type { Registry, User } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { remoteOf, sendRemote } from './aggregated.ts'
import { tellAsked } from './asked.ts'
import { auditFamilies, requestHead, tellStart } from './auditing.ts'
import { frontProxyCertificate } from './certificates.ts'
import { admitted, flowFamilies, Overload, sendOverload } from './fairness.ts'
import { type HealthChecks, healthReport } from './health.ts'
import type { IssuerDocuments } from './issuer-documents.ts'
import type { Family } from './metric-families.ts'
import { healthFamilies, processFamilies, storedFamilies } from './metrics-page.ts'
import { sendMissingPage } from './missing-pages.ts'
import { answerOwn, type OwnPaths } from './own-requests.ts'
import { type PastApi, PastPaths, pastTarget } from './past-paths.ts'
import { openToAll, Permission } from './permission.ts'
import { documentsOf, PlainPages } from './plain-pages.ts'
import { presentRefusal } from './presentation.ts'
import { addWarning, asApiError, type Headers, sendBytes, sendStatus } from './reply.ts'
import { parseTarget } from './request.ts'
import { attributesOf, isLongRunning } from './request-attributes.ts'
import { type RequestFaults, struck } from './request-faults.ts'
import { type Counted, RequestMetrics } from './request-metrics.ts'
import { Upgrades } from './upgrade.ts'
import { type Exchange, Verbs } from './verbs.ts'
import type { KeyPair } from './x509.ts'

export interface AnsweringOptions {
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
  readonly own?: OwnPaths
  /** What others in the process count; told at /metrics, beside what the server counts itself. */
  readonly metrics?: () => readonly Family[]
}

/** What is being answered when the server ends is waited for so long. */
const longestFarewell = 2_000

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

export function createAnswering(options: AnsweringOptions): Answering {
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
  const permission = new Permission(authorizer)
  const checks: HealthChecks = {
    ping: () => true,
    log: () => true,
    ...options.checks,
    shutdown: () => !ending.signal.aborted,
  }
  const pages = new PlainPages({
    registry,
    aggregation,
    tokens: options.tokens,
    simulator: options.pages,
    healthMetrics: () => healthFamilies(checks),
    metrics: () => [
      ...metrics.families(),
      ...storedFamilies(registry),
      ...processFamilies(env),
      ...auditFamilies(audit),
      ...(flows === undefined ? [] : flowFamilies(flows)),
      ...(options.metrics?.() ?? []),
    ],
  })

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
    const query = mark < 0 ? '' : url.slice(mark + 1)
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
      const user = permission.meant(authenticated, request)
      if (user !== authenticated) trail?.impersonates(user)
      if (env.traffic.isWatched && attributes.isResource) {
        refuse = tellAsked(env.traffic, user, attributes, request.headers['user-agent'])
      }
      const entry = admitted(flows, attributes, user, response, headers)
      flow = entry instanceof Promise ? await entry : entry
      permission.require(user, url, attributes, trail)
      if (options.faults?.isActive && attributes.isResource) await struck(options.faults, user, attributes, env)
      if (ago !== undefined && !openToAll.has(path)) {
        return await past!.answer(ago.revision, path, target, { request, response, user, headers, trail })
      }
      const health = healthReport(path, query, checks)
      if (health) {
        const said = { ...headers, ...health.headers }
        return sendBytes(response, health.status, 'text/plain; charset=utf-8', Buffer.from(health.text), said)
      }
      const remote = remoteOf(aggregation, path)
      if (remote !== undefined) return await sendRemote(aggregation!, remote, { request, response, user, headers })
      if (target !== undefined)
        return await verbs.answer(target, { request, response, user, headers, trail } satisfies Exchange)
      if (options.own !== undefined && path.startsWith('/kubesim/')) {
        return await answerOwn(options.own, request, response, path, user, headers, ending.signal)
      }
      if (request.method === 'GET' || request.method === 'HEAD') {
        if (await pages.answer(request, response, path, query, headers)) return
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
      const user = permission.meant(authenticated, request)
      if (user !== authenticated) trail?.impersonates(user)
      permission.require(user, url, attributes, trail)
      return user
    })
    if (trail === undefined) return
    if (refusal !== undefined) trail.stated(refusal.toStatus())
    const code = refusal?.code ?? 101
    trail.started(code)
    if (refusal !== undefined || socket.destroyed) trail.complete(code)
    else socket.once('close', () => trail?.complete(code))
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

function isApply({ method, headers }: IncomingMessage): boolean {
  return method === 'PATCH' && headers['content-type'] === 'application/apply-patch+yaml'
}
