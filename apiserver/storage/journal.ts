// Journal: where the store's log is kept. level-journal.ts keeps it on disk, MemoryJournal here for tests and --memory;
// both pass test/contracts/journal.ts.

import type { Note, Revision } from './storage.ts'

/** All that is kept of an event but its bytes. */
export interface JournalHeading {
  readonly revision: Revision
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly createRevision: Revision
}

/** One event as it is kept: a put with the object's bytes, or a removal (bytes: the last state, at the removal's revision). */
export interface JournalEntry extends JournalHeading {
  readonly bytes: Buffer
  /** Kept as long as the event is after `compacted`. */
  readonly note?: Note | undefined
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

/** Where a store keeps what is written: every append is whole or not there. */
export interface Journal {
  /** All that is there. Rejects with JournalError for what cannot be read. */
  load(): Promise<Loaded>
  /** Appends a batch as one: all of it is kept or nothing. Resolves when durable. One call is under way at a time. */
  append(entries: readonly JournalEntry[]): Promise<void>
  /**
   * While it is relaxed a batch is answered when the system has it, not the disk: a crash of the process loses nothing, a power cut may.
   * Resolves, when that ends, as soon as all is durable. Absent where the disk is never waited for.
   */
  relax?(isRelaxed: boolean): Promise<void>
  /**
   * Notes that nothing before this revision is asked for any more, and forgets entries that the caller knows to be needless
   * from then on. May run beside an append; one call is under way at a time. A crash may leave some of the entries.
   */
  forget(before: Revision, needless: readonly JournalHeading[]): Promise<void>
  /** Nothing is called afterwards. */
  close(): Promise<void>
}

/** What a user is to be told about a data directory: one line, no stack. */
export class JournalError extends Error {
  override readonly name = 'JournalError'
}

/** A journal that lives as long as the process. */
export class MemoryJournal implements Journal {
  /** By revision, in order. */
  readonly #entries = new Map<Revision, JournalEntry>()
  #revision: Revision = 0
  #compacted: Revision = 0

  /** @inheritDoc */
  async load(): Promise<Loaded> {
    const log = [...this.#entries.values()]
    return { revision: this.#revision, compacted: this.#compacted, now: [...presentOf(log).values()], log }
  }

  async append(entries: readonly JournalEntry[]): Promise<void> {
    // One macrotask, so that a run interleaves as it does when the journal is a disk.
    await new Promise<void>(resolve => setImmediate(resolve))
    for (const entry of entries) this.#entries.set(entry.revision, entry)
    this.#revision = entries.at(-1)?.revision ?? this.#revision
  }

  async forget(before: Revision, needless: readonly JournalHeading[]): Promise<void> {
    this.#compacted = Math.max(this.#compacted, before)
    for (const { revision } of needless) this.#entries.delete(revision)
  }

  /** @inheritDoc */
  async close(): Promise<void> {}
}

/** What is there after a log. */
export function presentOf(log: readonly JournalEntry[]): Map<string, JournalEntry> {
  const present = new Map<string, JournalEntry>()
  for (const entry of log) {
    if (entry.type === 'DELETED') present.delete(entry.key)
    else present.set(entry.key, entry)
  }
  return present
}
