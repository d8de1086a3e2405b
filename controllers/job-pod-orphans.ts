// Pods that a Job's finalizer holds while there is no such Job any more – deleted, or no longer their owner: nobody would
// count them, so they are let go. Upstream: the orphan queue of pkg/controller/job/job_controller.go (syncOrphanPod).

import type { Job, Pod } from '../generated/types.ts'
import type { Frozen, Ref } from '../src/api/meta.ts'
import { controllerOf } from '../src/api/owners.ts'
import { Jobs } from '../src/kinds/job.ts'
import { Pods } from '../src/kinds/pod.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'
import { ownerRef } from './shared/claims.ts'
import { isTracked } from './shared/job-pods.ts'
import { letGo } from './shared/job-tracking.ts'

/** Pods that wait to be counted, by the Job whose they are. */
const trackedIndex = 'tracked-by-job'

export function jobPodOrphansController(): ControllerSpec<Pod> {
  return defineController<Pod>({
    name: 'job-pod-orphans-controller',
    for: Pods,
    wakes: [
      {
        kind: Jobs,
        keys(now: Frozen<Job> | undefined, before: Frozen<Job> | undefined, { lister }) {
          if (now !== undefined || before === undefined) return []
          return lister(Pods)
            .by(trackedIndex, keyOf(before.metadata))
            .map(({ metadata }) => metadata)
        },
      },
    ],
    concerns: isTracked,
    start(context) {
      context.lister(Pods).index(trackedIndex, trackedKeys)
    },
    async reconcile(pod, context) {
      const owner = controllerOf(pod)
      const ref = ownerRef(Jobs, pod)
      const job = ref && context.lister(Jobs).get(ref)
      if (owner === undefined || (ref !== undefined && job?.metadata.uid !== owner.uid)) await letGo([pod], context)
    },
  })
}

function trackedKeys(pod: Frozen<Pod>): readonly string[] {
  const owner = isTracked(pod) ? ownerRef(Jobs, pod) : undefined
  return owner === undefined ? [] : [keyOf(owner)]
}

const keyOf = ({ namespace, name }: Ref): string => `${namespace}/${name}`
