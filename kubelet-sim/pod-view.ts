// What the stages see and change: a pod being brought forward (PodView), and one of its containers (ContainerView).
// Made anew by kubelet.ts for each turn; what it changes counts only when the status has been written.

import type { Container, ContainerStatus, ContainerUser, Pod, PodStatus } from '../generated/types.ts'
import type { Frozen } from '../src/api/meta.ts'
import { parseTime } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { shouldRestart } from '../src/kinds/pod-status-rules.ts'
import type { Errands } from './errands.ts'
import type { Eviction } from './eviction/evictions.ts'
import type { Behaviour, Pull } from './images.ts'
import type { Failure, Life, Run } from './life.ts'
import type { NodeImages } from './node-images.ts'
import type { Outside } from './outside.ts'
import type { RunEnd } from './runs.ts'

export interface Said {
  readonly type: 'Normal' | 'Warning'
  readonly reason: string
  readonly message: string
  /** The container it is about: its path in the spec. */
  readonly fieldPath: string | undefined
}

export interface Delays {
  /** Factor on the time images take to pull; 0: none. */
  readonly pull: number
  /** Factor on the times containers take to start and to stop; 0: none. */
  readonly start: number
}

export interface PodView {
  readonly pod: Frozen<Pod>
  readonly nodeAddress: string
  /** Of IPv6, in a cluster of both families. */
  readonly secondNodeAddress?: string | undefined
  readonly images: NodeImages
  readonly delays: Delays
  readonly status: PodStatus
  readonly life: Life
  readonly containers: readonly ContainerView[]
  now(): Millis
  readonly errands: Errands
  /** Why the kubelet does not take it at all; known when it is first seen. */
  readonly rejection: Failure | undefined
  /** Why its resources, as they were changed, cannot be given to it. */
  resizeFault(): Failure | undefined
  /** The kubelet is to end it. */
  readonly eviction: Eviction | undefined
  readonly outside: Outside | undefined
  /** Why its volumes cannot be mounted now. */
  readonly obstacle: Obstacle | undefined
  /** Secrets for pulling images that are not there. */
  readonly missingPullSecrets: readonly string[]
  /** The pod's address in the cluster; taken when it is first asked for. */
  address(): string | undefined
  /** The one of the other family, beside the first; undefined: the node has one family. */
  secondAddress(first: string): string | undefined
  say(type: Said['type'], reason: string, message: string, fieldPath?: string): void
  /** The status is not what was read any more. */
  changed: boolean
  /** Nothing runs any more and the API is to forget the pod. */
  removed: boolean
}

/**
 * `claim`: a claim that is not bound, `set-up`: what a volume is made of is not there, `attach`: it is not attached yet, of
 * which nothing is said; `sandbox`: the volumes are there, but the runtime cannot make the pod.
 */
export interface Obstacle {
  readonly kind: 'set-up' | 'claim' | 'attach' | 'sandbox'
  readonly message: string
}

export interface ContainerView {
  readonly pod: PodView
  readonly spec: Frozen<Container>
  readonly role: Role
  readonly run: Run
  /** Replaced, never changed, by `set`. */
  readonly status: ContainerStatus
  readonly behaviour: Behaviour
  /** Its command is really run. */
  readonly isRun: boolean
  /** It is said to run, but what ran in it was another process of ours, which is no more. */
  readonly isLost: boolean
  /** How its process 1 has ended, when that is known by its having run. */
  readonly ran: RunEnd | undefined
  /** Whom its programs run as. */
  readonly user: ContainerUser
  /** The image's. */
  readonly labels: Readonly<Record<string, string>> | undefined
  /** Why its environment cannot be made now. */
  readonly fault: string | undefined
  /** The image was built here: every node has it. */
  readonly isBuilt: boolean
  /** Its own image's, or another's. */
  pull(image?: string): Pull
  /** The node has it. */
  isPresent(image: string): boolean
  set(next: ContainerStatus): void
  say(type: Said['type'], reason: string, message: string): void
}

/**
 * `init` runs to its end before the next; `sidecar` is an init container that goes on running; `ephemeral` was added to the
 * running pod (kubectl debug), waits for nobody and runs once; `main` the others.
 */
export type Role = 'init' | 'sidecar' | 'ephemeral' | 'main'

export function roleOf(container: Frozen<Container>, isInit: boolean): Role {
  return isInit ? (container.restartPolicy === 'Always' ? 'sidecar' : 'init') : 'main'
}

/** Whether a container that ended is started again, by its rules, its own restartPolicy and its pod's. */
export function isRestarted({ spec, role, status, pod }: ContainerView): boolean {
  const ended = status.state?.terminated
  if (ended === undefined || role === 'sidecar') return true
  if (role === 'ephemeral' || (role === 'init' && ended.exitCode === 0)) return false
  return shouldRestart(spec, pod.pod.spec, ended.exitCode)
}

export function isInitialized({ role, status }: ContainerView): boolean {
  return role === 'sidecar' ? status.started === true : status.state?.terminated?.exitCode === 0
}

/** The containers whose turn has come: ephemeral ones, init containers one after another, then all the others. */
export function acting(view: PodView): readonly ContainerView[] {
  const found: ContainerView[] = []
  for (const container of view.containers) {
    const isInit = container.role === 'init' || container.role === 'sidecar'
    if (container.role !== 'init' || !isInitialized(container)) found.push(container)
    if (isInit && !isInitialized(container) && !hasBegun(view)) return found
  }
  return found
}

/** Once a main container has been started, a sidecar that fails holds up nobody (HasAnyRegularContainerStarted). */
function hasBegun(view: PodView): boolean {
  return view.containers.some(
    ({ role, status }) =>
      role === 'main' &&
      (status.state?.running ?? status.state?.terminated ?? status.lastState?.terminated) !== undefined,
  )
}

/** Whether all main containers have ended for good: what still runs is a sidecar, and has to stop. */
export function isOver(view: PodView): boolean {
  return view.containers.every(
    container =>
      container.role !== 'main' || (container.status.state?.terminated !== undefined && !isRestarted(container)),
  )
}

/** When a container that does not run is due to be started; undefined for one that runs or stays ended. */
export function startDue(view: ContainerView): Millis | undefined {
  const { state, lastState } = view.status
  if (state?.running || view.run.postStart) return undefined
  if (view.role === 'sidecar' && isOver(view.pod)) return undefined
  if (state?.terminated) return isRestarted(view) ? restartAt(view) : undefined
  return lastState?.terminated ? restartAt(view) : 0
}

/** The end of the back-off that the last exit began; the exit itself when there is none. */
export function restartAt(view: ContainerView): Millis {
  const { crash } = view.run
  const ended = endedAt(view)
  return crash === undefined || isExpired(crash, ended) ? ended : ended + crash.delay
}

export function endedAt({ run, status }: ContainerView): Millis {
  if (run.endedAt !== undefined) return run.endedAt
  const text = (status.state?.terminated ?? status.lastState?.terminated)?.finishedAt
  return text === undefined ? 0 : parseTime(text)
}

/** When the container that runs was started: to the second when that was before this process. */
export function startedAt({ run, status }: ContainerView): Millis {
  const text = status.state?.running?.startedAt
  return run.startedAt ?? (text === undefined ? 0 : parseTime(text))
}

const longest = 300_000
const first = 10_000

/** client-go's flowcontrol.Backoff: forgotten when twice the longest delay has gone well. */
function isExpired(backOff: { readonly since: Millis }, at: Millis): boolean {
  return at - backOff.since > 2 * longest
}

export function nextBackOff(
  current: { readonly delay: Millis; readonly since: Millis } | undefined,
  event: Millis,
  now: Millis,
): { delay: Millis; since: Millis } {
  if (current === undefined || isExpired(current, event)) return { delay: first, since: now }
  return { delay: Math.min(current.delay * 2, longest), since: now }
}
