// The timeline: what happened, read out of the store's log: by whom, in answer to what, and what it changed; two revisions held
// against each other; which revision it was at a time. Called by own-paths.ts and the library. What the store has
// forgotten cannot be told: ApiError Expired.

import type { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { StorageEvent } from '../apiserver/storage/storage.ts'
import { parseDuration } from '../kubelet-sim/duration.ts'
import type { Cause } from './api/cause.ts'
import { badRequest, expired } from './api/errors.ts'
import { type FieldChange, fieldChanges } from './api/field-changes.ts'
import type { Frozen, KubeObject } from './api/meta.ts'
import { isTime, parseTime, rfc3339Milli } from './api/time.ts'
import type { Millis } from './env/clock.ts'

/** One write: what it did to which object, when, by whom and in answer to what. */
export interface Happening {
  readonly revision: number
  /** Undefined when it was not kept. */
  readonly time?: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: ObjectName
  readonly cause?: Cause
  /** Of one that was there before. */
  readonly changes: readonly FieldChange[]
}

export interface ObjectName {
  /** `pods`, `deployments.apps` */
  readonly resource: string
  readonly kind: string
  readonly namespace?: string
  readonly name: string
  readonly uid?: string
}

/** Which part of what happened. */
export interface TimelineQuery {
  /** After this revision; default: all that is kept. */
  readonly from?: number
  readonly to?: number
  readonly namespace?: string
  /** `pods`, `deployments.apps`, or without the group. */
  readonly resource?: string
  readonly name?: string
  /** Also what is said all the time, or twice: Events, leases. */
  readonly all?: boolean
  /** Only the last so many. */
  readonly limit?: number
}

/** What happened between two revisions, oldest first. */
export interface Timeline {
  readonly kind: 'Timeline'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly from: number
  readonly to: number
  /** Whether earlier ones were left off. */
  readonly isCut: boolean
  readonly items: readonly Happening[]
}

export interface Difference {
  readonly kind: 'RevisionDiff'
  readonly apiVersion: 'kubesim.dev/v1alpha1'
  readonly from: RevisionAt
  readonly to: RevisionAt
  readonly items: readonly (Omit<Happening, 'cause' | 'time' | 'revision'> & { readonly revision: number })[]
}

export interface RevisionAt {
  readonly revision: number
  readonly time?: string
}

const apiVersion = 'kubesim.dev/v1alpha1'
const chatter: ReadonlySet<string> = new Set(['events', 'leases.coordination.k8s.io'])

export function timeline(store: RevisionStore, query: TimelineQuery = {}): Timeline {
  const from = Math.max(query.from ?? store.compacted, 1)
  const to = Math.min(query.to ?? store.revision, store.revision)
  const { limit = Number.POSITIVE_INFINITY } = query
  const found = store.events(from).filter(event => event.revision <= to && isAsked(event, query))
  const shown = found.slice(Math.max(0, found.length - limit))
  return {
    kind: 'Timeline',
    apiVersion,
    from,
    to,
    isCut: shown.length < found.length,
    items: shown.map(happening),
  }
}

export function happening(event: StorageEvent): Happening {
  const { type, revision, note } = event
  return {
    revision,
    ...(note ? { time: rfc3339Milli(note.at) } : {}),
    type,
    object: nameOf(event.key, event.stored.object),
    ...(note?.cause ? { cause: note.cause } : {}),
    changes: type === 'MODIFIED' ? changesOf(event.previous?.object, event.stored.object) : [],
  }
}

/** Added, changed and deleted between the two. */
export function difference(store: RevisionStore, from: number, to: number, query: TimelineQuery = {}): Difference {
  if (from > to) throw badRequest(`revision ${from} is later than ${to}`)
  const first = new Map<string, StorageEvent>()
  const last = new Map<string, StorageEvent>()
  for (const event of store.events(Math.max(from, 1))) {
    if (event.revision > to) break
    if (!isAsked(event, query)) continue
    if (!first.has(event.key)) first.set(event.key, event)
    last.set(event.key, event)
  }
  const items: Difference['items'][number][] = []
  for (const [key, { previous }] of first) {
    const { type: lastType, stored, revision } = last.get(key)!
    const before = previous?.object
    const after = lastType === 'DELETED' ? undefined : stored.object
    if (before === undefined && after === undefined) continue
    const object = nameOf(key, after ?? before!)
    const type = before === undefined ? 'ADDED' : after === undefined ? 'DELETED' : 'MODIFIED'
    const changes = type === 'MODIFIED' ? changesOf(before, after) : []
    if (type !== 'MODIFIED' || changes.length > 0) items.push({ type, revision, object, changes })
  }
  items.sort((one, other) => (orderOf(one.object) < orderOf(other.object) ? -1 : 1))
  return { kind: 'RevisionDiff', apiVersion, from: revisionAt(store, from), to: revisionAt(store, to), items }
}

export function revisionAt(store: RevisionStore, revision: number): RevisionAt {
  const time = store.timeOf(revision)
  return { revision, ...(time === undefined ? {} : { time: rfc3339Milli(time) }) }
}

/** `123`, `now`, `now-20` (so many revisions ago; `-20` too), `5m-ago`, or a time. Throws ApiError BadRequest, Expired. */
export function revisionOf(store: RevisionStore, words: string, now: Millis): number {
  if (words === 'now') return store.revision
  if (/^\d+$/.test(words)) return within(store, Number(words))
  if (/^(now)?-\d+$/.test(words)) return within(store, store.revision + Number(words.replace('now', '')))
  const span = words.endsWith('-ago') ? parseDuration(words.slice(0, -'-ago'.length)) : undefined
  const at = span !== undefined ? now - span : isTime(words) ? parseTime(words) : undefined
  if (at === undefined) {
    throw badRequest(`"${words}" is no point in time: 123 (a revision), now, now-20, 5m-ago or 2024-01-01T12:00:00Z`)
  }
  return revisionAtTime(store, at)
}

function within(store: RevisionStore, revision: number): number {
  const { compacted, revision: present } = store
  if (revision < compacted) throw forgotten(store, `revision ${revision}`)
  if (revision > present) throw badRequest(`revision ${revision} is yet to come: the present is ${present}`)
  return revision
}

/** The last that was written by then. */
function revisionAtTime(store: RevisionStore, at: Millis): number {
  const events = store.events()
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((events[middle]!.note?.at ?? 0) <= at) low = middle + 1
    else high = middle
  }
  // Before a store's first write there was nothing; before the first that is kept nobody knows.
  if (low === 0 && store.compacted > 1) throw forgotten(store, rfc3339Milli(at))
  return store.compacted + low
}

function forgotten(store: RevisionStore, what: string): Error {
  const { revision, time } = revisionAt(store, store.compacted + 1)
  return expired(`${what} is forgotten: history goes back to revision ${revision - 1}${time ? ` (${time})` : ''}`)
}

function isAsked({ key }: StorageEvent, { namespace, resource, name, all }: TimelineQuery): boolean {
  const place = placeOf(key)
  if (namespace !== undefined && place.namespace !== namespace) return false
  if (resource !== undefined && place.resource !== resource && place.plural !== resource) return false
  if (name !== undefined && place.name !== name) return false
  return all === true || resource !== undefined || !chatter.has(place.resource)
}

/** `/registry/apps/deployments/default/web` */
export function placeOf(key: string): { plural: string; resource: string; namespace?: string; name: string } {
  const [group, plural = '', ...rest] = key.split('/').slice(2)
  const resource = group === 'core' ? plural : `${plural}.${group}`
  return rest.length > 1
    ? { plural, resource, namespace: rest[0]!, name: rest[1]! }
    : { plural, resource, name: rest[0]! }
}

export function nameOf(key: string, { kind, metadata }: Frozen<KubeObject>): ObjectName {
  const { resource, namespace, name } = placeOf(key)
  const { uid } = metadata
  return { resource, kind, ...(namespace ? { namespace } : {}), name, ...(uid ? { uid } : {}) }
}

const orderOf = ({ resource, namespace = '', name }: ObjectName): string => `${resource} ${namespace} ${name}`

/** What a Secret holds is shown to nobody here: who may read the timeline need not be one who may read Secrets. */
function changesOf(before: Frozen<KubeObject> | undefined, after: Frozen<KubeObject> | undefined): FieldChange[] {
  const changes = fieldChanges(before, after)
  if (after?.kind !== 'Secret') return changes
  return changes.map(change => {
    if (!/^(data|stringData)\b|last-applied-configuration/.test(change.path)) return change
    return {
      path: change.path,
      ...('before' in change ? { before: '***' } : {}),
      ...('after' in change ? { after: '***' } : {}),
    }
  })
}
