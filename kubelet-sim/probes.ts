// Startup, liveness and readiness probes, as schedules: what a simulated container answers is known beforehand, so a probe
// that only confirms what is known is not asked at all, and a healthy pod costs no timer. Called by stages/probing.ts.
// Wording and rules: pkg/kubelet/prober/prober.go, worker.go, pkg/probe/*.

import type { Probe } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import type { Millis } from '../src/env/clock.ts'
import { hasFile, understand } from './command.ts'
import { behaviourAt } from './images.ts'
import type { ProbeKind, ProbeState } from './life.ts'
import { statusAt } from './network/http.ts'
import { type ContainerView, startedAt } from './pod-view.ts'
import { portNumber } from './ports.ts'
import { tellToStop } from './stopping.ts'

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
    if (due !== undefined && due <= now) ask(view, kind, due)
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
  const probe = probeOf(view, kind)
  const next = view.run.probes?.[kind]?.next ?? firstAsked(view, probe)
  if (!isSettled(view, kind)) return next
  const change = nextChange(view, probe, next)
  if (change === undefined) return undefined
  const period = periodOf(probe)
  return next + Math.max(0, Math.ceil((change - next) / period)) * period
}

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

function ask(view: ContainerView, kind: ProbeKind, at: Millis): void {
  const probe = probeOf(view, kind)
  const before = view.run.probes?.[kind]
  const fault = faultOf(view, probe, at)
  const state: ProbeState = {
    next: at + periodOf(probe),
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
  const word = kind === 'startup' ? 'Startup' : kind === 'liveness' ? 'Liveness' : 'Readiness'
  view.say('Warning', 'Unhealthy', `${word} probe failed: ${fault}`)
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

/** What is wrong with the container at that time, in the prober's words; undefined when nothing is. */
function faultOf(view: ContainerView, probe: Frozen<Probe>, at: Millis): string | undefined {
  const age = at - startedAt(view)
  const isUnhealthy = view.behaviour.unhealthyAfter !== undefined && age >= view.behaviour.unhealthyAfter
  if (probe.exec) return isUnhealthy ? 'command failed' : execFault(view, probe.exec.command ?? [], age)
  const host = probe.httpGet?.host ?? probe.tcpSocket?.host ?? view.pod.status.podIP ?? ''
  const port = portNumber(view.spec, probe.httpGet?.port ?? probe.tcpSocket?.port ?? probe.grpc?.port)
  const listener = view.pod.containers.find(
    ({ status, behaviour }) =>
      status.state?.running && port !== undefined && age >= behaviour.listensAfter && behaviour.ports.includes(port),
  )
  const refused = `dial tcp ${host}:${port ?? 0}: connect: connection refused`
  if (probe.httpGet) {
    const scheme = (probe.httpGet.scheme ?? 'HTTP').toLowerCase()
    const path = `/${(probe.httpGet.path ?? '/').replace(/^\//, '')}`
    const url = `Get "${scheme}://${host}:${port ?? 0}${path}"`
    if (!listener) return `${url}: ${refused}`
    if (listener.behaviour.tcp) return `${url}: EOF`
    const status = statusAt(behaviourAt(listener.behaviour, port!), path, isUnhealthy)
    return status >= 200 && status < 400 ? undefined : `HTTP probe failed with statuscode: ${status}`
  }
  if (probe.grpc) {
    return listener && !isUnhealthy
      ? undefined
      : `timeout: failed to connect service "${host}:${port}" within ${probe.timeoutSeconds ?? 1}s: context deadline exceeded`
  }
  return listener && !isUnhealthy ? undefined : refused
}

/** Asks for files the container's script makes; a command that cannot be told succeeds. */
function execFault(view: ContainerView, command: readonly string[], age: Millis): string | undefined {
  const { files } = view.behaviour.script
  const path = wantedFile(command)
  if (path !== undefined && files.some(file => file.path === path)) {
    return hasFile(files, path, age) ? undefined : `cat: can't open '${path}': No such file or directory\n`
  }
  const code = understand(command, {})?.exit?.code ?? 0
  return code === 0 ? undefined : 'command failed'
}

/** `cat FILE`, `ls FILE`, `stat FILE`, `test -f FILE`, `[ -e FILE ]`, also within `sh -c`. */
function wantedFile(command: readonly string[]): string | undefined {
  const text = /^(\/bin\/)?(ba|a)?sh -c /.test(command.join(' ')) ? (command[2] ?? '') : command.join(' ')
  return /^(?:\S*\/)?(?:cat|ls|stat|test -[efs]|\[ -[efs])\s+(\S+)(?:\s+\])?\s*$/.exec(text)?.[1]
}

/** When the answer may next be another than it was at `after`; undefined: never. */
function nextChange(view: ContainerView, probe: Frozen<Probe>, after: Millis): Millis | undefined {
  const start = startedAt(view)
  const { unhealthyAfter, script } = view.behaviour
  let soonest: Millis | undefined
  const consider = (at: Millis) => {
    if (at > after - periodOf(probe) && (soonest === undefined || at < soonest)) soonest = at
  }
  if (unhealthyAfter !== undefined) consider(Math.max(start + unhealthyAfter, after))
  const path = probe.exec && wantedFile(probe.exec.command ?? [])
  if (path !== undefined) for (const file of script.files) if (file.path === path) consider(start + file.at)
  return soonest
}
