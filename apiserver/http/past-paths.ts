// `/at/REVISION/…`: the paths of the API upon the cluster as it was, for a kubeconfig whose server's URL ends so. What can be
// read is answered as then, discovery and OpenAPI too; whatever would write is refused. Called by answering.ts, which has seen to
// who asks and whether he may.

import { ApiError, notImplemented } from '../../src/api/errors.ts'
import type { Env } from '../../src/env/env.ts'
import type { Registry } from '../registry/registry.ts'
import { noSuchPath } from '../registry/subresources.ts'
import { Documents } from './documents.ts'
import type { OpenapiRoute } from './openapi.ts'
import type { Target } from './request.ts'
import type { RequestMetrics } from './request-metrics.ts'
import { type Exchange, Verbs } from './verbs.ts'

/** The API as it was. */
export interface PastApi {
  readonly revision: number
  readonly registry: Registry
  readonly env: Env
  readonly ready: Promise<void>
}

export interface PastPathsOptions {
  readonly at: (revision: number) => PastApi
  readonly ending: AbortSignal
  readonly metrics: RequestMetrics
  readonly documentsOf: (registry: Registry) => () => readonly OpenapiRoute[]
}

interface Open {
  readonly verbs: Verbs
  readonly documents: () => readonly OpenapiRoute[]
}

const form = /^\/at\/(\d{1,15})(\/[^?]*|$)/

/** The revision and the path behind it; undefined for every other path. */
export function pastTarget(path: string): { readonly revision: number; readonly path: string } | undefined {
  const [, revision, rest] = form.exec(path) ?? []
  return revision === undefined ? undefined : { revision: Number(revision), path: rest || '/' }
}

/** Reading subresources that are parts of an object, and not of what runs. */
const readable: ReadonlySet<string | undefined> = new Set([undefined, 'status', 'scale', 'approval'])

export class PastPaths {
  readonly #options: PastPathsOptions
  readonly #open = new WeakMap<Registry, Open>()
  readonly #documents = new Documents()

  constructor(options: PastPathsOptions) {
    this.#options = options
  }

  async answer(revision: number, path: string, target: Target | undefined, exchange: Exchange): Promise<void> {
    const { request, response, headers } = exchange
    if (request.method !== 'GET' && request.method !== 'HEAD') throw pastIsReadOnly(revision)
    const past = this.#options.at(revision)
    await past.ready
    const { verbs, documents } = this.#of(past)
    if (target !== undefined) {
      if (!readable.has(target.subresource)) {
        throw notImplemented(`${target.plural}/${target.subresource} of the cluster as it was`)
      }
      return verbs.answer(target, exchange)
    }
    const { url = '' } = request
    const mark = url.indexOf('?')
    for (const route of documents()) {
      const document = await route(path, request.headers.accept, mark < 0 ? '' : url.slice(mark + 1))
      if (document !== undefined) return this.#documents.send(request, response, document, headers)
    }
    throw noSuchPath()
  }

  #of({ registry, env }: PastApi): Open {
    let open = this.#open.get(registry)
    if (open === undefined) {
      const { ending, metrics, documentsOf } = this.#options
      open = { verbs: new Verbs({ env, registry, ending, metrics }), documents: documentsOf(registry) }
      this.#open.set(registry, open)
    }
    return open
  }
}

function pastIsReadOnly(revision: number): ApiError {
  const message = `the cluster as it was at revision ${revision} can only be read: nothing of the past is changed`
  return new ApiError('MethodNotAllowed', message)
}
