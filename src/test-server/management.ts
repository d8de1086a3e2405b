// The test server's own paths: `POST /clusters`, `GET` and `DELETE /clusters/NAME`, its kubeconfig, and the lifeline. JSON in
// and out, errors as Kubernetes' Status. Called by server.ts for what is no cluster's own.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { asApiError, type Headers, sendBytes, sendObject, sendStatus } from '../../apiserver/http/reply.ts'
import { readBody } from '../../apiserver/http/request.ts'
import { ApiError, badRequest, methodNotAllowed } from '../api/errors.ts'
import { rfc3339 } from '../api/time.ts'
import { kubeconfigText } from '../client/kubeconfig.ts'
import { version } from '../version.ts'
import type { Clusters, Kept } from './clusters.ts'
import { readWish, type Wish } from './wish.ts'

export interface ManagementOptions {
  readonly clusters: Clusters
  /** What a cluster is like of which nothing is said. */
  readonly usual: Wish
  /** Where this is served, and where the clusters are, over TLS. */
  readonly places: () => { readonly url: string; readonly secureUrl: string }
  /** PEM */
  readonly authority: string
}

const apiVersion = 'kubesim.dev/v1alpha1'

export class Management {
  readonly #options: ManagementOptions

  constructor(options: ManagementOptions) {
    this.#options = options
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers: Headers = { 'Cache-Control': 'no-cache, private' }
    try {
      const path = (request.url ?? '/').split('?', 1)[0]!
      const [, first, name, part, ...rest] = path.replace(/\/$/, '').split('/')
      if (rest.length > 0) throw noSuchPath(path)
      if (first === undefined) {
        requireGet(request)
        return sendObject(response, 200, this.#about(), headers, true)
      }
      if (first === 'healthz' && name === undefined) {
        return sendBytes(response, 200, 'text/plain; charset=utf-8', Buffer.from('ok'), headers)
      }
      if (first !== 'clusters') throw noSuchPath(path)
      if (name === undefined) await this.#ofAll(request, response, headers)
      else if (part === undefined) await this.#ofOne(name, request, response, headers)
      else this.#partOf(name, part, request, response, headers)
    } catch (error) {
      if (!response.headersSent) sendStatus(response, asApiError(error), headers)
      if (!request.complete) request.resume()
    }
  }

  async #ofAll(request: IncomingMessage, response: ServerResponse, headers: Headers): Promise<void> {
    const { clusters, usual } = this.#options
    if (request.method === 'GET') {
      const items = clusters.all.map(kept => this.#shown(kept))
      return sendObject(response, 200, { kind: 'TestClusterList', apiVersion, items }, headers, true)
    }
    if (request.method !== 'POST') throw methodNotAllowed(`${request.method} of /clusters: it takes GET and POST`)
    const body = parsed(await readBody(request))
    const { from } = (body ?? {}) as { from?: unknown }
    // A copy is like what it is a copy of, but for what is said of it.
    const like = typeof from === 'string' ? { ...clusters.get(from).wish, name: undefined } : usual
    const kept = await clusters.make(readWish(body, like))
    sendObject(response, 201, this.#whole(kept), headers, true)
  }

  async #ofOne(name: string, request: IncomingMessage, response: ServerResponse, headers: Headers): Promise<void> {
    const { clusters } = this.#options
    const kept = clusters.get(name)
    if (request.method === 'GET') return sendObject(response, 200, this.#whole(kept), headers, true)
    if (request.method !== 'DELETE')
      throw methodNotAllowed(`${request.method} of /clusters/${name}: it takes GET and DELETE`)
    await clusters.end(name)
    const gone = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name, kind: 'clusters' },
    }
    sendObject(response, 200, gone, headers, true)
  }

  #partOf(name: string, part: string, request: IncomingMessage, response: ServerResponse, headers: Headers): void {
    const kept = this.#options.clusters.get(name)
    if (part !== 'kubeconfig' && part !== 'lifeline') throw noSuchPath(`/clusters/${name}/${part}`)
    requireGet(request)
    if (part === 'lifeline') this.#lifeline(kept, response, headers)
    else sendBytes(response, 200, 'application/yaml', Buffer.from(this.#kubeconfig(kept)), headers)
  }

  /** As long as this answer is being read, the cluster lives; then no longer. */
  #lifeline(kept: Kept, response: ServerResponse, headers: Headers): void {
    const { clusters } = this.#options
    const done = kept.asked()
    kept.holds(response)
    response.writeHead(200, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' })
    response.write(`the cluster ${kept.name} ends with this connection\n`)
    response.once('close', () => {
      done()
      if (clusters.all.includes(kept)) void clusters.end(kept.name)
    })
  }

  #about(): object {
    const { url, secureUrl } = this.#options.places()
    const paths = [
      'GET /clusters',
      'POST /clusters',
      'GET /clusters/NAME',
      'DELETE /clusters/NAME',
      'GET /clusters/NAME/kubeconfig',
      'GET /clusters/NAME/lifeline',
      '/clusters/NAME/api/…',
      '/clusters/NAME/apis/…',
      'GET /clusters/NAME/kubesim/v1alpha1/clock',
      'POST /clusters/NAME/kubesim/v1alpha1/clock/settle',
      'POST /clusters/NAME/kubesim/v1alpha1/clock/advance',
    ]
    return { kind: 'TestServer', apiVersion, version, url, secureUrl, paths }
  }

  /** Without what lets one in. */
  #shown({ name, wish, since }: Kept) {
    const { url, secureUrl } = this.#options.places()
    const { nodes, seed, delays, clock, without, from, ttl } = wish
    return {
      name,
      url: `${url}/clusters/${name}`,
      server: `${secureUrl}/clusters/${name}`,
      nodes,
      seed,
      delays,
      clock,
      without,
      ...(from === undefined ? {} : { from }),
      ttlSeconds: ttl / 1000,
      since: rfc3339(since),
    }
  }

  #whole(kept: Kept): object {
    const { authority } = this.#options
    return {
      kind: 'TestCluster',
      apiVersion,
      ...this.#shown(kept),
      certificateAuthority: authority,
      token: kept.running.token,
      kubeconfig: this.#kubeconfig(kept),
    }
  }

  #kubeconfig({ name, running }: Kept): string {
    const { secureUrl } = this.#options.places()
    const { authority: ca } = this.#options
    return kubeconfigText(name, { server: `${secureUrl}/clusters/${name}`, ca, token: running.token })
  }
}

function requireGet({ method, url }: IncomingMessage): void {
  if (method !== 'GET') throw methodNotAllowed(`${method} of ${url}: it takes GET`)
}

function parsed(bytes: Buffer): unknown {
  try {
    return bytes.length === 0 ? {} : JSON.parse(bytes.toString())
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`)
  }
}

const noSuchPath = (path: string): ApiError => new ApiError('NotFound', `there is nothing at ${path}: see GET /`)
