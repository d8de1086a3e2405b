// The API's verbs on the wire: a request in, one call of the registry, a reply out. Called by app.ts, once a request.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError, badRequest, invalidValue, methodNotAllowed, notImplemented } from '../../src/api/errors.ts'
import type { Ref } from '../../src/api/meta.ts'
import type { NodeClient } from '../../src/client/node-client.ts'
import type { Cancel } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { scaleColumns } from '../../src/kinds/columns.ts'
import type { Column, Kind, Subresource } from '../../src/kinds/kind.ts'
import type {
  Reading,
  ReadingList,
  Registry,
  RequestInfo,
  ResourceRegistry,
  User,
  Wrote,
} from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { type Form, Negotiator } from './negotiation.ts'
import { readLog, requestToPod, requestToService } from './node-paths.ts'
import {
  type Headers,
  isStatus,
  listMetaOf,
  listObject,
  sendList,
  sendObject,
  sendReading,
  sendYaml,
  warningHeader,
} from './reply.ts'
import {
  deleteOptions,
  flag,
  listOptions,
  parseBody,
  parsePatch,
  type Query,
  queryOf,
  readBody,
  type Target,
  watchOptions,
  writeOptions,
} from './request.ts'
import { type IncludeObject, partialOf, tableOf } from './table.ts'
import { EventBytes, type Outlet, watchReader } from './watch-stream.ts'

/** One request as a verb sees it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly user: User
  /** Of the reply; verbs add to them. */
  readonly headers: Headers
}

export interface VerbsOptions {
  readonly env: Env
  readonly registry: Registry
  readonly nodes?: NodeClient | undefined
  /** Aborted when the server ends: watches and followed logs end with it. */
  readonly ending: AbortSignal
}

export class Verbs {
  readonly #options: VerbsOptions
  readonly #negotiator = new Negotiator()
  readonly #eventBytes = new EventBytes()

  constructor(options: VerbsOptions) {
    this.#options = options
  }

  /** Answers a request to a path of the API; throws ApiError for what it refuses. */
  async answer(target: Target, exchange: Exchange): Promise<void> {
    const { request } = exchange
    const resource = this.resourceOf(target)
    // Before anything can fail: refusals carry it too (endpoints/installer.go, AddWarningsHandler).
    if (resource.kind.deprecation !== undefined) warn(exchange.headers, resource.kind.deprecation)
    const query = queryOf(request.url ?? '')
    if (target.subresource !== undefined) return this.#subresource(resource, target, query, exchange)
    if (target.name !== undefined) return this.#one(resource, target, query, exchange)
    return this.#collection(resource, target, query, exchange)
  }

  resourceOf({ group, version, plural, name, namespace }: Target): ResourceRegistry {
    // POST …/bindings is the old way to bind a pod: the pod's name is the body's.
    const resource = this.#options.registry.find(
      group,
      version,
      plural === 'bindings' && group === '' ? 'pods' : plural,
    )
    if (resource === undefined) throw noSuchPath()
    const { namespaced } = resource.kind
    if (namespaced ? name !== undefined && namespace === undefined : namespace !== undefined) throw noSuchPath()
    return resource
  }

  async #collection(resource: ResourceRegistry, target: Target, query: Query, exchange: Exchange): Promise<void> {
    const { namespace, plural } = target
    const { request } = exchange
    const methods = collectionMethods(resource.kind, namespace)
    if (!methods.includes(request.method ?? '')) throw notAllowed(exchange, methods.join(', '))
    switch (request.method) {
      case 'GET': {
        if (flag(query, 'watch')) return this.#watch(resource, target, query, exchange)
        const form = this.#negotiator.choose(request.headers.accept)
        const list = resource.list(listOptions(query, namespace))
        return this.#sendList(resource, list, form, query, exchange)
      }
      case 'POST': {
        const form = this.#negotiator.choose(request.headers.accept)
        const options = writeOptions(query, 'CreateOptions')
        const body = await parseBody(
          await readBody(request),
          request.headers['content-type'],
          bodyKind(resource, plural),
        )
        const info = infoOf(exchange)
        if (plural === 'bindings') {
          const name = (body as { metadata?: { name?: string } })?.metadata?.name ?? ''
          return this.#sendWrote(
            resource,
            await resource.act({ name, namespace }, 'binding', body, options, info),
            form,
            query,
            exchange,
          )
        }
        return this.#sendWrote(
          resource,
          await resource.create(body, { namespace }, options, info),
          form,
          query,
          exchange,
        )
      }
      case 'DELETE': {
        const form = this.#negotiator.choose(request.headers.accept)
        const { labelSelector, fieldSelector, limit } = listOptions(query, namespace)
        const options = await deleteOptions(await readBody(request), request.headers['content-type'], query)
        const list = await resource.deleteCollection(
          { namespace, labelSelector, fieldSelector, limit },
          options,
          infoOf(exchange),
        )
        return this.#sendList(resource, list, form, query, exchange)
      }
    }
  }

  async #one(resource: ResourceRegistry, target: Target, query: Query, exchange: Exchange): Promise<void> {
    // What cannot be read is not kept, so there is no path to one of it.
    if (resource.kind.withoutVerbs?.includes('get')) throw noSuchPath()
    const ref: Ref = { name: target.name!, namespace: target.namespace }
    const { request } = exchange
    const { headers } = request
    switch (request.method) {
      case 'GET': {
        if (flag(query, 'watch')) return this.#watch(resource, target, query, exchange)
        const form = this.#negotiator.choose(headers.accept)
        const reading = resource.get(ref, { resourceVersion: query.get('resourceVersion') ?? undefined })
        return this.#send(resource, 200, reading, form, query, exchange)
      }
      case 'PUT': {
        const form = this.#negotiator.choose(headers.accept)
        const options = writeOptions(query, 'UpdateOptions')
        const body = await parseBody(await readBody(request), headers['content-type'], resource.kind.kind)
        return this.#sendWrote(
          resource,
          await resource.update(ref, body, options, infoOf(exchange)),
          form,
          query,
          exchange,
        )
      }
      case 'PATCH': {
        const form = this.#negotiator.choose(headers.accept)
        const patch = await parsePatch(await readBody(request), headers['content-type'])
        const options = writeOptions(query, 'PatchOptions', patch.type)
        return this.#sendWrote(
          resource,
          await resource.patch(ref, patch, options, infoOf(exchange)),
          form,
          query,
          exchange,
        )
      }
      case 'DELETE': {
        const form = this.#negotiator.choose(headers.accept)
        const options = await deleteOptions(await readBody(request), headers['content-type'], query)
        return this.#sendWrote(resource, await resource.delete(ref, options, infoOf(exchange)), form, query, exchange)
      }
      default:
        throw notAllowed(exchange, 'GET, PUT, PATCH, DELETE')
    }
  }

  async #subresource(resource: ResourceRegistry, target: Target, query: Query, exchange: Exchange): Promise<void> {
    const { kind } = resource
    const ref: Ref = { name: target.name!, namespace: target.namespace }
    const subresource = target.subresource as Subresource
    const { request, headers } = exchange
    if (subresource === 'proxy' && (kind.resource === 'pods' || kind.resource === 'services')) {
      return this.#proxy(resource, target, exchange)
    }
    if (!kind.subresources?.includes(subresource)) throw noSuchPath()
    const methods = methodsOf[subresource]
    if (!methods.includes(request.method ?? '')) throw notAllowed(exchange, methods.join(', '))
    switch (subresource) {
      case 'log': {
        const pod = resource.get(ref).object
        return readLog(this.#nodes(), pod, query, exchange.response, headers, this.#options.ending)
      }
      case 'proxy':
      case 'exec':
      case 'attach':
      case 'portforward':
        throw notImplemented(`${kind.resource}/${subresource}`)
    }
    const form = this.#negotiator.choose(request.headers.accept)
    const info = infoOf(exchange)
    switch (request.method) {
      case 'GET':
        return this.#send(resource, 200, resource.readSubresource(ref, subresource), form, query, exchange)
      case 'PUT': {
        const options = writeOptions(query, 'UpdateOptions')
        const body = await parseBody(
          await readBody(request),
          request.headers['content-type'],
          bodyKind(resource, subresource),
        )
        return this.#sendWrote(
          resource,
          await resource.update(ref, body, options, info, subresource),
          form,
          query,
          exchange,
        )
      }
      case 'PATCH': {
        const patch = await parsePatch(await readBody(request), request.headers['content-type'])
        const options = writeOptions(query, 'PatchOptions', patch.type)
        return this.#sendWrote(
          resource,
          await resource.patch(ref, patch, options, info, subresource),
          form,
          query,
          exchange,
        )
      }
      case 'POST': {
        const options = writeOptions(query, 'CreateOptions')
        const body = await parseBody(
          await readBody(request),
          request.headers['content-type'],
          bodyKind(resource, subresource),
        )
        return this.#sendWrote(
          resource,
          await resource.act(ref, subresource, body, options, info),
          form,
          query,
          exchange,
        )
      }
    }
  }

  async #proxy(resource: ResourceRegistry, target: Target, exchange: Exchange): Promise<void> {
    // The name may carry a scheme and a port: [https:]name[:port].
    const words = target.name!.split(':')
    const [scheme, name, port] = words.length === 3 ? words : ['', words[0]!, words[1]]
    if (scheme === 'https') throw notImplemented('a proxy to a port that speaks TLS')
    const ref = { name: name!, namespace: target.namespace }
    const found = resource.get(ref).object
    const { url = '' } = exchange.request
    const mark = url.indexOf('?')
    const path = `${target.rest || '/'}${mark < 0 ? '' : url.slice(mark)}`
    if (resource.kind.resource === 'pods') return requestToPod(this.#nodes(), found, port || undefined, path, exchange)
    return requestToService(this.#nodes(), ref, port || undefined, path, exchange)
  }

  #nodes(): NodeClient {
    const { nodes } = this.#options
    if (nodes !== undefined) return nodes
    throw new ApiError(
      'ServiceUnavailable',
      'no kubelet runs in the process of this API server, so nodes cannot be asked',
    )
  }

  async #watch(resource: ResourceRegistry, target: Target, query: Query, exchange: Exchange): Promise<void> {
    const { response, headers } = exchange
    const outlet: Outlet = {
      write: bytes => void response.write(bytes),
      end: () => response.end(),
      backlog: () => response.writableLength,
    }
    const watching = this.watch(resource, target, query, exchange.request.headers.accept, outlet)
    headers['Content-Type'] = 'application/json'
    response.writeHead(200, headers)
    response.flushHeaders()
    response.on('close', watching.start())
  }

  /** Begins nothing before `start`, so that a refusal can still be told as one; `start` gives what ends the watch. */
  watch(
    resource: ResourceRegistry,
    target: Target,
    query: Query,
    accept: string | undefined,
    outlet: Outlet,
  ): { start(): Cancel } {
    const { env, ending } = this.#options
    const form = this.#negotiator.choose(accept)
    const include = includeOf(query)
    const { timeoutSeconds, ...request } = watchOptions(query, target.namespace, target.name)
    const held: Buffer[] = []
    let isOpen = false
    let isEnded = false
    const reader = watchReader(
      {
        write: bytes => void (isOpen ? outlet.write(bytes) : held.push(bytes)),
        end: () => {
          isEnded = true
          if (isOpen) outlet.end()
        },
        backlog: () => outlet.backlog(),
      },
      this.#eventBytes,
      { kind: resource.kind, form, include, clock: env.clock },
    )
    const stop = resource.watch(request, reader)
    return {
      start: () => {
        isOpen = true
        if (held.length > 0) outlet.write(Buffer.concat(held))
        if (isEnded) outlet.end()
        const finish = () => {
          cancelTimer()
          ending.removeEventListener('abort', finish)
          stop()
          if (!isEnded) outlet.end()
          isEnded = true
        }
        // Without a wish, upstream ends a watch after half an hour to an hour (--min-request-timeout).
        const seconds = timeoutSeconds ?? 1800 * (1 + env.random.fraction())
        const cancelTimer = env.clock.after(seconds * 1000, finish)
        ending.addEventListener('abort', finish, { once: true })
        return finish
      },
    }
  }

  #send(
    { kind }: ResourceRegistry,
    status: number,
    reading: Reading,
    form: Form,
    query: Query,
    { response, headers }: Exchange,
  ): void | Promise<void> {
    if (isStatus(reading.object) || form.as === 'object') {
      if (form.encoding === 'yaml') return sendYaml(response, status, reading.object, headers)
      if (flag(query, 'pretty')) return sendObject(response, status, reading.object, headers, true)
      return sendReading(response, status, reading, headers)
    }
    const { resourceVersion } = reading.object.metadata
    const shown =
      form.as === 'metadata'
        ? partialOf(reading.object, form.version)
        : tableOf(
            columnsOf(kind, reading),
            [reading],
            resourceVersion ? { resourceVersion } : {},
            this.#tableOptions(form, query),
          )
    return sendObject(response, status, shown, headers)
  }

  #sendWrote(
    resource: ResourceRegistry,
    { reading, code }: Wrote,
    form: Form,
    query: Query,
    exchange: Exchange,
  ): void | Promise<void> {
    return this.#send(resource, code, reading, form, query, exchange)
  }

  #sendList(
    { kind }: ResourceRegistry,
    list: ReadingList,
    form: Form,
    query: Query,
    { response, headers }: Exchange,
  ): void | Promise<void> {
    if (form.as === 'table') {
      return sendObject(
        response,
        200,
        tableOf(kind.columns, list.items, listMetaOf(list), this.#tableOptions(form, query)),
        headers,
      )
    }
    if (form.as === 'metadata') {
      const items = list.items.map(({ object }) => partialOf(object, form.version))
      const apiVersion = `meta.k8s.io/${form.version}`
      return sendObject(
        response,
        200,
        { kind: 'PartialObjectMetadataList', apiVersion, metadata: listMetaOf(list), items },
        headers,
      )
    }
    if (form.encoding === 'yaml') return sendYaml(response, 200, listObject(kind, list), headers)
    if (flag(query, 'pretty')) return sendObject(response, 200, listObject(kind, list), headers, true)
    return sendList(response, kind, list, headers)
  }

  #tableOptions(form: Form, query: Query) {
    return { version: form.version, include: includeOf(query), now: this.#options.env.clock.now(), withColumns: true }
  }
}

/** Of what was read: the kind's own, unless it is its scale. */
function columnsOf(kind: Kind<any>, { object }: Reading): readonly Column<any>[] {
  return object.kind === 'Scale' ? scaleColumns : kind.columns
}

function includeOf(query: Query): IncludeObject {
  const value = query.get('includeObject') || 'Metadata'
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value
  // k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go, ValidateTableOptions.
  const fault = invalidValue('includeObject', value, "must be 'Metadata', 'Object', 'None', or empty")
  throw badRequest(`${fault.field}: ${fault.message}`)
}

const bodyKinds: Readonly<Record<string, string>> = {
  bindings: 'Binding',
  binding: 'Binding',
  eviction: 'Eviction',
  scale: 'Scale',
}

/** What is sent to a path: the kind itself, or the object of one of its parts. */
const bodyKind = ({ kind }: ResourceRegistry, part: string): string => bodyKinds[part] ?? kind.kind

function infoOf({ user, headers }: Exchange): RequestInfo {
  return { user, mayWait: true, warn: text => warn(headers, text) }
}

/** Each warning once. */
function warn(headers: Headers, text: string): void {
  const value = warningHeader(text)
  const warnings = (headers.Warning ?? []) as string[]
  if (!warnings.includes(value)) headers.Warning = [...warnings, value]
}

const collectionVerbs = [
  ['list', 'GET'],
  ['create', 'POST'],
  ['deletecollection', 'DELETE'],
] as const

/** Across namespaces objects are only read. */
function collectionMethods({ namespaced, withoutVerbs = [] }: Kind<any>, namespace: string | undefined): string[] {
  const isAcross = namespaced && namespace === undefined
  return collectionVerbs
    .filter(([verb]) => !withoutVerbs.includes(verb) && (verb === 'list' || !isAcross))
    .map(([, method]) => method)
}

const readWrite = ['GET', 'PUT', 'PATCH']
const connect = ['GET', 'POST']
const everyMethod = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']

const methodsOf: Readonly<Record<Subresource, readonly string[]>> = {
  status: readWrite,
  scale: readWrite,
  binding: ['POST'],
  eviction: ['POST'],
  finalize: ['PUT'],
  log: ['GET'],
  proxy: everyMethod,
  exec: connect,
  attach: connect,
  portforward: connect,
}

function notAllowed({ headers }: Exchange, allowed: string): ApiError {
  headers.Allow = allowed
  return methodNotAllowed('the server does not allow this method on the requested resource', {})
}
