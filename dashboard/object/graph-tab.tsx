// Who owns whom: the object at hand, its owners up to the first, and all that they own, live. Laid out by dagre, the lines drawn as SVG; each
// object is a button, and opens its panel.

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

const width = 158
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
      <div className="graph-sheet" style={{ width: drawn.width, height: drawn.height }}>
        <svg width={drawn.width} height={drawn.height} aria-hidden="true">
          {drawn.edges.map(({ from, to, path }) => (
            <path key={`${from} ${to}`} d={path} />
          ))}
        </svg>
        {drawn.nodes.map(({ uid, x, y, found: { object: each, resource: of }, more }) => {
          const place = { left: x - width / 2, top: y - height / 2, width, height }
          if (more > 0) {
            return (
              <span key={uid} className="graph-more" style={place}>
                and {more} more
              </span>
            )
          }
          const state = of.kind === 'Pod' ? faceOf(each as unknown as Pod).state : undefined
          return (
            <button
              key={uid}
              type="button"
              data-roving
              tabIndex={-1}
              className={state ? `state-${state}` : ''}
              aria-current={uid === object.metadata.uid || undefined}
              title={each.metadata.name}
              style={place}
              onClick={() => go({ object: writeReference(referenceTo(of, each)), tab: 'graph' })}
            >
              <small>{of.kind} </small>
              {each.metadata.name}
            </button>
          )
        })}
      </div>
    </div>
  )
}

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
  graph.setGraph({ rankdir: 'LR', nodesep: 10, ranksep: 26, marginx: 14, marginy: 16 })
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
