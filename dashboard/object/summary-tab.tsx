// What an object is at a glance: what kubectl's wide row says of it, its labels, its conditions, of a pod its containers, and what was
// said about it last.

import { useEffect, useState } from 'react'
import type { CoreV1Event, Pod } from '../../generated/types.ts'
import type { Condition } from '../../src/api/conditions.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { useResources } from '../api/discovery.ts'
import { useObjects } from '../api/live.ts'
import { getJson, pathAt } from '../api/requests.ts'
import { events as eventsResource, objectPath, referenceTo, writeReference } from '../api/resources.ts'
import { useClusterNow } from '../page/clock.ts'
import { addressOf, usePlace } from '../page/place.ts'
import { age } from '../parts/ages.ts'
import type { ObjectTabProps } from './object-panel.tsx'

interface Table {
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[]
  readonly rows: readonly { readonly cells: readonly unknown[] }[]
}

export function SummaryTab({ object, resource, reference }: ObjectTabProps) {
  const { at } = usePlace()
  const now = useClusterNow()
  const [table, setTable] = useState<Table>()
  const { resourceVersion, labels, annotations, ownerReferences, creationTimestamp } = object.metadata
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when the object has changed.
  useEffect(() => {
    const leaving = new AbortController()
    getJson<Table>(pathAt(objectPath(resource, reference), at), {
      accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
      signal: leaving.signal,
    })
      .then(setTable)
      .catch(() => {})
    return () => leaving.abort()
  }, [resource, reference, at, resourceVersion])
  const { status } = object as KubeObject & { status?: { conditions?: Condition[] } }
  return (
    <div className="summary">
      <dl className="facts">
        {table?.columnDefinitions.map(({ name }, index) =>
          /^(name|age)$/i.test(name) || cellOf(table, index) === '<none>' ? null : (
            <Fact key={name} name={name}>
              {cellOf(table, index)}
            </Fact>
          ),
        )}
        <Fact name="Age">{age(creationTimestamp as string | undefined, now)}</Fact>
        <Owners object={object} owners={ownerReferences ?? []} />
        <Words name="Labels" words={labels} />
        <Words name="Annotations" words={annotations} />
      </dl>
      {resource.kind === 'Pod' && <Containers pod={object as unknown as Pod} />}
      {status?.conditions && status.conditions.length > 0 && <Conditions conditions={status.conditions} now={now} />}
      <EventList object={object} now={now} />
    </div>
  )
}

const cellOf = (table: Table, column: number): string => String(table.rows[0]?.cells[column] ?? '')

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Words({
  name,
  words,
}: {
  readonly name: string
  readonly words: Readonly<Record<string, string>> | undefined
}) {
  const all = Object.entries(words ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration')
  if (all.length === 0) return null
  return (
    <Fact name={name}>
      <ul className="words">
        {all.map(([key, value]) => (
          <li key={key}>
            {key}
            {value !== '' && <b>{value}</b>}
          </li>
        ))}
      </ul>
    </Fact>
  )
}

function Owners({
  object,
  owners,
}: {
  readonly object: KubeObject
  readonly owners: NonNullable<KubeObject['metadata']['ownerReferences']>
}) {
  const place = usePlace()
  const resources = useResources()
  if (owners.length === 0) return null
  return (
    <Fact name="Owned by">
      {owners.map(({ kind, name, uid, apiVersion }) => {
        const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
        const of = [...(resources?.values() ?? [])].find(each => each.kind === kind && each.group === group)
        if (of === undefined) return <span key={uid}>{`${kind} ${name}`}</span>
        const metadata = { name, ...(of.namespaced ? { namespace: object.metadata.namespace } : {}) }
        const reference = writeReference(referenceTo(of, { metadata } as KubeObject))
        return (
          <a key={uid} href={addressOf({ ...place, object: reference, tab: undefined })}>
            {kind} {name}
          </a>
        )
      })}
    </Fact>
  )
}

function Containers({ pod }: { readonly pod: Pod }) {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]
  return (
    <section>
      <h3>Containers</h3>
      <ul className="containers">
        {[...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name, image }) => {
          const status = statuses.find(each => each.name === name)
          const { running, waiting, terminated } = status?.state ?? {}
          const says = running ? 'running' : (waiting?.reason ?? terminated?.reason ?? 'not started')
          const isBad = (terminated && terminated.exitCode !== 0) || /Err|BackOff/.test(waiting?.reason ?? '')
          return (
            <li key={name}>
              <b>{name}</b>
              <code>{image}</code>
              <span className={`badge ${isBad ? 'badge-bad' : status?.ready ? 'badge-good' : ''}`}>{says}</span>
              {(status?.restartCount ?? 0) > 0 && <small>{status?.restartCount} restarts</small>}
              {waiting?.message && <p>{waiting.message}</p>}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function Conditions({ conditions, now }: { readonly conditions: readonly Condition[]; readonly now: number }) {
  return (
    <section>
      <h3>Conditions</h3>
      <table className="plain">
        <thead>
          <tr>
            <th>Type</th>
            <th>Status</th>
            <th>Since</th>
            <th>Reason</th>
          </tr>
        </thead>
        <tbody>
          {conditions.map(({ type, status, reason, message, lastTransitionTime }) => (
            <tr key={type}>
              <td>{type}</td>
              <td>{status}</td>
              <td>{age(lastTransitionTime as string | undefined, now)}</td>
              <td>
                {reason}
                {message && <p>{message}</p>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

const mostEvents = 50

/** What was said about it, latest first. */
function EventList({ object, now }: { readonly object: KubeObject; readonly now: number }) {
  const { objects, isReady } = useObjects<CoreV1Event>(eventsResource, {
    fieldSelector: `involvedObject.uid=${object.kind === 'Node' ? object.metadata.name : object.metadata.uid}`,
  })
  const said = [...objects].sort((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1)).slice(0, mostEvents)
  return (
    <section>
      <h3>Events</h3>
      {isReady && said.length === 0 && <p className="empty">Nothing was said about it in the last hour.</p>}
      {said.length > 0 && (
        <table className="plain events">
          <thead>
            <tr>
              <th>Age</th>
              <th>From</th>
              <th>Reason</th>
              <th>Message</th>
            </tr>
          </thead>
          <tbody>
            {said.map(event => (
              <tr key={event.metadata.uid} data-warning={event.type === 'Warning' || undefined}>
                <td>
                  {age(timeOf(event), now)}
                  {(event.count ?? 1) > 1 && <small> ×{event.count}</small>}
                </td>
                <td>{event.source?.component || event.reportingComponent}</td>
                <td>{event.reason}</td>
                <td>{event.message}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

const timeOf = (event: CoreV1Event): string =>
  (event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp ?? '') as string
