// What kubelets measure that are another process: asked of them as a metrics-server does, though only when somebody wants to know,
// and then at most once in each quarter of a minute (cluster.ts). Where the kubelets are in this process they are read directly.

import type { Node } from '../generated/types.ts'
import { ApiError } from './api/errors.ts'
import type { Frozen } from './api/meta.ts'
import type { NodeClient, NodeLike } from './client/node-client.ts'
import type { NodeUsage, PodUsage, ResourceUsage } from './client/resource-usage.ts'
import type { Millis } from './env/clock.ts'
import type { Env } from './env/env.ts'

/** As metrics-server's --metric-resolution. */
const span: Millis = 15_000
const atOnce = 16

export interface UsageElsewhere {
  readonly env: Env
  readonly local: ResourceUsage
  /** Whether the kubelets work in this process. */
  isHere(): boolean
  readonly kubelets: Pick<NodeClient, 'proxyNode'>
  nodes(): readonly Frozen<Node>[]
}

export function usageWherever({ env, local, isHere, kubelets, nodes }: UsageElsewhere): ResourceUsage {
  let seen: { readonly tick: number; readonly told: Promise<Told> } | undefined
  let told: Told = nothing
  return {
    async refresh() {
      if (isHere()) return
      const tick = Math.floor(env.clock.now() / span)
      if (seen?.tick !== tick) seen = { tick, told: env.activity.track(() => ask(kubelets, nodes(), tick * span)) }
      told = await seen.told
    },
    pod: pod => (isHere() ? local.pod(pod) : told.pods.get(pod.metadata.uid ?? '')),
    node: node => (isHere() ? local.node(node) : told.nodes.get(node.metadata.name)),
  }
}

interface Told {
  readonly nodes: ReadonlyMap<string, NodeUsage>
  /** By uid. */
  readonly pods: ReadonlyMap<string, PodUsage>
}

const nothing: Told = { nodes: new Map(), pods: new Map() }

async function ask(kubelets: UsageElsewhere['kubelets'], all: readonly Frozen<Node>[], at: Millis): Promise<Told> {
  const nodes = new Map<string, NodeUsage>()
  const pods = new Map<string, PodUsage>()
  const waiting = [...all]
  const worker = async () => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      const summary = await summaryOf(kubelets, node)
      if (summary === undefined) continue
      const measured = { at, window: span }
      nodes.set(node.metadata.name, { ...measured, ...amounts(summary.node) })
      for (const { podRef, containers } of summary.pods) {
        if (containers.some(({ startTime }) => Date.parse(startTime) > at)) continue
        const each = containers.map(container => ({ name: container.name, ...amounts(container) }))
        pods.set(podRef.uid, { ...measured, containers: each })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker))
  return { nodes, pods }
}

/** k8s.io/kubelet/pkg/apis/stats/v1alpha1, as far as it is read here. */
interface Summary {
  readonly node: Taken
  readonly pods: readonly {
    readonly podRef: { readonly uid: string }
    readonly containers: readonly (Taken & { readonly name: string; readonly startTime: string })[]
  }[]
}

interface Taken {
  readonly cpu: { readonly usageNanoCores: number }
  readonly memory: { readonly workingSetBytes: number }
}

const amounts = ({ cpu, memory }: Taken) => ({ cpu: cpu.usageNanoCores, memory: memory.workingSetBytes })

/** undefined: nobody answers for the node, and nothing is known of it. */
async function summaryOf(kubelets: UsageElsewhere['kubelets'], node: NodeLike): Promise<Summary | undefined> {
  const path = '/stats/summary?only_cpu_and_memory=true'
  try {
    const { status, body } = await kubelets.proxyNode(node, {
      method: 'GET',
      path,
      headers: {},
      body: new Uint8Array(),
    })
    return status === 200 ? (JSON.parse(Buffer.from(body).toString()) as Summary) : undefined
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return undefined
  }
}
