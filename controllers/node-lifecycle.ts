// Node life-cycle: a node that falls silent is not ready, says its status; its pods are not ready either, nothing new comes
// to it, and what does not stand a dead node is to go (taint-eviction.ts sees to that). Upstream:
// pkg/controller/nodelifecycle/node_lifecycle_controller.go and pkg/controller/util/node/controller_utils.go.

import type { Node, NodeCondition, Pod, Taint } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime, rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { Leases } from '../src/kinds/lease.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isReady } from './shared/pods.ts'
import { isNodeReady, notReadyTaint, unreachableTaint } from './shared/taints.ts'

export interface NodeLifecycleOptions {
  /** How long a node may be silent; 50 s as upstream's default since 1.32. */
  readonly gracePeriod?: Millis | undefined
  /** How long a new node may take to say its first word. */
  readonly startupGracePeriod?: Millis | undefined
  /** Who knows of nodes of this process when they were heard of, whether or not their leases say so. */
  readonly heartbeats?: Heartbeats | undefined
}

export interface Heartbeats {
  /** Undefined of nodes that are not of this process. */
  lastOf(node: string): Millis | undefined
  /** It is well until `onChange` tells otherwise: its silence need not be waited for. */
  isSteady(node: string): boolean
  onChange(signal: AbortSignal, listener: (node: string) => void): void
}

/** Between two nodes whose pods are evicted, in an ordinary zone and in a large one that is mostly down. */
const evictionInterval = 10_000
const secondaryInterval = 100_000
const largeZone = 50
const unhealthyShare = 0.55

const leaseNamespace = 'kube-node-lease'

interface Heard {
  readonly node: Frozen<Node>
  lease: string | undefined
  report: string | undefined
  at: Millis
}

export function nodeLifecycleController(options: NodeLifecycleOptions = {}): ControllerSpec<Node> {
  const { gracePeriod = 50_000, startupGracePeriod = 60_000, heartbeats } = options
  const heard = new Map<string, Heard>()
  const nextEviction = new Map<string, Millis>()

  return defineController<Node>({
    name: 'node-lifecycle-controller',
    source: 'node-controller',
    for: Nodes,
    wakes: [
      {
        kind: Leases,
        // A renewed lease only puts off what the node's own timer will look at: it wakes nobody.
        keys(now, _before, { clock }) {
          const known = now?.metadata.namespace === leaseNamespace ? heard.get(now.metadata.name) : undefined
          if (known !== undefined && now.spec.renewTime !== known.lease) {
            known.lease = now.spec.renewTime
            known.at = clock.now()
          }
          return []
        },
      },
      {
        kind: Nodes,
        // How many nodes are down decides whether any is evicted: the silent ones look again.
        keys(now, before, { lister }) {
          if (before === undefined || readyStatus(now) === readyStatus(before)) return []
          return lister(Nodes)
            .list()
            .filter(node => readyStatus(node) !== 'True')
            .map(({ metadata }) => metadata)
        },
      },
    ],
    reads: [Pods],
    start(context) {
      heard.clear()
      nextEviction.clear()
      heartbeats?.onChange(context.signal, name => context.wake({ name }))
    },
    async reconcile(cached, context): Promise<Outcome> {
      const due = listen(cached, context)
      const now = context.clock.now()
      const node = now >= due ? await declareSilent(cached, context) : cached
      const next = await setTaints(node, context)
      if (readyStatus(node) === 'Unknown') await markPodsNotReady(node, context)
      const waits = [now >= due || due === Infinity ? undefined : due - now, next].filter(wait => wait !== undefined)
      return waits.length > 0 ? { again: Math.min(...waits) } : undefined
    },
    async gone({ name }, context) {
      const known = heard.get(name)
      heard.delete(name)
      if (known === undefined) return
      context.event(known.node, 'Normal', 'RemovingNode', `Node ${name} event: Removing Node ${name} from Controller`)
    },
  })

  /** Takes note of the node's last word; returns when its silence will have been too long. */
  function listen(node: Frozen<Node>, context: Context): Millis {
    const { name, creationTimestamp } = node.metadata
    const ready = findCondition(node.status.conditions, 'Ready')
    const report = ready?.lastHeartbeatTime
    const lease = context.lister(Leases).get({ namespace: leaseNamespace, name })?.spec.renewTime
    const now = context.clock.now()
    let known = heard.get(name)
    if (known === undefined) {
      known = { node, lease, report, at: ready === undefined ? parseTime(creationTimestamp!) : now }
      heard.set(name, known)
      context.event(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
    } else if (known.lease !== lease || known.report !== report) {
      known.lease = lease
      known.report = report
      known.at = now
    }
    if (heartbeats?.isSteady(name)) return Infinity
    known.at = Math.max(known.at, heartbeats?.lastOf(name) ?? 0)
    return known.at + (ready === undefined ? startupGracePeriod : gracePeriod)
  }

  /** Taints as the node's conditions ask for; returns how long until one that must wait its turn. */
  async function setTaints(node: Frozen<Node>, context: Context): Promise<Millis | undefined> {
    const present = node.spec.taints ?? []
    const ready = readyStatus(node)
    // A node that has not said anything yet keeps the taint with which it was admitted.
    if (ready === undefined) return undefined
    const wanted = conditionTaints(node)
    let wait: Millis | undefined
    if (ready !== 'True') {
      const key = ready === 'Unknown' ? unreachableTaint : notReadyTaint
      const isThere = present.some(taint => taint.key === key && taint.effect === 'NoExecute')
      const turn = evictionTurn(node, isThere, context)
      if (turn === 0) wanted.push({ key, effect: 'NoExecute' })
      else wait = turn
    }
    const foreign = present.filter(taint => !isOurs(taint))
    const ours = wanted.map(({ key, effect }) => {
      const old = present.find(taint => taint.key === key && taint.effect === effect)
      return old ?? { key, effect, timeAdded: rfc3339(context.clock.now()) }
    })
    const kept = present.filter(taint => isOurs(taint) && ours.includes(taint))
    const taints = [...foreign, ...kept, ...ours.filter(taint => !kept.includes(taint))]
    const isSame = taints.length === present.length && taints.every(taint => present.includes(taint))
    if (!isSame) {
      const { resourceVersion } = node.metadata
      const body = { metadata: { resourceVersion }, spec: { taints: taints.length > 0 ? taints : null } }
      await context.client.of(Nodes).patch(node.metadata, { type: 'merge', body })
    }
    return wait
  }

  /** 0: its pods may be evicted now. Undefined: not while so many nodes are down. Else how long until its turn. */
  function evictionTurn(node: Frozen<Node>, isBegun: boolean, { lister, clock }: Context): Millis | undefined {
    const all = lister(Nodes).list()
    // When no node answers, it is more likely that we do not hear.
    if (all.every(({ metadata, status }) => metadata.name === node.metadata.name || !isNodeReady({ status }))) {
      return undefined
    }
    if (isBegun) return 0
    const zone = zoneOf(node)
    const members = all.filter(other => zoneOf(other) === zone)
    const down = members.filter(other => !isNodeReady(other)).length
    const isPartial = down < members.length && down > 2 && down / members.length >= unhealthyShare
    if (isPartial && members.length <= largeZone) return undefined
    const now = clock.now()
    const next = nextEviction.get(zone) ?? 0
    if (next > now) return next - now
    nextEviction.set(zone, now + (isPartial ? secondaryInterval : evictionInterval))
    return 0
  }
}

function readyStatus(node: Frozen<Node> | undefined): string | undefined {
  return findCondition(node?.status.conditions, 'Ready')?.status
}

function zoneOf({ metadata: { labels } }: Frozen<Node>): string {
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}:${labels?.['topology.kubernetes.io/zone'] ?? ''}`
}

async function declareSilent(node: Frozen<Node>, context: Context): Promise<Frozen<Node>> {
  const now = rfc3339(context.clock.now())
  const conditions = [...(node.status.conditions ?? [])] as NodeCondition[]
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const at = conditions.findIndex(condition => condition.type === type)
    const old = conditions[at]
    if (old === undefined) {
      const message = 'Kubelet never posted node status.'
      const lastHeartbeatTime = node.metadata.creationTimestamp!
      const reason = 'NodeStatusNeverUpdated'
      conditions.push({ type, status: 'Unknown', reason, message, lastHeartbeatTime, lastTransitionTime: now })
    } else if (old.status !== 'Unknown') {
      const message = 'Kubelet stopped posting node status.'
      conditions[at] = { ...old, status: 'Unknown', reason: 'NodeStatusUnknown', message, lastTransitionTime: now }
    }
  }
  if (jsonEqual(conditions, node.status.conditions)) return node
  const wasReady = readyStatus(node) === 'True'
  const silent = await context.client
    .of(Nodes)
    .updateStatus({ ...node, status: { ...node.status, conditions } } as Node)
  const { name } = node.metadata
  if (wasReady) context.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  return silent
}

/** Nobody says any more whether they are ready, so they are not: Services stop sending to them. */
async function markPodsNotReady(node: Frozen<Node>, { client, lister, clock, event }: Context): Promise<void> {
  const condition = { type: 'Ready', status: 'False', lastTransitionTime: rfc3339(clock.now()) }
  for (const pod of lister(Pods).by('node', node.metadata.name) as readonly Frozen<Pod>[]) {
    if (!isReady(pod)) continue
    try {
      const body = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } }
      await client.of(Pods).patch(pod.metadata, { type: 'strategic', body }, 'status')
    } catch (error) {
      if (!isNotFound(error)) throw error
      continue
    }
    event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
  }
}

const conditionTaint: Readonly<Record<string, string>> = {
  MemoryPressure: 'node.kubernetes.io/memory-pressure',
  DiskPressure: 'node.kubernetes.io/disk-pressure',
  PIDPressure: 'node.kubernetes.io/pid-pressure',
  NetworkUnavailable: 'node.kubernetes.io/network-unavailable',
}
const unschedulableTaint = 'node.kubernetes.io/unschedulable'

function conditionTaints({ spec, status }: Frozen<Node>): { key: string; effect: string }[] {
  const keys: string[] = []
  for (const { type, status: is } of status.conditions ?? []) {
    if (type === 'Ready' && is === 'False') keys.push(notReadyTaint)
    else if (type === 'Ready' && is === 'Unknown') keys.push(unreachableTaint)
    else if (is === 'True' && conditionTaint[type] !== undefined) keys.push(conditionTaint[type])
  }
  if (spec.unschedulable) keys.push(unschedulableTaint)
  return keys.map(key => ({ key, effect: 'NoSchedule' }))
}

function isOurs({ key, effect }: Frozen<Taint>): boolean {
  if (key === notReadyTaint || key === unreachableTaint) return effect === 'NoSchedule' || effect === 'NoExecute'
  return effect === 'NoSchedule' && (key === unschedulableTaint || Object.values(conditionTaint).includes(key))
}
