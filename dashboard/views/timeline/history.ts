// What happened, as the timeline tells it: read once, then what came since whenever the cluster has a new revision.

import { useEffect, useState } from 'react'
import type { Happening, Timeline } from '../../../src/timeline.ts'
import { getJson } from '../../api/requests.ts'
import { useClock } from '../../page/clock.ts'

const path = '/kubesim/v1alpha1/timeline'
/** So many of the last are shown; a cluster keeps some thousands. */
const most = 5_000

export interface History {
  readonly items: readonly Happening[]
  /** Up to here it is known. */
  readonly to: number
  /** There was more, which is not shown. */
  readonly isCut: boolean
}

export function useHistory(namespace: string): { readonly history?: History; readonly error?: string } {
  const revision = useClock()?.revision
  const [told, setTold] = useState<{ readonly of: string; readonly history?: History; readonly error?: string }>()
  const known = told?.of === namespace ? told.history : undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is known only says from where to ask.
  useEffect(() => {
    const leaving = new AbortController()
    read(namespace, known, leaving.signal).then(
      history => setTold({ of: namespace, history }),
      error => {
        if (!leaving.signal.aborted) setTold({ of: namespace, error: (error as Error).message })
      },
    )
    return () => leaving.abort()
  }, [namespace, revision])
  return told?.of === namespace ? told : {}
}

async function read(namespace: string, known: History | undefined, signal: AbortSignal): Promise<History> {
  const words = new URLSearchParams({ limit: String(most) })
  if (namespace) words.set('namespace', namespace)
  if (known) words.set('from', String(known.to))
  const { items, to, isCut } = await getJson<Timeline>(`${path}?${words}`, { signal })
  if (known === undefined) return { items, to, isCut }
  const all = [...known.items, ...items.filter(({ revision }) => revision > known.to)]
  return { items: all.slice(-most), to: Math.max(to, known.to), isCut: known.isCut || isCut || all.length > most }
}
