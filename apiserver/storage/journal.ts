// Journal: where the store's log is kept. level-journal.ts keeps it on disk, memory-journal here for tests and --memory;
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

export interface Journal {
  /** What was kept: `now` in any order, `log` in order of revision, and the revision of the last write. */
  load(): Promise<{
    readonly revision: Revision
    readonly compacted: Revision
    readonly now: readonly JournalEntry[]
    readonly log: readonly JournalEntry[]
  }>
  /** Appends a batch as one: all of it is kept or nothing. Resolves when durable. One call is under way at a time. */
  append(entries: readonly JournalEntry[]): Promise<void>
  /** Forgets log entries before a revision that `now` does not need. */
  forget(before: Revision): Promise<void>
  close(): Promise<void>
}
