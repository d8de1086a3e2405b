// The cluster: nodes as panels, their pods as tiles by state, as they are this moment. A pod under the pointer or the focus tells of
// itself; Enter or a click opens it.

import { useMemo, useState } from 'react'
import type { Node, Pod } from '../../../generated/types.ts'
import { useObjects } from '../../api/live.ts'
import { fullName, nodes as nodesResource, pods as podsResource, writeReference } from '../../api/resources.ts'
import { did, namespaceFlag } from '../../page/did.ts'
import { go, usePlace } from '../../page/place.ts'
import { useShortcut } from '../../page/shortcuts.ts'
import { faceOf, markOf, type PodState, podStates } from '../../parts/pod-state.ts'
import { useRoving } from '../../parts/roving.ts'
import { NodePanel } from './node-panel.tsx'
import { PodHint, type Pointed } from './pod-hint.tsx'
import './cluster.css'
import { SearchField } from '../../parts/search-field.tsx'

/** More pods than this are shown without their names, unless one asks for them. */
const manyPods = 80

export function ClusterView() {
  const { namespace, object, own } = usePlace()
  const nodes = useObjects<Node>(nodesResource)
  const pods = useObjects<Pod>(podsResource)
  const [words, setWords] = useState('')
  const [pointed, setPointed] = useState<Pointed>()
  const [field, setField] = useState<HTMLInputElement | null>(null)
  const roving = useRoving<HTMLDivElement>()
  useShortcut('/', 'filter', () => field?.focus())
  const only = own.state as PodState | undefined
  const shown = useMemo(
    () => pods.objects.filter(pod => isAsked(pod, namespace, words)),
    [pods.objects, namespace, words],
  )
  const counts = useMemo(() => countsOf(shown), [shown])
  const byNode = useMemo(() => {
    const groups = new Map<string, Pod[]>()
    for (const pod of shown) {
      if (only && faceOf(pod).state !== only) continue
      const node = pod.spec.nodeName ?? ''
      const group = groups.get(node)
      if (group) group.push(pod)
      else groups.set(node, [pod])
    }
    return groups
  }, [shown, only])
  const isShown = ({ state }: { state: PodState }): boolean =>
    state === 'ready' || state === only || counts[state] !== undefined
  const names = own.names ? own.names === 'yes' : shown.length <= manyPods
  const open = (pod: Pod): void => {
    const { namespace: of, name } = pod.metadata
    go({ object: writeReference({ resource: 'pods', namespace: of, name: name! }), tab: undefined })
    did(`kubectl get pod ${name}${namespaceFlag(of)} -o wide`)
  }
  const openNode = (node: Node): void => {
    go({ object: writeReference({ resource: fullName(nodesResource), name: node.metadata.name! }), tab: undefined })
    did(`kubectl get node ${node.metadata.name} -o wide`)
  }
  const homeless = byNode.get('') ?? none
  return (
    <div className="cluster">
      <div className="toolbar">
        <h2 className="hidden">Cluster</h2>
        <SearchField field={setField} label="Filter pods by name or label" words={words} onWords={setWords} size={26} />
        <div className="legend" role="group" aria-label="Pods by state">
          {podStates.filter(isShown).map(({ state, title }) => (
            <button
              key={state}
              type="button"
              aria-pressed={only === state}
              onClick={() => go({ own: { ...own, state: only === state ? '' : state } }, 'replace')}
            >
              <span className={`tile state-${state}`} aria-hidden="true">
                {markOf(state)}
              </span>
              {title} <b>{counts[state] ?? 0}</b>
            </button>
          ))}
        </div>
        <span className="header-gap" />
        <label className="check">
          <input
            type="checkbox"
            checked={names}
            onChange={event => go({ own: { ...own, names: event.target.checked ? 'yes' : 'no' } }, 'replace')}
          />
          names
        </label>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only hears what its tiles hear. */}
      <div
        className="nodes"
        data-names={names || undefined}
        {...roving}
        onMouseOver={event => setPointed(pointedAt(event.target))}
        onMouseLeave={() => setPointed(undefined)}
        onFocus={event => {
          roving.onFocus(event)
          setPointed(event.target.matches(':focus-visible') ? pointedAt(event.target) : undefined)
        }}
        onBlur={() => setPointed(undefined)}
      >
        {homeless.length > 0 && (
          <NodePanel node={undefined} pods={homeless} names={names} chosen={object} open={open} openNode={openNode} />
        )}
        {nodes.objects.map(node => (
          <NodePanel
            key={node.metadata.name}
            node={node}
            pods={byNode.get(node.metadata.name!) ?? none}
            names={names}
            chosen={object}
            open={open}
            openNode={openNode}
          />
        ))}
      </div>
      {nodes.isReady && nodes.objects.length === 0 && (
        <p className="empty">
          The cluster has no nodes. <code>kubesim node add</code> adds one.
        </p>
      )}
      {nodes.error && <p className="empty refusal">{nodes.error.message}</p>}
      {pods.isReady && pods.objects.length === 0 && nodes.objects.length > 0 && (
        <p className="empty">
          No pods yet. Try <code>kubectl create deployment web --image=nginx --replicas=3</code>
        </p>
      )}
      {pointed && <PodHint pointed={pointed} pods={pods.byKey} />}
    </div>
  )
}

const none: readonly Pod[] = []

function isAsked({ metadata }: Pod, namespace: string, words: string): boolean {
  if (namespace && metadata.namespace !== namespace) return false
  if (words === '') return true
  const text = `${metadata.name} ${Object.entries(metadata.labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')}`
  return words.split(/\s+/).every(word => text.includes(word))
}

function countsOf(pods: readonly Pod[]): Partial<Record<PodState, number>> {
  const counts: Partial<Record<PodState, number>> = {}
  for (const pod of pods) {
    const { state } = faceOf(pod)
    counts[state] = (counts[state] ?? 0) + 1
  }
  return counts
}

function pointedAt(target: EventTarget): Pointed | undefined {
  const tile = (target as HTMLElement).closest<HTMLElement>('[data-pod]')
  return tile ? { key: tile.dataset.pod!, place: tile.getBoundingClientRect() } : undefined
}
