// The network: a request that one sends, drawn from who asks through the Service, the proxy's table and the endpoints to who
// answers, or to the policy that forbade it.

import { useMemo, useState } from 'react'
import type { EndpointSlice } from '../../../generated/types.ts'
import type { SendRequest, SentRequest } from '../../../src/own/requests.ts'
import { useObjects } from '../../api/live.ts'
import { postJson } from '../../api/requests.ts'
import { endpointSlices, fullName, networkPolicies, writeReference } from '../../api/resources.ts'
import { askClock } from '../../page/clock.ts'
import { did, namespaceFlag } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { RequestForm } from './request-form.tsx'
import { wayOf } from './way.ts'
import { WayPicture } from './way-picture.tsx'
import './network.css'
import { Preformatted } from '../../parts/preformatted.tsx'

interface Sent {
  readonly number: number
  readonly report: SentRequest
}

const mostKept = 50

export function NetworkView() {
  const { at } = usePlace()
  const slices = useObjects<EndpointSlice>(endpointSlices)
  const [sent, setSent] = useState<readonly Sent[]>([])
  const [shown, setShown] = useState<number>()
  const [isBusy, setBusy] = useState(false)
  const [refusal, setRefusal] = useState<string>()
  const send = async (request: SendRequest, times: number): Promise<void> => {
    setBusy(true)
    setRefusal(undefined)
    try {
      for (let count = 0; count < times; count++) {
        const report = await postJson<SentRequest>('/kubesim/v1alpha1/requests', request)
        setSent(before => [{ number: (before[0]?.number ?? 0) + 1, report }, ...before].slice(0, mostKept))
        setShown(undefined)
        if (count === 0)
          did(commandOf(request), report.fault ?? `status ${report.status ?? 'connected'}`, report.fault !== undefined)
      }
    } catch (error) {
      setRefusal((error as Error).message)
      did(commandOf(request), (error as Error).message, true)
    } finally {
      setBusy(false)
      askClock().catch(() => {})
    }
  }
  const current = sent.find(({ number }) => number === shown) ?? sent[0]
  const way = useMemo(() => current && wayOf(current.report, slices.objects), [current, slices.objects])
  const openPolicy = (name: string): void => {
    const [namespace, policy = ''] = name.split('/')
    go({ object: writeReference({ resource: fullName(networkPolicies), namespace, name: policy }) })
  }
  return (
    <div className="network">
      <RequestForm isBusy={isBusy} send={(request, times) => void send(request, times)} />
      {at !== undefined && <p className="empty">Requests are sent in the present: go back to it to send one.</p>}
      {refusal && (
        <p className="empty refusal" role="alert">
          {refusal}
        </p>
      )}
      {!current && at === undefined && (
        <p className="empty">
          Choose who asks and where to, and press Send. A Service answers by its name, such as <code>http://web/</code>,
          a pod or a node by its address. Nothing is there yet?{' '}
          <code>kubectl create deployment web --image=nginx --replicas=3</code> and{' '}
          <code>kubectl expose deployment web --port=80</code>.
        </p>
      )}
      {current && way && (
        <div className="network-body">
          <section aria-label="The way of the request">
            <WayPicture way={way} openPolicy={openPolicy} />
            <HopTable report={current.report} />
          </section>
          <SentList sent={sent} current={current.number} show={setShown} />
        </div>
      )}
    </div>
  )
}

function commandOf({ from, url, timeout }: SendRequest): string {
  if ('pod' in from) return `kubesim trace ${from.pod} ${url}${namespaceFlag(from.namespace)} --timeout ${timeout}`
  return `kubectl create --raw /kubesim/v1alpha1/requests -f - <<< '${JSON.stringify({ from, url, timeout })}'`
}

function HopTable({ report: { packets, body } }: { readonly report: SentRequest }) {
  return (
    <>
      <table className="plain hops">
        <caption>
          <h3>Every packet, hop by hop</h3>
        </caption>
        <thead>
          <tr>
            <th scope="col">To</th>
            <th scope="col">At</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {packets.flatMap(({ to, protocol, hops, end, question, answer }, packet) => {
            const rows = hops.map(({ at, kind, what }) => ({ at, kind, what }))
            if (question) {
              const said = answer === undefined ? end : answer.records.map(({ data }) => data).join(', ') || answer.code
              rows.push({ at: 'name server', kind: 'end', what: `${question.name} ${question.type}: ${said}` })
            } else if (!hops.some(({ kind }) => kind === 'end')) rows.push({ at: '', kind: 'end', what: end })
            return rows.map(({ at, kind, what }, hop) => (
              <tr key={`${packet} ${hop}`} data-kind={kind}>
                <td>{hop === 0 ? `${to}/${protocol}` : ''}</td>
                <td>{at}</td>
                <td>{what}</td>
              </tr>
            ))
          })}
        </tbody>
      </table>
      {body && (
        <details className="answer">
          <summary>What was answered</summary>
          <Preformatted>{body}</Preformatted>
        </details>
      )}
    </>
  )
}

interface SentListProps {
  readonly sent: readonly Sent[]
  readonly current: number
  readonly show: (number: number) => void
}

/** What was sent, the latest first, and whom the same URL has led to. */
function SentList({ sent, current, show }: SentListProps) {
  const url = sent.find(({ number }) => number === current)!.report.url
  const counts = new Map<string, number>()
  for (const { report } of sent) {
    const end = report.packets.at(-1)?.hops.find(({ kind }) => kind === 'end')
    if (report.url !== url) continue
    const who = report.fault === undefined ? (end?.at ?? 'nobody') : report.fault
    counts.set(who, (counts.get(who) ?? 0) + 1)
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return (
    <aside className="sent" aria-label="Sent requests">
      <h3>Who answered {url}</h3>
      <ul className="answers">
        {[...counts].map(([who, count]) => (
          <li key={who}>
            <span title={who}>{who.replace(/^pod [^/]+\//, '')}</span>
            <meter min={0} max={total} value={count} aria-label={`${who}: ${count} of ${total}`} />
            <b>{count}</b>
          </li>
        ))}
      </ul>
      <h3>Sent</h3>
      <ol>
        {sent.map(({ number, report }) => (
          <li key={number}>
            <button type="button" className="quiet" aria-current={number === current} onClick={() => show(number)}>
              <span data-failed={report.fault !== undefined || undefined}>
                {report.fault ?? report.status ?? 'connected'}
              </span>
              {report.from.replace(/^pod /, '')} → {report.url}
            </button>
          </li>
        ))}
      </ol>
    </aside>
  )
}
