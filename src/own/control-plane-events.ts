// GET …/control-plane/events?watch=1: what travels through the control plane, as it does: request → admission → revision →
// watch → queue → work → done. Told only while somebody listens; who reads too slowly is told how much he has missed. Called
// by own-paths.ts.

import { prefixOf } from '../../apiserver/storage/keys.ts'
import type { StorageEvent } from '../../apiserver/storage/storage.ts'
import type { Pod } from '../../generated/types.ts'
import type { Cause } from '../api/cause.ts'
import type { Frozen } from '../api/meta.ts'
import { rfc3339Milli } from '../api/time.ts'
import type { Cluster } from '../cluster.ts'
import type { Passage, Place } from '../env/traffic.ts'
import { Pods } from '../kinds/pod.ts'
import { nameOf, placeOf } from '../timeline.ts'

/** One thing that passed; what it has depends on the step. */
export interface Passed {
  readonly step: Passage['step'] | 'revision'
  readonly time: string
  /** Where: `apiserver`, `store`, `watch`, or a worker's name. */
  readonly station: string
  /** What it is about: of a queue, what woke the worker. */
  readonly object?: Place
  /** Of a worker: its key, and the node whose kubelet it is. */
  readonly key?: string
  readonly node?: string
  readonly user?: string
  readonly by?: string
  readonly verb?: string
  readonly type?: StorageEvent['type']
  readonly cause?: Cause
  readonly code?: number
  readonly message?: string
  /** Of work that is done: it comes back after so many milliseconds. */
  readonly again?: number
}

export interface PassingQuery {
  /** Only what is about this object, and what it brings about. */
  readonly resource?: string | undefined
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** Only what these do, or what is done for them. */
  readonly station?: string | undefined
  /** Also Events, leases and what concerns them. */
  readonly all?: boolean
}

const mostKept = 1_000

/** Texts of whole lines, each `{"type":"BEGIN"|"EVENT"|"MISSED",…}`; ends with the signal. */
export async function* passing(cluster: Cluster, query: PassingQuery, signal: AbortSignal): AsyncGenerator<string> {
  const { storage, env } = cluster
  const isMeant = meant(cluster, query)
  let kept: string[] = []
  let missed = 0
  let wake: (() => void) | undefined
  const add = (passed: Omit<Passed, 'time'>): void => {
    if (!isMeant(passed)) return
    if (kept.length >= mostKept) missed++
    else kept.push(`${JSON.stringify({ type: 'EVENT', object: { time: rfc3339Milli(env.clock.now()), ...passed } })}\n`)
    wake?.()
  }
  const stopStore = storage.subscribe('', storage.revision, events => {
    for (const event of events) add(revised(event))
  })
  const stopTraffic = env.traffic.watch(passage => add(passedAs(cluster, passage)))
  const end = (): void => wake?.()
  signal.addEventListener('abort', end, { once: true })
  try {
    const begun = { time: rfc3339Milli(env.clock.now()), revision: storage.revision }
    yield `${JSON.stringify({ type: 'BEGIN', object: begun })}\n`
    while (!signal.aborted) {
      if (kept.length === 0) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
        wake = undefined
        // What goes on in the same turn of the event loop goes out together.
        await new Promise(resolve => setImmediate(resolve))
        continue
      }
      const text = kept.join('')
      const gap = missed === 0 ? '' : `${JSON.stringify({ type: 'MISSED', missed })}\n`
      kept = []
      missed = 0
      yield text + gap
    }
  } finally {
    stopStore()
    stopTraffic()
    signal.removeEventListener('abort', end)
  }
}

function revised(event: StorageEvent): Omit<Passed, 'time'> {
  const { key, stored, type, revision, note } = event
  const { resource, namespace, name } = nameOf(key, stored.object)
  const { cause } = note ?? {}
  const { by, user, verb } = cause ?? {}
  return {
    step: 'revision',
    station: 'store',
    type,
    object: { resource, namespace, name, revision },
    ...(by && { by }),
    ...(user && { user }),
    ...(verb && { verb }),
    ...(cause && { cause }),
  }
}

function passedAs(cluster: Cluster, passage: Passage): Omit<Passed, 'time'> {
  switch (passage.step) {
    case 'request':
    case 'refusal':
    case 'admission':
      return { station: 'apiserver', ...passage }
    case 'watch':
      return { station: 'watch', ...passage }
    case 'queue': {
      const { step, worker, key, woken } = passage
      return { step, station: worker, key, object: woken, ...nodeOf(cluster, worker, key) }
    }
    case 'work':
    case 'done': {
      const { step, worker, key, of, again, fault } = { again: undefined, fault: undefined, ...passage }
      return {
        step,
        station: worker,
        key,
        ...(of && { object: of }),
        ...(again !== undefined && { again }),
        ...(fault !== undefined && { message: fault }),
        ...nodeOf(cluster, worker, key),
      }
    }
  }
}

/** The kubelets of all nodes share a queue of pods; whose turn it is, the pod says. */
function nodeOf({ storage }: Cluster, worker: string, key: string): { node?: string } {
  if (worker !== 'kubelet') return {}
  const pod = storage.get(prefixOf(Pods) + key)?.object as Frozen<Pod> | undefined
  return pod?.spec.nodeName ? { node: pod.spec.nodeName } : {}
}

const chatter: ReadonlySet<string> = new Set(['events', 'leases.coordination.k8s.io'])
/** Said by every node every few seconds, and by nobody else. */
const chatterers: ReadonlySet<string> = new Set(['node-heartbeat'])

function meant({ storage }: Cluster, query: PassingQuery): (passed: Omit<Passed, 'time'>) => boolean {
  const { resource, namespace, name, station, all = false } = query
  const isWanted = (place: Place): boolean =>
    (resource === undefined || place.resource === resource || place.resource.startsWith(`${resource}/`)) &&
    (namespace === undefined || place.namespace === namespace) &&
    // What asks for all of them, or brings a new one, names none.
    (name === undefined || place.name === name || place.name === '')
  const isFiltered = resource !== undefined || namespace !== undefined || name !== undefined
  /** What was made for an object that is wanted is wanted as well. */
  const brought = new Set<string>()
  const concerns = (place: Place | undefined): boolean =>
    place !== undefined && (isWanted(place) || brought.has(wordOf(place)))
  const follow = (place: Place, cause: Cause | undefined, isNew: boolean): void => {
    if (isNew && concerns(cause?.of)) brought.add(wordOf(place))
  }
  if (isFiltered) {
    for (const { type, key, note } of storage.events()) follow(placeOf(key), note?.cause, type === 'ADDED')
  }
  return passed => {
    const { object, cause, by } = passed
    if (!all && (chatterers.has(passed.station) || (object !== undefined && chatter.has(object.resource)))) return false
    if (station !== undefined && passed.station !== station && by !== station) return false
    if (!isFiltered) return true
    if (object !== undefined && passed.step === 'revision') follow(object, cause, passed.type === 'ADDED')
    return concerns(object) || concerns(cause?.of) || concerns(cause?.woken)
  }
}

const wordOf = ({ resource, namespace = '', name }: Place): string => `${resource} ${namespace} ${name}`
