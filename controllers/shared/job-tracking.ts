// The finalizer that holds a Job's pods until their end is counted: how it is taken away. Called by the Job controller and by
// the one for pods whose Job is gone.

import type { Pod } from '../../generated/types.ts'
import { isNotFound } from '../../src/api/errors.ts'
import type { Frozen } from '../../src/api/meta.ts'
import { Pods } from '../../src/kinds/pod.ts'
import type { Context } from '../../src/runtime/controller.ts'
import { isTracked, trackingFinalizer } from './job-pods.ts'

/** Takes the finalizer from pods. */
export async function letGo(pods: readonly Frozen<Pod>[], context: Context): Promise<void> {
  await Promise.all(pods.filter(isTracked).map(pod => release(pod, context)))
}

async function release(pod: Frozen<Pod>, { client }: Context): Promise<void> {
  const finalizers = pod.metadata.finalizers!.filter(each => each !== trackingFinalizer)
  const { uid, resourceVersion } = pod.metadata
  const body = { metadata: { uid, resourceVersion, finalizers: finalizers.length > 0 ? finalizers : null } }
  try {
    await client.of(Pods).patch(pod.metadata, { type: 'merge', body })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
