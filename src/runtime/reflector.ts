// Reflector: keeps a cache equal to what the API server has. It lists, watches from the list's revision, and lists again
// when the server has forgotten that revision or the cache's own place is lost. Called by the informer. It promises that
// the cache sees every object's states in order, and none of them twice; between two states some may be missing.

import { isExpired } from '../api/errors.ts'
import type { KubeObject } from '../api/meta.ts'
import type { Client, WatchEvent } from '../client/client.ts'
import type { Env } from '../env/env.ts'
import type { Kind } from '../kinds/kind.ts'
import { listBackoff } from './backoff.ts'
import type { Cache } from './cache.ts'

/** Told of every revision the cache has reached; `listed` when it was by a whole list, which may also go back. */
export type Progress = (revision: number, listed: boolean) => void

/** A watch that lasted this long, or brought anything, was a good one: after it there is nothing to wait for. */
const goodWatch = 1_000

/** Runs until the signal is aborted. */
export async function reflect<T extends KubeObject>(
  env: Env,
  client: Client,
  kind: Kind<T>,
  cache: Cache<T>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const random = env.random.fork(`reflector/${kind.resource}`)
  const log = env.log.child({ kind: kind.resource })
  let after: string | undefined
  let failures = 0
  while (!signal.aborted) {
    let begun = env.wall.now()
    let isGood = false
    try {
      after ??= await listAll()
      begun = env.wall.now()
      for await (const event of client.of(kind).watch({ after, signal })) {
        if (signal.aborted) return
        after = take(event)
        isGood = true
      }
    } catch (error) {
      if (signal.aborted) return
      if (isExpired(error)) {
        log.debug({}, 'watch expired, listing again')
        after = undefined
        // The first time at once; a server whose lists are too old for its own watches is not asked in a tight loop.
        if (failures === 0) isGood = true
      } else {
        log.warn({ error: String(error) }, 'watch or list failed, trying again')
      }
    }
    if (signal.aborted) return
    if (isGood || env.wall.now() - begun >= goodWatch) failures = after === undefined ? 1 : 0
    else await env.wall.sleep(listBackoff(failures++) * (1 + random.fraction()), signal).catch(ignoreAbort)
  }

  function listAll(): Promise<string> {
    return env.activity.track(async () => {
      const list = await client.of(kind).list()
      cache.replace(list.items)
      progress(Number(list.resourceVersion), true)
      return list.resourceVersion
    })
  }

  function take(event: WatchEvent<T>): string {
    if (event.type === 'BOOKMARK') {
      progress(Number(event.resourceVersion), false)
      return event.resourceVersion
    }
    const { metadata } = event.object
    if (env.traffic.isWatched) {
      const { name, namespace, resourceVersion } = metadata
      const object = { resource: kind.resource, namespace, name, revision: Number(resourceVersion) }
      env.traffic.tell({ step: 'watch', type: event.type, object })
    }
    if (event.type === 'DELETED') cache.remove(metadata)
    else cache.set(event.object)
    const revision = metadata.resourceVersion!
    progress(Number(revision), false)
    return revision
  }

  function ignoreAbort(reason: unknown): void {
    if (!signal.aborted) throw reason
  }
}
