// Event recorder: what happened to an object, told to its readers as Events. Called by controllers through their context.
// It never throws and never waits; repeats become a count, many similar ones become one, and who says too much about one
// object is not heard: the rules of client-go's tools/record/events_cache.go.

import type { CoreV1Event } from '../../generated/types.ts'
import { ApiError, isAlreadyExists, isNotFound } from '../api/errors.ts'
import type { NewObject, Ref } from '../api/meta.ts'
import { rfc3339 } from '../api/time.ts'
import type { Client } from '../client/client.ts'
import type { Clock, Millis } from '../env/clock.ts'
import type { Env } from '../env/env.ts'
import type { Random } from '../env/random.ts'
import { Events } from '../kinds/event.ts'
import type { Context } from './controller.ts'
import { createQueue } from './queue.ts'

/** So many different messages of one reason about one object, within the time, before they are told as one. */
const similarLimit = 10
const similarWithin = 600_000
/** So many events about one object at once, then one in five minutes. */
const burst = 25
const refill = 300_000
/** How many objects, reasons and events are remembered. */
const memory = 4096
/** How many events wait to be written; more are dropped. */
const waitingLimit = 8192
const writers = 8
const tries = 12
const retryAfter = 10_000

interface Observation {
  readonly event: NewObject<CoreV1Event>
  count: number
  written: number
  failures: number
}

export function createEventRecorder(
  env: Env,
  client: Client,
  component: string,
  signal: AbortSignal,
): Context['event'] {
  const nameFor = eventNames(env.clock, env.random.fork(`events/${component}`))
  const log = env.log.child({ recorder: component })
  const observations = new Recent<Observation>(memory)
  const similar = new Similar(memory)
  const budget = new Budget(memory)
  // What was done is told also while nothing else may begin.
  const { clock, activity } = env
  const queue = createQueue({ clock, activity }, () => retryAfter)
  const waiting = new Map<string, Observation>()
  for (let writer = 0; writer < writers; writer++) void write()
  signal.addEventListener('abort', () => queue.close(), { once: true })

  return (about, type, reason, message, action, place = {}) => {
    const now = env.clock.now()
    const source = { component: place.component ?? component, host: place.host ?? '' }
    const involved = {
      kind: about.kind,
      ...(about.metadata.namespace ? { namespace: about.metadata.namespace } : {}),
      name: about.metadata.name,
      ...(about.metadata.uid ? { uid: about.metadata.uid } : {}),
      apiVersion: about.apiVersion,
      ...(about.metadata.resourceVersion ? { resourceVersion: about.metadata.resourceVersion } : {}),
      ...(place.fieldPath ? { fieldPath: place.fieldPath } : {}),
    }
    const subject = [source.component, source.host, about.kind, about.metadata.namespace, about.metadata.name]
    const object = JSON.stringify([...subject, about.metadata.uid, about.apiVersion])
    const group = `${object}${type}/${reason}`
    const isSimilar = similar.add(group, message, now)
    const key = isSimilar ? group : JSON.stringify([group, place.fieldPath, action, message])
    const text = isSimilar ? `(combined from similar events): ${message}` : message

    let observation = observations.get(key)
    if (observation === undefined) {
      const event: NewObject<CoreV1Event> = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: nameFor(about.metadata.name), namespace: about.metadata.namespace || 'default' },
        involvedObject: involved,
        reason,
        message: text,
        source: place.host ? source : { component: source.component },
        firstTimestamp: rfc3339(now),
        lastTimestamp: rfc3339(now),
        count: 1,
        type,
        ...(action ? { action } : {}),
        reportingComponent: source.component,
        reportingInstance: source.host,
      }
      observation = { event, count: 0, written: 0, failures: 0 }
      observations.set(key, observation)
    }
    observation.count++
    observation.event.message = text
    observation.event.lastTimestamp = rfc3339(now)
    if (!budget.take(object, now)) return
    if (!waiting.has(key) && waiting.size >= waitingLimit) {
      log.debug({ reason, object: involved.name }, 'event dropped, too many are waiting')
      return
    }
    waiting.set(key, observation)
    queue.add(key)
  }

  async function write(): Promise<void> {
    for (;;) {
      const key = await queue.next()
      if (key === undefined) return
      const observation = waiting.get(key)
      if (observation !== undefined) await tell(key, observation)
      queue.done(key)
    }
  }

  async function tell(key: string, observation: Observation): Promise<void> {
    const { event, count } = observation
    if (observation.written >= count) {
      waiting.delete(key)
      return
    }
    const isNew = observation.written === 0
    event.count = count
    try {
      if (isNew) await client.of(Events).create(event)
      else await client.of(Events).patch(event.metadata as Ref, { type: 'merge', body: news(event) })
      observation.written = count
      observation.failures = 0
      if (observation.count === count) waiting.delete(key)
    } catch (error) {
      const isLost = isNew ? isAlreadyExists(error) : isNotFound(error)
      observation.failures++
      if (isLost && observation.failures < tries) {
        // The name is taken, or the event has gone by age: it is told anew, with its count.
        observation.written = 0
        event.metadata.name = nameFor(event.involvedObject.name!)
        queue.add(key)
      } else if (isPassing(error) && observation.failures < tries && !signal.aborted) {
        queue.retry(key)
      } else {
        log.debug({ reason: event.reason, error: String(error) }, 'event not written')
        observation.written = isNew ? 0 : count
        observation.failures = 0
        waiting.delete(key)
      }
    }
  }
}

function news({ count, lastTimestamp, message }: NewObject<CoreV1Event>): object {
  return { count, lastTimestamp, message }
}

/** The server refused an event for good, unless its own state or the way to it was the reason. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.code >= 500 || error.code === 429
}

/**
 * `web.17a5b3…`: the object's name and a time in nanoseconds, of which the clock gives the first part and chance the rest.
 * Of one recorder they rise, so that what happened first also stands first in a list.
 */
function eventNames(clock: Clock, random: Random): (object: string) => string {
  let last = 0n
  return object => {
    const now = BigInt(clock.now()) * 1_000_000n
    const draw = (limit: number): bigint => BigInt(Math.floor(random.fraction() * limit))
    last = last < now ? now + draw(500_000) : last + 1n + draw(1_000)
    return `${object.slice(0, 236)}.${last.toString(16)}`
  }
}

/** A map that remembers its most recently used entries. */
class Recent<V> {
  readonly #entries = new Map<string, V>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: string, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      return
    }
  }
}

class Similar {
  readonly #groups: Recent<{ readonly messages: Set<string>; last: Millis }>

  constructor(limit: number) {
    this.#groups = new Recent(limit)
  }

  /** Whether this message is one of so many of its group that they are told as one. */
  add(group: string, message: string, now: Millis): boolean {
    let record = this.#groups.get(group)
    if (record === undefined || now - record.last > similarWithin) {
      record = { messages: new Set(), last: now }
      this.#groups.set(group, record)
    }
    record.messages.add(message)
    record.last = now
    if (record.messages.size < similarLimit) return false
    for (const oldest of record.messages) {
      record.messages.delete(oldest)
      break
    }
    return true
  }
}

class Budget {
  readonly #buckets: Recent<{ left: number; at: Millis }>

  constructor(limit: number) {
    this.#buckets = new Recent(limit)
  }

  take(object: string, now: Millis): boolean {
    let bucket = this.#buckets.get(object)
    if (bucket === undefined) {
      bucket = { left: burst, at: now }
      this.#buckets.set(object, bucket)
    }
    bucket.left = Math.min(burst, bucket.left + (now - bucket.at) / refill)
    bucket.at = now
    if (bucket.left < 1) return false
    bucket.left--
    return true
  }
}
