// Heartbeats of all fake nodes: each renews its Lease every 10 s (renewals.ts says when that is only counted) and reports its
// status every 5 min, or when that changed. One timer serves all nodes. A silenced node says nothing.

import type { Lease, Node } from '../generated/types.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime, rfc3339Micro } from '../src/api/time.ts'
import type { Cancel, Millis } from '../src/env/clock.ts'
import type { Env } from '../src/env/env.ts'
import { Leases, Nodes } from '../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { podCIDR, podCIDRs } from './addresses.ts'
import type { AllNodeImages } from './node-images.ts'
import type { NodeStates } from './node-states.ts'
import type { NodeTroubles } from './node-troubles.ts'
import { indexFor, isAskedAt, isSilent, isSimulated, type NodeFacts, needsReport, statusOf, turnings } from './nodes.ts'
import { type Renewals, renewEvery } from './renewals.ts'
import type { Silences } from './silences.ts'

export const leaseNamespace = 'kube-node-lease'
const reportEvery = 300_000

export interface HeartbeatOptions extends NodeFacts {
  readonly nodeImages: AllNodeImages
  readonly silences: Silences
  readonly states: NodeStates
  readonly renewals: Renewals
  readonly troubles: NodeTroubles
}

export function heartbeat(env: Env, options: HeartbeatOptions): ControllerSpec<Node> {
  const { renewals, silences, states, nodeImages, troubles } = options
  /** What time it is, as the node says. */
  const timeAt = (name: string, at: Millis): Millis => at + troubles.of(name).skew
  const reported = new Map<string, number>()
  const renewed = new Set<string>()
  const announced = new Set<string>()
  /** When each node that speaks is due: its next beat, and the beat at which it reports. */
  const plans = new Map<string, { beat: Millis; report: Millis }>()
  const speaks = (node: Frozen<Node>) => !isSilent(node) && !silences.has(node.metadata.name)
  let cancelTimer: Cancel = () => {}
  let armedFor: Millis | undefined

  async function renew(node: Frozen<Node>, context: Context): Promise<void> {
    const { name, uid } = node.metadata
    await renewUntilDone(name, uid, context, timeAt(name, env.clock.now()))
    renewals.renewed(name, indexFor(node, context.lister(Nodes).list()))
  }

  /** False when another was quicker: it is for the next beat. */
  async function report(node: Frozen<Node>, context: Context): Promise<boolean> {
    const images = nodeImages.of(node)
    const state = states.of(node.metadata.name)
    const all = context.lister(Nodes).list()
    const status = statusOf(
      node.metadata.name,
      indexFor(node, all),
      options,
      node.status,
      timeAt(node.metadata.name, env.clock.now()),
      images,
      state,
      node.metadata.annotations,
    )
    try {
      await context.client.of(Nodes).updateStatus({ ...node, status } as Node)
      tellTurnings(node, status, context)
      reported.set(node.metadata.name, images.version)
      announced.add(node.metadata.name)
      return true
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error
      return false
    }
  }

  async function beat(node: Frozen<Node>, context: Context): Promise<void> {
    const { name } = node.metadata
    const isReporting = plans.get(name)!.report <= env.clock.now()
    try {
      if (renewals.isFollowed) await renew(node, context)
      const isDone = isReporting && (await report(node, context))
      plan(name, isReporting ? env.clock.now() + (isDone ? reportEvery : 0) : undefined)
    } catch (error) {
      if (context.signal.aborted) return
      context.log.warn({ node: name, error }, 'heartbeat failed')
      plan(name, isReporting ? env.clock.now() : undefined)
    }
  }

  /** Of its next beat, and when it is to report; a report comes with a beat. */
  function plan(name: string, reportAt: Millis | undefined): void {
    const next = renewals.nextOf(name)
    if (next === undefined) return
    const before = plans.get(name)
    const report =
      reportAt === undefined && before !== undefined
        ? before.report
        : next + Math.max(0, Math.round(((reportAt ?? 0) - next) / renewEvery)) * renewEvery
    plans.set(name, { beat: next, report })
  }

  const dueOf = ({ beat, report }: { beat: Millis; report: Millis }): Millis =>
    renewals.isFollowed ? Math.min(beat, report) : report

  /** One timer for whoever says something next. */
  function arm(context: Context): void {
    if (context.signal.aborted) return
    let next = Infinity
    for (const each of plans.values()) next = Math.min(next, dueOf(each))
    if (next === armedFor) return
    cancelTimer()
    armedFor = next
    if (next < Infinity) cancelTimer = env.clock.after(next - env.clock.now(), () => turn(context))
  }

  function turn(context: Context): void {
    armedFor = undefined
    const now = env.clock.now()
    const nodes = context.lister(Nodes)
    void env.activity.track(async () => {
      const beats: Promise<void>[] = []
      for (const [name, each] of [...plans]) {
        if (dueOf(each) > now) continue
        const node = nodes.get({ name })
        if (node !== undefined && isSimulated(node) && speaks(node)) beats.push(beat(node, context))
        else plans.delete(name)
      }
      await Promise.all(beats)
      arm(context)
    })
  }

  return defineController<Node>({
    name: 'node-heartbeat',
    source: 'kubelet',
    for: Nodes,
    concerns: isSimulated,
    start(context) {
      const { signal } = context
      const wake = (name: string) => context.wake({ name })
      const follow = () => {
        for (const name of plans.keys()) plan(name, undefined)
        arm(context)
      }
      const uidOf = (name: string) => context.lister(Nodes).get({ name })?.metadata.uid
      plans.clear()
      renewed.clear()
      renewals.begin((name, at) => renewUntilDone(name, uidOf(name), context, timeAt(name, at)), follow)
      silences.onChange(signal, name => {
        if (silences.has(name)) fallSilent(name)
        wake(name)
      })
      states.onChange(signal, wake)
      // At its next beat it says so.
      troubles.onChange(signal, name => {
        if (!plans.has(name)) return
        plan(name, env.clock.now())
        arm(context)
      })
      nodeImages.onChange(signal, name => {
        if (!plans.has(name)) return
        plan(name, env.clock.now())
        arm(context)
      })
      const stop = () => {
        cancelTimer()
        armedFor = undefined
        renewals.end()
      }
      signal.addEventListener('abort', stop, { once: true })
    },
    async reconcile(node, context) {
      const { name } = node.metadata
      if (!speaks(node)) return fallSilent(name)
      const index = indexFor(node, context.lister(Nodes).list())
      if (!node.spec.podCIDR) {
        const body = {
          metadata: { resourceVersion: node.metadata.resourceVersion },
          spec: { podCIDR: podCIDR(index), podCIDRs: podCIDRs(index, options.isDualStack ?? false) },
        }
        await context.client.of(Nodes).patch(node.metadata, { type: 'merge', body })
        return
      }
      if (!renewed.has(name)) {
        await renew(node, context)
        renewed.add(name)
        context.event(node, 'Normal', 'Starting', 'Starting kubelet.', undefined, { host: name })
      } else renewals.speaks(name)
      // The port once only: were there two kubelets, each would contradict the other at every change.
      if (isAskedAt(node, options)) announced.add(name)
      if (!announced.has(name) || needsReport(node, index, options, states.of(name))) {
        await renew(node, context)
        const isDone = await report(node, context)
        plan(name, env.clock.now() + (isDone ? reportEvery : 0))
      } else if (!plans.has(name)) plan(name, firstReport(node))
      arm(context)
    },
    async gone({ name }) {
      renewed.delete(name)
      announced.delete(name)
      reported.delete(name)
      plans.delete(name)
      renewals.forget(name)
      nodeImages.forget(name)
    },
  })

  function fallSilent(name: string): void {
    plans.delete(name)
    renewals.fallSilent(name)
  }

  function firstReport(node: Frozen<Node>): Millis {
    const { name } = node.metadata
    if (nodeImages.of(node).version !== (reported.get(name) ?? 0)) return env.clock.now()
    const last = node.status.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime
    return last === undefined ? env.clock.now() : parseTime(last) + reportEvery
  }
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

async function renewUntilDone(name: string, uid: string | undefined, context: Context, at: Millis): Promise<void> {
  for (let left = tries - 1; ; left--) {
    try {
      return await renewOnce(name, uid, context, at)
    } catch (error) {
      if (left === 0 || context.signal.aborted) throw error
    }
  }
}

async function renewOnce(name: string, uid: string | undefined, { client }: Context, at: Millis): Promise<void> {
  const leases = client.of(Leases)
  const ref = { name, namespace: leaseNamespace }
  const renewTime = rfc3339Micro(at)
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
