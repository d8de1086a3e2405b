// The tokens that Secrets hold are kept an eye on: since when that is so stands in a ConfigMap, and a Secret whose token is used
// says on which day it last was. Made by server.ts; the use is told by service-account-tokens.ts, and what has been idle for
// long goes by controllers/legacy-token-cleaner.ts. Upstream: pkg/controlplane/controller/legacytokentracking, pkg/serviceaccount/legacy.go.

import type { ConfigMap, Secret } from '../../generated/types.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../src/api/errors.ts'
import type { Frozen, NewObject } from '../../src/api/meta.ts'
import type { Client } from '../../src/client/client.ts'
import type { Cancel, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import { ConfigMaps } from '../../src/kinds/configmap.ts'
import { dayOf, isDay, lastUsedLabel, trackingConfigMap, trackingKey } from '../../src/kinds/legacy-tokens.ts'
import { Secrets } from '../../src/kinds/secret.ts'
import { keyOf } from '../storage/keys.ts'
import type { Storage } from '../storage/storage.ts'

const aDay: Millis = 24 * 3600 * 1000
/** Of several servers, one of another mind is not fought with. */
const betweenCreations: Millis = 30 * 60_000

export class LegacyTokenTracking {
  readonly #env: Env
  readonly #storage: Storage
  readonly #client: () => Client
  #lastCreation: Millis | undefined
  #cancels: Cancel[] = []
  #waiting: Cancel | undefined

  /** `client`: asked for when something is written. */
  constructor(env: Env, storage: Storage, client: () => Client) {
    this.#env = env
    this.#storage = storage
    this.#client = client
  }

  /** Sees to the ConfigMap, now and until `close`. */
  async start(): Promise<void> {
    await this.#ensure()
    if (this.#cancels.length > 0) return
    const key = keyOf(ConfigMaps, trackingConfigMap)
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    this.#cancels.push(
      this.#storage.subscribe(folder, this.#storage.revision, events => {
        if (!events.some(event => event.key === key)) return
        this.#env.activity
          .track(() => this.#ensure())
          .catch(error => this.#env.log.warn({ error }, 'Error while syncing ConfigMap'))
      }),
    )
  }

  close(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
    this.#waiting?.()
  }

  /** The token of this Secret is used now. Undefined: its day is written already. */
  used({ metadata }: Frozen<Secret>): Promise<void> | undefined {
    const now = this.#env.clock.now()
    const today = dayOf(now)
    const last = metadata.labels?.[lastUsedLabel]
    if (last === today || last === dayOf(now + aDay)) return undefined
    const { name, namespace, uid } = metadata
    const body = { metadata: { uid, labels: { [lastUsedLabel]: today } } }
    return this.#env.activity.track(async () => {
      try {
        await this.#client().of(Secrets).patch({ name: name!, namespace }, { type: 'merge', body })
      } catch (error) {
        const why = `Failed to label legacy service account token ${name}/${namespace} with last-used date`
        this.#env.log.error({ error }, why)
      }
    })
  }

  async #ensure(): Promise<void> {
    const now = this.#env.clock.now()
    const data = { [trackingKey]: dayOf(now) }
    const found = this.#storage.get(keyOf(ConfigMaps, trackingConfigMap))?.object as Frozen<ConfigMap> | undefined
    if (found !== undefined) {
      if (isDay(found.data?.[trackingKey])) return
      const next = { ...found, data: { ...found.data, ...data } }
      await this.#client().of(ConfigMaps).update(next).catch(unless(isNotFound, isConflict))
      return
    }
    const wait = this.#lastCreation === undefined ? 0 : this.#lastCreation + betweenCreations - now
    if (wait > 0) {
      this.#waiting?.()
      this.#waiting = this.#env.clock.after(wait, () => void this.#env.activity.track(() => this.#ensure()))
      return
    }
    const { name, namespace } = trackingConfigMap
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data } as NewObject<ConfigMap>
    await this.#client().of(ConfigMaps).create(made).catch(unless(isAlreadyExists))
    this.#lastCreation = now
  }
}

const unless =
  (...fine: readonly ((error: unknown) => boolean)[]) =>
  (error: unknown): void => {
    if (!fine.some(is => is(error))) throw error
  }
