// The picture: who asks, the API server with its store, the watches, and below them everybody who works, joined by the ways that
// events take. Stations are plain elements, so that they can be read and pressed; the ways are drawn behind them.

import { type RefObject, useEffect, useState } from 'react'
import type { ControlPlane, KubeletState, Station } from '../../../src/own/control-plane.ts'
import { useRoving } from '../../parts/roving.ts'
import { placeWords } from './passed-words.ts'
import { StationCard } from './station-card.tsx'
import { endsOf } from './travel.ts'

interface PictureProps {
  readonly board: RefObject<HTMLDivElement | null>
  readonly state: ControlPlane
  readonly chosen: string | undefined
  readonly showAll: boolean
  readonly choose: (name: string) => void
  readonly turn: (station: Station) => void
  readonly turnNode: (node: KubeletState) => void
}

/** Of so many controllers those that write most are enough, until one asks for all. */
const mostControllers = 12
/** What always has its place, in the order of a rollout. */
const wellKnown = [
  'deployment-controller',
  'replicaset-controller',
  'statefulset-controller',
  'daemonset-controller',
  'job-controller',
  'cronjob-controller',
  'endpointslice-controller',
  'node-lifecycle-controller',
  'garbage-collector-controller',
  'horizontal-pod-autoscaler-controller',
]

export function Picture({ board, state, chosen, showAll, choose, turn, turnNode }: PictureProps) {
  const roving = useRoving<HTMLDivElement>()
  const { stations, store, kubelets } = state
  const of = (component: Station['component']): readonly Station[] =>
    stations.filter(each => each.component === component)
  const controllers = showAll ? of('controllers') : shownControllers(of('controllers'), chosen)
  const nodeWorkers = [...of('kubelet'), ...of('proxy')].filter(
    ({ name, isRunning }) => showAll || !isRunning || name === 'kubelet' || name === 'kube-proxy' || name === chosen,
  )
  const names = [...controllers, ...of('scheduler'), ...nodeWorkers].map(({ name }) => name)
  const card = (station: Station) => (
    <StationCard
      key={station.name}
      station={station}
      title={station.name.replace(/^kube-|-controller$/g, '')}
      isChosen={chosen === station.name}
      choose={choose}
      turn={turn}
    />
  )
  return (
    <div className="board" ref={board} role="group" aria-label="Stations of the control plane">
      <Ways board={board} names={names} />
      <div className="dots" aria-hidden="true" />
      <div className="stations" {...roving}>
        <div className="spine">
          <div className="station station-plain" data-station="clients">
            <b>Clients</b>
            <p className="station-last">{clientWords(state.clients)}</p>
          </div>
          <div className="station station-main" data-station="apiserver">
            <b>API server</b>
            <p className="station-last">{state.apiserver.watches} watches are open</p>
          </div>
          <div className="station station-main" data-station="store">
            <b>Store</b>
            <p className="station-last">
              revision {store.revision}, {store.objects} objects, {store.perMinute} writes a minute
            </p>
          </div>
        </div>
        <div className="station station-watch" data-station="watch">
          <b>Watches</b> <small>bring every revision to the caches, which wake who is concerned</small>
        </div>
        <div className="workers">
          <section aria-label="Controllers">
            <h3>Controllers</h3>
            <div className="cards">{controllers.map(card)}</div>
          </section>
          <section aria-label="Scheduler">
            <h3>Scheduler</h3>
            <div className="cards">{of('scheduler').map(card)}</div>
          </section>
          <section aria-label="Nodes">
            <h3>Nodes</h3>
            <div className="cards">{nodeWorkers.map(card)}</div>
            <p className="kubelets">
              {kubelets.nodes.map(node => (
                <NodeSwitch key={node.name} node={node} turn={turnNode} />
              ))}
              {kubelets.count > kubelets.nodes.length && <span>and {kubelets.count - kubelets.nodes.length} more</span>}
            </p>
          </section>
        </div>
      </div>
    </div>
  )
}

/** A node's machine: pressed, it is switched off, and on again. */
function NodeSwitch({ node, turn }: { readonly node: KubeletState; readonly turn: PictureProps['turnNode'] }) {
  const { name, isRunning, pods, stoppedBy } = node
  return (
    <button
      type="button"
      data-roving
      tabIndex={-1}
      data-station={`node/${name}`}
      data-stopped={!isRunning || undefined}
      role="switch"
      aria-checked={isRunning}
      aria-label={`${name} runs`}
      disabled={!isRunning && stoppedBy.length === 0}
      title={isRunning ? `${pods} pods. Switch the machine off` : 'Its kubelet is silent. Switch the machine on'}
      onClick={() => turn(node)}
    >
      {name} <b>{isRunning ? pods : 'silent'}</b>
    </button>
  )
}

function clientWords([last]: ControlPlane['clients']): string {
  if (last === undefined) return 'nobody has written yet'
  return `${last.name || last.user} ${last.last?.type === 'DELETED' ? 'deleted' : 'wrote'} ${last.last ? placeWords(last.last.object) : ''}`
}

function shownControllers(all: readonly Station[], chosen: string | undefined): readonly Station[] {
  const first = all.filter(({ name }) => wellKnown.includes(name))
  const others = all
    .filter(({ name }) => !wellKnown.includes(name))
    .sort((one, other) => Number(one.isRunning) - Number(other.isRunning) || other.writes - one.writes)
    .slice(0, Math.max(0, mostControllers - first.length))
  const shown = [...first, ...others]
  const wanted = all.find(({ name }) => name === chosen)
  if (wanted && !shown.includes(wanted)) shown.push(wanted)
  return shown.sort((one, other) => rank(one) - rank(other) || (one.name < other.name ? -1 : 1))
}

const rank = ({ name }: Station): number => wellKnown.indexOf(name) + 1 || wellKnown.length + 1

interface Line {
  readonly name: string
  readonly path: string
}

/** Drawn anew when the stations stand elsewhere. */
function Ways({
  board,
  names,
}: {
  readonly board: RefObject<HTMLDivElement | null>
  readonly names: readonly string[]
}) {
  const [lines, setLines] = useState<readonly Line[]>([])
  const key = names.join(' ')
  // Told at once of the size that there is.
  useEffect(() => {
    const shown = board.current!
    const observer = new ResizeObserver(() => setLines(linesOf(shown, key.split(' '))))
    observer.observe(shown)
    return () => observer.disconnect()
  }, [board, key])
  return (
    <svg className="ways" aria-hidden="true" focusable="false">
      {lines.map(({ name, path }) => (
        <path key={name} d={path} data-way={name} />
      ))}
    </svg>
  )
}

function linesOf(board: HTMLElement, names: readonly string[]): Line[] {
  const line = (from: string, to: string): Line[] => {
    const ends = endsOf(board, from, to)
    if (!ends) return []
    const [one, other] = ends
    return [{ name: `${from} ${to}`, path: `M${one.x} ${one.y}L${other.x} ${other.y}` }]
  }
  return [
    ...line('clients', 'apiserver'),
    ...line('apiserver', 'store'),
    ...line('store', 'watch'),
    ...names.flatMap(name => line('watch', name)),
  ]
}
