// A probe is due whose answer can change something: readiness, a restart, the end of the start-up.

import type { ContainerView } from '../pod-view.ts'
import { askProbes, waitingProbe } from '../probes.ts'
import type { Stage } from '../stage.ts'

export const probing: Stage<ContainerView> = {
  name: 'probing',
  due: waitingProbe,
  apply: askProbes,
}
