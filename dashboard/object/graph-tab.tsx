// Who owns whom: the object at hand, its owners up to the first, and all that they own, live. Laid out by dagre, drawn as SVG; each
// object is a stop of the arrow keys and opens its panel.

import { Graph, layout } from '@dagrejs/dagre'
import { useMemo } from 'react'
import type { Pod } from '../../generated/types.ts'
import type { KubeObject } from '../../src/api/meta.ts'
import { useResources } from '../api/discovery.ts'
import { useManyObjects } from '../api/live.ts'
import { deployments, pods, type Resource, referenceTo, replicaSets, writeReference } from '../api/resources.ts'
import { go } from '../page/place.ts'
import { faceOf } from '../parts/pod-state.ts'
import { useRoving } from '../parts/roving.ts'
import type { ObjectTabProps } from './object-panel.tsx'

/** Kinds that own or are owned in an ordinary cluster; custom ones are added. */
const usual = new Set([
  'statefulsets.apps',
  'daemonsets.apps',
  'controllerrevisions.apps',
  'jobs.batch',
  'cronjobs.batch',
  'services',
  'endpointslices.discovery.k8s.io',
  'replicationcontrollers',
  'persistentvolumeclaims',
  'configmaps',
])
const isBuiltInGroup = (group: string): boolean => group === '' || !group.includes('.') || group.endsWith('.k8s.io')

const width = 152
const height = 42
/** Of more children than this of one kind the rest are counted. */
const mostChildren = 24

interface Found {
  readonly object: KubeObject
  readonly resource: Resource
}

export function GraphTab({ object, resource, reference }: ObjectTabProps) {
  const all = useResources()
  const asked = useMemo(() => {
    const others = [...(all?.values() ?? [])].filter(
      each =>
        each.namespaced &&
        (usual.has(`${each.resource}${each.group ? `.${each.group}` : ''}`) || !isBuiltInGroup(each.group)),
    )
    const known = [deployments, replicaSets, pods, ...others]
    return known.some(({ kind, group }) => kind === resource.kind && group === resource.group)
      ? known
      : [...known, resource]
  }, [all, resource])
  const snapshots = useManyObjects(asked, reference.namespace)
  const roving = useRoving<HTMLDivElement>()
  const drawn = useMemo(() => {
    const found = new Map<string, Found>()
    snapshots.forEach(({ objects }, index) => {
      for (const each of objects) found.set(each.metadata.uid!, { object: each, resource: asked[index]! })
    })
    found.set(object.metadata.uid!, { object, resource })
    return drawing(family(found, object.metadata.uid!), found)
  }, [snapshots, asked, object, resource])
  return (
    <div className="graph" {...roving}>
      {drawn.nodes.length === 1 && <p className="empty">It has no owner, and owns nothing.</p>}
      <svg width={drawn.width} height={drawn.height} role="group" aria-label="Owners and what they own">
        {drawn.edges.map(({ from, to, path }) => (
          <path key={`${from} ${to}`} d={path} />
        ))}
        {drawn.nodes.map(({ uid, x, y, found: each, more }) => {
          const isHere = uid === object.metadata.uid
          const state = each.resource.kind === 'Pod' ? faceOf(each.object as unknown as Pod).state : undefined
          const open = () => go({ object: writeReference(referenceTo(each.resource, each.object)), tab: 'graph' })
          return (
            <g
              key={uid}
              role="button"
              data-roving={more === 0 || undefined}
              tabIndex={-1}
              className={state ? `state-${state}` : ''}
              data-here={isHere || undefined}
              transform={`translate(${x - width / 2} ${y - height / 2})`}
              aria-label={more > 0 ? `and ${more} more` : `${each.resource.kind} ${each.object.metadata.name}`}
              onClick={more > 0 ? undefined : open}
              onKeyDown={event => event.key === 'Enter' && more === 0 && open()}
            >
              <title>{each.object.metadata.name}</title>
              <rect width={width} height={height} rx="6" />
              {state && <rect className="graph-state" width="5" height={height} rx="2" />}
              <text x="14" y="17" className="graph-kind">
                {more > 0 ? '…' : each.resource.kind}
              </text>
              <text x="14" y="33">
                {more > 0 ? `and ${more} more` : short(each.object.metadata.name ?? '')}
              </text>
            </g>
          )
        })}
      </svg>
    </div>
  )
}

/** The end of a long name tells more than its beginning. */
const short = (name: string): string => (name.length <= 20 ? name : `${name.slice(0, 7)}…${name.slice(-12)}`)

interface Family {
  readonly members: ReadonlyMap<string, number>
  readonly edges: readonly (readonly [owner: string, owned: string])[]
}

/** The owners of an object up to the first, and all that those own; `members` has, for stand-ins, how many they stand for. */
function family(found: ReadonlyMap<string, Found>, uid: string): Family {
  const children = new Map<string, string[]>()
  for (const [child, { object }] of found) {
    for (const owner of object.metadata.ownerReferences ?? []) {
      children.set(owner.uid, [...(children.get(owner.uid) ?? []), child])
    }
  }
  const tops: string[] = []
  const climb = (at: string, seen: ReadonlySet<string>): void => {
    const owners = (found.get(at)?.object.metadata.ownerReferences ?? []).filter(
      owner => found.has(owner.uid) && !seen.has(owner.uid),
    )
    if (owners.length === 0) tops.push(at)
    for (const owner of owners) climb(owner.uid, new Set([...seen, at]))
  }
  climb(uid, new Set())
  const members = new Map<string, number>()
  const edges: [string, string][] = []
  const descend = (at: string): void => {
    if (members.has(at)) return
    members.set(at, 0)
    const owned = children.get(at) ?? []
    const shown =
      owned.length > mostChildren ? owned.filter((child, index) => index < mostChildren || child === uid) : owned
    for (const child of shown) {
      edges.push([at, child])
      descend(child)
    }
    const left = owned.filter(child => !shown.includes(child))
    if (left.length > 0) {
      members.set(left[0]!, left.length)
      edges.push([at, left[0]!])
    }
  }
  for (const top of tops) descend(top)
  return { members, edges }
}

function drawing({ members, edges }: Family, found: ReadonlyMap<string, Found>) {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 30, marginx: 16, marginy: 16 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const uid of members.keys()) graph.setNode(uid, { width, height })
  for (const [from, to] of edges) graph.setEdge(from, to)
  layout(graph)
  const size = graph.graph() as { width?: number; height?: number }
  return {
    width: size.width ?? width,
    height: size.height ?? height,
    nodes: [...members].map(([uid, more]) => {
      const { x, y } = graph.node(uid) as { x: number; y: number }
      return { uid, x, y, more, found: found.get(uid)! }
    }),
    edges: edges.map(([from, to]) => {
      const [owner, owned] = [graph.node(from), graph.node(to)] as { x: number; y: number }[]
      const [begin, end] = [owner!.x + width / 2, owned!.x - width / 2]
      const middle = (begin + end) / 2
      return { from, to, path: `M${begin} ${owner!.y}C${middle} ${owner!.y} ${middle} ${owned!.y} ${end} ${owned!.y}` }
    }),
  }
}
