// Who owns what after a write that was no apply: what it added or changed is its manager's, and nobody else's any more; what it
// removed is nobody's. Called by registry/ownership.ts for every create, update and patch. Rules: structured-merge-diff
// merge/update.go (Updater.Update) and apimachinery's managers around it, in pkg/util/managedfields/internal. Pure.

import { type Comparison, compare, type Wholes } from './compare.ts'
import { FieldSet } from './field-set.ts'
import {
  Fields,
  identifierOf,
  isSameManager,
  type ManagedEntries,
  type ManagedEntry,
  noEntries,
  sorted,
} from './managed-fields.ts'
import type { Members, Type } from './typed.ts'

/** An object in one of the versions of its kind. */
export interface Versioned {
  readonly type: Type
  readonly object: Members
}

/** How objects of a kind are looked at. */
export interface Versions {
  readonly apiVersion: string
  readonly type: Type
  /** What is known of values that come as a whole. */
  readonly wholes?: Wholes
  /** The object, of whatever version, in another; undefined when that is not served any more. */
  convert(object: Members, apiVersion: string): Versioned | undefined
}

export interface Writer {
  readonly manager: string
  readonly subresource: string
  readonly time: string
  /** Top-level fields that the request cannot write, so that it neither takes nor loses them. */
  readonly without: ReadonlySet<string>
  /** Others of that sort, deeper down. */
  readonly below?: FieldSet | undefined
}

/** `isNew`: there is no live object yet. Returns the same entries when nothing was changed. */
export function trackUpdate(
  versions: Versions,
  live: object,
  next: object,
  entries: ManagedEntries,
  writer: Writer,
  isNew: boolean,
): ManagedEntries {
  // What has never been tracked is not until it is applied (skipnonapplied.go).
  if (entries.length === 0 && !isNew) return noEntries
  const comparing = new Comparisons(versions, live as Members, next as Members, writer)
  const { added, modified, removed, touched } = comparing.in(versions.apiVersion)!
  if (touched.isEmpty) return entries
  const self = { ...writer, operation: 'Update' as const, apiVersion: versions.apiVersion }
  const own = entries.find(entry => isSameManager(entry, self))
  const kept = withoutTouched(own === undefined ? entries : entries.filter(entry => entry !== own), comparing)
  const taken = added.union(modified).difference(stripped)
  if (own === undefined) {
    if (!taken.isEmpty) kept.push(entryOf(self, taken))
  } else {
    // Without what was touched and with what was taken of it: that is without what was removed and with what was taken.
    const set = own.fields.set.difference(removed).union(taken)
    const time = taken.isEmpty ? own.time : writer.time
    if (set === own.fields.set) kept.push(time === own.time ? own : { ...own, time })
    else if (!set.isEmpty) kept.push({ ...own, time, fields: Fields.of(set) })
  }
  return sorted(capped(kept))
}

export function entryOf(self: Omit<ManagedEntry, 'fields'>, set: FieldSet): ManagedEntry {
  const { manager, operation, apiVersion, time, subresource } = self
  return { manager, operation, apiVersion, time, subresource, fields: Fields.of(set) }
}

/** What changed, in each version that an entry speaks of; compared once. */
export class Comparisons {
  readonly #versions: Versions
  readonly #live: Members
  readonly #next: Members
  readonly #writer: Pick<Writer, 'without' | 'below'>
  readonly #made = new Map<string, Comparison & { readonly touched: FieldSet }>()

  constructor(versions: Versions, live: Members, next: Members, writer: Pick<Writer, 'without' | 'below'>) {
    this.#versions = versions
    this.#live = live
    this.#next = next
    this.#writer = writer
  }

  /** Undefined when the version is not served any more. */
  in(apiVersion: string): (Comparison & { readonly touched: FieldSet }) | undefined {
    let made = this.#made.get(apiVersion)
    if (made === undefined) {
      const live = this.#versions.convert(this.#live, apiVersion)
      const next = this.#versions.convert(this.#next, apiVersion)
      if (live === undefined || next === undefined) return undefined
      const { without, below } = this.#writer
      const { added, modified, removed } = filtered(
        compare(next.type, live.object, next.object, without, this.#versions.wholes),
        below,
      )
      made = { added, modified, removed, touched: added.union(modified).union(removed) }
      this.#made.set(apiVersion, made)
    }
    return made
  }
}

function filtered(comparison: Comparison, below: FieldSet | undefined): Comparison {
  if (below === undefined) return comparison
  const { added, modified, removed } = comparison
  return {
    added: added.recursiveDifference(below),
    modified: modified.recursiveDifference(below),
    removed: removed.recursiveDifference(below),
  }
}

/** Each entry without what the change touched; one that has nothing left is gone, as is one of a version that is not served. */
export function withoutTouched(entries: ManagedEntries, comparing: Comparisons): ManagedEntry[] {
  const kept: ManagedEntry[] = []
  for (const entry of entries) {
    const comparison = comparing.in(entry.apiVersion)
    if (comparison === undefined) continue
    if (!mayHave(entry, comparison.touched)) {
      kept.push(entry)
      continue
    }
    const { set } = entry.fields
    if (!set.intersects(comparison.touched)) {
      if (!set.isEmpty) kept.push(entry)
      continue
    }
    const rest = set.difference(comparison.touched)
    if (!rest.isEmpty) kept.push({ ...entry, fields: Fields.of(rest) })
  }
  return kept
}

/** False when not even the first steps of what was touched stand in the entry's text. */
function mayHave({ fields: { text } }: ManagedEntry, touched: FieldSet): boolean {
  if (text === '{}') return true
  for (const step of touched.children.keys()) if (text.includes(`"${step}":`) || step.includes('"')) return true
  return false
}

/** Never part of anybody's fields (stripmeta.go). */
export const stripped: FieldSet = FieldSet.of(
  ['f:apiVersion'],
  ['f:kind'],
  ['f:metadata'],
  ...[
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ].map(name => ['f:metadata', `f:${name}`]),
)

const mostUpdaters = 10
const ancient = 'ancient-changes'

/** Of more than ten entries of updates the oldest become one, by version (capmanagers.go). */
function capped(entries: ManagedEntry[]): ManagedEntry[] {
  let count = 0
  for (const { operation } of entries) if (operation === 'Update') count++
  if (count <= mostUpdaters) return entries
  const updaters = entries.filter(({ operation }) => operation === 'Update').sort(byAge)
  const kept = new Set(entries)
  const first = new Map<string, ManagedEntry>()
  const buckets = new Map<string, ManagedEntry>()
  for (const entry of updaters) {
    if (count <= mostUpdaters) break
    const { apiVersion } = entry
    const oldest = first.get(apiVersion)
    if (oldest === undefined) {
      first.set(apiVersion, entry)
      continue
    }
    const isBucket = ({ manager, subresource, operation, apiVersion: its }: ManagedEntry) =>
      manager === ancient && subresource === '' && operation === 'Update' && its === apiVersion
    const bucket = buckets.get(apiVersion) ?? entries.find(isBucket) ?? oldest
    kept.delete(bucket)
    kept.delete(entry)
    const set = entry.fields.set.union(bucket.fields.set)
    const merged = { ...entry, manager: ancient, subresource: '', fields: Fields.of(set) }
    buckets.set(apiVersion, merged)
    kept.add(merged)
    count--
  }
  return [...kept]
}

function byAge(one: ManagedEntry, other: ManagedEntry): number {
  const [time, otherTime] = [one.time ?? '', other.time ?? '']
  if (time !== otherTime) return time < otherTime ? -1 : 1
  return identifierOf(one) < identifierOf(other) ? -1 : 1
}
