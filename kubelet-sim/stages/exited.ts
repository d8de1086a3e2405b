// A container ends: by itself, or because it was told to.

import type { Millis } from '../../src/env/clock.ts'
import { finishedInit, terminated } from '../containers.ts'
import { type ContainerView, startedAt } from '../pod-view.ts'
import type { Stage } from '../stage.ts'

export const exited: Stage<ContainerView> = {
  name: 'exited',
  due: view => endOf(view)?.at,
  apply(view, now) {
    const code = endOf(view)?.code ?? 0
    const next = terminated(view.status, code, now)
    view.set(view.role === 'init' ? finishedInit(next) : next)
    view.run.endedAt = now
    delete view.run.killed
    delete view.run.probes
  },
}

/** An init container is there to end. */
const done = { at: 1000, code: 0 }

function endOf(view: ContainerView): { at: Millis; code: number } | undefined {
  if (!view.status.state?.running) return undefined
  const exit = view.behaviour.script.exit ?? (view.role === 'init' && view.behaviour.isUnknown ? done : undefined)
  const own = exit && { at: startedAt(view) + exit.at, code: exit.code }
  const { killed } = view.run
  return killed !== undefined && (own === undefined || killed.at < own.at) ? killed : own
}
