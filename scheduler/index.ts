// The scheduler's controllers: one. Called by src/cluster.ts and by the scheduler run as a process of its own.

import type { Env } from '../src/env/env.ts'
import type { ControllerSpec } from '../src/runtime/controller.ts'
import { plugins } from './plugins/index.ts'
import { createScheduler } from './scheduler.ts'

export function builtinScheduler({ activity }: Env): readonly ControllerSpec[] {
  return [createScheduler(plugins, activity)]
}
