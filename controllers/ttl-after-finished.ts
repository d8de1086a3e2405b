// Jobs that have ended are deleted after the time they were given (spec.ttlSecondsAfterFinished).
// Upstream: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go.

import type { Job } from '../generated/types.ts'
import { isConflict, isNotFound } from '../src/api/errors.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import { Jobs } from '../src/kinds/job.ts'
import { type ControllerSpec, defineController } from '../src/runtime/controller.ts'

export function ttlAfterFinishedController(): ControllerSpec<Job> {
  return defineController<Job>({
    name: 'ttl-after-finished-controller',
    for: Jobs,
    workers: 5,
    concerns: job => job.spec.ttlSecondsAfterFinished !== undefined && finishedAt(job) !== undefined,
    async reconcile(job, { client, clock }) {
      const { metadata, spec } = job
      if (metadata.deletionTimestamp !== undefined) return
      const left = parseTime(finishedAt(job)!) + spec.ttlSecondsAfterFinished! * 1000 - clock.now()
      if (left > 0) return { again: left }
      const preconditions = { uid: metadata.uid, resourceVersion: metadata.resourceVersion }
      try {
        await client.of(Jobs).delete(metadata, { propagationPolicy: 'Foreground', preconditions })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    },
  })
}

function finishedAt({ status }: Frozen<Job>): string | undefined {
  return status.conditions?.find(({ type, status: is }) => (type === 'Complete' || type === 'Failed') && is === 'True')
    ?.lastTransitionTime
}
