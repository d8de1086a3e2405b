// Nodes, pods and a snapshot of them, for the scheduler's tests: the least that a rule can look at.

import type { Node, Pod } from '../../generated/types.ts'
import { type Decision, decide } from '../../scheduler/cycle.ts'
import type { Plugin } from '../../scheduler/plugin.ts'
import { plugins } from '../../scheduler/plugins/index.ts'
import { LiveSnapshot, type Surroundings } from '../../scheduler/snapshot.ts'
import { freeze } from '../../src/api/freeze.ts'
import type { Frozen, KubeObject } from '../../src/api/meta.ts'
import { Cache } from '../../src/runtime/cache.ts'
import type { Lister } from '../../src/runtime/informer.ts'

type Deep<T> = { [K in keyof T]?: any }

export function node(
  name: string,
  more: {
    labels?: Record<string, string>
    spec?: Deep<Node['spec']>
    allocatable?: Record<string, string>
    images?: Node['status']['images']
  } = {},
): Frozen<Node> {
  return freeze({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `node-${name}`, labels: { 'kubernetes.io/hostname': name, ...more.labels } },
    spec: { ...more.spec },
    status: {
      allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...more.allocatable },
      ...(more.images && { images: more.images }),
    },
  }) as Frozen<Node>
}

export interface PodWish {
  labels?: Record<string, string>
  /** Requests of its one container. */
  requests?: Record<string, string>
  spec?: Deep<Pod['spec']>
  metadata?: Deep<Pod['metadata']>
  status?: Deep<Pod['status']>
}

export function pod(name: string, { labels, requests, spec, metadata, status }: PodWish = {}): Frozen<Pod> {
  return freeze({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `pod-${name}`, ...(labels && { labels }), ...metadata },
    spec: { containers: [{ name: 'main', image: 'nginx', ...(requests && { resources: { requests } }) }], ...spec },
    status: { phase: 'Pending', ...status },
  }) as Frozen<Pod>
}

/** The cache of a kind of which there are no objects, or these. */
export function listerOf<T extends KubeObject>(objects: readonly Frozen<T>[]): Lister<T> {
  const cache = new Cache<T>()
  cache.replace(objects)
  return cache
}

const emptyLister = listerOf<never>([])

/** A snapshot of these nodes, and of these pods where they run. */
export function world(
  nodes: readonly Frozen<Node>[],
  placed: readonly (readonly [string, Frozen<Pod>])[] = [],
  around: Surroundings = {},
): LiveSnapshot {
  const snapshot = new LiveSnapshot({ lister: () => emptyLister, ...around })
  for (const each of nodes) snapshot.setNode(each)
  for (const [where, what] of placed) snapshot.putPod(what, where)
  return snapshot
}

/** A cycle whose die always shows zero: of several equal nodes the last is taken. */
export function cycle(wanted: Frozen<Pod>, snapshot: LiveSnapshot, rules: readonly Plugin[] = plugins): Decision {
  return decide(wanted, snapshot, rules, { fraction: () => 0 })
}

/** What one rule says of each node: its reasons, or `fits`. */
export function verdicts(rule: Plugin, wanted: Frozen<Pod>, snapshot: LiveSnapshot): Record<string, string> {
  const judge = rule.prepare(wanted, snapshot)
  const said: Record<string, string> = {}
  for (const each of snapshot.nodes) {
    const refusal = judge.filter?.(each)
    if (refusal === undefined) said[each.name] = 'fits'
    else if (typeof refusal === 'string') said[each.name] = refusal
    else said[each.name] = `${refusal.reasons.join(', ')}${refusal.isFinal ? ' (final)' : ''}`
  }
  return said
}

/** The scores of one rule, normalised, by node. */
export function scores(rule: Plugin, wanted: Frozen<Pod>, snapshot: LiveSnapshot): Record<string, number> {
  const judge = rule.prepare(wanted, snapshot)
  const { nodes } = snapshot
  if (judge.score === undefined) return {}
  judge.beforeScore?.(nodes)
  const values = nodes.map(each => judge.score!(each))
  judge.normalize?.(values)
  return Object.fromEntries(nodes.map(({ name }, index) => [name, values[index]!]))
}
