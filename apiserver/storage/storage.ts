// Storage: the "etcd". One global revision; every write is a turn in which the true present is seen and nobody else can
// write; reads are from memory. revision-store.ts implements it, test/contracts/storage.ts is what it promises.

import type { Cause } from '../../src/api/cause.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import type { Cancel, Millis } from '../../src/env/clock.ts'

/** Counts writes of the whole store; the API shows it as resourceVersion. */
export type Revision = number

/**
 * One object as stored. `object` is deeply frozen and carries its revision; `bytes` is that object as JSON, made once. Only
 * the bytes have `metadata.managedFields`: nobody in this process looks at them but who keeps them, and they are as long as the rest.
 */
export interface Stored {
  readonly key: string
  readonly revision: Revision
  /** The revision at which this object was created. */
  readonly createRevision: Revision
  readonly object: Frozen<KubeObject>
  readonly bytes: Buffer
  /** The JSON of metadata.managedFields; undefined when there are none. */
  readonly managedFields: string | undefined
}

export interface StorageEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly key: string
  readonly revision: Revision
  /** The object after the event; for DELETED its last state, carrying the deletion's revision as etcd's watchers see it. */
  readonly stored: Stored
  /** The object before the event; absent for ADDED. */
  readonly previous: Stored | undefined
  /** Undefined: nobody has kept it. */
  readonly note?: Note | undefined
}

/** What is kept of a write beside its object: when it was decided, by the cluster's clock, and why. */
export interface Note {
  readonly at: Millis
  readonly cause?: Cause | undefined
}

/**
 * `unlessSame`: a put that would change nothing but the resourceVersion is a `keep`. `also`: what is written together with it,
 * just before it and each with a revision of its own; all of it becomes durable, or nothing. `managedFields`: their JSON, null
 * for none; left out, they stay as they are. What the object itself says of them is not heard.
 */
export type Decision =
  | {
      readonly put: KubeObject
      readonly unlessSame?: boolean
      readonly also?: readonly AlsoPut[]
      readonly managedFields?: string | null | undefined
    }
  | { readonly remove: true }
  | { readonly keep: true }

export interface AlsoPut {
  readonly key: string
  readonly put: KubeObject
}

/** What a turn may look at: the state as it will be when all turns before it are on disk. */
export interface Present {
  get(key: string): Stored | undefined
  /** Keys beginning with the prefix, in order. */
  list(prefix: string): Iterable<Stored>
  /** Objects below a collection's prefix that carry an index term (see StorageOptions.terms), in order of key. */
  withTerm(prefix: string, term: string): Iterable<Stored>
}

export interface Written {
  /**
   * The object after the write; after a removal its last state with the removal's revision; after `keep` what was there –
   * nothing, not even by its type, if nothing was: a turn that may keep what is absent must know so itself.
   */
  readonly stored: Stored
  readonly previous: Stored | undefined
  readonly changed: boolean
}

export interface Storage {
  /** The revision of the last write that is durable; 1 when there was none yet, as in etcd. */
  readonly revision: Revision
  /** The oldest revision from which a watch can start or at which a list can be read. */
  readonly compacted: Revision
  get(key: string): Stored | undefined
  /** In order of key. `at`: as it was at that revision; throws ApiError Expired when compacted away. */
  list(prefix: string, at?: Revision): readonly Stored[]
  withTerm(prefix: string, term: string): readonly Stored[]
  /** How many keys begin with the prefix. */
  count(prefix: string): number
  /** How many objects of the prefix's collection carry the term, in whatever namespace: by which of several terms to look. */
  countWithTerm(prefix: string, term: string): number
  /**
   * One turn. `decide` is called once, before this returns, with the present, and must be pure but for its draft; what it
   * throws rejects the write and costs no revision. `put` hands its object over: the store sets resourceVersion and freezes
   * it; parts of it may be frozen already. Resolves when the write is durable and subscribers have heard; a turn that wrote
   * nothing, or threw, is answered when all that it could see is durable. Rejects with ApiError InternalError when the
   * journal cannot keep it: then nothing of it, nor of any turn after it, has happened.
   */
  write(
    key: string,
    decide: (current: Stored | undefined, present: Present) => Decision,
    cause?: Cause | undefined,
  ): Promise<Written>
  /**
   * Events after a revision, past ones first and then as they come, in order, those of one commit at once; never before this
   * returns. Throws ApiError Expired when too old. An event's `previous` is best looked at before `deliver` returns: after
   * that it is parsed anew.
   */
  subscribe(prefix: string, after: Revision, deliver: (events: readonly StorageEvent[]) => void): Cancel
  /** Forgets history before a revision, as etcd does: it can still be listed at, and watched from. */
  compact(before: Revision): Promise<void>
  close(): Promise<void>
}

export interface StorageOptions {
  /** Index terms of an object, by its key's collection, e.g. `label:app=web`, `field:spec.nodeName=node-1`. Pure. */
  readonly terms?: (key: string, object: Frozen<KubeObject>) => readonly string[]
  /** Whether a present object's parsed form is kept (the default) or only its bytes, once subscribers have heard of it. */
  readonly keepParsed?: (key: string) => boolean
  readonly history?: HistoryOptions
}

/** How much of the past can be watched from and listed at. */
export interface HistoryOptions {
  /** Older events are forgotten. Default 5 minutes; 0: never for their age. */
  readonly maxAge?: Millis
  /** However old, so many events are kept. Default 4,096. */
  readonly leastEvents?: number
  /** Never more than so many events. Default 32,768. */
  readonly maxEvents?: number
  /** Never more than so many bytes of superseded objects. Default 16 MiB. */
  readonly maxBytes?: number
}
