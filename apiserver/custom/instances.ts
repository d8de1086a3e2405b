// The objects of a definition that is being deleted: all of them go, straight from the store, where nobody is asked; those
// that somebody holds by a finalizer are marked and waited for. Called by custom-resources.ts.
// Upstream: apiextensions-apiserver pkg/controller/finalizer/crd_finalizer.go, deleteInstances.

import { draft } from '../../src/api/freeze.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { rfc3339 } from '../../src/api/time.ts'
import type { Clock, Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Decision, Storage, Stored } from '../storage/storage.ts'

/** How long they are waited for, until that is told; then they are waited for again. */
const patience: Millis = 60_000

/** True when all are gone; false when they were not gone in time, or the signal was aborted. */
export async function deleteInstances(
  { clock, wall }: Env,
  storage: Storage,
  prefix: string,
  signal: AbortSignal,
): Promise<boolean> {
  const now = clock.now()
  await Promise.all(storage.list(prefix).map(({ key }) => storage.write(key, current => ending(current, now), cause)))
  return gone(wall, storage, prefix, signal)
}

const cause = { by: 'apiextensions-apiserver' }

function ending(current: Stored | undefined, now: Millis): Decision {
  if (current === undefined) return { keep: true }
  const { metadata } = current.object
  if (!metadata.finalizers?.length) return { remove: true }
  if (metadata.deletionTimestamp !== undefined) return { keep: true }
  const next = draft(current.object) as KubeObject
  next.metadata.deletionTimestamp = rfc3339(now)
  next.metadata.deletionGracePeriodSeconds = 0
  if (next.metadata.generation) next.metadata.generation++
  return { put: next }
}

function gone(wall: Clock, storage: Storage, prefix: string, signal: AbortSignal): Promise<boolean> {
  if (storage.count(prefix) === 0) return Promise.resolve(true)
  return new Promise(resolve => {
    const done = (): void => {
      stopTimer()
      stopListening()
      signal.removeEventListener('abort', done)
      resolve(storage.count(prefix) === 0)
    }
    const stopTimer = wall.after(patience, done)
    const stopListening = storage.subscribe(prefix, storage.revision, () => {
      if (storage.count(prefix) === 0) done()
    })
    signal.addEventListener('abort', done, { once: true })
  })
}
