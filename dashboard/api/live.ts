// What views read: `useObjects(pods)` is the collection as it is now, or as it was at the revision that is chosen; live, and the same
// for all who ask for the same. A collection nobody reads any more is let go after a moment.

import { useCallback, useRef, useSyncExternalStore } from 'react'
import type { KubeObject } from '../../src/api/meta.ts'
import { usePlace } from '../page/place.ts'
import { type CollectionQuery, follow, type Snapshot } from './collection.ts'
import { pathAt } from './requests.ts'
import { collectionPath, type Resource } from './resources.ts'

export type { Snapshot } from './collection.ts'
export { keyOf } from './collection.ts'

export interface ObjectsQuery {
  /** Default: of all namespaces. */
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

interface Followed {
  snapshot: Snapshot<any>
  readonly hearers: Set<() => void>
  readonly stop: AbortController
  letGo: number | undefined
}

const followed = new Map<string, Followed>()
const nothing: Snapshot<any> = { objects: [], byKey: new Map(), isReady: false, error: undefined }
const lingering = 5_000

/** Undefined asks for nothing. */
export function useObjects<T extends KubeObject>(
  resource: Resource | undefined,
  query: ObjectsQuery = {},
): Snapshot<T> {
  const { at } = usePlace()
  const asked: CollectionQuery | undefined = resource && {
    path: pathAt(collectionPath(resource, query.namespace), at),
    labelSelector: query.labelSelector,
    fieldSelector: query.fieldSelector,
  }
  const name = asked && JSON.stringify(asked)
  const subscribe = useCallback((hear: () => void) => (name === undefined ? () => {} : join(name, hear)), [name])
  return useSyncExternalStore(subscribe, () =>
    name === undefined ? nothing : (followed.get(name)?.snapshot ?? nothing),
  )
}

/** Several collections at once, each of one namespace where it has any; the list is the same as long as nothing has changed. */
export function useManyObjects(resources: readonly Resource[], namespace?: string): readonly Snapshot<KubeObject>[] {
  const { at } = usePlace()
  const names = resources.map(resource => JSON.stringify({ path: pathAt(collectionPath(resource, namespace), at) }))
  const all = names.join('\n')
  const last = useRef<readonly Snapshot<KubeObject>[]>([])
  const subscribe = useCallback(
    (hear: () => void) => {
      const leave = all === '' ? [] : all.split('\n').map(name => join(name, hear))
      return () => {
        for (const each of leave) each()
      }
    },
    [all],
  )
  return useSyncExternalStore(subscribe, () => {
    const now = names.map(name => followed.get(name)?.snapshot ?? nothing)
    const before = last.current
    if (now.length !== before.length || now.some((snapshot, index) => snapshot !== before[index])) last.current = now
    return last.current
  })
}

function join(name: string, hear: () => void): () => void {
  let entry = followed.get(name)
  if (entry === undefined) {
    const begun: Followed = { snapshot: nothing, hearers: new Set(), stop: new AbortController(), letGo: undefined }
    entry = begun
    followed.set(name, begun)
    const told = (snapshot: Snapshot<any>): void => {
      begun.snapshot = snapshot
      for (const each of begun.hearers) each()
    }
    void follow(JSON.parse(name) as CollectionQuery, told, begun.stop.signal)
  }
  const { hearers, stop } = entry
  clearTimeout(entry.letGo)
  hearers.add(hear)
  const joined = entry
  return () => {
    hearers.delete(hear)
    if (hearers.size > 0) return
    clearTimeout(joined.letGo)
    joined.letGo = window.setTimeout(() => {
      stop.abort()
      followed.delete(name)
    }, lingering)
  }
}
