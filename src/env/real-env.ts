// The Env of a running cluster: the wall's time, chance from a seed (the system's own when none is given), a log.

import { PromptBusyCount } from './activity.ts'
import { RealClock } from './clock.ts'
import type { Env } from './env.ts'
import { Gate } from './gate.ts'
import { type LogLevel, openLog } from './log.ts'
import { SeededRandom, systemSeed } from './random.ts'
import { Traffic } from './traffic.ts'

export interface RealEnvOptions {
  /** Of all chance; undefined draws one. */
  readonly seed?: number | string | undefined
  readonly logLevel?: LogLevel | undefined
  /** A file descriptor (2, standard error, when left out) or a file's path. */
  readonly logTo?: number | string | undefined
}

export interface RealEnv extends Env {
  readonly clock: RealClock
  readonly wall: RealClock
  readonly seed: number | string
}

/** The wall's time, chance from the seed (drawn when none is given), a log on standard error. */
export function realEnv({ seed = systemSeed(), logLevel = 'info', logTo }: RealEnvOptions = {}): RealEnv {
  const clock = new RealClock()
  return Object.freeze({
    clock,
    wall: new RealClock(),
    gate: new Gate(),
    traffic: new Traffic(),
    random: new SeededRandom(seed),
    activity: new PromptBusyCount(),
    log: openLog(clock, logLevel, logTo),
    seed,
  })
}
