// Heartbeats of all fake nodes: each renews its Lease every 10 s and reports its status every 5 min, or when that changed.
// One timer serves all nodes: they are spread over the ten seconds in slots of at most twenty. A silenced node says nothing.

import type { Lease, Node } from '../generated/types.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime, rfc3339Micro } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import { Leases, Nodes } from '../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { podCIDR } from './addresses.ts'
import type { AllNodeImages } from './node-images.ts'
import type { NodeStates } from './node-states.ts'
import { indexFor, isAskedAt, isSilent, isSimulated, type NodeFacts, needsReport, statusOf, turnings } from './nodes.ts'
import type { Silences } from './silences.ts'

const leaseNamespace = 'kube-node-lease'
const renewEvery = 10_000
const reportEvery = 300_000
const perSlot = 20

export interface HeartbeatOptions extends NodeFacts {
  readonly nodeImages: AllNodeImages
  readonly silences: Silences
  readonly states: NodeStates
}

export function heartbeat(env: Env, options: HeartbeatOptions): ControllerSpec<Node> {
  const reported = new Map<string, number>()
  const renewed = new Set<string>()
  const announced = new Set<string>()
  const speaks = (node: Frozen<Node>) => !isSilent(node) && !options.silences.has(node.metadata.name)

  async function report(node: Frozen<Node>, context: Context): Promise<void> {
    const images = options.nodeImages.of(node)
    const state = options.states.of(node.metadata.name)
    const all = context.lister(Nodes).list()
    const status = statusOf(
      node.metadata.name,
      indexFor(node, all),
      options,
      node.status,
      env.clock.now(),
      images,
      state,
    )
    try {
      await context.client.of(Nodes).updateStatus({ ...node, status } as Node)
      tellTurnings(node, status, context)
      reported.set(node.metadata.name, images.version)
      announced.add(node.metadata.name)
    } catch (error) {
      // Changed by another, or gone: what changed it wakes us again.
      if (!isConflict(error) && !isNotFound(error)) throw error
    }
  }

  async function beat(node: Frozen<Node>, context: Context): Promise<void> {
    await renew(node, context, env.clock.now())
    const last = node.status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime
    const isDue = last === undefined || env.clock.now() - parseTime(last) >= reportEvery
    const before = reported.get(node.metadata.name)
    const hasNewImages = options.nodeImages.of(node).version !== (before ?? 0)
    if (isDue || hasNewImages) await report(node, context)
  }

  function turn(context: Context, slot: number): void {
    const nodes = context.lister(Nodes).list().filter(isSimulated)
    const slots = Math.max(1, Math.min(10, Math.ceil(nodes.length / perSlot)))
    const cancel = env.clock.after(renewEvery / slots, () => {
      context.signal.removeEventListener('abort', cancel)
      if (context.signal.aborted) return
      void env.activity.track(async () => {
        const present = context.lister(Nodes).list().filter(isSimulated)
        for (const [index, node] of present.entries()) {
          if (index % slots !== slot % slots || !speaks(node) || context.signal.aborted) continue
          try {
            await beat(node, context)
          } catch (error) {
            if (!context.signal.aborted) context.log.warn({ node: node.metadata.name, error }, 'heartbeat failed')
          }
        }
        if (!context.signal.aborted) turn(context, slot + 1)
      })
    })
    context.signal.addEventListener('abort', cancel, { once: true })
  }

  return defineController<Node>({
    name: 'node-heartbeat',
    source: 'kubelet',
    for: Nodes,
    concerns: isSimulated,
    start(context) {
      options.silences.onChange(context.signal, name => context.wake({ name }))
      options.states.onChange(context.signal, name => context.wake({ name }))
      turn(context, 0)
    },
    async reconcile(node, context) {
      if (!speaks(node)) return
      const index = indexFor(node, context.lister(Nodes).list())
      if (!node.spec.podCIDR) {
        const cidr = podCIDR(index)
        const body = {
          metadata: { resourceVersion: node.metadata.resourceVersion },
          spec: { podCIDR: cidr, podCIDRs: [cidr] },
        }
        await context.client.of(Nodes).patch(node.metadata, { type: 'merge', body })
        return
      }
      if (!renewed.has(node.metadata.name)) {
        await renew(node, context, env.clock.now())
        renewed.add(node.metadata.name)
        context.event(node, 'Normal', 'Starting', 'Starting kubelet.', undefined, {
          host: node.metadata.name,
        })
      }
      // The port once only: were there two kubelets, each would contradict the other at every change.
      if (isAskedAt(node, options)) announced.add(node.metadata.name)
      if (
        announced.has(node.metadata.name) &&
        !needsReport(node, index, options, options.states.of(node.metadata.name))
      )
        return
      await renew(node, context, env.clock.now())
      await report(node, context)
    },
    async gone({ name }) {
      renewed.delete(name)
      announced.delete(name)
      reported.delete(name)
      options.nodeImages.forget(name)
    },
  })
}

/** Of a node that was there before and now says otherwise (kubelet_node_status.go recordNodeStatusEvent). */
function tellTurnings(node: Frozen<Node>, { conditions }: Node['status'], context: Context): void {
  const { name } = node.metadata
  for (const { type, status } of conditions ?? []) {
    const was = node.status.conditions?.find(condition => condition.type === type)?.status
    const reason = turnings[type]?.[status]
    if (was === undefined || was === status || was === 'Unknown' || reason === undefined) continue
    context.event(node, 'Normal', reason, `Node ${name} status is now: ${reason}`, undefined, { host: name })
  }
}

/** As often as a kubelet tries at once (k8s.io/component-helpers/apimachinery/lease/controller.go, maxUpdateRetries). */
const tries = 5

async function renew(node: Frozen<Node>, context: Context, now: Millis): Promise<void> {
  for (let left = tries - 1; ; left--) {
    try {
      return await renewOnce(node, context, now)
    } catch (error) {
      if (left === 0 || context.signal.aborted) throw error
    }
  }
}

async function renewOnce({ metadata: { name, uid } }: Frozen<Node>, { client }: Context, now: Millis): Promise<void> {
  const leases = client.of(Leases)
  const ref = { name, namespace: leaseNamespace }
  const renewTime = rfc3339Micro(now)
  try {
    await leases.patch(ref, { type: 'merge', body: { spec: { renewTime } } })
    return
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { ...ref, ...(uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }] } : {}) },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
  } satisfies Lease
  try {
    await leases.create(lease)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
