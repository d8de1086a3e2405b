// The API's verbs on the wire: a request in, one call of the registry, a reply out. Called by app.ts, once a request.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Node, Pod } from '../../generated/types.ts'
import { type Cause, causeHeader, readCause } from '../../src/api/cause.ts'
import {
  ApiError,
  badRequest,
  methodNotAllowed,
  methodNotSupported,
  notFound,
  notImplemented,
} from '../../src/api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { WriteOptions } from '../../src/client/client.ts'
import type { NodeClient, PodLike } from '../../src/client/node-client.ts'
import type { Cancel } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import type { Level } from '../audit/policy.ts'
import type { Trail } from '../audit/trail.ts'
import { fromUserAgent } from '../registry/ownership.ts'
import {
  type Registry,
  type RequestInfo,
  type ResourceRegistry,
  readOf,
  type User,
  type Wrote,
} from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { ChunkPool } from './chunk-pool.ts'
import { type Form, Negotiator, protobuf } from './negotiation.ts'
import { readLog, requestToNode, requestToPod, requestToService } from './node-paths.ts'
import { type Answer, presentList, presentObject } from './presentation.ts'
import type { Proxied } from './proxied.ts'
import { addWarning, type Headers } from './reply.ts'
import {
  BodyReader,
  deleteOptions,
  flag,
  listOptions,
  type Query,
  queryOf,
  readBody,
  requireSegment,
  type Target,
  writeOptions,
} from './request.ts'
import { attributesOf } from './request-attributes.ts'
import type { RequestMetrics } from './request-metrics.ts'
import { type Connecting, commandRequest, connectOptions, requireHost } from './streams/connecting.ts'
import { isFromWithin } from './taken-connections.ts'
import { patchInfo, requireOnce } from './twice.ts'
import { EventBytes, type Outlet, type ProtobufWriting } from './watch-stream.ts'
import { openWatch } from './watching.ts'

/** One request as a verb sees it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly user: User
  /** Of the reply; verbs add to them. */
  readonly headers: Headers
  /** Where it is written what was asked and answered; absent: nowhere. */
  readonly trail?: Trail | undefined
}

export interface VerbsOptions {
  readonly env: Env
  readonly registry: Registry
  readonly nodes?: NodeClient | undefined
  /** Aborted when the server ends: watches and followed logs end with it. */
  readonly ending: AbortSignal
  readonly metrics: RequestMetrics
}

export class Verbs {
  readonly #options: VerbsOptions
  readonly #negotiator = new Negotiator()
  readonly #eventBytes = new EventBytes()
  readonly #chunks = new ChunkPool()
  readonly #bodies = new BodyReader()

  constructor(options: VerbsOptions) {
    this.#options = options
  }

  /** Answers a request to a path of the API; throws ApiError for what it refuses. */
  async answer(target: Target, exchange: Exchange): Promise<void> {
    const { request } = exchange
    const resource = this.resourceOf(target)
    // Before anything can fail: refusals carry it too (endpoints/installer.go, AddWarningsHandler).
    if (resource.kind.deprecation !== undefined) {
      addWarning(exchange.headers, resource.kind.deprecation)
      this.#options.metrics.deprecated(resource.kind, target.subresource)
      exchange.trail?.annotate('k8s.io/deprecated', 'true')
    }
    const call: Call = { resource, target, query: queryOf(request.url ?? ''), exchange }
    if (target.name !== undefined) requireSegment(target.name)
    if (target.isWatch && (request.method !== 'GET' || target.subresource !== undefined)) throw noSuchPath()
    if (target.subresource !== undefined) return this.#subresource(call, target.subresource as Subresource)
    return target.name === undefined ? this.#collection(call) : this.#object(call)
  }

  resourceOf({ group, version, plural, name, namespace }: Target): ResourceRegistry {
    const resource = this.#options.registry.find(group, version, plural)
    if (resource === undefined) throw noSuchPath()
    const { namespaced } = resource.kind
    if (namespaced ? name !== undefined && namespace === undefined : namespace !== undefined) throw noSuchPath()
    return resource
  }

  async #collection(call: Call): Promise<void> {
    const { resource, target, query, exchange } = call
    const { namespace, plural } = target
    const { request } = exchange
    const methods = collectionMethods(resource.kind, namespace)
    if (!methods.includes(request.method ?? '')) throw notAllowed(call, methods.join(', '))
    if (isWatch(call)) return this.#watch(call)
    const answer = this.#answerTo(call)
    switch (request.method) {
      case 'GET': {
        const asked = listOptions(query, namespace)
        return presentList(answer, await readOf(resource, within(exchange, asked), () => resource.list(asked)))
      }
      case 'POST': {
        const options = writeOptions(query, 'CreateOptions')
        const { body, info } = await this.#bodyOf(call, bodyKind(resource, plural), options)
        return present(answer, await resource.create(body, { namespace }, options, info))
      }
      case 'DELETE': {
        const { labelSelector, fieldSelector, limit } = listOptions(query, namespace)
        const options = await deleteOptions(
          this.#bodies,
          await readBody(request),
          request.headers['content-type'],
          query,
          exchange.trail,
        )
        const where = { namespace, labelSelector, fieldSelector, limit }
        return presentList(answer, await resource.deleteCollection(where, options, infoOf(exchange)))
      }
    }
  }

  async #object(call: Call): Promise<void> {
    const { resource, target, query, exchange } = call
    // What cannot be read is not kept, so there is no path to one of it.
    if (resource.kind.withoutVerbs?.includes('get')) throw noSuchPath()
    const ref = refOf(target)
    const { request } = exchange
    if (!objectMethods.includes(request.method ?? '')) throw notAllowed(call, objectMethods.join(', '))
    if (isWatch(call)) return this.#watch(call)
    const answer = this.#answerTo(call)
    switch (request.method) {
      case 'GET': {
        const resourceVersion = query.get('resourceVersion') ?? undefined
        return presentObject(
          answer,
          200,
          await readOf(resource, within(exchange, ref), () => resource.get(ref, { resourceVersion })),
        )
      }
      case 'DELETE': {
        const options = await deleteOptions(
          this.#bodies,
          await readBody(request),
          request.headers['content-type'],
          query,
          exchange.trail,
        )
        return present(answer, await resource.delete(ref, options, infoOf(exchange)))
      }
      default:
        return this.#change(call, answer, undefined)
    }
  }

  async #subresource(call: Call, subresource: Subresource): Promise<void> {
    const { resource, target, query, exchange } = call
    const { kind } = resource
    const ref = refOf(target)
    const { method } = exchange.request
    if (!kind.subresources?.includes(subresource)) throw kind.custom ? notFound(kind, ref.name) : noSuchPath()
    const methods = methodsOf[subresource]
    if (!methods.includes(method ?? '')) throw notAllowed(call, methods.join(', '))
    switch (subresource) {
      case 'proxy':
        return this.#proxy(resource, target, exchange)
      case 'log': {
        const pod = resource.get(ref).object
        return readLog(this.#nodes(), pod, query, exchange.response, exchange.headers, this.#options.ending)
      }
      case 'exec':
      case 'attach':
      case 'portforward': {
        const { pod } = await this.connection(resource, target, subresource, query, infoOf(exchange))
        if (subresource === 'portforward') requireHost(pod)
        else commandRequest(pod, query)
        throw badRequest('Upgrade request required')
      }
    }
    const answer = this.#answerTo(call)
    if (method === 'GET') {
      return presentObject(answer, 200, await readOf(resource, ref, () => resource.readSubresource(ref, subresource)))
    }
    if (method !== 'POST') return this.#change(call, answer, subresource)
    const options = writeOptions(query, 'CreateOptions')
    const { body, info } = await this.#bodyOf(call, bodyKind(resource, subresource), options)
    return present(answer, await resource.act(ref, subresource, body, options, info))
  }

  async #proxy(resource: ResourceRegistry, target: Target, exchange: Exchange): Promise<void> {
    const { ref, port, tls, path, place } = proxyPartsOf(target, exchange.request.url)
    const isNode = resource.kind.resource === 'nodes'
    const found = resource.get(ref).object
    if (tls && !isNode) {
      const { proxyOverTls } = await import('./proxied.ts')
      const { request, response, headers } = exchange
      return proxyOverTls(this.#nodes(), this.proxied(resource, target, request.url), request, response, headers)
    }
    if (isNode) {
      if (port && port !== kubeletPortOf(found)) throw notImplemented(`a proxy to port ${port} of a node`)
      return requestToNode(this.#nodes(), found, path, exchange)
    }
    if (resource.kind.resource === 'pods') return requestToPod(this.#nodes(), found, port, path, exchange, place)
    return requestToService(this.#nodes(), ref, port, path, exchange, place)
  }

  /** Where a request through the proxy of a pod or a Service leads. */
  proxied(resource: ResourceRegistry, target: Target, url: string | undefined): Proxied {
    const { ref, port, tls, path, place } = proxyPartsOf(target, url)
    const found = resource.get(ref).object
    const isPod = resource.kind.resource === 'pods'
    if (!isPod && resource.kind.resource !== 'services') throw notImplemented('another protocol through nodes/proxy')
    return { to: isPod ? { pod: found as unknown as PodLike, port } : { service: ref, port }, tls, path, place }
  }

  get nodes(): NodeClient {
    return this.#nodes()
  }

  #nodes(): NodeClient {
    const { nodes } = this.#options
    if (nodes !== undefined) return nodes
    throw new ApiError(
      'ServiceUnavailable',
      'no kubelet runs in the process of this API server, so nodes cannot be asked',
    )
  }

  async #watch(call: Call): Promise<void> {
    const { request, response, headers } = call.exchange
    const outlet: Outlet = {
      write: bytes => void response.write(bytes),
      end: () => response.end(),
      backlog: () => response.writableLength,
    }
    const { resource, target, query } = call
    const form = this.#negotiator.choose(request.headers.accept, resource.kind, 'watches')
    const isProtobuf = form.encoding === 'protobuf'
    const writing = isProtobuf ? await import('./protobuf-writing.ts') : undefined
    if (response.destroyed) return
    const watching = this.#openWatch(resource, target, query, form, outlet, writing)
    headers['Content-Type'] = isProtobuf ? `${protobuf};stream=watch` : 'application/json'
    response.writeHead(200, headers)
    response.flushHeaders()
    response.on('close', watching.start())
  }

  /** What a connection to a pod is made of, besides itself. Rejects when somebody refuses it, there is no such pod, or nobody to ask. */
  async connection(
    resource: ResourceRegistry,
    target: Target,
    subresource: Connecting,
    query: Query,
    info: RequestInfo,
  ) {
    if (!resource.kind.subresources?.includes(subresource)) throw noSuchPath()
    await resource.admitConnection?.(refOf(target), subresource, connectOptions(subresource, query), info)
    const pod = resource.get(refOf(target)).object as unknown as Frozen<Pod>
    const { env, ending } = this.#options
    const failed = (error: unknown): void => {
      env.log.error({ pod: `${target.namespace}/${target.name}`, subresource, error }, 'a connection to a pod failed')
    }
    return { pod, nodes: this.#nodes(), clock: env.clock, ending, failed }
  }

  /** A pod whose log is read over a WebSocket, and who is asked for it. */
  logged(resource: ResourceRegistry, target: Target) {
    if (!resource.kind.subresources?.includes('log')) throw noSuchPath()
    return {
      pod: resource.get(refOf(target)).object as unknown as PodLike,
      nodes: this.#nodes(),
      ending: this.#options.ending,
    }
  }

  /** As openWatch has it, for what comes over a WebSocket. */
  watch(
    resource: ResourceRegistry,
    target: Target,
    query: Query,
    accept: string | undefined,
    outlet: Outlet,
  ): { start(): Cancel } {
    const form = this.#negotiator.choose(accept, resource.kind, 'messages')
    return this.#openWatch(resource, target, query, form, outlet)
  }

  #openWatch(
    resource: ResourceRegistry,
    target: Target,
    query: Query,
    form: Form,
    outlet: Outlet,
    protobuf?: ProtobufWriting,
  ): { start(): Cancel } {
    const { env, ending, metrics } = this.#options
    const counted = metrics.eventsOf(resource.kind)
    return openWatch(
      { env, resource, target, query, form, protobuf, ending, eventBytes: this.#eventBytes, counted },
      outlet,
    )
  }

  /** PUT or PATCH, of an object or of a part of it. */
  async #change(call: Call, answer: Answer, subresource: Subresource | undefined): Promise<void> {
    const { resource, target, query, exchange } = call
    const { request } = exchange
    if (request.method === 'PATCH') {
      const { patch, written } = await this.#bodies.patch(await readBody(request), request.headers['content-type'])
      const options = writeOptions(query, 'PatchOptions', patch.type)
      exchange.trail?.patched(patch.body)
      const info = patchInfo(infoOf(exchange), patch, written, options)
      return present(answer, await resource.patch(refOf(target), patch, options, info, subresource))
    }
    const options = writeOptions(query, 'UpdateOptions')
    const { body, info } = await this.#bodyOf(call, bodyKind(resource, subresource ?? ''), options)
    return present(answer, await resource.update(refOf(target), body, options, info, subresource))
  }

  /** What was sent; of keys that come twice it is told or warned here, where the text is. */
  async #bodyOf({ resource, exchange }: Call, kind: string, options: WriteOptions) {
    const { request } = exchange
    const written = await this.#bodies.read(await readBody(request), request.headers['content-type'], kind)
    if (exchange.trail !== undefined) tellBody(exchange.trail, written.value, resource.kind, kind)
    const info = infoOf(exchange)
    if (written.keys !== undefined || written.twice !== undefined) {
      requireOnce(kind === resource.kind.kind ? resource.kind : undefined, kind, written, options, info)
    }
    return { body: written.value, info }
  }

  /** Throws NotAcceptable before anything is done. */
  #answerTo({ resource, query, exchange }: Call): Answer {
    const { request, response, headers, trail } = exchange
    const of = resource.kind.withoutVerbs?.includes('get') ? 'answers' : 'objects'
    const form = this.#negotiator.choose(request.headers.accept, resource.kind, of)
    const { clock } = this.#options.env
    return { kind: resource.kind, form, query, clock, response, headers, chunks: this.#chunks, trail }
  }
}

/** A request with what its path and query come to. */
interface Call {
  readonly resource: ResourceRegistry
  readonly target: Target
  readonly query: Query
  readonly exchange: Exchange
}

function present(answer: Answer, { reading, code }: Wrote): void | Promise<void> {
  return presentObject(answer, code, reading)
}

/** Where the node's kubelet is asked, as its status says. */
function kubeletPortOf(node: Frozen<KubeObject>): string {
  const { status } = node as unknown as Frozen<Node>
  return String(status.daemonEndpoints?.kubeletEndpoint?.Port ?? 10250)
}

function refOf({ name, namespace }: Target): Ref {
  return { name: name!, namespace }
}

const bodyKinds: Readonly<Record<string, string>> = {
  bindings: 'Binding',
  binding: 'Binding',
  eviction: 'Eviction',
  scale: 'Scale',
}

/** What is sent to a path: the kind itself, or the object of one of its parts. */
const bodyKind = ({ kind }: ResourceRegistry, part: string): string => bodyKinds[part] ?? kind.kind

function within<T extends object>({ request }: Exchange, asked: T): T & { isFromWithin?: true } {
  return isFromWithin(request) ? { ...asked, isFromWithin: true } : asked
}

function infoOf({ user, headers, request, trail }: Exchange): RequestInfo {
  const userAgent = request.headers['user-agent']
  const annotate = trail && ((key: string, value: string, level?: Level) => trail.annotate(key, value, level))
  return {
    user,
    userAgent,
    mayWait: true,
    ...(isFromWithin(request) ? { isFromWithin: true } : {}),
    annotate,
    warn: text => addWarning(headers, text),
    cause: causeOf(user, request),
  }
}

/** What the request says of itself. A component that is a process of its own says what it answers to. */
function causeOf({ name }: User, { method, url = '', headers }: IncomingMessage): Cause {
  const told = headers[causeHeader]
  const said = typeof told === 'string' ? readCause(told) : undefined
  const by = said?.by ?? (queryOf(url).get('fieldManager') || fromUserAgent(headers['user-agent'] ?? '') || 'unknown')
  return { ...said, by, user: name, verb: verbs[method ?? ''] }
}

const verbs: Readonly<Record<string, string>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }

/** As upstream has decoded it: with its kind, and what the kind fills in. */
function tellBody(trail: Trail, body: unknown, { apiVersion, kind, defaults }: Kind<any>, sent: string): void {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return
  const whole = sent === kind ? { kind, apiVersion, ...body } : body
  trail.requested(whole, sent === kind ? defaults : undefined)
}

function isWatch({ target, query, exchange }: Call): boolean {
  return exchange.request.method === 'GET' && (target.isWatch === true || flag(query, 'watch'))
}

const collectionVerbs = [
  ['list', 'GET'],
  ['create', 'POST'],
  ['deletecollection', 'DELETE'],
] as const

/** Across namespaces objects are only read. */
/** The name may carry a scheme and a port: [https:]name[:port]. */
function proxyPartsOf({ name = '', namespace, rest }: Target, url = '') {
  const words = name.split(':')
  const [scheme, own, port] = words.length === 3 ? words : ['', words[0]!, words[1]]
  const mark = url.indexOf('?')
  const path = `${rest || '/'}${mark < 0 ? '' : url.slice(mark)}`
  const asked = mark < 0 ? url : url.slice(0, mark)
  const prefix = rest && asked.endsWith(rest) ? asked.slice(0, -rest.length) : asked
  return { ref: { name: own!, namespace }, port: port || undefined, tls: scheme === 'https', path, place: { prefix } }
}

function collectionMethods({ namespaced, withoutVerbs = [] }: Kind<any>, namespace: string | undefined): string[] {
  const isAcross = namespaced && namespace === undefined
  return collectionVerbs
    .filter(([verb]) => !withoutVerbs.includes(verb) && (verb === 'list' || !isAcross))
    .map(([, method]) => method)
}

const objectMethods = ['GET', 'PUT', 'PATCH', 'DELETE']
const readWrite = ['GET', 'PUT', 'PATCH']
const connect = ['GET', 'POST']
const everyMethod = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

const methodsOf: Readonly<Record<Subresource, readonly string[]>> = {
  status: readWrite,
  approval: readWrite,
  ephemeralcontainers: readWrite,
  resize: readWrite,
  scale: readWrite,
  binding: ['POST'],
  eviction: ['POST'],
  token: ['POST'],
  finalize: ['PUT'],
  log: ['GET'],
  proxy: everyMethod,
  exec: connect,
  attach: connect,
  portforward: connect,
}

function notAllowed({ resource: { kind }, target, exchange: { request, headers } }: Call, allowed: string): ApiError {
  // Those have no routes: their handler knows verbs (apiextensions-apiserver pkg/apiserver/customresource_handler.go).
  if (kind.custom !== undefined)
    return methodNotSupported(kind, attributesOf(request.method ?? '', '', '', target).verb)
  headers.Allow = allowed
  return methodNotAllowed('the server does not allow this method on the requested resource', {})
}
