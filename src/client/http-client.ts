// Client over HTTPS: how components run as processes of their own, and the command line, speak to any API server. Keeps
// test/contracts/client.ts, as the direct door does.

import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { ApiError, badRequest, type Status } from '../api/errors.ts'
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
  /** Ends open watches and hangs up. */
  close(): void
}

export function createHttpClient(access: Access, component = 'kubesim'): HttpConnection {
  const wire = new Wire(access)
  return { client: clientOn(wire, component), close: () => wire.close() }
}

function clientOn(wire: Wire, component: string): Client {
  return {
    of: <T extends KubeObject>(kind: Kind<T>) => resourceClient<T>(wire, kind, component),
    as: other => clientOn(wire, other),
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
      return { items: list.items.map(item => typed(kind, item)), resourceVersion, ...metadata }
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
  readonly items: readonly Frozen<T>[]
}

/** Objects of a real server's lists come without their type. */
function typed<T>(kind: Kind<any>, object: T): T {
  const { apiVersion, kind: name } = object as unknown as KubeObject
  return apiVersion && name ? object : (freeze({ apiVersion: kind.apiVersion, kind: kind.kind, ...object }) as T)
}

function written(component: string, options: WriteOptions = {}): Record<string, unknown> {
  const { dryRun, ...rest } = options
  return { fieldManager: component, ...rest, ...(dryRun ? { dryRun: 'All' } : {}) }
}

function deleteBody({ dryRun, ...options }: DeleteOptions): object {
  return { apiVersion: 'v1', kind: 'DeleteOptions', ...options, ...(dryRun ? { dryRun: ['All'] } : {}) }
}

async function* watch<T extends KubeObject>(
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
    if (!signal.aborted) throw error
  }
}

/** Requests to one server, over connections that are kept. */
class Wire {
  readonly #url: URL
  readonly #agent: http.Agent
  readonly #request: typeof http.request
  readonly #token: string | undefined

  constructor({ server, ca, cert, key, token, insecure }: Access) {
    this.#url = new URL(server)
    const isSecure = this.#url.protocol === 'https:'
    const keepAlive = { keepAlive: true, maxSockets: 64 }
    this.#agent = isSecure
      ? new https.Agent({ ...keepAlive, ca, cert, key, ...(insecure ? { rejectUnauthorized: false } : {}) })
      : new http.Agent(keepAlive)
    this.#request = isSecure ? (https.request as typeof http.request) : http.request
    this.#token = token
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
    this.#agent.destroy()
  }

  #send(
    method: string,
    path: string,
    query: object,
    body: string | undefined,
    type: string | undefined,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const search = new URLSearchParams()
    for (const [key, value] of Object.entries(query)) if (value !== undefined) search.set(key, String(value))
    const { hostname, port, pathname } = this.#url
    return new Promise((resolve, reject) => {
      const outgoing = this.#request(
        {
          hostname,
          port,
          method,
          path: `${pathname.replace(/\/$/, '')}${path}${search.size > 0 ? `?${search}` : ''}`,
          agent: this.#agent,
          headers: {
            accept: 'application/json',
            ...(this.#token ? { authorization: `Bearer ${this.#token}` } : {}),
            ...(body === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(body) }),
          },
          ...(signal ? { signal } : {}),
        },
        resolve,
      )
      outgoing.on('error', cause => {
        const error = new ApiError(
          'ServiceUnavailable',
          `the API server at ${this.#url.origin} cannot be reached: ${cause.message}`,
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
  return new ApiError('InternalError', `the server answered ${code}: ${text.slice(0, 200)}`, undefined, code)
}
