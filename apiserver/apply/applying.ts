// Server-side apply: a configuration into an object, and who owns what then. What its manager applied before and applies no
// more is removed, unless somebody else owns it; what others own and it would change is a conflict, unless it is forced.
// Called by registry/apply.ts. Rules: structured-merge-diff merge/update.go (Updater.Apply, prune) and apimachinery's managers
// around it. Pure.

import { jsonEqual } from '../../src/api/json-equal.ts'
import { FieldSet } from './field-set.ts'
import {
  Fields,
  identifierOf,
  isSameManager,
  type ManagedEntries,
  type ManagedEntry,
  sorted,
} from './managed-fields.ts'
import { merge } from './merge.ts'
import { fieldsOf, withNamedFields } from './owned.ts'
import { removeFields } from './remove.ts'
import { Comparisons, entryOf, stripped, trackUpdate, type Versions, type Writer, withoutTouched } from './tracking.ts'
import type { Members, Type } from './typed.ts'

export interface Conflict {
  readonly with: ManagedEntry
  readonly path: readonly string[]
}

export interface Applied {
  /** Undefined when the object is already as it should be. */
  readonly object: Members | undefined
  readonly entries: ManagedEntries
}

export type ApplyOutcome = Applied | { readonly conflicts: readonly Conflict[] }

/** `live`: what there is, or an empty object. `config` has been found in order by check.ts. */
export function apply(
  versions: Versions,
  live: Members,
  config: Members,
  tracked: ManagedEntries,
  writer: Writer,
  force: boolean,
): ApplyOutcome {
  const entries = tracked.length > 0 ? tracked : beforeFirst(versions, live, writer)
  const { apiVersion, type } = versions
  const self: Omit<ManagedEntry, 'fields'> = { ...writer, operation: 'Apply', apiVersion }
  const last = entries.find(entry => isSameManager(entry, self))
  const mine = { ...entryOf(self, ownedBy(type, config, writer)), time: last?.time }
  const others = entries.filter(entry => entry !== last)
  let next = merge(type, live, config) as Members
  if (last !== undefined) next = pruned(versions, next, last, [...others, mine])

  const comparing = new Comparisons(versions, live, next, writer)
  if (!force) {
    const conflicts = others.flatMap(entry => conflictsWith(entry, comparing))
    if (conflicts.length > 0) return { conflicts: conflicts.sort(byIdentifier) }
  }
  const kept = withoutTouched(others, comparing)
  const isSame = jsonEqual(live, next)
  const set = mine.fields.set.difference(stripped)
  if (!set.isEmpty) kept.push({ ...mine, time: isSame ? mine.time : writer.time, fields: Fields.of(set) })
  return { object: isSame ? undefined : next, entries: sorted(kept) }
}

/** What was there before anything was tracked is somebody's, too (skipnonapplied.go). */
function beforeFirst(versions: Versions, live: Members, writer: Writer): ManagedEntries {
  const { apiVersion, kind } = live
  return trackUpdate(
    versions,
    { apiVersion, kind, ...emptyObject(versions.type) },
    live,
    [],
    { ...writer, manager: 'before-first-apply' },
    true,
  )
}

/** What Go's empty object of a type has: its structs that are values, and what is in them. */
export function emptyObject(type: Type): Members {
  const empty: Record<string, unknown> = {}
  for (const [name, value] of type?.alwaysWritten ?? []) {
    empty[name] = value === null ? null : emptyObject(type!.field(name))
  }
  return empty
}

function ownedBy(type: Type, config: Members, { without, below }: Writer): FieldSet {
  const set = fieldsOf(type, config).recursiveDifference(FieldSet.of(...[...without].map(name => [`f:${name}`])))
  return below === undefined ? set : set.recursiveDifference(below)
}

function conflictsWith(entry: ManagedEntry, comparing: Comparisons): Conflict[] {
  const comparison = comparing.in(entry.apiVersion)
  if (comparison === undefined) return []
  const set = entry.fields.set.intersection(comparison.modified.union(comparison.added))
  return [...set.paths()].map(path => ({ with: entry, path }))
}

function byIdentifier(one: Conflict, other: Conflict): number {
  const [id, otherId] = [identifierOf(one.with), identifierOf(other.with)]
  return id === otherId ? 0 : id < otherId ? -1 : 1
}

// ---- what is applied no more

function pruned(versions: Versions, merged: Members, last: ManagedEntry, managers: ManagedEntries): Members {
  if (last.fields.set.isEmpty) return merged
  const shown = versions.convert(merged, last.apiVersion)
  if (shown === undefined) return merged
  const { type, object } = shown
  const lastFields = withNamedFields(type, last.fields.set)
  const removed = (removeFields(type, object, lastFields) ?? {}) as Members
  const kept = addBackOwned(versions, object, removed, last.apiVersion, managers)
  const keptFields = withNamedFields(type, fieldsOf(type, kept))
  // Only what was this manager's may go.
  const going = withNamedFields(type, fieldsOf(type, object)).difference(keptFields).intersection(lastFields)
  const rest = (removeFields(type, object, going) ?? {}) as Members
  return versions.convert(rest, versions.apiVersion)?.object ?? merged
}

/** What anybody owns stays: first in the version in which it was removed, then in the others. */
function addBackOwned(
  versions: Versions,
  merged: Members,
  removed: Members,
  prunedVersion: string,
  managers: ManagedEntries,
): Members {
  const owned = new Map<string, FieldSet>([[prunedVersion, new FieldSet()]])
  for (const { apiVersion, fields } of managers) {
    owned.set(apiVersion, (owned.get(apiVersion) ?? new FieldSet()).union(fields.set))
  }
  let [whole, rest] = [merged, removed]
  for (const [apiVersion, set] of owned) {
    const [wholeThere, restThere] = [versions.convert(whole, apiVersion), versions.convert(rest, apiVersion)]
    if (wholeThere === undefined || restThere === undefined) continue
    const { type } = wholeThere
    const keep = withNamedFields(type, fieldsOf(type, restThere.object)).union(withNamedFields(type, set))
    const going = withNamedFields(type, fieldsOf(type, wholeThere.object)).difference(keep)
    whole = wholeThere.object
    rest = (removeFields(type, whole, going) ?? {}) as Members
  }
  return versions.convert(rest, prunedVersion)?.object ?? rest
}
