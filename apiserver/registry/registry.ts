// The registry: the API's verbs, once for all kinds. Both doors (http/ and direct-client.ts) call it and nothing else;
// from here on down Express is unknown. Implementations of the verbs: read.ts, write.ts, delete.ts, watch.ts, subresources.ts.

import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { DeleteOptions, ListOptions, Patch, Selectors, WriteOptions } from '../../src/client/client.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'

/** An object on its way out: frozen, with its JSON made at most once. */
export interface Reading {
  readonly object: Frozen<KubeObject>
  readonly bytes: Buffer
}

export interface ReadingList {
  readonly items: readonly Reading[]
  readonly resourceVersion: string
  readonly continue?: string | undefined
  readonly remainingItemCount?: number | undefined
}

export type WatchSignal =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly reading: Reading }
  /** `initialEventsEnd`: the one that closes the initial events (annotation k8s.io/initial-events-end). */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }

export interface WatchRequest extends Selectors {
  readonly namespace?: string | undefined
  /** Unset or '0': begin with the present objects as ADDED, as upstream does. */
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: string | undefined
  readonly sendInitialEvents?: boolean | undefined
  readonly allowWatchBookmarks?: boolean | undefined
}

/** Hands over what happened, in order, a tick's events at once. `ended` comes once, with the reason when there is one. */
export interface WatchReader {
  deliver(signals: readonly WatchSignal[]): void
  ended(error?: Error): void
}

/** Who asks, as authentication found out. */
export interface User {
  readonly name: string
  readonly uid?: string | undefined
  readonly groups: readonly string[]
}

export interface RequestInfo {
  readonly user: User
  /** Collects what goes to the user as `Warning:` headers. */
  warn(text: string): void
}

export interface Wrote {
  readonly reading: Reading
  /** 201 for a create, 200 for the rest; 202 for a delete that is still going on. */
  readonly code: 200 | 201 | 202
  /** Delete only: the object is really gone. */
  readonly gone?: boolean
}

export interface ResourceRegistry {
  readonly kind: Kind<any>
  get(ref: Ref, options?: { resourceVersion?: string | undefined }): Reading
  list(options: ListOptions): ReadingList
  watch(request: WatchRequest, reader: WatchReader): () => void
  create(
    object: unknown,
    where: { namespace?: string | undefined; name?: string | undefined },
    options: WriteOptions,
    info: RequestInfo,
  ): Promise<Wrote>
  update(
    ref: Ref,
    object: unknown,
    options: WriteOptions,
    info: RequestInfo,
    subresource?: Subresource,
  ): Promise<Wrote>
  patch(ref: Ref, patch: Patch, options: WriteOptions, info: RequestInfo, subresource?: Subresource): Promise<Wrote>
  delete(ref: Ref, options: DeleteOptions, info: RequestInfo): Promise<Wrote>
  deleteCollection(
    where: Selectors & { namespace?: string | undefined; limit?: number | undefined },
    options: DeleteOptions,
    info: RequestInfo,
  ): Promise<ReadingList>
  /** GET of a subresource that is an object of its own (scale); `status` reads the object. */
  readSubresource(ref: Ref, subresource: Subresource): Reading
  /** POST of a subresource (binding, eviction); PUT of scale and finalize goes through `update`. */
  act(ref: Ref, subresource: Subresource, body: unknown, options: WriteOptions, info: RequestInfo): Promise<Wrote>
}

export interface Registry {
  /** Every served kind, in the order of kinds/index.ts. */
  readonly kinds: readonly Kind<any>[]
  of(kind: Kind<any>): ResourceRegistry
  /** By what stands in a URL. */
  find(group: string, version: string, plural: string): ResourceRegistry | undefined
}
