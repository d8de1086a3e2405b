// Storage: the "etcd". One global revision; every write is a turn in which the true present is seen and nobody else can
// write; reads are from memory. revision-store.ts implements it, test/contracts/storage.ts is what it promises.

import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Cancel } from '../../src/env/clock.ts'

/** Counts writes of the whole store; the API shows it as resourceVersion. */
export type Revision = number

/** One object as stored. `object` is deeply frozen and carries its revision; `bytes` is that object as JSON, made once. */
export interface Stored {
  readonly key: string
  readonly revision: Revision
  /** The revision at which this object was created. */
  readonly createRevision: Revision
  readonly object: Frozen<KubeObject>
  readonly bytes: Buffer
}

export interface StorageEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly revision: Revision
  /** The object after the event; for DELETED its last state, carrying the deletion's revision as etcd's watchers see it. */
  readonly stored: Stored
  /** The object before the event; absent for ADDED. */
  readonly previous: Stored | undefined
}

export type Decision = { readonly put: KubeObject } | { readonly remove: true } | { readonly keep: true }

/** What a turn may look at: the state as it will be when all turns before it are on disk. */
export interface Present {
  get(key: string): Stored | undefined
  /** Keys beginning with the prefix, in order. */
  list(prefix: string): Iterable<Stored>
  /** Objects below a collection's prefix that carry an index term (see StorageOptions.terms), in order of key. */
  withTerm(prefix: string, term: string): Iterable<Stored>
}

export interface Written {
  /** The object after the write; after a removal its last state with the removal's revision; after `keep` what was there. */
  readonly stored: Stored
  readonly previous: Stored | undefined
  readonly changed: boolean
}

export interface Storage {
  /** The revision of the last write that is durable. */
  readonly revision: Revision
  /** The oldest revision from which a watch can start or at which a list can be read. */
  readonly compacted: Revision
  get(key: string): Stored | undefined
  /** In order of key. `at`: as it was at that revision; throws ApiError Expired when compacted away. */
  list(prefix: string, at?: Revision): readonly Stored[]
  withTerm(prefix: string, term: string): readonly Stored[]
  /** How many keys begin with the prefix. */
  count(prefix: string): number
  /**
   * One turn. `decide` is called synchronously with the present and must be pure but for its draft; what it throws
   * rejects the write and costs no revision. `put` hands its object over: the store sets resourceVersion and freezes it.
   * Resolves when the write is durable and subscribers have heard.
   */
  write(key: string, decide: (current: Stored | undefined, present: Present) => Decision): Promise<Written>
  /** Events after a revision, past ones first and then as they come, in order. Throws ApiError Expired when too old. */
  subscribe(prefix: string, after: Revision, deliver: (events: readonly StorageEvent[]) => void): Cancel
  /** Forgets history before a revision. */
  compact(before: Revision): Promise<void>
  close(): Promise<void>
}

export interface StorageOptions {
  /** Index terms of an object, by its key's collection, e.g. `label:app=web`, `field:spec.nodeName=node-1`. Pure. */
  readonly terms?: (key: string, object: Frozen<KubeObject>) => readonly string[]
}
