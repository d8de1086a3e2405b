// Events live an hour after they were last written (kube-apiserver --event-ttl). Started by server.ts. One timer for all,
// set for the minute in which the oldest goes, and none while there is no Event.

import type { CoreV1Event } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { Cancel, Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import { Events } from '../src/kinds/event.ts'
import { prefixOf } from './storage/keys.ts'
import type { Revision, Storage } from './storage/storage.ts'

const lifetime: Millis = 3_600_000
const minute: Millis = 60_000

interface Entry {
  readonly key: string
  readonly revision: Revision
  readonly due: Millis
}

export function expireEvents(env: Env, storage: Storage): Cancel {
  const prefix = prefixOf(Events)
  /** In order of due: what is written later goes later. */
  let queue: Entry[] = storage
    .list(prefix)
    .map(({ key, revision, object }) => ({ key, revision, due: dueAfter(lastWritten(object as Frozen<CoreV1Event>)) }))
    .sort((one, other) => one.due - other.due || one.revision - other.revision)
  let timer: Cancel | undefined
  const plan = (): void => {
    const first = queue[0]
    if (timer !== undefined || first === undefined) return
    timer = env.clock.after(first.due - env.clock.now(), () => {
      timer = undefined
      const now = env.clock.now()
      const firstLater = queue.findIndex(({ due }) => due > now)
      const over = queue.splice(0, firstLater < 0 ? queue.length : firstLater)
      for (const entry of over) void expire(env, storage, entry)
      plan()
    })
  }
  const stopListening = storage.subscribe(prefix, storage.revision, events => {
    const due = dueAfter(env.clock.now())
    for (const { type, key, revision } of events) if (type !== 'DELETED') queue.push({ key, revision, due })
    plan()
  })
  plan()
  return () => {
    timer?.()
    stopListening()
    queue = []
  }
}

const dueAfter = (written: Millis): Millis => Math.ceil((written + lifetime) / minute) * minute

function lastWritten(event: Frozen<CoreV1Event>): Millis {
  const { lastTimestamp, eventTime, series, metadata } = event
  const times = [lastTimestamp, eventTime, series?.lastObservedTime, metadata.creationTimestamp]
  return Math.max(
    0,
    ...times.filter(time => time !== undefined && time !== null).map(time => parseTime(time as string)),
  )
}

const cause = { by: 'kube-apiserver' }

/** Unless it was written again since. */
async function expire(env: Env, storage: Storage, { key, revision }: Entry): Promise<void> {
  if (storage.get(key)?.revision !== revision) return
  try {
    await storage.write(key, current => (current?.revision === revision ? { remove: true } : { keep: true }), cause)
  } catch (error) {
    env.log.error({ event: key, error }, 'an event could not be expired')
  }
}
