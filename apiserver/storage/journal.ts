// Journal: where the store's log is kept. level-journal.ts keeps it on disk, MemoryJournal here for tests and --memory;
// both pass test/contracts/journal.ts.

import type { Revision } from './storage.ts'

/** One event as it is kept: a put with the object's bytes, or a removal (bytes: the last state, at the removal's revision). */
export interface JournalEntry {
  readonly revision: Revision
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly createRevision: Revision
  readonly bytes: Buffer
}

export interface Loaded {
  /** Of the last write; 0 when there was none. */
  readonly revision: Revision
  /** What `forget` was last told. */
  readonly compacted: Revision
  /** The present objects, in any order. */
  readonly now: readonly JournalEntry[]
  /** All that is kept, in order of revision: every event after `compacted`, and before it each key's state at `compacted`. */
  readonly log: readonly JournalEntry[]
}

export interface Journal {
  load(): Promise<Loaded>
  /** Appends a batch as one: all of it is kept or nothing. Resolves when durable. One call is under way at a time. */
  append(entries: readonly JournalEntry[]): Promise<void>
  /**
   * Forgets what is needed for no revision from `before` on: entries up to and including `before` whose key has a later one
   * up to `before`, and removals up to `before`. May run beside an append; one call is under way at a time.
   */
  forget(before: Revision): Promise<void>
  close(): Promise<void>
}

/** What a user is to be told about a data directory: one line, no stack. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
}

export class MemoryJournal implements Journal {
  #entries: JournalEntry[] = []
  #revision: Revision = 0
  #compacted: Revision = 0

  async load(): Promise<Loaded> {
    const present = new Map<string, JournalEntry>()
    for (const entry of this.#entries) {
      if (entry.type === 'DELETED') present.delete(entry.key)
      else present.set(entry.key, entry)
    }
    return {
      revision: this.#revision,
      compacted: this.#compacted,
      now: [...present.values()],
      log: [...this.#entries],
    }
  }

  async append(entries: readonly JournalEntry[]): Promise<void> {
    // One macrotask, so that a run interleaves as it does when the journal is a disk.
    await new Promise<void>(resolve => setImmediate(resolve))
    for (const entry of entries) this.#entries.push(entry)
    this.#revision = entries.at(-1)?.revision ?? this.#revision
  }

  async forget(before: Revision): Promise<void> {
    this.#compacted = Math.max(this.#compacted, before)
    const needless = supersededBy(this.#entries, before)
    this.#entries = this.#entries.filter(entry => !needless.has(entry))
  }

  async close(): Promise<void> {}
}

/** Which of these entries, given in order of revision, `forget(before)` lets go. */
function supersededBy(entries: readonly JournalEntry[], before: Revision): Set<JournalEntry> {
  const latest = new Map<string, JournalEntry>()
  const needless = new Set<JournalEntry>()
  for (const entry of entries) {
    if (entry.revision > before) break
    const earlier = latest.get(entry.key)
    if (earlier !== undefined) needless.add(earlier)
    latest.set(entry.key, entry)
    if (entry.type === 'DELETED') needless.add(entry)
  }
  return needless
}
