// A snapshot of a cluster with its history, as one file: lines of JSON, the first of which says what it is, then one for each
// event that is kept, as the journal has them. Written by `kubesim export` and the library, read by `import`, `branch` and
// testCluster. What is read is checked before anything is made of it.

import type { Journal, JournalEntry } from '../apiserver/storage/journal.ts'
import type { RevisionStore } from '../apiserver/storage/revision-store.ts'
import type { Note, Revision, StorageEvent, Stored } from '../apiserver/storage/storage.ts'
import type { Millis } from './env/clock.ts'
import { version } from './version.ts'

export interface SnapshotHeading {
  readonly kind: 'KubesimSnapshot'
  readonly format: 1
  readonly version: string
  /** Of the last write. */
  readonly revision: Revision
  /** History goes back to it. */
  readonly compacted: Revision
  /** When it was made, by the cluster's clock, if it is of then. */
  readonly at?: Millis
}

export interface Snapshot {
  readonly heading: SnapshotHeading
  readonly entries: readonly JournalEntry[]
}

/** A file that is none of ours, or damaged: the message is for the user. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError'
}

interface Line {
  readonly r: Revision
  readonly t: 'A' | 'M' | 'D'
  readonly k: string
  readonly c: Revision
  readonly n?: Note
  readonly o: unknown
}

const letters = { ADDED: 'A', MODIFIED: 'M', DELETED: 'D' } as const
const types = { A: 'ADDED', M: 'MODIFIED', D: 'DELETED' } as const

/** Line by line; `until`: as if nothing had been written after that revision. Throws ApiError Expired when it is forgotten. */
export function* snapshotLines(store: RevisionStore, until: Revision, at?: Millis): Generator<string> {
  const compacted = Math.min(store.compacted, until)
  const told = { version, revision: until, compacted, ...(at === undefined ? {} : { at }) }
  const heading: SnapshotHeading = { kind: 'KubesimSnapshot', format: 1, ...told }
  yield `${JSON.stringify(heading)}\n`
  const first = [...store.list('', compacted)].sort((one, other) => one.revision - other.revision)
  for (const stored of first) yield lineOf(stored.revision === stored.createRevision ? 'A' : 'M', stored, undefined)
  for (const { type, stored, note, revision } of store.events(compacted) as readonly StorageEvent[]) {
    if (revision > until) break
    yield lineOf(letters[type], stored, note)
  }
}

/** The object stands in the line as the bytes that the store has of it. */
function lineOf(type: Line['t'], { key, revision, createRevision, bytes }: Stored, note: Note | undefined): string {
  const head = JSON.stringify({ r: revision, t: type, k: key, c: createRevision, ...(note ? { n: note } : {}) })
  return `${head.slice(0, -1)},"o":${bytes.toString()}}\n`
}

/** Throws SnapshotError. */
export function readSnapshot(text: string): Snapshot {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const heading = parsed(lines[0] ?? '', 1) as Partial<SnapshotHeading>
  if (heading.kind !== 'KubesimSnapshot') throw new SnapshotError('it is not a snapshot of kubesim')
  if (heading.format !== 1) {
    throw new SnapshotError(
      `it was written by a newer version of kubesim (${heading.version}, format ${heading.format})`,
    )
  }
  const { revision = 0, compacted = 0 } = heading
  let last = 0
  const entries = lines.slice(1).map((line, index) => {
    const { r, t, k, c, n, o } = parsed(line, index + 2) as Partial<Line>
    const isWhole =
      Number.isSafeInteger(r) && Number.isSafeInteger(c) && t !== undefined && t in types && typeof k === 'string'
    if (!isWhole || typeof o !== 'object' || r! <= last) throw damaged(index + 2)
    if (r! > compacted && r !== Math.max(last, compacted) + 1) throw damaged(index + 2)
    last = r!
    const bytes = Buffer.from(JSON.stringify(o))
    return { revision: r!, type: types[t!], key: k!, createRevision: c!, bytes, ...(n ? { note: n } : {}) }
  })
  if (Math.max(last, compacted) !== revision) throw new SnapshotError('it is cut off: its last events are missing')
  return { heading: heading as SnapshotHeading, entries }
}

/** Puts a snapshot into an empty journal. */
export async function fillJournal(journal: Journal, { heading, entries }: Snapshot): Promise<void> {
  const chunk = 1_000
  const { revision } = await journal.load()
  if (revision > 0) throw new SnapshotError('there is a cluster already')
  for (let start = 0; start < entries.length; start += chunk) await journal.append(entries.slice(start, start + chunk))
  await journal.forget(heading.compacted, [])
}

function parsed(line: string, number: number): object {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Told below.
  }
  throw number === 1 ? new SnapshotError('it is not a snapshot of kubesim') : damaged(number)
}

function damaged(line: number): SnapshotError {
  return new SnapshotError(`it is damaged at line ${line}`)
}
