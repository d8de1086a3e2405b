// Makes room for a more important pod: those that were to have the node are told that they are not, the victims are marked,
// deleted and told by whom (pkg/scheduler/framework/preemption/executor.go). Called by scheduler.ts once preemption has
// decided; it goes on beside the next cycles.

import type { Pod, PodCondition } from '../generated/types.ts'
import { findCondition } from '../src/api/conditions.ts'
import { ApiError, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import { refOf } from '../src/kinds/kind.ts'
import { Pods } from '../src/kinds/pod.ts'
import type { Context } from '../src/runtime/controller.ts'

export interface Eviction {
  readonly preemptor: Frozen<Pod>
  readonly node: string
  readonly victims: readonly Frozen<Pod>[]
  /** Less important pods that were nominated to the node. */
  readonly rivals: readonly Frozen<Pod>[]
}

/** Whether every victim is gone or going; if not, the preemptor has to look again. */
export async function evict({ preemptor, node, victims, rivals }: Eviction, context: Context): Promise<boolean> {
  const pods = context.client.of(Pods)
  let isDone = true
  const attempt = async (work: () => Promise<unknown>, what: string): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (isNotFound(error)) return true
      if (!(error instanceof ApiError)) throw error
      context.log.warn({ pod: name(preemptor), node, error: error.message }, what)
      return false
    }
  }
  for (const rival of rivals) {
    if (!rival.status.nominatedNodeName) continue
    const body = { status: { nominatedNodeName: null } }
    await attempt(() => pods.patch(refOf(rival), { type: 'merge', body }, 'status'), 'nomination not taken back')
  }
  for (const victim of victims) {
    if (victim.metadata.deletionTimestamp !== undefined) continue
    const marks = { status: { conditions: [disrupted(victim, preemptor, context.clock.now())] } }
    const preconditions = victim.metadata.uid === undefined ? {} : { preconditions: { uid: victim.metadata.uid } }
    const isEvicted =
      (await attempt(
        () => pods.patch(refOf(victim), { type: 'strategic', body: marks }, 'status'),
        'victim not marked',
      )) && (await attempt(() => pods.delete(refOf(victim), preconditions), 'victim not deleted'))
    if (!isEvicted) {
      isDone = false
      break
    }
    const message = `Preempted by pod ${preemptor.metadata.uid} on node ${node}`
    context.event(victim, 'Normal', 'Preempted', message, 'Preempting')
    context.log.info({ pod: name(preemptor), victim: name(victim), node }, 'preempted')
  }
  return isDone
}

function disrupted({ metadata, status }: Frozen<Pod>, preemptor: Frozen<Pod>, now: number): PodCondition {
  const old = findCondition(status.conditions, 'DisruptionTarget')
  const lastTransitionTime = old?.status === 'True' ? old.lastTransitionTime : undefined
  return {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${preemptor.spec.schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: lastTransitionTime ?? rfc3339(now),
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
  }
}

const name = ({ metadata }: Frozen<Pod>): string => `${metadata.namespace}/${metadata.name}`
