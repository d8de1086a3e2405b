// Client over HTTPS: how components run as processes of their own, and the command line, speak to any API server. Keeps
// test/contracts/client.ts, as the direct door does.

import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { type Cause, causeHeader } from '../api/cause.ts'
import { ApiError, badRequest, type Reason, type Status } from '../api/errors.ts'
import { managerOf } from '../api/field-managers.ts'
import { freeze } from '../api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../api/meta.ts'
import type { Kind } from '../kinds/kind.ts'
import type {
  Client,
  DeleteOptions,
  ListOptions,
  PatchType,
  ResourceClient,
  Selectors,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import type { Access } from './kubeconfig.ts'

export interface HttpConnection {
  readonly client: Client
  /** What the server answers at a path that is no object's, as JSON. */
  get<R>(path: string): Promise<R>
  /** The same, as it is. */
  text(path: string): Promise<string>
  /** Sends JSON to such a path. */
  post<R>(path: string, body: object): Promise<R>
  /** Ends open watches and hangs up. */
  close(): void
}

/** A client of any API server over HTTPS, a real one's too; `component` is the field manager of its writes. Nothing is asked before the first call. */
export function createHttpClient(access: Access, component = 'kubesim'): HttpConnection {
  const wire = new Wire(access, component)
  return {
    client: clientOn(wire, component),
    get: path => wire.json('GET', path),
    text: path => wire.text(path),
    post: (path, body) => wire.json('POST', path, {}, body),
    close: () => wire.close(),
  }
}

function clientOn(wire: Wire, component: string): Client {
  return {
    of: <T extends KubeObject>(kind: Kind<T>) => resourceClient<T>(wire, kind, component),
    as: other => clientOn(wire.as(other), other),
    because: cause => clientOn(wire.as(component, cause), component),
  }
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

function resourceClient<T extends KubeObject>(wire: Wire, kind: Kind<T>, component: string): ResourceClient<T> {
  const put = (object: T | Frozen<T>, options: WriteOptions | undefined, subresource?: string) => {
    const { name, namespace } = object.metadata
    if (!name) throw badRequest('name is required')
    return wire.json<Frozen<T>>(
      'PUT',
      kind.path({ name, namespace }, subresource),
      written(component, options),
      typed(kind, object),
    )
  }
  return {
    get: ref => wire.json('GET', kind.path(ref)),
    async list(options: ListOptions = {}) {
      const { namespace, ...query } = options
      const list = await wire.json<WireList<T>>('GET', kind.path({ namespace }), query)
      const { resourceVersion = '', ...metadata } = list.metadata
      return { items: (list.items ?? []).map(item => typed(kind, item)), resourceVersion, ...metadata }
    },
    watch: options => watch<T>(wire, kind, options),
    async create(object, options) {
      const { namespace } = object.metadata
      return wire.json('POST', kind.path({ namespace }), written(component, options), typed(kind, object))
    },
    async update(object, options) {
      return put(object, options)
    },
    async updateStatus(object, options) {
      return put(object, options, 'status')
    },
    patch: (ref, patch, subresource, options) =>
      wire.json('PATCH', kind.path(ref, subresource), written(component, options), patch.body, patchTypes[patch.type]),
    async delete(ref, options = {}) {
      await wire.json('DELETE', kind.path(ref), {}, deleteBody(options))
    },
    async deleteCollection({ namespace, ...selectors }: Selectors & { namespace?: string | undefined }, how = {}) {
      await wire.json('DELETE', kind.path({ namespace }), selectors, deleteBody(how))
    },
    read: (ref: Ref, subresource: string) => wire.json('GET', kind.path(ref, subresource)),
    act: (ref: Ref, subresource: string, body: object, method = 'POST') =>
      wire.json(method, kind.path(ref, subresource), written(component), body),
  }
}

interface WireList<T> {
  readonly metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number }
  /** Go writes an empty list that was never filled as null. */
  readonly items: readonly Frozen<T>[] | null
}

/** Objects of a real server's lists come without their type. */
function typed<T>(kind: Kind<any>, object: T): T {
  const { apiVersion, kind: name } = object as unknown as KubeObject
  return apiVersion && name ? object : (freeze({ apiVersion: kind.apiVersion, kind: kind.kind, ...object }) as T)
}

function written(component: string, options: WriteOptions = {}): Record<string, unknown> {
  const { dryRun, ...rest } = options
  return { fieldManager: managerOf(component), ...rest, ...(dryRun ? { dryRun: 'All' } : {}) }
}

function deleteBody({ dryRun, ...options }: DeleteOptions): object {
  return { apiVersion: 'v1', kind: 'DeleteOptions', ...options, ...(dryRun ? { dryRun: ['All'] } : {}) }
}

/** Events as they come. Whoever stops – by the signal, `return` or a break – closes the stream, also while he waits for it. */
function watch<T extends KubeObject>(
  wire: Wire,
  kind: Kind<T>,
  { signal, ...options }: WatchOptions,
): AsyncIterableIterator<WatchEvent<T>> {
  const leaving = new AbortController()
  const events = watchEvents<T>(wire, kind, { ...options, signal: AbortSignal.any([signal, leaving.signal]) })
  return {
    next: () => events.next(),
    return() {
      leaving.abort()
      return events.return(undefined)
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

async function* watchEvents<T extends KubeObject>(
  wire: Wire,
  kind: Kind<T>,
  { namespace, after, signal, ...selectors }: WatchOptions,
): AsyncGenerator<WatchEvent<T>, undefined> {
  if (signal.aborted) return
  const query = { ...selectors, watch: true, allowWatchBookmarks: true, resourceVersion: after }
  try {
    for await (const line of wire.lines(kind.path({ namespace }), query, signal)) {
      const { type, object } = JSON.parse(line) as { type: string; object: KubeObject }
      if (type === 'ERROR') throw ApiError.fromStatus(object as unknown as Status)
      if (type === 'BOOKMARK') yield { type, resourceVersion: object.metadata.resourceVersion ?? '' }
      else yield { type: type as 'ADDED', object: freeze(typed(kind, object)) as unknown as Frozen<T> }
    }
  } catch (error) {
    // A stream that breaks off has ended: its reader resumes from where it was.
    if (!signal.aborted && (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
}

interface Sockets {
  /** For requests: kept, and not more than so many at once. */
  readonly requests: http.Agent
  /** For watches, which keep theirs for as long as they last and must not make requests wait. */
  readonly watches: http.Agent
}

function socketsFor(access: Access): Sockets {
  const { server, ca, cert, key, insecure } = access
  const tls = { ca, cert, key, ...(insecure ? { rejectUnauthorized: false } : {}) }
  const agent = (options: http.AgentOptions) =>
    isSecure(server) ? new https.Agent({ ...options, ...tls }) : new http.Agent(options)
  return { requests: agent({ keepAlive: true, maxSockets: 64 }), watches: agent({ keepAlive: false }) }
}

const isSecure = (server: string): boolean => server.startsWith('https:')

/** Requests to one server, over connections that are kept. */
class Wire {
  readonly #access: Access
  readonly #component: string
  readonly #url: URL
  readonly #sockets: Sockets
  readonly #cause: Cause | undefined

  constructor(access: Access, component: string, sockets = socketsFor(access), cause?: Cause) {
    this.#cause = cause
    this.#access = access
    this.#component = component
    this.#url = new URL(access.server)
    this.#sockets = sockets
  }

  /** The same server and sockets, speaking as another. */
  as(component: string, cause?: Cause): Wire {
    return new Wire(this.#access, component, this.#sockets, cause)
  }

  /** The JSON answered. Rejects with ApiError for a Status, ServiceUnavailable when the server cannot be reached. */
  async json<R>(
    method: string,
    path: string,
    query: object = {},
    body?: unknown,
    type = 'application/json',
  ): Promise<R> {
    const incoming = await this.#send(method, path, query, body === undefined ? undefined : JSON.stringify(body), type)
    const text = await textOf(incoming)
    if ((incoming.statusCode ?? 0) >= 300) throw errorOf(incoming, text)
    return freeze(JSON.parse(text)) as R
  }

  async text(path: string): Promise<string> {
    const incoming = await this.#send('GET', path, {}, undefined, undefined)
    const text = await textOf(incoming)
    if ((incoming.statusCode ?? 0) >= 300) throw errorOf(incoming, text)
    return text
  }

  async *lines(path: string, query: object, signal: AbortSignal): AsyncGenerator<string> {
    const incoming = await this.#send('GET', path, query, undefined, undefined, signal)
    if (incoming.statusCode !== 200) throw errorOf(incoming, await textOf(incoming))
    incoming.setEncoding('utf8')
    let rest = ''
    for await (const chunk of incoming as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n')
      rest = lines.pop()!
      yield* lines.filter(line => line !== '')
    }
  }

  close(): void {
    this.#sockets.requests.destroy()
    this.#sockets.watches.destroy()
  }

  #send(
    method: string,
    path: string,
    query: object,
    body: string | undefined,
    type: string | undefined,
    signal?: AbortSignal,
    isAgain = false,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams()
    for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
    const { token, server } = this.#access
    const { hostname, port, pathname, origin } = this.#url
    const request = isSecure(server) ? (https.request as typeof http.request) : http.request
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
          port,
          method,
          path: `${pathname.replace(/\/$/, '')}${path}${search.size > 0 ? `?${search}` : ''}`,
          agent: signal ? this.#sockets.watches : this.#sockets.requests,
          headers: {
            accept: 'application/json',
            'user-agent': this.#component,
            ...(this.#cause && method !== 'GET' ? { [causeHeader]: JSON.stringify(this.#cause) } : {}),
            ...(token ? { authorization: `Bearer ${token}` } : {}),
            ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
          },
          ...(signal ? { signal } : {}),
        },
        resolve,
      )
      outgoing.on('error', cause => {
        // A kept socket that was closed meanwhile says nothing about the server; but only what reads may be sent twice.
        if (outgoing.reusedSocket && method === 'GET' && !isAgain) {
          return resolve(this.#send(method, path, query, body, type, signal, true))
        }
        const error = new ApiError(
          'ServiceUnavailable',
          `the API server at ${origin} cannot be reached: ${cause.message}`,
        )
        reject(Object.assign(error, { cause }))
      })
      outgoing.end(body)
    })
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  incoming.setEncoding('utf8')
  let text = ''
  for await (const chunk of incoming) text += chunk
  return text
}

function errorOf(incoming: IncomingMessage, text: string): ApiError {
  try {
    const status = JSON.parse(text) as Status
    if (status.kind === 'Status') return ApiError.fromStatus(status)
  } catch {
    // Not the API's own words: a proxy's page, or nothing.
  }
  const code = incoming.statusCode ?? 0
  // In client-go's words (apimachinery/pkg/api/errors NewGenericServerResponse), where they say more than the answer does.
  const message =
    code === 404
      ? 'the server could not find the requested resource'
      : `the server answered ${code}: ${text.trim().slice(0, 200)}`
  return new ApiError(reasons[code] ?? 'InternalError', message, undefined, code)
}

/** What a code means that comes without a Status. */
const reasons: Readonly<Record<number, Reason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
  504: 'Timeout',
}
