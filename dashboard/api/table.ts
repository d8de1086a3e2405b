// A collection as kubectl's table: the columns and cells that the API server makes (`as=Table`), listed and then watched. A WebSocket
// cannot ask for this form, so the watch is a plain request that goes on; a page has one at a time, that of the list one looks at.

import { useEffect, useState } from 'react'
import { ApiError, type Status } from '../../src/api/errors.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { usePlace } from '../page/place.ts'
import { keyOf } from './collection.ts'
import { lines } from './lines.ts'
import { reachable } from './reachable.ts'
import { getJson, pathAt, send } from './requests.ts'
import { collectionPath, type Resource } from './resources.ts'

export interface Column {
  readonly name: string
  readonly type: string
  readonly priority: number
  readonly description?: string
}

export interface Row {
  readonly cells: readonly unknown[]
  /** Its metadata only. */
  readonly object: KubeObject
}

export interface TableView {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  readonly isReady: boolean
  readonly error: ApiError | undefined
}

interface WireTable {
  readonly metadata: { readonly resourceVersion?: string }
  readonly columnDefinitions?: readonly Column[] | null
  readonly rows: readonly Row[] | null
}

const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
const pause = 1_000
const nothing: TableView = { columns: [], rows: [], isReady: false, error: undefined }

export function useTable(resource: Resource | undefined, namespace: string): TableView {
  const { at } = usePlace()
  const path = resource && pathAt(collectionPath(resource, namespace), at)
  const [view, setView] = useState<TableView & { readonly path?: string }>(nothing)
  useEffect(() => {
    if (path === undefined) return
    const leaving = new AbortController()
    void followTable(path, told => setView({ ...told, path }), leaving.signal)
    return () => leaving.abort()
  }, [path])
  return view.path === path ? view : nothing
}

async function followTable(path: string, hear: (view: TableView) => void, signal: AbortSignal): Promise<void> {
  let frame = 0
  signal.addEventListener('abort', () => cancelAnimationFrame(frame))
  while (!signal.aborted) {
    try {
      const listed = await getJson<WireTable>(path, { accept, signal })
      const columns = listed.columnDefinitions ?? []
      const rows = new Map((listed.rows ?? []).map(row => [keyOf(row.object), row]))
      const tell = () => {
        frame = 0
        hear({ columns, rows: [...rows.values()], isReady: true, error: undefined })
      }
      tell()
      if (path.startsWith('/at/')) return
      const watch = `${path}?watch=true&resourceVersion=${listed.metadata.resourceVersion}`
      for await (const line of lines(await send(watch, { accept, signal }))) {
        const { type, object } = JSON.parse(line) as { type: string; object: WireTable }
        if (type === 'ERROR') throw ApiError.fromStatus(object as unknown as Status)
        for (const row of object.rows ?? []) {
          if (type === 'DELETED') rows.delete(keyOf(row.object))
          else rows.set(keyOf(row.object), row)
        }
        frame ||= requestAnimationFrame(tell)
      }
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.code !== 410) hear({ ...nothing, isReady: true, error })
    }
    await new Promise(resolve => setTimeout(resolve, pause))
    await reachable.again(signal)
  }
}
