// Startup, liveness and readiness probes, as schedules: what a simulated container answers is known beforehand, so a probe
// that only confirms what is known is not asked at all, and a healthy pod costs no timer. Called by stages/probing.ts.
// Wording and rules: pkg/kubelet/prober/prober.go, worker.go, pkg/probe/*.

import type { Probe } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import type { Errand } from './errands.ts'
import type { ProbeKind, ProbeState } from './life.ts'
import { askLive, isLive, isUnsteady } from './live-probes.ts'
import { type ContainerView, startedAt } from './pod-view.ts'
import { tellToStop } from './stopping.ts'
import { nextChange, toldFault } from './told-probes.ts'

export function waitingProbe(view: ContainerView): Millis | undefined {
  let soonest: Millis | undefined
  for (const kind of activeKinds(view)) {
    const due = dueOf(view, kind)
    if (due !== undefined && (soonest === undefined || due < soonest)) soonest = due
  }
  return soonest
}

export function askProbes(view: ContainerView, now: Millis): void {
  for (const kind of activeKinds(view)) {
    const due = dueOf(view, kind)
    if (due === undefined || due > now) continue
    const asking = view.run.asking?.[kind]
    if (asking) answered(view, kind, asking)
    else ask(view, kind, due, now)
  }
}

const none: readonly ProbeKind[] = []

/** Until the startup probe has succeeded, the others are not asked. */
function activeKinds({ spec, status, run }: ContainerView): readonly ProbeKind[] {
  if (!status.state?.running || run.stop) return none
  if (spec.startupProbe && !status.started) return ['startup']
  if (!spec.livenessProbe && !spec.readinessProbe) return none
  const kinds: ProbeKind[] = []
  if (spec.readinessProbe) kinds.push('readiness')
  if (spec.livenessProbe) kinds.push('liveness')
  return kinds
}

function probeOf({ spec }: ContainerView, kind: ProbeKind): Frozen<Probe> {
  return (kind === 'startup' ? spec.startupProbe : kind === 'liveness' ? spec.livenessProbe : spec.readinessProbe)!
}

function dueOf(view: ContainerView, kind: ProbeKind): Millis | undefined {
  const asking = view.run.asking?.[kind]
  if (asking !== undefined) return asking.over?.at
  const probe = probeOf(view, kind)
  const next = view.run.probes?.[kind]?.next ?? firstAsked(view, probe)
  if (isUnsteady(view, probe) || !isSettled(view, kind)) return next
  const period = periodOf(probe)
  if (isLive(view, probe)) {
    return touchesOf(view) === view.run.probes?.[kind]?.touches ? undefined : alignedTo(next, period, view.pod.now())
  }
  const change = nextChange(view, probe, next)
  return change === undefined ? undefined : alignedTo(next, period, change)
}

/** Its first turn, by its period from `next` on, that is not before that time. */
function alignedTo(next: Millis, period: Millis, time: Millis): Millis {
  return next + Math.max(0, Math.ceil((time - next) / period)) * period
}

const touchesOf = ({ pod, spec }: ContainerView): number => pod.outside?.touches(pod.pod, spec.name) ?? 0

function firstAsked(view: ContainerView, { initialDelaySeconds: delay = 0 }: Frozen<Probe>): Millis {
  return Math.max(startedAt(view) + delay * 1000, view.run.startedUpAt ?? 0)
}

/** It says what the status says already: asking again would tell nothing new. */
function isSettled(view: ContainerView, kind: ProbeKind): boolean {
  const state = view.run.probes?.[kind]
  const { ready, started } = view.status
  if (kind === 'startup') return false
  // After a restart of this process the status stands for the probes that were asked before.
  if (state === undefined) return kind === 'readiness' ? ready : started === true && view.run.startedAt === undefined
  if (state.failures > 0) return false
  return kind === 'readiness' ? ready : state.successes > 0
}

function ask(view: ContainerView, kind: ProbeKind, at: Millis, now: Millis): void {
  const probe = probeOf(view, kind)
  if (!isLive(view, probe)) {
    judge(view, kind, at, toldFault(view, probe, at))
    return
  }
  const what = `${kind}/${view.spec.name}/${now}`
  const errand = view.pod.errands.once(view.pod.pod.metadata, what, now, askLive(view, probe, now))
  view.run.asking = { ...view.run.asking, [kind]: errand }
}

/** What was asked has come. */
function answered(view: ContainerView, kind: ProbeKind, asking: Errand): void {
  const { [kind]: _, ...others } = view.run.asking ?? {}
  view.run.asking = others
  view.pod.errands.drop(view.pod.pod.metadata.uid, asking)
  const { fault, isError, warning } = asking.over!
  const word = words[kind]
  if (isError) {
    // Thrown away, as upstream's workers do: it neither fails nor succeeds (worker.go doProbe).
    view.say('Warning', 'Unhealthy', `${word} probe errored and resulted in unknown state: ${fault}`)
    const next = asking.from + periodOf(probeOf(view, kind))
    const before = view.run.probes?.[kind]
    const state = { next, successes: before?.successes ?? 0, failures: before?.failures ?? 0 }
    view.run.probes = { ...view.run.probes, [kind]: state }
    return
  }
  if (warning !== undefined) view.say('Warning', 'ProbeWarning', `${word} probe warning: ${warning}`)
  judge(view, kind, asking.from, fault)
}

const words: Readonly<Record<ProbeKind, string>> = { startup: 'Startup', liveness: 'Liveness', readiness: 'Readiness' }

function judge(view: ContainerView, kind: ProbeKind, at: Millis, fault: string | undefined): void {
  const probe = probeOf(view, kind)
  const before = view.run.probes?.[kind]
  const state: ProbeState = {
    next: at + periodOf(probe),
    touches: touchesOf(view),
    successes: fault === undefined ? (before?.successes ?? 0) + 1 : 0,
    failures: fault === undefined ? 0 : (before?.failures ?? 0) + 1,
  }
  view.run.probes = { ...view.run.probes, [kind]: state }
  if (fault === undefined) {
    if (state.successes < (probe.successThreshold ?? 1)) return
    if (kind === 'readiness' && !view.status.ready) view.set({ ...view.status, ready: true })
    if (kind === 'startup') view.run.startedUpAt = at
    if (kind === 'startup') view.set({ ...view.status, started: true, ready: view.spec.readinessProbe === undefined })
    return
  }
  view.say('Warning', 'Unhealthy', `${words[kind]} probe failed: ${fault}`)
  if (state.failures < (probe.failureThreshold ?? 3)) return
  if (kind === 'readiness') {
    if (view.status.ready) view.set({ ...view.status, ready: false })
    return
  }
  const grace = probe.terminationGracePeriodSeconds ?? view.pod.pod.spec.terminationGracePeriodSeconds ?? 30
  tellToStop(view, at, grace * 1000, `Container ${view.spec.name} failed ${kind} probe, will be restarted`)
}

function periodOf(probe: Frozen<Probe>): Millis {
  return (probe.periodSeconds ?? 10) * 1000
}
