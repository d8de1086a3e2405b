// get and list: from memory, at the present or at an earlier revision. Called by registry.ts for both doors; what goes out
// is the stored object itself with the bytes it has already.

import {
  type ApiError,
  badRequest,
  type FieldError,
  forbiddenField,
  invalid,
  isExpired,
  notFound,
  notSupported,
} from '../../src/api/errors.ts'
import type { Ref } from '../../src/api/meta.ts'
import type { ListOptions } from '../../src/client/client.ts'
import type { Revision, Storage, Stored } from '../storage/storage.ts'
import type { Collection } from './collection.ts'
import { type Continuation, ContinueExpired, decodeContinue, encodeContinue } from './continue-token.ts'
import type { ListRequest, Reading, ReadingList } from './registry.ts'
import { listTooOld, parseResourceVersion, requireRevision } from './resource-version.ts'
import { type Selection, selectionOf } from './selection.ts'

export function get(collection: Collection, ref: Ref, resourceVersion: string | undefined): Reading {
  if (resourceVersion) requireRevision(parseResourceVersion(resourceVersion), collection.storage.revision)
  const stored = collection.storage.get(collection.keyOf(ref))
  if (stored === undefined) throw notFound(collection.kind, ref.name)
  return collection.reading(stored)
}

export function list(collection: Collection, options: ListRequest): ReadingList {
  checkListOptions(options)
  const { storage } = collection
  const prefix = collection.prefixOf(options.namespace)
  const limit = limitOf(options)
  const continuation = options.continue ? decodeContinue(options.continue, prefix) : undefined
  const at = continuation
    ? continuedAt(continuation, options, storage.revision)
    : revisionOf(options, limit !== undefined, storage.revision)
  const selection = selectionOf(collection, options)
  const isPresent = at === undefined || at === storage.revision
  const candidates = isPresent
    ? presentCandidates(collection, selection)
    : pastCandidates(collection, selection, at, continuation, prefix)
  const resourceVersion = String(at ?? storage.revision)
  const first = continuation ? firstFrom(candidates, continuation.from) : 0
  if (limit === undefined && first === 0 && selection.isEmpty) {
    return { items: candidates.map(collection.reading), resourceVersion }
  }
  const items: Reading[] = []
  let last: Stored | undefined
  for (let index = first; index < candidates.length; index++) {
    const stored = candidates[index]!
    if (!selection.has(stored)) continue
    if (items.length === limit) {
      return {
        items,
        resourceVersion,
        continue: encodeContinue(last!.key, prefix, at ?? storage.revision),
        ...(selection.isEmpty ? { remainingItemCount: candidates.length - index } : {}),
      }
    }
    items.push(collection.reading(stored))
    last = stored
  }
  return { items, resourceVersion }
}

/** Whoever takes any revision gets all at once, as from upstream's cache (pkg/storage/cacher/cacher.go, computeListLimit). */
function limitOf({ limit, resourceVersion, continue: from }: ListOptions): number | undefined {
  if (limit === undefined || limit <= 0) return undefined
  return resourceVersion === '0' && !from ? undefined : limit
}

/** What could be selected, by the quickest way there is to find it. */
export function presentCandidates({ storage }: Collection, selection: Selection): readonly Stored[] {
  if (selection.key !== undefined) {
    const stored = storage.get(selection.key)
    return stored ? [stored] : []
  }
  const term = rarest(storage, selection)
  return term === undefined ? storage.list(selection.prefix) : storage.withTerm(selection.prefix, term)
}

function rarest(storage: Storage, { prefix, terms }: Selection): string | undefined {
  let found = terms[0]
  if (terms.length < 2) return found
  let least = Number.POSITIVE_INFINITY
  for (const term of terms) {
    const count = storage.countWithTerm(prefix, term)
    if (count < least) {
      least = count
      found = term
    }
  }
  return found
}

function pastCandidates(
  { storage }: Collection,
  selection: Selection,
  at: Revision,
  continuation: Continuation | undefined,
  prefix: string,
): readonly Stored[] {
  try {
    return storage.list(selection.prefix, at)
  } catch (error) {
    if (!isExpired(error)) throw error
    throw continuation ? new ContinueExpired(continuation, prefix) : listTooOld()
  }
}

function firstFrom(sorted: readonly Stored[], key: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]!.key < key) low = middle + 1
    else high = middle
  }
  return low
}

function continuedAt({ at }: Continuation, options: ListOptions, current: Revision): Revision | undefined {
  if (options.resourceVersion && options.resourceVersion !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue')
  }
  if (at < 0) return undefined
  requireRevision(at, current)
  return at
}

/**
 * The revision at which to read, or undefined for the present. What need only be not older is read at the present; without
 * a match rule a limit makes the revision exact (k8s.io/apiserver/pkg/storage/interfaces.go, ValidateListOptions).
 */
function revisionOf(options: ListOptions, isPaged: boolean, current: Revision): Revision | undefined {
  const asked = parseResourceVersion(options.resourceVersion)
  requireRevision(asked, current)
  const isExact =
    options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === undefined && isPaged && asked > 0)
  return isExact ? asked : undefined
}

/** k8s.io/apimachinery/pkg/apis/meta/internalversion/validation/validation.go. */
function checkListOptions(options: ListRequest): void {
  const match: string | undefined = options.resourceVersionMatch
  if (!match && options.sendInitialEvents === undefined) return
  const faults = match ? matchFaults(options, match) : []
  if (options.sendInitialEvents !== undefined) {
    faults.push(forbiddenField('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  }
  if (faults.length > 0) throw invalidListOptions(faults)
}

function matchFaults(options: ListOptions, match: string): FieldError[] {
  const faults: FieldError[] = []
  const path = 'resourceVersionMatch'
  if (!options.resourceVersion) {
    faults.push(forbiddenField(path, 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
  }
  if (options.continue) {
    faults.push(forbiddenField(path, 'resourceVersionMatch is forbidden when continue is provided'))
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    faults.push(notSupported(path, match, ['Exact', 'NotOlderThan', '']))
  }
  if (match === 'Exact' && options.resourceVersion === '0') {
    faults.push(forbiddenField(path, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  return faults
}

export function invalidListOptions(faults: readonly FieldError[]): ApiError {
  return invalid({ group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }, '', faults)
}
