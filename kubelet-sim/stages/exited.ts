// A container ends: by itself, or because it was told to. What it leaves as its last words is in its status.

import { finishedInit, terminated } from '../containers.ts'
import { lastWords } from '../last-words.ts'
import { type ContainerView, startedAt } from '../pod-view.ts'
import type { RunEnd } from '../runs.ts'
import type { Stage } from '../stage.ts'
import { endOfStop } from '../stopping.ts'

export const exited: Stage<ContainerView> = {
  name: 'exited',
  due: view => (view.status.state?.running ? endOf(view)?.at : undefined),
  apply(view, now) {
    const { code = 0, reason, message } = endOf(view) ?? {}
    const next = terminated(view.status, code, now, reason, message ?? lastWords(view, code, now))
    if (reason === 'StartError') view.say('Warning', 'Failed', `Error: ${message}`)
    view.set(view.role === 'init' ? finishedInit(next) : next)
    view.run.endedAt = now
    delete view.run.stop
    delete view.run.probes
    delete view.run.asking
  },
}

/** The same while all the pod's containers are stopped: the kubelet is busy with that, and tells it once all have ended. */
export const ended: Stage<ContainerView> = {
  name: 'ended',
  due: view => (isLeft(view) ? endOf(view)?.at : undefined),
  apply(view, now) {
    view.run.ended = { at: now, code: endOf(view)?.code ?? 0 }
  },
}

const isLeft = ({ status, run }: ContainerView): boolean =>
  run.ended === undefined && (status.state?.running !== undefined || run.postStart !== undefined)

/** An init container is there to end. */
const done = { at: 1000, code: 0 }

function endOf(view: ContainerView): RunEnd | undefined {
  const exit = view.behaviour.script.exit ?? (view.role === 'init' && view.behaviour.isUnknown ? done : undefined)
  const own = view.ran ?? (exit && { at: startedAt(view) + exit.at, code: exit.code })
  const told = endOfStop(view)
  return told !== undefined && (own === undefined || told.at < own.at) ? told : own
}
