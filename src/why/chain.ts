// The chain of causes: from what somebody outside asked for to the object at hand, and what became of the object since. Read
// out of the store's log; what the store has forgotten ends the chain, and that is said. Called by own-paths.ts and the library.

import type { RevisionStore } from '../../apiserver/storage/revision-store.ts'
import type { StorageEvent } from '../../apiserver/storage/storage.ts'
import type { CoreV1Event } from '../../generated/types.ts'
import type { DecisionRecord } from '../../scheduler/decisions.ts'
import type { ObjectAt } from '../api/cause.ts'
import type { Frozen, KubeObject } from '../api/meta.ts'
import { Events } from '../kinds/event.ts'
import { type Happening, happening, type ObjectName } from '../timeline.ts'

/** Why an object is there and as it is. */
export interface Why {
  readonly kind: 'Why'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly object: ObjectName
  /** False: it is gone, and this is what is still known of it. */
  readonly isThere: boolean
  /** From the first cause to the object's creation. */
  readonly chain: readonly Happening[]
  /** The beginning of the chain is forgotten: nothing is known from before this revision. */
  readonly forgottenBefore?: number
  /** What was written to the object since, oldest first, and what was said of it. */
  readonly since: readonly (Happening | Said)[]
  /** How the scheduler came to place it, or not to. */
  readonly decision?: DecisionRecord
}

/** An Event about the object. */
export interface Said {
  readonly type: 'Normal' | 'Warning'
  readonly time: string
  readonly by: string
  readonly reason: string
  readonly message: string
  readonly count: number
}

const longestChain = 20

/** Undefined when neither the present nor the past has such an object. `key`: where it is kept. */
export function whyOf(store: RevisionStore, key: string): Omit<Why, 'decision'> | undefined {
  const events = store.events()
  const own = events.filter(event => event.key === key)
  const last = own.at(-1)
  const present = store.get(key)
  if (last === undefined && present === undefined) return undefined
  const stored = present ?? last!.stored
  // Of several lives of one name the last counts.
  const born = own.findLastIndex(({ type }) => type === 'ADDED')
  const life = own.slice(Math.max(born, 0))
  const index = new Index(events)
  const chain: StorageEvent[] = []
  let isForgotten = born < 0
  for (let at: StorageEvent | undefined = own[born]; at !== undefined && chain.length < longestChain; ) {
    chain.unshift(at)
    const of = at.note?.cause?.of
    if (of?.revision === undefined || index.keyOf(of) === at.key) break
    at = index.meantBy(of)
    isForgotten = at === undefined
  }
  const since = [...life.slice(born < 0 ? 0 : 1).map(happening), ...saidOf(store, stored.object)].sort((one, other) =>
    timeOf(one) < timeOf(other) ? -1 : timeOf(one) > timeOf(other) ? 1 : 0,
  )
  const { object } = happening(
    last ?? { type: 'MODIFIED', key, revision: stored.revision, stored, previous: undefined },
  )
  return {
    kind: 'Why',
    apiVersion: 'kubesim.dev/v1alpha1',
    object,
    isThere: present !== undefined,
    chain: chain.map(happening),
    ...(isForgotten ? { forgottenBefore: store.compacted } : {}),
    since,
  }
}

const timeOf = (each: Happening | Said): string => each.time ?? ''

/** Events of the window by object. */
class Index {
  readonly #byKey = new Map<string, StorageEvent[]>()

  constructor(events: readonly StorageEvent[]) {
    for (const event of events) {
      const list = this.#byKey.get(event.key)
      if (list === undefined) this.#byKey.set(event.key, [event])
      else list.push(event)
    }
  }

  keyOf({ resource, namespace, name }: ObjectAt): string {
    const dot = resource.indexOf('.')
    const place = dot < 0 ? `core/${resource}` : `${resource.slice(dot + 1)}/${resource.slice(0, dot)}`
    return namespace ? `/registry/${place}/${namespace}/${name}` : `/registry/${place}/${name}`
  }

  /**
   * What made the object such that it was acted upon: not the status that its own controller wrote just before, but the last
   * time by then that somebody said what it should be.
   */
  meantBy(of: ObjectAt): StorageEvent | undefined {
    const until = (this.#byKey.get(this.keyOf(of)) ?? []).filter(({ revision }) => revision <= of.revision!)
    return until.findLast(saysWhatIsWanted)
  }
}

/** A creation, or a change of something else than status and what goes with it. */
function saysWhatIsWanted(event: StorageEvent): boolean {
  if (event.type !== 'MODIFIED') return event.type === 'ADDED'
  return happening(event).changes.some(
    ({ path }) =>
      !path.startsWith('status') && !path.startsWith('metadata.annotations') && path !== 'metadata.finalizers',
  )
}

function saidOf(store: RevisionStore, { metadata }: Frozen<KubeObject>): Said[] {
  const prefix = `/registry/core/${Events.plural}/${metadata.namespace ?? 'default'}/`
  return (
    store
      .list(prefix)
      .map(({ object }) => object as unknown as Frozen<CoreV1Event>)
      .filter(({ involvedObject }) => involvedObject.uid === metadata.uid && metadata.uid !== undefined)
      // Of one second in the order in which they were said last.
      .sort((one, other) => Number(one.metadata.resourceVersion) - Number(other.metadata.resourceVersion))
      .map(({ type, reason, message, count, lastTimestamp, eventTime, source, reportingComponent }) => ({
        type: type === 'Warning' ? 'Warning' : 'Normal',
        time: String(lastTimestamp ?? eventTime ?? ''),
        by: source?.component || reportingComponent || '',
        reason: reason ?? '',
        message: message ?? '',
        count: count ?? 1,
      }))
  )
}
