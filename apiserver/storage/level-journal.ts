// LevelJournal: the log on disk, in LevelDB. Made by the roof, used by revision-store.ts. What it keeps, each commit one
// atomic batch, synced unless told otherwise:
//   log/<revision><type><createRevision><key> → the object's bytes, written once and never again
//   note/<last revision of a commit> → when and why each of its events was, as JSON
//   now<key> → the revision at which the key's present object stands in the log
//   meta/format, meta/compacted
// So that an object's bytes need no header of their own, everything else about an event stands in its key.

import { Level } from 'level'
import {
  type Journal,
  type JournalEntry,
  JournalError,
  type JournalHeading,
  type Loaded,
  presentOf,
} from './journal.ts'
import type { Note, Revision } from './storage.ts'

export interface LevelJournalOptions {
  /** Wait for the disk on every commit (the default). Without it, a power cut can undo what was answered. */
  readonly fsync?: boolean | undefined
  /** Bytes of recent writes that LevelDB holds in memory, up to twice this. */
  readonly writeBufferSize?: number | undefined
}

/** Raised when a later kubesim writes what this one could not read. */
const format = 1

const formatKey = 'meta/format'
const compactedKey = 'meta/compacted'
const letters = { ADDED: 'A', MODIFIED: 'M', DELETED: 'D' } as const
const types = { A: 'ADDED', M: 'MODIFIED', D: 'DELETED' } as const
const digits = 16
const logged = { gte: 'log/', lt: 'log0' } as const
const noted = { gte: 'note/', lt: 'note0' } as const
const text = { valueEncoding: 'utf8' } as const
const chunk = 4_096

type Database = Level<string, Buffer>

/** A journal in a folder on disk (LevelDB); opened by `LevelJournal.open`. */
export class LevelJournal implements Journal {
  readonly #database: Database
  readonly #fsync: boolean
  /** The last revision that is known to be kept. */
  #revision: Revision = 0
  /** An append failed: what the disk holds after `#revision` is not known, and LevelDB's own log may be torn. */
  #isDoubtful = false
  #isRelaxed = false
  #forgetting: Promise<void> | undefined

  private constructor(database: Database, fsync: boolean) {
    this.#database = database
    this.#fsync = fsync
  }

  /** Opens or makes a data directory. Throws JournalError when it is in use, of a newer format, or cannot be read. */
  static async open(directory: string, options: LevelJournalOptions = {}): Promise<LevelJournal> {
    const database: Database = new Level(directory, {
      keyEncoding: 'utf8',
      valueEncoding: 'buffer',
      writeBufferSize: options.writeBufferSize ?? 16 * 1024 * 1024,
    })
    try {
      await database.open()
    } catch (error) {
      throw openingError(directory, error)
    }
    const journal = new LevelJournal(database, options.fsync ?? true)
    try {
      await journal.#checkFormat()
      journal.#revision = Math.max(await journal.#lastLogged(), await journal.#compacted())
    } catch (error) {
      await database.close()
      throw error
    }
    return journal
  }

  /** @inheritDoc */
  async load(): Promise<Loaded> {
    const log: JournalEntry[] = []
    const notes = await this.#notes()
    const entries = this.#database.iterator({ ...logged, fillCache: false, highWaterMarkBytes: 1 << 20 })
    for (let some = await entries.nextv(chunk); some.length > 0; some = await entries.nextv(chunk)) {
      for (const [key, bytes] of some) {
        const heading = parseLogKey(key)
        log.push({ ...heading, bytes, note: notes.get(heading.revision) })
      }
    }
    await entries.close()
    const compacted = await this.#compacted()
    return { revision: this.#revision, compacted, now: await this.#present(log), log }
  }

  async append(entries: readonly JournalEntry[]): Promise<void> {
    if (this.#isDoubtful) await this.#recover()
    const batch = this.#database.batch()
    for (const entry of entries) {
      batch.put(logKey(entry), entry.bytes)
      if (entry.type === 'DELETED') batch.del(`now${entry.key}`)
      else batch.put(`now${entry.key}`, String(entry.revision), text)
    }
    const noted = notesText(entries)
    if (noted !== undefined) batch.put(noteKey(entries.at(-1)!.revision), noted, text)
    try {
      await batch.write({ sync: this.#fsync && !this.#isRelaxed })
    } catch (error) {
      this.#isDoubtful = true
      throw error
    }
    this.#revision = entries.at(-1)?.revision ?? this.#revision
  }

  async relax(isRelaxed: boolean): Promise<void> {
    if (isRelaxed === this.#isRelaxed) return
    this.#isRelaxed = isRelaxed
    if (!isRelaxed && this.#fsync && !this.#isDoubtful) await this.#syncAll()
  }

  async forget(before: Revision, needless: readonly JournalHeading[]): Promise<void> {
    if (this.#isDoubtful) throw new JournalError('the journal is being recovered')
    this.#forgetting = this.#forget(before, needless)
    try {
      await this.#forgetting
    } finally {
      this.#forgetting = undefined
    }
  }

  /** @inheritDoc */
  async close(): Promise<void> {
    if (this.#database.status === 'open' && (!this.#fsync || this.#isRelaxed) && !this.#isDoubtful) {
      // A clean end is durable, whatever was chosen for the time before.
      await this.#syncAll()
    }
    await this.#database.close()
  }

  /** A synced write makes durable all that were before it. */
  async #syncAll(): Promise<void> {
    await this.#database.put(formatKey, String(format), { ...text, sync: true })
  }

  async #forget(before: Revision, needless: readonly JournalHeading[]): Promise<void> {
    // First of all, and in LevelDB's order: a crash on the way then leaves too much, never too little.
    if (before > (await this.#compacted())) await this.#database.put(compactedKey, String(before), text)
    if (before > 0) await this.#database.clear({ gte: noted.gte, lte: noteKey(before) })
    for (let start = 0; start < needless.length; start += chunk) {
      const batch = this.#database.batch()
      for (const heading of needless.slice(start, start + chunk)) batch.del(logKey(heading))
      await batch.write()
    }
  }

  async #notes(): Promise<Map<Revision, Note>> {
    const notes = new Map<Revision, Note>()
    const lines = this.#database.iterator<string, string>({ ...noted, fillCache: false, ...text })
    for (let some = await lines.nextv(chunk); some.length > 0; some = await lines.nextv(chunk)) {
      for (const [key, line] of some) readNotes(Number(key.slice(noted.gte.length)), line, notes)
    }
    await lines.close()
    return notes
  }

  /** The entries `now` points to; they must be the last of their keys, or the directory was damaged. */
  async #present(log: readonly JournalEntry[]): Promise<JournalEntry[]> {
    const present = presentOf(log)
    let count = 0
    const pointers = this.#database.iterator<string, string>({ gte: 'now/', lt: 'now0', fillCache: false, ...text })
    for (let some = await pointers.nextv(chunk); some.length > 0; some = await pointers.nextv(chunk)) {
      for (const [pointer, revision] of some) {
        const key = pointer.slice('now'.length)
        if (present.get(key)?.revision !== Number(revision)) throw this.#damaged(`${key} at revision ${revision}`)
        count++
      }
    }
    await pointers.close()
    if (count !== present.size) throw this.#damaged(`${present.size - count} pointers to present objects`)
    return [...present.values()]
  }

  #damaged(what: string): JournalError {
    return new JournalError(`the data directory ${this.#database.location} is damaged: it has lost ${what}`)
  }

  async #checkFormat(): Promise<void> {
    const found = await this.#database.get(formatKey, text)
    const { location } = this.#database
    if (found === undefined) {
      const [any] = await this.#database.keys({ limit: 1 }).all()
      if (any !== undefined) throw new JournalError(`${location} is a database, but not one of kubesim's`)
      await this.#database.put(formatKey, String(format), { ...text, sync: true })
    } else if (Number(found) > format) {
      throw new JournalError(
        `the data directory ${location} was written by a newer version of kubesim (format ${found}; this one knows ${format})`,
      )
    } else if (Number(found) !== format) {
      throw new JournalError(`the data directory ${location} has an unknown format, "${found}"`)
    }
  }

  async #compacted(): Promise<Revision> {
    return Number((await this.#database.get(compactedKey, text)) ?? 0)
  }

  async #lastLogged(): Promise<Revision> {
    const [last] = await this.#database.keys({ ...logged, reverse: true, limit: 1 }).all()
    return last === undefined ? 0 : parseLogKey(last).revision
  }

  /**
   * After a failed append: reopens the database, which gives it a new log file (LevelDB goes on writing behind a torn record,
   * and would not find what it wrote there), and undoes what of the failed batch did reach the disk, for its writers were
   * told that it did not.
   */
  async #recover(): Promise<void> {
    await this.#forgetting?.catch(() => {})
    await this.#database.close()
    await this.#database.open()
    const unsaid = await this.#database.keys({ gte: logPrefix(this.#revision + 1), lt: logged.lt }).all()
    if (unsaid.length > 0) {
      const before = new Map<string, string | undefined>()
      for (const logKey of unsaid) before.set(parseLogKey(logKey).key, undefined)
      const keys = this.#database.keys({ gte: logged.gte, lt: logPrefix(this.#revision + 1), fillCache: false })
      for (let some = await keys.nextv(chunk); some.length > 0; some = await keys.nextv(chunk)) {
        for (const logKey of some) {
          const { key, type, revision } = parseLogKey(logKey)
          if (before.has(key)) before.set(key, type === 'DELETED' ? undefined : String(revision))
        }
      }
      await keys.close()
      const batch = this.#database.batch()
      for (const logKey of unsaid) batch.del(logKey)
      for (const key of await this.#database.keys({ gt: noteKey(this.#revision), lt: noted.lt }).all()) batch.del(key)
      for (const [key, revision] of before) {
        if (revision === undefined) batch.del(`now${key}`)
        else batch.put(`now${key}`, revision, text)
      }
      await batch.write({ sync: true })
    }
    this.#isDoubtful = false
  }
}

function logPrefix(revision: Revision): string {
  return `log/${padded(revision)}`
}

function logKey({ revision, type, createRevision, key }: JournalHeading): string {
  return `log/${padded(revision)}${letters[type]}${padded(createRevision)}${key}`
}

function noteKey(revision: Revision): string {
  return `${noted.gte}${padded(revision)}`
}

/** `[revisions, note]` for each note of a commit, in order: all that was written at once has the same one. */
function notesText(entries: readonly JournalEntry[]): string | undefined {
  const runs: [count: number, note: Note | undefined][] = []
  for (const { note } of entries) {
    const last = runs.at(-1)
    if (last !== undefined && last[1] === note) last[0]++
    else runs.push([1, note])
  }
  return runs.some(([, note]) => note !== undefined) ? JSON.stringify(runs) : undefined
}

function readNotes(last: Revision, line: string, into: Map<Revision, Note>): void {
  const runs = JSON.parse(line) as [count: number, note: Note | null][]
  let revision = last - runs.reduce((sum, [count]) => sum + count, 0)
  for (const [count, note] of runs) {
    for (let each = 0; each < count; each++) {
      revision++
      if (note !== null) into.set(revision, note)
    }
  }
}

function parseLogKey(logKey: string): JournalHeading {
  const start = logged.gte.length
  const letter = start + digits
  return {
    revision: Number(logKey.slice(start, letter)),
    type: types[logKey[letter] as keyof typeof types],
    createRevision: Number(logKey.slice(letter + 1, letter + 1 + digits)),
    key: logKey.slice(letter + 1 + digits),
  }
}

function padded(revision: Revision): string {
  return String(revision).padStart(digits, '0')
}

function openingError(directory: string, error: unknown): JournalError {
  const cause = (error as Error).cause as (Error & { code?: string }) | undefined
  if (cause?.code === 'LEVEL_LOCKED') {
    return new JournalError(`the data directory ${directory} is in use by another kubesim`, { cause })
  }
  const why = (cause ?? (error as Error)).message
  return new JournalError(`the data directory ${directory} cannot be opened: ${why}`, { cause: error })
}
