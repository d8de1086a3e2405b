// How a container ends when it is told to: its preStop hook, its turn, then SIGTERM, and SIGKILL when its grace is over. All
// of it counts into the grace, but whoever has used it up before SIGTERM still gets two seconds
// (kuberuntime_container.go killContainer, minimumGracePeriodInSeconds). Sidecars wait for the main containers and for
// those sidecars that were started after them (kuberuntime_termination_order.go).

import type { Millis } from '../src/env/clock.ts'
import { beginHook } from './hooks.ts'
import type { Stop } from './life.ts'
import type { ContainerView, PodView } from './pod-view.ts'

const tidyUp = 200
const leastGrace = 2000

/** Tells a container to stop: says so, and begins its preStop hook. */
export function tellToStop(view: ContainerView, now: Millis, grace: Millis, message?: string): void {
  view.say('Normal', 'Killing', message ?? `Stopping container ${view.spec.name}`)
  const hook = grace > 0 ? beginHook(view, 'preStop', now) : undefined
  view.run.stop = { from: now, grace, ...(hook ? { hook } : {}) }
}

/** All that run, each in its turn. */
export function tellAllToStop(view: PodView, now: Millis, grace: Millis): void {
  for (const container of view.containers) {
    if (isRunning(container) && !container.run.stop) tellToStop(container, now, grace)
  }
}

/** When SIGTERM is due: the hook is over and its turn has come, or the grace is used up. */
export function signalDue(view: ContainerView): Millis | undefined {
  const { stop } = view.run
  if (stop === undefined || stop.term !== undefined) return undefined
  const latest = stop.from + graceOf(view, stop)
  const hook = stop.hook === undefined ? stop.from : (stop.hook.over?.at ?? Number.POSITIVE_INFINITY)
  return Math.min(latest, Math.max(hook, turnOf(view)))
}

/** SIGTERM: when it will have ended, and its code then. */
export function signal(view: ContainerView, now: Millis): void {
  const stop = view.run.stop!
  if (stop.hook?.over?.fault !== undefined && stop.hook.over.at <= now) {
    view.say('Warning', 'FailedPreStopHook', 'PreStopHook failed')
  }
  view.run.stop = { ...stop, term: now }
}

/** When a container that was sent SIGTERM has ended, and with what. */
export function endOfStop(view: ContainerView): { readonly at: Millis; readonly code: number } | undefined {
  const { stop } = view.run
  if (stop?.term === undefined) return undefined
  const left = stop.from + graceOf(view, stop) - stop.term
  const kill = stop.term + (stop.term > stop.from ? Math.max(left, leastGrace) : Math.max(left, 0))
  const { ran, behaviour } = view
  // What is really run ends when it does.
  if (view.isRun) return ran !== undefined && ran.at < kill ? ran : { at: kill, code: 137 }
  const { onTerm } = behaviour
  const own = stop.term + tidyUp * view.pod.delays.start
  return onTerm === undefined || own > kill ? { at: kill, code: 137 } : { at: own, code: onTerm }
}

export function isRunning({ status, run }: ContainerView): boolean {
  return (status.state?.running !== undefined || run.postStart !== undefined) && run.ended === undefined
}

/** A second delete may leave less than the first, and never more. */
function graceOf({ pod: { pod } }: ContainerView, { grace }: Stop): Millis {
  const { deletionGracePeriodSeconds: now } = pod.metadata
  return now === undefined ? grace : Math.min(grace, now * 1000)
}

/** When those have ended for whom it waits: the main containers and the sidecars after it. */
function turnOf(view: ContainerView): Millis {
  if (view.role !== 'sidecar') return 0
  const { containers } = view.pod
  let turn = 0
  for (const other of containers.slice(containers.indexOf(view) + 1)) {
    if (other.role !== 'main' && other.role !== 'sidecar') continue
    if (isRunning(other)) return Number.POSITIVE_INFINITY
    turn = Math.max(turn, other.run.ended?.at ?? 0)
  }
  return turn
}
