// delete and deletecollection: grace, finalizers, preconditions, propagation. Called by registry.ts and, for evictions, by
// eviction.ts. Rules: k8s.io/apiserver pkg/registry/rest/delete.go and generic/registry/store.go; Namespaces end by
// pkg/registry/core/namespace/storage/storage.go.

import {
  type ApiError,
  conflict,
  invalid,
  isNotFound,
  methodNotSupported,
  notFound,
  notSupported,
  type Status,
} from '../../src/api/errors.ts'
import { freeze, draft as thaw } from '../../src/api/freeze.ts'
import { jsonEqual } from '../../src/api/json-equal.ts'
import type { Frozen, KubeObject, ObjectMeta, Ref } from '../../src/api/meta.ts'
import { parseTime, rfc3339 } from '../../src/api/time.ts'
import type { DeleteOptions, Selectors } from '../../src/client/client.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Decision, Stored } from '../storage/storage.ts'
import { type Collection, readingOf } from './collection.ts'
import { foregroundFinalizer, orphanFinalizer } from './metadata.ts'
import { list } from './read.ts'
import type { Reading, ReadingList, RequestInfo, Wrote } from './registry.ts'
import { inTurns } from './turns.ts'
import { requestOf } from './write.ts'

export async function remove(
  collection: Collection,
  ref: Ref,
  options: DeleteOptions,
  info: RequestInfo,
): Promise<Wrote> {
  const { kind, env } = collection
  checkDeleteOptions(options)
  let outcome: Frozen<KubeObject> | undefined
  let isGone = false
  const written = await inTurns(collection, collection.keyOf(ref), info, (current, present, turns) => {
    if (current === undefined) throw notFound(kind, ref.name)
    checkPreconditions(collection, current, options)
    const old = collection.shown(current.object)
    const about = requestOf(collection, old, old, undefined, options, info, present, undefined)
    const request = { ...about, operation: 'DELETE' } as const
    for (const plugin of collection.admission) plugin.check?.(old, request)
    const asking = turns && (turns.round.mutate(old, request) ?? turns.round.validate(undefined, request))
    if (asking) return { awaiting: async () => void (await asking()) }
    const decision = decide(collection, current, options, env.clock.now())
    isGone = 'remove' in decision
    if (options.dryRun) outcome = 'put' in decision ? (freeze(decision.put) as Frozen<KubeObject>) : current.object
    return options.dryRun ? { keep: true } : decision
  })
  const reading = outcome
    ? readingOf(collection.shown(outcome), written.stored.managedFields)
    : collection.reading(written.stored)
  const showsObject = !isGone || returnsDeleted.has(kind.resource)
  return {
    reading: showsObject ? reading : success(collection, written.stored.object.metadata),
    code: 200,
    gone: isGone,
  }
}

/** Kinds whose deletion answers with the object itself (ReturnDeletedObject in their storage.go). */
const returnsDeleted: ReadonlySet<string> = new Set([
  'namespaces',
  'pods',
  'podtemplates',
  'serviceaccounts',
  'services',
])

function success({ kind }: Collection, { name, uid }: Frozen<ObjectMeta>): Reading {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...(kind.group ? { group: kind.group } : {}), kind: kind.plural, ...(uid ? { uid } : {}) },
  }
  return readingOf(status as unknown as Frozen<KubeObject>)
}

function decide(collection: Collection, current: Stored, options: DeleteOptions, now: Millis): Decision {
  if (collection.kind.resource === 'namespaces') {
    const decision = decideNamespace(current, now)
    if (decision !== undefined) return decision
  }
  const { metadata } = current.object
  const next = thaw(current.object) as KubeObject
  const { beginEnding } = collection.kind
  if (beginEnding !== undefined && metadata.deletionTimestamp === undefined) {
    beginEnding(next, now)
    return { put: next }
  }
  const time = timeLeft(collection, current, options, next.metadata, now)
  if (time === 'pending') return { keep: true }
  setPropagation(collection, next.metadata, metadata, options)
  if (!next.metadata.finalizers?.length) return time > 0 ? { put: next } : { remove: true }
  if (time === 0) markEnding(next.metadata, metadata, now)
  return jsonEqual(next.metadata, metadata) ? { keep: true } : { put: next }
}

/** A namespace first ends for its contents: nobody may create in it; it goes once its own finalizers are gone. */
function decideNamespace(current: Stored, now: Millis): Decision | undefined {
  const { metadata, spec } = current.object as Frozen<KubeObject & { spec: { finalizers?: string[] } }>
  if (metadata.deletionTimestamp !== undefined) return spec.finalizers?.length ? { keep: true } : undefined
  const next = thaw(current.object) as KubeObject & { status?: { phase?: string } }
  next.metadata.deletionTimestamp = rfc3339(now)
  next.status = { ...next.status, phase: 'Terminating' }
  return { put: next }
}

/**
 * How long the object may live on, in seconds, noted in the draft's metadata when that is news; `pending`: its end is set
 * already, and not to be moved (rest.BeforeDelete: a grace period may only be shortened).
 */
function timeLeft(
  { kind, shown }: Collection,
  current: Stored,
  options: DeleteOptions,
  draft: ObjectMeta,
  now: Millis,
): number | 'pending' {
  if (kind.gracePeriod === undefined) return 0
  const asked = options.gracePeriodSeconds === undefined ? undefined : wholeSeconds(options.gracePeriodSeconds)
  const { deletionTimestamp, deletionGracePeriodSeconds } = draft
  if (deletionTimestamp === undefined) {
    const period = kind.gracePeriod(shown(current.object), asked)
    draft.deletionTimestamp = rfc3339(now + period * 1000)
    draft.deletionGracePeriodSeconds = period
    if (draft.generation) draft.generation++
    return period
  }
  if (!deletionGracePeriodSeconds) return 0
  if (asked === undefined || asked >= deletionGracePeriodSeconds) return 'pending'
  const end = parseTime(deletionTimestamp) + (asked - deletionGracePeriodSeconds) * 1000
  draft.deletionTimestamp = rfc3339(Math.max(end, now))
  draft.deletionGracePeriodSeconds = end < now && asked !== 0 ? 1 : asked
  return asked
}

/** Upstream takes a negative period for one second. */
const wholeSeconds = (seconds: number): number => (seconds < 0 ? 1 : Math.trunc(seconds))

/** What is held by finalizers only is marked as ending now (store.go, markAsDeleting). */
function markEnding(draft: ObjectMeta, old: Frozen<ObjectMeta>, now: Millis): void {
  if (old.deletionTimestamp === undefined && draft.generation && draft.generation === old.generation) {
    draft.generation++
  }
  if (draft.deletionTimestamp === undefined || parseTime(draft.deletionTimestamp) > now) {
    draft.deletionTimestamp = rfc3339(now)
  }
  draft.deletionGracePeriodSeconds = 0
}

/** Foreground and Orphan are finalizers that the garbage collector works off; Background has none. */
function setPropagation(
  { kind }: Collection,
  draft: ObjectMeta,
  old: Frozen<ObjectMeta>,
  options: DeleteOptions,
): void {
  const held = old.finalizers ?? []
  const policy =
    options.propagationPolicy ??
    (held.includes(orphanFinalizer)
      ? 'Orphan'
      : held.includes(foregroundFinalizer)
        ? 'Foreground'
        : (kind.defaultPropagation ?? 'Background'))
  const finalizers = held.filter(each => each !== orphanFinalizer && each !== foregroundFinalizer)
  if (policy === 'Orphan') finalizers.push(orphanFinalizer)
  if (policy === 'Foreground') finalizers.push(foregroundFinalizer)
  const isSame = finalizers.length === held.length && finalizers.every(each => held.includes(each))
  if (isSame) return
  if (finalizers.length > 0) draft.finalizers = finalizers
  else delete draft.finalizers
}

export function checkPreconditions({ kind }: Collection, current: Stored, { preconditions }: DeleteOptions): void {
  if (preconditions === undefined) return
  const { name, uid, resourceVersion } = current.object.metadata
  // Upstream puts the kind where the resource should be.
  const about = { ...kind, plural: kind.kind }
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`
    throw conflict(about, name, why)
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`
    throw conflict(about, name, why)
  }
}

function checkDeleteOptions({ propagationPolicy }: DeleteOptions): void {
  const known = ['Foreground', 'Background', 'Orphan']
  if (propagationPolicy === undefined || known.includes(propagationPolicy)) return
  const about = { group: 'meta.k8s.io', plural: 'deleteoptions', kind: 'DeleteOptions' }
  throw invalid(about, '', [notSupported('propagationPolicy', propagationPolicy, [...known, 'nil'])])
}

export async function removeCollection(
  collection: Collection,
  where: Selectors & { namespace?: string | undefined; limit?: number | undefined },
  options: DeleteOptions,
  info: RequestInfo,
): Promise<ReadingList> {
  const { kind } = collection
  if (kind.withoutVerbs?.includes('deletecollection')) throw methodNotSupported(kind, 'deletecollection')
  checkDeleteOptions(options)
  const found = list(collection, where)
  const outcomes = await Promise.allSettled(
    found.items.map(({ object }) => remove(collection, object.metadata, options, info)),
  )
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected' && !isNotFound(outcome.reason)) throw outcome.reason as ApiError
  }
  return found
}
