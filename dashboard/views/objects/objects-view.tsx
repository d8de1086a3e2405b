// Every kind there is, and its objects as `kubectl get` lists them, live.

import { useVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useState } from 'react'
import { useResources } from '../../api/discovery.ts'
import { fullName, type Resource, referenceTo, writeReference } from '../../api/resources.ts'
import { type Row, type TableView, useTable } from '../../api/table.ts'
import { useClusterNow } from '../../page/clock.ts'
import { did, namespaceFlag } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { useShortcut } from '../../page/shortcuts.ts'
import { age } from '../../parts/ages.ts'
import { useRoving } from '../../parts/roving.ts'
import './objects.css'
import { SearchField } from '../../parts/search-field.tsx'

const firstResource = 'deployments.apps'
const rowHeight = 30

export function ObjectsView() {
  const { own } = usePlace()
  const resources = useResources()
  const resource = resources?.get(own.kind ?? firstResource)
  return (
    <div className="objects">
      <KindMenu resources={resources} chosen={own.kind ?? firstResource} />
      {resource && <ObjectTable key={fullName(resource)} resource={resource} />}
      {resources && !resource && <p className="empty">There is no kind {own.kind} here.</p>}
    </div>
  )
}

/** What one looks at most comes first. */
const groups: readonly (readonly [title: string, isOf: (resource: Resource) => boolean])[] = [
  [
    'Workloads',
    ({ group, resource }) =>
      /^(apps|batch|autoscaling)$/.test(group) || (group === '' && /^(pods|replicationcontrollers)$/.test(resource)),
  ],
  [
    'Network',
    ({ group, resource }) =>
      /^(networking\.k8s\.io|discovery\.k8s\.io)$/.test(group) || /^(services|endpoints)$/.test(resource),
  ],
  [
    'Configuration',
    ({ resource }) =>
      /^(configmaps|secrets|resourcequotas|limitranges|poddisruptionbudgets|priorityclasses|namespaces)$/.test(
        resource,
      ),
  ],
  ['Storage', ({ group, resource }) => group === 'storage.k8s.io' || /^persistentvolume/.test(resource)],
  ['Nodes and events', ({ resource }) => /^(nodes|events|leases|faults)$/.test(resource)],
  [
    'Access',
    ({ group, resource }) =>
      /^(rbac\.authorization|certificates)\.k8s\.io$/.test(group) || resource === 'serviceaccounts',
  ],
  ['Others', () => true],
]

function KindMenu({
  resources,
  chosen,
}: {
  readonly resources: ReadonlyMap<string, Resource> | undefined
  readonly chosen: string
}) {
  const roving = useRoving<HTMLElement>()
  const [words, setWords] = useState('')
  const grouped = useMemo(() => {
    const found = new Map<string, Resource[]>(groups.map(([title]) => [title, []]))
    for (const resource of resources?.values() ?? []) {
      // Of the two ways to Events the old one is kubectl's.
      if (resource.group === 'events.k8s.io') continue
      found.get(groups.find(([, isOf]) => isOf(resource))![0])!.push(resource)
    }
    return [...found]
  }, [resources])
  const isAsked = ({ kind, resource, shortNames = [] }: Resource): boolean =>
    words === '' || [kind.toLowerCase(), resource, ...shortNames].some(name => name.includes(words.toLowerCase()))
  return (
    <nav className="kinds" aria-label="Kinds" {...roving}>
      <SearchField label="Find a kind" words={words} onWords={setWords} />
      {grouped.map(([title, all]) => {
        const shown = all.filter(isAsked)
        if (shown.length === 0) return null
        return (
          <section key={title}>
            <h2>{title}</h2>
            {shown.map(resource => (
              <button
                key={fullName(resource)}
                type="button"
                data-roving
                tabIndex={-1}
                aria-current={fullName(resource) === chosen ? 'true' : undefined}
                title={fullName(resource)}
                onClick={() => go({ own: { kind: fullName(resource) } })}
              >
                {resource.kind}
              </button>
            ))}
          </section>
        )
      })}
    </nav>
  )
}

function ObjectTable({ resource }: { readonly resource: Resource }) {
  const { namespace, object } = usePlace()
  const table = useTable(resource, namespace)
  const [words, setWords] = useState('')
  const [field, setField] = useState<HTMLInputElement | null>(null)
  useShortcut('/', 'filter', () => field?.focus())
  const shown = useMemo(
    () =>
      table.rows.filter(({ cells, object }) => isAsked(`${object.metadata.namespace ?? ''} ${cells.join(' ')}`, words)),
    [table.rows, words],
  )
  const command = `kubectl get ${fullName(resource)}${resource.namespaced ? (namespace ? namespaceFlag(namespace) : ' -A') : ''}`
  return (
    <section className="object-table" aria-label={resource.kind}>
      <div className="toolbar">
        <h2>{resource.kind}</h2>
        <SearchField
          field={setField}
          label={`Filter ${fullName(resource)}`}
          placeholder="Filter"
          words={words}
          onWords={setWords}
        />
        <span className="header-gap" />
        <small>
          {shown.length} {shown.length === 1 ? 'object' : 'objects'}
        </small>
        <button type="button" className="quiet" onClick={() => did(command)}>
          as a command
        </button>
      </div>
      {table.error && <p className="empty refusal">{table.error.message}</p>}
      {table.isReady && !table.error && shown.length === 0 && (
        <p className="empty">
          {words ? 'Nothing has these words.' : `No resources found${namespace ? ` in ${namespace} namespace` : ''}.`}
        </p>
      )}
      {shown.length > 0 && <Rows table={table} rows={shown} resource={resource} chosen={object} />}
    </section>
  )
}

interface RowsProps {
  readonly table: TableView
  readonly rows: readonly Row[]
  readonly resource: Resource
  readonly chosen: string | undefined
}

function Rows({ table, rows, resource, chosen }: RowsProps) {
  const now = useClusterNow()
  const { namespace } = usePlace()
  const roving = useRoving<HTMLDivElement>()
  const withNamespace = resource.namespaced && !namespace
  const columns = table.columns.map((column, index) => ({ ...column, index })).filter(({ priority }) => priority === 0)
  const widths = columns.map(({ name, index }) =>
    Math.max(
      name.length + 1,
      ...rows.slice(0, 200).map(({ cells }) => Math.min(String(cells[index] ?? '').length, 60)),
    ),
  )
  const template = [...(withNamespace ? [14] : []), ...widths]
    .map(width => `minmax(${Math.min(width, 12)}ch, ${width}fr)`)
    .join(' ')
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => roving.ref.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  const open = (row: Row): void => {
    const { name, namespace: of } = row.object.metadata
    go({ object: writeReference(referenceTo(resource, row.object)), tab: undefined })
    did(`kubectl get ${fullName(resource)} ${name}${namespaceFlag(of)} -o wide`)
  }
  return (
    <div
      className="rows"
      role="grid"
      aria-rowcount={rows.length + 1}
      aria-label={resource.kind}
      {...roving}
      tabIndex={-1}
    >
      <div className="row row-head" role="row" style={{ gridTemplateColumns: template }}>
        {withNamespace && <span role="columnheader">Namespace</span>}
        {columns.map(({ name, description }) => (
          <span key={name} role="columnheader" title={description}>
            {name}
          </span>
        ))}
      </div>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="rowgroup">
        {virtual.getVirtualItems().map(({ index, start }) => {
          const row = rows[index]!
          const { metadata } = row.object
          return (
            <div
              key={metadata.uid}
              className="row"
              role="row"
              data-roving
              data-name={metadata.name}
              tabIndex={-1}
              aria-rowindex={index + 2}
              aria-selected={chosen === writeReference(referenceTo(resource, row.object))}
              style={{ gridTemplateColumns: template, transform: `translateY(${start}px)` }}
              onClick={() => open(row)}
              onKeyDown={event => event.key === 'Enter' && open(row)}
            >
              {withNamespace && <span role="gridcell">{metadata.namespace}</span>}
              {columns.map(({ name, index: at }) => (
                <span key={name} role="gridcell" title={String(row.cells[at] ?? '')}>
                  {name === 'Age'
                    ? age(metadata.creationTimestamp as string | undefined, now)
                    : String(row.cells[at] ?? '')}
                </span>
              ))}
            </div>
          )
        })}
      </div>
    </div>
  )
}

function isAsked(text: string, words: string): boolean {
  return words === '' || words.split(/\s+/).every(word => text.includes(word))
}
