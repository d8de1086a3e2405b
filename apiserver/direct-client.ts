// The direct door: Client upon the registry, for components in the same process. What comes in is made JSON as it would be
// on a wire; what goes out is the stored, frozen object itself. Made by server.ts.

import type { Cause } from '../src/api/cause.ts'
import { ApiError } from '../src/api/errors.ts'
import { managerOf } from '../src/api/field-managers.ts'
import { jsonClone } from '../src/api/freeze.ts'
import type { Frozen, KubeObject, Ref } from '../src/api/meta.ts'
import type {
  Client,
  List,
  ListOptions,
  ResourceClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../src/client/client.ts'
import type { Cancel } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import type { Kind, Subresource } from '../src/kinds/kind.ts'
import {
  type ReadingList,
  type Registry,
  type RequestInfo,
  type ResourceRegistry,
  readOf,
  type WatchSignal,
  type Wrote,
} from './registry/registry.ts'

export function createDirectClient(
  env: Env,
  registry: Registry,
  component = 'kubesim',
  cause: Cause = { by: component },
  isQuiet = false,
): Client {
  const info: RequestInfo = {
    user: { name: `system:${component}`, groups: ['system:masters', 'system:authenticated'] },
    warn: text => env.log.debug({ component, warning: text }, 'the API server warns'),
    cause,
  }
  const clients = new WeakMap<Kind<any>, ResourceClient<any>>()
  return {
    of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T> {
      let client = clients.get(kind)
      if (client === undefined) {
        client = resourceClient<T>(env, registry, kind, component, info, isQuiet)
        clients.set(kind, client)
      }
      return client
    },
    as: other => createDirectClient(env, registry, other),
    because: why => createDirectClient(env, registry, component, why, isQuiet),
    quietly: () => createDirectClient(env, registry, component, cause, true),
  }
}

function resourceClient<T extends KubeObject>(
  env: Env,
  registry: Registry,
  kind: Kind<T>,
  component: string,
  info: RequestInfo,
  isQuiet: boolean,
): ResourceClient<T> {
  /** Asked for each time: a kind may come, change and go while a client holds its name. */
  const resource = (): ResourceRegistry => registry.of(kind)
  const written = (options?: WriteOptions): WriteOptions => ({ fieldManager: managerOf(component), ...options })
  const outcome = ({ reading }: Wrote): Frozen<T> => reading.object as unknown as Frozen<T>
  return {
    async get(ref) {
      const from = resource()
      return (await readOf(from, { ...ref, isQuiet }, () => from.get(ref))).object as unknown as Frozen<T>
    },
    async list(options: ListOptions = {}) {
      const from = resource()
      return listOf<T>(await readOf(from, { ...options, isQuiet }, () => from.list(options)))
    },
    watch: options => new DirectWatch<T>(env, resource(), options, isQuiet),
    async create(object, options) {
      const body = withType(kind, jsonClone(object))
      return outcome(await resource().create(body, { namespace: body.metadata.namespace }, written(options), info))
    },
    async update(object, options) {
      const body = withType(kind, jsonClone(object))
      return outcome(await resource().update(refIn(kind, body), body, written(options), info))
    },
    async updateStatus(object, options) {
      const body = withType(kind, jsonClone(object))
      return outcome(await resource().update(refIn(kind, body), body, written(options), info, 'status'))
    },
    async patch(ref, patch, subresource, options) {
      const asked = { type: patch.type, body: jsonClone(patch.body) }
      return outcome(await resource().patch(ref, asked, written(options), info, subresource as Subresource | undefined))
    },
    async delete(ref, options = {}) {
      await resource().delete(ref, options, info)
    },
    async deleteCollection(options, how = {}) {
      await resource().deleteCollection(options, how, info)
    },
    async read<R>(ref: Ref, subresource: string) {
      const from = resource()
      return (await readOf(from, ref, () => from.readSubresource(ref, subresource as Subresource))).object as R
    },
    async act<R>(ref: Ref, subresource: string, body: object, method: 'POST' | 'PUT' = 'POST') {
      const sent = jsonClone(body)
      const wrote =
        method === 'POST'
          ? await resource().act(ref, subresource as Subresource, sent, written(), info)
          : await resource().update(ref, sent, written(), info, subresource as Subresource)
      return wrote.reading.object as R
    },
  }
}

function listOf<T extends KubeObject>(list: ReadingList): List<T> {
  return { ...list, items: list.items.map(({ object }) => object as unknown as Frozen<T>) }
}

/** Objects of a list come without their type in Go; here nobody has to put it back. */
function withType(kind: Kind<any>, object: object): KubeObject {
  const body = object as KubeObject
  body.apiVersion ??= kind.apiVersion
  body.kind ??= kind.kind
  return body
}

function refIn(kind: Kind<any>, { metadata }: KubeObject): Ref {
  if (metadata?.name) return kind.namespaced ? { name: metadata.name, namespace: metadata.namespace } : metadata
  throw new ApiError('BadRequest', 'name is required')
}

/**
 * Events between the registry and one reader. From the first that is buffered until the reader has taken the last and
 * comes back for more, somebody is at work: virtual time waits for the reader.
 */
class DirectWatch<T extends KubeObject> implements AsyncIterableIterator<WatchEvent<T>> {
  readonly #env: Env
  readonly #buffer: WatchSignal[] = []
  readonly #stop: Cancel
  #taken = 0
  #waiting: { resolve(next: IteratorResult<WatchEvent<T>>): void; reject(error: Error): void } | undefined
  #release: Cancel | undefined
  #isEnded = false
  #error: Error | undefined

  constructor(env: Env, resource: ResourceRegistry, { after, signal, ...where }: WatchOptions, isQuiet: boolean) {
    this.#env = env
    if (signal.aborted) {
      this.#isEnded = true
      this.#stop = () => {}
      return
    }
    const stop = resource.watch(
      // A watch after nothing in particular begins with what there is, as over HTTP.
      { ...where, resourceVersion: after, isQuiet },
      { deliver: signals => this.#deliver(signals), ended: error => this.#end(error) },
    )
    const onAbort = (): void => {
      this.#drop()
      this.#end()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stop = () => {
      signal.removeEventListener('abort', onAbort)
      stop()
    }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<WatchEvent<T>>> {
    if (this.#taken < this.#buffer.length) {
      const event = eventOf<T>(this.#buffer[this.#taken++]!)
      if (this.#taken === this.#buffer.length) {
        this.#buffer.length = 0
        this.#taken = 0
      }
      return Promise.resolve({ done: false, value: event })
    }
    this.#rest()
    if (this.#error !== undefined) {
      const error = this.#error
      this.#error = undefined
      return Promise.reject(error)
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  return(): Promise<IteratorResult<WatchEvent<T>>> {
    this.#drop()
    this.#end()
    return Promise.resolve({ done: true, value: undefined })
  }

  /** Whoever stops wants nothing more, and nobody need wait for him. */
  #drop(): void {
    this.#buffer.length = 0
    this.#taken = 0
    this.#rest()
  }

  #deliver(signals: readonly WatchSignal[]): void {
    if (this.#isEnded) return
    for (const signal of signals) this.#buffer.push(signal)
    this.#release ??= this.#env.activity.hold()
    this.#wake()
  }

  #end(error?: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#error = error
    this.#stop()
    if (error !== undefined) this.#release ??= this.#env.activity.hold()
    this.#wake()
  }

  /** Hands the waiting reader what there is for him now. */
  #wake(): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    this.#waiting = undefined
    this.next().then(waiting.resolve, waiting.reject)
  }

  #rest(): void {
    this.#release?.()
    this.#release = undefined
  }
}

function eventOf<T extends KubeObject>(signal: WatchSignal): WatchEvent<T> {
  if (signal.type === 'BOOKMARK') return { type: 'BOOKMARK', resourceVersion: signal.resourceVersion }
  return { type: signal.type, object: signal.reading.object as unknown as Frozen<T> }
}
