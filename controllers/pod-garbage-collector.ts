// Pod garbage: pods on nodes that are gone go after a while, since no kubelet will ever say that they have ended; and of
// ended pods only so many are kept. Upstream: pkg/controller/podgc/gc_controller.go.

import type { Node, Pod } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'

/** How long a node may be missing before its pods go (quarantineTime). */
const quarantine = 40_000
const endedIndex = 'ended'
const endedKey: Ref = { namespace: 'pods', name: 'ended' }
const nodeKey = (name: string): Ref => ({ namespace: 'node', name })

/** `keptPods`: how many ended pods are kept; 12,500 as upstream's default. */
export function podGarbageCollector({ keptPods = 12_500 }: { keptPods?: number | undefined } = {}): ControllerSpec {
  return defineController({
    name: 'pod-garbage-collector-controller',
    wakes: [
      {
        kind: Pods,
        keys(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined, context) {
          const node = now?.spec.nodeName
          if (node && before?.spec.nodeName !== node && !context.lister(Nodes).get({ name: node })) {
            context.wake(nodeKey(node), quarantine)
          }
          const hasEnded = now !== undefined && isTerminal(now) && !(before && isTerminal(before))
          return hasEnded && context.lister(Pods).count(endedIndex, 'all') > keptPods ? [endedKey] : []
        },
      },
      {
        kind: Nodes,
        keys(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined, context) {
          if (now === undefined) context.wake(nodeKey(before!.metadata.name), quarantine)
          return []
        },
      },
    ],
    start({ lister }) {
      lister(Pods).index(endedIndex, pod => (isTerminal(pod) ? ['all'] : []))
    },
    async work(ref, context) {
      if (ref.namespace === endedKey.namespace) await trimEnded(keptPods, context)
      else await clearNode(ref.name, context)
    },
  })
}

async function trimEnded(keptPods: number, context: Context): Promise<void> {
  const ended = context
    .lister(Pods)
    .by(endedIndex, 'all')
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const surplus = ended.length - keptPods
  if (surplus <= 0) return
  const age = ({ metadata }: Frozen<Pod>): string => metadata.creationTimestamp ?? ''
  const oldest = [...ended].sort((one, other) => (age(one) < age(other) ? -1 : age(one) > age(other) ? 1 : 0))
  for (const pod of oldest.slice(0, surplus)) await remove(pod, context)
}

async function clearNode(name: string, context: Context): Promise<void> {
  const pods = context.lister(Pods).by('node', name)
  if (pods.length === 0 || (await exists(name, context))) return
  for (const pod of pods) {
    if (!isTerminal(pod)) await declareFailed(pod, context)
    await remove(pod, context)
  }
}

/** Asked of the server itself: a cache may not know the node yet. */
async function exists(name: string, { client, lister }: Context): Promise<boolean> {
  if (lister(Nodes).get({ name }) !== undefined) return true
  try {
    await client.of(Nodes).get({ name })
    return true
  } catch (error) {
    if (!isNotFound(error)) throw error
    return false
  }
}

async function declareFailed({ metadata }: Frozen<Pod>, { client, clock }: Context): Promise<void> {
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByPodGC',
    message: 'PodGC: node no longer exists',
    lastTransitionTime: rfc3339(clock.now()),
  }
  const body = { metadata: { uid: metadata.uid }, status: { phase: 'Failed', conditions: [condition] } }
  await client.of(Pods).patch(metadata, { type: 'strategic', body }, 'status').catch(ignoreGone)
}

async function remove({ metadata }: Frozen<Pod>, { client }: Context): Promise<void> {
  const how = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }
  await client.of(Pods).delete(metadata, how).catch(ignoreGone)
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}
