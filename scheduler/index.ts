// The scheduler's controllers: one. Called by src/cluster.ts and by the scheduler run as a process of its own.

import type { ControllerSpec } from '../src/runtime/controller.ts'
import { plugins } from './plugins/index.ts'
import { createScheduler } from './scheduler.ts'

export function schedulerControllers(): ControllerSpec[] {
  return [createScheduler(plugins)]
}
