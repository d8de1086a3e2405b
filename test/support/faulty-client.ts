// A client between a component and the server that can be told to fail: watches break or hold their events back, calls are
// refused. Everything else goes to the real server.

import type { KubeObject } from '../../src/api/meta.ts'
import type { Client, ResourceClient, WatchEvent, WatchOptions } from '../../src/client/client.ts'
import type { Kind } from '../../src/kinds/kind.ts'

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'updateStatus' | 'patch' | 'delete'

export class Faults {
  /** Called before each request: what it throws is what the component gets. */
  refuse: (verb: Verb, kind: Kind<any>, object?: unknown) => void = () => {}
  readonly counts = new Map<string, number>()
  readonly #watches = new Set<{ end(error?: Error): void; kind: Kind<any> }>()
  readonly #held = new Map<string, (() => void)[]>()

  /** Ends every watch under way, with an error or as if the server had closed it. */
  breakWatches(error?: Error): void {
    for (const watch of [...this.#watches]) watch.end(error)
  }

  /** From now on events of this kind stay where they are, until `letGo`. */
  hold(kind: Kind<any>): void {
    if (!this.#held.has(kind.resource)) this.#held.set(kind.resource, [])
  }

  letGo(kind: Kind<any>): void {
    const waiting = this.#held.get(kind.resource) ?? []
    this.#held.delete(kind.resource)
    for (const go of waiting) go()
  }

  wrap(client: Client): Client {
    return { of: kind => this.#resource(kind, client.of(kind)), as: name => this.wrap(client.as(name)) }
  }

  #asked(verb: Verb, kind: Kind<any>, object?: unknown): void {
    const name = `${verb} ${kind.plural}`
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    this.refuse(verb, kind, object)
  }

  #resource<T extends KubeObject>(kind: Kind<T>, inner: ResourceClient<T>): ResourceClient<T> {
    const asked = (verb: Verb, object?: unknown): void => this.#asked(verb, kind, object)
    return {
      ...inner,
      async get(ref) {
        asked('get', ref)
        return inner.get(ref)
      },
      async list(options) {
        asked('list')
        return inner.list(options)
      },
      watch: options => this.#watch(kind, inner, options),
      async create(object, options) {
        asked('create', object)
        return inner.create(object, options)
      },
      async update(object, options) {
        asked('update', object)
        return inner.update(object, options)
      },
      async updateStatus(object, options) {
        asked('updateStatus', object)
        return inner.updateStatus(object, options)
      },
      async patch(ref, patch, subresource, options) {
        asked('patch', ref)
        return inner.patch(ref, patch, subresource, options)
      },
      async delete(ref, options) {
        asked('delete', ref)
        return inner.delete(ref, options)
      },
    }
  }

  async *#watch<T extends KubeObject>(
    kind: Kind<T>,
    inner: ResourceClient<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    this.#asked('watch', kind)
    const ending = new AbortController()
    const onAbort = (): void => ending.abort()
    options.signal.addEventListener('abort', onAbort)
    let broken: Error | undefined
    const watch = {
      kind,
      end(error?: Error): void {
        broken = error
        ending.abort()
      },
    }
    this.#watches.add(watch)
    try {
      for await (const event of inner.watch({ ...options, signal: ending.signal })) {
        const held = this.#held.get(kind.resource)
        if (held !== undefined) await new Promise<void>(go => held.push(go))
        if (ending.signal.aborted) break
        yield event
      }
      if (broken !== undefined) throw broken
    } finally {
      this.#watches.delete(watch)
      options.signal.removeEventListener('abort', onAbort)
    }
  }
}
