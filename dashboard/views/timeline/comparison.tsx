// Two moments held against each other: what was added, changed and deleted between them.

import { useEffect, useState } from 'react'
import type { Difference } from '../../../src/timeline.ts'
import { getJson } from '../../api/requests.ts'
import { writeReference } from '../../api/resources.ts'
import { go } from '../../page/place.ts'
import { ChangeList } from './change-list.tsx'

interface ComparisonProps {
  readonly one: number
  /** Undefined: now. */
  readonly other: number | undefined
  readonly namespace: string
  /** Of the present. */
  readonly revision: number
  readonly close: () => void
}

const signs = { ADDED: '+', MODIFIED: '~', DELETED: '−' } as const
const words = { ADDED: 'added', MODIFIED: 'changed', DELETED: 'deleted' } as const

export function Comparison({ one, other, namespace, revision, close }: ComparisonProps) {
  const [from, to] = other === undefined || one <= other ? [one, other] : [other, one]
  const [told, setTold] = useState<{ readonly difference?: Difference; readonly error?: string }>({})
  // biome-ignore lint/correctness/useExhaustiveDependencies: until now is until another revision.
  useEffect(() => {
    const leaving = new AbortController()
    const query = new URLSearchParams({ from: String(from), to: to === undefined ? 'now' : String(to) })
    if (namespace) query.set('namespace', namespace)
    getJson<Difference>(`/kubesim/v1alpha1/diff?${query}`, { signal: leaving.signal }).then(
      difference => setTold({ difference }),
      error => {
        if (!leaving.signal.aborted) setTold({ error: (error as Error).message })
      },
    )
    return () => leaving.abort()
  }, [from, to, namespace, to === undefined ? revision : 0])
  const { difference, error } = told
  return (
    <section className="lane-events" aria-label="Two moments compared">
      <header>
        <h3>
          From revision {from} to {to ?? 'now'}
        </h3>
        <button type="button" onClick={close}>
          No comparison
        </button>
      </header>
      {error && (
        <p className="refusal" role="alert">
          {error}
        </p>
      )}
      {difference?.items.length === 0 && <p className="empty">Nothing is different.</p>}
      <ol>
        {difference?.items.map(({ type, object, changes }) => (
          <li key={`${object.resource} ${object.namespace} ${object.name}`} data-type={type}>
            <b aria-hidden="true">{signs[type]}</b>
            <div>
              <p>
                <span className="hidden">{words[type]} </span>
                {object.kind}{' '}
                <button
                  type="button"
                  className="quiet"
                  onClick={() => {
                    const { resource, namespace: of, name } = object
                    go({ object: writeReference({ resource, ...(of ? { namespace: of } : {}), name }) })
                  }}
                >
                  {object.namespace ? `${object.namespace}/` : ''}
                  {object.name}
                </button>
              </p>
              <ChangeList changes={changes} />
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
}
