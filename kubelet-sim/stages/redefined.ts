// The image of a running container was changed in the pod's spec: the container is stopped, and starts anew with that.

import { canonicalName } from '../images.ts'
import type { ContainerView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { tellToStop } from '../stopping.ts'

export const redefined: Stage<ContainerView> = {
  name: 'redefined',
  due({ status, spec, run }) {
    return status.state?.running && !run.stop && canonicalName(spec.image ?? '') !== status.image ? 0 : undefined
  },
  apply(view, now) {
    const grace = (view.pod.pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
    tellToStop(view, now, grace, `Container ${view.spec.name} definition changed, will be restarted`)
  },
}
