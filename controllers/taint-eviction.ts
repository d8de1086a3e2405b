// Taint eviction: a pod that does not stand its node's NoExecute taints goes at once, one that stands them for a while goes
// when that is over. Upstream: pkg/controller/tainteviction/taint_eviction.go; the time counts from when the taint was set,
// if that is known (kubectl does not say), so that it does not begin anew when this is restarted.

import type { Node, Pod } from '../generated/types.ts'
import { isNotFound } from '../src/api/errors.ts'
import { jsonEqual } from '../src/api/json-equal.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { parseTime, rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { Nodes } from '../src/kinds/node.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type Context, type ControllerSpec, defineController, type Outcome } from '../src/runtime/controller.ts'
import { isTerminal } from './shared/pods.ts'
import { evictingTaints, tolerates } from './shared/taints.ts'

export function taintEvictionController(): ControllerSpec {
  /** Since when a pod waits to be evicted, by uid. */
  const waiting = new Map<string, Millis>()
  return defineController({
    name: 'taint-eviction-controller',
    wakes: [
      {
        kind: Pods,
        keys(now: Frozen<Pod> | undefined, before: Frozen<Pod> | undefined, { lister }) {
          const pod = now ?? before!
          if (now === undefined) return waiting.has(pod.metadata.uid!) ? [pod.metadata] : []
          const isNews = before === undefined || before.spec.nodeName !== now.spec.nodeName || wantsElse(now, before)
          if (!isNews || !now.spec.nodeName) return []
          return evictingTaints(lister(Nodes).get({ name: now.spec.nodeName })).length > 0 ? [now.metadata] : []
        },
      },
      {
        kind: Nodes,
        keys(now: Frozen<Node> | undefined, before: Frozen<Node> | undefined, { lister }) {
          if (now === undefined || jsonEqual(evictingTaints(now), evictingTaints(before))) return []
          return lister(Pods)
            .by('node', now.metadata.name)
            .map(({ metadata }) => metadata)
        },
      },
    ],
    start: () => waiting.clear(),
    async work(ref, context): Promise<Outcome> {
      const pod = context.lister(Pods).get(ref)
      if (pod === undefined || pod.metadata.deletionTimestamp !== undefined || isTerminal(pod)) return
      const uid = pod.metadata.uid!
      const now = context.clock.now()
      const since = waiting.get(uid) ?? now
      const due = evictionTime(pod, context.lister(Nodes).get({ name: pod.spec.nodeName ?? '' }), since)
      const who = `Pod ${ref.namespace}/${ref.name}`
      if (due === undefined) {
        if (waiting.delete(uid)) context.event(pod, 'Normal', 'TaintManagerEviction', `Cancelling deletion of ${who}`)
        return
      }
      const wait = due - now
      if (wait > 0) {
        waiting.set(uid, since)
        return { again: wait }
      }
      waiting.delete(uid)
      context.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion ${who}`)
      await evict(pod, context)
    },
  })
}

function wantsElse(now: Frozen<Pod>, before: Frozen<Pod>): boolean {
  return now.spec.tolerations !== before.spec.tolerations && !jsonEqual(now.spec.tolerations, before.spec.tolerations)
}

/** When the pod has to go; undefined: never. */
function evictionTime(pod: Frozen<Pod>, node: Frozen<Node> | undefined, since: Millis): Millis | undefined {
  let earliest: Millis | undefined
  for (const taint of evictingTaints(node)) {
    const standing = (pod.spec.tolerations ?? []).filter(toleration => tolerates(toleration, taint))
    const begun = taint.timeAdded === undefined ? since : parseTime(taint.timeAdded)
    if (standing.length === 0) return Math.min(begun, since)
    for (const { tolerationSeconds } of standing) {
      if (tolerationSeconds === undefined) continue
      const due = begun + Math.max(0, tolerationSeconds) * 1000
      earliest = Math.min(earliest ?? due, due)
    }
  }
  return earliest
}

async function evict(pod: Frozen<Pod>, { client, clock }: Context): Promise<void> {
  const { uid } = pod.metadata
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: rfc3339(clock.now()),
  }
  const ref: Ref = pod.metadata
  try {
    const body = { metadata: { uid }, status: { conditions: [condition] } }
    await client.of(Pods).patch(ref, { type: 'strategic', body }, 'status')
    await client.of(Pods).delete(ref, { preconditions: { uid } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
