// The timeline: all that is known of the past, a lane for each object. Its handle sets the moment as of which the whole page shows
// the cluster; a second moment is compared with it.

import { useDeferredValue, useMemo, useState } from 'react'
import { did, namespaceFlag } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { useShortcut } from '../../page/shortcuts.ts'
import { Comparison } from './comparison.tsx'
import { useHistory } from './history.ts'
import { LaneEvents } from './lane-events.tsx'
import { LaneList } from './lane-list.tsx'
import { lanesOf, scaleOf } from './lanes.ts'
import { Scrubber } from './scrubber.tsx'
import './timeline.css'
import { SearchField } from '../../parts/search-field.tsx'

const spans = ['100', '500', '2000'] as const

export function TimelineView() {
  const { namespace, at, own } = usePlace()
  const { history, error } = useHistory(namespace)
  const [words, setWords] = useState('')
  const [field, setField] = useState<HTMLInputElement | null>(null)
  useShortcut('/', 'filter', () => field?.focus())
  const asked = useDeferredValue(words)
  const items = useMemo(
    () => (own.last ? history?.items.slice(-Number(own.last)) : history?.items) ?? [],
    [history, own.last],
  )
  const scale = useMemo(() => scaleOf(items, own.scale === 'time'), [items, own.scale])
  const lanes = useMemo(() => lanesOf(items, scale, asked, own.system === 'yes'), [items, scale, asked, own.system])
  const times = useMemo(() => new Map(items.map(({ revision, time }) => [revision, time ?? ''])), [items])
  const change = (next: Record<string, string>) => go({ own: { ...own, ...next } }, 'replace')
  const move = (revision: number | undefined): void => {
    go({ at: revision }, 'replace')
    if (revision !== undefined) did(`kubesim timeline --at ${revision}`)
  }
  const compared = own.from ? Number(own.from) : undefined
  const compare = (): void => {
    const from = at ?? history?.to
    if (from === undefined) return
    change({ from: String(from) })
    did(`kubesim diff ${from}${namespaceFlag(namespace)}`)
  }
  const chosen = lanes.find(({ key }) => key === own.lane)
  const place = (revision: number | undefined): number | undefined =>
    revision === undefined ? undefined : scale.at(revision)
  return (
    <div className="timeline">
      <div className="toolbar">
        <h2 className="hidden">Timeline</h2>
        <SearchField
          field={setField}
          label="Filter lanes"
          placeholder="Filter lanes: pod web"
          words={words}
          onWords={setWords}
          size={24}
        />
        <label className="field">
          <span>Shown</span>
          <select value={own.last ?? ''} onChange={event => change({ last: event.target.value })}>
            <option value="">the whole history</option>
            {spans.map(span => (
              <option key={span} value={span}>
                the last {span} writes
              </option>
            ))}
          </select>
        </label>
        <label className="field">
          <span>by</span>
          <select value={own.scale ?? ''} onChange={event => change({ scale: event.target.value })}>
            <option value="">write</option>
            <option value="time">time</option>
          </select>
        </label>
        <label className="check" title="What every cluster has, and nobody has touched">
          <input
            type="checkbox"
            checked={own.system === 'yes'}
            onChange={event => change({ system: event.target.checked ? 'yes' : '' })}
          />
          the system's own
        </label>
        <span className="header-gap" />
        <small>
          {lanes.length} objects, {items.length} writes
          {history?.isCut && ', earlier ones are left off'}
        </small>
        <button type="button" disabled={!history} onClick={compare}>
          Compare from {at === undefined ? 'now' : `revision ${at}`}
        </button>
      </div>
      {error && <p className="empty refusal">{error}</p>}
      {history && items.length === 0 && (
        <p className="empty">
          Nothing is known of the past{namespace ? ` of ${namespace}` : ''}. What happens from now on comes here: try{' '}
          <code>kubectl create deployment web --image=nginx</code>
        </p>
      )}
      <div className="timeline-body">
        <div className="timeline-lanes">
          {items.length > 0 && (
            <Scrubber
              scale={scale}
              at={at}
              timeOf={revision => (times.get(revision) ?? '').slice(11, 23)}
              move={move}
            />
          )}
          {items.length > 0 && lanes.length === 0 && <p className="empty">No lane has these words.</p>}
          <LaneList
            lanes={lanes}
            scale={scale}
            chosen={own.lane}
            choose={key => change({ lane: own.lane === key ? '' : key })}
            cursor={place(at)}
            other={place(compared)}
          />
        </div>
        <aside className="timeline-tells" aria-label="What happened">
          {compared !== undefined && history ? (
            <Comparison
              one={compared}
              other={at}
              namespace={namespace}
              revision={history.to}
              close={() => change({ from: '' })}
            />
          ) : chosen ? (
            <LaneEvents lane={chosen} at={at} move={move} />
          ) : (
            <p className="empty">
              Drag the handle, or move it with the arrow keys, to see the whole cluster as it was then: every other view
              follows. Choose a lane for what happened to its object. "Compare" keeps one moment, to be held against
              another.
            </p>
          )}
        </aside>
      </div>
    </div>
  )
}
