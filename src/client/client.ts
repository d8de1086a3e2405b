// Client: how everyone outside the API server speaks to it. Two implementations with one contract suite
// (test/contracts/client.ts): apiserver/direct-client.ts in the same process, http-client.ts over the wire.

import type { Cause } from '../api/cause.ts'
import type { Frozen, KubeObject, NewObject, Ref } from '../api/meta.ts'
import type { Kind } from '../kinds/kind.ts'

export interface Selectors {
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

/** What of a kind is listed: where, by labels and fields, how much at once, and as of when. */
export interface ListOptions extends Selectors {
  readonly namespace?: string | undefined
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
}

/** What was listed: the objects, frozen, and the resourceVersion after which a watch goes on. */
export interface List<T> {
  readonly items: readonly Frozen<T>[]
  readonly resourceVersion: string
  readonly continue?: string | undefined
  readonly remainingItemCount?: number | undefined
}

/** What a watch tells: an object was added, changed or deleted (then as it was last), or a bookmark. */
export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Frozen<T> }
  /** Nothing happened up to this revision: a reader may resume from it. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }

export interface WatchOptions extends Selectors {
  readonly namespace?: string | undefined
  /** The resourceVersion after which to start: a list's. */
  readonly after: string
  readonly signal: AbortSignal
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply'

/** A change to an object, of one of four kinds: JSON patch, merge patch, strategic merge patch, server-side apply. */
export interface Patch {
  readonly type: PatchType
  /** A JSON value, or for `json` a list of RFC 6902 operations. */
  readonly body: unknown
}

export interface WriteOptions {
  readonly fieldManager?: string | undefined
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined
  readonly dryRun?: boolean | undefined
  /** `apply` only: take fields from other managers. */
  readonly force?: boolean | undefined
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number | undefined
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined
  readonly preconditions?:
    | { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined }
    | undefined
  readonly dryRun?: boolean | undefined
}

/** All methods reject with ApiError, whose reason and code are Kubernetes' own. */
export interface ResourceClient<T extends KubeObject> {
  /** Rejects with NotFound when it is not there. */
  get(ref: Ref): Promise<Frozen<T>>
  /** All namespaces, unless one is named. Rejects with Expired when a `continue` or resourceVersion is too old. */
  list(options?: ListOptions): Promise<List<T>>
  /** Ends when the signal is aborted or the server ends it; throws ApiError `Expired` (410) when `after` is too old. */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>
  /** With `generateName` in place of a name the server gives one. Rejects with AlreadyExists, Invalid, Forbidden (quota, admission). */
  create(object: NewObject<T>, options?: WriteOptions): Promise<Frozen<T>>
  /** Replaces all but the status. With the resourceVersion it was read with it rejects with Conflict when somebody was faster. */
  update(object: T | Frozen<T>, options?: WriteOptions): Promise<Frozen<T>>
  /** Replaces the status alone, of a kind that has the subresource; else as `update`. */
  updateStatus(object: T | Frozen<T>, options?: WriteOptions): Promise<Frozen<T>>
  /** Of the object, or of a subresource (`status`, `scale`). An `apply` creates what is not there, and rejects with Conflict for a field of another manager, unless forced. */
  patch(ref: Ref, patch: Patch, subresource?: string, options?: WriteOptions): Promise<Frozen<T>>
  /** Resolves when it is asked for: with finalizers or a grace period the object stays for a while. Rejects with NotFound, and with Conflict for a precondition. */
  delete(ref: Ref, options?: DeleteOptions): Promise<void>
  /** Of all that is selected. */
  deleteCollection(options: Selectors & { namespace?: string | undefined }, how?: DeleteOptions): Promise<void>
  /** Reads a subresource that is an object of its own: `scale`. */
  read<R>(ref: Ref, subresource: string): Promise<R>
  /** Posts (binding, eviction, token) or puts (scale, finalize) a subresource's body. */
  act<R>(ref: Ref, subresource: string, body: object, method?: 'POST' | 'PUT'): Promise<R>
}

/** How anyone speaks to an API server, in process or over HTTPS: `client.of(Pods).list()`. */
export interface Client {
  /** The verbs upon the objects of a kind, a built-in one or one that `defineKind` made. */
  of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T>
  /** The same client, speaking as another component: the field manager of its writes and the source in the audit. */
  as(component: string): Client
  /** The same client, whose writes are kept with this cause; absent where nobody keeps it. */
  because?(cause: Cause): Client
  /** The same client, whose reading counts as nobody looking: for what is written only when somebody does. */
  quietly?(): Client
}
