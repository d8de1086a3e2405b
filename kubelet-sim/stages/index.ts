// All stages, one line each. Of several that are due at the same moment, the first in its list happens first.

import type { ContainerView, PodView } from '../pod-view.ts'
import type { Stage } from '../stage.ts'
import { admitting } from './admitting.ts'
import { backingOff } from './backing-off.ts'
import { completed } from './completed.ts'
import { deadline } from './deadline.ts'
import { evicted } from './evicted.ts'
import { ended, exited } from './exited.ts'
import { misconfigured } from './misconfigured.ts'
import { mounting } from './mounting.ts'
import { naming } from './naming.ts'
import { outOfMemory } from './out-of-memory.ts'
import { postStarted, postStartFailed } from './post-started.ts'
import { probing } from './probing.ts'
import { pullBackingOff, pulled, pullFailed, pulling } from './pulling.ts'
import { rebooted } from './rebooted.ts'
import { redefined } from './redefined.ts'
import { resizing } from './resizing.ts'
import { signalled } from './signalled.ts'
import { starting } from './starting.ts'
import { storageExceeded } from './storage-exceeded.ts'
import { stopped, stopping } from './terminating.ts'

/** Asked for the pod as a whole, always. */
export const podStages: readonly Stage<PodView>[] = [
  stopping,
  rebooted,
  evicted,
  storageExceeded,
  stopped,
  admitting,
  deadline,
  mounting,
  resizing,
  completed,
]

/** Asked for each container whose turn it is, while the pod lives. */
export const containerStages: readonly Stage<ContainerView>[] = [
  signalled,
  exited,
  postStarted,
  postStartFailed,
  outOfMemory,
  redefined,
  naming,
  pulled,
  pullFailed,
  pullBackingOff,
  misconfigured,
  starting,
  backingOff,
  pulling,
  probing,
]

/** Asked for every container while all of them are stopped for good. */
export const endingStages: readonly Stage<ContainerView>[] = [signalled, ended]
