// Env: what no component may fetch for itself – time, chance, "is anyone busy", and where to write the log.
// Built once by src/cluster.ts (or a test) and handed down; nothing else in the project asks the system for these.

import type { Activity } from './activity.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './log.ts'
import type { Random } from './random.ts'

export interface Env {
  readonly clock: Clock
  readonly random: Random
  readonly activity: Activity
  readonly log: Logger
}
