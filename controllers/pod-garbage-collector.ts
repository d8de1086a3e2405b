// Pod garbage: pods on nodes that are gone go after a while, since no kubelet will ever say that they have ended, and those that
// are being deleted on nodes that are out of service, at once; of ended pods only so many are kept. Upstream: pkg/controller/podgc/gc_controller.go.

import type { Node, Pod, PodCondition } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'
import { isNodeReady, outOfServiceTaint } from './shared/taints.ts'

/** How long a node may be missing before its pods go (quarantineTime). */
const quarantine = 40_000
const endedIndex = 'ended'
const endedKey: Ref = { namespace: 'pods', name: 'ended' }
const unscheduledKey: Ref = { namespace: 'pods', name: 'unscheduled' }
const nodeKey = (name: string): Ref => ({ namespace: 'node', name })
const outOfServiceKey = (name: string): Ref => ({ namespace: 'out-of-service', name })

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
          if (now?.metadata.deletionTimestamp !== undefined && before?.metadata.deletionTimestamp === undefined) {
            if (!node) return [unscheduledKey]
            if (isOutOfService(context.lister(Nodes).get({ name: node }))) return [outOfServiceKey(node)]
          }
          const hasEnded = now !== undefined && isTerminal(now) && !(before && isTerminal(before))
          return hasEnded && context.lister(Pods).count(endedIndex, 'all') > keptPods ? [endedKey] : []
        },
      },
      {
        kind: Nodes,
        keys(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined, context) {
          if (now === undefined) context.wake(nodeKey(before!.metadata.name), quarantine)
          return isOutOfService(now) && !isOutOfService(before) ? [outOfServiceKey(now!.metadata.name)] : []
        },
      },
    ],
    start({ lister }) {
      lister(Pods).index(endedIndex, pod => (isTerminal(pod) ? ['all'] : []))
    },
    async work(ref, context) {
      if (ref.name === endedKey.name && ref.namespace === endedKey.namespace) await trimEnded(keptPods, context)
      else if (ref.namespace === unscheduledKey.namespace) await clear(unscheduled(context), context)
      else if (ref.namespace === 'out-of-service') {
        const isStill = isOutOfService(context.lister(Nodes).get({ name: ref.name }))
        if (isStill) await clear(context.lister(Pods).by('node', ref.name), context)
      } else await clearNode(ref.name, context)
    },
  })
}

/** Somebody says that the machine is off: nothing of its pods runs any more. */
function isOutOfService(node: Frozen<Node> | undefined): boolean {
  const isTainted = node?.spec.taints?.some(({ key }) => key === outOfServiceTaint) ?? false
  return isTainted && !isNodeReady(node!)
}

const unscheduled = ({ lister }: Context): readonly Frozen<Pod>[] =>
  lister(Pods)
    .list()
    .filter(({ spec }) => !spec.nodeName)

/** Of these pods the ones that are being deleted go for good. */
async function clear(pods: readonly Frozen<Pod>[], context: Context): Promise<void> {
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp === undefined) continue
    if (!isTerminal(pod)) await declareFailed(pod, [], context)
    await remove(pod, context)
  }
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
    if (!isTerminal(pod)) await declareFailed(pod, [orphaned(context)], context)
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

const orphaned = ({ clock }: Context): PodCondition => ({
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'DeletionByPodGC',
  message: 'PodGC: node no longer exists',
  lastTransitionTime: rfc3339(clock.now()),
})

async function declareFailed(
  { metadata }: Frozen<Pod>,
  conditions: readonly PodCondition[],
  { client }: Context,
): Promise<void> {
  const status = { phase: 'Failed', ...(conditions.length > 0 ? { conditions } : {}) }
  const body = { metadata: { uid: metadata.uid }, status }
  await client.of(Pods).patch(metadata, { type: 'strategic', body }, 'status').catch(ignoreGone)
}

async function remove({ metadata }: Frozen<Pod>, { client }: Context): Promise<void> {
  const how = { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } }
  await client.of(Pods).delete(metadata, how).catch(ignoreGone)
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error)) throw error
}
