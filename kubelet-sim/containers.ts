// What a pod's status says of its containers: their states, the pod's phase and conditions. Pure; the words and rules are
// the kubelet's (pkg/kubelet/kubelet_pods.go getPhase, pkg/kubelet/status/generate.go).

import type {
  Container,
  ContainerStatus,
  ContainerUser,
  Pod,
  PodCondition,
  PodSpec,
  PodStatus,
} from '../generated/types.ts'
import { setCondition } from '../src/api/conditions.ts'
import type { Frozen } from '../src/api/meta.ts'
import { rfc3339 } from '../src/api/time.ts'
import type { Millis } from '../src/env/clock.ts'
import { shouldRestart } from '../src/kinds/pod-status-rules.ts'
import { fingerprint } from './fingerprint.ts'
import { canonicalName } from './images.ts'
import { digestName } from './node-images.ts'
import { roleOf } from './pod-view.ts'

export function waiting(
  container: Frozen<Container>,
  reason: string,
  message?: string,
  before?: ContainerStatus,
): ContainerStatus {
  return {
    imageID: '',
    lastState: {},
    name: container.name,
    restartCount: 0,
    ...mountsIn(container),
    ...before,
    image: before?.imageID ? before.image : (container.image ?? ''),
    ready: false,
    started: false,
    state: { waiting: { ...(message === undefined ? {} : { message }), reason } },
  }
}

/** Running, for the first time or again; what it was before it becomes its last state. */
export function started(
  pod: Frozen<Pod>,
  container: Frozen<Container>,
  before: ContainerStatus | undefined,
  now: Millis,
  user?: ContainerUser,
): ContainerStatus {
  const ended = before?.state?.terminated ?? before?.lastState?.terminated
  const restartCount = ended === undefined ? (before?.restartCount ?? 0) : (before?.restartCount ?? 0) + 1
  const image = canonicalName(container.image ?? '')
  return {
    containerID: containerID(pod, container.name, restartCount),
    image,
    imageID: digestName(image),
    lastState: ended === undefined ? {} : { terminated: ended },
    name: container.name,
    ready: container.readinessProbe === undefined && container.startupProbe === undefined,
    ...resourcesOf(container),
    restartCount,
    started: container.startupProbe === undefined,
    state: { running: { startedAt: rfc3339(now) } },
    ...(user === undefined ? {} : { user }),
    ...(before?.volumeMounts ? { volumeMounts: before.volumeMounts } : mountsIn(container)),
  }
}

/** Every runtime handler here can make a mount read-only with all that is mounted below it. */
function mountsIn({ volumeMounts }: Frozen<Container>): Pick<ContainerStatus, 'volumeMounts'> {
  if (!volumeMounts?.length) return {}
  return {
    volumeMounts: volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly = 'Disabled' }) => ({
      mountPath,
      name,
      ...(readOnly ? { readOnly, recursiveReadOnly: recursiveReadOnly === 'Disabled' ? 'Disabled' : 'Enabled' } : {}),
    })),
  }
}

/** What a container is given, as its status says; nothing of one that asks for nothing. */
export function resourcesOf({
  resources,
}: Frozen<Container>): Pick<ContainerStatus, 'resources' | 'allocatedResources'> {
  const { requests, limits } = resources ?? {}
  if (requests === undefined && limits === undefined) return {}
  return {
    ...(requests === undefined ? {} : { allocatedResources: requests }),
    resources: { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) },
  }
}

export function terminated(
  status: ContainerStatus,
  exitCode: number,
  now: Millis,
  reason?: string,
  message?: string,
): ContainerStatus {
  const startedAt = status.state?.running?.startedAt
  return {
    ...status,
    ready: false,
    started: false,
    state: {
      terminated: {
        ...(status.containerID === undefined ? {} : { containerID: status.containerID }),
        exitCode,
        finishedAt: rfc3339(now),
        ...(message ? { message } : {}),
        reason: reason ?? (exitCode === 0 ? 'Completed' : 'Error'),
        ...(startedAt === undefined ? {} : { startedAt }),
      },
    },
  }
}

/** An ephemeral container is neither ready nor started in its status: nothing probes it (prober_manager.go UpdatePodStatus). */
export function unprobed({ started, ...status }: ContainerStatus): ContainerStatus {
  return { ...status, ready: false }
}

/** An init container that succeeded is ready (convertToAPIContainerStatuses). */
export function finishedInit(status: ContainerStatus): ContainerStatus {
  return status.state?.terminated?.exitCode === 0 ? { ...status, ready: true } : status
}

export function containerID(pod: Frozen<Pod>, name: string, restartCount: number): string {
  return `containerd://${fingerprint(`${pod.metadata.uid}/${name}/${restartCount}`)}`
}

/**
 * Where a pod stands, by its containers; an end once reached is kept. `isStopped`: none of them is started again
 * (kubelet_pods.go getPhase).
 */
export function phaseOf(
  spec: Frozen<PodSpec>,
  status: Frozen<PodStatus> | PodStatus,
  isStopped: boolean = false,
): string {
  if (status.phase === 'Succeeded' || status.phase === 'Failed') return status.phase
  let running = 0
  let waiting = 0
  let initializing = 0
  let pending = 0
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const own = status.initContainerStatuses?.[index]
    const ended = endOf(own)
    if (roleOf(container, true) === 'sidecar') {
      if (own?.state?.running) {
        running++
        if (own.started !== true) pending++
      } else if (ended === undefined) waiting++
    } else if (ended === undefined) initializing++
    else if (ended.exitCode !== 0 && !shouldRestart(container, spec, ended.exitCode)) return 'Failed'
  }
  let stopped = 0
  let restartable = 0
  let succeeded = 0
  for (const [index, container] of spec.containers.entries()) {
    const own = status.containerStatuses?.[index]
    const ended = endOf(own)
    if (own?.state?.running) running++
    else if (ended === undefined) waiting++
    else {
      stopped++
      if (shouldRestart(container, spec, ended.exitCode)) restartable++
      if (own?.state?.terminated?.exitCode === 0) succeeded++
    }
  }
  if (initializing > 0 || (pending > 0 && !hasStarted(status)) || waiting > 0) return 'Pending'
  if (running > 0 || status.ephemeralContainerStatuses?.some(({ state }) => state?.running)) return 'Running'
  if (stopped === 0) return 'Pending'
  if (restartable > 0 && !isStopped) return 'Running'
  return stopped === succeeded ? 'Succeeded' : 'Failed'
}

/** How it ended, unless it runs. */
function endOf(status: Frozen<ContainerStatus> | ContainerStatus | undefined) {
  return status?.state?.terminated ?? (status?.state?.waiting ? status.lastState?.terminated : undefined)
}

function hasStarted(status: Frozen<PodStatus> | PodStatus): boolean {
  return (status.containerStatuses ?? []).some(
    ({ state, lastState }) => (state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined,
  )
}

/** Brings the kubelet's own conditions of a status draft up to date; says whether that changed anything. */
export function setPodConditions(pod: Frozen<Pod>, status: PodStatus, now: Millis): boolean {
  status.conditions ??= []
  const conditions = status.conditions
  // The kubelet's own come first, in this order; what others wrote before (PodScheduled) follows.
  const others = conditions.some(({ type }) => type === 'Ready') ? [] : conditions.splice(0)
  const generation = pod.metadata.generation
  const observed = generation === undefined ? {} : { observedGeneration: generation }
  let changed = false
  const set = (type: string, holds: boolean, reason?: string, message?: string) => {
    const next = {
      ...observed,
      type,
      status: holds ? 'True' : 'False',
      ...(reason ? { reason } : {}),
      ...(message ? { message } : {}),
    }
    changed = setCondition<PodCondition>(conditions, next, now) || changed
  }
  const ready = containersReady(pod.spec, status)
  const gates = ready.holds ? openGates(pod, conditions) : undefined
  const initialized = initializedBy(pod.spec, status)
  const ended = status.phase === 'Succeeded' || status.phase === 'Failed'
  set('PodReadyToStartContainers', status.podIP !== undefined && !ended)
  set('Initialized', initialized.holds, initialized.reason, initialized.message)
  if (gates) set('Ready', false, 'ReadinessGatesNotReady', gates)
  else set('Ready', ready.holds, ready.reason, ready.message)
  set('ContainersReady', ready.holds, ready.reason, ready.message)
  conditions.push(...others)
  return changed
}

interface Claim {
  readonly holds: boolean
  readonly reason?: string
  readonly message?: string
}

function containersReady(spec: Frozen<PodSpec>, status: PodStatus): Claim {
  if (status.phase === 'Succeeded') return { holds: false, reason: 'PodCompleted' }
  if (status.phase === 'Failed') return { holds: false, reason: 'PodFailed' }
  const unready: string[] = []
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    if (roleOf(container, true) === 'sidecar' && !status.initContainerStatuses?.[index]?.ready)
      unready.push(container.name)
  }
  for (const [index, container] of spec.containers.entries()) {
    if (!status.containerStatuses?.[index]?.ready) unready.push(container.name)
  }
  if (unready.length === 0) return { holds: true }
  return {
    holds: false,
    reason: 'ContainersNotReady',
    message: `containers with unready status: [${unready.join(' ')}]`,
  }
}

function initializedBy(spec: Frozen<PodSpec>, status: PodStatus): Claim {
  if (status.phase === 'Succeeded') return { holds: true, reason: 'PodCompleted' }
  if (hasStarted(status)) return { holds: true }
  const incomplete: string[] = []
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const own = status.initContainerStatuses?.[index]
    if (roleOf(container, true) === 'sidecar' ? own?.started !== true : own?.ready !== true)
      incomplete.push(container.name)
  }
  if (incomplete.length === 0) return { holds: true }
  return {
    holds: false,
    reason: 'ContainersNotInitialized',
    message: `containers with incomplete status: [${incomplete.join(' ')}]`,
  }
}

/** What the pod's readiness gates still wait for; undefined when they are all open. */
function openGates(pod: Frozen<Pod>, conditions: readonly PodCondition[]): string | undefined {
  const faults: string[] = []
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const status = conditions.find(condition => condition.type === conditionType)?.status
    if (status === undefined)
      faults.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (status !== 'True')
      faults.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${status}`)
  }
  return faults.length === 0 ? undefined : faults.join(', ')
}
