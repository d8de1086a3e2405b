// Client: how everyone outside the API server speaks to it. Two implementations with one contract suite
// (test/contracts/client.ts): apiserver/direct-client.ts in the same process, http-client.ts over the wire.

import type { Cause } from '../api/cause.ts'
import type { Frozen, KubeObject, NewObject, Ref } from '../api/meta.ts'
import type { Kind } from '../kinds/kind.ts'

export interface Selectors {
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export interface ListOptions extends Selectors {
  readonly namespace?: string | undefined
  readonly limit?: number | undefined
  readonly continue?: string | undefined
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined
}

export interface List<T> {
  readonly items: readonly Frozen<T>[]
  readonly resourceVersion: string
  readonly continue?: string | undefined
  readonly remainingItemCount?: number | undefined
}

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
  get(ref: Ref): Promise<Frozen<T>>
  list(options?: ListOptions): Promise<List<T>>
  /** Ends when the signal is aborted or the server ends it; throws ApiError `Expired` (410) when `after` is too old. */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create(object: NewObject<T>, options?: WriteOptions): Promise<Frozen<T>>
  update(object: T | Frozen<T>, options?: WriteOptions): Promise<Frozen<T>>
  updateStatus(object: T | Frozen<T>, options?: WriteOptions): Promise<Frozen<T>>
  patch(ref: Ref, patch: Patch, subresource?: string, options?: WriteOptions): Promise<Frozen<T>>
  delete(ref: Ref, options?: DeleteOptions): Promise<void>
  deleteCollection(options: Selectors & { namespace?: string | undefined }, how?: DeleteOptions): Promise<void>
  /** Reads a subresource that is an object of its own: `scale`. */
  read<R>(ref: Ref, subresource: string): Promise<R>
  /** Posts (binding, eviction, token) or puts (scale, finalize) a subresource's body. */
  act<R>(ref: Ref, subresource: string, body: object, method?: 'POST' | 'PUT'): Promise<R>
}

export interface Client {
  of<T extends KubeObject>(kind: Kind<T>): ResourceClient<T>
  /** The same client, speaking as another component: the field manager of its writes and the source in the audit. */
  as(component: string): Client
  /** The same client, whose writes are kept with this cause; absent where nobody keeps it. */
  because?(cause: Cause): Client
  /** The same client, whose reading counts as nobody looking: for what is written only when somebody does. */
  quietly?(): Client
}
