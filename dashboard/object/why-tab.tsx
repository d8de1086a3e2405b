// Why an object is there and as it is, and what has not happened to it: `kubesim why` and `why-not`, read again when it has changed.

import { useEffect, useState } from 'react'
import { changeText, tellingChanges } from '../../src/api/field-changes.ts'
import type { Happening } from '../../src/timeline.ts'
import type { Said, Why } from '../../src/why/chain.ts'
import type { WhyNot } from '../../src/why/why-not.ts'
import { getJson } from '../api/requests.ts'
import { did, namespaceFlag } from '../page/did.ts'
import { addressOf, go, usePlace } from '../page/place.ts'
import type { ObjectTabProps } from './object-panel.tsx'

const mostChanges = 4
const settles = 300

export function WhyTab({ object, resource, reference }: ObjectTabProps) {
  const [told, setTold] = useState<{ readonly why: Why; readonly whyNot: WhyNot }>()
  const [refusal, setRefusal] = useState<string>()
  const { resourceVersion } = object.metadata
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the object has changed.
  useEffect(() => {
    const leaving = new AbortController()
    const words = new URLSearchParams({ resource: resource.resource, name: reference.name })
    if (reference.namespace) words.set('namespace', reference.namespace)
    const ask = async (): Promise<void> => {
      try {
        const [why, whyNot] = await Promise.all([
          getJson<Why>(`/kubesim/v1alpha1/why?${words}`, leaving),
          getJson<WhyNot>(`/kubesim/v1alpha1/why-not?${words}`, leaving),
        ])
        setTold({ why, whyNot })
        setRefusal(undefined)
      } catch (error) {
        if (!leaving.signal.aborted) setRefusal((error as Error).message)
      }
    }
    // What changes often is asked about once it rests.
    const timer = setTimeout(ask, told === undefined ? 0 : settles)
    return () => {
      clearTimeout(timer)
      leaving.abort()
    }
  }, [resource, reference, resourceVersion])
  useEffect(() => {
    did(`kubesim why ${resource.kind.toLowerCase()}/${reference.name}${namespaceFlag(reference.namespace)}`)
  }, [resource, reference])
  if (refusal) return <p className="empty refusal">{refusal}</p>
  if (told === undefined) return <p className="loading">Asking …</p>
  const { chain, since, forgottenBefore, decision } = told.why
  return (
    <div className="summary why">
      {told.whyNot.findings.length > 0 && (
        <section>
          <h3>What has not happened</h3>
          {told.whyNot.findings.map(({ what, about, waitsFor, remedy }) => (
            <article key={`${what} ${about} ${waitsFor}`} className="finding">
              <h4>
                {about}: {what}
              </h4>
              <p>
                <b>It waits for</b> {waitsFor}
              </p>
              <p>
                <b>What would change it:</b> {remedy}
              </p>
            </article>
          ))}
        </section>
      )}
      <section>
        <h3>Why it is there</h3>
        {forgottenBefore !== undefined && (
          <p className="empty">What was before revision {forgottenBefore} is forgotten.</p>
        )}
        <ol className="happenings">
          {chain.map(item => (
            <Happened key={item.revision} item={item} withObject />
          ))}
        </ol>
      </section>
      {decision && (
        <section>
          <h3>How it was placed</h3>
          <p>
            {decision.node
              ? `On ${decision.node}, by ${decision.scheduler}: ${decision.feasible.length} of ${decision.nodeCount} nodes would do.`
              : (decision.message ?? 'On no node yet.')}
          </p>
          {decision.refused.length > 0 && (
            <table className="plain">
              <thead>
                <tr>
                  <th>Node</th>
                  <th>Refused by</th>
                  <th>Why</th>
                </tr>
              </thead>
              <tbody>
                {decision.refused.slice(0, 12).map(({ node, plugin, reasons }) => (
                  <tr key={node}>
                    <td>{node || 'all'}</td>
                    <td>{plugin}</td>
                    <td>{reasons.join(', ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </section>
      )}
      {since.length > 0 && (
        <section>
          <h3>What became of it</h3>
          <ol className="happenings">
            {since.map((item, index) =>
              'reason' in item ? (
                <SaidOfIt key={`said ${index}`} said={item} />
              ) : (
                <Happened key={item.revision} item={item} />
              ),
            )}
          </ol>
        </section>
      )}
    </div>
  )
}

const deeds = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'removed' } as const

function Happened({ item, withObject = false }: { readonly item: Happening; readonly withObject?: boolean }) {
  const place = usePlace()
  const { revision, time, type, object, cause } = item
  const changes = tellingChanges(item.changes)
  const reference = `${object.resource}/${object.namespace ?? ''}/${object.name}`
  return (
    <li>
      <span className="when">
        {time?.slice(11, 19)}
        <button
          type="button"
          className="quiet"
          title={`See the cluster as of revision ${revision}`}
          onClick={() => go({ at: revision })}
        >
          {revision}
        </button>
      </span>
      <div>
        <b>{cause?.by ?? 'somebody'}</b>
        {cause?.user && <small> ({cause.user})</small>} {deeds[type]}{' '}
        {withObject ? (
          <a href={addressOf({ ...place, object: reference, tab: 'why' })}>
            {object.kind} {object.name}
          </a>
        ) : (
          'it'
        )}
        {changes.length > 0 && (
          <ul>
            {changes.slice(0, mostChanges).map(change => (
              <li key={change.path}>
                <code>{changeText(change)}</code>
              </li>
            ))}
            {changes.length > mostChanges && <li>… and {changes.length - mostChanges} more</li>}
          </ul>
        )}
      </div>
    </li>
  )
}

function SaidOfIt({ said: { time, by, reason, message, type, count } }: { readonly said: Said }) {
  return (
    <li data-warning={type === 'Warning' || undefined}>
      <span className="when">{time.slice(11, 19)}</span>
      <div>
        <b>{by}</b> said {reason}: {message}
        {count > 1 && <small> ×{count}</small>}
      </div>
    </li>
  )
}
