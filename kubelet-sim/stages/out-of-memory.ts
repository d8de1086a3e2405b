// A container takes more memory than it may, or is said to some time after its start (`kubesim.dev/oom-after`): the kernel
// kills it. When that is follows from how its memory grows (usage.ts), so nobody has to look.

import { wholeValue } from '../../src/api/quantity.ts'
import type { Millis } from '../../src/env/clock.ts'
import { terminated } from '../containers.ts'
import { passes } from '../curve.ts'
import { memoryPasses } from '../images/usage.ts'
import { lastWords } from '../last-words.ts'
import { type ContainerView, startedAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { memoryCurve, memoryLimit } from '../usage.ts'

export const outOfMemory: Stage<ContainerView> = {
  name: 'out-of-memory',
  due(view): Millis | undefined {
    if (!view.status.state?.running) return undefined
    const after = view.behaviour.outOfMemoryAfter ?? passesLimit(view)
    return after === undefined ? undefined : startedAt(view) + after
  },
  apply(view, now) {
    view.set(terminated(view.status, 137, now, 'OOMKilled', lastWords(view, 137, now)))
    view.run.endedAt = now
    delete view.run.stop
    delete view.run.probes
    delete view.run.asking
  },
}

function passesLimit({ pod: { pod }, spec, labels, behaviour }: ContainerView): Millis | undefined {
  const ofPod = pod.spec.resources?.limits?.memory
  const limit = memoryLimit(spec) ?? (ofPod === undefined ? undefined : wholeValue(ofPod))
  if (limit === undefined) return undefined
  const curve = memoryCurve(pod, spec, labels)
  return curve === undefined ? memoryPasses(behaviour.usage, limit) : passes(curve, limit)
}
