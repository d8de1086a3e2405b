// One collection as it is: listed, then watched from there over a WebSocket (of plain requests a browser keeps no more than six
// open to one place). A watch that breaks off goes on from the last revision seen; one from a revision that is forgotten begins
// anew with a list. Changes are handed on once a frame, however many there were. Called by live.ts.

import { ApiError, type Status } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { reachable } from './reachable.ts'
import { getJson } from './requests.ts'

export interface Snapshot<T> {
  readonly objects: readonly T[]
  readonly byKey: ReadonlyMap<string, T>
  /** The first list has been read. */
  readonly isReady: boolean
  readonly error: ApiError | undefined
}

export interface CollectionQuery {
  /** `/api/v1/pods`, of the present or (`/at/42/…`) of the past, which is listed once. */
  readonly path: string
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export const keyOf = ({ metadata: { namespace, name } }: KubeObject): string =>
  namespace ? `${namespace}/${name}` : name

const page = 500
const firstPause = 200
const longestPause = 5_000

interface WireList<T> {
  readonly kind: string
  readonly apiVersion: string
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items: readonly T[] | null
}

/** Runs until the signal; `hear` is called with every new state, at most once a frame. */
export async function follow<T extends KubeObject>(
  query: CollectionQuery,
  hear: (snapshot: Snapshot<T>) => void,
  signal: AbortSignal,
): Promise<void> {
  let objects = new Map<string, T>()
  let changes = new Map<string, T | undefined>()
  let frame = 0
  const tell = (error?: ApiError): void =>
    hear({ objects: [...objects.values()], byKey: objects, isReady: error === undefined || objects.size > 0, error })
  const flush = (): void => {
    frame = 0
    objects = new Map(objects)
    for (const [key, object] of changes) {
      if (object === undefined) objects.delete(key)
      else objects.set(key, object)
    }
    changes = new Map()
    tell()
  }
  const change = (key: string, object: T | undefined): void => {
    changes.set(key, object)
    frame ||= requestAnimationFrame(flush)
  }
  signal.addEventListener('abort', () => cancelAnimationFrame(frame))
  let pause = firstPause
  let revision: string | undefined
  while (!signal.aborted) {
    try {
      if (revision === undefined) {
        const listed = await listAll<T>(query, signal)
        revision = listed.revision
        changes.clear()
        objects = listed.objects
        tell()
        if (query.path.startsWith('/at/')) return
      }
      const ended = await watchFrom<T>(query, revision, change, signal)
      revision = ended.revision
      if (ended.error !== undefined) throw ended.error
      if (ended.events > 0) pause = firstPause
    } catch (error) {
      if (signal.aborted) return
      const refusal = error instanceof ApiError ? error : new ApiError('InternalError', String(error))
      if (refusal.code === 410) revision = undefined
      else tell(refusal)
    }
    await new Promise(resolve => setTimeout(resolve, pause))
    pause = Math.min(pause * 2, longestPause)
    await reachable.again(signal)
  }
}

async function listAll<T extends KubeObject>(
  { path, labelSelector, fieldSelector }: CollectionQuery,
  signal: AbortSignal,
): Promise<{ objects: Map<string, T>; revision: string }> {
  const objects = new Map<string, T>()
  let token = ''
  let revision = ''
  do {
    const words = wordsOf({ labelSelector, fieldSelector, limit: String(page), continue: token })
    const list = await getJson<WireList<T>>(`${path}?${words}`, { signal })
    const type = { kind: list.kind.replace(/List$/, ''), apiVersion: list.apiVersion }
    for (const item of list.items ?? []) objects.set(keyOf(item), { ...type, ...item })
    revision = list.metadata.resourceVersion ?? ''
    token = list.metadata.continue ?? ''
  } while (token !== '')
  return { objects, revision }
}

interface WatchEnd {
  readonly revision: string
  readonly events: number
  readonly error?: ApiError
}

/** Resolves when the watch has ended, with the last revision it has seen. */
function watchFrom<T extends KubeObject>(
  { path, labelSelector, fieldSelector }: CollectionQuery,
  from: string,
  change: (key: string, object: T | undefined) => void,
  signal: AbortSignal,
): Promise<WatchEnd> {
  const words = wordsOf({
    labelSelector,
    fieldSelector,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
  })
  const socket = new WebSocket(`ws://${location.host}${path}?${words}`)
  let revision = from
  let events = 0
  let error: ApiError | undefined
  return new Promise(resolve => {
    const leave = (): void => socket.close()
    signal.addEventListener('abort', leave)
    socket.onmessage = ({ data }) => {
      const { type, object } = JSON.parse(data as string) as { type: string; object: T }
      if (type === 'ERROR') {
        error = ApiError.fromStatus(object as unknown as Status)
        return
      }
      events++
      revision = object.metadata.resourceVersion ?? revision
      if (type !== 'BOOKMARK') change(keyOf(object), type === 'DELETED' ? undefined : object)
    }
    socket.onclose = async () => {
      signal.removeEventListener('abort', leave)
      // A refused handshake tells a page nothing: the same question without one does.
      if (events === 0 && error === undefined && !signal.aborted) {
        await getJson(`${path}?limit=1`, { signal }).catch(refusal => {
          if (refusal instanceof ApiError && refusal.code !== 503) error = refusal
        })
      }
      resolve({ revision, events, ...(error ? { error } : {}) })
    }
  })
}

function wordsOf(words: Readonly<Record<string, string | undefined>>): URLSearchParams {
  return new URLSearchParams(Object.entries(words).filter((pair): pair is [string, string] => Boolean(pair[1])))
}
