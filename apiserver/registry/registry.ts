// The registry: the API's verbs, once for all kinds. Both doors (http/ and direct-client.ts) call it and nothing else;
// from here on down Express is unknown. Implementations of the verbs: read.ts, write.ts, delete.ts, watch.ts, subresources.ts,
// eviction.ts.

import type { Cause } from '../../src/api/cause.ts'
import { methodNotSupported } from '../../src/api/errors.ts'
import type { Frozen, KubeObject, Ref } from '../../src/api/meta.ts'
import type { DeleteOptions, ListOptions, Patch, Selectors, WriteOptions } from '../../src/client/client.ts'
import type { ResourceUsage } from '../../src/client/resource-usage.ts'
import type { Millis } from '../../src/env/clock.ts'
import type { Env } from '../../src/env/env.ts'
import type { Kind, Subresource } from '../../src/kinds/kind.ts'
import { Nodes } from '../../src/kinds/node.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Admission, RemoteAdmission } from '../admission/admission.ts'
import type { Storage, Stored } from '../storage/storage.ts'
import { admitConnection } from './acting.ts'
import { applyScale, applyToObject } from './apply.ts'
import { refuseStrategic } from './apply-patch.ts'
import { bindingRegistry } from './bindings.ts'
import { type Collection, collectionOf } from './collection.ts'
import { type AreComponentsRunning, componentStatusRegistry } from './component-statuses.ts'
import { converting } from './converting.ts'
import { remove, removeCollection } from './delete.ts'
import { evict } from './eviction.ts'
import { lookedAt, type PutOff } from './put-off.ts'
import { get, list } from './read.ts'
import { nodeMetricsRegistry, podMetricsRegistry } from './resource-metrics.ts'
import { reviewRegistry } from './reviews.ts'
import { bind, noSuchPath, patchScale, readScale, updateScale } from './subresources.ts'
import { storageTerms } from './terms.ts'
import { type AnswerTokenRequest, requestToken } from './token.ts'
import { Watches } from './watch.ts'
import { create, patch, update, whenReady } from './write.ts'

export type { AnswerTokenRequest }
export { storageTerms }

/** An object on its way out: frozen, with its JSON made at most once. Only the JSON has the managed fields. */
export interface Reading {
  readonly object: Frozen<KubeObject>
  readonly bytes: Buffer
  /** The JSON of metadata.managedFields; undefined when there are none. */
  readonly managedFields: string | undefined
}

export interface ReadingList {
  readonly items: readonly Reading[]
  readonly resourceVersion: string
  readonly continue?: string | undefined
  readonly remainingItemCount?: number | undefined
}

export type WatchSignal =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
      readonly reading: Reading
      /** What was stored before, for who can only tell later whether it was selected. */
      readonly previous?: Stored | undefined
    }
  /** `initialEventsEnd`: the one that closes the initial events (annotation k8s.io/initial-events-end). */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string; readonly initialEventsEnd: boolean }

export interface ListRequest extends ListOptions {
  /** Only of watches; that it is there at all is a fault of a list. */
  readonly sendInitialEvents?: boolean | undefined
}

export interface WatchRequest extends Selectors {
  readonly namespace?: string | undefined
  /** Unset or '0': begin with the present objects as ADDED, as upstream does. */
  readonly resourceVersion?: string | undefined
  readonly resourceVersionMatch?: string | undefined
  readonly sendInitialEvents?: boolean | undefined
  readonly allowWatchBookmarks?: boolean | undefined
  /** Only of lists; a fault beside `resourceVersionMatch`. */
  readonly continue?: string | undefined
  /** It counts as nobody looking (put-off.ts). */
  readonly isQuiet?: boolean | undefined
  /** When the reader will end it: right before, it is told how far it has come. */
  readonly timeout?: Millis | undefined
}

/** What is going to be read. */
export interface Asked extends Pick<ListOptions, 'namespace' | 'fieldSelector'> {
  readonly name?: string | undefined
  /** It counts as nobody looking (put-off.ts). */
  readonly isQuiet?: boolean | undefined
  readonly isFromWithin?: boolean | undefined
}

/** Hands over what happened, in order, a tick's events at once. `ended` comes once, with the reason when there is one. */
export interface WatchReader {
  deliver(signals: readonly WatchSignal[]): void
  ended(error?: Error): void
  /** Bytes that were delivered and are not taken yet. A reader that lets too much lie is ended with Expired. */
  backlog?(): number
}

/** Who asks, as authentication found out. */
export interface User {
  readonly name: string
  readonly uid?: string | undefined
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined
}

/** The key has a prefix; the first value under it stays. */
export type Annotate = (key: string, value: string, level?: 'Metadata' | 'Request') => void

export interface RequestInfo {
  readonly user: User
  /** Collects what goes to the user as `Warning:` headers. */
  warn(text: string): void
  /** Goes into the audit log, from the level on that is given (Metadata). Absent: nothing is written of this request. */
  readonly annotate?: Annotate | undefined
  /** What the client calls itself; its first word is the field manager when none is named. */
  readonly userAgent?: string | undefined
  /** The request may be held a moment until what it needs is there, as a person's may; a controller tries again itself. */
  readonly mayWait?: boolean
  /** A program in a simulated pod asks: the cluster's clock waits for the answer. */
  readonly isFromWithin?: boolean
  /** Why it is asked, for whoever keeps that. */
  readonly cause?: Cause | undefined
  /** What a strict decoder says of a patch's own text, to be told with what it says of the outcome. */
  readonly strictFaults?: readonly string[]
}

export interface Wrote {
  /** The object; of most deletes, of a binding and of an eviction a Status (`object.kind` tells). */
  readonly reading: Reading
  /** 201 for a create, 200 for the rest; 202 for a delete that is still going on. */
  readonly code: 200 | 201 | 202
  /** Delete only: the object is really gone. */
  readonly gone?: boolean
}

export interface ResourceRegistry {
  readonly kind: Kind<any>
  /** For a kind of which something has to be done before it is read. Then `get` and `list` are not called bare. */
  ready?<T extends Reading | ReadingList>(read: () => T, asked: Asked): Promise<T>
  get(ref: Ref, options?: { resourceVersion?: string | undefined }): Reading
  list(options: ListRequest): ReadingList
  /** How many there are; absent where nothing is kept, and of a second version of what is counted elsewhere. */
  count?(): number
  watch(request: WatchRequest, reader: WatchReader): () => void
  create(
    object: unknown,
    where: { namespace?: string | undefined; name?: string | undefined },
    options: WriteOptions,
    info: RequestInfo,
  ): Promise<Wrote>
  update(ref: Ref, object: unknown, options: WriteOptions, info: RequestInfo, subresource?: Subresource): Promise<Wrote>
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
  /** Rejects with ApiError when somebody who is asked refuses that the user is connected. Absent: there is nothing to connect to. */
  admitConnection?(ref: Ref, subresource: Subresource, options: object, info: RequestInfo): Promise<void>
}

/** A kind that is a question, and what answers it: it fills in the status of what was sent, or throws. */
export interface Review {
  readonly kind: Kind<any>
  readonly answer: Answer<KubeObject>
}

export type Answer<T extends KubeObject> = (
  draft: T,
  user: User,
  now: Millis,
  info: RequestInfo,
) => void | Promise<void>

export interface Registry {
  /** Every served kind: those of kinds/index.ts in their order, the reviews, what came later. A new list when that changes. */
  readonly kinds: readonly Kind<any>[]
  /** Of a kind, or of the one that is served in its place. Throws NotFound when none is. */
  of(kind: Kind<any>): ResourceRegistry
  /** By what stands in a URL. */
  find(group: string, version: string, plural: string): ResourceRegistry | undefined
  /** Serves kinds that come at run time in the place of others that go. Watches of those that go end. */
  replace(going: readonly Kind<any>[], coming: readonly Kind<any>[]): void
  /** Ends the watches of these resources, or of all, as if the server had had enough of them; how many there were. */
  endWatches(resources?: readonly string[]): number
  /** How many watches are open. */
  readonly watching: number
  /** From now on what watches of a resource tell comes so much later. */
  delayWatches(delayOf: (resource: string) => Millis): void
}

export function createRegistry(
  env: Env,
  storage: Storage,
  kinds: readonly Kind<any>[],
  admission: readonly Admission[],
  reviews: readonly Review[] = [],
  remote?: RemoteAdmission,
  isRunning: AreComponentsRunning = () => undefined,
  answerTokenRequest?: AnswerTokenRequest,
  usage?: ResourceUsage,
  putOff?: PutOff,
): Registry {
  const watches = new Watches(env, storage, storageTerms(kinds))
  const byKind = new Map<Kind<any>, ResourceRegistry>()
  const byPath = new Map<string, ResourceRegistry>()
  const add = (resource: ResourceRegistry): void => {
    byKind.set(resource.kind, resource)
    byPath.set(pathOf(resource.kind), resource)
  }
  const serve = (kind: Kind<any>): void => {
    const collection = collectionOf(env, storage, admission, kind, remote, () => served)
    const resource = resourceRegistry(collection, watches, answerTokenRequest)
    add(putOff?.kind === kind ? lookedAt(resource, putOff) : resource)
  }
  let served: readonly Kind<any>[] = []
  for (const kind of kinds) serve(kind)
  for (const review of reviews) add(reviewRegistry(env, review))
  const pods = byKind.get(Pods)
  if (pods !== undefined) {
    add(bindingRegistry(pods))
    add(componentStatusRegistry(isRunning))
  }
  const nodes = byKind.get(Nodes)
  if (usage !== undefined && pods !== undefined && nodes !== undefined) {
    add(podMetricsRegistry(pods, usage))
    add(nodeMetricsRegistry(nodes, usage))
  }
  served = [...byKind.keys()]
  return {
    get kinds() {
      return served
    },
    of(kind) {
      const resource = byKind.get(kind) ?? byPath.get(pathOf(kind))
      if (resource === undefined) throw noSuchPath()
      return resource
    },
    find: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    replace(going, coming) {
      for (const kind of going) {
        byKind.delete(kind)
        byPath.delete(pathOf(kind))
      }
      for (const kind of coming) serve(kind)
      served = [...byKind.keys()]
      for (const kind of going) watches.endOf(kind)
    },
    get watching() {
      return watches.count
    },
    delayWatches: delayOf => watches.delay(delayOf),
    endWatches: resources =>
      served
        .filter(({ resource }) => resources === undefined || resources.length === 0 || resources.includes(resource))
        .reduce((count, kind) => count + watches.endOf(kind), 0),
  }
}

/** Windows on the object itself. */
const partsOfObject: readonly Subresource[] = ['status', 'approval', 'ephemeralcontainers', 'resize']

const pathOf = ({ group, version, plural }: Kind<any>): string => `${group}/${version}/${plural}`

function resourceRegistry(
  collection: Collection,
  watches: Watches,
  answerTokenRequest: AnswerTokenRequest | undefined,
): ResourceRegistry {
  const { kind } = collection
  const requireSubresource = (subresource: Subresource | undefined): void => {
    if (subresource !== undefined && !kind.subresources?.includes(subresource)) throw noSuchPath()
  }
  const resource: ResourceRegistry = {
    kind,
    get: (ref, options) => get(collection, ref, options?.resourceVersion),
    list: options => list(collection, options),
    ...(collection.kept === kind ? { count: () => collection.storage.count(collection.prefix) } : {}),
    watch: (request, reader) => watches.watch(collection, request, reader),
    create: (object, where, options, info) =>
      whenReady(collection, info, () => create(collection, object, where.namespace, options, info)),
    async update(ref, object, options, info, subresource) {
      requireSubresource(subresource)
      if (subresource === 'scale') return updateScale(collection, ref, object, options, info)
      return update(collection, ref, object, options, info, subresource)
    },
    async patch(ref, change, options, info, subresource) {
      requireSubresource(subresource)
      refuseStrategic(kind, change)
      if (change.type === 'apply') {
        if (subresource === 'scale') return applyScale(collection, ref, change.body, options, info)
        const run = () => applyToObject(collection, ref, change.body, options, info, subresource)
        return whenReady(collection, info, run)
      }
      if (subresource === 'scale') return patchScale(collection, ref, change, options, info)
      return patch(collection, ref, change, options, info, subresource)
    },
    delete: (ref, options, info) => remove(collection, ref, options, info),
    deleteCollection: (where, options, info) => removeCollection(collection, where, options, info),
    readSubresource(ref, subresource) {
      requireSubresource(subresource)
      if (subresource === 'scale') return readScale(collection, ref)
      if (partsOfObject.includes(subresource)) return get(collection, ref, undefined)
      throw methodNotSupported(kind, 'get')
    },
    admitConnection: (ref, subresource, options, info) => admitConnection(collection, ref, subresource, options, info),
    async act(ref, subresource, body, options, info) {
      requireSubresource(subresource)
      if (subresource === 'binding') return bind(collection, ref, body, options, info)
      if (subresource === 'eviction') return evict(collection, ref, body, options, info)
      if (subresource === 'token' && answerTokenRequest)
        return requestToken(collection, ref, body, options, info, answerTokenRequest)
      throw methodNotSupported(kind, 'create')
    },
  }
  if (kind.custom?.isConvertedOutside) return converting(resource, collection, watches)
  const load = kind.load ?? collection.admission.find(plugin => plugin.load !== undefined)?.load
  return load === undefined ? resource : loading(resource, load)
}

/** Reads of a resource as it has to be read; all but those of `ready` kinds at once. */
export function readOf<T extends Reading | ReadingList>(
  resource: ResourceRegistry,
  asked: Asked,
  read: () => T,
): T | Promise<T> {
  return resource.ready === undefined ? read() : resource.ready(read, asked)
}

/** Writes wait until what they need is loaded. */
function loading(resource: ResourceRegistry, load: () => Promise<void>): ResourceRegistry {
  return {
    ...resource,
    create: (...request) => load().then(() => resource.create(...request)),
    update: (...request) => load().then(() => resource.update(...request)),
    patch: (...request) => load().then(() => resource.patch(...request)),
  }
}
