// A node's machine is shut down in good order: its kubelet says that it is not ready, takes no more pods, ends those it has,
// the critical ones last, and then there is silence (pkg/kubelet/nodeshutdown/nodeshutdown_manager_linux.go, with
// shutdownGracePeriod 30s and shutdownGracePeriodCriticalPods 10s). Asked for by an annotation of the Node.

import type { Node, Pod } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { Nodes, Pods } from '../src/kinds/index.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import type { Evictions } from './eviction/evictions.ts'
import { isCritical } from './eviction/signals.ts'
import type { NodeStates } from './node-states.ts'
import { isSilent, isSimulated, shutdownAnnotation, silentAnnotation } from './nodes.ts'
import type { Silences } from './silences.ts'

const forOthers: Millis = 20_000
const forCritical: Millis = 10_000
const reason = 'Terminated'
const message = 'Pod was terminated in response to imminent node shutdown.'

export interface ShutdownNeeds {
  readonly states: NodeStates
  readonly evictions: Evictions
  readonly silences: Silences
}

interface Progress {
  /** Whose turn it is, and until when. */
  turn: 'others' | 'critical'
  until: Millis
}

export function nodeShutdown({ states, evictions, silences }: ShutdownNeeds): ControllerSpec<Node> {
  const under = new Map<string, Progress>()
  return defineController<Node>({
    name: 'kubelet-shutdown',
    source: 'kubelet',
    reads: [Nodes],
    wakes: [
      {
        kind: Nodes,
        keys: (now, before) => {
          const node = (now ?? before)!
          return isAsked(node) || under.has(node.metadata.name) ? [{ name: node.metadata.name }] : []
        },
      },
      {
        kind: Pods,
        keys(now, before) {
          const { nodeName } = (now ?? before)!.spec
          return nodeName && under.has(nodeName) && (now === undefined || hasEnded(now)) ? [{ name: nodeName }] : []
        },
      },
    ],
    work({ name }, context) {
      const node = context.lister(Nodes).get({ name })
      if (node === undefined || !isSimulated(node) || !isAsked(node)) {
        if (under.delete(name)) states.setShuttingDown(name, false)
        return Promise.resolve()
      }
      if (isSilent(node) || silences.has(name)) return Promise.resolve()
      return proceed(node, context)
    },
  })

  async function proceed(node: Frozen<Node>, context: Context): Promise<Outcome> {
    const { name } = node.metadata
    const now = context.clock.now()
    let progress = under.get(name)
    if (progress === undefined) {
      progress = { turn: 'others', until: now + forOthers }
      under.set(name, progress)
      const host = { host: name }
      context.event(node, 'Normal', 'Shutdown', 'Shutdown manager detected shutdown event', undefined, host)
      states.setShuttingDown(name, true)
    }
    const pods = (context.lister(Pods).by('node', name) as readonly Frozen<Pod>[]).filter(pod => !hasEnded(pod))
    let left = end(pods, progress)
    if (progress.turn === 'others' && (left.length === 0 || now >= progress.until)) {
      progress.turn = 'critical'
      progress.until = now + forCritical
      left = end(pods, progress)
    }
    if (left.length > 0 && now < progress.until) return { again: progress.until - now }
    if (progress.turn === 'others') return { again: 1 }
    // The last that is heard of it: its status is out before its machine is off.
    const body = { metadata: { annotations: { [silentAnnotation]: 'true' } } }
    if (node.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return { again: 100 }
    await context.client.of(Nodes).patch({ name }, { type: 'merge', body })
  }

  /** Those whose turn it is. */
  function end(pods: readonly Frozen<Pod>[], { turn }: Progress): readonly Frozen<Pod>[] {
    const its = pods.filter(pod => isCritical(pod) === (turn === 'critical'))
    const most = turn === 'critical' ? forCritical : forOthers
    for (const pod of its) {
      const grace = Math.min((pod.spec.terminationGracePeriodSeconds ?? 30) * 1000, most)
      evictions.ask(pod.metadata, { grace, reason, message, condition: 'TerminationByKubelet' })
    }
    return its
  }
}

const isAsked = ({ metadata }: Frozen<Node>): boolean => metadata.annotations?.[shutdownAnnotation] === 'true'
const hasEnded = ({ status }: Frozen<Pod>): boolean => status.phase === 'Succeeded' || status.phase === 'Failed'
