// Env: what no component may fetch for itself – time, chance, "is anyone busy", who may begin, and where to write the log.
// Built once by src/cluster.ts (or a test) and handed down; nothing else in the project asks the system for these.

import type { Activity } from './activity.ts'
import type { Clock } from './clock.ts'
import type { Gate } from './gate.ts'
import type { Logger } from './log.ts'
import type { Random } from './random.ts'
import type { Traffic } from './traffic.ts'

/** What nobody fetches for himself: time, chance, who is at work, who may begin, the log. Made by `realEnv` or `virtualEnv`. */
export interface Env {
  /** The cluster's time. */
  readonly clock: Clock
  /**
   * The time of those outside, who know nothing of the cluster's: how long a request may take, a watch may last, what TLS asks.
   * It goes on while the cluster's stands still, and does not run with it. In virtual time both are the same.
   */
  readonly wall: Clock
  readonly gate: Gate
  /** What travels, for those who want to see it. */
  readonly traffic: Traffic
  readonly random: Random
  readonly activity: Activity
  readonly log: Logger
}
