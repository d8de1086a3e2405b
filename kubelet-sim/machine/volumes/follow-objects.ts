// Follows single objects for as long as somebody needs them: a watch for each, of that name only. A kubelet does the same for
// what its pods' volumes hold (pkg/kubelet/util/manager/watch_based_manager.go).

import { isExpired } from '../../../src/api/errors.ts'
import type { Client } from '../../../src/client/client.ts'
import type { Cancel } from '../../../src/env/clock.ts'
import type { Env } from '../../../src/env/env.ts'
import type { Kind } from '../../../src/kinds/kind.ts'
import { listBackoff } from '../../../src/runtime/backoff.ts'

export interface Followed {
  readonly kind: Kind<any>
  readonly namespace: string | undefined
  readonly name: string
}

export class FollowedObjects {
  readonly #env: Env
  readonly #client: Client
  readonly #watches = new Map<string, { readonly ending: AbortController; readonly told: Set<() => void> }>()

  constructor(env: Env, client: Client) {
    this.#env = env
    this.#client = client
  }

  /** Calls `changed` after each change of the object, until it is cancelled. */
  follow(object: Followed, changed: () => void): Cancel {
    const key = `${object.kind.plural}/${object.namespace ?? ''}/${object.name}`
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      watch = { ending: new AbortController(), told: new Set() }
      this.#watches.set(key, watch)
      const { ending, told } = watch
      void this.#watch(object, ending.signal, () => {
        for (const each of [...told]) each()
      })
    }
    const { told, ending } = watch
    told.add(changed)
    return () => {
      told.delete(changed)
      if (told.size > 0 || this.#watches.get(key)?.ending !== ending) return
      this.#watches.delete(key)
      ending.abort()
    }
  }

  /** Ends all of them. */
  close(): void {
    for (const { ending } of this.#watches.values()) ending.abort()
    this.#watches.clear()
  }

  async #watch({ kind, namespace, name }: Followed, signal: AbortSignal, changed: () => void): Promise<void> {
    const { activity, wall, log } = this.#env
    const api = this.#client.of(kind)
    const selectors = { namespace, fieldSelector: `metadata.name=${name}` }
    let after: string | undefined
    for (let failures = 0; !signal.aborted; ) {
      try {
        after ??= (await activity.track(() => api.list(selectors))).resourceVersion
        for await (const event of api.watch({ ...selectors, after, signal })) {
          if (signal.aborted) return
          after = event.type === 'BOOKMARK' ? event.resourceVersion : event.object.metadata.resourceVersion
          failures = 0
          if (event.type !== 'BOOKMARK') changed()
        }
      } catch (error) {
        if (signal.aborted) return
        if (isExpired(error)) {
          after = undefined
          changed()
        } else log.warn({ object: `${kind.plural} ${name}`, error: String(error) }, 'a watch failed, trying again')
      }
      if (signal.aborted) return
      await wall.sleep(listBackoff(failures++), signal).catch(() => {})
    }
  }
}
