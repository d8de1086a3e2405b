// The panel of the object that is open, beside the view: what it is, and a tab for each way to look at it or to change it.

import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef } from 'react'
import type { KubeObject } from '../../src/api/meta.ts'
import { useResource } from '../api/discovery.ts'
import { useObjects } from '../api/live.ts'
import { type Reference, type Resource, writeReference } from '../api/resources.ts'
import { go, usePlace } from '../page/place.ts'
import { useShortcut } from '../page/shortcuts.ts'
import { Failure } from '../parts/failure.tsx'
import { Sign, signs } from '../parts/sign.tsx'
import { Tabs } from '../parts/tabs.tsx'
import { Actions } from './actions.tsx'
import { SummaryTab } from './summary-tab.tsx'
import './object.css'

export interface ObjectTabProps {
  readonly reference: Reference
  readonly resource: Resource
  readonly object: KubeObject
}

interface ObjectTab {
  readonly id: string
  readonly title: string
  /** Absent: of every object. */
  readonly of?: (resource: Resource) => boolean
  /** Of the past too. */
  readonly ofPast: boolean
  readonly show: (props: ObjectTabProps) => ReactNode
}

// What is large is fetched when it is first opened.
const YamlTab = lazy(async () => ({ default: (await import('./yaml-tab.tsx')).YamlTab }))
const LogsTab = lazy(async () => ({ default: (await import('./logs-tab.tsx')).LogsTab }))
const TerminalTab = lazy(async () => ({ default: (await import('./terminal-tab.tsx')).TerminalTab }))
const WhyTab = lazy(async () => ({ default: (await import('./why-tab.tsx')).WhyTab }))
const GraphTab = lazy(async () => ({ default: (await import('./graph-tab.tsx')).GraphTab }))

const tabs: readonly ObjectTab[] = [
  { id: 'summary', title: 'Summary', ofPast: true, show: props => <SummaryTab {...props} /> },
  { id: 'yaml', title: 'YAML', ofPast: true, show: props => <YamlTab {...props} /> },
  { id: 'logs', title: 'Logs', of: isPod, ofPast: false, show: props => <LogsTab {...props} /> },
  { id: 'terminal', title: 'Terminal', of: isPod, ofPast: false, show: props => <TerminalTab {...props} /> },
  { id: 'why', title: 'Why', ofPast: false, show: props => <WhyTab {...props} /> },
  { id: 'graph', title: 'Owners', ofPast: true, show: props => <GraphTab {...props} /> },
]

function isPod({ kind, group }: Resource): boolean {
  return kind === 'Pod' && group === ''
}

export function ObjectPanel({ reference, close }: { readonly reference: Reference; readonly close: () => void }) {
  const { tab: wanted, at } = usePlace()
  const resource = useResource(reference.resource)
  const { objects, isReady, error } = useObjects<KubeObject>(resource, {
    ...(resource?.namespaced ? { namespace: reference.namespace } : {}),
    fieldSelector: `metadata.name=${reference.name}`,
  })
  const object = objects[0]
  const last = useRef<KubeObject>(undefined)
  useEffect(() => {
    if (object) last.current = object
  }, [object])
  const heading = useRef<HTMLHeadingElement>(null)
  const name = writeReference(reference)
  // Who opens it goes into it; who closes it goes back to where he was.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each object.
  useEffect(() => {
    const from = document.activeElement as HTMLElement | null
    heading.current?.focus()
    return () => from?.focus()
  }, [name])
  useShortcut('Escape', 'close the object', close)
  const offered = useMemo(
    () =>
      tabs.filter(tab => (tab.of === undefined || (resource && tab.of(resource))) && (at === undefined || tab.ofPast)),
    [resource, at],
  )
  const tab = offered.find(({ id }) => id === wanted) ?? offered[0]!
  const shown = object ?? (isReady ? last.current : undefined)
  return (
    <aside className="object" aria-label={`${resource?.kind ?? 'Object'} ${reference.name}`}>
      <header>
        <h2 ref={heading} tabIndex={-1}>
          <small>
            {resource?.kind ?? reference.resource}
            {reference.namespace ? ` in ${reference.namespace}` : ''}
          </small>
          {reference.name}
          {isReady && !object && <span className="badge badge-bad">gone</span>}
        </h2>
        {resource && object && at === undefined && (
          <Actions reference={reference} resource={resource} object={object} />
        )}
        <button type="button" className="quiet" aria-label="Close" title="Close (Esc)" onClick={close}>
          <Sign path={signs.close} />
        </button>
      </header>
      <Tabs
        label="Ways to look at it"
        tabs={offered}
        chosen={tab.id}
        choose={id => go({ tab: id === offered[0]!.id ? undefined : id }, 'replace')}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by keys. */}
      <div className="object-tab" role="tabpanel" aria-label={tab.title} data-tab={tab.id} tabIndex={0}>
        {error && <p className="refusal">{error.message}</p>}
        {isReady && !shown && !error && (
          <p className="empty">
            There is no such object {at === undefined ? 'now' : 'at this revision'}. It may be gone, or not be there
            yet.
          </p>
        )}
        {resource && shown && (
          <Failure key={tab.id}>
            <Suspense fallback={<p className="loading">Loading …</p>}>
              {tab.show({ reference, resource, object: shown })}
            </Suspense>
          </Failure>
        )}
      </div>
    </aside>
  )
}
