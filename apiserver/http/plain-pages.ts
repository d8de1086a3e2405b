// What is served beside resources to whoever may read it: discovery, OpenAPI, what others need to trust service accounts, metrics,
// /simulator/, and the list of all there is. Called by answering.ts for GET and HEAD.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Aggregation } from '../aggregation/aggregation.ts'
import type { Registry } from '../registry/registry.ts'
import { discoveryRoutes } from './discovery.ts'
import { Documents } from './documents.ts'
import { type IssuerDocuments, issuerDocument } from './issuer-documents.ts'
import type { Family } from './metric-families.ts'
import { metricsPage, type Page } from './metrics-page.ts'
import { definitionReader, type OpenapiRoute, openapiRoutes } from './openapi.ts'
import { type Headers, sendBytes, sendObject } from './reply.ts'

export interface PlainPagesOptions {
  readonly registry: Registry
  readonly aggregation: Aggregation | undefined
  readonly tokens: IssuerDocuments | undefined
  /** Below /simulator/; undefined where there is nothing. */
  readonly simulator: ((path: string) => object | undefined) | undefined
  readonly metrics: () => readonly Family[]
  readonly healthMetrics: () => readonly Family[]
}

export class PlainPages {
  readonly #options: PlainPagesOptions
  readonly #documents: () => readonly OpenapiRoute[]
  readonly #sent = new Documents()

  constructor(options: PlainPagesOptions) {
    this.#options = options
    this.#documents = documentsOf(options.registry, options.aggregation)
  }

  /** False when there is no such page. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: string,
    headers: Headers,
  ): Promise<boolean> {
    const { registry, tokens, simulator } = this.#options
    for (const route of this.#documents()) {
      const document = await route(path, request.headers.accept, query)
      if (document === undefined) continue
      await this.#sent.send(request, response, document, headers)
      return true
    }
    const issued = issuerDocument(path, tokens, hostOf(request))
    if (issued !== undefined) {
      headers['Cache-Control'] = 'public, max-age=3600'
      sendBytes(response, 200, issued.contentType, issued.bytes, headers)
      return true
    }
    const page = await this.#metrics(path)
    if (page !== undefined) {
      sendBytes(response, 200, page.contentType, Buffer.from(page.text), headers)
      return true
    }
    const told =
      path === '/' ? { paths: rootPaths(registry) } : path.startsWith('/simulator/') ? simulator?.(path) : undefined
    if (told === undefined) return false
    sendObject(response, 200, told, headers)
    return true
  }

  async #metrics(path: string): Promise<Page | undefined> {
    if (path === '/metrics/slis') return metricsPage(this.#options.healthMetrics())
    return path === '/metrics' ? metricsPage(this.#options.metrics()) : undefined
  }
}

/** What discovery and OpenAPI say is made anew when kinds have come or gone. */
export function documentsOf(registry: Registry, aggregation: Aggregation | undefined): () => readonly OpenapiRoute[] {
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
