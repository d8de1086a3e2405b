// The Env of a test: time that moves when told to, chance from a seed that is always the same, no log unless asked for.

import { BusyCount } from './activity.ts'
import type { Millis } from './clock.ts'
import type { Env } from './env.ts'
import { Gate } from './gate.ts'
import { type LogLevel, openLog } from './log.ts'
import { SeededRandom } from './random.ts'
import { Traffic } from './traffic.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface VirtualEnvOptions {
  readonly seed?: number | string | undefined
  readonly startAt?: Millis | undefined
  readonly logLevel?: LogLevel | undefined
  readonly logTo?: number | string | undefined
  /** How many macrotasks must be quiet before time moves (BusyCount); more than one where sockets are between. */
  readonly quiet?: number | undefined
}

export interface VirtualEnv extends Env {
  readonly clock: VirtualClock
  readonly activity: BusyCount
}

/** Time that stands until it is moved, from 2024-01-01T00:00:00Z on, and chance from the seed (1). */
export function virtualEnv({
  seed = 1,
  startAt,
  logLevel = 'silent',
  logTo,
  quiet,
}: VirtualEnvOptions = {}): VirtualEnv {
  const activity = new BusyCount(quiet)
  const clock = new VirtualClock(activity, startAt)
  return Object.freeze({
    clock,
    wall: clock,
    gate: new Gate(),
    traffic: new Traffic(),
    activity,
    random: new SeededRandom(seed),
    log: openLog(clock, logLevel, logTo),
  })
}
