// One node: its name and state, how much of it is asked for, and a tile for each of its pods. Drawn again only when it or one of its
// pods has changed.

import { memo, useMemo } from 'react'
import type { Node, Pod } from '../../../generated/types.ts'
import { isConditionTrue } from '../../../src/api/conditions.ts'
import { milliValue } from '../../../src/api/quantity.ts'
import { writeReference } from '../../api/resources.ts'
import { faceOf, markOf } from '../../parts/pod-state.ts'

interface NodePanelProps {
  /** Undefined: the place of pods that have none. */
  readonly node: Node | undefined
  readonly pods: readonly Pod[]
  readonly names: boolean
  /** The reference of the open object. */
  readonly chosen: string | undefined
  readonly open: (pod: Pod) => void
  readonly openNode: (node: Node) => void
}

export const NodePanel = memo(
  function NodePanel({ node, pods, names, chosen, open, openNode }: NodePanelProps) {
    const title = node?.metadata.name ?? 'not on a node'
    const states = node ? nodeStates(node) : []
    return (
      <section
        className="node"
        aria-label={node ? `Node ${title}` : 'Pods without a node'}
        data-bad={states.length > 0 || undefined}
      >
        <header>
          {node ? (
            <button type="button" className="node-name" onClick={() => openNode(node)}>
              {title}
            </button>
          ) : (
            <span className="node-name">{title}</span>
          )}
          {states.map(state => (
            <span key={state} className="badge badge-bad">
              {state}
            </span>
          ))}
          <small>
            {pods.length} {pods.length === 1 ? 'pod' : 'pods'}
          </small>
        </header>
        {node && <Use node={node} pods={pods} />}
        <div className="tiles">
          {pods.map(pod => (
            <Tile key={pod.metadata.uid} pod={pod} names={names} isChosen={chosen === referenceOf(pod)} open={open} />
          ))}
        </div>
      </section>
    )
  },
  (before, now) =>
    before.node === now.node &&
    before.names === now.names &&
    before.chosen === now.chosen &&
    before.pods.length === now.pods.length &&
    before.pods.every((pod, index) => pod === now.pods[index]),
)

interface TileProps {
  readonly pod: Pod
  readonly names: boolean
  readonly isChosen: boolean
  readonly open: (pod: Pod) => void
}

const Tile = memo(
  function Tile({ pod, names, isChosen, open }: TileProps) {
    const { state, status, ready } = faceOf(pod)
    const { namespace, name } = pod.metadata
    return (
      <button
        type="button"
        className={`tile state-${state}`}
        data-roving
        data-pod={`${namespace}/${name}`}
        data-chosen={isChosen || undefined}
        tabIndex={-1}
        aria-label={`${namespace}/${name}: ${status}, ${ready} ready`}
        onClick={() => open(pod)}
      >
        <i>{markOf(state)}</i>
        {names && <span>{name}</span>}
      </button>
    )
  },
  (before, now) => before.pod === now.pod && before.names === now.names && before.isChosen === now.isChosen,
)

const referenceOf = ({ metadata: { namespace, name } }: Pod): string =>
  writeReference({ resource: 'pods', namespace, name: name! })

function nodeStates({ status, spec }: Node): string[] {
  return [
    ...(isConditionTrue(status?.conditions as never, 'Ready') ? [] : ['NotReady']),
    ...(spec?.unschedulable ? ['cordoned'] : []),
  ]
}

/** How much of it its pods ask for, as the scheduler counts. */
function Use({ node, pods }: { readonly node: Node; readonly pods: readonly Pod[] }) {
  const asked = useMemo(() => {
    const sums = { cpu: 0, memory: 0 }
    for (const pod of pods) {
      if (pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') continue
      for (const { resources } of pod.spec?.containers ?? []) {
        sums.cpu += amountOf(resources?.requests?.cpu)
        sums.memory += amountOf(resources?.requests?.memory)
      }
    }
    return sums
  }, [pods])
  const { allocatable } = node.status ?? {}
  return (
    <div className="use">
      {(['cpu', 'memory'] as const).map(name => {
        const share = asked[name] / (amountOf(allocatable?.[name]) || 1)
        return (
          <span key={name} title={`${Math.round(share * 100)} % of its ${name} is requested`}>
            <small>{name}</small>
            <meter min={0} max={1} value={share} aria-label={`${name} requested`} />
          </span>
        )
      })}
    </div>
  )
}

const amountOf = (quantity: string | undefined): number => (quantity === undefined ? 0 : milliValue(quantity))
