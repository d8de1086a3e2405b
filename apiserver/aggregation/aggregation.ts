// API aggregation: groups and versions that other servers serve behind this one. Follows the APIServices in the store, finds out
// whether each server answers, says so in their status, and keeps what it serves for discovery. Built by server.ts; the HTTP
// door asks it where a path leads. Costs nothing while there is no such APIService.
// Upstream: k8s.io/kube-aggregator/pkg/controllers/status/remote, pkg/apiserver/handler_proxy.go.

import { isDeepStrictEqual } from 'node:util'
import type { APIResourceList, APIService, APIServiceCondition } from '../../generated/types.ts'
import { ApiError, isNotFound } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Client } from '../../src/client/client.ts'
import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { APIServices, availableOf } from '../../src/kinds/apiservice.ts'
import { EndpointSlices } from '../../src/kinds/endpointslice.ts'
import { Services } from '../../src/kinds/service.ts'
import type { DialSimulated, Outgoing, OutgoingResponse } from '../outgoing/outgoing.ts'
import { type Endpoint, resolveService } from '../outgoing/service-endpoint.ts'
import { prefixOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'
import { type Verdict, verdictOf } from './availability.ts'

/** A group and version served elsewhere. */
export interface RemoteApi {
  readonly name: string
  readonly group: string
  readonly version: string
  readonly service: Frozen<APIService>
  readonly isAvailable: boolean
  /** What it said it serves, when it was last asked. */
  readonly resources: APIResourceList | undefined
  /** Where it said its OpenAPI document for this is; absent: it has none. */
  readonly openapi: string | undefined
}

export interface Identity {
  readonly cert: string
  readonly key: string
}

export interface AggregationOptions {
  readonly env: Env
  readonly storage: Storage
  readonly client: Client
  readonly outgoing: Outgoing
  readonly dial?: DialSimulated | undefined
}

/** Upstream looks again when something changed, and every half minute. */
const everySoOften: Millis = 30_000
const afterFailure: Millis = 5_000
const discoveryTimeout: Millis = 5_000

export class Aggregation {
  readonly #options: AggregationOptions
  readonly #remote = new Map<string, RemoteApi>()
  readonly #stops: Cancel[]
  readonly #timers = new Map<string, Cancel>()
  #dependents: Cancel[] = []
  #identity: (() => Identity) | undefined
  #isClosed = false
  /** Grows with every change that discovery would show. */
  generation = 0

  constructor(options: AggregationOptions) {
    this.#options = options
    const { storage } = options
    this.#stops = [storage.subscribe(prefixOf(APIServices), storage.revision, () => this.#follow())]
    // Of an earlier life: the registry is not up yet when this is built.
    if (storage.count(prefixOf(APIServices)) > 0) queueMicrotask(() => this.#follow())
  }

  /** With which certificate the servers are asked; made when first needed. */
  identify(identity: () => Identity): void {
    this.#identity = identity
  }

  get identity(): Identity | undefined {
    return this.#identity?.()
  }

  get dial(): DialSimulated | undefined {
    return this.#options.dial
  }

  get isEmpty(): boolean {
    return this.#remote.size === 0
  }

  find(group: string, version: string): RemoteApi | undefined {
    return this.#remote.get(`${version}.${group}`)
  }

  get all(): readonly RemoteApi[] {
    return [...this.#remote.values()]
  }

  /** Throws ApiError NotFound or ServiceUnavailable. */
  endpointOf({ service }: RemoteApi): Endpoint {
    const { namespace = '', name = '', port = 443 } = service.spec.service!
    return resolveService(this.#options.storage, { namespace, name, port })
  }

  close(): void {
    this.#isClosed = true
    for (const stop of [...this.#stops, ...this.#dependents, ...this.#timers.values()]) stop()
  }

  #follow(): void {
    if (this.#isClosed) return
    const seen = new Set<string>()
    for (const { object } of this.#options.storage.list(prefixOf(APIServices))) {
      const service = object as unknown as Frozen<APIService>
      if (service.spec.service === undefined) continue
      const { name } = service.metadata
      seen.add(name)
      const old = this.#remote.get(name)
      if (old?.service.metadata.resourceVersion === service.metadata.resourceVersion) continue
      const { group = '', version = '' } = service.spec
      const isAvailable = availableOf(service.status.conditions)?.status === 'True'
      this.#remote.set(name, {
        name,
        group,
        version,
        service,
        isAvailable,
        resources: old?.resources,
        openapi: old?.openapi,
      })
      this.generation++
      if (old === undefined || !isDeepStrictEqual(old.service.spec, service.spec)) this.#look(name, 0)
    }
    for (const name of [...this.#remote.keys()]) {
      if (seen.has(name)) continue
      this.#remote.delete(name)
      this.#timers.get(name)?.()
      this.#timers.delete(name)
      this.generation++
    }
    this.#followDependents()
  }

  /** Services and their endpoints concern nobody before there is somebody to reach by them. */
  #followDependents(): void {
    const isNeeded = this.#remote.size > 0
    if (isNeeded === this.#dependents.length > 0) return
    for (const stop of this.#dependents) stop()
    const { storage } = this.#options
    this.#dependents = isNeeded
      ? [Services, EndpointSlices].map(kind =>
          storage.subscribe(prefixOf(kind), storage.revision, () => {
            for (const name of this.#remote.keys()) this.#look(name, 0)
          }),
        )
      : []
  }

  #look(name: string, after: Millis): void {
    this.#timers.get(name)?.()
    const { env } = this.#options
    const cancel = env.wall.after(after, () => {
      void env.activity
        .track(() => this.#check(name))
        .catch(error => env.log.warn({ apiService: name, error }, 'availability not told'))
    })
    this.#timers.set(name, cancel)
  }

  async #check(name: string): Promise<void> {
    const remote = this.#remote.get(name)
    if (remote === undefined || this.#isClosed) return
    let said: Pick<RemoteApi, 'resources' | 'openapi'> | undefined
    const verdict = await verdictOf(this.#options.storage, remote.service, async () => {
      said = { resources: await this.#discover(remote), openapi: await this.#openapiOf(remote) }
    })
    const now = this.#remote.get(name)
    if (now === undefined || this.#isClosed) return
    if (said !== undefined && !isDeepStrictEqual(said, { resources: now.resources, openapi: now.openapi })) {
      this.#remote.set(name, { ...now, ...said })
      this.generation++
    }
    this.#look(name, verdict.status === 'True' ? everySoOften : afterFailure)
    await this.#tell(now.service, verdict)
  }

  /** Asks what a server must serve; throws when it does not. */
  async #discover(remote: RemoteApi): Promise<APIResourceList> {
    const path = `/apis/${remote.group}/${remote.version}`
    const url = `${this.#baseOf(remote)}${path}`
    let answer: OutgoingResponse
    try {
      answer = await this.#ask(remote, url)
    } catch (error) {
      throw new Error(`failing or missing response from ${url}: ${(error as Error).message}`, { cause: error })
    }
    if (answer.status < 200 || answer.status >= 300) {
      throw new Error(`failing or missing response from ${url}: bad status from ${url}: ${answer.status}`)
    }
    // Whoever answers is there; only what it means is needed for discovery.
    const list = parsed<APIResourceList>(answer)
    return {
      kind: 'APIResourceList',
      groupVersion: `${remote.group}/${remote.version}`,
      resources: list?.resources ?? [],
    }
  }

  /** With its hash, as clients keep it. A server need not have one. */
  async #openapiOf(remote: RemoteApi): Promise<string | undefined> {
    const answer = await this.#ask(remote, `${this.#baseOf(remote)}/openapi/v3`).catch(() => undefined)
    if (answer?.status !== 200) return undefined
    const { paths } = parsed<{ paths?: Record<string, { serverRelativeURL?: string }> }>(answer) ?? {}
    const url = paths?.[`apis/${remote.group}/${remote.version}`]?.serverRelativeURL
    return typeof url === 'string' ? url : undefined
  }

  #baseOf(remote: RemoteApi): string {
    const { host, port } = this.endpointOf(remote)
    return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
  }

  #ask({ service: { spec } }: RemoteApi, url: string): Promise<OutgoingResponse> {
    return this.#options.outgoing({
      method: 'GET',
      url,
      serverName: serverNameOf(spec),
      authorities: spec.caBundle ? Buffer.from(spec.caBundle, 'base64').toString() : undefined,
      unverified: spec.insecureSkipTLSVerify,
      certificate: this.identity,
      headers: {
        Accept: 'application/json',
        'X-Remote-User': 'system:kube-aggregator',
        'X-Remote-Group': 'system:masters',
      },
      timeout: discoveryTimeout,
    })
  }

  async #tell({ metadata, status }: Frozen<APIService>, verdict: Verdict): Promise<void> {
    const old = availableOf(status.conditions)
    if (old?.status === verdict.status && old.reason === verdict.reason && old.message === verdict.message) return
    const lastTransitionTime =
      old?.status === verdict.status ? old.lastTransitionTime : rfc3339(this.#options.env.clock.now())
    const condition: APIServiceCondition = {
      type: 'Available',
      ...verdict,
      ...(lastTransitionTime ? { lastTransitionTime } : {}),
    }
    const patch = { type: 'strategic' as const, body: { status: { conditions: [condition] } } }
    try {
      await this.#options.client.of(APIServices).patch({ name: metadata.name }, patch, 'status')
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

export function serverNameOf({ service }: Frozen<APIService>['spec']): string {
  return `${service!.name}.${service!.namespace}.svc`
}

export const unavailable = (): ApiError => new ApiError('ServiceUnavailable', 'service unavailable')

/** Undefined: not an object in JSON. */
function parsed<T extends object>({ body }: OutgoingResponse): T | undefined {
  try {
    const value: unknown = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
